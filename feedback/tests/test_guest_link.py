"""The link after a visit: whom it asks, what it takes, and that it takes it once."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from campaigns.automations import engine
from campaigns.automations.dry_run import dry_run
from campaigns.automations.tests.helpers import automation, due_now, only_mine
from campaigns.models import Automation, AutomationRun
from checkout.services import VisitRequest, record_visit, void_visit
from checkout.services.correct import move_visit, restore_visit
from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer, Visit
from customers.privacy import everything_of
from customers.services.customers import delete_customer, update_customer
from customers.services.privacy import erase_customer
from feedback.links import Answer, LinkState, answer_link, make_links, open_link
from feedback.models import Feedback, FeedbackLink
from feedback.services import record_feedback
from feedback.tests.helpers import make_customer, make_visit, without_feature
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.events import dispatch_pending
from servaan_crm.core.models import Event
from servaan_crm.messaging.gateways.base import InboundText
from servaan_crm.messaging.models import InboundMessage, Message
from servaan_crm.messaging.services import queue_message, record_inbound
from servaan_crm.messaging.sms import count_parts

ACTOR = system("test")
LIMIT = 60 * 1024


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


def path_of(visit: Visit) -> str:
    """The path of a visit's link."""
    return "/f/" + make_links([visit.pk])[visit.pk].rsplit("/f/", 1)[1]


def token_of(visit: Visit) -> str:
    return path_of(visit).removeprefix("/f/")


def asked(name: str = "مریم رضایی") -> Visit:
    """A visit of a guest who can be asked."""
    return make_visit(make_customer(name))


def billed(cast: Any, guest: Customer) -> Visit:
    """A visit as the counter records it."""
    return record_visit(
        actor=cast.staff.actor, request=VisitRequest(customer_id=guest.pk, total_amount=Decimal(1_000_000))
    ).visit


# --- making ---


def test_five_hundred_visits_have_their_links_in_two_statements_and_keep_them(cafe: Any) -> None:
    guest = make_customer()
    make_visit(guest)
    outlet = Visit.objects.get().outlet
    Visit.objects.bulk_create(
        [Visit(customer=guest, outlet=outlet, total_amount=1, visit_number=n) for n in range(2, 501)]
    )
    visits = list(Visit.objects.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as seen:
        links = make_links([*visits, *visits])
    assert len([q for q in seen if "SAVEPOINT" not in q["sql"]]) == 2
    assert len(set(links.values())) == len(visits) == 500
    assert all(re.fullmatch(rf"http://{cafe.host}:\d+/f/[0-9A-Za-z]{{14}}", link) for link in links.values())
    FeedbackLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert make_links(reversed(visits)) == links
    assert FeedbackLink.objects.count() == 500
    soon = timezone.now() + timedelta(days=29)
    assert not FeedbackLink.objects.filter(expires_at__lt=soon).exists(), "sent again, valid again"


def test_the_key_alone_opens_nothing_and_a_link_is_its_cafes_own(
    cafe: Any, other_cafe: Any, settings: Any
) -> None:
    visit = asked()
    path, token = path_of(visit), token_of(visit)
    key = FeedbackLink.objects.get().key
    assert token.startswith(key)
    client = cafe.browser(None)
    for wrong in (key, key + "A" * 6, token[:-1], token + "a", token.swapcase(), "é" * 14, "x" * 300):
        answer = client.get(f"/f/{wrong}")
        assert answer.status_code == 404, wrong
        assert "مریم" not in answer.content.decode()
    with tenant_context(other_cafe.cafe):
        theirs = asked()
        make_links([theirs.pk])
        FeedbackLink.objects.update(key=key)  # even the same key has another signature there
        assert open_link(token).state == LinkState.CLOSED
    assert other_cafe.browser(None).get(path).status_code == 404
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [django_settings.SECRET_KEY], "another" * 8
    assert client.get(path).status_code == 200, "an older secret opens while it is kept"
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(path).status_code == 404


def test_who_cannot_be_asked_has_no_link(cafe: Any) -> None:
    fine, blocked, gone = asked(), asked(), asked()
    update_customer(
        actor=ACTOR,
        customer_id=blocked.customer_id,
        expected_version=None,
        changes={"status": "blocked", "block_reason": "تقلب"},
    )
    delete_customer(actor=ACTOR, customer_id=gone.customer_id)
    walk_in = make_visit(None)
    voided = make_visit(make_customer(), voided_at=timezone.now())
    rated, noted = asked(), asked()
    guest = Actor(kind="guest", name="")
    record_feedback(actor=guest, rating=4, source="qr_code", visit_id=rated.pk)
    record_feedback(actor=cafe.staff.actor, rating=4, source="manual", visit_id=noted.pk)
    everybody = [visit.pk for visit in (fine, blocked, gone, walk_in, voided, rated, noted)]
    assert set(make_links(everybody, is_trial=True)) == {fine.pk, noted.pk}
    assert not FeedbackLink.objects.exists()
    assert set(make_links(everybody)) == {fine.pk, noted.pk}
    with without_feature(cafe, "feedback"):
        assert make_links(everybody) == {}


def test_a_visit_that_went_to_another_guest_takes_no_answer_of_the_first(cafe: Any) -> None:
    visit, other = billed(cafe, make_customer("مریم")), make_customer("سارا")
    old = path_of(visit)
    move_visit(actor=ACTOR, visit_id=visit.pk, to_customer_id=other.pk)
    client = cafe.browser(None)
    assert client.get(old).status_code == 404
    new = path_of(visit)
    assert new != old
    assert "سارا" in client.get(new).content.decode()
    assert client.get(old).status_code == 404


def test_tills_may_print_the_link_on_the_bill(cafe: Any) -> None:
    visit = asked()
    url = f"/api/crm/visits/{visit.pk}/feedback-link"
    answer = cafe.api("integrator").post(url).json()["data"]
    assert answer["link"] == make_links([visit.pk])[visit.pk]
    assert answer["expires_at"].endswith("Z")
    assert cafe.browser(None).post(path_of(visit), {"rating": "3"}).status_code == 303
    again = cafe.api("integrator").post(url)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


# --- answering ---


def test_an_answer_becomes_the_feedback_of_its_visit(cafe: Any) -> None:
    visit = asked("مریم رضایی")
    path, client = path_of(visit), cafe.browser(None)
    page = client.get(path)
    text = page.content.decode()
    assert page.status_code == 200
    assert "مریم" in text
    for secret in ("رضایی", visit.customer.phone, visit.customer.national_phone, str(visit.customer_id)):
        assert secret not in text
    assert "<script" not in text
    assert not page.cookies
    said = {
        "rating": "2",
        "comment": " قهوه سرد بود \r\nولی برخورد خوب ",
        "service": "5",
        "wait_time": "1",
        "value": "",
    }
    strict = type(client)(SERVER_NAME=cafe.host, enforce_csrf_checks=True)  # a browser that keeps no cookies
    answer = strict.post(path, said, headers={"User-Agent": "Test phone"}, REMOTE_ADDR="10.1.2.3")
    assert (answer.status_code, answer["Location"]) == (303, path)
    row = Feedback.objects.get()
    assert (row.visit_id, row.customer_id, row.rating) == (visit.pk, visit.customer_id, 2)
    assert (row.source, row.source_reference, row.by_staff) == ("sms_link", "link", False)
    assert row.comment == "قهوه سرد بود \nولی برخورد خوب"
    assert row.comment_language == "fa"
    assert row.category_ratings == {"service": 5, "wait_time": 1}
    assert row.categories == ["service", "wait_time"]
    assert (row.device_info, row.ip_address) == ({"user_agent": "Test phone"}, "10.1.2.3")
    assert row.follow_up_required
    visit.refresh_from_db()
    assert visit.feedback_rating == 2
    assert Event.objects.filter(name="feedback.recorded", payload__is_low=True).count() == 1
    thanks = client.get(f"{path}?lang=en")
    assert thanks.status_code == 200
    assert "We are sorry" in thanks.content.decode()
    assert "قهوه" not in thanks.content.decode()
    again = client.post(path, {"rating": "5"})
    assert again.status_code == 409
    assert Feedback.objects.get().rating == 2


@pytest.mark.parametrize(
    "wrong",
    [{}, {"rating": "6"}, {"rating": "0"}, {"rating": "خوب"}, {"rating": "5", "comment": "ن" * 2001},
     {"rating": "5", "comment": "a\x00b"}, {"rating": "5", "service": "9"}],
)  # fmt: skip
def test_a_wrong_form_comes_back_as_it_was_filled_in(cafe: Any, wrong: dict[str, str]) -> None:
    path = path_of(asked())
    answer = cafe.browser(None).post(path, {"comment": "کیک خوشمزه", "quality": "4", **wrong})
    text = answer.content.decode()
    assert answer.status_code == 422
    if "comment" not in wrong:
        assert "کیک خوشمزه" in text
    assert re.search(r'name="quality"\s+value="4"\s+checked', text)
    assert not Feedback.objects.exists()
    assert open_link(path.removeprefix("/f/")).state == LinkState.OPEN


def test_twenty_answers_at_once_are_one_and_links_made_meanwhile_are_the_same(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    visits = [asked() for _number in range(3)]
    wanted = [visit.pk for visit in visits]
    made = run_together(cast, [lambda: make_links(wanted), lambda: make_links(reversed(wanted))] * 5)
    assert all(links == made[0] for links in made), made
    token = token_of(visits[0])
    answers = [Answer(rating=1 + number % 5, category_ratings={}) for number in range(20)]
    found = run_together(cast, [lambda one=one: answer_link(token, one).state for one in answers])
    assert sorted(map(str, found)) == ["answered"] * 19 + ["open"]
    assert Feedback.objects.count() == 1
    assert Event.objects.filter(name="feedback.recorded").count() == 1
    assert FeedbackLink.objects.exclude(used_at=None).count() == 1


@pytest.mark.parametrize("how", ["voided", "blocked", "deleted", "erased", "feature off", "expired"])
def test_a_link_of_who_is_gone_says_so_and_takes_nothing(cafe: Any, how: str) -> None:
    visit = billed(cafe, make_customer("مریم رضایی"))
    guest, path = visit.customer_id, path_of(visit)
    if how == "voided":
        void_visit(actor=ACTOR, visit_id=visit.pk, reason="اشتباه")
    elif how == "blocked":
        changes = {"status": "blocked", "block_reason": "تقلب"}
        update_customer(actor=ACTOR, customer_id=guest, expected_version=None, changes=changes)
    elif how in ("deleted", "erased"):
        delete_customer(actor=ACTOR, customer_id=guest)
        if how == "erased":
            erase_customer(actor=ACTOR, customer_id=guest)
            dispatch_pending()
            assert not FeedbackLink.objects.exists()
    elif how == "feature off":
        cafe.cafe.features = {**cafe.cafe.features, "feedback": False}
        cafe.cafe.save()
    else:
        FeedbackLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client = cafe.browser(None)
    for answer in (client.get(path), client.post(path, {"rating": "5"})):
        assert answer.status_code == (410 if how == "expired" else 404)
        assert "مریم" not in answer.content.decode()
        assert answer["Cache-Control"] == "private, no-store"
    assert not Feedback.objects.exists()
    if how == "voided":
        restore_visit(actor=ACTOR, visit_id=visit.pk)
        assert client.get(path).status_code == 200, "a visit that is taken back in can be rated again"


def test_a_merge_takes_the_link_along_and_its_undoing_gives_it_back(cafe: Any) -> None:
    kept, visit = make_customer("مریم"), billed(cafe, make_customer("مریم رضایی"))
    path = path_of(visit)
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=visit.customer_id)
    assert path_of(visit) == path
    assert FeedbackLink.objects.get().customer_id == kept.pk
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert FeedbackLink.objects.get().customer_id == visit.customer_id
    assert path_of(visit) == path
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=visit.customer_id)
    assert cafe.browser(None).post(path, {"rating": "5"}).status_code == 303
    assert Feedback.objects.get().customer_id == kept.pk
    exported = str(everything_of(Customer.objects.get(pk=kept.pk)))
    assert "feedback_links" in exported
    assert path.removeprefix("/f/")[:8] not in exported, "what opens a door is no part of an export"


def reply(visit: Visit, digit: str) -> None:
    """The guest was asked by SMS and answers with a digit."""
    message = queue_message(
        recipient=visit.customer.phone,
        body="از ۱ تا ۵؟",
        kind="feedback_request",
        purpose="transactional",
        customer_id=visit.customer_id,
    )
    Message.objects.filter(pk=message.pk).update(
        state="sent", sent_at=timezone.now(), provider_message_id="77", provider_account="default"
    )
    number = "0" + visit.customer.phone.removeprefix("+98")
    text = InboundText(provider_id=f"in-{digit}", sender=number, receiver="1000", body=digit)
    record_inbound(provider="kavenegar", message=text, channel="sms")
    dispatch_pending()
    dispatch_pending()


def test_a_rating_by_sms_stays_and_the_link_adds_words_to_it(cafe: Any) -> None:
    visit = asked()
    path, client = path_of(visit), cafe.browser(None)
    reply(visit, "۲")
    assert Feedback.objects.get().rating == 2
    page = client.get(path)
    assert page.status_code == 200
    assert 'name="rating"' not in page.content.decode()
    assert client.post(path, {"rating": "5", "comment": "Cold coffee", "quality": "1"}).status_code == 303
    row = Feedback.objects.get()
    assert (row.rating, row.comment, row.category_ratings) == (2, "Cold coffee", {"quality": 1})
    assert row.comment_language == "en"
    visit.refresh_from_db()
    assert (visit.feedback_rating, visit.feedback_comment) == (2, "Cold coffee")
    assert Event.objects.filter(name="feedback.recorded").count() == 1, "nobody is told a second time"
    assert client.post(path, {"comment": "و باز هم"}).status_code == 409
    assert Feedback.objects.get().comment == "Cold coffee"


def test_a_digit_by_sms_after_the_link_is_an_ordinary_text(cafe: Any) -> None:
    visit = asked()
    assert cafe.browser(None).post(path_of(visit), {"rating": "5"}).status_code == 303
    reply(visit, "۱")
    assert Feedback.objects.get().rating == 5
    assert InboundMessage.objects.get().meaning == "text"


# --- the page ---


def test_the_page_speaks_the_cafes_language_until_the_guest_chooses(cafe: Any, indian_cafe: Any) -> None:
    path, client = path_of(asked()), cafe.browser(None)
    client.cookies["servaan_language"] = "en"  # a choice made for another page of this café
    page = client.get(path)
    assert 'lang="fa" dir="rtl"' in page.content.decode()
    english = client.get(f"{path}?lang=en").content.decode()
    assert 'lang="en" dir="ltr"' in english
    assert "Awful" in english
    assert 'lang="fa"' in client.get(f"{path}?lang=xx").content.decode()
    assert client.post(f"{path}?lang=en", {"rating": "4"})["Location"] == f"{path}?lang=en"
    with tenant_context(indian_cafe.cafe):
        theirs = path_of(asked("Asha"))
    assert 'lang="en" dir="ltr"' in indian_cafe.browser(None).get(theirs).content.decode()


def test_the_whole_page_travels_in_less_than_sixty_kilobytes(cafe: Any) -> None:
    page = cafe.browser(None).get(path_of(asked())).content
    sizes = {"page": len(gzip.compress(page, 6))}
    names = set(re.findall(rb'(?:href|src)="/static/([^"?]+)"', page))
    while names:
        name = names.pop().decode()
        found = finders.find(name)
        assert isinstance(found, str), name
        with open(found, "rb") as file:
            body = file.read()
        sizes[name] = len(body) if name.endswith(".woff2") else len(gzip.compress(body, 6))
        if name.endswith(".css"):
            names |= {
                font for font in re.findall(rb'url\("?\.\./([^")]+)"?\)', body) if font.decode() not in sizes
            }
    assert {"css/public.css", "feedback/guest.css", "vendor/vazirmatn-nl.woff2"} <= set(sizes)
    assert sum(sizes.values()) < LIMIT, sizes


def test_links_and_addresses_have_limits(cafe: Any, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"guest_page": 3, "guest_page_ip": 5}
    one, two = path_of(asked()), path_of(asked())
    client = cafe.browser(None)
    codes = [client.get(one, REMOTE_ADDR=f"10.0.0.{n}").status_code for n in range(4)]
    assert codes == [200, 200, 200, 429]
    codes = [client.post(f"/f/guess{n}", REMOTE_ADDR="10.9.9.9").status_code for n in range(5)]
    assert codes == [404] * 5
    refused = client.get(two, REMOTE_ADDR="10.9.9.9")
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60


# --- in a text ---


def test_from_the_visit_to_the_apology(cafe: Any) -> None:
    asking = Automation.objects.get(key="feedback-request")
    sorry = Automation.objects.get(key="low-rating")
    only_mine(asking, sorry)
    Automation.objects.filter(pk__in=[asking.pk, sorry.pk]).update(is_active=True)
    guest = make_customer("نگار احمدی")
    visit = billed(cafe, guest)
    dispatch_pending()
    due_now()
    engine.work_off()
    text = Message.objects.get(customer_id=guest.pk, kind="feedback_request").body
    assert count_parts(text).parts <= 2
    path = re.search(rf"http://{cafe.host}:\d+(/f/[0-9A-Za-z]{{14}})", text)[1]  # type: ignore[index]
    assert path == path_of(visit)
    client = cafe.browser(None)
    assert "نگار" in client.get(path).content.decode()
    assert client.post(path, {"rating": "1", "comment": "دیر آمد"}).status_code == 303
    dispatch_pending()
    assert AutomationRun.objects.get(automation=sorry).customer_id == guest.pk
    assert Feedback.objects.get(visit=visit).rating == 1


def test_a_text_without_a_link_to_give_is_left_out_for_a_reason(cafe: Any) -> None:
    plain = automation(template="سلام {{first_name}}: {{feedback_link}}")
    softer = automation(template="سلام {{first_name}} {{feedback_link|به ما بگویید}}")
    only_mine(plain, softer)
    guest = make_customer("نگار")
    with without_feature(cafe, "feedback"):
        billed(cafe, guest)
        dispatch_pending()
        later = automation(template="{{feedback_link}}", is_active=False)
        assert dry_run(later).left_out["no_feedback_link"] == 1
    run = AutomationRun.objects.get(automation=plain)
    assert (run.state, run.reason) == ("skipped", "no_feedback_link")
    assert Message.objects.get(customer_id=guest.pk).body.endswith("به ما بگویید")


def test_a_rehearsal_shows_a_link_and_writes_none(cafe: Any) -> None:
    mine = automation(template="سلام {{feedback_link}}", is_active=False)
    asked()
    found = dry_run(mine)
    assert found.count == 1
    assert re.search(r"/f/[0-9A-Za-z]{14}$", found.sample[0].text)
    assert not FeedbackLink.objects.exists()
