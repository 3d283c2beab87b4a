"""How the API knows its caller: JWT, API key, or the browser's session. Each is bound to one café."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.tokens import RefreshToken, Token

from servaan_crm.accounts.models import ApiKey, User


def tenant_id() -> str:
    """Return the id that tokens of the current café carry; "public" on the platform."""
    return str(getattr(getattr(connection, "tenant", None), "id", "public"))


def issue_tokens(user: User) -> dict[str, str]:
    """Return a refresh and an access token with the claims ``id``, ``role`` and ``tenantId``."""
    refresh = RefreshToken.for_user(user)
    refresh["role"] = user.role
    refresh["tenantId"] = tenant_id()
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def check_tenant(token: Token) -> None:
    """Raise InvalidToken when ``token`` was issued by another café."""
    if token.get("tenantId") != tenant_id():
        raise InvalidToken(str(_("This token belongs to another café.")))


class CafeJWTAuthentication(JWTAuthentication):
    """Bearer tokens; one of another café is refused before its user is looked up."""

    def get_user(self, validated_token: Token) -> Any:
        check_tenant(validated_token)
        try:
            return super().get_user(validated_token)
        except ValidationError:  # the id is none
            raise InvalidToken from None


class ApiKeyAuthentication(BaseAuthentication):
    """``X-Api-Key``: acts as the integrator user the key belongs to."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        clear = request.headers.get("X-Api-Key")
        if not clear:
            return None
        key = (
            ApiKey.objects.select_related("user")
            .filter(digest=ApiKey.digest_of(clear), revoked_at=None, user__is_active=True)
            .first()
        )
        if key is None:
            raise AuthenticationFailed(_("This API key is unknown or was revoked."))
        today = timezone.now().date()
        if key.last_used_on != today:
            ApiKey.objects.filter(pk=key.pk).update(last_used_on=today)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "ApiKey"


class BrowserSessionAuthentication(SessionAuthentication):
    """The browser's session, with CSRF checks; answers 401 rather than 403 when it is missing."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"
