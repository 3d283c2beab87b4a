"""The language against an independent evaluator: thousands of random criteria over random cafés, both calendars."""

import os

import jsonschema
import pytest
from django_tenants.utils import tenant_context

from segments.language import compile_segments, json_schema
from segments.language.compiler import fetch
from segments.language.tree import GROUPS
from segments.models import Segment
from segments.tests.generator import Generator, operators_in, operators_of
from segments.tests.oracle import Oracle
from segments.tests.world import World
from servaan_crm.l10n.locale import use_locale

CASES = int(os.environ.get("SERVAAN_SEGMENT_CASES", "600"))
NAMED = {
    "handmade": None,
    "big": {"lifetime_spent": {"min": 1_000_000}},
    "chain": {"any": [{"in_segment": "big"}, {"points": {"min": 200}}]},
}


@pytest.mark.parametrize(("country", "seed"), [("IR", 11), ("IN", 12)])
def test_random_criteria_agree_with_plain_python(cafe, indian_cafe, country, seed):
    cast = cafe if country == "IR" else indian_cafe
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        world = World(seed, guests=32)
        for key, criteria in NAMED.items():
            if criteria:
                Segment.objects.create(key=key, name=key, criteria=criteria)
        generator = Generator(world, seed, list(NAMED))
        oracle = Oracle(world, NAMED)
        named = list(Segment.objects.filter(key__in=NAMED))
        published = json_schema(list(NAMED))
        schema = jsonschema.Draft202012Validator(published)
        cases = [*every_operator(published, generator), *(generator.criteria() for _ in range(CASES))]
        for start in range(0, len(cases), 60):
            drawn = [
                Segment(key=f"random{start + n}", name="x", criteria=criteria)
                for n, criteria in enumerate(cases[start : start + 60])
            ]
            compiled = compile_segments([*named, *drawn], now=world.now)
            assert compiled.broken == {}
            inside = {guest: set(segs) for guest, _base, segs in fetch(compiled.verdicts())}
            for segment in drawn:
                schema.validate(segment.criteria)
                expected = {guest.pk for guest in world.guests if oracle.holds(segment.criteria, guest)}
                found = {pk for pk, segs in inside.items() if segment.pk in segs}
                assert found == expected, segment.criteria


def every_operator(published, generator):
    """Return conditions that use everything the published schema offers: each field with each of its operators."""
    found = []
    for name, part in published["$defs"]["criteria"]["properties"].items():
        missing = set() if name in GROUPS else operators_of(part)
        while missing:
            found.append(generator.with_operator(name, min(missing)))
            missing -= operators_in(found[-1][name])
    return found
