"""Faults at every call of every port and at every line of the journal, drawn from a seed or put at a point.

A call is a *point*: it has a number, and something may happen before it or after it took effect.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from replank.domain.errors import Transient
from replank.journal.event import Event
from replank.ports.access import Access, Conflict
from replank.ports.journal import Journal, Run

Fault = Literal[
    "error-before",
    "error-after",
    "hang-before",
    "hang-after",
    "lost-after",
    "conflict",
    "throttled",
    "stale",
    "death-before",
    "death-after",
]
_WEIGHTS: Final[dict[Fault, int]] = {
    "error-before": 4,
    "error-after": 4,
    "hang-before": 1,
    "hang-after": 2,
    "lost-after": 2,
    "conflict": 3,
    "throttled": 2,
    "stale": 3,
    "death-before": 2,
    "death-after": 3,
}
READS: Final = {
    *("get", "list", "document", "ready", "whoami", "works_with", "server", "servers", "port", "ports"),
    *("balancing", "application_credentials", "try_credential", "login", "read_secret", "etcd_members"),
    *("newest_snapshot", "now", "changes", "judge"),
    *("pool", "pool_members", "floating_ips", "volumes_of"),
}
_TIMEOUT_S: Final = 30.0
_STALE_S: Final = 4.0


class ProcessDeath(BaseException):
    """kill -9: nothing of the process goes on; what it wrote stays."""


@dataclass(slots=True)
class Chaos:
    """`rate`: share of calls to which something happens. `at`: point number -> fault, instead of chance.

    `dead`: the process is; until `revived` every call ends at once. `points`: every call so far, by name.
    """

    chance: random.Random
    tell: Callable[[str], None]
    rate: float = 0.0
    at: dict[int, Fault] = field(default_factory=dict)
    dead: bool = False
    points: list[str] = field(default_factory=list)
    _answers: dict[str, tuple[float, Any]] = field(default_factory=dict)

    def draw(self, name: str) -> Fault | None:
        """The fault of the next point, and whether the process is dead already (raises `ProcessDeath`)."""
        if self.dead:
            raise ProcessDeath(name)
        self.points.append(name)
        fault = self.at.get(len(self.points) - 1)
        if fault is None and self.rate and self.chance.random() < self.rate:
            fault = self.chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if fault is not None:
            self.tell(f"fault at point {len(self.points) - 1} {name}: {fault}")
        return fault

    def die(self, name: str) -> ProcessDeath:
        """The process ends here."""
        self.dead = True
        return ProcessDeath(name)

    async def call(self, name: str, reads: bool, method: Callable[[], Awaitable[Any]]) -> Any:
        """One call of a port, with what happens to it."""
        fault = self.draw(name)
        await asyncio.sleep(self.chance.uniform(0.01, 0.25))
        match fault:
            case "death-before":
                raise self.die(name)
            case "error-before" | "throttled":
                raise _transient(name, "503", 2.0 if fault == "throttled" else None)
            case "hang-before":
                await asyncio.sleep(_TIMEOUT_S)
                raise _transient(name, "no answer in time")
            case "conflict" if not reads and name.startswith(("management.", "workload.")):
                raise Conflict("RP000", name, "the object has been modified", "Look again.")
            case "stale" if name.startswith("cloud.") and name in self._answers:
                moment, answer = self._answers[name]
                if asyncio.get_running_loop().time() - moment <= _STALE_S:
                    return answer
        answer = await method()
        if self.dead:
            raise ProcessDeath(name)
        match fault:
            case "death-after":
                raise self.die(name)
            case "error-after" | "lost-after":
                raise _transient(name, "the connection was lost")
            case "hang-after":
                await asyncio.sleep(_TIMEOUT_S)
                raise _transient(name, "no answer in time")
        if reads:
            self._answers[name] = (asyncio.get_running_loop().time(), answer)
        return answer


def _transient(name: str, why: str, after_s: float | None = None) -> Transient:
    return Transient("RP000", name, why, "Try again.", retry_after_s=after_s)


class FaultyPort:
    """Any port: each of its methods goes through `Chaos.call`."""

    def __init__(self, inner: object, name: str, chaos: Chaos) -> None:
        self._inner = inner
        self._name = name
        self._chaos = chaos

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        inner = getattr(self._inner, method)

        async def call(*arguments: object, **options: object) -> Any:
            thing = arguments[0] if arguments else ""
            about = _about(thing)
            name = f"{self._name}.{method}({about})"
            return await self._chaos.call(name, method in READS, lambda: inner(*arguments, **options))

        return call


def _about(thing: object) -> str:
    """What a call is about, for the trace. Never a document's content."""
    if isinstance(thing, dict) and "kind" in thing:
        return f"{thing['kind']}/{thing['metadata']['name']}"
    if hasattr(thing, "kind") and hasattr(thing, "name"):
        return f"{thing.kind}/{thing.name}"
    return str(thing) if isinstance(thing, str) else ""


def faulty(access: Access, chaos: Chaos) -> Access:
    """The same ports, with faults. The clock is spared."""
    ports: dict[str, Any] = {
        name: FaultyPort(getattr(access, name), name, chaos)
        for name in ("cloud", "management", "workload", "hosts", "states", "judge")
    }
    return Access(**ports, clock=access.clock)


class FaultyJournal:
    """A journal whose process may die before or after any line."""

    def __init__(self, inner: Journal, chaos: Chaos) -> None:
        self._inner = inner
        self._chaos = chaos

    async def start(self, run: Run) -> None:
        await self._inner.start(run)

    async def run(self, run_id: str) -> Run:
        return await self._inner.run(run_id)

    async def runs(self) -> tuple[Run, ...]:
        return await self._inner.runs()

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return await self._inner.events(run_id, after)

    async def append(self, run_id: str, event: Event) -> None:
        fault = self._chaos.draw(f"journal.{event.kind}({event.step})")
        if fault is not None and fault.endswith("-before"):
            raise self._chaos.die("journal")
        await self._inner.append(run_id, event)
        if fault is not None and fault.endswith("-after"):
            raise self._chaos.die("journal")
