"""The movers of the customer book itself, and of the messages below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.merging.registry import (
    Merge,
    Mover,
    Outcome,
    Part,
    RowsMover,
    Stays,
    register_mover,
    seal_rows,
)
from customers.models import (
    Channel,
    ConsentChange,
    Customer,
    CustomerNote,
    CustomerSummary,
    DuplicateDismissal,
    DuplicatePair,
    FamilyMember,
    Tag,
    Visit,
)
from customers.selectors.consent import newest_answers
from customers.services.visits import recount_summary
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import InboundMessage, Message

# Out of the way of real numbers while the unique index looks at every single row of an update.
_ASIDE = """
UPDATE customers_visit SET visit_number = visit_number
       + CASE WHEN customer_id = %(kept)s THEN 1000000000 ELSE 1500000000 END, customer_id = %(kept)s
 WHERE customer_id IN (%(kept)s, %(merged)s)
"""
_NUMBER_BY_DATE = """
UPDATE customers_visit AS visit SET visit_number = ranked.number
  FROM (SELECT id, row_number() OVER (ORDER BY visit_date, created_at, id) AS number
          FROM customers_visit WHERE customer_id = %(kept)s) AS ranked
 WHERE visit.id = ranked.id
"""
_AS_BEFORE = """
UPDATE customers_visit AS visit SET customer_id = old.owner, visit_number = old.number
  FROM unnest(%(ids)s::uuid[], %(owners)s::uuid[], %(numbers)s::int[]) AS old(id, owner, number)
 WHERE visit.id = old.id
"""


class VisitsMover(Mover):
    """Visits go to the kept guest and are numbered 1…n by their dates; both summaries are counted again."""

    name = "visits"
    label = _("Visits")
    handles = ("customers.Visit.customer", "customers.CustomerSummary.customer")
    order = 10

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        return (Part(self.name, self.label, "receipt", Visit.objects.filter(customer_id=merged_id).count()),)

    def foresee(self, kept: Customer, merged: Customer, outcome: Outcome) -> None:
        outcome.total_visits = kept.summary.total_visits + merged.summary.total_visits
        outcome.lifetime_spent = kept.summary.lifetime_spent + merged.summary.lifetime_spent

    def move(self, merge: Merge) -> dict[str, Any]:
        rows = Visit.objects.filter(customer_id__in=merge.ids).order_by("visit_number")
        numbers: dict[str, dict[str, int | None]] = {str(key): {} for key in merge.ids}
        for visit_id, owner, number in rows.values_list("pk", "customer_id", "visit_number"):
            numbers[str(owner)][str(visit_id)] = number
        last = [guest.summary.last_visit_number for guest in (merge.kept, merge.merged)]
        with connection.cursor() as cursor:
            cursor.execute(_ASIDE, {"kept": merge.kept.pk, "merged": merge.merged.pk})
            cursor.execute(_NUMBER_BY_DATE, {"kept": merge.kept.pk})
        total = sum(len(found) for found in numbers.values())
        _recount(merge.kept.summary, total)
        _recount(merge.merged.summary, 0)
        return {"numbers": numbers, "last": last}

    def put_back(self, merge: Merge, moved: Any) -> None:
        rows = [
            (visit_id, owner, number)
            for owner, found in moved["numbers"].items()
            for visit_id, number in found.items()
        ]
        ids, owners, numbers = zip(*rows, strict=True) if rows else ((), (), ())
        with connection.cursor() as cursor:
            cursor.execute(_ASIDE, {"kept": merge.kept.pk, "merged": merge.merged.pk})
            cursor.execute(_AS_BEFORE, {"ids": list(ids), "owners": list(owners), "numbers": list(numbers)})
        for guest, last in zip((merge.kept, merge.merged), moved["last"], strict=True):
            _recount(guest.summary, last)

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return seal_rows(
            Visit, "customer_id", [kept_id, merged_id], "updated_at", "voided_at", "final_amount"
        )


def _recount(summary: CustomerSummary, last_number: int) -> None:
    recount_summary(summary)
    summary.last_visit_number = last_number
    summary.save()


class TagsMover(Mover):
    """The kept guest gets the tags of both; the merged one keeps its own."""

    name = "tags"
    label = _("Tags")
    handles = ("customers.Customer_tags.customer",)

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        count = Customer.tags.through.objects.filter(customer_id=merged_id).count()
        return (Part(self.name, self.label, "tag", count),)

    def foresee(self, kept: Customer, merged: Customer, outcome: Outcome) -> None:
        names = {tag.name for guest in (kept, merged) for tag in guest.tags.all()}
        outcome.tags = sorted(names)

    def move(self, merge: Merge) -> list[str]:
        added = list(Tag.objects.filter(customers=merge.merged).exclude(customers=merge.kept))
        merge.kept.tags.add(*added)
        return sorted(str(tag.pk) for tag in added)

    def put_back(self, merge: Merge, moved: Any) -> None:
        merge.kept.tags.remove(*Tag.objects.filter(pk__in=moved))

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return seal_rows(Customer.tags.through, "customer_id", [kept_id, merged_id], "tag_id")


class ConsentMover(Mover):
    """The history is copied, being append-only, and where one guest refused a channel the refusal stands."""

    name = "consent"
    label = _("Consent")
    handles = ("customers.ConsentChange.customer",)

    def move(self, merge: Merge) -> dict[str, bool]:
        before = _answers(merge.kept.pk)
        wanted = {code: yes and before[code] for code, yes in _answers(merge.merged.pk).items()}
        note = _said(_("From the merged record"))
        rows = ConsentChange.objects.filter(customer_id=merge.merged.pk).order_by("pk")
        ConsentChange.objects.bulk_create(
            ConsentChange(
                customer_id=merge.kept.pk, channel=row.channel, granted=row.granted, source=row.source,
                actor_name=row.actor_name, note=row.note or note, at=row.at,
            )
            for row in rows
        )  # fmt: skip
        self._settle(merge, wanted, _said(_("A refusal stays a refusal")))
        return before

    def put_back(self, merge: Merge, moved: Any) -> None:
        self._settle(merge, moved, _said(_("Merge undone")))

    @staticmethod
    def _settle(merge: Merge, wanted: dict[str, bool], note: str) -> None:
        """Add an answer for each channel on which the newest one is not the wanted one."""
        now = _answers(merge.kept.pk)
        ConsentChange.objects.bulk_create(
            ConsentChange(
                customer_id=merge.kept.pk, channel=code, granted=granted, note=note,
                source=ConsentChange.Source.STAFF, actor_name=merge.actor.name,
            )
            for code, granted in wanted.items()
            if now[code] != granted
        )  # fmt: skip

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        return seal_rows(ConsentChange, "customer_id", [kept_id, merged_id])


def _answers(customer_id: UUID) -> dict[str, bool]:
    """Return channel → the newest answer for it; silence is no refusal."""
    found = newest_answers([customer_id])[customer_id]
    return {code: found.get(code, (0, True))[1] for code in Channel.values}


def _said(text: Promise | str) -> str:
    """Return a note in the café's language, whatever the screen of the person who merges."""
    with translation.override(get_locale().language):
        return str(text)[:200]


class DismissalsMover(Mover):
    """Whoever was found not to be the merged guest is not the kept one either."""

    name = "dismissals"
    label = _("Dismissed duplicates")
    handles = ("customers.DuplicateDismissal.first", "customers.DuplicateDismissal.second")

    def move(self, merge: Merge) -> list[str]:
        gone, kept = merge.merged.pk, merge.kept.pk
        rows = [
            *DuplicateDismissal.objects.filter(first_id=gone).values_list("second_id", "actor_name"),
            *DuplicateDismissal.objects.filter(second_id=gone).values_list("first_id", "actor_name"),
        ]
        made = []
        for other, name in rows:
            if other == kept:
                continue
            first, second = sorted((other, kept))
            row, is_new = DuplicateDismissal.objects.get_or_create(
                first_id=first, second_id=second, defaults={"actor_name": name}
            )
            made += [str(row.pk)] if is_new else []
        return made

    def put_back(self, merge: Merge, moved: Any) -> None:
        DuplicateDismissal.objects.filter(pk__in=moved).delete()


class PairsMover(Mover):
    """The merged guest is nobody's duplicate any more; the kept one is looked at again when the merge is told of."""

    name = "duplicate_pairs"
    label = _("Possible duplicates")
    handles = ("customers.DuplicatePair.first", "customers.DuplicatePair.second")

    def move(self, merge: Merge) -> list[str]:
        gone = merge.merged.pk
        DuplicatePair.objects.filter(Q(first_id=gone) | Q(second_id=gone)).delete()
        return []


class HeirsMover(RowsMover):
    """Guests that were merged into the merged one earlier are now part of the kept one."""

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        return ()


def _register() -> None:
    register_mover(VisitsMover())
    register_mover(TagsMover())
    register_mover(RowsMover(CustomerNote, label=_("Notes"), icon="note", code="notes"))
    register_mover(RowsMover(FamilyMember, label=_("Family"), icon="users-group", code="family_members"))
    register_mover(ConsentMover())
    register_mover(DismissalsMover())
    register_mover(PairsMover())
    register_mover(
        HeirsMover(
            Customer, label=_("Earlier merges"), icon="users", code="heirs", field="merged_into", sealed=False
        )
    )
    register_mover(
        RowsMover(
            Message, label=_("Messages"), icon="message", code="messages", field="customer_id", sealed=False
        )
    )
    register_mover(
        RowsMover(
            InboundMessage, label=_("Received messages"), icon="message-dots", code="inbound_messages",
            field="customer_id", sealed=False,
        )
    )  # fmt: skip
    register_mover(
        Stays(
            "merges",
            {
                "customers.MergeRecord.kept": "a merge is history",
                "customers.MergeRecord.merged": "a merge is history",
                "customers.ImportChange.customer_id": "an import's undo speaks of the record it changed",
            },
        )
    )


_register()
