"""Which replica acts: a Lease in the management cluster.

As client-go has it (tools/leaderelection, v0.34): a Lease is free when it was not seen to be renewed for its
duration, by the looker's own clock, so that nobody's clock must be right. A replica that could not renew for
two thirds of the duration writes nothing any more, long before another may lead. Unlike client-go's users it
does not end then: it goes on as a standby, and leads again where nobody took over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from replank.controllers.elapsed import Moment, Stopwatch
from replank.domain.errors import Hold, ReplankError
from replank.engine.lease_record import LeaseObject, is_own_write
from replank.ports.access import Clock

NAME: Final = "replank-operator"
DURATION_S: Final = 30
RENEW_S: Final = 5.0
AGAIN_S: Final = 2.0
_STOP_AFTER: Final = 2 / 3


class Leadership:
    """`identity`: of this replica, no other's ever. `changed`: told when it begins to lead and when it stops.
    `failed`: told why a look at the Lease or its renewal did not work."""

    def __init__(
        self,
        lease: LeaseObject,
        clock: Clock,
        stopwatch: Stopwatch,
        *,
        identity: str,
        changed: Callable[[bool], None],
        failed: Callable[[ReplankError], None],
    ) -> None:
        self._lease = lease
        self._clock = clock
        self._stopwatch = stopwatch
        self._identity = identity
        self._changed = changed
        self._failed = failed
        self._renewed: Moment | None = None
        self._answered: Moment | None = None
        self._seen: tuple[str, str, Moment] | None = None
        self._led = False
        self.holder = ""
        """Who leads, as last seen."""

    @property
    def leads(self) -> bool:
        """Whether this replica may act."""
        return self._silence() == ""

    @property
    def answered_s(self) -> float | None:
        """Seconds since the API server answered about the Lease, None = never yet."""
        return None if self._answered is None else self._stopwatch.at_most(self._answered)

    def fence(self) -> None:
        """Called before every write to any system, from any thread. Raises `Hold` RP730."""
        if is_own_write():
            return
        if why := self._silence():
            raise Hold(
                "RP730",
                "Nothing is written without the operator's Lease",
                why,
                "Nothing: whichever replica holds the Lease acts.",
            )

    async def run(self) -> None:
        """Takes the Lease when it is free, renews it, for ever."""
        while True:
            pause = AGAIN_S
            try:
                await self._look()
                pause = RENEW_S if self.leads else AGAIN_S
            except ReplankError as error:
                self._failed(error)
            self._tell()
            await self._clock.sleep(pause)

    async def release(self) -> None:
        """Gives it back where it is ours, so that another replica leads at once. Where that fails it runs out
        by itself."""
        self._renewed = None
        self._tell()
        try:
            found = await self._lease.get()
            if found is not None and self._lease.record(found).holder == self._identity:
                await self._lease.give_back(found, self._clock.now())
        except ReplankError as error:
            self._failed(error)

    async def _look(self) -> None:
        began, now = self._stopwatch.now(), self._clock.now()
        found = await self._lease.get()
        self._answered = began
        record = self._lease.record(found)
        self.holder = record.holder
        if record.holder not in ("", self._identity):
            self._renewed = None
            if self._seen is None or self._seen[:2] != (record.holder, record.renewed):
                self._seen = (record.holder, record.renewed, self._stopwatch.now())
        elif found is not None:
            self._seen = None
        # One that was deleted under its holder says nothing about whether the holder has stopped.
        if self._seen is not None and self._stopwatch.at_least(self._seen[2]) < record.duration_s:
            return
        if await self._lease.write(found, self._identity, now):
            # Its term counts from before it was sent, not from when the answer came.
            self._renewed, self._seen, self.holder = began, None, self._identity

    def _silence(self) -> str:
        """Why this replica may not act, "" = it may."""
        renewed = self._renewed
        if renewed is None:
            return f"{self.holder} holds it" if self.holder else "it is not taken yet"
        silent = self._stopwatch.at_most(renewed)
        if silent < self._lease.duration_s * _STOP_AFTER:
            return ""
        return f"the management cluster's API did not take a renewal for {silent:.0f} s"

    def _tell(self) -> None:
        if self.leads != self._led:
            self._led = not self._led
            self._changed(self._led)
