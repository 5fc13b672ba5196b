"""Request IDs of writes, so that a run's journal can be held against the logs of OpenStack and Kubernetes."""

from __future__ import annotations

from contextvars import ContextVar

_RECEIPTS: ContextVar[list[str] | None] = ContextVar("receipts", default=None)


def collect() -> list[str]:
    """Starts a new list for the running task; writes from now on are added to it."""
    receipts: list[str] = []
    _RECEIPTS.set(receipts)
    return receipts


def receipt(text: str) -> None:
    """Notes one write, e.g. `PUT /v2.0/ports/… req-…`. Nobody listening is no error."""
    receipts = _RECEIPTS.get()
    if receipts is not None:
        receipts.append(text)
