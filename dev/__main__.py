"""``python -m dev COMMAND``: what the Makefile calls once the virtual environment is there."""

import os
import sys
from collections.abc import Callable, Sequence

from dev.errors import Refusal
from dev.paths import ROOT, home
from dev.process import follow_parent


def _run(_: Sequence[str]) -> int:
    from dev import run

    return run.main()


def _test(arguments: Sequence[str]) -> int:
    from dev import testing

    return testing.test(arguments)


def _chaos(arguments: Sequence[str]) -> int:
    from dev import testing

    return testing.chaos(arguments)


def _bench(arguments: Sequence[str]) -> int:
    from dev import testing

    return testing.bench(arguments)


def _screenshots(arguments: Sequence[str]) -> int:
    from dev import testing

    return testing.screenshots(arguments)


def _stop(_: Sequence[str]) -> int:
    from dev import lock
    from dev.supervisor import end_leftovers

    folder = home()
    if lock.stop_holder(folder):
        print("servaan: stopped")
        return 0
    with lock.hold(folder):
        left = end_leftovers(folder)
    print(
        f"servaan: ended what an earlier run left behind: {', '.join(left)}"
        if left
        else "servaan: nothing runs"
    )
    return 0


def _lint(arguments: Sequence[str]) -> int:
    from dev import lint

    return lint.main(arguments)


def _messages(arguments: Sequence[str]) -> int:
    from dev import messages

    return messages.main(arguments)


def _manage(arguments: Sequence[str]) -> int:
    from dev import management

    return management.manage(arguments)


def _services(_: Sequence[str]) -> int:
    from dev import management

    return management.keep_services()


def _assets(_: Sequence[str]) -> int:
    from dev import run

    run.prepare_files()
    return 0


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": _run,
    "stop": _stop,
    "test": _test,
    "lint": _lint,
    "bench": _bench,
    "chaos": _chaos,
    "screenshots": _screenshots,
    "messages": _messages,
    "manage": _manage,
    "services": _services,
    "assets": _assets,
}


def main() -> int:
    """Run one subcommand and return its exit status."""
    name, arguments = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    command = COMMANDS.get(name)
    if command is None:
        print(f"usage: python -m dev {{{'|'.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    if os.environ.get("SERVAAN_UNDER_MAKE") == "1":
        follow_parent()
    try:
        return command(arguments)
    except Refusal as refusal:
        print(f"servaan: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
