"""One table says who may do what. Web pages, the API and the admin read it."""

from enum import StrEnum
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from servaan_crm.core.errors import FeatureDisabled
from servaan_crm.core.features import is_enabled


class P(StrEnum):
    """Permissions, named "room.verb"."""

    CUSTOMERS_VIEW = "customers.view"
    CUSTOMERS_EDIT = "customers.edit"
    CUSTOMERS_DELETE = "customers.delete"
    CUSTOMERS_EXPORT = "customers.export"
    CUSTOMERS_IMPORT = "customers.import"
    CUSTOMERS_ERASE = "customers.erase"
    CUSTOMERS_FIELDS = "customers.fields"
    NOTES_MANAGE = "customers.notes"
    CUSTOMERS_STATISTICS = "customers.statistics"
    VISITS_RECORD = "visits.record"
    VISITS_VOID = "visits.void"
    VISITS_BACKDATE = "visits.backdate"
    LOYALTY_VIEW = "loyalty.view"
    LOYALTY_AWARD = "loyalty.award"
    LOYALTY_REDEEM = "loyalty.redeem"
    LOYALTY_ADJUST = "loyalty.adjust"
    LOYALTY_OVERRIDE = "loyalty.override"
    LOYALTY_MANAGE = "loyalty.manage"
    SEGMENTS_VIEW = "segments.view"
    SEGMENTS_MANAGE = "segments.manage"
    CAMPAIGNS_VIEW = "campaigns.view"
    CAMPAIGNS_MANAGE = "campaigns.manage"
    MESSAGES_VIEW = "messages.view"
    PROVIDERS_MANAGE = "providers.manage"
    FEEDBACK_VIEW = "feedback.view"
    FEEDBACK_RECORD = "feedback.record"
    FEEDBACK_MANAGE = "feedback.manage"
    OUTREACH_WORK = "outreach.work"
    OUTREACH_MANAGE = "outreach.manage"
    ANALYTICS_VIEW = "analytics.view"
    STAFF_MANAGE = "staff.manage"
    CAFE_MANAGE = "cafe.manage"
    AUDIT_VIEW = "audit.view"
    ADMIN_SITE = "admin.site"


_STAFF = {
    P.CUSTOMERS_VIEW, P.CUSTOMERS_EDIT, P.VISITS_RECORD, P.VISITS_VOID, P.LOYALTY_VIEW, P.LOYALTY_REDEEM,
    P.FEEDBACK_VIEW, P.FEEDBACK_RECORD, P.OUTREACH_WORK,
}  # fmt: skip
_AGENT = {
    P.CUSTOMERS_VIEW, P.CUSTOMERS_EDIT, P.LOYALTY_VIEW, P.FEEDBACK_VIEW, P.FEEDBACK_RECORD, P.MESSAGES_VIEW,
    P.OUTREACH_WORK,
}  # fmt: skip
_INTEGRATOR = {
    P.CUSTOMERS_VIEW, P.CUSTOMERS_EDIT, P.CUSTOMERS_IMPORT, P.VISITS_RECORD, P.VISITS_VOID, P.VISITS_BACKDATE,
    P.LOYALTY_VIEW, P.LOYALTY_AWARD, P.LOYALTY_REDEEM, P.SEGMENTS_VIEW, P.FEEDBACK_RECORD,
}  # fmt: skip
_OWNER_ONLY = {P.CAFE_MANAGE, P.LOYALTY_OVERRIDE}

ROLE_PERMISSIONS: dict[str, frozenset[P]] = {
    "owner": frozenset(P),
    "manager": frozenset(set(P) - _OWNER_ONLY),
    "staff": frozenset(_STAFF),
    "agent": frozenset(_AGENT),
    "integrator": frozenset(_INTEGRATOR),
}

# The toggle that hides everything a permission opens.
PERMISSION_FEATURE: dict[str, str] = {
    "customers": "crm",
    "visits": "crm",
    "loyalty": "loyalty",
    "segments": "crm",
    "campaigns": "campaigns",
    "feedback": "feedback",
    "outreach": "outreach",
    "analytics": "analytics",
}


def can(user: Any, permission: P) -> bool:
    """Say whether ``user``'s role grants ``permission``. Feature toggles are a separate question."""
    return bool(user.is_active) and permission in ROLE_PERMISSIONS.get(getattr(user, "role", ""), frozenset())


def feature_of(permission: P) -> str | None:
    """Return the feature toggle that ``permission`` belongs to, if any."""
    return PERMISSION_FEATURE.get(permission.split(".")[0])


def require_permission_feature(permission: P) -> None:
    """Raise FeatureDisabled when the café switched off what ``permission`` opens."""
    feature = feature_of(permission)
    if feature and not is_enabled(feature):
        raise FeatureDisabled(details={"feature": feature})


class HasPermission(BasePermission):
    """DRF permission; a view names what it needs in ``permissions_by_method`` or ``permission``."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method == "OPTIONS" or not hasattr(view, (request.method or "").lower()):
            return True  # the methods of the address are no secret: the answer is their list, or 405
        by_method: dict[str, P] = getattr(view, "permissions_by_method", {})
        permission = by_method.get("GET" if request.method == "HEAD" else request.method or "") or getattr(
            view, "permission", None
        )
        if permission is None or not can(request.user, permission):
            return False
        require_permission_feature(permission)
        return True
