"""Variables in texts: a fixed list, fallbacks, and nothing evaluated."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from campaigns.automations.ready_made import FIRST_VISIT_TEXTS
from campaigns.texts import MissingValue, check_template, render_template
from campaigns.values import Guest, guest_values

VALUES = {"name": "سارا", "points": "۱۲۰", "cafe_name": "کافه نارنج"}


@pytest.mark.parametrize("text", FIRST_VISIT_TEXTS.values())
def test_ready_made_texts_are_valid_and_filled(text):
    assert check_template(text) == ["name", "cafe_name", "points"]
    shown = render_template(text, VALUES)
    assert "{" not in shown
    assert all(value in shown for value in VALUES.values())


def test_fallback_stands_in_for_a_missing_value_only():
    assert render_template("{{ name | مهمان }} عزیز", {"name": "  "}) == "مهمان عزیز"
    assert render_template("{{name|مهمان}} عزیز", {"name": "سارا"}) == "سارا عزیز"
    with pytest.raises(MissingValue, match="points"):
        render_template("{{points}} امتیاز", {"name": "سارا"})


def test_an_unknown_variable_is_named_and_the_known_ones_are_listed():
    with pytest.raises(ValidationError) as caught:
        check_template("{{name}} {{balance}}")
    assert caught.value.code == "INVALID_TEMPLATE"
    message = caught.value.messages[0]
    assert "balance" in message
    assert "{{cafe_name}}" in message


@pytest.mark.parametrize("text", [
    "{{name", "name}}", "{{}}", "{{name.__class__}}", "{{ 1+1 }}", "{% now %}", "{name}", "{{{name}}}",
    "{{name|a}b}}",
])  # fmt: skip
def test_anything_else_in_braces_is_refused(text):
    with pytest.raises(ValidationError):
        check_template(text)


def test_a_value_is_text_and_never_a_template():
    assert render_template("{{name}}", {"name": "{{points}}"}) == "{{points}}"


@pytest.mark.parametrize(
    ("name", "whole", "first"),
    [
        ("", "مهمان", "مهمان"),
        ("\u200f \u202e", "مهمان", "مهمان"),
        ("سا\u202eرا احمدی\u2069", "سارا احمدی", "سارا"),
        ("سارا\n\u200eاحمدی", "سارا احمدی", "سارا"),
        ("علی\u200cرضا", "علی\u200cرضا", "علی\u200cرضا"),
        ("👩\u200d🍳 نگار", "👩\u200d🍳 نگار", "👩\u200d🍳"),
        ("{{points}} =1+1", "{{points}} =1+1", "{{points}}"),
    ],
)
def test_any_name_stands_in_a_text_without_turning_it(cafe, name, whole, first):
    values = guest_values(Guest(uuid4(), name, "+989120000000", 0, "bronze", None, 0))
    assert render_template("{{name|مهمان}}", values) == whole
    assert render_template("{{first_name|مهمان}}", values) == first
