"""The pods by which replank reaches nodes are nobody's workload: no step waits for them or ends them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from swap_site import Site
from test_swap_plan import planned

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.errors import Transient
from replank.inventory.hosts.swap_commands import FOLDER
from replank.inventory.node_pods import LABELS, NAMESPACE
from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.draining import DrainNode
from replank.migrations.runtime_swap.steps.node_swap import CommitNode, StageNode, SwapNode


def with_node_pod() -> Site:
    site = Site(plan=planned(snapshot_of(healthy_on_docker())))
    pod = site.pod("swap-node", owner="", restartPolicy="Always")
    pod["metadata"] |= {"namespace": NAMESPACE, "labels": dict(LABELS)}
    status = {"name": "node", "ready": True, "restartCount": 0, "containerID": "docker://a"}
    pod["status"]["containerStatuses"] = [status]
    return site


def test_a_drain_neither_stops_at_it_nor_evicts_it() -> None:
    site = with_node_pod()
    site.pod("web")
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == ["web"]


def test_a_pod_of_that_namespace_that_is_not_replanks_is_one_as_any_other() -> None:
    site = with_node_pod()
    pod = site.pod("else")
    pod["metadata"] |= {"namespace": NAMESPACE}
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == ["else"]


def test_the_node_may_stop_and_start_it_and_nobody_compares_it() -> None:
    site = with_node_pod()
    site.run(lambda: StageNode().apply(site.at("runtime.stage")))
    assert site.run(lambda: SwapNode().found(site.at("runtime.swap"))) == {"pods": {}}
    site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    told = json.loads(site.nodes.files[f"{FOLDER}/plan.json"].data)
    assert told["pods"]["restartable"] == ["uid-swap-node"]


@pytest.mark.parametrize(
    ("code", "kind", "verb", "stood", "ends"),
    [
        (SwapNode().apply, "runtime.swap", "start", "staged", "swapped"),
        (SwapNode().undo, "runtime.swap", "undo", "swapped", "undone"),
        (CommitNode().apply, "runtime.commit", "commit", "swapped", "committed"),
    ],
)
def test_a_way_that_is_lost_while_the_node_works_is_waited_out(
    code: Callable[[At], Awaitable[object]], kind: str, verb: str, stood: str, ends: str
) -> None:
    """The node does it, and the pod by which it was told is away for a while."""
    site = Site()
    site.run(lambda: StageNode().apply(site.at("runtime.stage")))
    site.nodes.outcome = stood
    tell = site.nodes.tell

    async def lossy(node: str, told: str) -> object:
        await tell(node, told)  # type: ignore[arg-type]
        site.nodes.lost = 40
        raise Transient("RP975", "x", "y", "z")

    site.nodes.tell = lossy  # type: ignore[assignment, method-assign]
    site.run(lambda: code(site.at(kind)))
    assert site.nodes.outcome == ends
    assert site.nodes.told.count(verb) == 1


def test_an_order_that_did_not_arrive_is_transient_and_given_again() -> None:
    site = Site()
    site.run(lambda: StageNode().apply(site.at("runtime.stage")))
    site.nodes.outcome = "swapped"
    tell = site.nodes.tell

    async def deaf(node: str, told: str) -> object:
        raise Transient("RP975", "x", "y", "z")

    site.nodes.tell = deaf  # type: ignore[assignment, method-assign]
    with pytest.raises(Transient, match="RP975"):
        site.run(lambda: SwapNode().undo(site.at("runtime.swap")))
    site.nodes.tell = tell  # type: ignore[method-assign]
    site.run(lambda: SwapNode().undo(site.at("runtime.swap")))
    assert site.nodes.outcome == "undone"
