"""A harmless question to a hosted mail service by which its key is tested: it sends nothing and changes nothing.

A key that may do nothing but send is refused by some services in the words of a wrong one. Then nothing is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from servaan_crm.messaging.gateways.base import AuthError
from servaan_crm.messaging.gateways.http import HttpClient
from servaan_crm.messaging.gateways.reading import text_of

TIMEOUT = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Question:
    """One call below the service's address.

    Args:
        headers, body: what goes along, made of the key. knows: what besides a 2xx shows that the key is a right one.
        is_ambiguous: a refusal may also mean that the key is only for sending.
    """

    path: str
    headers: Callable[[str], Mapping[str, str]] = field(
        default=lambda key: {"Authorization": f"Bearer {key}"}
    )
    body: Callable[[str], Any] | None = None
    knows: Callable[[int, str], bool] = field(default=lambda status, name: False)
    is_ambiguous: bool = False


# Mailtrap documents none for a key of sending. MailerSend's and SparkPost's refusals are (unsourced).
QUESTIONS: dict[str, Question] = {
    "brevo": Question("account", lambda key: {"api-key": key}),
    "mailersend": Question("api-quota", is_ambiguous=True),
    "mandrill": Question("users/ping2.json", lambda key: {}, body=lambda key: {"key": key}),
    "postmark": Question(
        "server", lambda key: {"X-Postmark-Server-Token": key, "Accept": "application/json"}
    ),
    "resend": Question("domains", knows=lambda status, name: name == "restricted_api_key"),
    "sendgrid": Question("scopes"),
    "sparkpost": Question(
        "account", lambda key: {"Authorization": key}, knows=lambda status, name: status == 403
    ),
}


def is_known(service: str, key: str, base_url: str) -> bool:
    """Say whether the service knows the key; False where it has no such question, or its answer says nothing.

    Raises AuthError for a key it refuses, and what ``HttpClient.request`` raises.
    """
    question = QUESTIONS.get(service)
    if question is None:
        return False
    client = HttpClient(base_url, headers=question.headers(key), timeout=TIMEOUT)
    try:
        response = _ask(client, question, key)
    finally:
        client.close()
    name = _name_of(response)
    if response.is_success or question.knows(response.status_code, name):
        return True
    if name == "Invalid_Key" or (response.status_code in (401, 403) and not question.is_ambiguous):
        raise AuthError("the provider refuses our key", code=str(response.status_code))
    return False


def _ask(client: HttpClient, question: Question, key: str) -> httpx.Response:
    if question.body is None:
        return client.get(question.path)
    return client.post(question.path, json=question.body(key))


def _name_of(response: httpx.Response) -> str:
    """The word a service has for its refusal."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return ""
    return text_of(answer.get("name")) if isinstance(answer, dict) else ""
