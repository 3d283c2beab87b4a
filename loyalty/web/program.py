"""The program as a page of sentences, its bonus rules and its versions."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from customers.models import MenuItem
from customers.web.family import put_errors
from loyalty.changes import changes_of
from loyalty.models import BonusRule, LoyaltyProgram, ProgramVersion
from loyalty.selectors.program import get_program, list_bonus_rules, outlet_names, terms_of
from loyalty.selectors.versions import count_rows, get_version, list_versions, rows_of_version
from loyalty.services.bonus_rules import (
    change_bonus_rule,
    create_bonus_rule,
    delete_bonus_rule,
    move_bonus_rule,
)
from loyalty.services.program import update_program
from loyalty.web import bonus_forms, program_forms, simulator
from loyalty.web.bonus_forms import BonusForm
from loyalty.web.program_forms import ProgramForm, typed_rules
from loyalty.web.sentences import rows_of
from loyalty.words import bonus_sentence
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.l10n.money import format_number

PER_PAGE = 20


class ProgramPage(RolePage, View):
    """The rules in sentences, the bonus rules and the simulator. Who may not change them reads them."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        program = get_program()
        return show_program(request, program, ProgramForm.of(program))


def show_program(
    request: HttpRequest, program: LoyaltyProgram, form: ProgramForm, status: int = 200, **extra: Any
) -> HttpResponse:
    """Render the page with ``form``."""
    read_only, outlets = not can(request.user, P.LOYALTY_MANAGE), outlet_names()
    visit = simulator.SimulatorForm.ordinary()
    context = {
        "program": program,
        "form": form,
        "read_only": read_only,
        "groups": [
            (_("What a visit earns"), rows_of(form, program_forms.EARNING, read_only=read_only)),
            (_("What becomes of the points"), rows_of(form, program_forms.LASTING, read_only=read_only)),
        ],
        "rules": [(rule, bonus_sentence(terms_of(rule), outlets)) for rule in list_bonus_rules()],
        "latest": list_versions().first(),
        "visit": visit,
        "visit_rows": rows_of(visit, simulator.VISIT),
        "more_rows": rows_of(visit, simulator.MORE),
        "menu": MenuItem.objects.filter(is_active=True).values_list("name", flat=True),
        **extra,
    }
    return render(request, "loyalty/program.html", context, status=status)


class _Managed(RolePage, View):
    permission = P.LOYALTY_MANAGE


class SaveProgram(_Managed):
    """Save the sentences; what somebody else changed meanwhile is never overwritten unseen."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("loyalty:program")

    def post(self, request: HttpRequest) -> HttpResponse:
        form, program = ProgramForm(request.POST), get_program()
        if not form.is_valid():
            return show_program(request, program, form, status=422)
        expected = form.cleaned_data["version"] or program.version
        kept = ProgramVersion.objects.filter(version=expected).first()
        base = typed_rules(kept.rules) if kept else dict(ProgramForm.of(program).initial)
        changes = {name: value for name, value in form.values.items() if value != base[name]}
        try:
            saved = update_program(actor=self.actor, changes=changes, expected_version=expected)
        except EditConflict:
            program = get_program()
            theirs = _changes_since(kept, program) if kept else []
            return show_program(
                request,
                program,
                form.onto(base, program),
                status=409,
                latest_changes=theirs,
                is_conflict=True,
            )
        except ValidationError as error:
            put_errors(form, error)
            return show_program(request, get_program(), form, status=422)
        messages.success(
            request, _("Saved. Version %(version)s is in force.") % {"version": format_number(saved.version)}
        )
        return redirect("loyalty:program")


def _changes_since(kept: ProgramVersion, program: LoyaltyProgram) -> list[Any]:
    now = ProgramVersion.objects.filter(version=program.version).first()
    return changes_of(kept.rules, now.rules, outlet_names()) if now else []


class BonusPage(_Managed):
    """A new bonus rule."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(BonusForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.save(BonusForm(request.POST))

    def save(self, form: BonusForm, rule: BonusRule | None = None) -> HttpResponse:
        """Write the rule, or show what is wrong with it."""
        if not form.is_valid():
            return self.show(form, rule, status=422)
        try:
            if rule is None:
                create_bonus_rule(actor=self.actor, values=form.values)
            else:
                seen = _moment(form.cleaned_data["seen"])
                change_bonus_rule(actor=self.actor, rule_id=rule.pk, changes=form.values, seen=seen)
        except ValidationError as error:
            form.put_errors(error)
            return self.show(form, rule, status=422)
        except EditConflict:
            now = _rule(rule.pk) if rule else None
            data = self.request.POST.copy()
            data["seen"] = now.updated_at.isoformat() if now else ""
            return self.show(BonusForm(data, rule=None), now, status=409, is_conflict=True)
        messages.success(self.request, _("The bonus was saved."))
        return redirect("loyalty:program")

    def show(
        self, form: BonusForm, rule: BonusRule | None = None, status: int = 200, **extra: Any
    ) -> HttpResponse:
        """Render the form."""
        context = {
            "form": form, "rule": rule, "sentence": bonus_sentence(terms_of(rule), outlet_names()) if rule else "",
            "effect": rows_of(form, bonus_forms.EFFECT), "when": rows_of(form, bonus_forms.WHEN),
            "what": rows_of(form, bonus_forms.WHAT), "who": rows_of(form, bonus_forms.WHO), **extra,
        }  # fmt: skip
        return render(self.request, "loyalty/bonus.html", context, status=status)


class EditBonus(BonusPage):
    """Change one bonus rule."""

    def get(self, request: HttpRequest, rule_id: UUID) -> HttpResponse:  # type: ignore[override]
        rule = _rule(rule_id)
        return self.show(BonusForm(rule=rule), rule)

    def post(self, request: HttpRequest, rule_id: UUID) -> HttpResponse:  # type: ignore[override]
        rule = _rule(rule_id)
        return self.save(BonusForm(request.POST, rule=rule), rule)


class BonusSentence(_Managed):
    """The sentence of the rule as it is typed."""

    def get(self, request: HttpRequest) -> HttpResponse:
        terms = BonusForm(request.GET).terms
        sentence = bonus_sentence(terms, outlet_names()) if terms else ""
        return render(request, "loyalty/_bonus_sentence.html", {"sentence": sentence})


class ChangeBonusList(_Managed):
    """Move a rule in the list, switch it on or off, delete it: ``do`` says which."""

    def post(self, request: HttpRequest, rule_id: UUID) -> HttpResponse:
        rule, do = _rule(rule_id), request.POST.get("do")
        if do == "up":
            move_bonus_rule(actor=self.actor, rule_id=rule.pk, steps=-1)
        elif do == "down":
            move_bonus_rule(actor=self.actor, rule_id=rule.pk, steps=1)
        elif do in ("on", "off"):
            change_bonus_rule(actor=self.actor, rule_id=rule.pk, changes={"is_active": do == "on"})
        elif do == "delete":
            delete_bonus_rule(actor=self.actor, rule_id=rule.pk)
            messages.success(
                request, _("The bonus “%(name)s” was deleted. What it gave stays.") % {"name": rule.name}
            )
        return redirect("loyalty:program")


def _rule(rule_id: UUID) -> BonusRule:
    rule = BonusRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise NotFound(details={"rule_id": str(rule_id)})
    return rule


def _moment(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


class VersionsPage(RolePage, View):
    """Who changed the program, when, and what."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        page, outlets = Paginator(list_versions(), PER_PAGE).get_page(request.GET.get("page")), outlet_names()
        rows = [(row, changes_of(row.before, row.rules, outlets)) for row in page]
        return render(request, "loyalty/versions.html", {"page": page, "rows": rows})


class _Counted(Paginator):  # type: ignore[type-arg]
    """A paginator that is told how many rows there are."""

    count = 0


class VersionPage(RolePage, View):
    """One version: what it changed, and the ledger rows it made, newest first."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, version: int) -> HttpResponse:
        row = get_version(version)
        entries = rows_of_version(row)
        count = count_rows(entries)
        pages = _Counted(entries.select_related("customer")[: count.number], PER_PAGE)
        pages.count = count.number
        context = {
            "row": row,
            "changes": changes_of(row.before, row.rules, outlet_names()),
            "count": count,
            "entries": pages.get_page(request.GET.get("page")),
        }
        return render(request, "loyalty/version.html", context)
