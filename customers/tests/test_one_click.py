"""A no said by a mail program, and a yes that somebody really said."""

from __future__ import annotations

from typing import Any

from django.test import Client

from customers.opt_out import opt_out_token
from customers.services.consent import set_consent
from customers.tests.factories import ACTOR, make_customer


def test_a_mail_program_says_no_with_one_click(cafe: Any) -> None:
    """RFC 8058: a POST from nowhere, without a cookie or a page before it."""
    customer = make_customer(1)
    url = f"/c/{opt_out_token(customer.pk)}/"
    program = Client(SERVER_NAME=cafe.host, enforce_csrf_checks=True)
    assert program.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 302
    customer.refresh_from_db()
    assert not customer.allow_marketing


def test_an_explicit_yes_leaves_a_row_once(cafe: Any) -> None:
    customer = make_customer(1)
    yes = {"actor": ACTOR, "customer_id": customer.pk, "channel": "push", "granted": True, "source": "link"}
    set_consent(**yes)
    assert not customer.consent_changes.exists()
    set_consent(**yes, explicit=True)
    set_consent(**yes, explicit=True)
    assert customer.consent_changes.count() == 1
