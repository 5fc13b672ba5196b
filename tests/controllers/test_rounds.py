"""When rounds are gone, and when not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from replank.controllers.elapsed import Stopwatch
from replank.controllers.rounds import LONGEST_PAUSE_S, Rounds
from replank.controllers.telling import ClusterKey
from replank.domain.errors import Refused, ReplankError, Transient
from replank.domain.unknown import Unknown
from replank.guards.decision import Decision
from replank.guards.sight import Sight
from replank.guards.work.round import Rounded
from tests.controllers.replicas import Time, run, settle

BLUE, GREEN = ClusterKey("shop", "blue"), ClusterKey("shop", "green")
AWAY = Transient("RP900", "The API does not answer", "refused", "Nothing.")


def rounded(again_s: float = 30.0) -> Rounded:
    nothing = Unknown("not looked at")
    sight = Sight(namespace="shop", cluster="blue", at=0, machines=(), workload=nothing, cloud=nothing)
    return Rounded(sight=sight, decision=Decision(), done=(), faults=(), untold=(), again_s=again_s)


@dataclass
class Desk:
    """Rounds over a scripted `go`; what was told of them is kept."""

    time: Time = field(default_factory=Time)
    answer: Callable[[ClusterKey], Awaitable[Rounded | None]] | None = None
    leads: bool = True
    chance: float = 0.0
    parallel: int = 10
    began: list[tuple[float, ClusterKey]] = field(default_factory=list)
    told: list[tuple[str, ClusterKey]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    def __post_init__(self) -> None:
        self.rounds = Rounds(
            self._go,
            leads=lambda: self.leads,
            clock=self.time,
            stopwatch=Stopwatch(self.time, lambda: self.time.steady),
            teller=self,
            chance=lambda: self.chance,
            parallel=self.parallel,
        )
        self.rounds.lead(self.leads)

    async def _go(self, key: ClusterKey) -> Rounded | None:
        self.began.append((self.time.steady, key))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            return rounded() if self.answer is None else await self.answer(key)
        finally:
            self.at_once -= 1

    def times(self, key: ClusterKey = BLUE) -> list[float]:
        return [at for at, who in self.began if who == key]

    def rounded(self, key: ClusterKey, rounded: Rounded, seconds: float) -> None:
        self.told.append(("rounded", key))

    def failed(self, key: ClusterKey, error: ReplankError, seconds: float, again_s: float) -> None:
        self.told.append((error.code, key))
        self.pauses.append(again_s)

    def broke(self, key: ClusterKey, error: BaseException, seconds: float, again_s: float) -> None:
        self.told.append((type(error).__name__, key))
        self.pauses.append(again_s)

    def gone(self, key: ClusterKey, seconds: float) -> None:
        self.told.append(("gone", key))

    def forget(self, key: ClusterKey) -> None:
        self.told.append(("forgotten", key))


def test_a_cluster_is_looked_at_when_it_is_first_seen_and_again_when_the_round_says():
    async def work() -> None:
        desk = Desk()
        desk.rounds.wake(BLUE)
        await desk.time.on(65)
        assert desk.times() == [0, 30, 60]

    run(work)


def test_an_event_wakes_a_round_at_once():
    async def work() -> None:
        desk = Desk()
        desk.rounds.wake(BLUE)
        await desk.time.on(10)
        desk.rounds.wake(BLUE)
        await settle()
        assert desk.times() == [0, 10]

    run(work)


def test_a_storm_of_events_gives_one_round_a_second():
    async def work() -> None:
        desk = Desk()
        for _ in range(10):
            for _ in range(50):
                desk.rounds.wake(BLUE)
            await desk.time.on(1)
        assert len(desk.times()) <= 11
        assert (
            len({task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("rounds")})
            == 1
        )

    run(work)


def test_what_happens_during_a_round_is_looked_at_by_the_next():
    async def work() -> None:
        gate = asyncio.Event()

        async def slow(_: ClusterKey) -> Rounded:
            await gate.wait()
            return rounded()

        desk = Desk(answer=slow)
        desk.rounds.wake(BLUE)
        await settle()
        desk.rounds.wake(BLUE)
        await settle()
        assert desk.most == 1
        gate.set()
        await desk.time.on(2)
        assert len(desk.times()) == 2

    run(work)


def test_not_more_rounds_at_once_than_allowed_and_every_cluster_gets_its_turn():
    async def work() -> None:
        async def slow(_: ClusterKey) -> Rounded:
            await desk.time.sleep(2)
            return rounded()

        desk = Desk(answer=slow, parallel=3)
        keys = [ClusterKey("shop", f"c{n}") for n in range(10)]
        for key in keys:
            desk.rounds.wake(key)
        await desk.time.on(12)
        assert desk.most == 3
        assert {key for _, key in desk.began} == set(keys)

    run(work)


def test_a_slow_cluster_keeps_no_other_waiting():
    async def work() -> None:
        async def answer(key: ClusterKey) -> Rounded:
            if key == BLUE:
                await asyncio.Event().wait()
            return rounded(3)

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        desk.rounds.wake(GREEN)
        await desk.time.on(20)
        assert len(desk.times(BLUE)) == 1
        assert len(desk.times(GREEN)) == 7

    run(work)


def test_failures_are_told_and_pauses_double_up_to_a_limit():
    async def work() -> None:
        async def answer(_: ClusterKey) -> Rounded:
            raise AWAY

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        await desk.time.on(300)
        assert desk.pauses[:6] == [2, 4, 8, 16, 32, LONGEST_PAUSE_S]
        assert set(desk.pauses[6:]) == {LONGEST_PAUSE_S}
        assert set(desk.told) == {("RP900", BLUE)}

    run(work)


def test_jitter_takes_at_most_half_of_a_pause_away():
    async def work() -> None:
        async def answer(_: ClusterKey) -> Rounded:
            raise AWAY

        desk = Desk(answer=answer, chance=0.999)
        desk.rounds.wake(BLUE)
        await desk.time.on(30)
        assert desk.pauses[:3] == pytest.approx([1, 2, 4], rel=0.01)

    run(work)


def test_a_server_that_asks_for_time_gets_it():
    async def work() -> None:
        async def answer(_: ClusterKey) -> Rounded:
            raise Transient("RP900", "Too many requests", "429", "Nothing.", retry_after_s=45)

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        await desk.time.on(10)
        assert desk.pauses == [45]

    run(work)


def test_a_good_round_ends_the_back_off():
    async def work() -> None:
        answers: list[ReplankError | None] = [AWAY, AWAY, None, AWAY]

        async def answer(_: ClusterKey) -> Rounded:
            error = answers.pop(0) if answers else None
            if error:
                raise error
            return rounded(3)

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        await desk.time.on(30)
        assert desk.pauses == [2, 4, 2]

    run(work)


def test_what_mends_an_error_is_looked_at_before_the_pause_is_over():
    async def work() -> None:
        async def answer(_: ClusterKey) -> Rounded:
            raise Refused("RP729", "ClusterGuard shop/blue is not valid", "spec.pools", "Correct it.")

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        await desk.time.on(200)
        before = len(desk.times())
        desk.rounds.wake(BLUE)
        await desk.time.on(1)
        assert len(desk.times()) == before + 1

    run(work)


def test_a_bug_in_one_clusters_round_is_told_and_stops_no_other():
    async def work() -> None:
        async def answer(key: ClusterKey) -> Rounded:
            if key == BLUE:
                raise KeyError("spec")
            return rounded(3)

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        desk.rounds.wake(GREEN)
        await desk.time.on(20)
        assert ("KeyError", BLUE) in desk.told
        assert len(desk.times(GREEN)) == 7
        assert len(desk.times(BLUE)) > 1

    run(work)


def test_a_cluster_that_is_gone_is_left_alone_until_it_comes_again():
    async def work() -> None:
        async def answer(_: ClusterKey) -> Rounded | None:
            return None

        desk = Desk(answer=answer)
        desk.rounds.wake(BLUE)
        await desk.time.on(100)
        assert desk.told == [("gone", BLUE)]
        desk.rounds.wake(BLUE)
        await settle()
        assert len(desk.times()) == 2

    run(work)


def test_a_standby_goes_no_round_and_begins_with_every_cluster_when_it_leads():
    async def work() -> None:
        desk = Desk(leads=False)
        desk.rounds.wake(BLUE)
        desk.rounds.wake(GREEN)
        await desk.time.on(100)
        assert desk.began == []
        desk.leads = True
        desk.rounds.lead(True)
        await settle()
        assert {key for _, key in desk.began} == {BLUE, GREEN}

    run(work)


def test_a_leader_that_loses_goes_no_more_rounds_and_forgets_its_metrics():
    async def work() -> None:
        desk = Desk()
        desk.rounds.wake(BLUE)
        await desk.time.on(5)
        desk.leads = False
        desk.rounds.lead(False)
        assert ("forgotten", BLUE) in desk.told
        desk.rounds.wake(BLUE)
        await desk.time.on(100)
        assert desk.times() == [0]

    run(work)


def test_silence_of_the_lease_is_noticed_before_leadership_is_told_of_it():
    async def work() -> None:
        desk = Desk()
        desk.rounds.wake(BLUE)
        await desk.time.on(5)
        desk.leads = False  # by the clock; nobody has called lead(False) yet
        await desk.time.on(100)
        assert desk.times() == [0]

    run(work)


def test_the_end_waits_for_rounds_that_are_under_way_and_begins_none():
    async def work() -> None:
        gate, ended = asyncio.Event(), []

        async def slow(key: ClusterKey) -> Rounded:
            await gate.wait()
            ended.append(key)
            return rounded()

        desk = Desk(answer=slow, parallel=1)
        desk.rounds.wake(BLUE)
        desk.rounds.wake(GREEN)
        await settle()
        ending = asyncio.ensure_future(desk.rounds.end())
        await settle()
        assert not ending.done()
        gate.set()
        await desk.time.on(2)
        assert ending.done()
        assert ended == [BLUE]
        desk.rounds.wake(BLUE)
        await desk.time.on(60)
        assert len(desk.began) == 1

    run(work)
