"""One replica acts, and none before the one before it has stopped."""

from __future__ import annotations

from typing import Any

import pytest

from replank.controllers.leadership import DURATION_S
from replank.domain.errors import Hold, Transient
from replank.ports.access import ObjectRef
from tests.controllers.replicas import Replica, Time, run, settle
from tests.engine.toy import Kube

REF = ObjectRef("coordination.k8s.io/v1", "Lease", "replank-system", "replank-operator")
AWAY = Transient("RP900", "The API does not answer", "refused", "Nothing.")


class Line(Kube):
    """A replica's way to the API server of another. Can be cut, both ways at once."""

    def __init__(self, server: Kube) -> None:
        super().__init__()
        self.objects = server.objects


def spec(kube: Kube) -> dict[str, Any]:
    return kube.objects[REF]["spec"]  # type: ignore[no-any-return]


def test_the_first_replica_leads_and_the_second_stands_by():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await time.on(300)
        assert (one.may_write, two.may_write) == (True, False)
        assert (one.told, two.told) == ([True], [])
        assert spec(kube)["holderIdentity"] == "one"
        assert spec(kube)["leaseTransitions"] == 0
        assert two.leadership.holder == "one"

    run(work)


def test_a_replica_that_does_not_lead_is_held_with_the_name_of_the_one_that_does():
    async def work() -> None:
        time, kube = Time(), Kube()
        Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await settle()
        with pytest.raises(Hold, match="one holds it") as caught:
            two.leadership.fence()
        assert caught.value.code == "RP730"

    run(work)


def test_a_killed_leader_is_followed_only_after_its_silence():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await time.on(60)
        one.kill()
        await time.on(DURATION_S - 6)
        assert not two.may_write
        await time.on(10)
        assert two.may_write
        assert not one.may_write
        assert spec(kube)["leaseTransitions"] == 1

    run(work)


def test_a_wrong_wall_clock_of_the_leader_makes_nobody_follow_early():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await time.on(20)
        kube.objects[REF]["spec"]["renewTime"] = "2001-01-01T00:00:00.000000Z"
        one.kill()
        two = Replica(time, kube, "two")
        await time.on(DURATION_S - 2)
        assert not two.may_write
        await time.on(6)
        assert two.may_write

    run(work)


def test_a_leader_that_cannot_renew_stops_long_before_another_leads():
    async def work() -> None:
        time, server = Time(), Kube()
        cut = Line(server)
        one = Replica(time, cut, "one")
        await settle()
        two = Replica(time, Line(server), "two")
        await time.on(31)
        cut.broken = AWAY
        both = []
        for _ in range(60):
            await time.on(1)
            both.append((one.may_write, two.may_write))
        assert (True, True) not in both
        assert both[-1] == (False, True)
        assert both.index((False, False)) < both.index((False, True)) - 5
        assert one.told == [True, False]
        assert one.failures[-1].code == "RP900"
        cut.broken = None
        await time.on(30)
        assert (one.may_write, two.may_write) == (False, True)

    run(work)


def test_after_an_outage_for_all_the_same_replica_leads_again():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await time.on(30)
        kube.broken = AWAY
        await time.on(25)
        assert (one.may_write, two.may_write) == (False, False)
        assert (one.leadership.answered_s or 0) >= 20
        kube.broken = None
        await time.on(3)
        assert (one.may_write, two.may_write) == (True, False)
        assert one.told == [True, False, True]
        assert (one.leadership.answered_s or 0) < 10

    run(work)


def test_a_leader_that_ends_in_order_is_followed_at_once():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await time.on(20)
        one.kill()
        await one.leadership.release()
        assert not one.may_write
        await time.on(2)
        assert two.may_write

    run(work)


def test_a_replica_gives_back_only_what_is_its_own():
    async def work() -> None:
        time, kube = Time(), Kube()
        Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await settle()
        await two.leadership.release()
        assert spec(kube)["holderIdentity"] == "one"

    run(work)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0])
def test_a_wall_clock_that_is_set_never_lets_a_silent_leader_write_on(jump: float):
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await time.on(10)
        kube.broken = AWAY
        time.wall += jump
        await time.on(DURATION_S * 2 / 3 + 1)
        assert not one.may_write

    run(work)


def test_a_leader_whose_machine_was_suspended_does_not_write_when_it_wakes():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await time.on(10)
        time.wall += 300  # the steady clock stood still
        assert not one.may_write

    run(work)


def test_two_that_come_at_once_do_not_both_lead():
    async def work() -> None:
        time, kube = Time(), Kube()
        both = [Replica(time, kube, name) for name in ("one", "two")]
        await time.on(10)
        assert sorted(replica.may_write for replica in both) == [False, True]

    run(work)


def test_a_deleted_lease_is_made_again_by_its_holder_alone():
    async def work() -> None:
        time, kube = Time(), Kube()
        one = Replica(time, kube, "one")
        await settle()
        two = Replica(time, kube, "two")
        await time.on(10)
        kube.objects.clear()
        for _ in range(10):
            await time.on(1)
            assert (one.may_write, two.may_write) == (True, False)
        assert spec(kube)["holderIdentity"] == "one"

    run(work)
