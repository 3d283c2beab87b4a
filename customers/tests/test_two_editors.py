"""Two people who opened the same form: the second one is told, nothing is overwritten unseen. Names go to one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from checkout.tests.test_concurrency import run_together
from customers.models import CustomerNote, CustomField, FamilyMember, MenuItem, Tag
from customers.services import update_customer
from customers.services.catalog import delete_tag, save_tag
from customers.services.custom_fields import save_custom_field
from customers.services.family import add_family_member
from customers.services.notes import add_note
from customers.tests.factories import ACTOR, make_customer
from customers.tests.test_lock_order import _Beside

TOLD = "شخص دیگری این را تغییر داده است"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)"(?: id="\w+")? value="([^"]*)"')


def _hidden(html: str, name: str) -> str:
    return next(value for found, value in HIDDEN.findall(html) if found == name)


def _open(browser: Any, url: str, name: str = "seen") -> dict[str, str]:
    """Return what the form of the page sends along."""
    page = browser.get(url)
    assert page.status_code == 200, page.content.decode()
    return {name: _hidden(page.content.decode(), name)}


def test_a_family_member(cafe: Any) -> None:
    guest = make_customer()
    member = add_family_member(
        actor=ACTOR, customer_id=guest.pk, values={"name": "نگار", "relationship": "child"}
    )
    url = f"/customers/{guest.pk}/tab/family/{member.pk}/"
    first, second = cafe.browser("manager"), cafe.browser("staff")
    forms = [_open(one, url) for one in (first, second)]
    base = {"name": "نگار", "relationship": "child"}
    assert first.post(url, {**base, **forms[0], "phone": "09121234567"}).status_code == 302
    late = second.post(url, {**base, **forms[1], "name": "نگار کریمی"})
    assert (late.status_code, TOLD in late.content.decode(), "نگار کریمی" in late.content.decode()) == (
        422,
        True,
        True,
    )
    kept = FamilyMember.objects.get()
    assert (kept.name, kept.phone) == ("نگار", "+989121234567")
    assert second.post(url, {**base, **_open(second, url), "name": "نگار کریمی"}).status_code == 302


def test_a_note(cafe: Any) -> None:
    guest = make_customer()
    note = add_note(actor=cafe.staff.actor, customer_id=guest.pk, text="کنار پنجره")
    url = f"/customers/{guest.pk}/tab/notes/{note.pk}/"
    author, manager = cafe.browser("staff"), cafe.browser("manager")
    forms = [_open(one, url) for one in (author, manager)]
    assert author.post(url, {"text": "کنار در", **forms[0]}).status_code == 302
    late = manager.post(url, {"text": "کنار حوض", **forms[1]})
    assert (late.status_code, TOLD in late.content.decode(), "کنار حوض" in late.content.decode()) == (
        422,
        True,
        True,
    )
    assert CustomerNote.objects.get().text == "کنار در"
    # What is too long is not lost either.
    long = manager.post(url, {"text": "ب" * 2_001, **_open(manager, url)})
    assert (long.status_code, "ب" * 2_001 in long.content.decode()) == (422, True)


def test_the_tags_of_a_guest(cafe: Any) -> None:
    guest = make_customer()
    tags = [Tag.objects.create(name=name) for name in ("یک", "دو")]
    browser = cafe.browser("staff")
    form = _open(browser, f"/customers/{guest.pk}/", "version")
    update_customer(actor=ACTOR, customer_id=guest.pk, expected_version=None, changes={"tags": tags[:1]})
    browser.post(f"/customers/{guest.pk}/tags/", {**form, "tags": str(tags[1].pk)})
    assert list(guest.tags.all()) == tags[:1]
    form = _open(browser, f"/customers/{guest.pk}/", "version")
    browser.post(f"/customers/{guest.pk}/tags/", {**form, "tags": [str(tag.pk) for tag in tags]})
    assert set(guest.tags.all()) == set(tags)


def test_a_field_of_the_cafe(cafe: Any) -> None:
    values = {
        "key": "job",
        "label": "شغل",
        "kind": "text",
        "choices": [],
        "display_order": 1,
        "is_active": True,
    }
    field = save_custom_field(actor=ACTOR, values=values)
    url = f"/customers/fields/{field.pk}/"
    first, second = cafe.browser("owner"), cafe.browser("manager")
    forms = [_open(one, url) for one in (first, second)]
    base = {"label": "شغل", "display_order": "1", "is_active": "on"}
    assert first.post(url, {**base, **forms[0], "label": "پیشه"}).status_code == 302
    late = second.post(url, {**base, **forms[1], "display_order": "7"})
    assert (late.status_code, TOLD in late.content.decode()) == (409, True)
    field.refresh_from_db()
    assert (field.label, field.display_order) == ("پیشه", 1)


@pytest.fixture
def rows(cafe: Any) -> dict[str, tuple[Any, dict[str, str]]]:
    """Address → row and form of everything the back office edits besides the guests themselves."""
    guest = make_customer()
    member = add_family_member(
        actor=ACTOR, customer_id=guest.pk, values={"name": "نگار", "relationship": "child"}
    )
    note = add_note(actor=ACTOR, customer_id=guest.pk, text="کنار پنجره")
    values = {
        "key": "job",
        "label": "شغل",
        "kind": "text",
        "choices": [],
        "display_order": 1,
        "is_active": True,
    }
    field = save_custom_field(actor=ACTOR, values=values)
    item = MenuItem.objects.create(name="اسپرسو", category="قهوه", price=900_000)
    tag = Tag.objects.create(name="یک")
    return {
        "familymember": (member, {"name": "نگار کریمی", "relationship": "child"}),
        "customernote": (note, {"text": "کنار در"}),
        "customfield": (field, {"label": "پیشه", "choices": "[]", "display_order": "1"}),
        "menuitem": (item, {"name": "اسپرسو دوبل", "category": "قهوه", "price": "90000", "display_order": "0"}),
        "tag": (tag, {"name": "دو", "color": "#aa0000"}),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["familymember", "customernote", "customfield", "menuitem", "tag"])
def test_the_back_office(cafe: Any, rows: Any, name: str) -> None:
    row, form = rows[name]
    url = f"/admin/customers/{name}/{row.pk}/change/"
    browser = cafe.browser("owner")
    seen = _open(browser, url)
    type(row).objects.get(pk=row.pk).save()  # somebody else was here
    before = type(row).objects.values().get(pk=row.pk)
    late = browser.post(url, {**form, **seen}, follow=True)
    assert TOLD in late.content.decode()
    assert type(row).objects.values().get(pk=row.pk) == before
    assert browser.post(url, {**form, **_open(browser, url)}).status_code == 302
    assert type(row).objects.values().get(pk=row.pk) != before


def test_one_of_many_gets_the_name(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    values = {
        "key": "job",
        "label": "شغل",
        "kind": "text",
        "choices": [],
        "display_order": 1,
        "is_active": True,
    }
    for make in (
        lambda: save_tag(actor=ACTOR, values={"name": "همیشگی"}),
        lambda: save_custom_field(actor=ACTOR, values=values),
    ):
        results = run_together(cast, [make] * 8)
        refusals = [result for result in results if isinstance(result, Exception)]
        assert len(refusals) == 7
        assert all(isinstance(refusal, ValidationError) for refusal in refusals), refusals
    assert (Tag.objects.count(), CustomField.objects.count()) == (1, 1)


def test_a_tag_that_is_deleted_while_it_is_put_on(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    guest, tag = make_customer(), Tag.objects.create(name="همیشگی")
    change = {"actor": ACTOR, "customer_id": guest.pk, "expected_version": None, "changes": {"tags": [tag]}}
    with transaction.atomic():
        update_customer(**change)
        beside = _Beside(cast, lambda: delete_tag(actor=ACTOR, tag_id=tag.pk))
        beside.wait_until_blocked()
    beside.end()
    assert (Tag.objects.count(), guest.tags.count()) == (0, 0)
    with pytest.raises(ValidationError):
        update_customer(**change)
