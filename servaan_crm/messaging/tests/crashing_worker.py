"""A dispatcher in a process of its own, to be killed: ``python -m … <schema> <where it stops>``.

It prints one line when it has reached that point and then waits for its end.
"""

from __future__ import annotations

import sys
import time

import django


def main(schema: str, stop: str) -> None:
    """Claim for ``schema`` and stop "after-claim" (provider not called) or "before-record" (called)."""
    django.setup()
    from django_tenants.utils import schema_context

    from servaan_crm.messaging.services import dispatch
    from servaan_crm.messaging.services.accounts import usable_account

    with schema_context(schema):
        account = usable_account()
        assert account is not None
        claim = dispatch.claim_batch(account)
        if stop == "before-record":
            dispatch.send_batch(claim, claim.rows)
        sys.stdout.write(f"{len(claim.rows)}\n")
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:3])
