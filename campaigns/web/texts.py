"""Texts to begin a campaign with: list, add, change, copy, delete."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import services
from campaigns.models import CampaignTemplate
from campaigns.models.campaign import CampaignType
from campaigns.selectors import get_template, list_templates
from campaigns.web import words
from campaigns.web.composer import errors_of
from campaigns.web.forms import StepForm
from campaigns.web.listing import CampaignPages
from servaan_crm.accounts.permissions import P
from servaan_crm.messaging.sms import count_parts


class TextForm(StepForm):
    """One ready text."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=CampaignType.choices)
    category = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=50,
        required=False,
        help_text=gettext_lazy("For example “birthday” or “quiet days”."),
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=200, required=False)
    content = forms.CharField(label=gettext_lazy("Text"), max_length=2000, widget=forms.Textarea)
    provider_template = forms.CharField(
        label=gettext_lazy("Name of the approved template"), max_length=80, required=False
    )


class TextList(CampaignPages):
    """All ready texts, by group."""

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("channel", "")
        found = list_templates(channel=chosen if chosen in CampaignType.values else "")
        rows = [(one, count_parts(one.content) if one.channel == CampaignType.SMS else None) for one in found]
        context = {
            "rows": rows,
            "types": [(code, words.TYPES[code]) for code in CampaignType.values],
            "may_manage": self.may_manage,
            "part": "templates",
            "is_narrowed": bool(chosen),
        }
        return render(request, "campaigns/templates.html", context)


class TextPages(CampaignPages):
    """Base of what managers do with a text."""

    permission = P.CAMPAIGNS_MANAGE

    def show(self, form: TextForm, template: CampaignTemplate | None, status: int = 200) -> HttpResponse:
        """Show the form."""
        context = {"form": form, "template": template, "variables": words.variables_for_text()}
        return render(self.request, "campaigns/template.html", context, status=status)


class NewText(TextPages):
    """Add a text."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(TextForm(initial={"channel": CampaignType.SMS}), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TextForm(request.POST)
        if form.is_valid():
            try:
                services.create_template(actor=self.actor, values=form.cleaned_data)
            except ValidationError as error:
                form.take_errors(errors_of(error))
            else:
                messages.success(request, _("The text is saved."))
                return redirect("campaigns:templates")
        return self.show(form, None, status=422)


class EditText(TextPages):
    """Change a text; a built-in one too, for it is the café's."""

    def get(self, request: HttpRequest, template_id: UUID) -> HttpResponse:
        template = get_template(template_id)
        return self.show(
            TextForm(initial={name: getattr(template, name) for name in TextForm.base_fields}), template
        )

    def post(self, request: HttpRequest, template_id: UUID) -> HttpResponse:
        template = get_template(template_id)
        form = TextForm(request.POST)
        if form.is_valid():
            try:
                services.update_template(actor=self.actor, template_id=template_id, changes=form.cleaned_data)
            except ValidationError as error:
                form.take_errors(errors_of(error))
            else:
                messages.success(request, _("The text is saved."))
                return redirect("campaigns:templates")
        return self.show(form, template, status=422)


class CopyText(TextPages):
    """A second text like this one."""

    def post(self, request: HttpRequest, template_id: UUID) -> HttpResponse:
        template = get_template(template_id)
        values = {name: getattr(template, name) for name in services.templates.EDITABLE}
        values["name"] = _("Copy of %(name)s") % {"name": template.name[:180]}
        copy = services.create_template(actor=self.actor, values=values)
        messages.success(request, _("This is your copy; change what you like."))
        return redirect("campaigns:template", copy.pk)


class DeleteText(TextPages):
    """Delete a text; campaigns that began with it keep theirs."""

    def post(self, request: HttpRequest, template_id: UUID) -> HttpResponse:
        services.delete_template(actor=self.actor, template_id=template_id)
        messages.success(request, _("The text is deleted."))
        return redirect("campaigns:templates")
