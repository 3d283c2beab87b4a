"""Who is let in: credentials of this café only, and each role only where the table of permissions says so."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.test import override_settings
from django_tenants.utils import tenant_context
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.test import APIClient

from conftest import ROLES
from servaan_crm.accounts.authentication import issue_tokens
from servaan_crm.accounts.models import ApiKey
from servaan_crm.accounts.permissions import ROLE_PERMISSIONS, HasPermission, P
from servaan_crm.accounts.services import revoke_api_key
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.actors import system
from servaan_crm.tests.addresses import ADMIN, PAGES, REST, Address
from servaan_crm.tests.bodies import body_of


class _Nobody(dict[str, Any]):
    """Values for any parameter of an address that lead to nothing there is."""

    def __missing__(self, name: str) -> uuid.UUID:
        return uuid.UUID(int=7)


NOBODY = _Nobody(phone="09120000777", version=999)
# What may be asked without credentials; everything else must name a permission.
OPEN_API = {
    "/api/auth/token", "/api/auth/token/refresh", "/api/schema", "/api/docs",
    "/api/sms/verify", "/api/sms/verify/confirm",  # who proves a phone has no login yet
}  # fmt: skip
FOR_ANYBODY_LOGGED_IN = {"/api/auth/logout"}
OPEN_PAGES = {
    "/login/", "/logout/", "/preferences/theme/", "/preferences/language/", "/manifest.webmanifest",
    "/c/{token}/",  # a guest's own page behind a signed link
    "/l/{link}",  # a short link of a message
    "/card/{card_token}/", "/card/{card_token}/card.webmanifest",  # a guest's own card behind a signed link
    "/card/{card_token}/push", "/card/{card_token}/worker.js",
    "/f/{feedback_token}",  # how was it? behind a signed link
    "/loyalty/pictures/{reward_id}/{digest}.webp",  # guests see it on their card
}  # fmt: skip
# The right depends on what the body asks for; the body of these tests asks for a deletion.
RIGHT_OF_THE_BODY = {("POST", "/api/crm/customers/bulk"): P.CUSTOMERS_DELETE}
# Each block of the home page asks for its own permission.
PAGES_FOR_ANYBODY_LOGGED_IN = {"/"}
GUARDED = [address for address in REST if address.route not in OPEN_API]
GUARDED_PAGES = [address for address in PAGES if address.route not in OPEN_PAGES]


def asked(client: Any, address: Address, method: str) -> Any:
    """Ask with a good body, in a savepoint that is always taken back."""
    body = body_of(method, address.route, NOBODY) if method in ("POST", "PUT", "PATCH") else None
    data = json.dumps(body) if body is not None else b""
    point = transaction.savepoint()
    answer = client.generic(method, address.url(NOBODY), data, "application/json")
    transaction.savepoint_rollback(point)
    return answer


def methods_of(address: Address) -> list[str]:
    return [method for method in address.methods if method != "OPTIONS"]


def refused(answer: Any, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["error"]["code"]) == (status, code)


Credential = Callable[[Any], Any]


def _bearer(cast: Any, token: str) -> APIClient:
    client = APIClient(SERVER_NAME=cast.host)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def _tokens(cast: Any, role: str = "owner") -> dict[str, str]:
    with tenant_context(cast.cafe):
        return issue_tokens(cast.users[role])


def _claims(cast: Any, **changes: Any) -> dict[str, Any]:
    """The claims of a good access token of the owner, with some of them changed; None leaves one out."""
    good = jwt.decode(_tokens(cast)["access"], settings.SECRET_KEY, algorithms=["HS256"])
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def _signed(cast: Any, key: str = "", **changes: Any) -> str:
    return jwt.encode(_claims(cast, **changes), key or settings.SECRET_KEY, algorithm="HS256")


def _unsigned(cast: Any, algorithm: str) -> str:
    def part(value: dict[str, Any]) -> str:
        text = json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(_claims(cast))}."


def _past() -> int:
    return int((datetime.now(UTC) - timedelta(minutes=1)).timestamp())


def _session_of(other: Any, cast: Any) -> APIClient:
    client = APIClient(SERVER_NAME=cast.host)
    client.cookies = other.browser("owner").cookies
    return client


def _key_of(other: Any, cast: Any) -> APIClient:
    with tenant_context(other.cafe):
        _key, clear = ApiKey.issue(name="till", user=other.integrator)
    return APIClient(SERVER_NAME=cast.host, headers={"X-Api-Key": clear})


BAD: dict[str, Callable[[Any, Any], APIClient]] = {
    "nothing": lambda cast, other: APIClient(SERVER_NAME=cast.host),
    "neighbour's access token": lambda cast, other: _bearer(cast, _tokens(other)["access"]),
    "neighbour's refresh token": lambda cast, other: _bearer(cast, _tokens(other)["refresh"]),
    "neighbour's session": lambda cast, other: _session_of(other, cast),
    "neighbour's API key": lambda cast, other: _key_of(other, cast),
    "own refresh token": lambda cast, other: _bearer(cast, _tokens(cast)["refresh"]),
    "expired": lambda cast, other: _bearer(cast, _signed(cast, exp=_past())),
    "without expiry": lambda cast, other: _bearer(cast, _signed(cast, exp=None)),
    "other secret": lambda cast, other: _bearer(cast, _signed(cast, key="not-the-secret" * 5)),
    "alg=none": lambda cast, other: _bearer(cast, _unsigned(cast, "none")),
    "alg=HS256 unsigned": lambda cast, other: _bearer(cast, _unsigned(cast, "HS256")),
    "no tenant": lambda cast, other: _bearer(cast, _signed(cast, tenantId=None)),
    "tenant by name": lambda cast, other: _bearer(cast, _signed(cast, tenantId=cast.cafe.slug)),
    "platform's": lambda cast, other: _bearer(cast, _signed(cast, tenantId="public")),
    "unknown user": lambda cast, other: _bearer(cast, _signed(cast, id=str(uuid.uuid4()))),
    "user is no id": lambda cast, other: _bearer(cast, _signed(cast, id="1 OR 1=1")),
    "no user": lambda cast, other: _bearer(cast, _signed(cast, id=None)),
    "neighbour's user, our tenant": lambda cast, other: _bearer(cast, _signed(cast, id=str(other.owner.pk))),
    "garbage": lambda cast, other: _bearer(cast, "a.b.c"),
    "not ASCII": lambda cast, other: _bearer(cast, "\u00e9\u00ff.\u00e9.\u00e9"),
    "two words": lambda cast, other: _bearer(cast, "a b"),
    "garbage key": lambda cast, other: APIClient(SERVER_NAME=cast.host, headers={"X-Api-Key": "sv_\u00e9x"}),
}


@pytest.mark.parametrize("credential", BAD, ids=str)
def test_bad_credentials_are_refused_at_every_address(credential: str, cafe: Any, other_cafe: Any) -> None:
    client = BAD[credential](cafe, other_cafe)
    for address in GUARDED:
        for method in methods_of(address):
            answer = asked(client, address, method)
            where = f"{method} {address} → {answer.status_code}"
            assert answer.status_code == 401, where
            assert method == "HEAD" or refused(answer, 401, "AUTHENTICATION_REQUIRED"), where
            assert answer["WWW-Authenticate"], where


def test_what_is_open_is_listed_here() -> None:
    for address in REST:
        classes = tuple(address.view.permission_classes)
        if address.route in OPEN_API:
            assert classes == (AllowAny,), str(address)
        elif address.route in FOR_ANYBODY_LOGGED_IN:
            assert classes == (IsAuthenticated,), str(address)
        else:
            assert HasPermission in classes, f"{address} asks for no permission"
    for address in PAGES:
        if address.route in PAGES_FOR_ANYBODY_LOGGED_IN:
            assert issubclass(address.view, LoginRequiredMixin), str(address)
        elif address.route not in OPEN_PAGES:
            assert issubclass(address.view, RolePage), f"{address} is open to everybody"


def test_a_logged_out_refresh_token_is_worth_nothing(cafe: Any) -> None:
    tokens = _tokens(cafe)
    client = _bearer(cafe, tokens["access"])
    body = {"refresh": tokens["refresh"]}
    assert client.post("/api/auth/token/refresh", body, format="json").status_code == 200
    assert client.post("/api/auth/logout", body, format="json").data["data"] == {"logged_out": True}
    for path in ("/api/auth/token/refresh", "/api/auth/logout"):
        assert refused(client.post(path, body, format="json"), 401, "AUTHENTICATION_REQUIRED")


def test_refresh_takes_refresh_tokens_of_this_cafe_only(cafe: Any, other_cafe: Any) -> None:
    client = APIClient(SERVER_NAME=cafe.host)
    with tenant_context(other_cafe.cafe):
        neighbours = issue_tokens(other_cafe.owner)["refresh"]
    own = _tokens(cafe)
    bad = (
        neighbours,
        own["access"],
        own["refresh"][:-2],
        "garbage",
        "\u0633.\u0644.\u0627",
        _unsigned(cafe, "none"),
    )
    for token in bad:
        for path in ("/api/auth/token/refresh", "/api/auth/logout"):
            answer = cafe.api("owner").post(path, {"refresh": token}, format="json")
            assert refused(answer, 401, "AUTHENTICATION_REQUIRED"), (path, token)
    cafe.owner.is_active = False
    cafe.owner.save()
    answer = client.post("/api/auth/token/refresh", {"refresh": own["refresh"]}, format="json")
    assert refused(answer, 401, "AUTHENTICATION_REQUIRED")


def test_a_refreshed_token_has_the_role_of_today(cafe: Any) -> None:
    tokens = _tokens(cafe, "manager")
    cafe.manager.role = "staff"
    cafe.manager.save()
    assert _bearer(cafe, tokens["access"]).get("/api/crm/customers/statistics").status_code == 403
    answer = APIClient(SERVER_NAME=cafe.host).post(
        "/api/auth/token/refresh", {"refresh": tokens["refresh"]}, format="json"
    )
    claims = jwt.decode(answer.data["data"]["access"], settings.SECRET_KEY, algorithms=["HS256"])
    assert claims["role"] == "staff"
    assert claims["tenantId"] == str(cafe.cafe.pk)


def test_somebody_who_left_is_refused_by_every_door(cafe: Any) -> None:
    _key, clear = ApiKey.issue(name="till", user=cafe.staff)
    token, browser = cafe.api("staff"), cafe.browser("staff")
    keyed = APIClient(SERVER_NAME=cafe.host, headers={"X-Api-Key": clear})
    assert {client.get("/api/crm/customers").status_code for client in (token, browser, keyed)} == {200}
    cafe.staff.is_active = False
    cafe.staff.save()
    for client in (token, browser, keyed):
        assert refused(client.get("/api/crm/customers"), 401, "AUTHENTICATION_REQUIRED")
    assert browser.get("/customers/")["Location"].startswith("/login/")
    body = {"username": "staff", "password": "servaan-demo"}
    assert refused(APIClient(SERVER_NAME=cafe.host).post("/api/auth/token", body, format="json"), 401,
                   "AUTHENTICATION_REQUIRED")  # fmt: skip
    assert cafe.browser(None).post("/login/", body).status_code == 200  # the form again, no redirect


def test_a_revoked_key_is_refused(cafe: Any) -> None:
    key, clear = ApiKey.issue(name="till", user=cafe.integrator)
    client = APIClient(SERVER_NAME=cafe.host, headers={"X-Api-Key": clear})
    assert client.get("/api/crm/customers").status_code == 200
    revoke_api_key(actor=system("test"), key=key)
    assert refused(client.get("/api/crm/customers"), 401, "AUTHENTICATION_REQUIRED")
    stored = ApiKey.objects.get(pk=key.pk)
    assert clear not in (stored.digest, stored.prefix)


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(cafe: Any) -> None:
    client = APIClient(SERVER_NAME=cafe.host)
    answers = [
        client.post("/api/auth/token", {"username": name, "password": "wrong"}, format="json")
        for name in ("owner", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    first, second = (answer.data["error"] for answer in answers)
    assert (first["code"], first["message"], first["details"]) == (
        second["code"],
        second["message"],
        second["details"],
    )


def permission_of(view: Any, method: str) -> P | None:
    name = "GET" if method == "HEAD" else method
    return getattr(view, "permissions_by_method", {}).get(name) or getattr(view, "permission", None)


@pytest.mark.parametrize("role", ROLES)
def test_api_role_matrix(role: str, cafe: Any) -> None:
    client = cafe.api(role)
    for address in GUARDED:
        if address.route in FOR_ANYBODY_LOGGED_IN:
            continue
        for method in methods_of(address):
            permission = permission_of(address.view, method)
            assert permission, f"{method} {address} names no permission"
            permission = RIGHT_OF_THE_BODY.get((method, address.route), permission)
            answer = asked(client, address, method)
            where = f"{role} {method} {address} ({permission}) → {answer.status_code}"
            if permission in ROLE_PERMISSIONS[role]:
                assert answer.status_code not in (401, 403), where
            elif method == "HEAD":
                assert answer.status_code == 403, where
            else:
                assert refused(answer, 403, "PERMISSION_DENIED"), where


@pytest.mark.parametrize("role", ROLES)
def test_page_role_matrix(role: str, cafe: Any) -> None:
    browser = cafe.browser(role)
    for address in GUARDED_PAGES:
        if address.route in PAGES_FOR_ANYBODY_LOGGED_IN:
            assert browser.get(address.route).status_code in (200, 302), f"{role} {address}"
            continue
        for method in ("GET", "POST"):
            point = transaction.savepoint()
            answer = browser.generic(method, address.url(NOBODY))
            transaction.savepoint_rollback(point)
            where = f"{role} {method} {address} → {answer.status_code}"
            if address.view.permission in ROLE_PERMISSIONS[role]:
                assert answer.status_code != 403, where
            else:
                assert answer.status_code == 403, where
                assert "<html" in answer.content.decode(), where


def _visitors(cafe: Any, other_cafe: Any) -> Iterator[Any]:
    yield cafe.browser(None)
    foreign = cafe.browser(None)
    foreign.cookies = other_cafe.browser("owner").cookies
    yield foreign


def test_pages_send_strangers_to_the_log_in(cafe: Any, other_cafe: Any) -> None:
    """Without a session, with the neighbour's one, and also where the neighbour's token is shown."""
    for browser in _visitors(cafe, other_cafe):
        for address in GUARDED_PAGES:
            for method in ("GET", "POST"):
                answer = browser.generic(method, address.url(NOBODY))
                assert answer.status_code == 302, f"{method} {address}"
                assert answer["Location"].startswith("/login/?next="), f"{method} {address}"
                if address.route in PAGES_FOR_ANYBODY_LOGGED_IN:
                    continue
                part = browser.generic(method, address.url(NOBODY), headers={"HX-Request": "true"})
                assert (part.status_code, part.content) == (401, b""), f"{method} {address}"
        for address in ADMIN:
            answer = browser.get(address.url({**NOBODY, "object_id": "1", "id": "1", "app_label": "core",
                                              "content_type_id": "1"}))  # fmt: skip
            assert answer.status_code in (301, 302), str(address)
            assert answer["Location"].startswith(("/login/", "/admin/")), f"{address} → {answer['Location']}"


def test_roles_without_the_back_office_are_kept_out(cafe: Any) -> None:
    for role in ROLES:
        allowed = P.ADMIN_SITE in ROLE_PERMISSIONS[role]
        assert cafe.browser(role).get("/admin/").status_code == (200 if allowed else 302), role
        follow = cafe.browser(role).get("/admin/", follow=True)
        assert follow.status_code == (200 if allowed else 403), role


STRANGE_HOSTS = ["nosuch.localhost", "narenj.localhost.evil.example", "xn--.localhost", "evil.example"]


@pytest.mark.parametrize("host", STRANGE_HOSTS)
@pytest.mark.parametrize("allowed", [["*"], [".localhost"]], ids=["any host", "hosts of this install"])
def test_unknown_host(host: str, allowed: list[str], cafe: Any) -> None:
    client = cafe.api("owner")
    with override_settings(ALLOWED_HOSTS=allowed):
        answer = client.get("/api/crm/customers", SERVER_NAME=host)
        page = client.get("/customers/", SERVER_NAME=host)
    assert refused(answer, 404, "TENANT_NOT_FOUND")
    assert answer.json()["error"]["message"] == "مجموعه یافت نشد"
    assert answer.json()["error"]["message_en"] == "Tenant not found"
    assert page.status_code == 404
    assert "مجموعه یافت نشد" in page.content.decode()


def test_a_host_in_capitals_with_port_and_dot_is_the_same_cafe(cafe: Any) -> None:
    for host in (cafe.host.upper(), f"{cafe.host}:8000", f"{cafe.host}."):
        assert cafe.api("owner").get("/api/crm/customers", headers={"Host": host}).status_code == 200, host


def test_inactive_cafe(cafe: Any) -> None:
    client, browser = cafe.api("owner"), cafe.browser("owner")
    cafe.cafe.is_active = False
    cafe.cafe.save()
    try:
        answers = [client.get(address.url(NOBODY)) for address in REST]
        page = browser.get("/")
        health = browser.get("/healthz")
    finally:
        cafe.cafe.is_active = True
        cafe.cafe.save()
    for address, answer in zip(REST, answers, strict=True):
        assert refused(answer, 403, "TENANT_INACTIVE"), str(address)
        assert answer.json()["error"]["message"] == "مجموعه غیرفعال است"
        assert answer.json()["error"]["message_en"] == "Tenant is inactive"
    assert page.status_code == 403
    assert "مجموعه غیرفعال است" in page.content.decode()
    assert health.status_code == 200


@pytest.mark.parametrize("host", ["localhost", "www.localhost", "127.0.0.1", "[::1]"])
def test_the_platform_has_no_api_and_no_pages_of_a_cafe(host: str, cafe: Any) -> None:
    client = cafe.api("owner")
    for address in REST:
        assert refused(client.get(address.url(NOBODY), SERVER_NAME=host), 404, "NOT_FOUND"), str(address)
    for address in GUARDED_PAGES:
        if address.route != "/":
            assert cafe.browser("owner").get(address.url(NOBODY), SERVER_NAME=host).status_code == 404, str(
                address
            )


def test_foreign_origins_get_no_cors(cafe: Any) -> None:
    answer = cafe.api("owner").get("/api/crm/customers", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
    answer = cafe.api(None).options(
        "/api/crm/customers",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
