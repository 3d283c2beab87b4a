"""The button for push messages in a real browser, and the worker that shows what comes. Only the browser's own push
service is played: there is none within reach of a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_FILE_PATH

from checkout.tests.stack import running_stack, wait_for
from customers.tests.factories import ACTOR, make_customer
from loyalty.services.guest_card import card_link
from servaan_crm.messaging.gateways.web_push.fake import FakeBrowser
from servaan_crm.messaging.gateways.web_push.keys import new_private_key
from servaan_crm.messaging.models import Channel, ProviderAccount, PushSubscription
from servaan_crm.tests.test_accessibility import RUN

ROOT = "https://fcm.googleapis.com/fcm/send"
# Keeps one subscription per page, as the browser does per registration.
PUSH_SERVICE = """
(() => {
  let held = JSON.parse(sessionStorage.getItem("held"));
  const wrap = (given) => given && {
    endpoint: given.endpoint,
    options: { applicationServerKey: Uint8Array.from(given.key).buffer },
    toJSON: () => ({ endpoint: given.endpoint, keys: given.keys }),
    unsubscribe: async () => { held = null; sessionStorage.removeItem("held"); return true; },
  };
  PushManager.prototype.getSubscription = async () => wrap(held);
  PushManager.prototype.subscribe = async (options) => {
    held = { ...SUBSCRIPTION, key: Array.from(new Uint8Array(options.applicationServerKey)) };
    sessionStorage.setItem("held", JSON.stringify(held));
    return wrap(held);
  };
})();
"""


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_guest_takes_reads_and_ends_push_messages(
    fresh_cafe: Any, tmp_path: Path, chromium_page: Any
) -> None:
    cast, page = fresh_cafe(), chromium_page
    ProviderAccount.objects.create(
        name="push", adapter="web_push", channel=Channel.PUSH, api_key=new_private_key()
    )
    guest = make_customer(1, "نگار احمدی")
    subscription = FakeBrowser("phone").subscription(ROOT)
    page.add_init_script(PUSH_SERVICE.replace("SUBSCRIPTION", json.dumps(subscription)))
    page.set_viewport_size({"width": 390, "height": 844})
    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        base = f"http://{cast.host}:{stack.port}"
        page.context.grant_permissions(["notifications"], origin=base)
        link = card_link(actor=ACTOR, customer_id=guest.pk, origin=base)
        page.goto(link.url, wait_until="networkidle")
        page.wait_for_selector("[data-state=off]:visible")
        page.evaluate(Path(AXE_FILE_PATH).read_text())
        assert page.evaluate(RUN) == []
        page.click("[data-do=take]:visible")
        page.wait_for_selector("[data-state=on]:visible")
        assert PushSubscription.objects.get().endpoint == subscription["endpoint"]
        assert page.evaluate(RUN) == []
        page.reload(wait_until="networkidle")
        page.wait_for_selector("[data-state=on]:visible")
        _a_message_is_shown(page, base)
        page.click("[data-do=leave]:visible")
        page.wait_for_selector("[data-state=off]:visible")
        assert not PushSubscription.objects.exists()
        assert page.evaluate("sessionStorage.getItem('held')") is None
    assert page.problems == []


def _a_message_is_shown(page: Any, base: str) -> None:
    tools = page.context.new_cdp_session(page)
    registrations: list[Any] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"])
    )
    tools.send("ServiceWorker.enable")
    page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    message = {"title": "کافه", "body": "کیک تازه", "url": f"{base}/o/1", "tag": "77"}
    deliver = {
        "origin": base,
        "registrationId": registrations[0]["registrationId"],
        "data": json.dumps(message, ensure_ascii=False),
    }
    tools.send("ServiceWorker.deliverPushMessage", deliver)
    tools.send("ServiceWorker.deliverPushMessage", deliver)
    notes = """navigator.serviceWorker.ready.then((worker) => worker.getNotifications()).then(
        (notes) => notes.map((one) => [one.title, one.body, one.tag, one.lang, one.data.url]))"""
    shown = wait_for(lambda: page.evaluate(notes), what="the notification")
    # The second copy took the place of the first.
    assert shown == [["کافه", "کیک تازه", "77", "fa", f"{base}/o/1"]]
