"""Runs of a small runtime swap that measures, as the engine journals them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from run_story import BEGIN

from replank.journal.event import Direction, Event
from replank.migrations.runtime_swap.measure_steps import measured
from replank.plan.draft import Draft, stage
from replank.plan.model import Step, Undo
from replank.plan.runtime_swap import PlannedNode, RuntimeSwapPlan

OLD, NEW = "containerd://1.7.29", "containerd://2.3.5"
NAMES = ("shop-worker-1", "shop-control-plane-1")


def node(name: str) -> PlannedNode:
    return PlannedNode(
        node=name,
        role="worker",
        address="10.0.0.21",
        strategy="in-place",
        runtime=OLD,
        to=NEW,
        instructions={"id": "swap-1"},
    )


def swap_plan(*names: str) -> RuntimeSwapPlan:
    nodes = tuple(node(name) for name in names or NAMES)
    undo = Undo(kind="runtime.undo", says="The old daemon runs again.")
    return RuntimeSwapPlan(
        migration="runtime-swap",
        cluster="shop",
        made_by="replank 0.1.0",
        snapshot_sha256="0" * 64,
        kubernetes_version="v1.35.4",
        ready=True,
        settings={"measure": True},
        findings=(),
        points_of_no_return=(),
        stages=tuple(
            stage(
                f"swap-{each.node}",
                f"Swap {each.node}",
                "The daemon is restarted.",
                "The node serves.",
                measured(
                    each,
                    "registry.k8s.io/pause:3.9",
                    "",
                    [
                        Draft(
                            slug="swap",
                            kind="runtime.swap",
                            says=f"Swap {each.node}",
                            params={"node": each.node},
                            undo=undo,
                        )
                    ],
                ),
            )
            for each in nodes
        ),
        to="containerd 2.3.5",
        bundle=(),
        nodes=nodes,
        ship_first=(),
    )


def answer(
    side: str, start: float = 812, memory: float = 95.5, cpu: float = 40.0, **more: Any
) -> dict[str, Any]:
    """What a step `runtime.measure` answers."""
    return {
        "side": side,
        "runtime": OLD if side == "before" else NEW,
        "pods": 12,
        "pod_start": {"median_ms": start, "each_ms": [start] * 5},
        "use": {"memory_mib": memory, "cpu_millicores": cpu, "seconds": 10.0},
        **more,
    }


@dataclass
class SwapStory:
    """Events in order. `answers`: (node, side) -> what its measurement answers."""

    plan: RuntimeSwapPlan
    answers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def tell(self, kind: Any, step: str = "", direction: Direction = "apply", /, **data: Any) -> SwapStory:
        at = BEGIN + 3.0 * len(self.events)
        self.events.append(Event(at=at, kind=kind, direction=direction, step=step, data=data))
        return self

    def do(self, step: Step) -> SwapStory:
        self.tell("step-started", step.id, attempt=1).tell("found", step.id, before=None)
        key = (str(step.params.get("node")), str(step.params.get("side")))
        self.tell("applied", step.id, evidence=self.answers.get(key, {"window_s": 0.7}), receipts=[])
        return self.tell("step-done", step.id, already=False)

    def apply(self, steps: int = 100) -> SwapStory:
        self.tell("run-started", plan_sha256="ab" * 32, holder="ana@ops-1", until="", version="replank 0.1.0")
        every = [step for each in self.plan.stages for step in each.steps]
        for step in every[:steps]:
            self.do(step)
        return self.tell("run-done", until="") if steps >= len(every) else self
