"""The program: versions, bonus rules, tiers, two editors, and a simulator that says what the checkout does."""

import threading
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import translation
from django_tenants.utils import tenant_context

from checkout.services import VisitItem, VisitRequest, record_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import CustomerSummary, MenuItem
from loyalty.changes import changes_of
from loyalty.models import BonusRule, LedgerEntry, LoyaltyAccount, LoyaltyProgram, ProgramVersion, Tier
from loyalty.rules import as_json
from loyalty.selectors.program import get_rule_book, terms_of
from loyalty.selectors.tiers import preview_tiers
from loyalty.selectors.versions import count_rows, get_version, rows_of_version
from loyalty.services import (
    change_bonus_rule,
    create_bonus_rule,
    reorder_bonus_rules,
    update_program,
    update_tiers,
)
from loyalty.services.bonus_rules import delete_bonus_rule
from loyalty.words import bonus_sentence, explain
from servaan_crm.core.actors import system
from servaan_crm.core.errors import EditConflict
from servaan_crm.l10n.locale import use_locale

PHONE = "+989121234567"
ACTOR = system("test")


def bill(total: int = 2_500_000, **values: Any) -> Any:
    return record_visit(actor=ACTOR, request=VisitRequest(total_amount=Decimal(total), phone=PHONE, **values))


def happy_hour(**values: Any) -> BonusRule:
    rule = {"name": "عصر خلوت", "kind": "multiplier", "factor": Decimal(2), **values}
    return create_bonus_rule(actor=ACTOR, values=rule)


def test_every_change_keeps_its_version_and_history_keeps_its_points(cafe):
    first = bill().visit
    update_program(actor=cafe.manager.actor, changes={"amount_per_point": Decimal(500)})
    rule = happy_hour()
    bill()
    change_bonus_rule(actor=ACTOR, rule_id=rule.pk, changes={"factor": Decimal(3)})
    update_tiers(actor=ACTOR, changes={"gold": {"multiplier": Decimal(2)}})
    delete_bonus_rule(actor=ACTOR, rule_id=rule.pk)

    versions = {row.version: row for row in ProgramVersion.objects.all()}
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]
    assert versions[2].created_by == cafe.manager
    assert as_json(get_rule_book()).items() <= versions[6].rules.items()
    assert [versions[n].rules["amount_per_point"] for n in (1, 2)] == ["1000.00", "500.00"]
    assert [len(versions[n].rules["bonuses"]) for n in range(1, 7)] == [0, 0, 1, 1, 1, 0]
    # What was earned before is as it was, and each row names the rules that made it.
    rows = LedgerEntry.objects.order_by("sequence").values_list("rule_version", "type", "points")
    assert list(rows) == [
        (1, "earned_purchase", 2500),
        (3, "earned_purchase", 5500),
        (3, "earned_bonus", 5000),
    ]
    assert first.ledger_entries.get().points == 2500
    assert [count_rows(rows_of_version(get_version(n))).number for n in range(1, 7)] == [1, 0, 2, 0, 0, 0]
    assert_books_agree()


def test_a_change_of_nothing_makes_no_version(cafe):
    rule = happy_hour()
    number = LoyaltyProgram.objects.get().version
    update_program(actor=ACTOR, changes={"amount_per_point": 1000})
    update_tiers(actor=ACTOR, changes={"gold": {"threshold": Decimal(5000)}})
    change_bonus_rule(actor=ACTOR, rule_id=rule.pk, changes={"name": rule.name})
    assert LoyaltyProgram.objects.get().version == number
    assert ProgramVersion.objects.count() == number


def test_a_cafe_without_an_archive_gets_one_with_its_next_change(cafe):
    ProgramVersion.objects.all().delete()
    update_program(actor=ACTOR, changes={"minimum_amount": Decimal(1000)})
    assert list(ProgramVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    kept = ProgramVersion.objects.get(version=1)
    assert kept.rules["minimum_amount"] == "0.00"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_per_point", Decimal(0)),
        ("point_value", Decimal(2000)),  # more than the amount a point is given for
        ("max_points_per_visit", 0),
        ("expiry_months", 121),
        ("confirm_above", Decimal(0)),
        ("rounding", "sideways"),
        ("version", 9),
    ],
)
def test_a_rule_that_cannot_be_is_named_and_changes_nothing(cafe, field, value):
    with pytest.raises(ValidationError) as refused:
        update_program(actor=ACTOR, changes={field: value, "minimum_redemption": 50})
    assert list(refused.value.message_dict) == [field]
    program = LoyaltyProgram.objects.get()
    assert (program.version, program.minimum_redemption) == (1, 0)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("factor", {"factor": Decimal(1)}),
        ("points", {"kind": "points", "factor": None, "points": 0}),
        ("until_time", {"from_time": time(16), "until_time": time(16)}),
        ("weekdays", {"weekdays": [7]}),
        ("outlets", {"outlets": ["00000000-0000-0000-0000-000000000007"]}),
        ("every_nth_visit", {"first_visit": True, "every_nth_visit": 5}),
        ("campaign_code", {"campaign_code": "two words"}),
        ("birthday_days", {"birthday_days": 61}),
        ("name", {"name": "  "}),
    ],
)
def test_a_bonus_that_cannot_be_is_named(cafe, field, values):
    with pytest.raises(ValidationError) as refused:
        happy_hour(**values)
    assert list(refused.value.message_dict) == [field]
    assert (BonusRule.objects.count(), LoyaltyProgram.objects.get().version) == (0, 1)


def test_tiers_ascend_from_nought_and_may_swap_through_each_other(cafe):
    for changes, key in (
        ({"bronze": {"threshold": Decimal(1)}}, "bronze.threshold"),
        ({"gold": {"threshold": Decimal(1000)}}, "gold.threshold"),
        ({"silver": {"multiplier": Decimal("0.5")}}, "silver.multiplier"),
    ):
        with pytest.raises(ValidationError) as refused:
            update_tiers(actor=ACTOR, changes=changes)
        assert key in refused.value.message_dict
    # Silver takes the place gold had, gold the one platinum had; and all back at once.
    for thresholds in ((0, 5000, 15000, 20000), (0, 500, 1500, 5000), (0, 1000, 5000, 15000)):
        changes = {
            level: {"threshold": Decimal(number)}
            for level, number in zip(Tier.Level.values, thresholds, strict=True)
        }
        assert [tier.threshold for tier in update_tiers(actor=ACTOR, changes=changes)] == list(thresholds)


def test_thresholds_follow_when_tiers_begin_to_count_money(cafe):
    update_program(actor=ACTOR, changes={"tier_basis": "lifetime_spend"})
    assert [tier.threshold for tier in Tier.objects.all()] == [0, 1_000_000, 5_000_000, 15_000_000]
    update_program(actor=ACTOR, changes={"tier_basis": "points_12_months"})
    assert [tier.threshold for tier in Tier.objects.all()] == [0, 1000, 5000, 15000]


def test_the_order_of_the_list_decides_which_bonus_counts(cafe):
    double, triple = happy_hour(), happy_hour(name="triple", factor=Decimal(3))
    update_program(actor=ACTOR, changes={"stacking": "first"})
    assert bill().earning.points == 5000
    reorder_bonus_rules(actor=ACTOR, rule_ids=[triple.pk, double.pk])
    again = bill().earning
    assert [part.name for part in again.bonuses] == ["triple"]
    with pytest.raises(ValidationError):
        reorder_bonus_rules(actor=ACTOR, rule_ids=[triple.pk])


def test_two_editors_at_once_one_is_told(fresh_cafe):
    cast = fresh_cafe()
    start, outcomes = threading.Barrier(2), []

    def edit(amount: int) -> None:
        with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
            start.wait()
            try:
                changes = {"minimum_amount": Decimal(amount)}
                update_program(actor=ACTOR, changes=changes, expected_version=1)
                outcomes.append("saved")
            except EditConflict as conflict:
                outcomes.append(conflict.details["version"])
            finally:
                connection.close()

    threads = [threading.Thread(target=edit, args=(amount,)) for amount in (1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [2, "saved"]
    assert LoyaltyProgram.objects.get().version == ProgramVersion.objects.count() == 2


def form_of(page: Any) -> dict[str, str]:
    """What a browser would send of the program's form."""
    form = page.context["form"]
    data = {}
    for bound in form:
        value = bound.value()
        if value is True:
            data[bound.html_name] = "on"
        elif value not in (None, False):
            data[bound.html_name] = str(value)
    return data


def test_a_page_left_open_overwrites_nothing_unseen(cafe):
    mine, theirs = cafe.browser("manager"), cafe.browser("owner")
    opened = form_of(mine.get("/loyalty/"))
    other = form_of(theirs.get("/loyalty/"))
    assert (
        theirs.post("/loyalty/save/", other | {"minimum_amount": "۵۰٬۰۰۰", "expiry_months": "۱۲"}).status_code
        == 302
    )

    answer = mine.post("/loyalty/save/", opened | {"amount_per_point": "۲۰۰"})
    assert answer.status_code == 409
    program = LoyaltyProgram.objects.get()
    assert (program.version, program.amount_per_point, program.minimum_amount) == (2, 1000, 500_000)
    # The page now holds both; saved again, both are in force.
    assert mine.post("/loyalty/save/", form_of(answer)).status_code == 302
    program.refresh_from_db()
    assert (program.version, program.amount_per_point, program.minimum_amount, program.expiry_months) == (
        3, 2000, 500_000, 12,
    )  # fmt: skip
    told = changes_of(
        ProgramVersion.objects.get(version=2).rules, ProgramVersion.objects.get(version=3).rules
    )
    assert [(change.old, change.new) for change in told] == [("۱۰۰ تومان", "۲۰۰ تومان")]


def test_tiers_of_a_page_left_open_are_put_together(cafe):
    mine = cafe.browser("manager")
    page = mine.get("/loyalty/tiers/")
    data = {"version": "1"}
    for card in page.context["cards"]:
        data |= {bound.html_name: str(bound.value()) for bound in card.form}
    update_tiers(actor=ACTOR, changes={"gold": {"discount_percent": Decimal(7)}})
    answer = mine.post("/loyalty/tiers/save/", data | {"silver-threshold": "۱٬۲۰۰"})
    assert answer.status_code == 409
    data = {"version": str(answer.context["program"].version)}
    for card in answer.context["cards"]:
        data |= {bound.html_name: str(bound.value()) for bound in card.form}
    assert mine.post("/loyalty/tiers/save/", data).status_code == 302
    assert Tier.objects.get(level="silver").threshold == 1200
    assert Tier.objects.get(level="gold").discount_percent == 7


def test_a_bonus_made_on_the_page_earns_at_the_counter(cafe):
    MenuItem.objects.create(name="لاته", category="نوشیدنی", price=Decimal(800_000))
    browser = cafe.browser("manager")
    data = {
        "name": "عصر خلوت",
        "kind": "multiplier",
        "size": "۱٫۵",
        "categories": ["نوشیدنی"],
        "is_active": "on",
    }
    sentence = browser.get("/loyalty/bonus/sentence/", data).content.decode()
    with translation.override("fa"):
        assert browser.post("/loyalty/bonus/new/", data).status_code == 302
        assert bonus_sentence(terms_of(BonusRule.objects.get())) in sentence
    item = VisitItem(
        name="لاتـه",
        category="نوشيدني",
        quantity=1,
        unit_price=Decimal(800_000),
        total_price=Decimal(800_000),
    )
    receipt = bill(items=(item,))
    assert [(part.name, part.points) for part in receipt.earning.bonuses] == [("عصر خلوت", 400)]
    rule = BonusRule.objects.get()
    browser.post(f"/loyalty/bonus/{rule.pk}/list/", {"do": "off"})
    assert bill(items=(item,)).earning.bonuses == ()


def test_the_simulator_says_what_the_checkout_gives(cafe):
    update_program(actor=ACTOR, changes={
        "max_points_per_day": 6000, "max_points_per_visit": 5200, "rounding": "nearest", "stacking": "all",
    })  # fmt: skip
    happy_hour(items=["لاته"])
    happy_hour(name="never", weekdays=[(datetime.now(UTC).weekday() + 3) % 7])
    happy_hour(name="second", kind="points", factor=None, points=300, every_nth_visit=2)
    api, item = (
        cafe.api("staff"),
        {"name": "لاته", "quantity": 2, "unit_price": 400_000, "total_price": 800_000},
    )
    guest = bill(500_000).visit.customer
    for total in (1_234_500, 4_000_000, 9_000_000):
        asked = {
            "customer_id": str(guest.pk), "total_amount": total, "discount_amount": 100_000,
            "items": [{"name": "لاته", "quantity": 2, "total_price": 800_000}],
        }  # fmt: skip
        told = api.post("/api/crm/loyalty/simulate", asked, format="json").json()["data"]["simulation"]
        line = VisitItem(**{name: Decimal(v) if "price" in name else v for name, v in item.items()})
        given = bill(total, discount_amount=Decimal(100_000), items=(line,)).earning
        assert told["points"] == given.points
        assert [(part["name"], part["points"]) for part in told["parts"] if part["points"]] == [
            (part.name, part.points) for part in given.parts if part.points
        ]
        assert {rule["name"]: rule["reason"] for rule in told["left_out"]}["never"] == "weekdays"
    assert_books_agree()


def test_the_preview_counts_guests_as_one_by_one(cafe):
    for number, total in enumerate((300_000, 1_500_000, 700_000, 6_000_000)):
        record_visit(
            actor=ACTOR, request=VisitRequest(total_amount=Decimal(total), phone=f"+98912000000{number}")
        )
    thresholds = {
        "bronze": Decimal(0),
        "silver": Decimal(500),
        "gold": Decimal(1500),
        "platinum": Decimal(6000),
    }
    for basis, scale in (("lifetime_points", 1), ("points_12_months", 1), ("lifetime_spend", 1000)):
        scaled = {level: number * scale for level, number in thresholds.items()}
        preview = preview_tiers(scaled, basis)
        expected: dict[str, int] = dict.fromkeys(thresholds, 0)
        for summary in CustomerSummary.objects.all():
            account = LoyaltyAccount.objects.get(pk=summary.pk)
            measure = summary.lifetime_spent if basis == "lifetime_spend" else account.points_earned_total
            expected[[level for level, number in scaled.items() if number <= measure][-1]] += 1
        assert {share.level: share.then for share in preview.shares} == expected
        assert sum(share.now for share in preview.shares) == 4


def test_the_api_reads_changes_and_refuses(cafe):
    api = cafe.api("manager")
    program = api.get("/api/crm/loyalty/program").json()["data"]["program"]
    assert (program["amount_per_point"], program["version"]) == (1000, 1)
    changed = api.patch("/api/crm/loyalty/program", {"expiry_months": 12, "version": 1}, format="json")
    assert changed.json()["data"]["program"]["version"] == 2
    late = api.patch("/api/crm/loyalty/program", {"expiry_months": 6, "version": 1}, format="json")
    assert (late.status_code, late.json()["error"]["details"]) == (409, {"version": 2})
    wrong = api.patch("/api/crm/loyalty/tiers/gold", {"threshold": 10}, format="json")
    assert (wrong.status_code, list(wrong.json()["error"]["details"])) == (400, ["threshold"])
    made = api.post(
        "/api/crm/loyalty/bonus-rules", {"name": "Tuesday", "kind": "points", "points": 5, "weekdays": [1]},
        format="json",
    )  # fmt: skip
    rule = made.json()["data"]["bonus_rule"]
    assert made.status_code == 201
    shown = api.get("/api/crm/loyalty/program/versions/3").json()["data"]["version"]
    assert (shown["rules"]["bonuses"][0]["id"], shown["ledger_rows"]) == (rule["id"], 0)
    assert api.delete(f"/api/crm/loyalty/bonus-rules/{rule['id']}").status_code == 200
    assert api.get("/api/crm/loyalty/bonus-rules").json()["data"]["bonus_rules"] == []


@pytest.mark.parametrize("language", ["en", "fa"])
def test_each_sentence_of_the_page_holds_all_its_blanks(cafe, language):
    """No translation may lose a field, or it could never be changed."""
    browser = cafe.browser("owner")
    browser.cookies["servaan_language"] = language
    with translation.override(language):
        for address, left in (("/loyalty/", {"version"}), ("/loyalty/bonus/new/", {"seen"})):
            page = browser.get(address, headers={"accept-language": language})
            html = page.content.decode()
            for bound in page.context["form"]:
                times = html.count(f' name="{bound.html_name}"')
                choices = (
                    len(getattr(bound.field, "choices", ()))
                    if bound.field.widget.input_type == "checkbox" and hasattr(bound.field, "choices")
                    else 1
                )
                assert times == choices, bound.name
            assert left <= set(page.context["form"].fields)


def test_explanations_of_old_and_new_rows_read_well(cafe):
    with translation.override("en"):
        closed = {"paid": "5000", "minimum_amount": "0.00", "reason": "closed"}
        assert "no points at this time" in explain(closed)
        assert explain({"paid": "5000", "minimum_amount": "9000"}).startswith("The part paid")
        capped = {"bonus": "Tea", "rule_id": "x", "kind": "points", "points": 50, "capped_at_day": 100}
        assert "Tea" in explain(capped)
        assert "100" in explain(capped).replace("۱۰۰", "100")
        assert explain({}) == ""
    assert datetime.now(UTC) - ProgramVersion.objects.get().created_at < timedelta(days=400)


def test_the_back_office_makes_and_deletes_bonus_rules_as_versions(cafe):
    browser = cafe.browser("manager")
    form = {
        "name": "Tuesday", "kind": "points", "points": "۵", "weekdays": "1", "is_active": "on",
        "minimum_amount": "۵۰٬۰۰۰",
    }  # fmt: skip
    answer = browser.post("/admin/loyalty/bonusrule/add/", form)
    assert answer.status_code == 302, answer.context["errors"]
    rule = BonusRule.objects.get()
    assert (rule.points, rule.weekdays, rule.minimum_amount) == (5, [1], 500_000)
    # What the form would let through the service refuses, in a message.
    wrong = browser.post(f"/admin/loyalty/bonusrule/{rule.pk}/change/", form | {"weekdays": "9"}, follow=True)
    assert "9" in " ".join(str(message) for message in wrong.context["messages"])
    assert browser.post(f"/admin/loyalty/bonusrule/{rule.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not BonusRule.objects.exists()
    assert list(ProgramVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 2, 3]
    version = ProgramVersion.objects.get(version=2)
    assert version.created_by == cafe.manager
    assert browser.get(f"/admin/loyalty/programversion/{version.pk}/change/").status_code == 200
    assert (
        browser.post(f"/admin/loyalty/programversion/{version.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
