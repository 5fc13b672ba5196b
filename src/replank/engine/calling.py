"""Calls a migration's code, and turns what it raises into what the engine does about it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Literal, TypeVar

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.engine.private_log import note_bug

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What came instead of an answer. `receipts`: of writes that were made before it."""

    policy: Literal["hold", "retry", "stop"]
    error: ReplankError
    receipts: tuple[str, ...] = ()


async def called(doing: str, code: Awaitable[T]) -> T | Fault:
    """The answer, or the fault. `doing`: what is called, for messages.

    Steps and checks are called through this, and a run as a whole. Inside a run, whatever the journal raises
    passes by it: what cannot be written down is no fault of a step.
    """
    try:
        return await code
    except Hold as error:
        return Fault(policy="hold", error=error)
    except Transient as error:
        return Fault(policy="retry", error=error)
    except ReplankError as error:
        return Fault(policy="stop", error=error)
    except Exception as error:  # noqa: BLE001  (the one place: a bug stops this cluster, and no other)
        return Fault(policy="stop", error=bug(doing, error))


def bug(doing: str, error: BaseException) -> Refused:
    """RP804. The exception's text stays out: it may hold a secret."""
    note_bug(doing, error)
    return Refused(
        "RP804",
        f"{doing} ended in {type(error).__name__}",
        "that is a bug of replank",
        "The run can be resumed or undone. Report the bug with the private log beside the journal.",
    )
