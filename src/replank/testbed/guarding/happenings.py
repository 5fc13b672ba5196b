"""What people and the world do to a guarded cluster, at the times of its scenario."""

from __future__ import annotations

from collections.abc import Callable

from replank.guards.names import SURGED
from replank.testbed.guarding import layout
from replank.testbed.guarding.owners import is_deleted
from replank.testbed.guarding.scenario import Happening
from replank.testbed.guarding.workload import Workload
from replank.testbed.guarding.world import GuardedWorld
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import labels_of
from replank.testbed.simulation.objects import key_of


class Happenings:
    """`begin` sets the timers. `open`: how many have not ended. `quiet_since`: end of the last trouble."""

    def __init__(self, world: GuardedWorld, workload: Workload) -> None:
        self.world = world
        self.workload = workload
        self.open = 0
        self.quiet_since = world.now

    def begin(self) -> None:
        """All of the scenario."""
        scenario = self.world.scenario
        for at, what in scenario.happenings:
            self.open += 1
            self.world.loop.call_later(at, self._happen, what)
        self.open += 1
        self.world.loop.call_later(scenario.cured_after, self._cure)

    def _happen(self, what: Happening) -> None:
        self.world.tell(f"happens: {what}")
        self.open -= 1
        match what:
            case "control-planes-roll":
                self._set("KubeadmControlPlane", "cp", lambda spec: spec.update(version=layout.NEW))
            case "workers-roll":
                self._set("MachineDeployment", "md", _to_new_version)
            case "worker-more" | "worker-less":
                by = 1 if what == "worker-more" else -1
                self._set("MachineDeployment", "md", lambda s: s.update(replicas=max(1, s["replicas"] + by)))
            case "worker-deleted" | "workers-deleted":
                self._delete(control_plane=False, count=1 if what == "worker-deleted" else 2)
            case "control-plane-deleted":
                self._delete(control_plane=True, count=1)
            case "paused":
                self._set("Cluster", layout.CLUSTER, lambda spec: spec.update(paused=True))
                self._ends(60, 200, "Cluster")
            case "workload-out" | "cloud-out" | "management-out":
                self.world.down.add(what.removesuffix("-out"))
                self._ends(20, 150, what.removesuffix("-out"))
            case "deployment-reverted":
                self._revert()
            case "load-balancer-busy":
                self.world.project.busy(self.world.chance.uniform(20, 90))

    def _ends(self, least: float, most: float, what: str) -> None:
        self.open += 1
        self.world.later(least, most, self._over, what)

    def _over(self, what: str) -> None:
        self.world.tell(f"over: {what}")
        self.open -= 1
        self.quiet_since = self.world.now
        if what == "Cluster":
            self._set("Cluster", layout.CLUSTER, lambda spec: spec.update(paused=False))
        self.world.down.discard(what)

    def _set(self, kind: str, name: str, change: Callable[[Document], None]) -> None:
        found = self.world.one(kind, name)
        self.world.edit(self.world.management, found, lambda edited: change(edited["spec"]))

    def _delete(self, *, control_plane: bool, count: int) -> None:
        machines = [m for m in self.world.machines(control_plane=control_plane) if not is_deleted(m)]
        if control_plane and len(machines) < 3:
            return  # nobody in their senses does
        for machine in self.world.chance.sample(machines, min(count, len(machines))):
            self.world.tell(f"Machine {machine['metadata']['name']} is deleted by hand")
            self.world.management.delete(key_of(machine))

    def _revert(self) -> None:
        """GitOps writes the number of its repository again."""
        for deployment in list(self.world.workload.all("Deployment")):
            if SURGED in labels_of(deployment):
                self.world.edit(self.world.workload, deployment, lambda e: e["spec"].update(replicas=1))

    def _cure(self) -> None:
        self.world.tell("the owners of what holds drains mend it")
        self.open -= 1
        self.quiet_since = self.world.now
        store = self.world.workload
        for app in ("never", "kept") if self.world.scenario.policy().drain.surge == "never" else ("never",):
            store.delete(("policy", "PodDisruptionBudget", "apps", app))
        for pod in self.workload.pods("bare"):
            self.world.edit(store, pod, lambda edited: edited["metadata"].pop("finalizers", None))
            store.delete(key_of(pod))


def _to_new_version(spec: Document) -> None:
    spec["template"]["spec"]["version"] = layout.NEW
