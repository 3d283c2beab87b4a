"""A campaign for guests who were chosen in the customer list: they become a fixed list, and a draft for it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.services import create_campaign
from campaigns.web.composer import step_url
from campaigns.web.listing import CampaignPages
from customers.web.bulk import target_of
from segments.models import Segment
from segments.services.segments import new_key, save_segment
from segments.services.static import add_to_list
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.db import write
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.l10n.jalali import format_datetime


class FromCustomers(CampaignPages):
    """Take the chosen guests, or everybody the filters find, as they are now."""

    permission = P.CAMPAIGNS_MANAGE

    def post(self, request: HttpRequest) -> HttpResponse:
        if not can(request.user, P.SEGMENTS_MANAGE):
            raise PermissionDenied(details={"permission": str(P.SEGMENTS_MANAGE)})
        try:
            matches = target_of(request.POST).matches
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("customers:list")
        name = _("Chosen on %(when)s") % {"when": format_datetime(timezone.now(), style="long")}
        with write(self.actor):
            segment = Segment(
                key=new_key(name), name=name[:100], kind=Segment.Kind.STATIC, criteria={},
                created_by_id=self.actor.user_id,
            )  # fmt: skip
            save_segment(actor=self.actor, segment=segment)
            ids = matches.order_by().values_list("pk", flat=True).iterator(chunk_size=2000)
            add_to_list(actor=self.actor, segment_id=segment.pk, customer_ids=ids)
            campaign = create_campaign(actor=self.actor, values={"name": name, "segments": [segment.pk]})
        messages.success(request, _("The chosen guests are a fixed list now; this is a draft for it."))
        return redirect(step_url(campaign, "who"))
