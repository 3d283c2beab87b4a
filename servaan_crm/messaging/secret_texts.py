"""Texts that hold a code: sent in clear, shown without it."""

import re

CONFIRMATION_CODE = "confirmation_code"
VERIFICATION_CODE = "verification_code"
SECRET_KINDS = frozenset({CONFIRMATION_CODE, VERIFICATION_CODE})
_CODE = re.compile(r"(?<![0-9])[0-9]{4,8}(?![0-9])")


def shown_text(kind: str, body: str) -> str:
    """Return the text of a message as screens, exports and the API show it: codes of secret kinds as dots."""
    return _CODE.sub(lambda match: "•" * len(match[0]), body) if kind in SECRET_KINDS else body
