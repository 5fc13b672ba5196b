"""KubeadmControlPlane and MachineDeployment: how many Machines there are, and which version they have.

Source: cluster-api v1.14.0, controlplane/kubeadm/reconcilers/kubeadmcontrolplane (reconcilePreTerminateHook,
rollout with maxSurge 1) and core/reconcilers/machinedeployment (maxSurge 1, maxUnavailable 0).
"""

from __future__ import annotations

from replank.testbed.guarding import layout
from replank.testbed.guarding.machines import Machines
from replank.testbed.guarding.world import GuardedWorld
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import (
    DELETE_MACHINE,
    KCP_HOOK,
    PRE_TERMINATE,
    annotations_of,
)
from replank.testbed.simulation.objects import key_of


class Owners:
    """Both of them."""

    def __init__(self, world: GuardedWorld, machines: Machines) -> None:
        self.world = world
        self.machines = machines

    def tick(self) -> None:
        """Nothing moves while the Cluster is paused."""
        if not self.world.paused:
            self._control_planes()
            self._workers()

    def _control_planes(self) -> None:
        spec = self.world.one("KubeadmControlPlane", "cp")["spec"]
        machines = self.world.machines(control_plane=True)
        leaving = [machine for machine in machines if is_deleted(machine)]
        self._compare(machines, spec["version"])
        if leaving:
            self._clean_up(leaving, len(machines))
            return
        outdated = [machine for machine in machines if is_outdated(machine, spec["version"])]
        if not all(is_true(machine, "APIServerPodHealthy") for machine in machines):
            return
        if len(machines) < spec["replicas"] or (outdated and len(machines) == spec["replicas"]):
            self._make("cp", "control-plane", spec["version"])
        elif len(machines) > spec["replicas"]:
            self._delete((outdated or machines)[0])

    def _clean_up(self, leaving: list[Document], count: int) -> None:
        """The hook of its own, last of all, one Machine at a time: the etcd member goes, and with it the API
        server."""
        if any(KCP_HOOK not in annotations_of(machine) for machine in leaving):
            return
        oldest = min(leaving, key=lambda machine: str(machine["metadata"]["deletionTimestamp"]))
        others = [k for k in annotations_of(oldest) if k.startswith(PRE_TERMINATE) and k != KCP_HOOK]
        waits = condition_of(oldest, "Deleting").get("reason") == "WaitingForPreTerminateHook"
        if others or not waits or count <= 1:
            return
        for watcher in self.world.ending:
            watcher(oldest)
        server = self.world.server_of(oldest)
        if server is not None:
            server.answers = False
            self.world.etcd.discard(server.name)
        self.world.condition(oldest, "APIServerPodHealthy", False, "Failed")
        self.world.edit(
            self.world.management,
            oldest,
            lambda edit: edit["metadata"]["annotations"].pop(KCP_HOOK, None),
        )

    def _workers(self) -> None:
        deployment = self.world.one("MachineDeployment", "md")["spec"]
        version, replicas = deployment["template"]["spec"]["version"], deployment["replicas"]
        every = self.world.machines(control_plane=False)
        self._compare(every, version)
        live = [machine for machine in every if not is_deleted(machine)]
        old = [machine for machine in live if is_outdated(machine, version)]
        new = [machine for machine in live if not is_outdated(machine, version)]
        ready = [machine for machine in live if is_true(machine, "NodeReady")]
        if len(new) < replicas and len(live) < replicas + bool(old):
            self._make("worker", "worker", version)
        elif old and len(ready) > replicas and all(machine in ready for machine in new):
            self._delete(_first(old))
        elif not old and len(live) > replicas:
            self._delete(_first(live))

    def _compare(self, machines: list[Document], version: str) -> None:
        for machine in machines:
            outdated = is_outdated(machine, version)
            self.world.condition(machine, "UpToDate", not outdated, "NotUpToDate" if outdated else "UpToDate")

    def _make(self, prefix: str, role: str, version: str) -> None:
        name = f"{prefix}-{self.world.number()}x"
        machine = self.world.make(self.world.management, layout.machine(name, role, version, adopted=False))
        self.world.tell(f"Machine {name} is made")
        self.machines.boot(machine)

    def _delete(self, machine: Document) -> None:
        self.world.tell(f"Machine {machine['metadata']['name']} is deleted")
        self.world.management.delete(key_of(machine))


def is_deleted(machine: Document) -> bool:
    """Its deletion has begun."""
    return "deletionTimestamp" in machine["metadata"]


def is_outdated(machine: Document, version: str) -> bool:
    """Not of the version that its owner wants."""
    return bool(machine["spec"]["version"] != version)


def condition_of(machine: Document, kind: str) -> Document:
    """The condition, empty where there is none."""
    return next((c for c in machine["status"]["conditions"] if c["type"] == kind), {})


def is_true(machine: Document, kind: str) -> bool:
    """Whether it is."""
    return bool(condition_of(machine, kind).get("status") == "True")


def _first(machines: list[Document]) -> Document:
    """Chosen ones first, then by name."""
    return min(machines, key=lambda m: (DELETE_MACHINE not in annotations_of(m), m["metadata"]["name"]))
