"""What the customer book itself can do to many guests: tags, status, deleting. One statement for a set or a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import BulkOperation, Customer, Tag
from customers.services.bulk import TARGETS, Portion, Skipped, register_effect
from customers.services.customers import is_phone_conflict
from customers.services.tags import hold_tags
from servaan_crm.accounts.permissions import P
from servaan_crm.core.actors import Actor
from servaan_crm.l10n.text import search_key

# Each time one more number has a new owner, who is left alone by the next try.
_RACES = 20
# Whoever changes a guest leaves name, time and a new version, as a change of one guest does.
_TOUCH = "version = c.version + 1, updated_at = %(now)s, updated_by_id = %(user)s"
# ``reached``: id, status, reason as they were. The operation remembers them in the order of the ids.
_REMEMBER = """
UPDATE {memory} AS o
   SET changed = r.changed, changed_ids = r.ids, before_status = r.statuses, before_reason = r.reasons
  FROM (SELECT count(*) AS changed,
               COALESCE(array_agg(id ORDER BY id), '{{}}') AS ids,
               COALESCE(array_agg(status::varchar ORDER BY id), '{{}}') AS statuses,
               COALESCE(array_agg(reason::varchar ORDER BY id), '{{}}') AS reasons
          FROM reached) AS r
 WHERE o.id = %(bulk)s
RETURNING o.changed
"""
_ADD = f"""
WITH hit AS (
    INSERT INTO customers_customer_tags (customer_id, tag_id) SELECT id, %(tag)s FROM {TARGETS} ORDER BY id
    ON CONFLICT DO NOTHING RETURNING customer_id),
touched AS (
    UPDATE customers_customer AS c SET {_TOUCH} WHERE c.id IN (SELECT customer_id FROM hit)),
reached AS (SELECT customer_id AS id, '' AS status, '' AS reason FROM hit)
"""
_REMOVE = f"""
WITH hit AS (
    DELETE FROM customers_customer_tags AS l USING {TARGETS} AS t
     WHERE l.customer_id = t.id AND l.tag_id = %(tag)s RETURNING l.customer_id),
touched AS (
    UPDATE customers_customer AS c SET {_TOUCH} WHERE c.id IN (SELECT customer_id FROM hit)),
reached AS (SELECT customer_id AS id, '' AS status, '' AS reason FROM hit)
"""
_STATUS = f"""
WITH reached AS (
    UPDATE customers_customer AS c SET status = %(status)s, block_reason = %(reason)s, {_TOUCH} FROM {TARGETS} AS t
     WHERE c.id = t.id AND (c.status, c.block_reason) IS DISTINCT FROM (%(status)s, %(reason)s)
    RETURNING c.id, t.status, t.block_reason AS reason)
"""
_STATUS_BACK = f"""
UPDATE customers_customer AS c SET status = t.status, block_reason = t.block_reason, {_TOUCH} FROM {TARGETS} AS t
 WHERE c.id = t.id AND c.deleted_at IS NULL AND c.status = %(status)s AND c.block_reason = %(reason)s
"""
_DELETE = f"""
WITH reached AS (
    UPDATE customers_customer AS c SET deleted_at = %(now)s, {_TOUCH} FROM {TARGETS} AS t
     WHERE c.id = t.id AND c.deleted_at IS NULL RETURNING c.id, '' AS status, '' AS reason)
"""
# A number somebody else has by now stays with that guest; of two deleted ones with the same number one comes back.
_RESTORE = f"""
UPDATE customers_customer AS c SET deleted_at = NULL, {_TOUCH}
 WHERE c.id IN (SELECT DISTINCT ON (d.phone) d.id FROM customers_customer AS d JOIN {TARGETS} AS t ON t.id = d.id
                 WHERE d.deleted_at IS NOT NULL AND d.merged_into_id IS NULL AND NOT EXISTS (
                     SELECT FROM customers_customer AS n WHERE n.phone = d.phone AND n.deleted_at IS NULL)
                 ORDER BY d.phone, d.id)
   AND c.deleted_at IS NOT NULL
"""


def _run(sql: str, actor: Actor, **values: Any) -> int:
    """Run one statement on ``TARGETS`` and return how many guests it reached."""
    values |= {"now": timezone.now(), "user": actor.user_id}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        if cursor.description is None:
            return int(cursor.rowcount)
        return int(cursor.fetchone()[0])


def _change(sql: str, portion: Portion, actor: Actor, **values: Any) -> None:
    in_batch = portion.batch_id is not None
    memory = "customers_bulkbatch" if in_batch else "customers_bulkoperation"
    values["bulk"] = portion.batch_id if in_batch else portion.pk
    portion.changed = _run(sql + _REMEMBER.format(memory=memory), actor, **values)


class _TagEffect:
    """Base of putting a tag on and taking it off."""

    permission: ClassVar[P] = P.CUSTOMERS_EDIT
    can_undo: ClassVar[bool] = True
    rest: ClassVar[str]
    _sql: ClassVar[str]
    _back: ClassVar[str]

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Take ``tag``: the id or the name of a tag."""
        wanted = str(params.get("tag") or "").strip()
        for tag in Tag.objects.all():
            if str(tag.pk) == wanted.lower() or (wanted and search_key(tag.name) == search_key(wanted)):
                return {"tag": str(tag.pk), "tag_name": tag.name}
        known = ", ".join(Tag.objects.values_list("name", flat=True)[:50])
        raise ValidationError({"tag": [_("Choose one of: %(values)s.") % {"values": known}]})

    def weigh(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> None:
        return None

    def apply(self, portion: Portion, actor: Actor) -> list[Skipped]:
        tag = UUID(portion.params["tag"])
        hold_tags([Tag(pk=tag, name=portion.params["tag_name"])])
        _change(self._sql, portion, actor, tag=tag)
        return [Skipped(self.rest, portion.matched - portion.changed)]

    def undo(self, operation: BulkOperation, actor: Actor) -> int:
        tag = UUID(operation.params["tag"])
        try:
            hold_tags([Tag(pk=tag)])
        except ValidationError:  # it was deleted
            return 0
        return _run(f"{self._back} SELECT count(*) FROM reached", actor, tag=tag)

    @staticmethod
    def _with(matches: QuerySet[Customer], params: Mapping[str, Any]) -> int:
        tagged = Customer.tags.through.objects.filter(tag_id=params["tag"]).values("customer_id")
        return matches.order_by().filter(pk__in=tagged).count()


class AddTag(_TagEffect):
    """Put a tag on."""

    action: ClassVar[str] = "add_tag"
    label: ClassVar[str | Promise] = gettext_lazy("Add a tag")
    rest = "already_tagged"
    _sql, _back = _ADD, _REMOVE

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        return [Skipped(self.rest, self._with(matches, params))]


class RemoveTag(_TagEffect):
    """Take a tag off."""

    action: ClassVar[str] = "remove_tag"
    label: ClassVar[str | Promise] = gettext_lazy("Remove a tag")
    rest = "not_tagged"
    _sql, _back = _REMOVE, _ADD

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        return [Skipped(self.rest, matches.order_by().count() - self._with(matches, params))]


class SetStatus:
    """Set the status; blocking says why."""

    action: ClassVar[str] = "set_status"
    label: ClassVar[str | Promise] = gettext_lazy("Set the status")
    permission: ClassVar[P] = P.CUSTOMERS_DELETE
    can_undo: ClassVar[bool] = True

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Take ``status``, and ``reason`` when it is "blocked" (at most 200 characters)."""
        status, reason = str(params.get("status") or ""), str(params.get("reason") or "").strip()
        if status not in Customer.Status.values:
            legal = ", ".join(Customer.Status.values)
            raise ValidationError({"status": [_("Choose one of: %(values)s.") % {"values": legal}]})
        if status != Customer.Status.BLOCKED:
            return {"status": status, "reason": ""}
        if not reason or len(reason) > 200 or "\x00" in reason:
            raise ValidationError({"reason": [_("Say why, in at most 200 characters.")]})
        return {"status": status, "reason": reason}

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        same = matches.order_by().filter(status=params["status"], block_reason=params["reason"])
        return [Skipped("already_so", same.count())]

    def weigh(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> None:
        return None

    def apply(self, portion: Portion, actor: Actor) -> list[Skipped]:
        _change(_STATUS, portion, actor, **portion.params)
        return [Skipped("already_so", portion.matched - portion.changed)]

    def undo(self, operation: BulkOperation, actor: Actor) -> int:
        return _run(_STATUS_BACK, actor, **operation.params)


class Delete:
    """Take out of the book; the history stays."""

    action: ClassVar[str] = "delete"
    label: ClassVar[str | Promise] = gettext_lazy("Delete")
    permission: ClassVar[P] = P.CUSTOMERS_DELETE
    can_undo: ClassVar[bool] = True

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        return []

    def weigh(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> None:
        return None

    def apply(self, portion: Portion, actor: Actor) -> list[Skipped]:
        _change(_DELETE, portion, actor)
        return []

    def undo(self, operation: BulkOperation, actor: Actor) -> int:
        for _race in range(_RACES):
            try:
                with transaction.atomic():
                    return _run(_RESTORE, actor)
            except IntegrityError as error:  # somebody entered one of the numbers after this looked
                if not is_phone_conflict(error):
                    raise
        return _run(_RESTORE, actor)


for _effect in (AddTag(), RemoveTag(), SetStatus(), Delete()):
    register_effect(_effect)
