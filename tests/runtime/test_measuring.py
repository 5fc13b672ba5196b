"""A node is measured before its swap and after it. What cannot be measured is told, and stops nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from measure_site import MEASURING, MeasureSite, measure_site, program
from test_swap_plan import SETTINGS, on_containerd, planned

from facts_loader import healthy_on_docker, snapshot_of
from replank.app.planning import settings_of
from replank.domain.errors import Hold, Refused, Transient
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.steps.measuring import MeasureNode
from replank.migrations.runtime_swap.steps.registry import runtime_swap_registry
from replank.plan import codec
from replank.plan.drift import drift
from replank.plan.runtime_swap import MEASURED_IN

LOST = Transient("RP065", "the connection", "was lost", "It is asked again.")
FORBIDDEN = Refused("RP053", "The API server said no", "the user may not create pods (403)", "Grant it.")
NO_PYTHON = Refused("RP947", "The swap's part cannot be run", "exit status 127", "It needs Python.")


def measure(site: MeasureSite, side: str = "before") -> dict[str, Any]:
    answer = site.run(lambda: MeasureNode().apply(site.measuring(side)))
    assert isinstance(answer, dict)
    return answer


# ---- the plan


@pytest.mark.parametrize("snapshot", [on_containerd(), snapshot_of(healthy_on_docker())])
def test_measuring_is_the_first_and_the_last_of_every_nodes_swap(snapshot: Snapshot) -> None:
    plan = planned(snapshot, MEASURING)
    assert plan.settings["measure"] is True
    swaps = [stage for stage in plan.stages if stage.name.startswith("swap-")]
    assert len(swaps) == len(plan.nodes)
    for stage, node in zip(swaps, plan.nodes, strict=True):
        first, last = stage.steps[0], stage.steps[-1]
        assert [(s.kind, s.params["side"]) for s in (first, last)] == [
            ("runtime.measure", "before"),
            ("runtime.measure", "after"),
        ]
        for step in (first, last):
            assert step.params["node"] == node.node
            assert str(step.params["image"]) in step.says
            assert step.kind in runtime_swap_registry().steps
            assert (step.before, step.after) == ((), ()), "no check of it may stop a swap"


def test_nothing_is_measured_unless_it_is_asked_for_and_then_the_plan_is_as_it_was() -> None:
    plain = planned(on_containerd())
    assert all(step.kind != "runtime.measure" for stage in plain.stages for step in stage.steps)
    assert "measure" not in plain.settings


def test_a_plan_that_measures_is_read_back_and_planned_again_without_drift() -> None:
    plan = planned(on_containerd(), MEASURING)
    assert codec.load(codec.dump(plan).encode(), where="plan") == plan
    assert settings_of(plan) == MEASURING
    assert settings_of(planned(on_containerd())) == SETTINGS
    assert drift(plan, planned(on_containerd(), settings_of(plan))) == ()


def images(snapshot: Snapshot) -> set[object]:
    plan = planned(snapshot, MEASURING)
    return {s.params["image"] for stage in plan.stages for s in stage.steps if s.kind == "runtime.measure"}


def test_the_image_is_the_nodes_own_sandbox_image_or_containerds_default() -> None:
    assert images(on_containerd(sandbox_image="registry.example/pause:3.9")) == {"registry.example/pause:3.9"}
    assert images(on_containerd(sandbox_image="")) == {"registry.k8s.io/pause:3.8"}


def test_without_a_known_image_no_pod_is_planned_and_the_rest_is_measured() -> None:
    plan = planned(on_containerd(sandbox_image=Unknown("config dump failed")), MEASURING)
    site = MeasureSite(plan=plan)
    step = site.measuring().step
    assert (step.params["image"], step.params["pods"]) == ("", 0)
    assert "pods" not in step.says
    told = measure(site)
    assert "has not seen which image" in told["pod_start"]["not_measured"]
    assert told["use"]["memory_mib"] == 60.0
    assert site.api.made == []


# ---- pod starts


def test_pod_start_is_the_median_from_the_request_to_the_kubelets_own_word() -> None:
    site = measure_site()
    site.api.starts_s = [2.0, 0.4, 0.4, 0.9, 0.4]
    start = measure(site)["pod_start"]
    assert len(start["each_ms"]) == 5
    assert start["median_ms"] == pytest.approx(400, abs=60)
    assert max(start["each_ms"]) == pytest.approx(2000, abs=60)
    assert "Started" in start["how"]


def test_pods_come_to_the_node_alone_with_its_own_image_no_rights_and_nothing_pulled() -> None:
    site = measure_site()
    start = measure(site)["pod_start"]
    assert len(site.api.made) == 5
    for pod in site.api.made:
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert (spec["nodeName"], container["image"]) == (site.name, start["image"])
        assert container["imagePullPolicy"] == "Never"
        assert spec["automountServiceAccountToken"] is False
        assert spec["restartPolicy"] == "Always", "a pod that runs only once would hold the swap"
        assert spec["tolerations"] == [{"operator": "Exists"}]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_nothing_is_left_and_the_namespace_goes_if_it_was_ours() -> None:
    site = measure_site()
    measure(site)
    assert site.api.measured_pods == []
    assert "deletionTimestamp" in site.api.namespaces[MEASURED_IN]["metadata"]
    # The next node begins while the namespace still ends.
    assert "median_ms" in measure(site)["pod_start"]


def test_a_namespace_that_somebody_has_prepared_stays() -> None:
    site = measure_site()
    site.api.prepared(team="platform")
    site.api.refused = {"create Namespace": FORBIDDEN, "delete Namespace": FORBIDDEN}
    told = measure(site)
    assert "median_ms" in told["pod_start"]
    assert "left" not in told
    assert "deletionTimestamp" not in site.api.namespaces[MEASURED_IN]["metadata"]


def test_what_a_killed_measurement_has_left_is_removed_first_and_by_undo() -> None:
    for act in (measure, undo):
        site = measure_site()
        site.api.left_pod()
        assert "left" not in act(site)
        assert site.api.measured_pods == []
        assert site.api.most <= 5


def undo(site: MeasureSite) -> dict[str, Any]:
    answer = site.run(lambda: MeasureNode().undo(site.measuring()))
    assert isinstance(answer, dict)
    return answer


def test_pods_that_do_not_go_are_told_and_stop_nothing() -> None:
    site = measure_site()
    site.api.ends_s = 10**6
    told = measure(site)
    assert "median_ms" in told["pod_start"]
    assert "start-1" in told["left"]
    again = measure(site)
    assert "earlier measurement" in again["pod_start"]["not_measured"]
    assert again["use"]["memory_mib"] == 60.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda api: api.refused.update({"create Pod": FORBIDDEN}), "RP053 .*may not create pods"),
        (lambda api: api.refused.update({"create Namespace": LOST}), "RP065"),
        (lambda api: setattr(api, "warning", "ErrImageNeverPull"), "within 60 s; ErrImageNeverPull: no such"),
        (lambda api: setattr(api, "starts_s", [10**6]), "told of no start within 60 s$"),
        (lambda api: setattr(api, "pulls", True), "AlwaysPullImages"),
        (lambda api: setattr(api, "account_s", 10**6), "not ready for pods"),
    ],
)
def test_why_pods_were_not_measured_is_told_and_all_of_it_is_removed(change: Any, why: str) -> None:
    site = measure_site()
    change(site.api)
    told = measure(site)
    assert "median_ms" not in told["pod_start"]
    assert re.search(why, told["pod_start"]["not_measured"])
    assert site.api.measured_pods == []
    assert told["use"]["memory_mib"] == 60.0


def test_a_run_that_lost_its_lease_measures_nothing_and_waits() -> None:
    site = measure_site()
    site.api.refused = {"create Namespace": Hold("RP815", "the lease", "was not renewed", "It waits.")}
    with pytest.raises(Hold):
        measure(site)


# ---- memory and CPU


def test_memory_and_cpu_are_summed_over_daemons_and_shims() -> None:
    shims = program("/usr/bin/containerd-shim-runc-v2", 7, 35, 0.05)
    site = measure_site(programs=[program("/usr/bin/containerd", 1, 60, 0.2), shims])
    site.pod("web")
    told = measure(site)
    assert (told["use"]["memory_mib"], told["use"]["cpu_millicores"]) == (95.0, 25.0)
    assert (told["use"]["shims"], told["pods"], told["runtime"]) == (7, 1, "containerd://1.7.29")
    assert site.nodes.told == ["measure"]


def test_cpu_is_read_before_a_pod_is_started() -> None:
    site = measure_site()
    order: list[str] = []
    tell, create = site.nodes.tell, site.api.create

    async def told(*given: Any) -> Any:
        order.append("measure")
        return await tell(*given)

    async def created(*given: Any) -> Any:
        order.append("create")
        return await create(*given)

    site.nodes.tell, site.api.create = told, created  # type: ignore[assignment, method-assign]
    measure(site)
    assert order[0] == "measure"
    assert order.count("measure") == 1


def test_the_daemon_to_come_counts_only_after_the_swap() -> None:
    new = program("/opt/replank/containerd-2.3.5/containerd", 1, 40, 0.1)
    site = measure_site(programs=[program("/usr/bin/dockerd", 1, 80, 0.3), new])
    assert measure(site)["use"]["memory_mib"] == 80.0
    site.nodes.outcome, site.nodes.programs = "swapped", [new]
    assert measure(site, "after")["use"]["memory_mib"] == 40.0


@pytest.mark.parametrize("error", [NO_PYTHON, LOST])
def test_a_part_that_does_not_answer_stops_nothing(error: Refused | Transient) -> None:
    site = measure_site()
    site.nodes.broken = error
    told = measure(site)
    assert told["use"] == {"not_measured": f"{error.code} {error.reason}"}
    assert "median_ms" in told["pod_start"]


def test_no_process_of_a_runtime_is_no_figure_of_zero() -> None:
    assert "not_measured" in measure(measure_site(programs=[]))["use"]


@pytest.mark.parametrize(
    ("side", "outcome"), [("before", "swapped"), ("before", ""), ("after", "staged"), ("after", "undone")]
)
def test_a_side_is_measured_only_where_the_node_stands_on_it(side: str, outcome: str) -> None:
    """A run that is begun anew finds nodes swapped: theirs would be no figures of before."""
    site = measure_site()
    site.nodes.outcome = outcome
    told = measure(site, side)
    assert side in told["not_measured"]
    assert set(told) == {"side", "not_measured"}
    assert site.api.made == []
    assert site.nodes.told == []


def test_another_plans_swap_is_not_measured() -> None:
    site = measure_site()
    site.nodes.id = "swap-another"
    assert "not_measured" in measure(site)


def test_a_plan_of_another_shape_is_refused() -> None:
    site = measure_site()
    at = site.measuring()
    step = replace(at.step, params={**at.step.params, "side": "aside"})
    with pytest.raises(Refused) as raised:
        site.run(lambda: MeasureNode().apply(replace(at, step=step)))
    assert raised.value.code == "RP877"
