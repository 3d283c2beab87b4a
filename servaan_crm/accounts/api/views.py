"""Tokens."""

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from servaan_crm.accounts.authentication import check_tenant, issue_tokens
from servaan_crm.accounts.models import User
from servaan_crm.core.responses import ok


class CredentialsSerializer(serializers.Serializer[None]):
    username = serializers.CharField(max_length=60)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class RefreshSerializer(serializers.Serializer[None]):
    refresh = serializers.CharField(max_length=4000)


class CredentialView(APIView):
    """An address that takes credentials in its body: open to all, and 401 when they are wrong."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    rate_area = "login"

    def get_authenticate_header(self, request: Request) -> str:
        """Without it DRF would answer 403, because no authentication class offers a challenge."""
        return 'Bearer realm="api"'


class TokenView(CredentialView):
    """Exchange user name and password for an access and a refresh token."""

    @extend_schema(request=CredentialsSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        form = CredentialsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = authenticate(request._request, **form.validated_data)
        if not isinstance(user, User):
            raise AuthenticationFailed
        return _tokens(issue_tokens(user))


class TokenRefreshView(CredentialView):
    """Exchange a refresh token for a new access token with the user's role of today."""

    @extend_schema(request=RefreshSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        token = _read_refresh(request)
        user = User.objects.filter(pk=token["id"], is_active=True).first()
        if user is None:
            raise InvalidToken
        token["role"] = user.role
        return _tokens({"access": str(token.access_token)})


class LogoutView(APIView):
    """Blacklist a refresh token."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(request=RefreshSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        _read_refresh(request).blacklist()
        return ok({"logged_out": True})


def _tokens(tokens: dict[str, str]) -> Response:
    """Ready-made JWT clients look for the tokens at the top level, ours in the envelope: give both."""
    return Response({"success": True, "data": tokens, **tokens})


def _read_refresh(request: Request) -> RefreshToken:
    form = RefreshSerializer(data=request.data)
    form.is_valid(raise_exception=True)
    try:
        token = RefreshToken(form.validated_data["refresh"])
    except TokenError as error:
        raise InvalidToken(error.args[0]) from None
    check_tenant(token)
    return token
