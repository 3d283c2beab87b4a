"""The automations every café starts with. Only the thanks after the first visit is switched on.

What a guest reads is written in the café's language once; from then on it is the café's own text. Hence texts in both
languages here rather than in the translation files.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import Automation
from servaan_crm.tenancy.models import Cafe

FIRST_VISIT_THANKS = "first-visit-thanks"
HOUR, DAY = 60, 24 * 60
T = Automation.Trigger

FIRST_VISIT_TEXTS = {
    "fa": "{{name|مهمان}} عزیز، از این‌که مهمان {{cafe_name}} بودید سپاسگزاریم. "
    "{{points}} امتیاز در باشگاه مشتریان دارید.",
    "en": "Dear {{name|guest}}, thank you for visiting {{cafe_name}}. You have {{points}} points in our loyalty club.",
}
TEXTS: dict[str, dict[str, str]] = {
    FIRST_VISIT_THANKS: FIRST_VISIT_TEXTS,
    "welcome": {
        "fa": "{{name|مهمان}} عزیز، به باشگاه مشتریان {{cafe_name}} خوش آمدید. با هر خرید امتیاز می‌گیرید.",
        "en": "Welcome to the club of {{cafe_name}}, {{name|dear guest}}. You collect points with every visit.",
    },
    "birthday": {
        "fa": "{{name|مهمان}} عزیز، تولدتان پیشاپیش مبارک! یک نوشیدنی با ۲۰٪ تخفیف مهمان {{cafe_name}} باشید: "
        "{{code}} تا {{expiry_date}}",
        "en": "Happy birthday in advance, {{name|dear guest}}! 20% off at {{cafe_name}} with {{code}} "
        "until {{expiry_date}}.",
    },
    "win-back": {
        "fa": "{{name|مهمان}} عزیز، مدتی است شما را در {{cafe_name}} ندیده‌ایم و دلمان برایتان تنگ شده. "
        "{{points}} امتیازتان منتظر شماست.",
        "en": "{{name|Dear guest}}, it has been a while and we miss you at {{cafe_name}}. "
        "Your {{points}} points are waiting for you.",
    },
    "points-expiring": {
        "fa": "{{name|مهمان}} عزیز، {{points_expiring}} امتیاز شما در {{cafe_name}} تا {{expiry_date}} اعتبار دارد. "
        "پیش از آن استفاده کنید.",
        "en": "{{name|Dear guest}}, {{points_expiring}} of your points at {{cafe_name}} are valid until "
        "{{expiry_date}}. Use them in time.",
    },
    "feedback-request": {
        "fa": "{{first_name|مهمان}} عزیز، در {{cafe_name}} چطور بود؟ از ۱ (بد) تا ۵ (عالی) پاسخ دهید یا بنویسید: "
        "{{feedback_link}}",
        "en": "{{first_name|Dear guest}}, how was it at {{cafe_name}}? Reply 1 (poor) to 5 (great), or tell us more: "
        "{{feedback_link}}",
    },
    "low-rating": {
        "fa": "{{name|مهمان}} عزیز، متأسفیم که در {{cafe_name}} راضی نبودید. از شما ممنونیم که گفتید؛ "
        "به‌زودی با شما تماس می‌گیریم.",
        "en": "{{name|Dear guest}}, we are sorry you were not happy at {{cafe_name}}. Thank you for telling us; "
        "we will call you soon.",
    },
    "tier-up": {
        "fa": "{{name|مهمان}} عزیز، تبریک! شما به سطح {{tier}} باشگاه مشتریان {{cafe_name}} رسیدید.",
        "en": "Congratulations, {{name|dear guest}}! You have reached the {{tier}} tier at {{cafe_name}}.",
    },
    "tenth-visit": {
        "fa": "{{name|مهمان}} عزیز، {{visit_number}}مین مراجعه‌تان به {{cafe_name}} بود! یک دسر مهمان ما هستید: "
        "{{code}} تا {{expiry_date}}",
        "en": "{{name|Dear guest}}, that was visit number {{visit_number}} to {{cafe_name}}! A dessert is on us: "
        "{{code}} until {{expiry_date}}.",
    },
    "inactive-30": {
        "fa": "{{name|مهمان}} عزیز، با ۱۰٪ تخفیف دوباره مهمان {{cafe_name}} باشید: {{code}} تا {{expiry_date}}",
        "en": "{{name|Dear guest}}, come back to {{cafe_name}} with 10% off: {{code}} until {{expiry_date}}.",
    },
}  # fmt: skip
_DESSERT = {"fa": "دسر روز", "en": "Dessert of the day"}

NAMES: dict[str, str | Promise] = {
    FIRST_VISIT_THANKS: _("Thanks for the first visit"),
    "welcome": _("Welcome"),
    "birthday": _("Happy birthday"),
    "win-back": _("We miss you"),
    "points-expiring": _("Points run out soon"),
    "feedback-request": _("How was it?"),
    "low-rating": _("After a low rating"),
    "tier-up": _("New tier"),
    "tenth-visit": _("Dessert after ten visits"),
    "inactive-30": _("10 % after 30 days"),
}


def _coupon(benefit: str, value: str, days: int, item: str = "") -> list[dict[str, Any]]:
    return [
        {
            "type": "coupon",
            "benefit": benefit,
            "value": value,
            "item_name": item,
            "max_discount": None,
            "days": days,
        }
    ]


def _terms(language: str) -> dict[str, dict[str, Any]]:
    morning = dt.time(10)
    service = {"purpose": "transactional"}
    return {
        FIRST_VISIT_THANKS: {
            "trigger": T.FIRST_VISIT, "trigger_options": {"asks_rating": False}, **service, "is_active": True,
        },
        "welcome": {"trigger": T.CREATED, "wait_minutes": 10, **service},
        "birthday": {
            "trigger": T.BIRTHDAY, "trigger_options": {"days": 3}, "at_time": morning, "rest_days": 300,
            "actions": _coupon("percent", "20", 10),
        },
        "win-back": {
            "trigger": T.ABSENT, "trigger_options": {"own_rhythm": True, "days": 30}, "at_time": dt.time(17),
            "rest_days": 60,
        },
        "points-expiring": {
            "trigger": T.POINTS_EXPIRING, "trigger_options": {"days": 7}, "at_time": morning, **service,
        },
        "feedback-request": {
            "trigger": T.VISIT, "trigger_options": {"asks_rating": True}, "wait_minutes": 2 * HOUR, "rest_days": 14,
            **service,
        },
        "low-rating": {
            "trigger": T.LOW_RATING, "trigger_options": {"most": 2}, "wait_minutes": HOUR, **service,
            "actions": [{"type": "call_task", "priority": "hot", "days": 0, "hint": ""}],
        },
        "tier-up": {"trigger": T.TIER_CHANGED, "trigger_options": {"to": [], "only_up": True}, **service},
        "tenth-visit": {
            "trigger": T.NTH_VISIT, "trigger_options": {"every": 10, "once": False}, "wait_minutes": HOUR,
            "actions": _coupon("item", "0", 30, _DESSERT[language]),
        },
        "inactive-30": {
            "trigger": T.ABSENT, "trigger_options": {"own_rhythm": False, "days": 30}, "at_time": dt.time(17),
            "rest_days": 90, "actions": _coupon("percent", "10", 14),
        },
    }  # fmt: skip


def create_ready_made(cafe: Cafe) -> int:
    """Give a café the automations every café starts with; returns how many are new. Existing ones stay as they are."""
    language = cafe.language if cafe.language in _DESSERT else "en"
    known = set(Automation.objects.values_list("key", flat=True))
    now = timezone.now()
    with translation.override(language):
        rows = [
            Automation(
                key=key, name=str(NAMES[key]), template=TEXTS[key][language], is_system=True,
                **{"is_active": False, "active_since": now, **terms},
            )
            for key, terms in _terms(language).items()
            if key not in known
        ]  # fmt: skip
    Automation.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
