"""A good body for every address of the API that takes one; a new address without an entry fails the tests."""

from __future__ import annotations

from typing import Any

_MOVE = {"customer_id": "{customer_id}", "points": 5, "reason": "test"}
_CUSTOMER = {"phone": "09121112233", "name": "Somebody"}

# (method, route) → body; a value in braces is replaced by what was planted.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/auth/token"): {"username": "owner", "password": "wrong-password"},
    ("POST", "/api/auth/token/refresh"): {"refresh": "garbage"},
    ("POST", "/api/auth/logout"): {"refresh": "garbage"},
    ("POST", "/api/callbacks/{provider}/{kind}/{secret}"): {"messageid": "1", "status": "10"},
    ("POST", "/api/sms/invite"): {"phone": "{phone}"},
    ("POST", "/api/sms/welcome"): {"phone": "{phone}", "name": "Somebody"},
    ("POST", "/api/sms/alert/low-stock"): {"phone": "{phone}", "item_name": "milk", "current_stock": 2},
    ("POST", "/api/sms/bulk"): {"recipients": ["{phone}"], "message": "test"},
    ("POST", "/api/sms/validate-phone"): {"phone": "{phone}"},
    ("POST", "/api/sms/verify"): {"phone": "{phone}"},
    ("POST", "/api/sms/verify/confirm"): {"phone": "{phone}", "code": "00000"},
    ("POST", "/api/crm/providers"): {"name": "test", "adapter": "kavenegar", "api_key": "test"},
    ("PATCH", "/api/crm/providers/{provider_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/providers/{provider_id}/test"): {},
    ("POST", "/api/crm/providers/{provider_id}/resume"): {},
    ("POST", "/api/crm/customers"): _CUSTOMER,
    ("POST", "/api/crm/customers/validate-phone"): {"phone": "{phone}"},
    ("POST", "/api/crm/customers/bulk"): {"action": "delete", "filter": {"search": "somebody who is nowhere"}},
    ("POST", "/api/crm/customers/bulk/{bulk_id}/undo"): {},
    ("POST", "/api/crm/bulk/{bulk_id}/cancel"): {},
    ("POST", "/api/crm/customers/export"): {"ids": ["{customer_id}"]},
    ("PUT", "/api/crm/customers/{customer_id}"): _CUSTOMER,
    ("PATCH", "/api/crm/customers/{customer_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/customers/{customer_id}/restore"): {},
    ("POST", "/api/crm/customers/{customer_id}/merge"): {"other_id": "{other_id}"},
    ("POST", "/api/crm/customers/{customer_id}/not-duplicate"): {"other_id": "{other_id}"},
    ("POST", "/api/crm/merges/{merge_id}/undo"): {},
    ("POST", "/api/crm/customers/import"): {"kind": "customers"},
    ("POST", "/api/crm/imports/{import_id}/commit"): {},
    ("POST", "/api/crm/imports/{import_id}/cancel"): {},
    ("POST", "/api/crm/imports/{import_id}/retry"): {},
    ("POST", "/api/crm/imports/{import_id}/undo"): {},
    ("POST", "/api/crm/customers/{customer_id}/interactions"): {"interaction_type": "call", "direction": "inbound"},
    ("PUT", "/api/crm/call-tasks/{task_id}/status"): {"status": "skipped", "notes": "test"},
    ("POST", "/api/crm/customers/{customer_id}/notes"): {"text": "test"},
    ("PATCH", "/api/crm/customers/{customer_id}/notes/{note_id}"): {"text": "test"},
    ("POST", "/api/crm/customers/{customer_id}/family-members"): {"name": "Somebody", "relationship": "child"},
    ("PATCH", "/api/crm/customers/{customer_id}/family-members/{member_id}"): {"name": "Somebody"},
    ("POST", "/api/crm/tags"): {"name": "test"},
    ("PUT", "/api/crm/customers/{customer_id}/tags"): {"tags": []},
    ("POST", "/api/crm/customers/{customer_id}/consent"): {"channel": "sms", "granted": False},
    ("PATCH", "/api/crm/customers/{customer_id}/custom-fields"): {},
    ("POST", "/api/crm/customers/{customer_id}/erase"): {"confirm": True},
    ("POST", "/api/crm/segments"): {"name": "test", "criteria": {"visit_count": {"min": 2}}},
    ("POST", "/api/crm/segments/preview"): {"criteria": {"visit_count": {"min": 2}}},
    ("PATCH", "/api/crm/segments/{segment_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/segments/{segment_id}/customers"): {"add": {"customer_ids": ["{customer_id}"]}},
    ("POST", "/api/crm/segments/{segment_id}/file"): {},
    ("POST", "/api/crm/segments/{segment_id}/recompute"): {},
    ("POST", "/api/crm/segments/{segment_id}/duplicate"): {"name": "test"},
    ("POST", "/api/crm/automations"): {"name": "test", "trigger": "visit.recorded", "template": "test"},
    ("PATCH", "/api/crm/automations/{automation_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/automations/{automation_id}/dry-run"): {"sample": 2},
    ("POST", "/api/crm/campaigns"): {"name": "test", "type": "sms", "template_content": "Dear {{name|guest}}"},
    ("POST", "/api/crm/campaigns/preview"): {"template_content": "Dear {{name|guest}}"},
    ("PATCH", "/api/crm/campaigns/{campaign_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/campaigns/{campaign_id}/submit"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/approve"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/reject"): {"reason": "test"},
    ("POST", "/api/crm/campaigns/{campaign_id}/withdraw"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/schedule"): {"scheduled_date": "2099-01-01T09:00:00Z"},
    ("POST", "/api/crm/campaigns/{campaign_id}/send"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/pause"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/resume"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/cancel"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/retry"): {},
    ("POST", "/api/crm/campaigns/{campaign_id}/test"): {"to": "{phone}"},
    ("POST", "/api/crm/campaigns/{campaign_id}/duplicate"): {"name": "test"},
    ("POST", "/api/crm/campaign-templates"): {"name": "test", "template_content": "Dear {{name|guest}}"},
    ("PATCH", "/api/crm/campaign-templates/{template_id}"): {"name": "Taken over"},
    ("POST", "/api/crm/loyalty/award-points"): _MOVE,
    ("POST", "/api/crm/loyalty/adjust-points"): _MOVE,
    ("POST", "/api/crm/loyalty/redeem-points"): {
        "customer_id": "{customer_id}", "points": 5, "reward_type": "discount", "reward_value": 500,
    },
    ("PATCH", "/api/crm/loyalty/program"): {"minimum_amount": 1000},
    ("PATCH", "/api/crm/loyalty/tiers"): {"tiers": [{"level": "gold", "multiplier": 1.3}]},
    ("PATCH", "/api/crm/loyalty/tiers/{level}"): {"multiplier": 1.3},
    ("POST", "/api/crm/loyalty/bonus-rules"): {"name": "test", "kind": "points", "points": 5},
    ("PATCH", "/api/crm/loyalty/bonus-rules"): {"order": []},
    ("PATCH", "/api/crm/loyalty/bonus-rules/{rule_id}"): {"points": 6},
    ("POST", "/api/crm/loyalty/codes"): {"kind": "percent", "value": 10},
    ("POST", "/api/crm/loyalty/referrals"): {
        "referrer_id": "{customer_id}", "friend_phone": "09120000766", "friend_name": "test",
    },
    ("POST", "/api/crm/loyalty/referrals/{referral_id}/release"): {},
    ("POST", "/api/crm/loyalty/referrals/{referral_id}/refuse"): {"reason": "test"},
    ("POST", "/api/crm/customers/{customer_id}/loyalty/card-link"): {"send": False},
    ("POST", "/api/crm/loyalty/codes/generate"): {"kind": "percent", "value": 10, "count": 2},
    ("PATCH", "/api/crm/loyalty/codes/{code_id}"): {"name": "test"},
    ("POST", "/api/crm/loyalty/rewards"): {"name": "test", "kind": "amount", "value": 50_000, "points_cost": 5},
    ("PATCH", "/api/crm/loyalty/rewards/{reward_id}"): {"points_cost": 6},
    ("PUT", "/api/crm/loyalty/rewards/{reward_id}/picture"): {},
    ("POST", "/api/crm/loyalty/rewards/{reward_id}/redeem"): {"customer_id": "{customer_id}"},
    ("POST", "/api/crm/loyalty/confirmations"): {"customer_id": "{customer_id}", "points": 5},
    ("POST", "/api/crm/loyalty/reviews/{review_id}/dismiss"): {"note": "test"},
    ("POST", "/api/crm/loyalty/reviews/{review_id}/watch"): {},
    ("POST", "/api/crm/loyalty/reviews/{review_id}/reverse"): {"note": "test"},
    ("POST", "/api/crm/loyalty/vouchers/{voucher_id}/cancel"): {"reason": "test"},
    ("POST", "/api/crm/loyalty/vouchers/{voucher_id}/use"): {"total_amount": 100_000},
    ("POST", "/api/crm/loyalty/stamp-cards"): {"name": "test", "stamps_needed": 10, "points": 50},
    ("PATCH", "/api/crm/loyalty/stamp-cards/{stamp_card_id}"): {"points": 60},
    ("POST", "/api/crm/loyalty/simulate"): {"total_amount": 100_000, "customer_id": "{customer_id}"},
    ("POST", "/api/crm/feedback"): {"customer_id": "{customer_id}", "rating": 5, "feedback_source": "manual"},
    ("POST", "/api/crm/visits"): {"customer_id": "{customer_id}", "total_amount": 100_000},
    ("POST", "/api/crm/visits/{visit_id}/void"): {"reason": "test"},
    ("PUT", "/api/crm/visits/{visit_id}"): {"total_amount": 120_000},
    ("PATCH", "/api/crm/visits/{visit_id}"): {"notes": "test"},
    ("POST", "/api/crm/visits/{visit_id}/move"): {"customer_id": "{customer_id}"},
    ("POST", "/api/crm/visits/{visit_id}/restore"): {},
    ("POST", "/api/crm/visits/{visit_id}/feedback-link"): {},
}  # fmt: skip


def body_of(method: str, route: str, values: dict[str, Any]) -> Any:
    """Return the body with the planted values. Raises KeyError for an address nobody thought of."""
    return _filled(BODIES[method, route], values)


def _filled(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith("{"):
        return str(values[value.strip("{}")])
    return value
