"""Shortcuts of the tests of the profile and of consent."""

from servaan_crm.messaging.services import queue_message

PART = {"HX-Request": "true", "HX-Target": "tab"}
TABS = ("", "tab/notes/", "tab/family/", "tab/consent/", "tab/history/")


def text(answer):
    return answer.content.decode()


def api_url(customer, rest):
    return f"/api/crm/customers/{customer.pk}/{rest}"


def marketing(customer, channel="sms"):
    return queue_message(
        recipient=customer.phone, body="تخفیف", kind="offer", purpose="marketing", channel=channel,
        customer_id=customer.pk,
    )  # fmt: skip
