"""The lease in the workload cluster: one holder, silence before anybody else may write."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from replank.domain.errors import Hold, Refused, Transient
from replank.engine.lease import DURATION_S, REF, Lease
from tests.engine.toy import RUN, Kube


class Clock:
    """Time goes on only when a test says so; sleepers wake when it has come."""

    def __init__(self) -> None:
        self.time = 1_767_225_600.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.time + seconds, woken))
        await woken.wait()

    async def on(self, seconds: float) -> None:
        until = self.time + seconds
        while self.time < until:
            self.time += 1
            for due, woken in list(self._sleepers):
                if due <= self.time:
                    self._sleepers.remove((due, woken))
                    woken.set()
            for _ in range(5):
                await asyncio.sleep(0)


AWAY = Transient("RP900", "The API does not answer", "refused", "Nothing.")


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def _at_work(_: str) -> bool:
    """Every other run may be at work."""
    return False


def lease(kube: Kube, clock: Clock, holder: str = "me@here:1", run_id: str = RUN) -> Lease:
    made = Lease(kube, clock, holder=holder, run_id=run_id, over=_at_work)  # type: ignore[arg-type]
    kube.fence = made.fence
    return made


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        return await asyncio.wait_for(work(), 20)

    return asyncio.run(inside())  # type: ignore[arg-type]


def spec(kube: Kube) -> dict[str, Any]:
    return kube.objects[REF]["spec"]  # type: ignore[no-any-return]


def test_it_is_created_renewed_and_deleted(clock: Clock):
    async def work() -> None:
        kube = Kube()
        held = lease(kube, clock)
        with pytest.raises(Hold):
            held.fence()
        await held.take(alone=True, take_over=False)
        held.fence()
        assert spec(kube)["holderIdentity"] == f"me@here:1 {RUN}"
        assert spec(kube)["leaseDurationSeconds"] == 60
        first = spec(kube)["renewTime"]
        await clock.on(200)
        assert spec(kube)["renewTime"] > first
        assert spec(kube)["leaseTransitions"] == 0
        held.fence()
        await held.release()
        assert kube.objects == {}
        with pytest.raises(Hold):
            held.fence()

    run(work)


def test_times_are_written_as_kubernetes_reads_them(clock: Clock):
    async def work() -> None:
        kube = Kube()
        held = lease(kube, clock)
        await held.take(alone=True, take_over=False)
        assert spec(kube)["renewTime"] == "2026-01-01T00:00:00.000000Z"
        held.leave()

    run(work)


def test_somebody_elses_lease_is_refused_by_name(clock: Clock):
    async def work() -> None:
        kube = Kube()
        first = lease(kube, clock)
        await first.take(alone=True, take_over=False)
        second = lease(kube, clock, "you@there:2", "toy-other")
        for take_over in (False, True):
            with pytest.raises(Refused, match="me@here:1") as caught:
                await second.take(alone=True, take_over=take_over)
            assert caught.value.code == "RP813"
        kube.fence = first.fence
        await first.release()
        kube.fence = second.fence
        await second.take(alone=True, take_over=False)
        second.leave()

    run(work)


def test_an_expired_lease_of_another_run_is_taken_only_explicitly(clock: Clock):
    async def work() -> None:
        kube = Kube()
        first = lease(kube, clock)
        await first.take(alone=True, take_over=False)
        first.leave()
        await clock.on(DURATION_S)
        second = lease(kube, clock, "you@there:2", "toy-other")
        with pytest.raises(Refused) as caught:
            await second.take(alone=True, take_over=False)
        assert caught.value.code == "RP814"
        await second.take(alone=True, take_over=True)
        assert spec(kube)["holderIdentity"] == "you@there:2 toy-other"
        assert spec(kube)["leaseTransitions"] == 1
        second.leave()

    run(work)


def test_a_dead_process_of_the_same_run_is_followed_at_once_where_it_is_known_to_be_dead(clock: Clock):
    async def work() -> None:
        kube = Kube()
        first = lease(kube, clock)
        await first.take(alone=True, take_over=False)
        first.leave()
        second = lease(kube, clock, "me@here:2")
        await second.take(alone=True, take_over=False)
        assert spec(kube)["holderIdentity"] == f"me@here:2 {RUN}"
        second.leave()

    run(work)


def test_a_process_of_the_same_run_that_may_live_is_given_its_time(clock: Clock):
    async def work() -> None:
        kube = Kube()
        first = lease(kube, clock)
        await first.take(alone=True, take_over=False)
        second = lease(kube, clock, "me@there:2")
        kube.fence = lambda: None
        taking = asyncio.create_task(second.take(alone=False, take_over=False))
        await clock.on(300)
        assert not taking.done()
        first.leave()
        await clock.on(DURATION_S / 2)
        assert not taking.done()
        await clock.on(DURATION_S)
        assert taking.done()
        taking.result()
        # By its own clock the first has stopped writing long before.
        with pytest.raises(Hold):
            first.fence()
        second.leave()

    run(work)


def test_a_holder_that_cannot_renew_for_two_thirds_stops_writing_and_goes_on_when_it_can(clock: Clock):
    async def work() -> None:
        kube = Kube()
        held = lease(kube, clock)
        await held.take(alone=True, take_over=False)
        kube.broken = AWAY
        await clock.on(39)
        held.fence()
        await clock.on(20)
        with pytest.raises(Hold) as caught:
            held.fence()
        assert caught.value.code == "RP815"
        kube.broken = None
        await clock.on(6)
        held.fence()
        held.leave()

    run(work)


def test_a_lease_that_was_taken_over_is_never_taken_back(clock: Clock):
    async def work() -> None:
        kube = Kube()
        held = lease(kube, clock)
        await held.take(alone=True, take_over=False)
        kube.fence = lambda: None
        stolen = {**spec(kube), "holderIdentity": "you@there:2 toy-other"}
        await kube.merge(REF, {"spec": stolen})
        await clock.on(16)
        with pytest.raises(Refused, match="you@there:2") as caught:
            held.fence()
        assert caught.value.code == "RP813"
        await clock.on(100)
        assert spec(kube)["holderIdentity"] == "you@there:2 toy-other"
        await held.release()
        assert REF in kube.objects

    run(work)


def test_a_lease_that_somebody_deleted_is_made_again(clock: Clock):
    async def work() -> None:
        kube = Kube()
        held = lease(kube, clock)
        await held.take(alone=True, take_over=False)
        kube.objects.clear()
        await clock.on(16)
        assert spec(kube)["holderIdentity"] == f"me@here:1 {RUN}"
        held.leave()

    run(work)


def test_an_empty_lease_is_free(clock: Clock):
    async def work() -> None:
        kube = Kube(lambda: None)
        await kube.create(
            {
                "apiVersion": REF.api_version,
                "kind": REF.kind,
                "metadata": {"namespace": REF.namespace, "name": REF.name},
                "spec": {},
            }
        )
        held = lease(kube, clock)
        await held.take(alone=False, take_over=False)
        held.leave()

    run(work)


def test_two_that_come_at_once_do_not_both_get_it(clock: Clock):
    async def work() -> None:
        kube = Kube(lambda: None)
        both = [Lease(kube, clock, holder=f"p{n}", run_id=f"run-{n}", over=_at_work) for n in range(2)]  # type: ignore[arg-type]
        found = await kube.get(REF)
        assert found is None
        # Both have seen nothing; the second's create comes too late.
        first = asyncio.create_task(both[0].take(alone=True, take_over=False))
        second = asyncio.create_task(both[1].take(alone=True, take_over=False))
        done = await asyncio.gather(first, second, return_exceptions=True)
        assert sorted(type(one).__name__ for one in done) == ["NoneType", "Refused"]
        for one in both:
            one.leave()

    run(work)
