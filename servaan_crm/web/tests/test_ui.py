"""The component tags: what they draw, and what they refuse."""

import re
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import translation

from servaan_crm.l10n.locale import IN, IR, use_locale
from servaan_crm.web.charts import bars_of, spark_points


def draw(source: str, address: str = "/", **context: object) -> str:
    request = RequestFactory().get(address)
    template = Template("{% load ui %}" + source)
    return template.render(RequestContext(request, context) if "request" not in context else Context(context))


@pytest.mark.parametrize(
    "source",
    [
        '{% icon "no-such-icon" %}',
        '{% icon "users" colour="red" %}',
        '{% tier_badge "diamond" %}',
        '{% status_badge "dancing" %}',
        '{% segment_badge "whale" %}',
        '{% tier_ring "gold" 50 size="huge" %}',
        '{% stat_card "Visits" 3 colour="red" %}',
        '{% empty_state "users" "Nothing" tone="sad" %}',
    ],
)
def test_unknown_arguments_and_codes_are_refused(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        draw(source)


def test_names_are_escaped() -> None:
    assert "<script>" not in draw(
        "{% toast text %}{% crumb text %}{% stat_card text 1 %}", text="<script>alert(1)</script>"
    )


def test_ring_draws_its_share_as_attributes() -> None:
    with use_locale(IR), translation.override("fa"):
        html = draw('{% tier_ring "gold" 72 %}')
    assert 'stroke-dasharray="72.00 100"' in html
    assert "۷۲٪" in html
    assert "tier-gold" in html


@pytest.mark.parametrize(("percent", "dash"), [(140, "100.00 100"), (-3, None), (None, None)])
def test_ring_stays_within_its_circle(percent: float | None, dash: str | None) -> None:
    html = draw('{% tier_ring "platinum" percent %}', percent=percent)
    assert ("stroke-dasharray" in html) is (dash is not None)
    assert dash is None or dash in html


def test_pagination_keeps_the_filters() -> None:
    page = Paginator(range(95), 20).page(2)
    html = draw("{% pagination page sizes='20 50' %}", "/customers/?tier=gold&page=2&q=ali", page=page)
    assert "?tier=gold&amp;page=3&amp;q=ali" in html
    assert "page_size=50" in html
    assert 'aria-current="page"' in html


def test_sort_header_turns_the_order_and_returns_to_the_first_page() -> None:
    up = draw('{% sort_header "Name" "name" %}', "/?ordering=name&page=4")
    assert 'aria-sort="ascending"' in up
    assert 'href="?ordering=-name"' in up
    assert 'aria-sort="none"' in draw('{% sort_header "Name" "name" %}', "/?ordering=-visits")


def test_filter_chip_goes_in_and_out_of_the_address() -> None:
    off = draw('{% filter_chip "tier" "gold" "Gold" 12 %}', "/?q=ali&page=2")
    assert 'href="?q=ali&amp;tier=gold"' in off
    on = draw('{% filter_chip "tier" "gold" "Gold" %}', "/?q=ali&tier=gold")
    assert 'href="?q=ali"' in on
    assert 'aria-current="true"' in on


def test_figures_follow_the_screen() -> None:
    with use_locale(IR):
        assert "۲٬۱۸۴" in draw('{% stat_card "Guests" 2184 %}')
    with use_locale(IN):
        assert "2,184" in draw('{% stat_card "Guests" 2184 %}')


def test_a_fall_can_be_good_news() -> None:
    assert "trend is-ok" in draw('{% stat_card "At risk" 3 trend=-8 good="down" %}')
    assert "trend is-bad" in draw('{% stat_card "Visits" 3 trend=-8 %}')


def test_field_ties_its_error_to_the_input() -> None:
    class NameForm(forms.Form):
        name = forms.CharField(help_text="As the guest says it")

    html = draw("{% field form.name %}", form=NameForm({"name": ""}))
    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described is not None
    assert 'aria-invalid="true"' in html
    assert all(f'id="{name}"' in html for name in described.group(1).split())


def test_charts_survive_empty_and_flat_series() -> None:
    assert bars_of([]) == []
    assert [bar.height for bar in bars_of([("a", 0), ("b", 0)])] == [0.0, 0.0]
    assert bars_of([("a", 1000), ("b", 1)])[1].height == 2.0
    assert spark_points([], 90, 28) == []
    assert all(0 <= y <= 28 for _, y in spark_points([5, 5, 5], 90, 28))


def test_no_template_carries_inline_script_or_style() -> None:
    """The content security policy would silently drop it."""
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=[\"']|hx-on|javascript:", re.IGNORECASE
    )
    folder = Path(settings.BASE_DIR) / "templates"
    assert [
        str(p.relative_to(folder)) for p in folder.rglob("*.html") if inline.search(p.read_text("utf-8"))
    ] == []


def test_own_styles_use_logical_properties() -> None:
    """One style sheet serves right-to-left and left-to-right screens."""
    physical = re.compile(
        r"(?<![\w-])(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right|float):(?!\s*none)"
    )
    for sheet in (Path(settings.BASE_DIR) / "static" / "css").glob("*.css"):
        assert physical.findall(sheet.read_text("utf-8")) == [], sheet.name
