"""Building a segment: rows and groups, a live count, and the same as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import MenuItem
from segments.errors import InvalidCriteria
from segments.language.fields import all_fields
from segments.models import Segment
from segments.selectors.preview import preview
from segments.selectors.segments import get_segment
from segments.sentences import WEEKDAYS, say
from segments.services.segments import new_key, save_segment
from segments.web.views import SegmentPages
from servaan_crm.accounts.models import Outlet
from servaan_crm.accounts.permissions import P
from servaan_crm.core.errors import DomainError
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import to_screen, unit_name

FIELD_GROUPS = {
    "visits": gettext_lazy("Visits and spend"),
    "recency": gettext_lazy("When they came"),
    "club": gettext_lazy("Customer club"),
    "occasions": gettext_lazy("Birthdays and anniversaries"),
    "guest": gettext_lazy("About the guest"),
    "derived": gettext_lazy("How they behave"),
    "rfm": gettext_lazy("RFM"),
    "feedback": gettext_lazy("Feedback"),
    "messages": gettext_lazy("Messages"),
    "custom": gettext_lazy("Own fields"),
}
# Another word for the same thing; the builder offers one of them.
ALIASES = {"tier_levels"}
MOST_CHARACTERS = 20_000
START: dict[str, Any] = {"visits": {"within_days": 30, "min": 2}}


def builder_data(segment: Segment) -> dict[str, Any]:
    """Return what the builder's script needs: the fields with their controls, and choices for filters."""
    fields = [
        {
            "name": field.name, "label": str(field.label), "kind": field.kind, "unit": field.unit,
            "group": str(FIELD_GROUPS.get(field.group, field.group)),
            "options": [[key, str(label)] for key, label in field.options()] if field.options else None,
            "filters": "payment" in json.dumps(field.schema()),
        }
        for field in all_fields()
        if field.name not in ALIASES
    ]  # fmt: skip
    order = list(FIELD_GROUPS.values())
    fields.sort(key=lambda field: [str(words) for words in order].index(str(field["group"])))
    others = Segment.objects.exclude(pk=segment.pk).filter(is_active=True).order_by("name")
    fields.append(
        {"name": "in_segment", "label": _("Is in the segment"), "kind": "set", "unit": "", "filters": False,
         "group": str(FIELD_GROUPS["derived"]), "options": [[one.key, one.name] for one in others]}
    )  # fmt: skip
    menu = MenuItem.objects.filter(is_active=True)
    return {
        "fields": fields,
        "money": {"scale": float(1 / to_screen(1, get_locale())), "unit": unit_name()},
        "outlets": [[str(pk), name] for pk, name in Outlet.objects.values_list("pk", "name")],
        "weekdays": [[str(place), str(name)] for place, name in enumerate(WEEKDAYS)],
        "items": sorted(set(menu.values_list("name", flat=True))),
        "categories": sorted({name for name in menu.values_list("category", flat=True) if name}),
        "words": _words(),
    }


def _words() -> dict[str, str]:
    return {
        "all": _("all of these hold"), "any": _("at least one of these holds"), "not": _("none of this holds"),
        "add_row": _("Add a condition"), "add_group": _("Add a group"), "remove": _("Remove"),
        "min": _("at least"), "max": _("at most"), "eq": _("exactly"), "not_eq": _("other than"),
        "above": _("more than"), "below": _("less than"),
        "between": _("between"), "and": _("and"), "in": _("is one of"), "not_in": _("is none of"),
        "has_any": _("has one of"), "has_all": _("has all of"), "has_none": _("has none of"),
        "yes": _("yes"), "no": _("no"), "days": _("days"), "within": _("in the last"), "before": _("longer ago than"),
        "from_to": _("between two dates"), "known": _("is known"), "unknown": _("is not known"),
        "ever": _("at any time"), "contains": _("contains"), "is": _("is"), "item": _("item"),
        "category": _("category"), "outlet": _("outlet"), "weekday": _("weekday"), "times": _("times"),
        "more": _("Only certain visits"), "choose": _("Choose…"), "within_next": _("within"), "from": _("from"),
        "to": _("to"), "condition": _("Condition"), "date_hint": _("year-month-day"),
    }  # fmt: skip


def _parsed(text: str) -> Any:
    """Return JSON that was typed or put together. Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_("nested too deeply")) from None


class SegmentForm(SegmentPages):
    """Base of adding and editing."""

    permission = P.SEGMENTS_MANAGE

    def show(
        self, segment: Segment, text: str, problems: dict[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        context = {
            "segment": segment,
            "criteria_text": text,
            "builder": builder_data(segment),
            "problems": problems or {},
            "is_new": segment._state.adding,
        }
        return render(self.request, "segments/builder.html", context, status=status)

    def take(self, segment: Segment) -> HttpResponse:
        """Save what was posted, or show it again with what is wrong."""
        post = self.request.POST
        segment.name = post.get("name", "")[:100].strip()
        segment.description = post.get("description", "")[:2000].strip()
        text = post.get("criteria", "")[:MOST_CHARACTERS]
        if not segment.key:
            segment.key = new_key(segment.name)
        if segment._state.adding and post.get("kind") == Segment.Kind.STATIC:
            segment.kind, segment.criteria = Segment.Kind.STATIC, {}
        try:
            if not segment.is_static:
                segment.criteria = _parsed(text)
            version = post.get("version", "")
            save_segment(
                actor=self.actor,
                segment=segment,
                expected_version=int(version) if version.isdigit() else None,
            )
        except ValueError as error:
            return self.show(
                segment, text, {"criteria": [_("This is not JSON: %(error)s") % {"error": error}]}, 422
            )
        except ValidationError as error:
            found = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
            return self.show(segment, text, found, 422)
        except DomainError as error:
            return self.show(segment, text, {"criteria": [str(error)]}, 409 if error.status == 409 else 422)
        messages.success(self.request, _("The segment “%(name)s” is saved.") % {"name": segment.name})
        return redirect("segments:detail", segment.key)


class NewSegment(SegmentForm):
    """Add a segment."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(Segment(criteria=START), json.dumps(START, ensure_ascii=False, indent=1))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.take(Segment(created_by_id=self.actor.user_id))


class EditSegment(SegmentForm):
    """Change a segment of the café's own."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        segment = get_segment(key)
        if segment.is_system:
            messages.info(request, _("A built-in segment stays as it is; make a copy to change it."))
            return redirect("segments:detail", key)
        return self.show(segment, json.dumps(segment.criteria, ensure_ascii=False, indent=1))

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        return self.take(get_segment(key))


class PreviewPart(SegmentPages):
    """How many guests the criteria in hand match, some of them, and the criteria in words."""

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            criteria = _parsed(request.POST.get("criteria", "")[:MOST_CHARACTERS])
            found = preview(criteria, key=request.POST.get("key", ""))
        except ValueError:
            return render(
                request, "segments/_preview.html", {"problem": _("The criteria are not complete yet.")}
            )
        except InvalidCriteria as error:
            return render(request, "segments/_preview.html", {"problem": str(error)})
        names = dict(Segment.objects.values_list("key", "name"))
        return render(request, "segments/_preview.html", {"found": found, "said": say(criteria, names)})
