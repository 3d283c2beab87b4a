"""Who may do what, and that a neighbour's guests never show."""

import json
import uuid

import pytest
from django_tenants.utils import tenant_context

from customers.models import Customer
from customers.tests.factories import make_customer, make_visit
from servaan_crm.accounts.authentication import issue_tokens

URL = "/api/crm/customers"
BODY = {"phone": "09129999999", "name": "تازه وارد"}
EVERYBODY = {"owner", "manager", "staff", "agent", "integrator"}
# (method, path, body) → the roles it is for
TABLE = [
    ("get", "", None, EVERYBODY),
    ("post", "", BODY, EVERYBODY),
    ("get", "/phone/09120000001", None, EVERYBODY),
    ("post", "/validate-phone", {"phone": "0912"}, EVERYBODY),
    ("get", "/{id}", None, EVERYBODY),
    ("put", "/{id}", {"phone": "09120000001", "name": "نام دیگر"}, EVERYBODY),
    ("patch", "/{id}", {"notes": "x"}, EVERYBODY),
    ("get", "/{id}/visits", None, EVERYBODY),
    ("post", "/{id}/restore", None, EVERYBODY),
    ("delete", "/{id}", None, {"owner", "manager"}),
]


def call(client, method, path, body, customer):
    url = URL + path.replace("{id}", str(customer.pk))
    return getattr(client, method)(url, body, format="json") if body else getattr(client, method)(url)


@pytest.mark.parametrize("role", [*sorted(EVERYBODY), None])
def test_permission_table(cafe, role):
    customer = make_customer(1)
    client = cafe.api(role)
    for method, path, body, roles in TABLE:
        before = list(Customer.objects.order_by("pk").values())
        answer = call(client, method, path, body, customer)
        if role in roles:
            assert answer.status_code < 300, (method, path, answer.data)
            continue
        expected = (403, "PERMISSION_DENIED") if role else (401, "AUTHENTICATION_REQUIRED")
        assert (answer.status_code, answer.data["error"]["code"]) == expected, (method, path)
        assert list(Customer.objects.order_by("pk").values()) == before


def test_a_switched_off_feature_refuses_every_address(cafe):
    customer = make_customer(1)
    client = cafe.api("owner")
    cafe.cafe.features = {"crm": False}
    cafe.cafe.save()
    from servaan_crm.tenancy.selectors import forget_hosts

    forget_hosts()
    for method, path, body, _roles in TABLE:
        answer = call(client, method, path, body, customer)
        assert (answer.status_code, answer.data["error"]["code"]) == (403, "FEATURE_DISABLED"), (method, path)
    cafe.cafe.features = {}


@pytest.fixture
def neighbour(cafe, other_cafe):
    """A guest of the other café, with the same number as one of ours, and one with its own."""
    with tenant_context(other_cafe.cafe):
        twin = make_customer("09120000001", "همسایه همنام")
        make_visit(twin, 777_000)
        alone = make_customer("09120000777", "همسایه تنها")
        make_visit(alone)
    return alone


def test_a_neighbours_guest_is_not_there(cafe, other_cafe, neighbour):
    mine = make_customer("09120000001", "مشتری ما")
    client = cafe.api("owner")
    listed = client.get(URL)
    assert [row["id"] for row in listed.data["data"]["customers"]] == [str(mine.pk)]
    assert listed.data["data"]["pagination"]["total_items"] == 1
    for query in ("search=همسایه", "search=09120000777", "min_visits=1"):
        assert client.get(f"{URL}?{query}").data["data"]["customers"] == []
    assert client.get(f"{URL}/phone/09120000001").data["data"]["customer"]["id"] == str(mine.pk)
    assert client.get(f"{URL}/phone/09120000001").data["data"]["recent_visits"] == []
    assert client.get(f"{URL}/phone/09120000777").data["error"]["code"] == "CUSTOMER_NOT_FOUND"
    for method, path, body, _roles in TABLE:
        if "{id}" in path:
            answer = call(client, method, path, body, neighbour)
            assert (answer.status_code, answer.data["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND"), (
                method,
                path,
            )
    assert (
        client.post(f"{URL}/validate-phone", {"phone": "09120000777"}, format="json").data["data"][
            "customer_id"
        ]
        is None
    )
    created = client.post(URL, {"phone": "09120000777", "name": "مشتری ما هم"}, format="json")
    assert created.status_code == 201
    with tenant_context(other_cafe.cafe):
        row = Customer.objects.get(pk=neighbour.pk)
        assert (row.name, row.version, row.deleted_at) == ("همسایه تنها", 1, None)


def test_a_neighbours_pages_show_nothing_of_ours(cafe, other_cafe, neighbour):
    make_customer("09120000002", "مشتری ما")
    browser = cafe.browser("owner")
    page = browser.get("/customers/").content.decode()
    assert "مشتری ما" in page
    assert "همسایه" not in page
    for path in ("", "edit/", "visits/"):
        assert browser.get(f"/customers/{neighbour.pk}/{path}").status_code == 404
    for path in ("edit/", "delete/", "restore/"):
        assert (
            browser.post(f"/customers/{neighbour.pk}/{path}", {"name": "x", "phone": "x"}).status_code == 404
        )


def test_tokens_and_sessions_of_another_cafe_are_refused(cafe, other_cafe):
    customer = make_customer(1)
    foreign = cafe.api(None)
    with tenant_context(other_cafe.cafe):
        token = issue_tokens(other_cafe.owner)["access"]
    foreign.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    session = other_cafe.browser("owner").cookies
    browser = cafe.api(None)
    browser.cookies = session
    for client in (foreign, browser):
        for method, path, body, _roles in TABLE:
            answer = call(client, method, path, body, customer)
            assert answer.status_code == 401, (method, path, answer.data)
    stranger = cafe.browser(None)
    stranger.cookies = session
    assert stranger.get("/customers/")["Location"].startswith("/login/")
    assert Customer.objects.get().version == 1


def test_errors_are_json_for_every_wrong_method_and_body(cafe):
    client = cafe.api()
    url = f"{URL}/{uuid.uuid4()}"
    assert client.post(url, {}, format="json").data["error"]["code"] == "METHOD_NOT_ALLOWED"
    broken = client.post(URL, "{", content_type="application/json")
    assert json.loads(broken.content)["error"]["code"] == "MALFORMED_JSON"
    for body in ([], "text", 5, None):
        answer = client.post(URL, json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.data["error"]["code"]) == (400, "VALIDATION_ERROR"), body
