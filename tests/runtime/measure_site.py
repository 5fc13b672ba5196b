"""A node whose kubelet starts pods and tells of it, and whose part tells what the runtime uses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from swap_site import Clock, FakeApi, FakeNodes, Site
from test_swap_plan import SETTINGS, on_containerd, planned

from replank.domain.errors import ReplankError
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan.runtime_swap import MEASURED_IN
from replank.ports.access import Document, ObjectRef
from replank.ports.nodes import Verb

MEASURING = RuntimeSwapSettings(to=SETTINGS.to, bundle=SETTINGS.bundle, measure=True)


def program(path: str, processes: int, mib: float, cpu_s: float) -> dict[str, Any]:
    return {"program": path, "processes": processes, "pss_bytes": int(mib * 2**20), "cpu_seconds": cpu_s}


@dataclass
class MeasuredNodes(FakeNodes):
    """`programs`: what the part has read over ten seconds. `broken`: raised in place of an answer."""

    programs: list[dict[str, Any]] = field(default_factory=list)
    broken: ReplankError | None = None

    async def tell(self, node: str, verb: Verb) -> dict[str, Any]:
        if verb != "measure":
            return await super().tell(node, verb)
        self.told.append(verb)
        if self.broken is not None:
            raise self.broken
        await self.clock.sleep(10)
        return {**self._document(), "measured": {"seconds": 10.0, "programs": self.programs}}


@dataclass
class MeasuredApi(FakeApi):
    """An API server with its controllers and one kubelet.

    `starts_s`: how long each pod takes to start; then, as the kubelet does, an event is written at once.
    `ends_s`: how long one takes to end. `refused`: method -> what is raised. `account_s`: until a namespace
    has its account.
    """

    clock: Clock = field(default_factory=Clock)
    starts_s: list[float] = field(default_factory=lambda: [0.8])
    ends_s: float = 1.0
    account_s: float = 0.3
    warning: str = ""
    pulls: bool = False
    refused: dict[str, ReplankError] = field(default_factory=dict)
    namespaces: dict[str, Document] = field(default_factory=dict)
    made: list[Document] = field(default_factory=list)
    most: int = 0
    """Pods of a measurement that were there at one time."""
    _times: dict[str, float] = field(default_factory=dict)

    def prepared(self, **labels: str) -> None:
        """The namespace is there already."""
        self.namespaces[MEASURED_IN] = {"metadata": {"name": MEASURED_IN, "uid": "ns", "labels": labels}}
        self._times["ns"] = -1000.0

    def left_pod(self) -> None:
        """By a measurement that was killed."""
        self.prepared(**{"app.kubernetes.io/managed-by": "replank"})
        labels = {"app.kubernetes.io/managed-by": "replank"}
        meta = {"name": "start-1", "namespace": MEASURED_IN, "uid": "left", "labels": labels}
        self.pods.append({"metadata": meta, "spec": {"nodeName": "w-1", "containers": [{}]}})
        self._times["left"] = 0.0

    @property
    def measured_pods(self) -> list[Document]:
        return [pod for pod in self.pods if pod["metadata"]["namespace"] == MEASURED_IN]

    async def get(self, ref: ObjectRef) -> Document | None:
        self._refuse(f"get {ref.kind}")
        self._pass()
        if ref.kind == "Namespace":
            return deepcopy(self.namespaces.get(ref.name))
        if ref.kind == "ServiceAccount":
            made = self._times["ns"]
            return {} if self.clock.now() >= made + self.account_s else None
        return await super().get(ref)

    async def create(self, document: Document) -> Document:
        self._refuse(f"create {document['kind']}")
        if document["kind"] == "Namespace":
            self.namespaces[MEASURED_IN] = {"metadata": {**document["metadata"], "uid": "ns"}}
            self._times["ns"] = self.clock.now()
            return deepcopy(self.namespaces[MEASURED_IN])
        assert MEASURED_IN in self.namespaces, "a pod needs its namespace"
        assert await self.get(ObjectRef("v1", "ServiceAccount", MEASURED_IN, "default")) is not None
        new = deepcopy(document)
        new["metadata"]["uid"] = f"uid-{len(self.made)}"
        if self.pulls:
            new["spec"]["containers"][0]["imagePullPolicy"] = "Always"
        names = [pod["metadata"]["name"] for pod in self.measured_pods]
        assert new["metadata"]["name"] not in names
        self._times[new["metadata"]["uid"]] = self.clock.now()
        self.made.append(new)
        self.pods.append(new)
        self.most = max(self.most, len(self.measured_pods))
        return deepcopy(new)

    async def delete(self, ref: ObjectRef, *, uid: str) -> bool:
        self._refuse(f"delete {ref.kind}")
        thing = self.namespaces[ref.name] if ref.kind == "Namespace" else self._pod(uid)
        assert thing["metadata"]["uid"] == uid
        thing["metadata"].setdefault("deletionTimestamp", self.clock.now())
        return True

    async def list(self, api_version: str, kind: str, *given: Any, **named: Any) -> tuple[Document, ...]:
        self._pass()
        if kind == "Event":
            return tuple(self._events())
        found = await super().list(api_version, kind, *given, **named)
        namespace = given[0] if given else ""
        labels = given[1] if given[1:] else {}
        return tuple(
            each
            for each in found
            if (not namespace or each["metadata"].get("namespace") == namespace)
            and labels.items() <= each["metadata"].get("labels", {}).items()
        )

    def _events(self) -> list[Document]:
        events = []
        for number, pod in enumerate(self.made):
            about = {"involvedObject": {"uid": pod["metadata"]["uid"]}}
            if self.warning:
                events.append(about | {"type": "Warning", "reason": self.warning, "message": "no such image"})
            elif self.clock.now() >= self._times[pod["metadata"]["uid"]] + self._start_s(number):
                events.append(about | {"type": "Normal", "reason": "DNSConfigForming"})
                events.append(about | {"type": "Normal", "reason": "Started"})
        return events

    def _start_s(self, number: int) -> float:
        return self.starts_s[number % len(self.starts_s)]

    def _pod(self, uid: str) -> Document:
        return next(pod for pod in self.pods if pod["metadata"]["uid"] == uid)

    def _pass(self) -> None:
        """What was asked to end has ended after a while."""

        def over(thing: Document) -> bool:
            deleted = thing["metadata"].get("deletionTimestamp")
            return isinstance(deleted, float) and self.clock.now() >= deleted + self.ends_s

        self.pods = [pod for pod in self.pods if not over(pod)]
        self.namespaces = {n: place for n, place in self.namespaces.items() if not over(place)}

    def _refuse(self, call: str) -> None:
        if call in self.refused:
            raise self.refused[call]


@dataclass
class MeasureSite(Site):
    """One node of a plan that measures."""

    programs: list[dict[str, Any]] = field(
        default_factory=lambda: [program("/usr/bin/containerd", 1, 60, 0.2)]
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        node = self.plan.nodes[0]
        self.nodes: MeasuredNodes = MeasuredNodes(
            self.clock, id=str(node.instructions["id"]), outcome="staged", programs=self.programs
        )
        self.api: MeasuredApi = MeasuredApi(clock=self.clock)
        info = {"nodeInfo": {"containerRuntimeVersion": node.runtime}}
        self.api.nodes[node.node] = {"metadata": {"name": node.node}, "spec": {}, "status": info}

    def measuring(self, side: str = "before") -> Any:
        """The plan's step."""
        at = self.at("runtime.measure")
        steps = [step for stage in self.plan.stages for step in stage.steps]
        (step,) = [s for s in steps if s.params.get("side") == side and s.params["node"] == self.name]
        return type(at)(plan=at.plan, step=step, access=at.access, before=None)


def measure_site(**given: Any) -> MeasureSite:
    return MeasureSite(plan=planned(on_containerd(), MEASURING), **given)
