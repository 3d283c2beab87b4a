"""A guest asks to be forgotten: everything that tells who it was goes, what the café earned stays."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from customers.errors import CustomerNotFound
from customers.events import CustomerErased
from customers.imports.erasing import erase_from_imports, lock_open_imports
from customers.models import (
    BulkOperation,
    Customer,
    CustomerNote,
    FamilyMember,
    MergeRecord,
    RecentSearch,
    SavedView,
    Visit,
)
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.erasure import forget_in_flight, scrub_trail
from servaan_crm.core.events import publish
from servaan_crm.core.models import AuditEntry
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national
from servaan_crm.l10n.text import search_key
from servaan_crm.messaging.services import erase_texts

# No country has +999, so nobody can ever be called or found by it.
_NOBODY = "+999"
_KEEP_CUSTOMER = ("id", "status", "allow_marketing", "deleted_at", "erased_at", "merged_into_id", "version")
_KEEP_VISIT = (
    "id", "customer_id", "visit_number", "visit_date", "outlet_id", "visit_type", "total_amount",
    "discount_amount", "final_amount", "points_value", "payment_method", "voided_at",
)  # fmt: skip
_ROWS_IN_TRAIL = """
SELECT DISTINCT row_id FROM core_auditentry
 WHERE action <> 'update'
   AND table_name IN ('customers_customernote', 'customers_familymember', 'customers_customer_tags')
   AND table_name = %(table)s AND COALESCE(new ->> 'customer_id', old ->> 'customer_id') = ANY(%(ids)s)
"""
# Why a guest was blocked before a bulk operation, kept there for its undoing.
_ERASE_BULK = """
WITH batches AS (
    UPDATE customers_bulkbatch SET before_reason[array_position(changed_ids, %(id)s)] = ''
     WHERE before_reason <> '{}' AND %(id)s = ANY(changed_ids)
       AND cardinality(before_reason) >= array_position(changed_ids, %(id)s))
UPDATE customers_bulkoperation SET before_reason[array_position(changed_ids, %(id)s)] = ''
 WHERE %(id)s = ANY(changed_ids) AND cardinality(before_reason) >= array_position(changed_ids, %(id)s)
"""


@survives_deadlock
def erase_customer(*, actor: Actor, customer_id: UUID) -> Customer:
    """Make a guest, and those once merged into it, unrecognisable for good; visits, totals and points stay.

    One transaction; the rooms above follow on ``customer.erased``. Erasing twice changes nothing the second time.
    Events under way name the guest, and whoever delivers one holds it while waiting for the guest: when the two meet,
    this is done once more.

    Raises CustomerNotFound.
    """
    with write(actor):
        imports = lock_open_imports()
        family = _lock_with_merged(customer_id)
        if family[0].erased_at is not None:
            return family[0]
        ids = [row.pk for row in family]
        phones = [row.phone for row in family if not row.phone.startswith(_NOBODY)]
        forms = {number for phone in phones for number in (phone, national(phone, get_locale().phone_region))}
        words = {word for row in family for word in (row.name, row.name_english, row.email) if word} | forms
        erase_texts(customer_ids=ids, phones=phones, recipient=_nobody())
        _erase_parts(ids)
        _erase_strays(ids, phones, words)
        for row in family:
            _anonymise(row, actor)
        for pk in ids:
            publish(CustomerErased(customer_id=str(pk)))
        forget_in_flight(ids, phones, words)
        _scrub(ids)
        erase_from_imports(imports, ids, phones, words)
    return family[0]


def note_export(*, actor: Actor, customer_id: UUID) -> None:
    """Leave an entry in the trail that ``actor`` took out everything known of this guest."""
    AuditEntry.objects.create(
        table_name=Customer._meta.db_table,
        row_id=str(customer_id),
        action="export",
        actor_id=str(actor.user_id or ""),
        actor_name=actor.name,
    )


def _lock_with_merged(customer_id: UUID) -> list[Customer]:
    """Return the guest first, then every record that was merged into it, all locked.

    Whoever was merged into the guest while this waited is to be forgotten, too: then the locks go back, and all are
    taken anew in the order of the ids.
    """
    while True:
        found = _family(customer_id)
        attempt = transaction.savepoint()
        rows = Customer.objects.select_for_update(of=("self",)).select_related("summary")
        locked = {row.pk: row for row in rows.filter(pk__in=found).order_by("pk")}
        if customer_id not in locked:
            raise CustomerNotFound(details={"customer_id": str(customer_id)})
        if _family(customer_id) == found:
            transaction.savepoint_commit(attempt)
            return [locked[pk] for pk in found]
        transaction.savepoint_rollback(attempt)


def _family(customer_id: UUID) -> list[UUID]:
    """Return the guest's id, then those of all records that are part of it."""
    wanted, found = [customer_id], [customer_id]
    while wanted:
        rows = Customer.objects.filter(merged_into__in=wanted).order_by("pk")
        wanted = list(rows.values_list("pk", flat=True))
        found += wanted
    return found


def _nobody() -> str:
    return f"{_NOBODY}{secrets.randbelow(10**12):012d}"


def _anonymise(customer: Customer, actor: Actor) -> None:
    now = timezone.now()
    with override(get_locale().language):
        customer.name = _("Erased guest")
    customer.phone = _nobody()
    for name in (
        "name_english",
        "email",
        "gender",
        "notes",
        "address",
        "city",
        "postal_code",
        "block_reason",
    ):
        setattr(customer, name, "")
    customer.birthday = customer.anniversary = None
    customer.preferences, customer.custom = {}, {}
    customer.allow_marketing = False
    customer.deleted_at = customer.deleted_at or now
    customer.erased_at = now
    customer.version += 1
    customer.updated_by_id = actor.user_id
    customer.save()
    customer.tags.clear()


def _erase_parts(ids: Sequence[UUID]) -> None:
    CustomerNote.objects.filter(customer_id__in=ids).delete()
    FamilyMember.objects.filter(customer_id__in=ids).delete()
    Visit.objects.filter(customer_id__in=ids).update(notes="", feedback_comment="", void_reason="")
    MergeRecord.objects.filter(Q(kept_id__in=ids) | Q(merged_id__in=ids)).update(before={}, moved={})


def _erase_strays(ids: Sequence[UUID], phones: Sequence[str], words: set[str]) -> None:
    """What guests left outside their own rows: searches for them, the admin's log."""
    with override(get_locale().language):
        nameless = _("Erased guest")
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Customer), object_id__in=[str(pk) for pk in ids]
    ).update(object_repr=nameless, change_message="")
    keys = {search_key(word) for word in words}
    digits = {phone.lstrip("+") for phone in phones}
    told = [
        pk for pk, query in RecentSearch.objects.values_list("pk", "query") if _tells(query, keys, digits)
    ]
    RecentSearch.objects.filter(pk__in=told).delete()
    for model in (SavedView, BulkOperation):
        for row in model.objects.filter(query__contains="search=").only("pk", "query"):
            asked = QueryDict(row.query, mutable=True)
            if any(_tells(text, keys, digits) for text in asked.pop("search", [])):
                model.objects.filter(pk=row.pk).update(query=asked.urlencode())
    with connection.cursor() as cursor:
        cursor.executemany(_ERASE_BULK, [{"id": pk} for pk in ids])


def _tells(query: str, keys: set[str], digits: set[str]) -> bool:
    """Whether a search was for one of these people: a part of a name, or of a number from four digits on."""
    key = search_key(query)
    number = "".join(character for character in key if character.isdigit()).lstrip("0")
    if len(number) >= 4 and any(number in known for known in digits):
        return True
    return len(key) > 2 and any(key in known or known in key for known in keys)


def _scrub(ids: Sequence[UUID]) -> None:
    scrub_trail("customers_customer", ids, keep=_KEEP_CUSTOMER)
    for table in ("customers_customernote", "customers_familymember"):
        scrub_trail(table, _rows_in_trail(table, ids), keep=("id", "customer_id", "is_pinned"))
    visits = Visit.objects.filter(customer_id__in=ids).values_list("pk", flat=True)
    scrub_trail("customers_visit", visits, keep=_KEEP_VISIT)


def _rows_in_trail(table: str, ids: Sequence[UUID]) -> list[str]:
    """Return the rows of ``table`` that were ever these guests', those deleted long ago too."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS_IN_TRAIL, {"table": table, "ids": [str(pk) for pk in ids]})
        return [row[0] for row in cursor.fetchall()]
