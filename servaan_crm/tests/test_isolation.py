"""A café never sees, names or changes what its neighbour has, at any address, by any method."""

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django_tenants.utils import tenant_context

from servaan_crm.tests.addresses import ADMIN, API, METHODS, PAGES, Address
from servaan_crm.tests.bodies import body_of
from servaan_crm.tests.planting import MARKER, PHONE, fingerprint, plant

# Form fields by page; what is not named is sent a form that points at the neighbour's guest.
FORMS: dict[str, dict[str, str]] = {
    "/customers/new/": {"name": "Somebody", "phone": "09121112233", "tags": "{tag_id}"},
    "/login/": {"username": f"{MARKER}-user", "password": "x"},
}
RECORD = {
    "customer_id": "{customer_id}", "total_amount": "100000", "idempotency_key": "k1", "items": '{"{item_id}": 1}',
}  # fmt: skip


@pytest.fixture
def planted(cafe: Any, other_cafe: Any) -> dict[str, Any]:
    return plant(other_cafe)


def _check(answer: Any, where: str) -> None:
    assert answer.status_code < 500, where
    assert MARKER not in _text(answer).lower(), f"{where} shows what the neighbour has"


def _text(answer: Any) -> str:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode() + str(dict(answer.headers))


def _neighbours_ids_are_unknown(address: Address, answer: Any, method: str) -> None:
    """Ids of the neighbour are nobody's: a refusal, never a success, and never a sign that they exist."""
    if method == "OPTIONS" and answer.status_code == 200:
        return  # names the methods of the address, whatever the id
    assert answer.status_code in (404, 403, 405), f"{method} {address} → {answer.status_code}"


@pytest.mark.parametrize("address", API, ids=str)
def test_api_address(address: Address, cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    before = fingerprint(other_cafe)
    client = cafe.api("owner")
    url = address.url(planted)
    for method in METHODS:
        takes_body = method in ("POST", "PUT", "PATCH") and method in address.methods
        body = body_of(method, address.route, planted) if takes_body else None
        answer = client.generic(method, url, *_json(client, body))
        _check(answer, f"{method} {url}")
        if address.parameters:
            _neighbours_ids_are_unknown(address, answer, method)
        elif takes_body and str(planted["customer_id"]) in str(body):
            assert answer.status_code in (400, 404), f"{method} {address} took the neighbour's guest"
    assert fingerprint(other_cafe) == before


def _json(client: Any, body: Any) -> tuple[bytes, str]:
    if body is None:
        return b"", "application/json"
    data, content_type = client._encode_data(body, format="json")
    return data, content_type


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/crm/visits", {"total_amount": 1000, "outlet_id": "{outlet_id}"}),
        ("/api/crm/visits", {"total_amount": 1000, "customer_id": "{customer_id}", "customer_name": "x"}),
        ("/api/crm/feedback", {"rating": 5, "feedback_source": "manual", "visit_id": "{visit_id}"}),
        ("/api/crm/feedback", {"rating": 5, "feedback_source": "manual", "customer_phone": PHONE}),
        (
            "/api/crm/customers/{own}/interactions",
            {"interaction_type": "call", "direction": "inbound", "agent_id": "{user_id}"},
        ),
    ],
    ids=[
        "visit of its outlet",
        "visit of its guest",
        "feedback on its visit",
        "feedback by its phone",
        "its agent",
    ],
)
def test_ids_inside_a_body(
    path: str, body: dict[str, Any], cafe: Any, other_cafe: Any, planted: dict[str, Any]
) -> None:
    client = cafe.api("owner")
    own = client.post("/api/crm/customers", {"phone": "09121110000", "name": "Ours"}, format="json")
    sent = {
        key: str(planted[value.strip("{}")]) if str(value).startswith("{") else value
        for key, value in body.items()
    }
    before = fingerprint(other_cafe)
    answer = client.post(path.replace("{own}", own.data["data"]["customer"]["id"]), sent, format="json")
    assert answer.status_code in (400, 403, 404), answer.content.decode()
    _check(answer, path)
    assert fingerprint(other_cafe) == before


def test_what_a_list_is_asked_for(cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    """Filters with the neighbour's ids, phone and name find nothing."""
    client = cafe.api("owner")
    ids = {name: str(planted[name]) for name in ("outlet_id", "customer_id", "tag_id")}
    for url in (
        f"/api/crm/customers?search={PHONE}",
        f"/api/crm/customers?search={MARKER[3:]}",
        f"/api/crm/customers?outlet={ids['outlet_id']}",
        f"/api/crm/customers?tag={ids['tag_id']}",
        f"/api/crm/feedback?customer_id={ids['customer_id']}",
    ):
        answer = client.get(url)
        assert MARKER not in answer.content.decode().lower(), url
        assert answer.status_code == 400 or answer.data["data"]["pagination"]["total_items"] == 0, url


@pytest.mark.parametrize("address", PAGES, ids=str)
@pytest.mark.parametrize("htmx", [False, True], ids=["page", "part"])
def test_page(address: Address, htmx: bool, cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    before = fingerprint(other_cafe)
    browser = cafe.browser("owner")
    headers = {"HX-Request": "true"} if htmx else {}
    url = address.url(planted)
    queries = [
        "",
        f"?q={PHONE}",
        f"?search={PHONE}",
        f"?customer_id={planted['customer_id']}",
        f"?phone={PHONE}",
    ]
    for query in queries if not address.parameters else [""]:
        answer = browser.get(url + query, headers=headers)
        _check(answer, f"GET {url}{query}")
    if address.parameters:
        _refused_or_away(address, answer, "GET")
    form = _form(address.route, planted)
    for method in ("post", "put", "patch", "delete"):
        browser = cafe.browser("owner")  # a page may have ended the session
        answer = getattr(browser, method)(url, form if method == "post" else b"", headers=headers)
        _check(answer, f"{method} {url}")
        if address.parameters:
            _refused_or_away(address, answer, method.upper())
    assert fingerprint(other_cafe) == before


def _form(route: str, planted: dict[str, Any]) -> dict[str, str]:
    form = dict(FORMS.get(route, RECORD))
    for name, value in planted.items():
        form = {key: text.replace("{" + name + "}", str(value)) for key, text in form.items()}
    return form


def _refused_or_away(address: Address, answer: Any, method: str) -> None:
    if answer.status_code == 302:
        assert answer["Location"] == "/counter/", f"{method} {address} → {answer['Location']}"
        return
    _neighbours_ids_are_unknown(address, answer, method)


def test_a_bill_cannot_name_the_neighbours_guest(cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    answer = cafe.browser("staff").post("/counter/record/", _form("/counter/record/", planted))
    assert answer.status_code in (404, 422)


MODELS = {f"/admin/{m._meta.app_label}/{m._meta.model_name}/": m for m in admin.site._registry}


@pytest.mark.parametrize("route", sorted(MODELS), ids=str)
def test_back_office_of_a_model(route: str, cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    """All admin addresses of one model: list, search, add, and everything about a row of the neighbour."""
    model = MODELS[route]
    with tenant_context(other_cafe.cafe):
        keys = set(model._default_manager.values_list("pk", flat=True))
    strange = keys - set(model._default_manager.values_list("pk", flat=True))
    # A row of the neighbour whose key is not also a key here (numbers of events are, ids are not).
    assert keys, f"nothing of {model.__name__} was planted"
    before = fingerprint(other_cafe)
    browser = cafe.browser("owner")
    own = [address for address in ADMIN if address.route.startswith(route)]
    assert len(own) >= 3
    for key in list(strange)[:1] or list(keys)[:1]:
        for address in own:
            url = address.url({**planted, "object_id": key, "id": key})
            for method in ("get", "post"):
                answer = getattr(browser, method)(url, {"post": "yes"} if method == "post" else {})
                _check(answer, f"{method} {url}")
                if address.parameters and strange:
                    _not_a_row(address, answer, method)
    _check(browser.get(f"{route}?q={MARKER[3:]}"), route)
    assert fingerprint(other_cafe) == before


def _not_a_row(address: Address, answer: Any, method: str) -> None:
    """Django sends away from a row that is not there: to the index, or from the bare id to its form."""
    if answer.status_code in (301, 302):
        assert answer["Location"].startswith("/admin/"), f"{method} {address}"
        return
    _neighbours_ids_are_unknown(address, answer, method)


def test_back_office_beyond_models(cafe: Any, other_cafe: Any, planted: dict[str, Any]) -> None:
    browser = cafe.browser("owner")
    others = [address for address in ADMIN if not any(address.route.startswith(route) for route in MODELS)]
    for address in others:
        url = address.url({**planted, "app_label": "customers"})
        if "logout" not in url:
            _check(browser.get(url), url)
    for field in ("customer", "outlet", "created_by"):
        answer = browser.get(
            f"/admin/autocomplete/?app_label=customers&model_name=visit&field_name={field}&term={MARKER[:3]}"
        )
        _check(answer, f"autocomplete of {field}")


def test_every_admin_address_is_walked() -> None:
    """Addresses of models are walked per model; whatever is left is in the test above."""
    unknown = {name for address in ADMIN for name in address.parameters} - {
        "object_id", "id", "app_label", "content_type_id",
    }  # fmt: skip
    assert not unknown


def test_an_id_that_exists_next_door_looks_like_one_that_exists_nowhere(
    cafe: Any, planted: dict[str, Any]
) -> None:
    client = cafe.api("owner")
    for address in API:
        for name in ("customer_id", "visit_id"):
            if address.parameters != [name]:
                continue
            nobody = uuid.uuid4()
            there, nowhere = client.get(address.url(planted)), client.get(address.url({name: nobody}))
            assert there.status_code == nowhere.status_code, str(address)
            if there.status_code == 404:
                errors = [answer.data["error"] for answer in (there, nowhere)]
                assert errors[0]["code"] == errors[1]["code"], str(address)
                assert errors[0]["message"] == errors[1]["message"], str(address)
