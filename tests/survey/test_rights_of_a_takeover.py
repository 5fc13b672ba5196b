"""What the steps and the lease really ask both API servers for, held against both lists of rights."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from granting import grants
from recording import Recorder, Side, recorded

from replank.engine.lease import Lease
from replank.ports.rights import Right
from replank.survey.permissions import permissions
from replank.survey.plan_rights import needed_rights
from replank.testbed.simulation.explore import Simulation
from replank.testbed.simulation.scenario import Scenario
from replank.testbed.simulation.shapes import NOW, SHAPES
from replank.testbed.simulation.virtual_time import VirtualLoop, run
from replank.testbed.simulation.worlds import SimulatedWorld

Asked = dict[Side, set[Right]]
SIDES: tuple[Side, ...] = ("management", "workload")


@pytest.fixture(scope="module", params=["1+1", "3+2"])
def takeover(request: pytest.FixtureRequest) -> tuple[str, Asked]:
    """A whole takeover and its undo, and a lease: the shape, and what was asked for.

    The namespace is there before, as it must be for a Role in it. (One that the takeover made is deleted by
    the undo, which lists every kind first; where it may not, it keeps the namespace and says so.)
    """
    with pytest.MonkeyPatch.context() as patch:
        asked = recorded(patch)
        simulation = Simulation(Scenario(seed=1, shape=request.param, ending="settled-undone"))
        name = simulation.plan.namespace
        simulation.world.management.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "admin"
        )
        outcome = simulation.go()
        leased()
    assert (outcome.status, outcome.broken) == ("undone", [])
    return request.param, asked


async def _at_work(_: str) -> bool:
    return False


def leased() -> None:
    """Takes the lease, renews it for a while and gives it back."""
    loop = VirtualLoop(NOW.timestamp())
    world = SimulatedWorld(SHAPES["1+1"], loop, 1, print)
    access = world.access(endpoint="10.0.0.1:6443")

    async def whole() -> None:
        lease = Lease(access.workload, access.clock, holder="a@b:1", run_id="run", over=_at_work)
        await lease.take(alone=True, take_over=False)
        await asyncio.sleep(100)
        await lease.release()

    run(loop, whole())


def uncovered(asked: Iterable[Right], needed: Iterable[Right]) -> list[str]:
    """A right for any object covers one for a named object, and not the other way."""
    there = {(n.namespace, n.api_version, n.kind, n.verb, n.name) for n in needed}
    return [
        str(a)
        for a in sorted(asked)
        if not any((a.namespace, a.api_version, a.kind, a.verb, name) in there for name in ("", a.name))
    ]


@pytest.mark.parametrize("side", SIDES)
def test_every_call_is_among_the_rights_asked_for_before_the_first_write(
    takeover: tuple[str, Asked], side: Side
) -> None:
    shape, asked = takeover
    assert len(asked[side]) > 3
    assert uncovered(asked[side], getattr(needed_rights(SHAPES[shape].plan()), side)) == []


@pytest.mark.parametrize("side", SIDES)
def test_every_call_is_granted_by_what_permissions_prints(takeover: tuple[str, Asked], side: Side) -> None:
    shape, asked = takeover
    namespace = SHAPES[shape].plan().namespace
    granted = [
        manifest
        for purpose in ("survey", "apply")
        for manifest in getattr(permissions(purpose, namespace=namespace), side)  # type: ignore[arg-type]
    ]
    assert [str(right) for right in sorted(asked[side]) if not any(grants(m, right) for m in granted)] == []


def test_a_call_that_nobody_foresaw_is_found() -> None:
    asked = {Right(namespace="a", api_version="v1", kind="ConfigMap", verb="get", name="b")}
    assert uncovered(asked, needed_rights(SHAPES["1+1"].plan()).management) == [
        "get ConfigMap b in namespace a"
    ]


def test_the_recorder_notes_what_an_api_server_asks_its_authorizer() -> None:
    asked: set[Right] = set()
    world = SimulatedWorld(SHAPES["1+1"], VirtualLoop(NOW.timestamp()), 1, print)
    api = Recorder(world.access(endpoint="").management, asked)
    asyncio.run(api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}))
    assert {(right.verb, right.name) for right in asked} == {("patch", "new"), ("create", "")}
