"""A changed password ends every token and session issued before it."""

from servaan_crm.accounts.models import User


def test_tokens_end_with_the_password(cafe):
    api, browser = cafe.api("manager"), cafe.browser("manager")
    tokens = (
        cafe.api(None)
        .post("/api/auth/token", {"username": "manager", "password": "servaan-demo"}, format="json")
        .json()
    )
    assert api.get("/api/crm/customers").status_code == 200
    assert browser.get("/customers/").status_code == 200
    manager = User.objects.get(username="manager")  # a copy: the cast serves the whole session
    manager.set_password("another long password")
    manager.save()
    answer = api.get("/api/crm/customers")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTHENTICATION_REQUIRED")
    assert browser.get("/customers/").status_code == 302
    refreshed = cafe.api(None).post("/api/auth/token/refresh", {"refresh": tokens["refresh"]}, format="json")
    if refreshed.status_code == 200:
        late = cafe.api(None)
        late.credentials(HTTP_AUTHORIZATION=f"Bearer {refreshed.json()['access']}")
        assert late.get("/api/crm/customers").status_code == 401
