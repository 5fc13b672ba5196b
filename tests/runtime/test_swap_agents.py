"""Between the swaps of two nodes the log agents are judged anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest
from swap_site import Site
from test_swap_plan import on_containerd, planned

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.unknown import Unknown
from replank.domain.verdict import Verdict
from replank.inventory.log_agents.agent import LogAgent, LogInput, Place
from replank.migrations.runtime_swap.steps.agents import agents_ready
from replank.migrations.runtime_swap.steps.at import At
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.access import Access

BOTH = LogInput(
    name="containers",
    place=Place(source=None, key="fluent-bit.conf"),
    understood=("docker", "cri", "cri-stderr"),
    positions_on="node",
    joins=("docker", "cri"),
)
READY = LogAgent(
    kind="fluent-bit",
    namespace="logging",
    workload="DaemonSet/agent",
    container="agent",
    image="agent:1",
    inputs=(BOTH,),
)


def ready(*agents: LogAgent) -> Verdict:
    class Agents:
        async def read(self) -> tuple[LogAgent, ...]:
            return agents

    class Reached:
        log_agents = Agents()

    site = Site(plan=planned(snapshot_of(healthy_on_docker())))
    at = At(plan=site.plan, step=site.step("runtime.swap"), access=cast(Access, Reached()), before=None)
    return asyncio.run(agents_ready(at, {}))


@pytest.mark.parametrize("agents", [(), (READY,), (replace(READY, inputs=()),)])
def test_agents_that_read_both_formats_or_no_container_hold_nothing(agents: tuple[LogAgent, ...]) -> None:
    verdict = ready(*agents)
    assert (verdict.outcome, verdict.evidence) == ("pass", {"agents": len(agents)})


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (replace(BOTH, understood=("docker",)), "RP420"),
        (replace(BOTH, understood=Unknown("it includes a file that is not there")), "RP423"),
        (replace(BOTH, through="docker-api"), "RP420"),
    ],
)
def test_an_agent_that_was_changed_since_the_audit_stops_the_next_node(changed: LogInput, code: str) -> None:
    verdict = ready(READY, replace(READY, workload="DaemonSet/other", inputs=(changed,)))
    assert verdict.outcome == "fail"
    assert f"DaemonSet logging/other ({code})" in verdict.why
    assert "DaemonSet logging/agent" not in verdict.why
    assert "resume" in verdict.todo


def asked(plan: RuntimeSwapPlan) -> list[str]:
    steps: list[Any] = [step for stage in plan.stages for step in stage.steps]
    return [step.kind for step in steps if any(check.kind == "agents.ready" for check in step.before)]


def test_each_node_on_docker_is_asked_for_and_none_whose_format_stays() -> None:
    docker = planned(snapshot_of(healthy_on_docker()))
    assert asked(docker) == ["runtime.drain", "runtime.swap"] * len(docker.nodes)
    assert asked(planned(on_containerd())) == []
