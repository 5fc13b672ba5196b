"""What must hold after every event of a guarded cluster's life, and at its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from replank.guards.names import CONDITION, GOING_TAINT, PRE_DRAIN, PRE_TERMINATE, SURGED
from replank.guards.policy import Policy
from replank.guards.read.documents import seconds
from replank.guards.work.round import Rounded
from replank.testbed.guarding.happenings import Happenings
from replank.testbed.guarding.lives import Lives
from replank.testbed.guarding.machines import Machines
from replank.testbed.guarding.owners import condition_of, is_deleted, is_true
from replank.testbed.guarding.workload import Workload, is_ready, is_surging
from replank.testbed.guarding.world import NOW, GuardedWorld
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import annotations_of, labels_of

_HOOKS: Final = (PRE_DRAIN, PRE_TERMINATE)
_SILENT_S: Final = 400.0
"""Within that every Machine that waits for us says why: rounds may fail some times in a row."""


class Invariants:
    """`broken`: in words. `forced`: Machines let go at a deadline: what they held may be lost."""

    def __init__(
        self,
        world: GuardedWorld,
        workload: Workload,
        machines: Machines,
        lives: Lives,
        happenings: Happenings,
    ) -> None:
        self.world = world
        self.workload = workload
        self.machines = machines
        self.lives = lives
        self.happenings = happenings
        self.policy: Policy = world.scenario.policy()
        self.broken: list[str] = []
        self.forced: set[str] = set()
        self._guarded: set[str] = set()

    def watch(self) -> None:
        """From now on."""
        self.world.management.observers.append(self._written)
        self.world.ending.append(self._ending)
        self.lives.rounds.append(self._round)

    def tick(self) -> None:
        """Whenever time has passed."""
        if not self.world.project.living():
            self._broken("the pool has no living member")
        for deployment in self.world.workload.all("Deployment"):
            name = deployment["metadata"]["name"]
            if self._keeps(name) and not self.forced and not any(map(is_ready, self.workload.pods(name))):
                self._broken(f"Deployment {name} has no ready pod")
        for machine in self.world.machines():
            self._speaks(machine)

    def at_end(self) -> Iterator[str]:
        """What is not as it should be when all is done; nothing = settled."""
        machines = self.world.machines()
        for machine in machines:
            if is_deleted(machine):
                yield f"{machine['metadata']['name']} is still there"
            elif not all(hook in annotations_of(machine) for hook in _HOOKS):
                yield f"{machine['metadata']['name']} has no hooks"
        for control_plane, owner in ((True, "KubeadmControlPlane/cp"), (False, "MachineDeployment/md")):
            spec = self.world.one(*owner.split("/"))["spec"]
            wanted = spec.get("version") or spec["template"]["spec"]["version"]
            own = self.world.machines(control_plane=control_plane)
            serves = "APIServerPodHealthy" if control_plane else "NodeReady"
            right = [m for m in own if m["spec"]["version"] == wanted and is_true(m, serves)]
            if not len(right) == len(own) == spec["replicas"]:
                yield f"{owner} has not got what it wants"
        yield from self._pool_at_end()
        for node in self.world.workload.all("Node"):
            if any(taint["key"] == GOING_TAINT for taint in node["spec"]["taints"]):
                yield f"Node {node['metadata']['name']} carries the taint still"
        for deployment in self.world.workload.all("Deployment"):
            if SURGED in labels_of(deployment) or deployment["spec"]["replicas"] > 2:
                yield f"Deployment {deployment['metadata']['name']} is surged still"
        lost = len(self.world.project.floating_ips) < 2 * self.world.scenario.floating_ips
        if lost and self.policy.terminate.floating_ips == "keep" and not self.forced:
            yield "a floating IP is lost"

    def _pool_at_end(self) -> Iterator[str]:
        serving = {
            machine["status"]["addresses"][0]["address"]
            for machine in self.world.machines(control_plane=True)
            if is_true(machine, "APIServerPodHealthy")
        }
        members = sorted(member["address"] for member in self.world.project.members.values())
        if members != sorted(serving):
            yield f"the pool holds {members}, and {sorted(serving)} serve"

    def _broken(self, what: str) -> None:
        if what not in self.broken:
            self.world.tell(f"BROKEN: {what}")
            self.broken.append(what)

    def _written(self, old: Document | None, new: Document | None) -> None:
        document = new or old
        if document is None or document["kind"] != "Machine":
            return
        had = set() if old is None else set(annotations_of(old)) & set(_HOOKS)
        has = set() if new is None else set(annotations_of(new)) & set(_HOOKS)
        if old is not None and new is not None and is_deleted(old) and has - had:
            self._broken(f"{new['metadata']['name']} got hooks while it is deleted")
        if old is not None and new is not None:
            for hook in had - has:
                self._released(old, hook)
        if new is not None and PRE_TERMINATE in had and is_deleted(new):
            self._guarded.add(new["metadata"]["uid"])

    def _released(self, machine: Document, hook: str) -> None:
        self.world.tell(f"released: {hook.partition('.')[0]} of {machine['metadata']['name']}")
        draining = hook == PRE_DRAIN
        wanted = self.policy.drain if draining else self.policy.terminate
        reason = "WaitingForPreDrainHook" if draining else "WaitingForPreTerminateHook"
        since = self.machines.waits_since.get((machine["metadata"]["uid"], reason))
        # Kubernetes tells times in whole seconds.
        late = since is not None and self.world.now - since >= wanted.deadline_seconds - 1
        may_force = wanted.on_deadline in ("force", "release")
        why = list(self._before_drain(machine) if draining else self._before_termination(machine))
        if why and late and may_force:
            self.forced.add(machine["metadata"]["name"])
        elif why:
            self._broken(
                f"{machine['metadata']['name']}: {hook.partition('.')[0]} released: {'; '.join(why)}"
            )
        if draining and self.world.now < self._opens():
            self._broken(f"{machine['metadata']['name']} let go outside of the window")
        if not draining and not self._others_live(machine):
            self._broken(f"{machine['metadata']['name']} let go, the last that lives")

    def _opens(self) -> float:
        after = self.world.scenario.window_opens_after
        moment = datetime.fromtimestamp(NOW + after, UTC).replace(microsecond=0)
        return moment.timestamp() if after else 0.0

    def _before_drain(self, machine: Document) -> Iterator[str]:
        name = (machine["status"].get("nodeRef") or {}).get("name", "")
        node = self.world.workload.get("", "Node", "", name)
        if node is None:
            return
        tainted = any(taint["key"] == GOING_TAINT for taint in node["spec"]["taints"])
        if self.policy.drain.taint != "none" and not tainted:
            yield "its Node has no taint"
        for pod in self.workload.to_drain(name):
            app = labels_of(pod)["app"]
            if app == "bare" and self.policy.drain.bare_pods == "wait":
                yield "a bare pod is on it"
            if any(b["spec"].get("maxUnavailable") == 0 for b in self.workload.budgets_of(pod)):
                yield "a budget that never allows is on it"
            if self._keeps(app) and not any(is_ready(p) for p in self._elsewhere(app, name)):
                yield "the only pod of a Deployment that is surged is on it"

    def _keeps(self, app: str) -> bool:
        """Whether one of its pods must be ready at any time."""
        deployment = self.world.workload.get("apps", "Deployment", "apps", app)
        return deployment is not None and is_surging(deployment) and self.policy.drain.surge == "allowed"

    def _elsewhere(self, app: str, node: str) -> list[Document]:
        return [pod for pod in self.workload.pods(app) if pod["spec"].get("nodeName") != node]

    def _before_termination(self, machine: Document) -> Iterator[str]:
        server = self.world.server_of(machine)
        if server is None:
            return
        if any(member["address"] == server.address for member in self.world.project.members.values()):
            yield "it is a member of the pool"
        if self.world.project.floating_on(server) and self.policy.terminate.floating_ips == "keep":
            yield "a floating IP is on it"
        if server.volumes:
            yield "Nova holds a volume on it"
        if any(a["spec"]["nodeName"] == server.name for a in self.world.workload.all("VolumeAttachment")):
            yield "a VolumeAttachment is on it"

    def _others_live(self, machine: Document) -> bool:
        server = self.world.server_of(machine)
        address = server.address if server is not None else ""
        return any(member["address"] != address for member in self.world.project.living())

    def _ending(self, machine: Document) -> None:
        """Its API server or its server goes now."""
        server, meta = self.world.server_of(machine), machine["metadata"]
        if server is None or meta["uid"] not in self._guarded or meta["name"] in self.forced:
            return
        if any(member["address"] == server.address for member in self.world.project.living()):
            self._broken(f"{meta['name']} ends, and is a living member of the pool")
        if self.world.project.floating_on(server) and self.policy.terminate.floating_ips == "keep":
            self._broken(f"{meta['name']} ends with a floating IP")

    def _round(self, rounded: Rounded) -> None:
        if rounded.sight.paused and (rounded.decision.actions or rounded.done):
            self._broken("something was done to a paused Cluster")

    def _speaks(self, machine: Document) -> None:
        hook = {"WaitingForPreDrainHook": PRE_DRAIN, "WaitingForPreTerminateHook": PRE_TERMINATE}.get(
            condition_of(machine, "Deleting").get("reason", "")
        )
        if hook is None or hook not in annotations_of(machine) or self.world.paused or self.world.down:
            return
        since = seconds(condition_of(machine, "Deleting")["lastTransitionTime"]) or 0.0
        told = condition_of(machine, CONDITION)
        silent = told.get("status") != "False" or not told.get("message")
        if silent and self.world.now - max(since, self.lives.since, self.happenings.quiet_since) > _SILENT_S:
            self._broken(f"{machine['metadata']['name']} waits, and nobody says why")
