from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.l10n import locale
from servaan_crm.l10n.digits import localize, plain_number, to_ascii, to_persian
from servaan_crm.l10n.money import (
    MoneyError,
    compact_money,
    format_money,
    format_number,
    format_percent,
    parse_money,
    unit_name,
)

RIAL = locale.CafeLocale("IR", "IR", "IRR", False, "jalali", "fa", "Asia/Tehran")
IR_EN = locale.CafeLocale("IR", "IR", "IRR", True, "jalali", "en", "Asia/Tehran")
MINUS = "\u200e\u2212"


@pytest.mark.parametrize(
    ("amount", "place", "shown"),
    [
        (1_250_000, locale.IR, "۱۲۵٬۰۰۰ تومان"),
        (Decimal("1250000.00"), locale.IR, "۱۲۵٬۰۰۰ تومان"),
        (1_250_005, locale.IR, "۱۲۵٬۰۰۰٫۵ تومان"),
        (0, locale.IR, "۰ تومان"),
        (-5000, locale.IR, MINUS + "۵۰۰ تومان"),
        (1_250_000, RIAL, "۱٬۲۵۰٬۰۰۰ ریال"),
        (1_250_000, IR_EN, "125,000 toman"),
        (125_000, locale.IN, "₹1,25,000"),
        (Decimal("12345678.5"), locale.IN, "₹1,23,45,678.50"),
        (-50, locale.IN, MINUS + "₹50"),
        (125_000, locale.BD, "৳1,25,000"),
        (None, locale.IR, ""),
    ],
)
def test_format_money(amount, place, shown):
    assert format_money(amount, place) == shown


@pytest.mark.parametrize(
    ("raw", "place", "amount"),
    [
        ("125000", locale.IR, 1_250_000),
        ("۱۲۵٬۰۰۰", locale.IR, 1_250_000),
        ("۱۲۵،۰۰۰ تومان", locale.IR, 1_250_000),
        ("۱۲۵ هزار تومان", locale.IR, 1_250_000),
        ("۱۲۵‌هزار تومن", locale.IR, 1_250_000),
        ("۱٫۵ میلیون", locale.IR, 15_000_000),
        ("۱۲۵۰۰۰۰ ریال", locale.IR, 1_250_000),
        ("125 000", locale.IR, 1_250_000),
        ("12.5", locale.IR, 125),
        ("0", locale.IR, 0),
        ("۱۲۵۰۰۰۰", RIAL, 1_250_000),
        ("۱۲۵۰۰۰ تومان", RIAL, 1_250_000),
        ("₹1,25,000.50", locale.IN, Decimal("125000.50")),
        ("Rs. 250", locale.IN, 250),
        ("Rs 250/-".replace("/-", ""), locale.IN, 250),
        ("৳ ১২৫", locale.BD, 125),
    ],
)
def test_parse_money(raw, place, amount):
    assert parse_money(raw, place) == amount


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "empty"),
        ("تومان", "empty"),
        ("-5", "negative"),
        ("−۵۰۰ تومان", "negative"),
        ("abc", "not_a_number"),
        ("12..5", "not_a_number"),
        ("12,5", "not_a_number"),
        ("1e5", "not_a_number"),
        ("5-", "not_a_number"),
        ("12.55", "too_many_decimals"),
        ("9999999999999", "too_large"),
        ("₹5", "wrong_currency"),
        ("NaN", "not_a_number"),
        ("²", "not_a_number"),
    ],
)
def test_a_refused_amount_says_why(raw, reason):
    with pytest.raises(MoneyError) as error:
        parse_money(raw, locale.IR)
    assert (error.value.reason, error.value.raw) == (reason, raw)
    assert error.value.message_fa
    assert error.value.message_en


@given(st.integers(0, 10**12), st.sampled_from([locale.IR, RIAL, IR_EN, locale.IN, locale.BD]), st.booleans())
def test_what_is_shown_reads_back(amount, place, unit):
    assert parse_money(format_money(amount, place, unit), place) == amount


@given(st.text())
def test_any_text_is_an_amount_or_a_money_error(raw):
    with suppress(MoneyError):
        assert 0 <= parse_money(raw, locale.IR) <= 10**12


@pytest.mark.parametrize(
    ("amount", "place", "shown", "letter"),
    [
        (182_000_000, locale.IR, "۱۸٫۲ میلیون تومان", "۱۸٫۲ م تومان"),
        (15_000_000_000, locale.IR, "۱٫۵ میلیارد تومان", "۱٫۵ میلیارد تومان"),
        (9_999_999_000, locale.IR, "۱ میلیارد تومان", "۱ میلیارد تومان"),
        (1_250_000, locale.IR, "۱۲۵٬۰۰۰ تومان", "۱۲۵٬۰۰۰ تومان"),
        (182_000_000, IR_EN, "18.2 M toman", "18.2 M toman"),
        (130_000, locale.IN, "₹1.3 L", "₹1.3 L"),
        (13_000_000, locale.IN, "₹1.3 Cr", "₹1.3 Cr"),
    ],
)
def test_compact_money(amount, place, shown, letter):
    assert compact_money(amount, place) == shown
    assert compact_money(amount, place, letter=True) == letter


def test_compact_without_the_unit():
    assert compact_money(182_000_000, locale.IR, unit=False, letter=True) == "۱۸٫۲ م"


def test_numbers_and_percents():
    assert format_number(1234567, locale.IR) == "۱٬۲۳۴٬۵۶۷"
    assert format_number(1234567, locale.IN) == "12,34,567"
    assert format_number(-4.25, locale.IR, 1) == MINUS + "۴٫۳"
    assert format_number(-0.2, locale.IN) == "0"
    assert format_percent(25, locale.IR) == "۲۵٪"
    assert format_percent(12.5, locale.IR) == "۱۲٫۵٪"
    assert format_percent(12.5, locale.IN) == "12.5%"
    assert unit_name(locale.IR) == "تومان"
    assert unit_name(locale.IN) == "₹"


@given(st.text())
def test_digits_round_trip(text):
    assert to_ascii(to_persian(text)) == to_ascii(text)
    assert not any(c in "0123456789٠١٢٣٤٥٦٧٨٩" for c in to_persian(text))
    assert len(to_ascii(text)) == len(text)


def test_digits():
    assert to_ascii("۱۲٣٤ ५ ৬ ７") == "1234 5 6 7"
    assert localize("12 a", locale.IR) == "۱۲ a"
    assert localize("۱۲", locale.IN) == "12"
    assert plain_number(" ۱٬۲۳۴٫۵ ") == "1234.5"
