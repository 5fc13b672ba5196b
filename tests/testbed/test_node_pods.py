"""Pods by which nodes are reached: made when needed, removed at the end, and what becomes of others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from living_nodes import CONTROL_PLANE, WORKER
from pod_sessions import Hurried, during, hostname, in_session
from pods_site import BySite, pods_site

from replank.domain.errors import Refused, ReplankError
from replank.inventory.node_pods import NAMESPACE
from replank.testbed.serve.kubernetes import Fault
from replank.transports.hosts.session import HostSession
from replank.transports.node_pod.pods import NodePods


@pytest.fixture
def site(tmp_path: Path) -> Iterator[BySite]:
    with pods_site(tmp_path) as made:
        yield made


def test_one_pod_serves_all_commands_of_a_node_and_is_removed_with_its_namespace(site: BySite) -> None:
    async def work(pods: NodePods) -> list[str]:
        async def one(node: str) -> str:
            return await in_session(node, hostname)(pods)

        names = [*await asyncio.gather(*map(one, [WORKER, WORKER, CONTROL_PLANE, WORKER]))]
        assert len(site.pods.made) == 2
        return names

    assert during(site, work) == [WORKER, WORKER, CONTROL_PLANE, WORKER]
    assert site.left() == []


def test_the_pods_are_removed_where_the_command_fails(site: BySite) -> None:
    async def work(session: HostSession) -> None:
        await hostname(session)
        raise Refused("RP000", "x", "y", "z")

    with pytest.raises(Refused, match="RP000"):
        during(site, in_session(WORKER, work))
    assert site.pods.made
    assert site.left() == []


def test_the_pods_are_removed_where_the_command_is_cancelled(site: BySite) -> None:
    """As Ctrl-C does it."""

    async def work(pods: NodePods) -> None:
        await in_session(WORKER, hostname)(pods)
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.05, task.cancel)
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        during(site, work)
    assert site.pods.made
    assert site.left() == []


def test_nothing_is_made_where_no_node_is_needed(site: BySite) -> None:
    async def nothing(_: NodePods) -> None:
        return None

    during(site, nothing)
    assert site.pods.made == []
    assert not [m for m in site.living.twin.api("small").methods if m != "GET"]


def test_what_cannot_be_removed_is_told_and_hides_nothing(site: BySite) -> None:
    told: list[ReplankError] = []
    site.living.twin.api("small").faults.append(Fault(method="DELETE", status=500))
    assert during(site, in_session(WORKER, hostname), told=told) == WORKER
    assert [error.code for error in told] == ["RP978"]


def test_a_namespace_that_somebody_else_made_or_uses_stays(site: BySite) -> None:
    objects = site.living.twin.api("small").objects
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    objects.create(place, "ops")
    assert during(site, in_session(WORKER, hostname)) == WORKER
    assert [document["kind"] for document in site.left()] == ["Namespace"]


def test_a_pod_that_a_killed_run_has_left_is_replaced(site: BySite) -> None:
    async def leave(pods: NodePods) -> None:
        await in_session(WORKER, hostname)(pods)
        pods._made.clear()  # as if the process had been killed

    during(site, leave)
    (left, _) = site.left()
    assert during(site, in_session(WORKER, hostname)) == WORKER
    assert site.left() == []
    first, second = site.pods.made
    assert left["metadata"]["uid"] == first["metadata"]["uid"] != second["metadata"]["uid"]
    assert first["metadata"]["name"] == second["metadata"]["name"]


def test_two_surveys_at_once_do_not_take_each_others_pods_away(site: BySite) -> None:
    async def outer(session: HostSession) -> str:
        await asyncio.to_thread(
            lambda: during(site, in_session(WORKER, hostname), purpose="survey"),
        )
        return await hostname(session)

    assert during(site, in_session(WORKER, outer), purpose="survey") == WORKER
    assert len(site.pods.made) == 2
    assert site.left() == []


def test_a_pod_is_made_anew_long_before_its_life_ends(site: BySite) -> None:
    clock = Hurried()

    async def work(pods: NodePods) -> None:
        await in_session(WORKER, hostname)(pods)
        clock.later += 4 * 3600
        await in_session(WORKER, hostname)(pods)

    during(site, work, clock=clock)
    assert len(site.pods.made) == 2
    assert site.left() == []


def test_the_pod_ends_by_itself_holds_no_swap_and_mounts_nothing(site: BySite) -> None:
    during(site, in_session(WORKER, hostname))
    (made,) = site.pods.made
    spec = made["spec"]
    assert spec["restartPolicy"] == "Always"
    assert 3600 < spec["activeDeadlineSeconds"] <= 24 * 3600
    assert spec["automountServiceAccountToken"] is False
    assert (spec["hostPID"], spec["hostNetwork"]) == (True, True)
    assert not spec.get("volumes")
