"""Part counting against the vectors of the trade and a naive re-implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.messaging.sms import GSM7, UCS2, count_parts


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("س" * 70, UCS2, 70, 1),
        ("س" * 71, UCS2, 71, 2),
        ("س" * 134, UCS2, 134, 2),
        ("س" * 135, UCS2, 135, 3),
        ("a" * 160, GSM7, 160, 1),
        ("a" * 161, GSM7, 161, 2),
        ("a" * 306, GSM7, 306, 2),
        ("a" * 307, GSM7, 307, 3),
        ("س" * 66 + "😀" + "س" * 66, UCS2, 134, 3),
        ("a" * 152 + "€" + "a" * 152, GSM7, 306, 3),
        ("", GSM7, 0, 0),
        ("a" * 158 + "€", GSM7, 160, 1),
        ("۱۲۳", UCS2, 3, 1),
        ("a\u200cb", UCS2, 3, 1),
        ("«a»", UCS2, 3, 1),
    ],
)
def test_vectors(text: str, encoding: str, units: int, parts: int) -> None:
    size = count_parts(text)
    assert (size.encoding, size.units, size.parts) == (encoding, units, parts)


def test_remaining_is_what_still_fits() -> None:
    assert count_parts("سلام").remaining == 66
    assert count_parts("س" * 71).remaining == 63
    assert count_parts("س" * 71).per_part == 67


@given(st.text(alphabet=st.sampled_from("aسz€[😀\n"), max_size=400))
def test_remaining_more_narrow_characters_keep_the_part_count(text: str) -> None:
    size = count_parts(text)
    if size.parts <= 1:
        return
    filler = "a" if size.encoding == GSM7 else "س"
    assert count_parts(text + filler * size.remaining).parts == size.parts
    assert count_parts(text + filler * (size.remaining + 1)).parts == size.parts + 1
