"""Finding a message in a provider's list: three answers, and never "not sent" about one that was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.messaging.gateways.base import DeliveryState, Doubtful, StatusResult
from servaan_crm.messaging.gateways.listing import CANNOT_TELL, SETTLE, Listed, find_listed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WINDOW = timedelta(hours=24)
OLD = NOW - SETTLE * 3


def doubtful(number: int, body: str = "سلام علی", *, phone: int = 1, at: datetime = OLD) -> Doubtful:
    return Doubtful(number, f"+9891200000{phone:02}", body, at)


def row(key: str, body: str = "سلام علی", *, phone: int = 1, at: datetime | None = OLD) -> Listed:
    fate = StatusResult(DeliveryState.ACCEPTED, provider_id=key)
    return Listed(f"091200000{phone:02}", body, at, fate)


def find(messages: list[Doubtful], rows: list[Listed], *, complete: bool = True) -> dict[int, StatusResult]:
    return find_listed(messages, rows, complete=complete, now=NOW, window=WINDOW)


@pytest.mark.parametrize(
    "listed",
    ["سلام علی", " سلام  علي\r\n", "سلام‌علی.", "سلام علی\u200f"],
    ids=["same", "arabic-yeh", "joined", "mark"],
)
def test_a_text_is_known_again_though_the_provider_unified_it(listed: str) -> None:
    assert find([doubtful(7)], [row("55", listed)])[7].provider_id == "55"


def test_two_equal_texts_to_one_guest_are_two_rows() -> None:
    twice = [doubtful(7), doubtful(8, at=OLD + timedelta(seconds=5))]
    assert {key: fate.provider_id for key, fate in find(twice, [row("55"), row("56")]).items()} == {
        7: "55",
        8: "56",
    }
    # One row for two: one is out, the other one is not.
    assert [fate.provider_id for fate in find(twice, [row("55")]).values()] == ["55"]


def test_absence_is_proof_in_a_complete_list_that_had_time() -> None:
    assert find([doubtful(7)], [row("55", phone=2)]) == {}
    assert find([doubtful(7)], [], complete=False) == {7: CANNOT_TELL}
    assert find([doubtful(7, at=NOW - SETTLE / 2)], []) == {7: CANNOT_TELL}


def test_another_text_to_the_guest_at_that_time_may_be_this_one() -> None:
    assert find([doubtful(7)], [row("55", "سلام علی\nلغو۱۱")]) == {7: CANNOT_TELL}
    assert find([doubtful(7)], [row("55", "سلام مریم", at=OLD - timedelta(hours=2))]) == {}
    assert find([doubtful(7)], [row("55", "سلام مریم", at=None)]) == {7: CANNOT_TELL}


def test_what_nobody_can_tell_any_more_is_left_out() -> None:
    ancient = doubtful(7, at=NOW - WINDOW - SETTLE)
    assert find([ancient], [], complete=False) == {}
    assert find([ancient], [row("55", at=ancient.at)])[7].provider_id == "55"


@given(
    sent=st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ابپ"), st.booleans()), max_size=8),
    footer=st.sampled_from(["", "\nلغو۱۱", " .", "\u200f"]),
)
def test_a_message_that_is_out_is_never_called_not_sent(
    sent: list[tuple[int, str, bool]], footer: str
) -> None:
    messages = [doubtful(key, body, phone=phone) for key, (phone, body, _is_out) in enumerate(sent)]
    rows = [
        row(f"id{key}", body + footer, phone=phone)
        for key, (phone, body, is_out) in enumerate(sent)
        if is_out
    ]
    found = find(messages, rows)
    for phone in {phone for phone, _body, _is_out in sent}:
        group = [key for key, (number, _body, _is_out) in enumerate(sent) if number == phone]
        out = sum(1 for key in group if sent[key][2])
        # Equal texts may stand for each other, but as many as are out are found or still open.
        assert sum(1 for key in group if key in found) >= out
    assert len({fate.provider_id for fate in found.values() if fate.provider_id}) == sum(
        1 for fate in found.values() if fate.provider_id
    )
