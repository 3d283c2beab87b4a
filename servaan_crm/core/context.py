"""Facts of the work in hand that logs, audit rows and error answers carry: the request's id."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
