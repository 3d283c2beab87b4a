"""Login, logout, preferences and error pages of a café."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from servaan_crm.web.views import LOGIN_TRIES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_remembered_tries() -> None:
    cache.clear()


def _log_in(client: Client, name: str = "staff", password: str = "servaan-demo", **more: str) -> Any:
    return client.post("/login/", {"username": name, "password": password, **more})


def test_staff_log_in_and_out(cafe: Any) -> None:
    client = cafe.browser(None)
    assert client.get("/login/").status_code == 200
    answer = _log_in(client)
    assert answer.status_code == 302
    assert "_auth_user_id" in client.session
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_wrong_password_and_unknown_name_look_the_same(cafe: Any) -> None:
    client = cafe.browser(None)
    wrong, unknown = _log_in(client, password="x"), _log_in(client, name="nobody")
    assert wrong.status_code == unknown.status_code == 200
    said = [list(answer.context["form"].non_field_errors()) for answer in (wrong, unknown)]
    assert said[0] == said[1] != []


def test_guessing_is_slowed_down(cafe: Any) -> None:
    client = cafe.browser(None)
    for _ in range(LOGIN_TRIES):
        assert _log_in(client, password="guess").status_code == 200
    assert _log_in(client).status_code == 429
    assert _log_in(client, name="manager").status_code == 302


def test_login_returns_to_own_pages_only(cafe: Any) -> None:
    assert _log_in(cafe.browser(None), next="/customers/")["Location"] == "/customers/"
    assert "evil" not in _log_in(cafe.browser(None), next="https://evil.example/")["Location"]


def test_session_of_one_cafe_is_refused_by_another(cafe: Any, other_cafe: Any) -> None:
    client = cafe.browser("owner")
    assert client.get("/login/").status_code == 302  # already inside
    foreign = Client(SERVER_NAME=other_cafe.host)
    foreign.cookies = client.cookies
    assert foreign.get("/login/").status_code == 200


@pytest.mark.parametrize(("language", "direction"), [("fa", "rtl"), ("en", "ltr")])
def test_language_is_remembered(cafe: Any, language: str, direction: str) -> None:
    client = cafe.browser(None)
    assert (
        client.post("/preferences/language/", {"language": language, "next": "/login/"})["Location"]
        == "/login/"
    )
    page = " ".join(client.get("/login/").content.decode().split())
    assert f'<html lang="{language}" dir="{direction}"' in page
    assert ("tabler.rtl.min.css" in page) is (direction == "rtl")


def test_theme_is_set_on_the_server(cafe: Any) -> None:
    client = cafe.browser(None)
    assert 'data-bs-theme="auto"' in client.get("/login/").content.decode()
    assert (
        client.post(
            "/preferences/theme/", {"theme": "dark"}, headers={"X-Requested-With": "fetch"}
        ).status_code
        == 204
    )
    assert 'data-bs-theme="dark"' in client.get("/login/").content.decode()


@pytest.mark.parametrize(
    ("address", "body"), [("theme", {"theme": "pink"}), ("language", {"language": "xx"})]
)
def test_unknown_preferences_change_nothing(cafe: Any, address: str, body: dict[str, str]) -> None:
    answer = cafe.browser(None).post(f"/preferences/{address}/", body)
    assert answer.status_code == 400
    assert not answer.cookies


def test_foreign_addresses_are_not_followed(cafe: Any) -> None:
    answer = cafe.browser(None).post(
        "/preferences/theme/", {"theme": "dark", "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_unknown_page_answers_as_a_page(cafe: Any) -> None:
    answer = cafe.browser(None).get("/no-such-page/")
    assert answer.status_code == 404
    assert "text/html" in answer["Content-Type"]
    assert "public.css" in answer.content.decode()


def test_stale_form_is_explained(cafe: Any) -> None:
    client = Client(enforce_csrf_checks=True, SERVER_NAME=cafe.host)
    answer = client.post("/login/", {"username": "staff", "password": "servaan-demo"})
    assert answer.status_code == 403
    assert "public.css" in answer.content.decode()


def test_front_page_of_the_platform() -> None:
    answer = Client(SERVER_NAME="localhost").get("/")
    assert answer.status_code == 200
    assert "landing.css" in answer.content.decode()


def test_home_screen_entry_carries_the_cafe(cafe: Any) -> None:
    answer = cafe.browser(None).get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    assert answer.json()["name"] == cafe.cafe.name
    assert answer.json()["dir"] == "rtl"
