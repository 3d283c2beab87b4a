import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.l10n import locale
from servaan_crm.l10n.phone import (
    IR_MOBILE_PREFIXES,
    PhoneError,
    display,
    is_phone_like,
    national,
    parse_phone,
    phone_fragment,
)

IRANIAN = "+989123456789"
FORMS = [
    "09123456789",
    "9123456789",
    "989123456789",
    "+989123456789",
    "00989123456789",
    "۰۹۱۲۳۴۵۶۷۸۹",
    "٠٩١٢٣٤٥٦٧٨٩",
    "۰۹۱۲ ۳۴۵ ۶۷۸۹",
    "+۹۸ ۹۱۲ ۳۴۵ ۶۷۸۹",
    "0912-345-6789",
    "0912 – 345 – 6789",
    "(0912) 345 6789",
    "0912.345.6789",
    "\u202a0912\u200c345\u200f6789\u202c",
    "\u2066+98 912 345 6789\u2069",
    " \t09123456789\n",
    "0912\u00a0345\u00a06789",
    "۹۸٩1۲345۶۷۸۹",
    "989123456789+",
]


@pytest.mark.parametrize("raw", FORMS)
def test_every_form_people_type_gives_one_number(raw):
    assert parse_phone(raw, "IR") == IRANIAN


@pytest.mark.parametrize("raw", ["09987654321", "09444555666", "09333444555"])
def test_numbers_of_the_sample_customers_are_valid(raw):
    assert parse_phone(raw, "IR") == "+98" + raw[1:]


@pytest.mark.parametrize("prefix", range(900, 1000))
def test_prefix_table_is_the_one_of_the_contract(prefix):
    allowed = (900, 905), (910, 923), (930, 939), (941, 944), (990, 999)
    raw = f"0{prefix}1234567"
    if any(first <= prefix <= last for first, last in allowed):
        assert parse_phone(raw, "IR") == "+98" + raw[1:]
    else:
        with pytest.raises(PhoneError) as error:
            parse_phone(raw, "IR")
        assert error.value.reason == "unknown_prefix"


@pytest.mark.parametrize(
    ("raw", "reason", "words"),
    [
        ("", "empty", "mobile"),
        (" \u200c ", "empty", "mobile"),
        ("0912345678", "too_short", "1 digit is missing"),
        ("۰۹۱۲۳۴۵", "too_short", "4 digits are missing"),
        ("091234567890", "too_long", "1 digit too many"),
        ("+98912345678901", "too_long", "2 digits too many"),
        ("02188776655", "landline", "not a mobile"),
        ("+982188776655", "landline", "not a mobile"),
        ("09061234567", "unknown_prefix", "0906"),
        ("+971501234567", "foreign", "Iranian"),
        ("0912345678a", "not_a_number", "digits only"),
        ("علی", "not_a_number", "digits only"),
        ("0912+3456789", "not_a_number", "digits only"),
        ("09123456789²", "not_a_number", "digits only"),
        ("0" * 500, "not_a_number", "digits only"),
        ("009123456789", "invalid", "09123456789"),
        ("+9123456789", "invalid", "09123456789"),
        ("+9809123456789", "invalid", "09123456789"),
        ("0", "too_short", "10 digits are missing"),
    ],
)
def test_a_refusal_says_what_is_wrong(raw, reason, words):
    with pytest.raises(PhoneError) as error:
        parse_phone(raw, "IR")
    refused = error.value
    assert (refused.reason, refused.raw, refused.code) == (reason, raw, "INVALID_PHONE_FORMAT")
    assert words in refused.suggestion_en
    assert refused.suggestion_fa


@pytest.mark.parametrize(
    ("raw", "region", "stored", "local", "shown"),
    [
        ("98765 43210", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("09876543210", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("+91 98765-43210", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("919876543210", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("00919876543210", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("९८७६५४३२१०", "IN", "+919876543210", "09876543210", "098765 43210"),
        ("01712345678", "BD", "+8801712345678", "01712345678", "01712-345678"),
        ("০১৭১২৩৪৫৬৭৮", "BD", "+8801712345678", "01712345678", "01712-345678"),
        ("+98 912 345 6789", "IN", "+989123456789", "+989123456789", "+98 912 345 6789"),
    ],
)
def test_other_countries(raw, region, stored, local, shown):
    assert parse_phone(raw, region) == stored
    assert national(stored, region) == local
    assert display(stored, locale.PRESETS[region]) == shown


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("98765432", "IN", "too_short"),
        ("022 2777 7777", "IN", "landline"),
        ("50000 00000", "IN", "invalid"),
        ("+98906 345 6789", "IN", "unknown_prefix"),
        ("+999123456", "BD", "invalid"),
    ],
)
def test_other_countries_refuse(raw, region, reason):
    with pytest.raises(PhoneError) as error:
        parse_phone(raw, region)
    assert error.value.reason == reason


def test_shown_in_the_digits_of_the_locale():
    assert national(IRANIAN, "IR") == "09123456789"
    assert display(IRANIAN, locale.IR) == "۰۹۱۲ ۳۴۵ ۶۷۸۹"
    assert display(IRANIAN) == "۰۹۱۲ ۳۴۵ ۶۷۸۹"
    assert display("erased-1", locale.IR) == "erased-۱"


@pytest.mark.parametrize(
    ("raw", "fragment"),
    [
        ("0912 34", "91234"),
        ("۰۹۱۲۳۴", "91234"),
        ("+98912", "+98912"),
        ("+980912", "+98912"),
        ("0098912", "98912"),
        ("345", "345"),
        ("0", ""),
        ("علی", ""),
        ("ali 0912", ""),
        ("%", ""),
        ("", ""),
    ],
)
def test_fragment(raw, fragment):
    assert phone_fragment(raw) == fragment


@given(st.sampled_from(sorted(IR_MOBILE_PREFIXES)), st.text("0123456789", min_size=7, max_size=7), st.data())
def test_every_part_of_a_typed_number_finds_it(prefix, rest, data):
    typed = f"0{prefix}{rest}"
    stored = parse_phone(typed, "IR")
    start = data.draw(st.integers(0, 10))
    part = typed[start : data.draw(st.integers(start + 1, 11))]
    assert is_phone_like(part)
    assert phone_fragment(part) in stored


@given(st.text() | st.text("+0123456789۰۹۱۲-() \u200c", max_size=18), st.sampled_from(["IR", "IN", "BD"]))
def test_any_text_is_a_number_or_a_phone_error(raw, region):
    with suppress(PhoneError):
        stored = parse_phone(raw, region)
        assert re.fullmatch(r"\+[1-9][0-9]{7,14}", stored)
        assert parse_phone(national(stored, region), region) == stored
