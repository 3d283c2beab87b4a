"""The club under everything at once: a state machine over an Iranian and an Indian café.

A short run is part of the suite; ``make chaos`` runs thousands of steps (SERVAAN_CHAOS = runs per café).
"""

import os
from collections import Counter

import pytest
from django_tenants.utils import tenant_context
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from loyalty.tests.chaos import Club
from servaan_crm.l10n.locale import use_locale

LONG = int(os.environ.get("SERVAAN_CHAOS", "0"))
RUNS, STEPS = (LONG, 60) if LONG else (6, 16)
IRAN = ("+989121110001", "+989121110002", "+989121110003")
EVERYTHING = {
    "record_visit", "void_visit", "restore_visit", "edit_visit", "move_visit", "redeem_points", "adjust_points",
    "award_points", "redeem_reward", "cancel_voucher", "use_voucher", "merge_customers", "undo_merge", "enter_referral",
    "refuse_referral", "update_program", "reverse_review", "dismiss_review",
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
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    print(f"{where}: {sum(machine.done.values())} went through, {dict(machine.done.most_common())}")
    print(f"refused: {dict(machine.refused.most_common())}")
    # A machine whose steps are all refused proves nothing.
    assert machine.done["record_visit"] >= RUNS
    if LONG:
        assert set(machine.done) >= EVERYTHING, EVERYTHING - set(machine.done)
