"""Discount codes: made, drawn, listed, changed; over HTTP and on the pages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from checkout.services import VisitRequest, record_visit, void_visit
from loyalty.benefits import OpenBill
from loyalty.models import DiscountCode
from loyalty.selectors.codes import STATES, list_codes, state_of
from loyalty.services.codes import create_code, generate_codes, update_code
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import guest_with

URL = "/api/crm/loyalty/codes"


def used_on(cafe, text, guest=None, total=400_000):
    request = VisitRequest(
        customer_id=guest.pk if guest else None, total_amount=Decimal(total), discount_code=text
    )
    return record_visit(actor=cafe.staff.actor, request=request).visit


@given(
    total=st.integers(0, 10**9), kind=st.sampled_from(["amount", "percent", "item"]),
    value=st.integers(1, 100), cap=st.one_of(st.none(), st.integers(1, 1000)),
    lattes=st.integers(0, 3),
)  # fmt: skip
def test_a_benefit_takes_between_nothing_and_all(total, kind, value, cap, lattes):
    row = DiscountCode(
        kind=kind, value=Decimal(value), max_discount=Decimal(cap) if cap else None, item_name="لاته"
    )
    lines = [{"name": "لاته", "quantity": lattes, "unit_price": 70}] if lattes else []
    bill = OpenBill(Decimal(total), lines)
    taken = bill.take(row)
    assert 0 <= taken <= total
    assert bill.left == total - taken
    assert cap is None or taken <= cap
    assert taken == int(taken)
    if lattes and kind == "item":
        for _piece in range(lattes - 1):
            bill.take(row)
        with pytest.raises(ValidationError):
            bill.take(row)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"code": "کد"}, "code"),
        ({"code": "AB"}, "code"),
        ({"code": "TAKEN"}, "code"),
        ({"kind": "gift"}, "kind"),
        ({"value": Decimal(0)}, "value"),
        ({"value": Decimal(101)}, "value"),
        ({"kind": "item", "value": Decimal(5)}, "item_name"),
        ({"max_discount": Decimal(-1)}, "max_discount"),
        ({"starts_on": dt.date(2026, 2, 2), "ends_on": dt.date(2026, 2, 1)}, "ends_on"),
        ({"minimum_amount": Decimal(-1)}, "minimum_amount"),
        ({"max_uses": 0}, "max_uses"),
        ({"tiers": ["diamond"]}, "tiers"),
        ({"outlets": ["00000000-0000-7000-8000-000000000000"]}, "outlets"),
        ({"customer_id": "00000000-0000-7000-8000-000000000000"}, "customer_id"),
        ({"times_used": 3}, "times_used"),
    ],
)
def test_wrong_terms_name_the_field(cafe, terms, field):
    code("TAKEN")
    values = {"code": "NEW", "kind": "percent", "value": Decimal(10), **terms}
    with pytest.raises(ValidationError) as error:
        create_code(actor=cafe.manager.actor, values=values)
    assert field in error.value.error_dict
    assert DiscountCode.objects.count() == 1


def test_typed_in_any_way_it_is_the_same_code(cafe):
    row = code("yalda-۱۴۰۵")
    assert row.code == "YALDA-1405"
    assert used_on(cafe, " Yalda-١٤٠٥ ").discount_amount == 40_000


def test_what_was_used_keeps_its_meaning(cafe):
    row, actor = code("YALDA", max_uses=5), cafe.manager.actor
    update_code(actor=actor, code_id=row.pk, changes={"code": "NOWRUZ"})
    guest = guest_with()
    for _bill in range(2):
        used_on(cafe, "NOWRUZ", guest)
    for changes in ({"code": "OTHER"}, {"kind": "amount"}, {"max_uses": 1}):
        with pytest.raises(ValidationError) as error:
            update_code(actor=actor, code_id=row.pk, changes=changes)
        assert set(error.value.error_dict) == set(changes)
    update_code(actor=actor, code_id=row.pk, changes={"value": Decimal(50), "max_uses": 2})
    assert state_of(DiscountCode.objects.get()) == "used_up"


def test_the_database_refuses_a_use_too_many(cafe):
    row = code("ONCE", max_uses=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        DiscountCode.objects.filter(pk=row.pk).update(times_used=2)


def test_every_code_is_in_one_state(cafe):
    day = dt.timedelta(days=1)
    today = timezone.now().date()
    guest = guest_with()
    code("USABLE", ends_on=today + 9 * day)
    code("OFF", is_active=False, ends_on=today - 9 * day)
    code("EXPIRED", ends_on=today - 2 * day)
    code("UPCOMING", starts_on=today + 2 * day)
    code("GONE", max_uses=1)
    used_on(cafe, "GONE", guest)
    for state in STATES:
        rows = list(list_codes({"state": state}))
        assert [state_of(row) for row in rows] == [state]
    assert list_codes({"search": "usa"}).get().code == "USABLE"
    assert list_codes({"used": True}).get().code == "GONE"


def test_drawn_codes_are_many_and_different(cafe):
    drawn = generate_codes(
        actor=cafe.manager.actor, count=2500, prefix="bahar", values={"kind": "percent", "value": Decimal(10)}
    )
    assert len(set(drawn)) == DiscountCode.objects.count() == 2500
    assert all(text.startswith("BAHAR-") and len(text) == 16 for text in drawn)
    assert not set("".join(drawn).replace("BAHAR-", "")) & set("IO01")
    assert set(DiscountCode.objects.values_list("max_uses", flat=True)) == {1}
    assert used_on(cafe, drawn[7], guest_with()).discount_amount == 40_000


def test_over_http(cafe):
    guest, client = guest_with(), cafe.api("manager")
    made = client.post(URL, {"code": "yalda", "kind": "percent", "value": 10, "max_uses": 2}, format="json")
    assert made.status_code == 201, made.content
    row = made.json()["data"]["code"]
    assert (row["code"], row["state"], row["value"]) == ("YALDA", "usable", 10)
    check = f"{URL}/yalda/check?total_amount=400000&customer_id={guest.pk}"
    assert cafe.api("staff").get(check).json()["data"] == {
        "code": "YALDA", "usable": True, "discount": 40_000, "reason": None, "message": None,
    }  # fmt: skip
    visit = used_on(cafe, "YALDA", guest)
    void_visit(actor=cafe.staff.actor, visit_id=used_on(cafe, "YALDA", guest).pk)
    listed = client.get(URL).json()["data"]
    assert listed["codes"][0]["times_used"] == 1
    assert listed["summary"] == {
        "codes": 1, "uses": 1, "guests": 1, "discount_given": 40_000, "revenue": 360_000,
    }  # fmt: skip
    uses = client.get(f"{URL}/{row['id']}/uses").json()["data"]["uses"]
    assert [use["status"] for use in uses] == ["reversed", "used"]
    assert uses[1]["visit_id"] == str(visit.pk)
    assert client.delete(f"{URL}/{row['id']}").json()["data"]["code"]["state"] == "off"
    refused = client.get(check).json()["data"]
    assert (refused["usable"], refused["reason"]) == (False, "off")
    assert client.get(f"{URL}/NOBODY/check?total_amount=1").status_code == 404
    assert cafe.api("staff").post(URL, {}, format="json").status_code == 403
    error = client.post(URL, {"kind": "percent", "value": 10, "colour": 1}, format="json").json()["error"]
    assert "colour" in error["details"]
    taken = client.post(URL, {"code": "YALDA", "kind": "percent", "value": 10}, format="json")
    assert (taken.status_code, list(taken.json()["error"]["details"])) == (400, ["code"])


def test_a_refused_bill_says_so_over_http(cafe):
    code("OLD", is_active=False)
    body = {"total_amount": 400_000, "discount_code": "old"}
    error = cafe.api("staff").post("/api/crm/visits", body, format="json").json()["error"]
    assert error["code"] == "DISCOUNT_CODE_NOT_USABLE"
    assert error["details"] == {"field": "discount_code", "discount_code": "OLD", "reason": "off"}
    code("NEW")
    answer = cafe.api("staff").post("/api/crm/visits", body | {"discount_code": "new"}, format="json")
    data = answer.json()["data"]
    assert data["visit"]["discount_applied"] == 40_000
    assert data["receipt"]["to_pay"] == 360_000
    assert data["receipt"]["discounts"] == [
        {"kind": "code", "code": "NEW", "name": None, "amount": 40_000, "points": 0}
    ]


def test_the_pages_in_toman_and_the_file(cafe):
    client = cafe.browser("manager")
    sent = {
        "code": "تخفیف", "kind": "amount", "value": "۵٬۰۰۰", "minimum_amount": "۲۰٬۰۰۰", "ends_on": "۱۴۹۹/۰۱/۰۱",
        "max_uses_per_guest": "۲", "tiers": ["gold"],
    }  # fmt: skip
    assert client.post("/loyalty/codes/new/", sent).status_code == 422
    assert client.post("/loyalty/codes/new/", sent | {"code": "five"}).status_code == 302
    row = DiscountCode.objects.get()
    assert (row.value, row.minimum_amount, row.max_uses_per_guest, row.tiers) == (
        50_000,
        200_000,
        2,
        ["gold"],
    )
    shown = client.get(f"/loyalty/codes/{row.pk}/edit/").content.decode()
    assert "FIVE" in shown
    assert client.post(f"/loyalty/codes/{row.pk}/switch/").status_code == 302
    assert not DiscountCode.objects.get().is_active
    drawn = {"count": "3", "beginning": "b", "name": "=بهار", "kind": "percent", "value": "10"}
    assert client.post("/loyalty/codes/generate/", drawn).status_code == 302
    file = b"".join(client.get("/loyalty/codes/export/?q=بهار").streaming_content).decode()
    assert file.count("\nB-") == 3
    assert "'=بهار" in file, "no formula for a spreadsheet"
    assert "FIVE" in client.get("/loyalty/codes/").content.decode()
    assert client.get(f"/loyalty/codes/{row.pk}/").status_code == 200
    assert cafe.browser("staff").get("/loyalty/codes/").status_code == 200
    assert cafe.browser("staff").get("/loyalty/codes/new/").status_code == 403
