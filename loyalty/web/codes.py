"""The pages of discount codes: list with uses, one code, create, generate, file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views import View

from customers.exports.files import CSV_TYPE, csv_pieces
from customers.exports.http import streamed
from loyalty.models import DiscountCode
from loyalty.selectors.codes import (
    STATES,
    code_figures,
    code_lines,
    get_code,
    given_by,
    list_codes,
    list_uses,
    state_of,
)
from loyalty.services.codes import create_code, generate_codes, update_code
from loyalty.web.code_forms import CodeForm, GenerateForm, TermsForm, initial_of
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_date, local_date
from servaan_crm.l10n.money import format_money, format_number

PAGE = 25
STATE_WORDS = {
    "usable": gettext_lazy("Usable"),
    "upcoming": gettext_lazy("Not yet"),
    "used_up": gettext_lazy("Used up"),
    "expired": gettext_lazy("Expired"),
    "off": gettext_lazy("Switched off"),
}
TONES = {"usable": "ok", "upcoming": "info", "used_up": "mute", "expired": "mute", "off": "warn"}


class CodePages(RolePage, View):
    """Base of the addresses of codes."""

    permission = P.LOYALTY_MANAGE

    def filters(self) -> dict[str, Any]:
        """Return the filters of the address; what is not known counts as nothing."""
        state = self.request.GET.get("state", "")
        return {
            "search": self.request.GET.get("q", "")[:100].strip(),
            "state": state if state in STATES else "",
            "used": {"yes": True, "no": False}.get(self.request.GET.get("used", "")),
        }


class CodesPage(CodePages):
    """The list with the figures of what it shows."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = self.filters()
        rows = list_codes(filters)
        page = Paginator(rows, PAGE).get_page(to_ascii(request.GET.get("page", "1")))
        given = given_by(list(page.object_list))
        context = {
            "page": page,
            "codes": [_shown(code, given.get(code.pk)) for code in page.object_list],
            "figures": code_figures(rows),
            "filters": filters,
            "states": [(name, STATE_WORDS[name]) for name in STATE_WORDS],
            "may_manage": can(request.user, P.LOYALTY_MANAGE),
            "is_filtered": any(value not in ("", None) for value in filters.values()),
        }
        return render(request, "loyalty/codes.html", context)


class CodePage(CodePages):
    """One code with its uses."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, code_id: UUID) -> HttpResponse:
        code = get_code(code_id)
        uses = Paginator(list_uses(code), PAGE).get_page(to_ascii(request.GET.get("page", "1")))
        context = {
            **_shown(code, None),
            "figures": code_figures(DiscountCode.objects.filter(pk=code.pk)),
            "page": uses,
            "gives": gives(code),
            "may_manage": can(request.user, P.LOYALTY_MANAGE),
        }
        return render(request, "loyalty/code.html", context)


class NewCode(CodePages):
    """Create a code."""

    title = gettext_lazy("New discount code")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(CodeForm(initial={"kind": "percent"}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CodeForm(request.POST)
        code = _saved(form, lambda: create_code(actor=self.actor, values=form.terms()))
        if code is None:
            return self.show(form, status=422)
        messages.success(request, _("The code %(code)s is ready.") % {"code": code.code})
        return redirect("loyalty:code", code.pk)

    def show(self, form: TermsForm, status: int = 200, **extra: Any) -> HttpResponse:
        context = {"form": form, "title": self.title, "back": reverse("loyalty:codes"), **extra}
        return render(self.request, "loyalty/code_form.html", context, status=status)


class EditCode(NewCode):
    """Change a code from now on."""

    title = gettext_lazy("Change the discount code")

    def get(self, request: HttpRequest, code_id: UUID) -> HttpResponse:  # type: ignore[override]
        code = get_code(code_id)
        return self.show(CodeForm(initial=initial_of(code)), code=code)

    def post(self, request: HttpRequest, code_id: UUID) -> HttpResponse:  # type: ignore[override]
        code, form = get_code(code_id), CodeForm(request.POST)
        saved = _saved(
            form, lambda: update_code(actor=self.actor, code_id=code_id, changes=_kept(form, code))
        )
        if saved is None:
            return self.show(form, status=422, code=code)
        messages.success(request, _("The code was changed."))
        return redirect("loyalty:code", code_id)


class SwitchCode(CodePages):
    """Switch a code off, or on again."""

    def post(self, request: HttpRequest, code_id: UUID) -> HttpResponse:
        on = request.POST.get("on") == "1"
        update_code(actor=self.actor, code_id=code_id, changes={"is_active": on})
        text = _("The code can be used again.") if on else _("The code is switched off.")
        messages.success(request, text)
        return redirect("loyalty:code", code_id)


class GenerateCodes(NewCode):
    """Draw many codes at once; the list of them can be downloaded."""

    title = gettext_lazy("Draw single-use codes")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(GenerateForm(initial={"kind": "percent"}), generates=True)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = GenerateForm(request.POST)
        codes = _saved(form, lambda: self._generate(form))
        if codes is None:
            return self.show(form, status=422, generates=True)
        text = ngettext("%(n)s code is ready.", "%(n)s codes are ready.", len(codes))
        messages.success(request, text % {"n": format_number(len(codes))})
        return redirect(f"{reverse('loyalty:codes')}?{urlencode({'q': form.cleaned_data['name']})}")

    def _generate(self, form: GenerateForm) -> list[str]:
        values = form.terms()
        count, prefix = values.pop("count"), values.pop("beginning")
        return generate_codes(actor=self.actor, count=count, prefix=prefix, values=values)


class ExportCodes(CodePages):
    """The codes of the list as a file, for the printer or a mailing."""

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        rows = list_codes(self.filters())
        day = to_ascii(format_date(local_date(timezone.now()))).replace("/", "-")
        return streamed(
            lambda: csv_pieces(_heads(), map(_cells, code_lines(rows))), f"codes-{day}.csv", CSV_TYPE
        )


def gives(code: DiscountCode) -> str:
    """Return what a code gives, in words."""
    if code.kind == DiscountCode.Kind.ITEM:
        return _("%(item)s for free") % {"item": code.item_name}
    if code.kind == DiscountCode.Kind.AMOUNT:
        return format_money(code.value)
    percent = _("%(number)s percent") % {"number": format_number(code.value, places=2)}
    if code.max_discount is None:
        return percent
    return _("%(percent)s, at most %(amount)s") % {
        "percent": percent,
        "amount": format_money(code.max_discount),
    }


def _shown(code: DiscountCode, given: Any) -> dict[str, Any]:
    state = state_of(code)
    return {
        "code": code, "state": STATE_WORDS[state], "tone": TONES[state], "gives": gives(code), "given": given,
    }  # fmt: skip


def _saved(form: TermsForm, save: Any) -> Any:
    """Return what ``save`` returns; None when the form or the service refuses, with the reason beside the field."""
    if not form.is_valid():
        return None
    try:
        return save()
    except ValidationError as error:
        for name, problems in error.message_dict.items():
            field = {"customer_id": "phone", "prefix": "beginning"}.get(name, name)
            form.add_error(field if field in form.fields else None, problems)
    return None


def _kept(form: CodeForm, code: DiscountCode) -> dict[str, Any]:
    """Return the form's values; a code that was left empty stays as it is."""
    values = form.terms()
    values["code"] = values["code"] or code.code
    return values


def _heads() -> list[str]:
    return [_("Code"), _("Name"), _("It gives"), _("From"), _("Until"), _("State"), _("Uses")]


def _cells(code: DiscountCode) -> list[Any]:
    first, last = (format_date(day) if day else "" for day in (code.starts_on, code.ends_on))
    state = str(STATE_WORDS[state_of(code)])
    return [code.code, code.name, gives(code), first, last, state, code.times_used]
