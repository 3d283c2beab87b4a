"""What the pages of the club show beside their own content."""

from typing import Any

from django import template

from loyalty.selectors.reviews import count_open
from servaan_crm.accounts.permissions import P, can

register = template.Library()


@register.simple_tag(takes_context=True)
def open_reviews(context: dict[str, Any]) -> int | None:
    """Return how many reviews wait for a decision; None for roles that do not see them."""
    request = context.get("request")
    return count_open() if request is not None and can(request.user, P.LOYALTY_MANAGE) else None
