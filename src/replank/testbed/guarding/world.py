"""The guarded cluster's world put together, and what those who act on it share."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from replank.testbed.guarding import layout
from replank.testbed.guarding.project import Project, Server
from replank.testbed.guarding.scenario import GuardScenario
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import CONTROL_PLANE, labels_of
from replank.testbed.simulation.objects import Objects, key_of, stamp
from replank.testbed.simulation.virtual_time import VirtualLoop

NOW: Final = datetime(2026, 11, 26, 9, 0, tzinfo=UTC).timestamp()
_ACTOR: Final = "controllers"
Watcher = Callable[[Document], None]


class GuardedWorld:
    """`watchers`: called with a pod before its eviction, and with a Machine before its API server or its
    server goes."""

    def __init__(self, scenario: GuardScenario, loop: VirtualLoop, tell: Callable[[str], None]) -> None:
        self.scenario = scenario
        self.loop = loop
        self.tell = tell
        self.chance = random.Random(f"{scenario.seed}/guarded world")  # noqa: S311  (a simulation)
        self.management = Objects("management", loop.time)
        self.workload = Objects("workload", loop.time)
        self.project = Project(loop.time, self.chance, monitored=scenario.monitored)
        self.etcd: set[str] = set()
        self.down: set[str] = set()
        self.evicting: list[Watcher] = []
        self.ending: list[Watcher] = []
        self._numbers = 0
        self._populate()

    @property
    def now(self) -> float:
        return self.loop.time()

    def number(self) -> int:
        """A new one, for names."""
        self._numbers += 1
        return self._numbers

    def later(self, least: float, most: float, act: Callable[..., object], *arguments: object) -> None:
        """After some seconds between these."""
        self.loop.call_later(self.chance.uniform(least, most), act, *arguments)

    def edit(self, store: Objects, document: Document, change: Callable[[Document], None]) -> Document | None:
        """Changes the object that stands there now; None where it is gone or another one."""
        live = store.at(key_of(document))
        if live is None or live["metadata"]["uid"] != document["metadata"]["uid"]:
            return None
        edited: Document = copied(live)
        change(edited)
        return live if edited == live else store.put(edited, _ACTOR, managers=store.managers[_uid(live)])

    def make(self, store: Objects, document: Document) -> Document:
        """A new object."""
        return store.create(document, _ACTOR, ())

    def condition(self, machine: Document, kind: str, status: bool, reason: str = "") -> Document | None:
        """Sets a Machine's condition."""

        def change(edited: Document) -> None:
            conditions = edited["status"].setdefault("conditions", [])
            entry = {"type": kind, "status": str(status), "reason": reason or kind}
            old = next((c for c in conditions if c["type"] == kind), None)
            if old is not None and all(old.get(field) == value for field, value in entry.items()):
                return
            entry |= {"message": "", "lastTransitionTime": stamp(self.now)}
            edited["status"]["conditions"] = [*(c for c in conditions if c["type"] != kind), entry]

        return self.edit(self.management, machine, change)

    def machines(self, *, control_plane: bool | None = None) -> list[Document]:
        """By name."""
        found = [
            machine
            for machine in self.management.all("Machine")
            if control_plane is None or (CONTROL_PLANE in labels_of(machine)) is control_plane
        ]
        return sorted(found, key=lambda machine: str(machine["metadata"]["name"]))

    def server_of(self, machine: Document) -> Server | None:
        """Its server, None before and after it has one."""
        return self.project.servers.get(machine["spec"].get("providerID", "").rpartition("/")[2])

    def one(self, kind: str, name: str, namespace: str = layout.NAMESPACE) -> Document:
        """An object that is always there."""
        store = self.workload if namespace == "apps" else self.management
        return next(d for d in store.all(kind, namespace) if d["metadata"]["name"] == name)

    @property
    def paused(self) -> bool:
        """The Cluster is."""
        return bool(self.one("Cluster", layout.CLUSTER)["spec"].get("paused"))

    def _populate(self) -> None:
        make = self.make
        for name in (layout.NAMESPACE, "apps"):
            for store in (self.management, self.workload):
                make(store, {"apiVersion": "v1", "kind": "Namespace", "metadata": layout.meta(name)})
        for document in layout.cluster():
            make(self.management, document)
        make(self.management, layout.guard(self._policy()))
        for number in range(5):
            role = "control-plane" if number < 3 else "worker"
            name = f"cp-{number}" if number < 3 else f"worker-{number - 3}"
            self._adopted(name, role)
        self._workloads()

    def _policy(self) -> dict[str, Any]:
        scenario = self.scenario
        drain = dict(scenario.drain)
        if scenario.window_opens_after:
            opens = datetime.fromtimestamp(NOW + scenario.window_opens_after, UTC)
            drain["window"] = {"opens": opens.strftime("%H:%M:%S"), "closes": "20:00"}
        pools = [{"id": layout.POOL, "port": layout.API_PORT, "subnetId": "subnet"}]
        return {"drain": drain, "terminate": dict(scenario.terminate), "pools": pools}

    def _adopted(self, name: str, role: str) -> None:
        machine = layout.machine(name, role, layout.OLD, adopted=True)
        server = self.project.boot(name, answers=role == "control-plane")
        self.seat(machine, server)
        machine["status"]["nodeRef"] = {"name": name}
        serves = "APIServerPodHealthy" if role == "control-plane" else "NodeReady"
        machine["status"]["conditions"] = [{"type": serves, "status": "True", "reason": "Ok"}]
        self.make(self.management, machine)
        self.make(self.workload, layout.node(name, server.id, control_plane=role == "control-plane"))
        if role == "control-plane":
            self.etcd.add(name)
            member = self.project.member(f"legacy-{name}", server.address, [])
            member["operating_status"] = "ONLINE" if self.scenario.monitored else "NO_MONITOR"
        if self.scenario.floating_ips and name in ("cp-0", "worker-0"):
            self.project.float_on(server, f"203.0.113.{len(self.project.floating_ips) + 7}")

    def seat(self, machine: Document, server: Server) -> None:
        """Ties a Machine's document to its server."""
        machine["spec"]["providerID"] = f"openstack:///{server.id}"
        machine["status"]["addresses"] = [{"type": "InternalIP", "address": server.address}]

    def _workloads(self) -> None:
        make, scenario = self.make, self.scenario
        apps: list[tuple[str, int, dict[str, Any]]] = [("web", 2, {}), ("solo", 1, {})]
        apps += [("kept", 1, {"surge": True}), ("data", 1, {"volume": "pv"})]
        if scenario.never:
            apps.append(("never", 1, {}))
        make(self.workload, layout.volume("pv", "volume-1"))
        make(self.workload, layout.budget("web", minAvailable=1))
        if self.chance.random() < 0.5:
            make(self.workload, layout.budget("kept", minAvailable=1))
        if scenario.never:
            make(self.workload, layout.budget("never", maxUnavailable=0))
        for app, replicas, more in apps:
            for document in layout.deployment(app, replicas, **more):
                make(self.workload, document)
        for app in ("web", "kept"):
            make(self.workload, layout.endpoints(app, {}))
        if scenario.bare:
            make(self.workload, layout.pod("bare", "bare", "worker-0", None, ready=True))
        for node in ("cp-0", "cp-1", "cp-2", "worker-0", "worker-1"):
            agent = layout.pod(f"agent-{node}", "agent", node, ("DaemonSet", "agent"), ready=True)
            make(self.workload, agent)


def _uid(document: Document) -> str:
    uid: str = document["metadata"]["uid"]
    return uid
