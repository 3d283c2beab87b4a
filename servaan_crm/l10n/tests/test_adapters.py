import datetime as dt
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template
from rest_framework import serializers

from servaan_crm.l10n import forms as l10n_forms
from servaan_crm.l10n import locale
from servaan_crm.l10n import serializers as l10n_serializers


class VisitForm(forms.Form):
    phone = l10n_forms.PhoneField()
    amount = l10n_forms.MoneyField()
    birthday = l10n_forms.LocalDateField(required=False)
    guests = l10n_forms.DigitsIntegerField(min_value=1)


class VisitSerializer(serializers.Serializer):
    phone = l10n_serializers.PhoneField()
    amount = l10n_serializers.MoneyField()
    birthday = l10n_serializers.DateField(required=False)


def render(source, **context):
    return Template("{% load l10n %}" + source).render(Context(context))


def test_a_form_reads_persian():
    form = VisitForm(
        {"phone": "۰۹۱۲ ۳۴۵ ۶۷۸۹", "amount": "۱۲۵٬۰۰۰", "birthday": "۱۴۰۴/۸/۲۹", "guests": "۱٬۰۰۲"}
    )
    assert form.is_valid(), form.errors
    assert form.cleaned_data == {
        "phone": "+989123456789",
        "amount": Decimal(1_250_000),
        "birthday": dt.date(2025, 11, 20),
        "guests": 1002,
    }


def test_a_form_shows_stored_values_as_people_type_them():
    initial = {
        "phone": "+989123456789",
        "amount": Decimal(1_250_000),
        "birthday": dt.date(2025, 11, 20),
        "guests": 2,
    }
    form = VisitForm(initial=initial)
    html = form.as_p()
    for part in (
        "۰۹۱۲۳۴۵۶۷۸۹",
        "۱۲۵٬۰۰۰",
        "۱۴۰۴/۰۸/۲۹",
        'data-calendar="jalali"',
        'inputmode="tel"',
        'dir="ltr"',
    ):
        assert part in html
    shown = {name: form[name].value() for name in form.fields}
    assert not VisitForm(shown, initial=initial).has_changed()
    with locale.use_locale(locale.IN):
        assert 'data-calendar="gregorian"' in VisitForm().as_p()


def test_a_form_keeps_wrong_input_and_names_the_error():
    form = VisitForm({"phone": "0912", "amount": "x", "birthday": "1404/13/1", "guests": "۰"})
    assert not form.is_valid()
    codes = {field: errors.as_data()[0].code for field, errors in form.errors.items()}
    assert codes == {
        "phone": "INVALID_PHONE_FORMAT",
        "amount": "INVALID_AMOUNT",
        "birthday": "INVALID_DATE",
        "guests": "min_value",
    }
    assert 'value="0912"' in form.as_p()


def test_blank_fields_are_empty():
    form = VisitForm({"phone": " ", "amount": "", "birthday": "", "guests": ""})
    assert set(form.errors) == {"phone", "amount", "guests"}


def test_a_serializer_reads_and_writes():
    data = VisitSerializer(data={"phone": "۹۱۲۳۴۵۶۷۸۹", "amount": "۱۲۵۰", "birthday": "1404-08-29"})
    assert data.is_valid(), data.errors
    assert data.validated_data["phone"] == "+989123456789"
    assert data.validated_data["birthday"] == dt.date(2025, 11, 20)
    assert VisitSerializer(data.validated_data).data == {
        "phone": "09123456789",
        "amount": 1250,
        "birthday": "2025-11-20",
    }
    assert VisitSerializer().fields["amount"].to_representation(Decimal("12.50")) == 12.5


def test_a_serializer_refuses_with_codes_and_the_number_as_typed():
    data = VisitSerializer(data={"phone": "02188776655", "amount": True, "birthday": "1404-13-01"})
    with pytest.raises(serializers.ValidationError) as raised:
        data.is_valid(raise_exception=True)
    codes = raised.value.get_codes()
    assert codes == {"phone": ["INVALID_PHONE_FORMAT"], "amount": ["invalid"], "birthday": ["INVALID_DATE"]}
    problem = l10n_serializers.phone_problem(codes)
    assert problem is not None
    assert problem["phone"] == "02188776655"
    assert "mobile" in problem["suggestion_en"]
    assert l10n_serializers.phone_problem({"amount": ["invalid"]}) is None


@pytest.mark.parametrize("amount", ["NaN", "-1", "1e400", "abc", None, [], "1.234"])
def test_a_serializer_refuses_amounts(amount):
    data = VisitSerializer(data={"phone": "09123456789", "amount": amount})
    assert not data.is_valid()
    assert set(data.errors) == {"amount"}


def test_filters():
    noon = dt.datetime(2025, 11, 19, 21, tzinfo=dt.UTC)
    cases = {
        "{{ 12|digits }}": "۱۲",
        "{{ 1250000|money }}": "۱۲۵٬۰۰۰ تومان",
        "{{ 1250000|money_bare }}": "۱۲۵٬۰۰۰",
        "{{ 182000000|money_short }}": "۱۸٫۲ میلیون تومان",
        "{{ 1234.56|number:1 }}": "۱٬۲۳۴٫۶",
        "{{ 25|percent }}": "۲۵٪",
        "{{ noon|jdate }}": "۱۴۰۴/۰۸/۲۹",
        "{{ noon|jdate:'long' }}": "۲۹ آبان ۱۴۰۴",
        "{{ noon|jdatetime }}": "۱۴۰۴/۰۸/۲۹ ۰۰:۳۰",
        "{{ noon|jtime }}": "۰۰:۳۰",
        "{{ '+989123456789'|phone }}": '<bdi dir="ltr">۰۹۱۲ ۳۴۵ ۶۷۸۹</bdi>',
        "{% money_unit %}": "تومان",
        "{{ 'سارا'|initials }}": "س",
        "{{ '<b>علی</b>'|highlight:'علي' }}": "&lt;b&gt;<mark>علی</mark>&lt;/b&gt;",
    }
    assert {source: render(source, noon=noon) for source in cases} == cases


@pytest.mark.parametrize(
    "name",
    [
        "digits",
        "money",
        "money_short",
        "number",
        "percent",
        "jdate",
        "jdatetime",
        "ago",
        "phone",
        "highlight",
    ],
)
def test_filters_take_missing_values(name):
    argument = ":'x'" if name == "highlight" else ""
    assert render("{{ nothing|" + name + argument + " }}{{ none|" + name + argument + " }}", none=None) == ""


def test_templates_of_the_admin_still_find_djangos_filters():
    assert render("{{ 1234567|unlocalize }}{% localize off %}{{ 5 }}{% endlocalize %}") == "12345675"


def test_the_locale_in_force_decides():
    with locale.use_locale(locale.IN):
        assert (
            render("{{ 125000|money }} {{ day|jdate }}", day=dt.date(2025, 11, 20)) == "₹1,25,000 2025-11-20"
        )
    assert locale.get_locale() is locale.IR
    token = locale.set_locale(locale.BD)
    locale.reset_locale(token)
    assert locale.get_locale() is locale.IR
