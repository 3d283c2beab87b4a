"""The code by SMS: sent, tried, used up, and shown on no screen."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from loyalty.models import RedemptionCode
from loyalty.reward_errors import ConfirmationFailed, ConfirmationTooSoon
from loyalty.services import confirmation, update_program
from loyalty.tests.shelf import SOMEBODY, guest_with, reward_of
from loyalty.tests.test_rewards import API, balance, buy
from servaan_crm.l10n.digits import to_persian
from servaan_crm.messaging.models import Message


def codes_sent(guest):
    texts = Message.objects.filter(customer_id=guest.pk, kind="confirmation_code").order_by("id")
    return ["".join(filter(str.isdigit, text.body.split("\n")[0]))[:4] for text in texts]


@pytest.fixture
def careful(cafe):
    """A café that asks for a code above 20,000 rial: 200 points."""
    update_program(actor=cafe.owner.actor, changes={"confirm_above": Decimal(20_000)})
    return cafe


def test_a_large_redemption_needs_the_code_and_uses_it_up(careful):
    guest, reward, api = guest_with(1_000), reward_of(300), careful.api("staff")
    url, body = f"{API}/rewards/{reward.pk}/redeem", {"customer_id": str(guest.pk)}
    refused = api.post(url, body, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFIRMATION_REQUIRED")
    assert refused.json()["error"]["details"] == {"points": 300, "threshold": 20_000}
    sent = api.post(f"{API}/confirmations", body | {"points": 300}, format="json")
    assert sent.status_code == 202
    [code] = codes_sent(guest)
    assert code not in sent.content.decode()
    assert code not in RedemptionCode.objects.get().code_hash
    headers = {"Idempotency-Key": "once"}
    good = body | {"confirmation_code": to_persian(code)}
    first, again = (api.post(url, good, format="json", headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (201, again.content)
    used_up = api.post(url, good, format="json")
    assert used_up.json()["error"]["code"] == "CONFIRMATION_FAILED"
    small = {"customer_id": str(guest.pk), "points": 200, "reward_type": "discount"}
    assert api.post(f"{API}/redeem-points", small, format="json").status_code == 201
    large = api.post(f"{API}/redeem-points", small | {"points": 201}, format="json")
    assert large.json()["error"]["code"] == "CONFIRMATION_REQUIRED"
    assert balance(guest) == 500


def test_wrong_tries_count_although_the_request_is_refused(careful):
    guest, api = guest_with(1_000), careful.api("staff")
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    [code] = codes_sent(guest)
    wrong = f"{(int(code) + 1) % 10_000:04}"
    body = {"customer_id": str(guest.pk), "points": 400, "reward_type": "item", "confirmation_code": wrong}
    for number in range(5):
        headers = {"Idempotency-Key": f"till-{number}"}
        answer = api.post(f"{API}/redeem-points", body, format="json", headers=headers)
        assert answer.json()["error"]["details"]["tries_left"] == 4 - number
    answer = api.post(f"{API}/redeem-points", body | {"confirmation_code": code}, format="json")
    assert answer.json()["error"]["code"] == "CONFIRMATION_FAILED"
    assert balance(guest) == 1_000


def test_a_code_is_of_one_guest_for_so_many_points_for_five_minutes(careful):
    guest, other = guest_with(1_000), guest_with(1_000, phone="+989121110033")
    first = confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    with pytest.raises(ConfirmationTooSoon) as refusal:
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    assert 0 < refusal.value.details["retry_after"] <= 60
    RedemptionCode.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=500)
    old, new = codes_sent(guest)
    check = confirmation.check_code
    if old != new:
        with pytest.raises(ConfirmationFailed):
            check(customer_id=guest.pk, code=old, points=400)
    with pytest.raises(ConfirmationFailed):
        check(customer_id=other.pk, code=new, points=400)
    with pytest.raises(ConfirmationFailed):
        check(customer_id=guest.pk, code=new, points=501)
    confirmed = check(customer_id=guest.pk, code=new, points=500)
    assert confirmed.pk != first.pk
    with pytest.raises(ConfirmationFailed):
        buy(other, reward_of(300), confirmed=confirmed)
    RedemptionCode.objects.filter(pk=confirmed.pk).update(expires_at=timezone.now())
    with pytest.raises(ConfirmationFailed):
        buy(guest, reward_of(300), confirmed=confirmed)
    assert balance(guest) == balance(other) == 1_000


def test_five_codes_an_hour(careful):
    guest = guest_with(1_000)
    for number in range(5):
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
        moment = timezone.now() - timedelta(minutes=30 - number)
        RedemptionCode.objects.filter(created_at__gt=timezone.now() - timedelta(minutes=1)).update(
            created_at=moment
        )
    with pytest.raises(ConfirmationTooSoon) as refusal:
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    assert 1_700 < refusal.value.details["retry_after"] <= 1_801


def test_nobody_reads_the_code_on_a_screen(careful):
    guest = guest_with(1_000)
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    [code] = codes_sent(guest)
    message = Message.objects.get(kind="confirmation_code")
    pages = [
        careful.browser("manager").get(f"/admin/messaging/message/{message.pk}/change/"),
        careful.browser("manager").get("/admin/messaging/message/"),
        careful.api("manager").get(f"/api/crm/customers/{guest.pk}/communications"),
        careful.browser("manager").get(f"/customers/{guest.pk}/communications/"),
    ]
    for page in pages[:3]:
        assert page.status_code == 200
    for page in pages:
        assert code not in page.content.decode().replace(str(message.pk), "")
    assert "••••" in pages[0].content.decode()
    assert "••••" in pages[2].content.decode()
