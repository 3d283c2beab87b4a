"""Who is offered as a duplicate, why, and who is not."""

import datetime as dt

from customers.merging import candidates
from customers.merging.candidates import find_pairs, find_pairs_of
from customers.merging.services import dismiss_duplicate, merge_customers
from customers.models import Customer, CustomerNote, FamilyMember
from customers.services import delete_customer
from customers.tests.factories import ACTOR, make_customer

BORN = dt.date(1990, 5, 4)


def names(pairs):
    """Return {names of a pair: its reasons}."""
    found = Customer.objects.in_bulk([key for pair in pairs for key in (pair.first_id, pair.second_id)])
    return {
        frozenset((found[pair.first_id].name, found[pair.second_id].name)): set(pair.reasons)
        for pair in pairs
    }


def test_each_reason_finds_its_pair_and_nobody_else(cafe):
    make_customer(1, "سارا کریمی", email="Sara@Example.com")
    make_customer(2, "خانم کریمی", email="sara@example.COM")
    make_customer(3, "علی رضایی", birthday=BORN)
    make_customer(4, "على رضائي نژاد", birthday=BORN)
    make_customer(5, "مهدی اکبری", birthday=BORN)  # same birthday, another name
    make_customer(6, "علی رضایی", birthday=dt.date(1991, 5, 4))  # same name, another birthday
    make_customer(7, "Ravi", name_english="Ravi Kumar", birthday=BORN)
    make_customer(8, "راوی", name_english=" ravi kumar", birthday=BORN)
    make_customer(9, "نرگس احمدی", notes="شمارهٔ دیگرش ۰۹۱۲ ۰۰۰-۰۰۱۰ است، حساب 60379918123456781")
    make_customer(10, "ن. احمدی")
    child = make_customer(11, "پدر خانواده")
    make_customer(12, "دختر خانواده")
    FamilyMember.objects.create(
        customer=child, name="دختر خانواده", relationship="child", phone="+989120000012"
    )
    note = make_customer(13, "یادداشت دار")
    make_customer(14, "صاحب شماره")
    CustomerNote.objects.create(customer=note, text="با 00989120000014 هم می‌آید")
    expected = {
        frozenset(("سارا کریمی", "خانم کریمی")): {"email"},
        frozenset(("علی رضایی", "على رضائي نژاد")): {"birthday_name"},
        frozenset(("Ravi", "راوی")): {"birthday_latin"},
        frozenset(("نرگس احمدی", "ن. احمدی")): {"note_phone"},
        frozenset(("پدر خانواده", "دختر خانواده")): {"family_phone"},
        frozenset(("یادداشت دار", "صاحب شماره")): {"note_phone"},
    }
    assert names(find_pairs()) == expected
    for guest in Customer.objects.all():
        mine = {pair: why for pair, why in expected.items() if guest.name in pair}
        found = names(find_pairs_of(guest))
        if guest.name == "صاحب شماره":  # notes of the staff about others are read by the whole scan only
            assert found == {}
        elif guest.phone != "+989120000006":
            assert found == mine, guest.name
        else:
            assert found == {}


def test_reasons_add_up_and_the_likeliest_comes_first(cafe):
    make_customer(1, "سارا کریمی", birthday=BORN, email="s@example.com")
    make_customer(2, "ساره کریمی", birthday=BORN, email="S@example.com")
    make_customer(3, "علی رضایی", email="a@example.com")
    make_customer(4, "مینا صفوی", email="a@example.com")
    first, second = find_pairs()
    assert set(first.reasons) == {"birthday_name", "email"}
    assert first.score > second.score
    assert all(str(word) for word in [*first.words, first.likelihood, second.likelihood])


def test_large_blocks_say_nothing(cafe, monkeypatch):
    monkeypatch.setattr(candidates, "MAX_BLOCK", 4)
    monkeypatch.setattr(candidates, "MAX_EMAIL_OWNERS", 4)
    for number in range(5):
        make_customer(number, "علی رضایی", birthday=BORN, email="info@example.com")
    assert find_pairs() == []


def test_two_people_merged_and_deleted_ones_are_not_offered_also_from_a_kept_scan(cafe, monkeypatch):
    guests = [
        make_customer(number, f"نفر {number}", email=f"{number // 2}@example.com") for number in range(8)
    ]
    monkeypatch.setattr(candidates, "SLOW", -1)  # keep the scan
    assert len(find_pairs()) == 4
    make_customer(9, "تازه وارد", email="0@example.com")
    dismiss_duplicate(actor=ACTOR, first_id=guests[1].pk, second_id=guests[0].pk)
    merge_customers(actor=ACTOR, kept_id=guests[2].pk, merged_id=guests[3].pk)
    delete_customer(actor=ACTOR, customer_id=guests[5].pk)
    assert [pair.first_id for pair in find_pairs()] == [guests[6].pk]
    assert find_pairs_of(guests[2]) == []
    assert len(find_pairs(refresh=True)) == 3  # the newcomer with two, and the pair that is left
