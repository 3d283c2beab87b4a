"""What is sent to find out whether anything breaks."""

from typing import Any

# Bodies that are no JSON text of ours; refused as such, before any field is looked at.
NOT_JSON: dict[str, bytes] = {
    "cut off": b'{"a":',
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"points": NaN}',
    "Infinity": b'{"points": -Infinity}',
    "infinite by size": b'{"points": 1e400}',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "surrogate in a value": b'{"name": "\\ud800", "status": "\\udfff", "rating": "\\ud800"}',
    "surrogate in a name": b'{"\\ud800": 1}',
    "nested 10,000 lists": b"[" * 10_000 + b"]" * 10_000,
    "nested 10,000 objects": b'{"preferences":' * 10_000 + b"1" + b"}" * 10_000,
    "nested 500": b'{"preferences":' * 500 + b"1" + b"}" * 500,
    "number of 5,000 digits": b'{"points": ' + b"9" * 5000 + b"}",
}
BOUNDARY = "multipart/form-data; boundary=b"
# Put into every field of a good body in turn, and sent as the whole body.
NASTY: dict[str, Any] = {
    "null": None, "list": [], "object": {}, "empty": "", "boolean": True, "negative": -1,
    "beyond int": 2**31, "beyond bigint": 2**63, "huge int": 10**400, "fraction": 0.1, "tiny": 1e-300, "big": 1e300,
    "null byte": "a\x00b", "null byte inside": {"a\x00": "b\x00"}, "long": "\u0633" * 20_000,
    "emoji": "\U0001f600" * 300,
    "Persian digits": "\u06f1\u06f2", "SQL": "'; DROP TABLE customers_customer; --", "bidi": "\u202e\u200f\u2066",
    "nested": {"all": [{"any": [[[1]]]}]}, "date": "9999-99-99", "last day": "9999-12-31T23:59:59Z",
    "first day": "0001-01-01T00:00:00+14:00", "uuid": "00000000-0000-0000-0000-000000000000", "percent": "%s %(x)s {0}",
}  # fmt: skip
