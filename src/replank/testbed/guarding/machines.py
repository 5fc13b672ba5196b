"""The Machine controller and CAPO: how a Machine comes to its server and Node, and how both go.

Source: cluster-api v1.14.0, core/reconcilers/machine/machine_controller.go (reconcileDelete).
"""

from __future__ import annotations

from typing import Final

from replank.testbed.guarding import layout
from replank.testbed.guarding.project import Server
from replank.testbed.guarding.workload import Workload
from replank.testbed.guarding.world import GuardedWorld
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import (
    CONTROL_PLANE,
    PRE_DRAIN,
    PRE_TERMINATE,
    annotations_of,
    labels_of,
)
from replank.testbed.simulation.objects import key_of, stamp

_OLDER: Final = {
    "waitForPreDrainHookStartTime": "PreDrainDeleteHookSucceeded",
    "waitForPreTerminateHookStartTime": "PreTerminateDeleteHookSucceeded",
}


class Machines:
    """`boot` starts a Machine's life, `tick` goes on with the deletion of those that are deleted."""

    def __init__(self, world: GuardedWorld, workload: Workload) -> None:
        self.world = world
        self.workload = workload
        self._ending: set[str] = set()
        self._evicted_at: dict[str, float] = {}
        self.waits_since: dict[tuple[str, str], float] = {}
        """(uid, reason) -> when it began to wait so, whatever the Machine itself tells of it."""

    def boot(self, machine: Document) -> None:
        """Server, Node, and for a control plane the API server, one after another."""
        self.world.later(5, 15, self._served, machine)

    def _served(self, machine: Document) -> None:
        if self._stays(machine):
            server = self.world.project.boot(machine["metadata"]["name"])
            self.world.edit(self.world.management, machine, lambda edited: self.world.seat(edited, server))
            self.world.later(15, 40, self._joined, machine, server)

    def _joined(self, machine: Document, server: Server) -> None:
        if not self._stays(machine):
            return
        control_plane = CONTROL_PLANE in labels_of(machine)
        node = layout.node(server.name, server.id, control_plane=control_plane)
        self.world.make(self.world.workload, node)
        agent = layout.pod(f"agent-{server.name}", "agent", server.name, ("DaemonSet", "agent"), ready=True)
        self.world.make(self.world.workload, agent)
        reference = {"name": server.name}
        self.world.edit(self.world.management, machine, lambda e: e["status"].update(nodeRef=reference))
        if control_plane:
            self.world.etcd.add(server.name)
            self.world.later(2, 10, self._answers, machine, server)
        else:
            self.world.later(1, 5, self.world.condition, machine, "NodeReady", True)

    def _answers(self, machine: Document, server: Server) -> None:
        server.answers = self._stays(machine)
        if server.answers:
            self.world.later(1, 10, self.world.condition, machine, "APIServerPodHealthy", True)

    def _stays(self, machine: Document) -> bool:
        live = self.world.management.at(key_of(machine))
        return live is not None and "deletionTimestamp" not in live["metadata"]

    def tick(self) -> None:
        """Each deleted Machine goes one step, if nobody holds it. A paused Cluster's stay."""
        if self.world.paused:
            return
        for machine in self.world.machines():
            deleted = "deletionTimestamp" in machine["metadata"]
            if deleted and machine["metadata"]["uid"] not in self._ending:
                self._delete(machine)

    def _delete(self, machine: Document) -> None:
        hooks = annotations_of(machine)
        node = self._node(machine)
        started = (machine["metadata"]["uid"], "WaitingForPreTerminateHook") in self.waits_since
        if node:
            if any(key.startswith(PRE_DRAIN) for key in hooks):
                self._waits(machine, "WaitingForPreDrainHook", "waitForPreDrainHookStartTime")
                return
            if not started and not self._drained(machine, node):
                self._waits(machine, "DrainingNode", "nodeDrainStartTime")
                return
            if not started and self.world.scenario.waits_for_volumes and self._attached(node):
                self._waits(machine, "WaitingForVolumeDetach", "waitForNodeVolumeDetachStartTime")
                return
        if any(key.startswith(PRE_TERMINATE) for key in hooks):
            self._waits(machine, "WaitingForPreTerminateHook", "waitForPreTerminateHookStartTime")
            return
        self._end(machine)

    def _waits(self, machine: Document, reason: str, start: str) -> None:
        """`start`: of status.deletion; those of hooks are new in 1.14, and the older conditions are there in
        any version."""
        self.waits_since.setdefault((machine["metadata"]["uid"], reason), self.world.now)

        def change(edited: Document) -> None:
            status, now = edited["status"], stamp(self.world.now)
            if self.world.scenario.version != "1.13" or start not in _OLDER:
                status.setdefault("deletion", {}).setdefault(start, now)
            if kind := _OLDER.get(start):
                older = status.setdefault("deprecated", {"v1beta1": {"conditions": []}})["v1beta1"][
                    "conditions"
                ]
                if all(entry["type"] != kind for entry in older):
                    older.append({"type": kind, "status": "False", "lastTransitionTime": now})

        edited = self.world.edit(self.world.management, machine, change)
        if edited is not None:
            self.world.condition(edited, "Deleting", True, reason)

    def _node(self, machine: Document) -> str:
        """ "" where its Node must not be deleted: none, or the last control plane's."""
        name = (machine["status"].get("nodeRef") or {}).get("name", "")
        last = CONTROL_PLANE in labels_of(machine) and len(self.world.machines(control_plane=True)) == 1
        there = self.world.workload.get("", "Node", "", name) is not None
        return name if there and not last else ""

    def _drained(self, machine: Document, node: str) -> bool:
        live = self.world.workload.get("", "Node", "", node)
        if live is not None:
            self.world.edit(self.world.workload, live, lambda e: e["spec"].update(unschedulable=True))
        pods = self.workload.to_drain(node)
        uid = machine["metadata"]["uid"]
        if pods and self.world.now - self._evicted_at.get(uid, 0.0) >= 5.0:
            self._evicted_at[uid] = self.world.now
            for pod in pods:
                self.workload.evict(pod)
        return not pods

    def _attached(self, node: str) -> bool:
        return any(a["spec"]["nodeName"] == node for a in self.world.workload.all("VolumeAttachment"))

    def _end(self, machine: Document) -> None:
        """CAPO: floating IPs, server and ports; then the Node and the Machine."""
        for watcher in self.world.ending:
            watcher(machine)
        self.world.tell(f"termination of {machine['metadata']['name']}")
        self._ending.add(machine["metadata"]["uid"])
        server = self.world.server_of(machine)
        if server is not None:
            server.answers = False
            for ip in self.world.project.floating_on(server):
                del self.world.project.floating_ips[ip["id"]]
        self.world.later(3, 10, self._server_gone, machine)

    def _server_gone(self, machine: Document) -> None:
        server = self.world.server_of(machine)
        if server is not None:
            del self.world.project.servers[server.id]
        name = (machine["status"].get("nodeRef") or {}).get("name", "")
        self.world.later(1, 10, self._gone, machine, name)

    def _gone(self, machine: Document, node: str) -> None:
        if node:
            self.world.workload.delete(("", "Node", "", node))
        self.world.edit(
            self.world.management, machine, lambda edited: edited["metadata"].update(finalizers=[])
        )
        self.world.tell(f"{machine['metadata']['name']} is gone")
