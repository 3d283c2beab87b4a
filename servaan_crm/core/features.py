"""Feature toggles of the café in hand."""

from django.db import connection

from servaan_crm.core.errors import FeatureDisabled

FEATURES = ("crm", "loyalty", "campaigns", "feedback", "outreach", "analytics")


def is_enabled(feature: str) -> bool:
    """Say whether the current café uses ``feature``; a café without an entry has it on."""
    features = getattr(connection.tenant, "features", None) or {}
    return bool(features.get(feature, True))


def require_feature(feature: str) -> None:
    """Raise FeatureDisabled when the current café has switched ``feature`` off."""
    if not is_enabled(feature):
        raise FeatureDisabled(details={"feature": feature})
