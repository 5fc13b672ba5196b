"""A cluster that was taken over, with simulated controllers, and a plan that brings it in line."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from replank.domain.unknown import Unknown
from replank.engine.patience import Patience
from replank.engine.step_run import StepRun
from replank.engine.walk import walk
from replank.inventory.cluster_api.controlled_objects import controlled
from replank.inventory.facts.openstack import Image, OpenStackFacts
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.inventory.runtime.versions import Version
from replank.journal.event import SCHEMA, Direction, Event
from replank.migrations.runtime_swap.align_stage import aligning
from replank.migrations.runtime_swap.cluster_api.alignment import decide
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.migrations.runtime_swap.steps.registry import runtime_swap_registry
from replank.plan.model import Step
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.journal import Run
from replank.testbed.simulation.documents import copied
from replank.testbed.simulation.explore import Simulation
from replank.testbed.simulation.faults import Chaos, FaultyJournal, ProcessDeath, faulty
from replank.testbed.simulation.journal import MemoryJournal
from replank.testbed.simulation.scenario import Scenario
from replank.testbed.simulation.shapes import NOW, SHAPES
from replank.testbed.simulation.virtual_time import VirtualLoop
from replank.testbed.simulation.worlds import SimulatedWorld

Document = dict[str, Any]
IMAGE: Final = Image(id="11111111-2222-4333-8444-555555555555", name="containerd-2", status="active")
DOCKER: Final = "unix:///var/run/cri-dockerd.sock"
PATIENCE: Final = Patience(poll_s=4.0, gate_s=150.0, hold_s=300.0, attempts=6)
_ADOPTED_S: Final = 7200.0
_FACTS: Final = ("Machine", "MachineSet", "OpenStackServer")


@dataclass(frozen=True)
class _Settled:
    """What a finished takeover left in the simulated systems."""

    management: dict[Any, Document]
    workload: dict[Any, Document]
    cloud: dict[str, Any]
    credentials: dict[str, Any]
    etcd: dict[str, Any]


@cache
def _settled(shape: str) -> _Settled:
    simulation = Simulation(Scenario(seed=1, shape=shape))
    outcome = simulation.go()
    assert outcome.status == "done", str(outcome)
    world = simulation.world
    return _Settled(
        copied(world.management.documents),
        copied(world.workload.documents),
        copied(dict(world.cloud.project.collections)),
        copy.deepcopy(dict(world.cloud.credentials)),
        copy.deepcopy(dict(world.etcd.members)),
    )


def on_docker(document: Document) -> None:
    """Its kubelets are told of Docker, by socket and by arguments that are gone since."""
    at = {"KubeadmControlPlane": ["kubeadmConfigSpec"], "KubeadmConfigTemplate": ["template", "spec"]}
    spec = document["spec"]
    for part in at.get(document["kind"], []):
        spec = spec[part]
    for name in ("initConfiguration", "joinConfiguration"):
        if name in spec:
            node = spec[name].setdefault("nodeRegistration", {})
            node["criSocket"] = DOCKER
            node["kubeletExtraArgs"] = [
                {"name": "container-runtime", "value": "remote"},
                *node.get("kubeletExtraArgs", []),
                {"name": "container-runtime-endpoint", "value": DOCKER},
            ]


@dataclass
class World:
    """`seed`: how controllers race. `bend`: changes each object before anything runs."""

    shape: str = "1+1"
    seed: int = 1
    bend: Callable[[Document], None] | None = None
    trace: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop = VirtualLoop(NOW.timestamp() + _ADOPTED_S)
        self.world = SimulatedWorld(SHAPES[self.shape], self.loop, self.seed, self.trace.append)
        left, world = _settled(self.shape), self.world
        world.management.documents = copied(left.management)
        world.workload.documents = copied(left.workload)
        collections = world.cloud.project.collections
        collections.clear()
        collections.update(copied(left.cloud))
        world.cloud.credentials.update(copy.deepcopy(left.credentials))
        world.etcd.members.clear()
        world.etcd.members.update(copy.deepcopy(left.etcd))
        world.management._minted, world.management._version = 500_000, 900_000
        world.cache.refresh()
        for document in world.management.documents.values():
            if self.bend is not None and document["kind"].startswith("Kubeadm"):
                self.bend(document)
        self.before = self.picture()
        world.management.observers.append(self._watch)
        self.plan = self.planned()
        self.journal = MemoryJournal()
        self.chaos = Chaos(random.Random(self.seed), self.trace.append)
        self.access = faulty(world.access(endpoint="127.0.0.1:6443"), self.chaos)
        self.begun = False

    def planned(self, image: str = IMAGE.id) -> RuntimeSwapPlan:
        snapshot = self.snapshot()
        settings = RuntimeSwapSettings(to=Version(2, 3, 5), bundle=(), image=image)
        found = decide(snapshot, settings)
        assert found.part is not None
        return RuntimeSwapPlan(
            migration="runtime-swap",
            cluster=snapshot.cluster,
            made_by="replank",
            snapshot_sha256="",
            kubernetes_version="v1.34.4",
            ready=True,
            settings={},
            findings=found.findings,
            points_of_no_return=(),
            stages=aligning(found.part),
            to="containerd 2.3.5",
            bundle=(),
            nodes=(),
            ship_first=(),
            cluster_api=found.part,
        )

    def snapshot(self) -> Snapshot:
        snapshot = SHAPES[self.shape].snapshot()
        cloud = snapshot.infrastructure.openstack
        assert isinstance(cloud, OpenStackFacts)
        facts = controlled(self.objects(), snapshot.cluster, snapshot.cluster, "v1.14.0")
        return replace(
            snapshot,
            infrastructure=Infrastructure(openstack=replace(cloud, images=(IMAGE,))),
            runtimes=RuntimeFacts(nodes=(), cluster=Unknown("not asked"), cluster_api=facts),
        )

    def objects(self) -> dict[str, Document]:
        """`Kind/name` -> everything of Cluster API in the cluster's namespace."""
        return {
            f"{d['kind']}/{d['metadata']['name']}": d
            for key, d in self.world.management.documents.items()
            if key[0].endswith("cluster.x-k8s.io") and key[2] == SHAPES[self.shape].spec.name
        }

    def documents(self, kind: str) -> dict[str, Document]:
        found = self.world.management.all(kind)
        return {document["metadata"]["name"]: document for document in found}

    def walk(self, direction: Direction, faults: dict[int, Any] | None = None, lives: int = 8) -> str:
        """Until it ends, through so many deaths of the process."""
        self.chaos.at, self.chaos.points = dict(faults or {}), []

        async def live() -> str:
            for life in range(lives):
                self.chaos.dead = False
                status = await self._life(direction, life)
                if status != "died":
                    await asyncio.sleep(120)
                    return status
                await asyncio.sleep(30)
            return "died"

        return run_on(self.loop, live())

    def rest(self, seconds: float = 300) -> None:
        run_on(self.loop, asyncio.sleep(seconds))

    async def _life(self, direction: Direction, life: int) -> str:
        if not self.begun:
            self.begun = True
            await self.journal.start(
                Run(
                    id="run",
                    cluster=self.plan.cluster,
                    plan_sha256="",
                    plan="",
                    fleet="fleet.yaml",
                    started_at=self.loop.time(),
                    holder="test",
                    schema=SCHEMA,
                )
            )
            await self._note("run-started", direction, plan_sha256="", holder="t", until="", version=SCHEMA)
        await self._note("resumed", direction, holder="test")
        steps = StepRun(
            run_id="run",
            plan=self.plan,
            access=self.access,
            registry=runtime_swap_registry(),
            journal=FaultyJournal(self.journal, self.chaos),
            patience=PATIENCE,
            chance=random.Random(life),
        )
        try:
            ended = await walk(
                steps,
                self.plan,
                self.journal,
                "run",
                direction=direction,
                goal="",
                before_step=_on,
            )
        except ProcessDeath:
            return "died"
        return str(ended)

    async def _note(self, kind: Any, direction: Direction, **data: Any) -> None:
        await self.journal.append(
            "run", Event(at=self.loop.time(), kind=kind, direction=direction, data=data)
        )

    def refusal(self) -> str:
        events = run_on(self.loop, self.journal.events("run"))
        return next((str(e.data["code"]) for e in reversed(events) if e.kind == "step-refused"), "")

    def picture(self) -> dict[str, Any]:
        """spec and annotations of everything of Cluster API."""
        return {
            f"{d['kind']}/{d['metadata']['name']}": copied(
                (d.get("spec"), d["metadata"].get("annotations") or {})
            )
            for key, d in self.world.management.documents.items()
            if key[0].endswith("cluster.x-k8s.io")
        }

    def _watch(self, old: Document | None, new: Document | None) -> None:
        document = new or old or {}
        if document["kind"] not in _FACTS:
            return
        name = f"{document['kind']} {document['metadata']['name']}"
        if old is None:
            self.broken.append(f"{name} was made")
        elif new is None or new["metadata"].get("deletionTimestamp"):
            self.broken.append(f"{name} goes")


async def _on(_: Step) -> None:
    """Nobody stops it."""


def run_on(loop: VirtualLoop, what: Any) -> Any:
    """More than once on one loop, whose time goes on."""
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(asyncio.wait_for(what, 86_400))
