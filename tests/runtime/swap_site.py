"""A node whose part is scripted, and an API with its pods, for the steps of a runtime swap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from test_swap_plan import on_containerd, planned

from replank.domain.errors import Hold, Refused, Transient
from replank.migrations.runtime_swap.steps.at import At
from replank.plan.model import Step
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.access import Access, Document, ObjectRef
from replank.ports.nodes import Parcel, Verb

SCHEMA = "replank-swap-status/1"


class Clock:
    """Virtual time."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeNodes:
    """The port `Nodes`. `ends`: how a started swap ends; `lost`: calls of `status` without a connection."""

    clock: Clock
    outcome: str = ""
    id: str = ""
    ends: str = "swapped"
    why: str = ""
    lasts_s: float = 5.0
    lost: int = 0
    rebooted: bool = False
    told: list[str] = field(default_factory=list)
    files: dict[str, Parcel] = field(default_factory=dict)
    _until: float = 0.0

    async def put(self, node: str, parcel: Parcel) -> bool:
        there = self.files.get(parcel.path)
        self.files[parcel.path] = parcel
        return there != parcel

    async def tell(self, node: str, verb: Verb) -> dict[str, Any]:
        self.told.append(verb)
        if verb == "stage":
            self.outcome = "staged"
        elif verb == "unstage":
            self.outcome = "undone"
        elif verb == "start":
            self.outcome, self._until = "switching", self.clock.now() + self.lasts_s
        elif verb == "undo":
            self.outcome = "undone"
        elif verb == "commit":
            self.outcome = "committed"
        return self._document()

    async def status(self, node: str) -> dict[str, Any] | None:
        if self.lost:
            self.lost -= 1
            raise Transient("RP065", "the connection", "was lost", "It is asked again.")
        if self.outcome == "switching" and self.clock.now() >= self._until:
            self.outcome = self.ends
        return self._document() if self.files or self.outcome else None

    def _document(self) -> dict[str, Any]:
        wrong = self.outcome in ("undone", "stuck") and bool(self.why)
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "id": self.id,
            "code": "RP495" if wrong else "",
            "why": self.why if wrong else "",
            "todo": "Mend what is named." if wrong else "",
            "working": self.outcome == "switching",
            "rebooted": self.rebooted,
        }


@dataclass
class FakeApi:
    """The workload cluster's pods and nodes. `budget`: evictions that it still refuses."""

    pods: list[Document] = field(default_factory=list)
    nodes: dict[str, Document] = field(default_factory=dict)
    budgets: list[Document] = field(default_factory=list)
    budget: int = 0
    evicted: list[str] = field(default_factory=list)

    async def list(self, api_version: str, kind: str, *_: Any, **__: Any) -> tuple[Document, ...]:
        listed = {
            ("v1", "Pod"): self.pods,
            ("v1", "Node"): self.nodes.values(),
            ("policy/v1", "PodDisruptionBudget"): self.budgets,
        }
        return tuple(listed[api_version, kind])

    async def get(self, ref: ObjectRef) -> Document | None:
        return self.nodes.get(ref.name)

    async def merge(self, ref: ObjectRef, patch: Document, **_: Any) -> Document:
        _merge(self.nodes[ref.name], patch)
        return self.nodes[ref.name]

    async def evict(self, ref: ObjectRef, *, uid: str) -> None:
        if self.budget:
            self.budget -= 1
            raise Hold("RP955", f"{ref.name} is not evicted yet", "the budget web allows none", "It waits.")
        self.evicted.append(ref.name)
        self.pods = [pod for pod in self.pods if pod["metadata"]["uid"] != uid]


def _merge(document: Document, patch: Document) -> None:
    """RFC 7396."""
    for key, value in patch.items():
        if value is None:
            document.pop(key, None)
        elif isinstance(value, dict):
            _merge(document.setdefault(key, {}), value)
        else:
            document[key] = value


@dataclass
class Site:
    """One node of a plan."""

    plan: RuntimeSwapPlan = field(default_factory=lambda: planned(on_containerd()))
    clock: Clock = field(default_factory=Clock)
    nodes: FakeNodes = field(init=False)
    api: FakeApi = field(default_factory=FakeApi)

    def __post_init__(self) -> None:
        node = self.plan.nodes[0]
        self.nodes = FakeNodes(self.clock, id=str(node.instructions["id"]))
        self.api.nodes[node.node] = {"metadata": {"name": node.node}, "spec": {}}

    @property
    def name(self) -> str:
        return self.plan.nodes[0].node

    def step(self, kind: str) -> Step:
        steps = [step for stage in self.plan.stages for step in stage.steps]
        return next(step for step in steps if step.kind == kind and step.params["node"] == self.name)

    def at(self, kind: str, before: Any = None) -> At:
        access = cast(Access, _Access(nodes=self.nodes, workload=self.api, clock=self.clock))
        return At(plan=self.plan, step=self.step(kind), access=access, before=before)

    def run(self, call: Callable[[], Any]) -> Any:
        return asyncio.run(call())

    def pod(self, name: str, owner: str = "ReplicaSet", **spec: Any) -> Document:
        """Adds one to the node."""
        owners = [{"kind": owner, "controller": True}] if owner else []
        pod = {
            "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}", "ownerReferences": owners},
            "spec": {"nodeName": self.name, **spec},
            "status": {"phase": "Running"},
        }
        self.api.pods.append(pod)
        return pod


@dataclass
class _Access:
    nodes: FakeNodes
    workload: FakeApi
    clock: Clock


__all__ = ["FakeApi", "FakeNodes", "Refused", "Site"]
