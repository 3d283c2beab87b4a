"""A café with some history, and the pages of the product in it, for tests that look at all of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from campaigns.models import Automation
from checkout.services import VisitRequest, record_visit
from checkout.simulation.calls import tell_calls
from checkout.simulation.campaigns import tell_campaigns
from checkout.simulation.run import make_plan, simulate
from customers.models import Customer, CustomerNote, CustomField, FamilyMember
from feedback.links import make_links
from loyalty.services.guest_card import card_link
from servaan_crm.core.actors import system
from servaan_crm.tenancy.current import get_cafe


def live_in(cast: Any) -> dict[str, str]:
    """Fill the café and return the values of the placeholders in the paths of ``dev.screenshot_pages``."""
    assert get_cafe().pk == cast.cafe.pk
    simulate(make_plan(customers=30, days=90, seed=3))
    guest, other = Customer.objects.order_by("-summary__total_visits", "pk")[:2]
    Customer.objects.filter(pk__in=(guest.pk, other.pk)).update(email="guest@example.com")
    CustomerNote.objects.create(customer=guest, text="میز کنار پنجره را دوست دارد.", author_name="نگار")
    FamilyMember.objects.create(customer=guest, name="هانا", relationship="child", birthday=date(2016, 3, 1))
    CustomField.objects.create(key="usual", label="نوشیدنی همیشگی", kind="text")
    today = VisitRequest(customer_id=guest.pk, total_amount=Decimal(1_250_000))
    visit = record_visit(actor=system("test"), request=today).visit
    link = card_link(actor=system("test"), customer_id=guest.pk, origin="http://servaan.test")
    card = f"/card/{link.token}/"
    campaign, draft = tell_campaigns()
    tell_calls()
    return {
        "guest": str(guest.pk),
        "other": str(other.pk),
        "visit": str(visit.pk),
        "card": card,
        "how": f"/f/{make_links([visit.pk])[visit.pk].rsplit('/', 1)[1]}",
        "campaign": str(campaign),
        "automation": str(Automation.objects.get(key="first-visit-thanks").pk),
        "draft": str(draft),
    }
