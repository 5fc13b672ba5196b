"""Steps of a runtime swap: the node does it by itself, and what it says decides."""

from __future__ import annotations

import json

import pytest
from swap_site import Site
from test_swap_plan import planned

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.errors import Hold, Refused, Transient
from replank.inventory.hosts.swap_commands import FOLDER, NODE_PART
from replank.migrations.runtime_swap.steps.checks import pods_kept
from replank.migrations.runtime_swap.steps.draining import WAY_BACK_S, DrainNode, OpenNode
from replank.migrations.runtime_swap.steps.node_part import GRACE_S
from replank.migrations.runtime_swap.steps.node_swap import CommitNode, StageNode, SwapNode


def on_docker() -> Site:
    return Site(plan=planned(snapshot_of(healthy_on_docker())))


def staged() -> Site:
    site = Site()
    site.run(lambda: StageNode().apply(site.at("runtime.stage")))
    return site


def told_pods(site: Site) -> list[str]:
    found: list[str] = json.loads(site.nodes.files[f"{FOLDER}/plan.json"].data)["pods"]["restartable"]
    return found


def test_staging_sends_everything_once_and_says_so_the_second_time() -> None:
    site = staged()
    assert set(site.nodes.files) == {
        NODE_PART,
        f"{FOLDER}/plan.json",
        *(f"/opt/replank/containerd-2.3.5/{file.name}" for file in site.plan.bundle),
    }
    assert site.run(lambda: StageNode().apply(site.at("runtime.stage"))) == {"staged": "before"}
    assert site.nodes.told == ["stage"]


def test_a_node_that_swaps_is_waited_for_and_is_asked_again_when_the_connection_is_lost() -> None:
    site = staged()
    site.nodes.lost = 0

    async def swap() -> object:
        at = site.at("runtime.swap")
        site.nodes.lasts_s = 20
        return await SwapNode().apply(at)

    site.run(swap)
    assert site.nodes.outcome == "swapped"
    again = staged()
    again.nodes.lasts_s = 20
    original = again.nodes.tell

    async def lossy(node: str, verb: str) -> object:
        answer = await original(node, verb)  # type: ignore[arg-type]
        again.nodes.lost = 7
        return answer

    again.nodes.tell = lossy  # type: ignore[assignment, method-assign]
    again.run(lambda: SwapNode().apply(again.at("runtime.swap")))
    assert again.nodes.outcome == "swapped"


def test_a_node_that_went_back_stops_the_cluster_with_its_own_words_and_is_staged_anew_at_the_next_try() -> (
    None
):
    site = staged()
    site.nodes.ends, site.nodes.why = "undone", "pod web does not run"
    with pytest.raises(Refused, match="pod web does not run") as raised:
        site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert raised.value.code == "RP495"
    site.nodes.ends, site.nodes.why = "swapped", ""
    site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert site.nodes.told == ["stage", "start", "stage", "start"]


@pytest.mark.parametrize("outcome", ["swapped", "committed"])
def test_a_node_that_is_swapped_already_is_not_started_again(outcome: str) -> None:
    site = staged()
    site.nodes.outcome = outcome
    site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert "start" not in site.nodes.told


def test_another_process_takes_up_a_swap_that_is_under_way() -> None:
    site = staged()
    site.run(lambda: site.nodes.tell(site.name, "start"))
    site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert site.nodes.told.count("start") == 1
    assert site.nodes.outcome == "swapped"


def test_a_node_that_never_comes_to_rest_is_given_up_after_its_own_deadline() -> None:
    site = staged()
    site.nodes.lasts_s = 10**6
    began = site.clock.now()
    with pytest.raises(Transient) as raised:
        site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert raised.value.code == "RP951"
    assert site.clock.now() - began >= 900 + GRACE_S


def test_undo_goes_back_from_wherever_the_node_stands() -> None:
    for outcome in ("", "staged", "undone"):
        site = Site()
        site.nodes.outcome = outcome
        assert site.run(lambda site=site: SwapNode().undo(site.at("runtime.swap"))) == {"undone": "before"}
        assert site.nodes.told == []
    for outcome in ("swapped", "stuck"):
        site = staged()
        site.nodes.outcome = outcome
        site.run(lambda site=site: SwapNode().undo(site.at("runtime.swap")))
        assert site.nodes.outcome == "undone"


@pytest.mark.parametrize("outcome", ["", "staged", "swapped", "committed", "stuck", "undone"])
def test_a_run_undoes_nothing_of_another_plan(outcome: str) -> None:
    """An older run that was given up, undone after a newer one has swapped the node."""
    site = staged()
    site.nodes.id, site.nodes.outcome, site.nodes.told = "swap-another", outcome, []
    for code, kind, gone in (
        (SwapNode(), "runtime.swap", ("", "staged", "undone")),
        (StageNode(), "runtime.stage", ("", "undone")),
    ):
        if outcome in gone:
            site.run(lambda code=code, kind=kind: code.undo(site.at(kind)))
        else:
            with pytest.raises(Refused) as raised:
                site.run(lambda code=code, kind=kind: code.undo(site.at(kind)))
            assert raised.value.code == "RP952"
    assert site.nodes.told == []


def test_a_committed_node_has_no_way_back() -> None:
    site = staged()
    site.nodes.outcome = "committed"
    with pytest.raises(Refused) as raised:
        site.run(lambda: SwapNode().undo(site.at("runtime.swap")))
    assert raised.value.code == "RP952"


def test_only_a_swapped_node_is_committed() -> None:
    site = staged()
    with pytest.raises(Refused) as raised:
        site.run(lambda: CommitNode().apply(site.at("runtime.commit")))
    assert raised.value.code == "RP953"
    site.nodes.outcome = "swapped"
    assert site.run(lambda: CommitNode().apply(site.at("runtime.commit"))) == {
        "committed": "now",
        "stays": [],
    }
    assert site.run(lambda: CommitNode().apply(site.at("runtime.commit"))) == {"committed": "before"}


def test_a_drain_evicts_what_comes_back_elsewhere_and_leaves_daemonsets_and_static_pods() -> None:
    site = on_docker()
    site.pod("web")
    site.pod("agent", owner="DaemonSet")
    site.pod("etcd", owner="")["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == ["web"]
    assert site.api.nodes[site.name]["spec"] == {"unschedulable": True}
    site.run(lambda: OpenNode().apply(site.at("runtime.open")))
    assert site.api.nodes[site.name] == {"metadata": {"name": site.name, "annotations": {}}, "spec": {}}


def test_a_budget_that_says_no_holds_the_drain_and_nothing_goes_round_it() -> None:
    site = on_docker()
    site.pod("web")
    site.api.budget = 1
    with pytest.raises(Hold, match="budget web"):
        site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == []
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == ["web"]


def test_a_budget_that_is_seen_to_say_no_is_not_asked_by_trying() -> None:
    site = on_docker()
    site.pod("web")["metadata"]["labels"] = {"app": "web"}
    budget = {
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": 0},
    }
    site.api.budgets = [budget]
    with pytest.raises(Hold, match="shop/web lets no pod go"):
        site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == []
    budget["status"] = {"disruptionsAllowed": 1}
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == ["web"]


def test_a_bare_pod_stops_the_drain_before_anything_is_touched() -> None:
    site = on_docker()
    site.pod("web")
    site.pod("lonely", owner="")
    with pytest.raises(Refused, match="shop/lonely"):
        site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    assert site.api.evicted == []
    assert site.api.nodes[site.name]["spec"] == {}


def test_undo_takes_back_the_cordon_that_a_step_made_or_took_off() -> None:
    site = on_docker()
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    before = site.run(lambda: OpenNode().found(site.at("runtime.open")))
    site.run(lambda: OpenNode().apply(site.at("runtime.open")))
    site.run(lambda: OpenNode().undo(site.at("runtime.open", before)))
    assert site.api.nodes[site.name]["spec"] == {"unschedulable": True}
    site.run(lambda: DrainNode().undo(site.at("runtime.drain")))
    assert site.api.nodes[site.name]["spec"] == {}


def test_undo_empties_the_node_again_but_waits_only_a_while_for_what_does_not_go() -> None:
    site = on_docker()
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    before = site.run(lambda: OpenNode().found(site.at("runtime.open")))
    site.run(lambda: OpenNode().apply(site.at("runtime.open")))
    site.pod("web")
    site.pod("bare", owner="")
    site.pod("agent", owner="DaemonSet")
    assert site.run(lambda: OpenNode().undo(site.at("runtime.open", before)))["stayed"] == []
    assert site.api.evicted == ["web"]
    site.pod("kept")
    site.api.budget, began = 10_000, site.clock.now()
    assert site.run(lambda: OpenNode().undo(site.at("runtime.open", before)))["stayed"] == ["shop/kept"]
    assert site.clock.now() - began == pytest.approx(WAY_BACK_S, abs=5)


def test_a_node_that_somebody_else_has_cordoned_is_never_opened() -> None:
    site = on_docker()
    site.api.nodes[site.name]["spec"] = {"unschedulable": True}
    site.run(lambda: DrainNode().apply(site.at("runtime.drain")))
    before = site.run(lambda: OpenNode().found(site.at("runtime.open")))
    for move in (
        lambda: OpenNode().apply(site.at("runtime.open")),
        lambda: OpenNode().undo(site.at("runtime.open", before)),
        lambda: DrainNode().undo(site.at("runtime.drain")),
    ):
        site.run(move)
        assert site.api.nodes[site.name]["spec"] == {"unschedulable": True}


def test_a_switch_waits_for_pods_that_run_only_once_and_then_names_those_that_are_there() -> None:
    site = on_docker()
    site.run(lambda: StageNode().apply(site.at("runtime.stage")))
    site.pod("agent", owner="DaemonSet")
    static = site.pod("etcd", owner="")
    static["metadata"]["annotations"] = {
        "kubernetes.io/config.mirror": "hash",
        "kubernetes.io/config.hash": "hash",
    }
    job = site.pod("job", owner="Job", restartPolicy="Never")
    with pytest.raises(Hold, match="shop/job"):
        site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert "start" not in site.nodes.told
    job["status"]["phase"] = "Succeeded"
    site.run(lambda: SwapNode().apply(site.at("runtime.swap")))
    assert told_pods(site) == ["hash", "uid-agent"]
    assert site.nodes.outcome == "swapped"


def test_a_restart_in_the_swap_is_a_fault_unless_the_machine_was_rebooted() -> None:
    site = staged()
    pod = site.pod("web")
    status = {"name": "web", "ready": True, "restartCount": 0, "containerID": "containerd://a"}
    pod["status"] |= {"containerStatuses": [status], "conditions": [{"type": "Ready", "status": "True"}]}
    before = site.run(lambda: SwapNode().found(site.at("runtime.swap")))
    assert site.run(lambda: pods_kept(site.at("runtime.swap", before), {})).outcome == "pass"
    status |= {"restartCount": 1, "containerID": "containerd://b"}
    assert site.run(lambda: pods_kept(site.at("runtime.swap", before), {})).outcome == "fail"
    site.nodes.rebooted = True
    assert site.run(lambda: pods_kept(site.at("runtime.swap", before), {})).outcome == "pass"
