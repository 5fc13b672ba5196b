"""A Lease in the workload cluster: two runs, of whatever journal, never work on one cluster.

coordination.k8s.io/v1, `kube-system/replank`. Its holder writes it again every 15 s; who could not do so for
two thirds of its 60 s stops writing anything, long before anybody else may take it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from replank.domain.errors import Hold, Refused, ReplankError, Transient
from replank.engine.calling import Fault, called
from replank.engine.lease_record import API, LeaseObject, LeaseRecord, is_own_write, seconds_of
from replank.ports.access import Clock, Document, KubeApi, ObjectRef

REF: Final = ObjectRef(API, "Lease", "kube-system", "replank")
DURATION_S: Final = 60
RENEW_S: Final = 15.0
_AGAIN_S: Final = 5.0
_STOP_AFTER_S: Final = DURATION_S * 2 / 3


class Lease:
    """`holder`: this process and its run, `user@host:pid RUN`. Made anew for every taking.

    `over`: whether a run is known to have ended, with nobody at work on it. Its process was killed between
    its last word and the release, so its lease keeps nobody out.
    """

    def __init__(
        self,
        api: KubeApi,
        clock: Clock,
        *,
        holder: str,
        run_id: str,
        over: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._lease = LeaseObject(api, REF, DURATION_S)
        self._clock = clock
        self._identity = f"{holder} {run_id}"
        self._run_id = run_id
        self._over = over
        self._renewed_at: float | None = None
        self._lost_to = ""
        self._renewing: asyncio.Task[None] | None = None

    def fence(self) -> None:
        """Called before every write to any of the cluster's systems, from any thread.

        Raises `Hold` (RP815) where the lease was not renewed for 40 s; `Refused` (RP813) where it is
        somebody else's by now.
        """
        if is_own_write():
            return
        if self._lost_to:
            raise _held_by(self._lost_to, "it took the lease over from this run")
        if self._renewed_at is None:
            raise _not_renewed("it is not taken yet")
        silent = self._clock.now() - self._renewed_at
        if silent >= _STOP_AFTER_S:
            raise _not_renewed(f"the workload cluster's API did not take a renewal for {silent:.0f} s")

    async def take(self, *, alone: bool, take_over: bool) -> None:
        """Takes the lease and keeps renewing it.

        `alone`: no other process of this journal is at work on the run, so its lease is a dead one's.
        `take_over`: an expired lease of another run may be taken. Raises `Refused`: RP813 (held by another),
        RP814 (expired, of another), and what the API raises.
        """
        seen: tuple[str, float] | None = None
        while True:
            found = await self._get()
            record = self._lease.record(found)
            holder = record.holder
            ours = holder.endswith(f" {self._run_id}")
            if found is None or holder in ("", self._identity) or (ours and alone):
                free = True
            elif ours:
                # Another process of the run, perhaps alive without its database: only silence proves it dead,
                # measured by this clock alone (as client-go does).
                if seen is None or seen[0] != record.renewed:
                    seen = (record.renewed, self._clock.now())
                free = self._clock.now() - seen[1] >= record.duration_s
            else:
                if not await self._over(holder.rpartition(" ")[2]):
                    self._require_free(record, take_over)
                free = True
            if free and await self._write(found):
                break
            await self._clock.sleep(_AGAIN_S if not free else 0)
        self._renewing = asyncio.create_task(self._keep(), name=f"lease {self._run_id}")

    async def release(self) -> None:
        """Deletes it where it is still ours. Where that fails it runs out by itself within a minute."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
            self._renewing = None
        self._renewed_at = None
        await called("release of the lease", self._delete())

    def leave(self) -> None:
        """Stops renewing and leaves it to run out: somebody is in a hurry."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None

    def _require_free(self, record: LeaseRecord, take_over: bool) -> None:
        age = self._clock.now() - seconds_of(record.renewed)
        if age < record.duration_s:
            raise _held_by(record.holder, f"it renewed the lease {age:.0f} s ago")
        if not take_over:
            raise Refused(
                "RP814",
                "Another run held this cluster and did not give it back",
                f"{record.holder} renewed its lease last at {record.renewed}",
                "See whether that process is really gone, and what it left; then take over with --take-over.",
            )

    async def _keep(self) -> None:
        while True:
            answer = await called("renewal of the lease", self._renew())
            if isinstance(answer, Fault):
                await self._clock.sleep(_AGAIN_S)
            elif answer:
                await self._clock.sleep(RENEW_S)
            else:
                return

    async def _renew(self) -> bool:
        """False where it is another's."""
        found = await self._get()
        holder = self._lease.record(found).holder
        if found is not None and holder != self._identity:
            self._lost_to = holder or "nobody"
            return False
        if not await self._write(found):
            raise Transient("RP815", "The lease was not renewed", "somebody wrote it in between", "Nothing.")
        return True

    async def _get(self) -> Document | None:
        return await self._lease.get()

    async def _write(self, found: Document | None) -> bool:
        """Whether it is ours now. False where somebody came in between."""
        now = self._clock.now()
        if not await self._lease.write(found, self._identity, now):
            return False
        self._renewed_at = now
        return True

    async def _delete(self) -> None:
        found = await self._get()
        if found is not None and self._lease.record(found).holder == self._identity:
            await self._lease.delete(found)


def _held_by(holder: str, why: str) -> ReplankError:
    return Refused(
        "RP813",
        f"Another run holds this cluster: {holder}",
        why,
        "Let it end or pause it there. If that process is gone, wait a minute and take over explicitly.",
    )


def _not_renewed(why: str) -> Hold:
    return Hold(
        "RP815",
        "Nothing is written without the cluster's lease",
        why,
        "Nothing: writing goes on once the lease can be renewed.",
    )
