"""A café full of things to find, and a fingerprint of everything it holds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context
from PIL import Image

from campaigns.models import (
    Automation,
    AutomationRun,
    Campaign,
    CampaignDelivery,
    CampaignTemplate,
    CampaignVariant,
    HookCall,
    LinkClick,
    ShortLink,
)
from checkout.services import VisitRequest, record_visit, void_visit
from customers.imports.tests.helpers import upload
from customers.merging.services import merge_customers
from customers.models import (
    BulkOperation,
    Customer,
    CustomField,
    DuplicatePair,
    MenuItem,
    RecentSearch,
    SavedView,
    Tag,
)
from customers.opt_out import opt_out_token
from customers.services import create_customer
from customers.services.bulk import run_bulk
from customers.services.consent import set_consent
from customers.services.family import add_family_member
from customers.services.notes import add_note
from feedback.links import make_links
from feedback.services import record_feedback
from loyalty.models import DiscountCode, LoyaltyProgram, Referral, ReviewItem, TierChange
from loyalty.services import create_bonus_rule
from loyalty.services.codes import create_code
from loyalty.services.guest_card import card_link
from loyalty.services.pictures import set_picture
from loyalty.services.referral import enter_referral
from loyalty.services.review import raise_signal
from loyalty.services.rewards import create_reward, redeem_reward
from loyalty.services.stamp_cards import create_stamp_card
from outreach.calls.services import NewCall, add_call
from outreach.services import log_interaction
from segments.models import RfmScore, Segment, SegmentChange, SegmentDay, SegmentRun
from servaan_crm.accounts.models import ApiKey, Outlet, User
from servaan_crm.core.actors import system
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.callbacks import default_callback_secret
from servaan_crm.messaging.models import (
    BlockedNumber,
    EarlyReport,
    GatewayState,
    InboundMessage,
    ProviderAccount,
    SendingRules,
    VerificationCode,
)
from servaan_crm.messaging.services import queue_messages
from servaan_crm.messaging.tests.helpers import draft

MARKER = "zqxneighbour"
PHONE = "09120000777"


def plant(cast: Any) -> dict[str, Any]:
    """Fill the café with one of everything, named with the marker; return URL parameter → its value."""
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        return _plant(User.objects.create_user(f"{MARKER}-user", "x", name=MARKER, role="staff"))


def _plant(user: User) -> dict[str, Any]:
    actor = system(MARKER)
    tag = Tag.objects.create(name=MARKER)
    outlet = Outlet.objects.create(name=MARKER)
    customer = create_customer(
        actor=actor,
        phone=PHONE,
        name=f"{MARKER} guest",
        notes=MARKER,
        email=f"{MARKER}@example.com",
        tags=[tag],
    )
    bill = VisitRequest(
        customer_id=customer.pk,
        total_amount=Decimal(5_000_000),
        notes=MARKER,
        server_name=MARKER,
        outlet_id=outlet.pk,
    )
    visit = record_visit(actor=actor, request=bill).visit
    taken_back = record_visit(actor=actor, request=bill).visit
    void_visit(actor=actor, visit_id=taken_back.pk, reason=MARKER)
    feedback = record_feedback(
        actor=actor, rating=5, source="manual", customer_id=customer.pk, comment=MARKER, categories=[MARKER]
    )
    log_interaction(
        actor=actor, customer_id=customer.pk, type="call", direction="inbound", subject=MARKER, details=MARKER
    )
    call = NewCall(customer.pk, "follow_up", date.today(), hint=MARKER, source_reference=MARKER)
    task, _is_new = add_call(actor=actor, call=call)
    (message_id,) = queue_messages([draft(777, body=MARKER, customer_id=customer.pk)])
    rest = _plant_parts(actor, customer) | _plant_rest(user, customer) | _plant_merge(actor)
    rest |= _plant_shelf(actor, customer) | _plant_friends(actor, customer) | _plant_campaign(customer)
    rest |= {"feedback_token": make_links([visit.pk])[visit.pk].rsplit("/", 1)[1]}
    return {
        "customer_id": customer.pk, "visit_id": visit.pk, "phone": PHONE, "outlet_id": outlet.pk,
        "feedback_id": feedback.pk, "user_id": user.pk, "tag_id": tag.pk, "message_id": message_id, **rest,
        "task_id": task.pk,
        # Callbacks: the neighbour's own secret must open nothing here.
        "action": "dismiss",
        "provider": "kavenegar", "kind": "status", "secret": default_callback_secret(),
        # Django's admin: what the model says is filled in by the test.
        "app_label": "customers", "content_type_id": ContentType.objects.get_for_model(type(customer)).pk,
        "object_id": customer.pk, "id": user.pk,
    }  # fmt: skip


def _plant_merge(actor: Any) -> dict[str, Any]:
    pair = [
        create_customer(actor=actor, phone=f"0912000077{digit}", name=f"{MARKER} {digit}") for digit in (8, 9)
    ]
    record = merge_customers(actor=actor, kept_id=pair[0].pk, merged_id=pair[1].pk)
    alike = create_customer(actor=actor, phone="09120000776", name=f"{MARKER} 8")
    first, second = sorted([pair[0].pk, alike.pk])
    DuplicatePair.objects.create(first_id=first, second_id=second, reasons=["birthday_name"], score=50)
    return {"other_id": pair[0].pk, "merge_id": record.pk}


def _plant_parts(actor: Any, customer: Any) -> dict[str, Any]:
    note = add_note(actor=actor, customer_id=customer.pk, text=MARKER)
    person = {"name": MARKER, "relationship": "child"}
    member = add_family_member(actor=actor, customer_id=customer.pk, values=person)
    field = CustomField.objects.create(key=MARKER, label=MARKER, kind="text")
    set_consent(actor=actor, customer_id=customer.pk, channel="email", granted=False, source="staff")
    return {
        "note_id": note.pk, "member_id": member.pk, "field_id": field.pk, "token": opt_out_token(customer.pk),
    }  # fmt: skip


def _plant_rest(user: User, customer: Any) -> dict[str, Any]:
    item = MenuItem.objects.create(name=MARKER, price=100_000)
    segment = Segment.objects.create(key=MARKER, name=MARKER, criteria={"visit_count": {"max": 3}})
    run = SegmentRun.objects.create(status="completed", reason=MARKER)
    SegmentChange.objects.create(segment=segment, customer=customer, entered=True)
    SegmentDay.objects.create(segment=segment, day=date(2024, 1, 15), customer_count=1)
    RfmScore.objects.create(
        customer=customer,
        recency=5,
        frequency=5,
        monetary=5,
        group="champions",
        group_since=date(2024, 1, 15),
    )
    automation_id = _plant_automation(customer)
    account = ProviderAccount.objects.create(name=MARKER, adapter="kavenegar", api_key=MARKER)
    GatewayState.objects.create(account="next-door", problem_text=MARKER)
    InboundMessage.objects.create(
        provider="kavenegar", provider_message_id=MARKER, sender="+989120000777", body=MARKER
    )
    BlockedNumber.objects.create(account=MARKER, recipient="+989120000777")
    EarlyReport.objects.create(account=MARKER, provider_message_id=MARKER, state="delivered")
    VerificationCode.objects.create(
        phone="+989120000777", purpose=MARKER, code_hash=MARKER, expires_at=timezone.now()
    )
    SendingRules.objects.get_or_create(cap_days=29)
    TierChange.objects.create(customer=customer, from_tier="bronze", to_tier="silver", reason=MARKER)
    rule = create_bonus_rule(
        actor=user.actor, values={"name": MARKER, "kind": "points", "points": 7, "items": [MARKER]}
    )
    code = _plant_code(user.actor, customer)
    key, _clear = ApiKey.issue(name=MARKER, user=user)
    view = SavedView.objects.create(user=user, name=MARKER, query=f"search={MARKER}", is_shared=True)
    RecentSearch.objects.create(user=user, query=MARKER)
    done = run_bulk(
        actor=user.actor, action="set_status", params={"status": "inactive"}, matches=Customer.objects.none()
    )
    BulkOperation.objects.filter(pk=done.pk).update(query=MARKER, actor_name=MARKER)
    job = upload(f"نام,موبایل,{MARKER}\n{MARKER},{PHONE},{MARKER}\n", f"{MARKER}.csv")
    return {"item_id": item.pk, "segment_id": segment.pk, "run_id": run.pk, "api_key_id": key.pk, "import_id": job.pk,
            "view_id": view.pk, "bulk_id": done.pk, "rule_id": rule.pk, "provider_id": account.pk,
            "automation_id": automation_id, "code_id": code.pk, "code": code.code, "level": MARKER, "version": 2,
            "key": segment.key}  # fmt: skip


def _plant_automation(customer: Any) -> Any:
    """An automation with a run and a call of another system."""
    automation = Automation.objects.create(
        key=MARKER, name=MARKER, trigger="visit.recorded:first", template=MARKER, is_active=False
    )
    run = AutomationRun.objects.create(
        automation=automation, customer=customer, occurrence=MARKER, due_at=timezone.now(), state="done",
        finished_at=timezone.now(), facts={"note": MARKER},
    )  # fmt: skip
    HookCall.objects.create(
        run=run,
        url=f"https://{MARKER}.example.com/",
        secret=MARKER,
        body={},
        state="done",
        next_at=timezone.now(),
    )
    return automation.pk


def _plant_campaign(customer: Any) -> dict[str, Any]:
    """A draft with two texts, a guest of it with a link that was followed, and a text to begin with."""
    campaign = Campaign.objects.create(name=MARKER, content=MARKER, description=MARKER)
    for letter in "AB":
        CampaignVariant.objects.create(campaign=campaign, key=letter, content=MARKER)
    delivery = CampaignDelivery.objects.create(
        campaign=campaign, customer=customer, recipient=customer.phone, state="skipped", reason="blocked"
    )
    link = ShortLink.objects.create(
        code="zqxLink7", url=f"https://{MARKER}.example.com/", customer=customer, delivery=delivery
    )
    LinkClick.objects.create(link=link)
    text = CampaignTemplate.objects.create(name=MARKER, content=MARKER, category=MARKER)
    return {"campaign_id": campaign.pk, "template_id": text.pk, "link": link.pk, "step": "who"}


def _plant_shelf(actor: Any, customer: Any) -> dict[str, Any]:
    """A reward with its picture, a voucher of it, and a stamp card with a stamp."""
    terms = {"name": MARKER, "kind": "amount", "value": Decimal(50_000), "points_cost": 100}
    reward = create_reward(actor=actor, values=terms)
    drawn = BytesIO()
    Image.new("RGB", (40, 30), "brown").save(drawn, "PNG")
    picture = set_picture(actor=actor, reward_id=reward.pk, file=BytesIO(drawn.getvalue()))
    voucher = redeem_reward(actor=actor, customer_id=customer.pk, reward_id=reward.pk)
    card = create_stamp_card(actor=actor, values={"name": MARKER, "stamps_needed": 10, "points": 5})
    bill = VisitRequest(customer_id=customer.pk, total_amount=Decimal(100_000), notes=MARKER)
    record_visit(actor=actor, request=bill)
    raise_signal(
        "many_accruals", subject=MARKER, evidence={"note": MARKER, "times": 5}, customer_id=customer.pk
    )
    review = ReviewItem.objects.get(subject=MARKER)
    return {
        "review_id": review.pk,
        "reward_id": reward.pk, "digest": picture.digest, "voucher_id": voucher.pk,
        "voucher_code": voucher.code, "stamp_card_id": card.pk,
    }  # fmt: skip


def _plant_friends(actor: Any, customer: Any) -> dict[str, Any]:
    """A friend the guest brought, held in a ring, and the link of the guest's card."""
    LoyaltyProgram.objects.update(referral_is_active=True, referrer_points=5)
    friend = create_customer(actor=actor, phone="09120000771", name=MARKER)
    referral = enter_referral(actor=actor, referrer_id=customer.pk, friend_id=friend.pk)
    Referral.objects.filter(pk=referral.pk).update(status="held", reason=MARKER)
    link = card_link(actor=actor, customer_id=customer.pk, origin="http://next-door")
    return {"referral_id": referral.pk, "card_token": link.token}


def _plant_code(actor: Any, customer: Any) -> DiscountCode:
    """A code that was used on a bill."""
    terms = {
        "code": MARKER,
        "name": MARKER,
        "kind": "amount",
        "value": Decimal(10_000),
        "max_uses_per_guest": 3,
    }
    code = create_code(actor=actor, values=terms)
    bill = VisitRequest(
        customer_id=customer.pk, total_amount=Decimal(100_000), discount_code=MARKER, notes=MARKER
    )
    record_visit(actor=actor, request=bill)
    return code


def fingerprint(cast: Any) -> dict[str, tuple[int, str]]:
    """Return table → (rows, checksum) of everything in the café's schema."""
    schema = cast.cafe.schema_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
        tables = [row[0] for row in cursor.fetchall()]
        parts = [
            f"SELECT '{table}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
            f' FROM "{schema}"."{table}" AS t'
            for table in tables
        ]
        cursor.execute(" UNION ALL ".join(parts))
        return {table: (rows, checksum) for table, rows, checksum in cursor.fetchall()}
