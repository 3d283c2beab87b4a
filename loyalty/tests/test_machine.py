"""The club under everything at once: a state machine over an Iranian and an Indian café.

A short run is part of the suite; ``make chaos`` runs thousands of steps (SERVAAN_CHAOS = runs per café).
"""

import os
from collections import Counter

import pytest
from django_tenants.utils import tenant_context
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from loyalty.tests.chaos import MOMENTS, Club
from servaan_crm.l10n.locale import use_locale

LONG = int(os.environ.get("SERVAAN_CHAOS", "0"))
RUNS, STEPS, EVENINGS = (LONG, 60, LONG * 5) if LONG else (6, 16, 12)
IRAN = ("+989121110001", "+989121110002", "+989121110003")
EVERYTHING = {
    "record_visit", "void_visit", "restore_visit", "edit_visit", "move_visit", "redeem_points", "redeem_reward",
    "cancel_voucher", "merge_customers", "undo_merge", "enter_referral", "refuse_referral",
}  # fmt: skip
INDIA = ("+919812345601", "+919812345602", "+919812345603")


@pytest.mark.timeout(0 if LONG else 400)
@pytest.mark.parametrize("where", ["iran", "india"])
def test_no_order_of_steps_breaks_the_books(cafe, indian_cafe, where):
    cast, phones = (cafe, IRAN) if where == "iran" else (indian_cafe, INDIA)
    machine = type(
        "ClubOf", (Club,), {"cast": cast, "phones": phones, "done": Counter(), "refused": Counter()}
    )
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not LONG,  # the suite takes the same steps every time; the long run new ones
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    print(f"{where}: {sum(machine.done.values())} went through, {dict(machine.done.most_common())}")
    print(f"refused: {dict(machine.refused.most_common())}")
    # A machine whose steps are all refused proves nothing.
    assert machine.done["record_visit"] >= RUNS
    if LONG >= 20:
        assert set(machine.done) >= {"adjust_points", "award_points", "update_program"}


@pytest.mark.timeout(0 if LONG else 400)
@pytest.mark.parametrize("where", ["iran", "india"])
@pytest.mark.parametrize("months", [1, None])
def test_many_evenings_in_one_cafe(cafe, indian_cafe, where, months):
    """The same café for long: what one evening leaves behind is what the next one begins with."""
    cast, phones = (cafe, IRAN) if where == "iran" else (indian_cafe, INDIA)
    made = {"cast": cast, "phones": phones, "done": Counter(), "refused": Counter()}
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        club = type("ClubOf", (Club,), made)()
        try:
            club.open_the_club(months=months, start=MOMENTS[0], basis="points_12_months")
            for seed in range(EVENINGS):
                club.busy_evening(seed=seed)
        finally:
            club.teardown()
    print(f"{where}: {sum(club.done.values())} went through, {dict(club.done.most_common())}")
    print(f"refused: {dict(club.refused.most_common())}")
    assert club.done["record_visit"] > EVENINGS / 2
    if EVENINGS >= 100:  # fewer evenings need not see the rare steps
        assert set(club.done) >= EVERYTHING, EVERYTHING - set(club.done)
