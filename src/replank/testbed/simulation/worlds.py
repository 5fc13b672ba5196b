"""One cluster's world put together: documents, ports, controllers, and pictures of it for comparison."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from replank.ports.access import Access, CloudLogin
from replank.testbed.simulation.clock import VirtualClock
from replank.testbed.simulation.cloud import SimulatedCloud
from replank.testbed.simulation.controllers import Cache, Controllers, Plane
from replank.testbed.simulation.controllers.plane import difference
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.etcd import Etcd
from replank.testbed.simulation.hosts import SimulatedHosts
from replank.testbed.simulation.judge import SimulatedJudge
from replank.testbed.simulation.kube import SimulatedKube
from replank.testbed.simulation.kubeconfigs import Door
from replank.testbed.simulation.objects import Objects
from replank.testbed.simulation.project import OpenStack
from replank.testbed.simulation.shapes import Shape
from replank.testbed.simulation.states import SimulatedStates, State
from replank.testbed.simulation.virtual_time import VirtualLoop

_CHANGES_BY_ITSELF = ("resourceVersion", "generation", "managedFields")


class SimulatedWorld:
    """Starts as the twin of `shape` is. `seed` decides how the controllers race."""

    def __init__(self, shape: Shape, loop: VirtualLoop, seed: int, tell: Callable[[str], None]) -> None:
        twin = shape.world()
        cluster = twin.clusters[0]
        management = twin.management
        if management is None:
            raise ValueError("the twin has no management cluster")
        self.shape = shape
        self.loop = loop
        self.tell = tell
        self.machines = cluster.machines
        self.planted = tuple(twin.planted_secrets)
        now = loop.time
        self.management = Objects.of("management", management.objects, now)
        self.workload = Objects.of("workload", cluster.api.objects, now)
        project = replace(twin.projects[0], collections=copied(twin.projects[0].collections))
        self.cloud = OpenStack(project, now)
        self.etcd = Etcd.of(cluster.machines)
        self.states = {
            (path, "default"): State.of(document, path, configured=False)
            for path, document in cluster.state_files.items()
        }
        chance = random.Random(f"{seed}/controllers")  # noqa: S311  (a simulation)
        self.plane = Plane(self.management, self.cloud, self.workload, self.etcd, chance, tell)
        self.cache = Cache(self.management)
        self.controllers = Controllers(self.plane, self.cache)
        self._clock = VirtualClock(loop)
        self._login = CloudLogin(
            auth_url="https://cloud.example.org:5000/v3",
            region=project.region,
            interface="public",
            cacert="",
            project_id=project.project_id,
        )
        self._doors = (Door(cluster.api.ca_cert), replace(cluster.api), replace(management))
        self._handle: asyncio.TimerHandle | None = None
        for store in (self.management, self.workload):
            store.observers.append(lambda _old, _new: self._poke())
        self.cloud.observers.append(lambda _verb, _kind, _id: self._poke())

    def access(self, *, endpoint: str) -> Access:
        """The ports. `endpoint`: host and port at which the workload cluster answers."""
        door, workload, management = self._doors
        return Access(
            cloud=SimulatedCloud(self.cloud, self._login),
            management=SimulatedKube(self.management, management),
            workload=SimulatedKube(self.workload, workload, door.at(endpoint, self.loop.time)),
            hosts=SimulatedHosts(self.machines, self.etcd, self.loop.time),
            states=SimulatedStates(self.states),
            judge=SimulatedJudge(),
            clock=self._clock,
        )

    def fall_behind(self, kind: str, seconds: float) -> None:
        """CAPO's watch of a kind stalls for a while."""
        self.cache.refresh()
        self.cache.fall_behind(kind, seconds)
        self._poke()

    def picture(self) -> dict[str, Any]:
        """Everything that an undo must restore, by path; equal pictures are equal worlds."""
        found: dict[str, Any] = {}
        for store in (self.management, self.workload):
            for (group, kind, namespace, name), document in store.documents.items():
                found[f"{store.name}/{group}/{kind}/{namespace}/{name}"] = _without_versions(document)
        for service, collections in self.cloud.project.collections.items():
            for collection, documents in collections.items():
                for index, document in enumerate(documents):
                    found[f"{service}/{collection}/{document.get('id', index)}"] = copied(document)
        for credential in self.cloud.credentials.values():
            found[f"credential/{credential['name']}"] = True
        for name, member in self.etcd.members.items():
            found[f"etcd/{name}"] = str(member)
        for (source, workspace), state in self.states.items():
            found[f"state/{source}/{workspace}"] = (dict(sorted(state.resources.items())), state.locked_by)
        return found

    def _poke(self) -> None:
        """Something was written: the controllers look soon."""
        if self._handle is None:
            self._handle = self.loop.call_later(self.plane.chance.uniform(0.02, 0.9), self._act)

    def _act(self) -> None:
        self._handle = None
        if not self.controllers.act():
            self._poke()
        elif self.plane.due != float("inf"):
            wait = max(0.1, self.plane.due - self.loop.time())
            self._handle = self.loop.call_later(wait, self._act)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is there, gone or other, in words."""
    found = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            found.append(f"{path} is gone")
        elif path not in before:
            found.append(f"{path} is left")
        elif before[path] != after[path]:
            was, now = before[path], after[path]
            if isinstance(was, dict) and isinstance(now, dict):
                now, was = difference(was, now), difference(now, was)
            found.append(f"{path} differs: now {now}, was {was}"[:600])
    return found


def _without_versions(document: Document) -> Document:
    meta = {k: v for k, v in document["metadata"].items() if k not in _CHANGES_BY_ITSELF}
    return {**document, "metadata": meta}
