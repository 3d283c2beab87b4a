"""The pages of campaigns without script: every step is a form, roles, other cafés, what lists and figures agree on."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from campaigns import services
from campaigns.models import Campaign, CampaignTemplate
from campaigns.selectors import get_results
from campaigns.tests.helpers import gateway, make_campaign, send_now, set_rules
from campaigns.web import words
from customers.models import Customer, Visit
from feedback.tests.helpers import make_customer, make_visit
from loyalty.models import DiscountCode
from loyalty.services.codes import create_code
from segments.models import Segment, SegmentMembership
from servaan_crm.core.models import AuditEntry
from servaan_crm.messaging.models import Message
from servaan_crm.tenancy.selectors import forget_hosts

TEXT = "{{name|مهمان}} عزیز، منتظر شما هستیم"


@pytest.fixture
def wire(settings: Any) -> Any:
    """A gateway that answers, and no quiet time in the café of the test."""
    with gateway(settings) as running:
        yield running


@pytest.fixture
def group(cafe: Any) -> Segment:
    """A fixed list of two guests who want messages and one who does not."""
    set_rules()
    segment = Segment.objects.create(key="regulars", name="همیشگی‌ها", kind="static", criteria={})
    for name, wants in (("مریم", True), ("کامران", True), ("سارا", False)):
        guest = make_customer(name=name, allow_marketing=wants)
        SegmentMembership.objects.create(segment=segment, customer=guest)
    return segment


def text_of(answer: Any) -> str:
    """What a page says."""
    return answer.content.decode()


def visit(guest: Customer, amount: int, after: timedelta) -> Visit:
    """A visit some time from now."""
    return make_visit(guest, visit_date=timezone.now() + after, total_amount=amount)


def test_the_four_steps_as_plain_forms(cafe, group, wire):
    browser = cafe.browser("manager")
    first = browser.get("/campaigns/new/?segment=regulars")
    assert 'value="regulars" checked' in text_of(first)
    assert "data-recipients>۲ " in text_of(first), "who will get it stands beside the segments"
    made = browser.post("/campaigns/new/", {"name": "آخر هفته", "segments": ["regulars"], "criteria": ""})
    campaign = Campaign.objects.get()
    base = f"/campaigns/{campaign.pk}"
    assert made["Location"] == f"{base}/edit/what/"

    wrong = browser.post(
        f"{base}/edit/what/", {"type": "sms", "content": "{{nmae}}", "version": campaign.version}
    )
    assert wrong.status_code == 422
    assert "nmae" in text_of(wrong)
    ready = CampaignTemplate.objects.create(name="عید", content="عید مبارک {{name|مهمان}}")
    chosen = browser.post(
        f"{base}/edit/what/", {"type": "sms", "content": "x", "use_template": str(ready.pk)}
    )
    assert "عید مبارک {{name|مهمان}}" in text_of(chosen)
    assert Campaign.objects.get().content == "", "choosing is not saving"
    trial = {"type": "sms", "content": TEXT, "has_trial": "on", "content_b": "متن دوم", "test_percent": "۵۰",
             "test_hours": "4", "test_metric": "visits", "version": campaign.version}  # fmt: skip
    assert browser.post(f"{base}/edit/what/", trial)["Location"] == f"{base}/edit/when/"
    assert list(campaign.variants.values_list("key", "content")) == [("A", TEXT), ("B", "متن دوم")]
    late = browser.post(f"{base}/edit/what/", trial)
    assert late.status_code == 409, "somebody saved meanwhile"

    campaign.refresh_from_db()
    when = {"when": "at", "date": "۱۴۲۰/۰۱/۱۵", "time": "۱۸:۳۰", "valid_hours": "12", "holdout_percent": "0",
            "attribution_days": "7", "version": campaign.version}  # fmt: skip
    assert browser.post(f"{base}/edit/when/", when)["Location"] == f"{base}/edit/check/"
    campaign.refresh_from_db()
    local = campaign.scheduled_at.astimezone(cafe.cafe.locale.tz)
    assert (local.hour, local.minute) == (18, 30), "the café's clock"
    check = text_of(browser.get(f"{base}/edit/check/"))
    assert "data-recipients>۲ " in check
    assert f"{base}/do/schedule/" in check

    browser.post(f"{base}/edit/when/", {**when, "when": "now", "version": campaign.version})
    assert f"{base}/do/send/" in text_of(browser.get(f"{base}/edit/check/"))
    browser.post(f"{base}/do/send/", {})
    campaign.refresh_from_db()
    assert campaign.status == "draft", "nothing leaves without the yes"
    sent = browser.post(f"{base}/do/send/", {"sure": "yes"})
    campaign.refresh_from_db()
    assert (campaign.status, sent["Location"]) == ("sending", f"{base}/")
    assert browser.get(f"{base}/edit/what/")["Location"] == f"{base}/", "what was sent is not changed"


def test_every_page_answers_with_few_queries_to_those_who_may(cafe, group, wire):
    first = make_campaign(
        name="اول", segments=["regulars"], link_url="https://example.com", holdout_percent=0
    )
    send_now(first)
    waiting = make_campaign(
        name="دوم", segments=["regulars"], variants=[{"content": "یک"}, {"content": "دو"}]
    )
    later = timezone.now() + timedelta(days=2)
    planned = make_campaign(name="سوم", scheduled_at=later)
    services.schedule_campaign(actor=cafe.manager.actor, campaign_id=planned.pk)
    offer = make_campaign(name="چهارم", type="offer", content="قهوهٔ دوم مهمان ما")
    template = CampaignTemplate.objects.create(name="یلدا", content=TEXT)
    paths = [
        "", "?state=done&search=او&ordering=-when", "new/", "templates/", "templates/new/", f"templates/{template.pk}/",
        f"{first.pk}/", f"{first.pk}/live/", f"{first.pk}/guests/", f"{first.pk}/guests/?status=came", f"{planned.pk}/",
        *(f"{waiting.pk}/edit/{step}/" for step in ("who", "what", "when", "check")), f"{offer.pk}/edit/what/",
        f"{offer.pk}/edit/when/", f"{offer.pk}/edit/check/",
    ]  # fmt: skip
    manager, staff, nobody = cafe.browser("manager"), cafe.browser("staff"), cafe.browser(None)
    for path in paths:
        with CaptureQueriesContext(connection) as asked:
            answer = manager.get(f"/campaigns/{path}")
        assert answer.status_code == 200, path
        assert len(asked) <= 45, (path, len(asked))
        assert staff.get(f"/campaigns/{path}").status_code == 403
        assert "/login/" in nobody.get(f"/campaigns/{path}")["Location"]
    cafe.cafe.features = {**cafe.cafe.features, "campaigns": False}
    cafe.cafe.save(update_fields=["features"])
    forget_hosts()
    assert manager.get("/campaigns/").status_code == 403
    assert "/campaigns/" not in text_of(manager.get("/"))


def test_lists_ask_as_often_for_many_as_for_few(cafe, group, wire):
    browser = cafe.browser("manager")

    def asked(path: str) -> int:
        browser.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        return len(queries)

    one = send_now(make_campaign(name="یک", segments=["regulars"]))
    few = asked("/campaigns/"), asked(f"/campaigns/{one.pk}/guests/")
    for number in range(6):
        send_now(make_campaign(name=f"دیگر {number}", segments=["regulars"]))
    for number in range(12):
        SegmentMembership.objects.create(segment=group, customer=make_customer(name=f"مهمان {number}"))
    large = send_now(make_campaign(name="بزرگ", segments=["regulars"]))
    assert (asked("/campaigns/"), asked(f"/campaigns/{large.pk}/guests/")) == few


def test_another_cafes_campaign_is_not_there(cafe, other_cafe, group):
    with tenant_context(other_cafe.cafe):
        foreign = make_campaign(name="همسایه")
        template = CampaignTemplate.objects.create(name="متن", content="متن")
    browser = cafe.browser("manager")
    for key in (foreign.pk, uuid4()):
        base = f"/campaigns/{key}/"
        for path in ("", "edit/", "edit/check/", "live/", "guests/", "guests/export/"):
            assert browser.get(base + path).status_code == 404, path
        for path in ("edit/what/", "text/", "time/", "do/send/", "do/cancel/", "retry/", "test/", "copy/", "delete/",
                     "reject/"):  # fmt: skip
            answer = browser.post(base + path, {"sure": "yes", "to": "09120000000", "reason": "x"})
            assert answer.status_code == 404, path
    assert browser.get(f"/campaigns/templates/{template.pk}/").status_code == 404
    with tenant_context(other_cafe.cafe):
        assert Campaign.objects.get(pk=foreign.pk).status == "draft"


def test_figures_and_the_lists_behind_them_agree(cafe, group, wire):
    code = create_code(
        actor=cafe.owner.actor, values={"code": "SALE", "kind": "percent", "value": Decimal(10)}
    )
    campaign = make_campaign(name="فروش", segments=["regulars"], discount_code="SALE")
    send_now(campaign)
    Message.objects.update(state="sent", sent_at=timezone.now(), provider_message_id="1")
    guests = {guest.name: guest for guest in Customer.objects.all()}
    visit(guests["مریم"], 3_000_000, timedelta(hours=2))
    visit(guests["مریم"], 2_000_000, timedelta(days=1))
    visit(guests["کامران"], 9_000_000, timedelta(days=30))  # too late to count
    results = get_results(Campaign.objects.get())
    assert (results.visitors, results.visits, results.revenue) == (1, 2, Decimal(5_000_000))
    browser = cafe.browser("manager")
    listed = text_of(browser.get("/campaigns/"))
    assert "۵۰۰ هزار" in listed or "۵۰۰٬۰۰۰" in listed, "revenue in toman"
    assert "۲ مراجعه" in listed
    base = f"/campaigns/{campaign.pk}/guests/"
    came = text_of(browser.get(f"{base}?status=came"))
    assert "مریم" in came
    assert "کامران" not in came
    left = text_of(browser.get(f"{base}?status=not_reached"))
    assert "سارا" in left
    assert "مریم" not in left
    assert f"/customers/{guests['سارا'].pk}/" in left
    page = text_of(browser.get(f"/campaigns/{campaign.pk}/"))
    assert f"/loyalty/codes/{code.pk}/" in page
    assert "?reason=no_consent" in page


def test_the_file_holds_everybody_and_leaves_a_trace(cafe, group, wire):
    Customer.objects.filter(name="کامران").update(name="=HYPERLINK(1)")
    campaign = send_now(make_campaign(segments=["regulars"]))
    answer = cafe.browser("manager").get(f"/campaigns/{campaign.pk}/guests/export/")
    body = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(body)))
    assert len(rows) == 4
    assert {row[0] for row in rows[1:]} == {"مریم", "'=HYPERLINK(1)", "سارا"}
    assert AuditEntry.objects.filter(action="export", new__what="campaign").count() == 1
    narrowed = cafe.browser("manager").get(f"/campaigns/{campaign.pk}/guests/export/?reason=no_consent")
    assert "سارا" in b"".join(narrowed.streaming_content).decode()


def test_the_live_part_follows_and_asks_for_a_new_page_when_the_state_changes(cafe, group, wire):
    campaign = send_now(make_campaign(segments=["regulars"]))
    browser = cafe.browser("manager")
    live = f"/campaigns/{campaign.pk}/live/"
    same = browser.get(f"{live}?was=sending--built")
    assert "HX-Refresh" not in same
    assert "do/pause/" in text_of(same)
    browser.post(f"/campaigns/{campaign.pk}/do/pause/")
    changed = browser.get(f"{live}?was=sending--built")
    assert changed["HX-Refresh"] == "true"
    assert "do/resume/" in text_of(changed)
    Campaign.objects.update(problem="low_credit")
    assert str(words.problem_word("low_credit").text).split()[1] in text_of(browser.get(live))
    browser.post(f"/campaigns/{campaign.pk}/do/cancel/")
    assert Campaign.objects.get().status == "cancelled"


def test_many_recipients_need_a_second_person(cafe, group, wire):
    set_rules(approval_above=1)
    browser = cafe.browser("manager")
    browser.post("/campaigns/new/", {"name": "بزرگ", "segments": ["regulars"]})
    campaign = Campaign.objects.get()
    services.update_campaign(actor=cafe.manager.actor, campaign_id=campaign.pk, changes={"content": TEXT})
    base = f"/campaigns/{campaign.pk}"
    check = text_of(browser.get(f"{base}/edit/check/"))
    assert "do/submit/" in check
    assert "do/send/" not in check
    browser.post(f"{base}/do/submit/")
    assert "do/approve/" not in text_of(browser.get(f"{base}/")), "not by whoever wrote it"
    browser.post(f"{base}/do/approve/")
    assert Campaign.objects.get().status == "pending_approval"
    owner = cafe.browser("owner")
    assert "do/approve/" in text_of(owner.get(f"{base}/"))
    owner.post(f"{base}/do/approve/")
    assert "do/send/" in text_of(browser.get(f"{base}/edit/check/"))


def test_guests_chosen_in_the_customer_list_become_a_draft(cafe, group):
    browser = cafe.browser("manager")
    chosen = Customer.objects.filter(name__in=["مریم", "سارا"])
    form = {"scope": "ids", "ids": [str(guest.pk) for guest in chosen]}
    made = browser.post("/campaigns/from-customers/", form)
    campaign = Campaign.objects.get()
    assert made["Location"] == f"/campaigns/{campaign.pk}/edit/who/"
    segment = campaign.segments.get()
    assert set(segment.memberships.values_list("customer__name", flat=True)) == {"مریم", "سارا"}
    assert "campaigns/from-customers" in text_of(browser.get("/customers/"))
    assert "?segment=regulars" in text_of(browser.get("/segments/regulars/"))
    assert browser.post("/campaigns/from-customers/", {"scope": "ids"})["Location"] == "/customers/"


def test_ready_texts_are_the_cafes_own(cafe):
    browser = cafe.browser("manager")
    new = {"name": "پاییزه", "channel": "sms", "category": "جشن", "content": TEXT}
    assert browser.post("/campaigns/templates/new/", new)["Location"] == "/campaigns/templates/"
    wrong = browser.post("/campaigns/templates/new/", {**new, "content": "{{nmae}}"})
    assert wrong.status_code == 422
    template = CampaignTemplate.objects.get(name="پاییزه")
    made = browser.post(f"/campaigns/templates/{template.pk}/copy/")
    copy = CampaignTemplate.objects.exclude(pk=template.pk).get(name__contains="پاییزه")
    assert made["Location"] == f"/campaigns/templates/{copy.pk}/"
    browser.post("/campaigns/new/", {"name": "شب یلدا", "template": str(template.pk)})
    assert Campaign.objects.get().content == TEXT
    browser.post(f"/campaigns/templates/{template.pk}/delete/")
    assert not CampaignTemplate.objects.filter(pk=template.pk).exists()


def test_an_offer_sends_nothing_and_counts_its_code(cafe):
    make_customer(name="مریم")
    create_code(actor=cafe.owner.actor, values={"code": "YALDA", "kind": "percent", "value": Decimal(10)})
    browser = cafe.browser("manager")
    browser.post("/campaigns/new/", {"name": "یلدا"})
    campaign = Campaign.objects.get()
    base = f"/campaigns/{campaign.pk}"
    code = DiscountCode.objects.get()
    form = {"type": "offer", "content": "یادآوری کنید", "discount_code": str(code.pk)}
    assert browser.post(f"{base}/edit/what/", form)["Location"] == f"{base}/edit/when/"
    dates = {"when": "now", "valid_hours": "24", "holdout_percent": "0", "attribution_days": "7",
             "starts_on": "", "ends_on": "۱۴۲۰/۰۱/۱۵"}  # fmt: skip
    assert browser.post(f"{base}/edit/when/", dates)["Location"] == f"{base}/edit/check/"
    assert browser.post(f"{base}/do/send/")["Location"] == f"{base}/", "there is no text to say yes to"
    page = text_of(browser.get(f"{base}/"))
    assert f"/loyalty/codes/{code.pk}/" in page
    assert "campaign-live" not in page
    assert Message.objects.count() == 0
    assert "YALDA" in text_of(browser.get("/campaigns/?type=offer&state=done"))
