"""What Kubernetes does with pods: Deployments, the scheduler, kubelets, budgets, evictions, volumes."""

from __future__ import annotations

from collections.abc import Iterator

from replank.testbed.guarding import layout
from replank.testbed.guarding.world import GuardedWorld
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import annotations_of, labels_of
from replank.testbed.simulation.objects import key_of


class Workload:
    """`settle` puts all pods in place at once, for the beginning."""

    def __init__(self, world: GuardedWorld) -> None:
        self.world = world
        self.store = world.workload
        self._listed_at = -1
        self._listed: dict[str, tuple[Document, ...]] = {}

    def settle(self) -> None:
        """As after a long time."""
        for _ in range(3):
            self.tick()
            for pod in self.pods():
                self._ready(pod)
        self.tick()

    def tick(self) -> None:
        """Everybody looks once."""
        for deployment in list(self.store.all("Deployment")):
            self._scale(deployment)
        for pod in self.pods():
            if not pod["spec"].get("nodeName") and not _leaves(pod):
                self._schedule(pod)
        self._lost_nodes()
        for budget in list(self.store.all("PodDisruptionBudget")):
            self._budget(budget)
        for part in list(self.store.all("EndpointSlice")):
            self._endpoints(part)

    def pods(self, app: str = "") -> tuple[Document, ...]:
        """By name. Listed anew after a write only: they are asked for far more often than they change."""
        if self._listed_at != self.store.writes:
            found = sorted(self.store.all("Pod"), key=lambda pod: str(pod["metadata"]["name"]))
            by_app: dict[str, list[Document]] = {"": found}
            for pod in found:
                if name := labels_of(pod).get("app"):
                    by_app.setdefault(name, []).append(pod)
            self._listed = {name: tuple(pods) for name, pods in by_app.items()}
            self._listed_at = self.store.writes
        return self._listed.get(app, ())

    def to_drain(self, node: str) -> list[Document]:
        """Pods on a node that a drain has to get away."""
        return [
            p for p in self.pods() if p["spec"].get("nodeName") == node and labels_of(p)["app"] != "agent"
        ]

    def budgets_of(self, pod: Document) -> Iterator[Document]:
        """That cover the pod."""
        for budget in self.store.all("PodDisruptionBudget"):
            if budget["spec"]["selector"]["matchLabels"]["app"] == labels_of(pod)["app"]:
                yield budget

    def evict(self, pod: Document) -> bool:
        """By the eviction API. False: a budget says no."""
        if _leaves(pod):
            return True
        covering = list(self.budgets_of(pod))
        for budget in covering:
            self._budget(budget)
        if any(b["status"]["disruptionsAllowed"] < 1 for b in self.budgets_of(pod)):
            return False
        for watcher in self.world.evicting:
            watcher(pod)
        self.world.tell(f"eviction of {pod['metadata']['name']} from {pod['spec'].get('nodeName')}")
        self._delete(pod)
        for budget in covering:
            self._budget(budget)
        return True

    def _delete(self, pod: Document) -> None:
        self.store.delete(key_of(pod))
        self.world.later(2, 8, self._gone, pod)

    def _gone(self, pod: Document) -> None:
        live = self.store.at(key_of(pod))
        if live is None or live["metadata"]["uid"] != pod["metadata"]["uid"]:
            return
        self.world.edit(self.store, live, lambda edited: edited["metadata"].pop("finalizers", None))
        app, node = labels_of(pod)["app"], pod["spec"].get("nodeName", "")
        if app == "data" and node:
            self.world.later(1, 25, self._detach, node)

    def _detach(self, node: str) -> None:
        self.store.delete(("storage.k8s.io", "VolumeAttachment", "", f"attach-{node}"))
        self.world.later(0.5, 15, self._detached, node)

    def _detached(self, node: str) -> None:
        for server in self.world.project.servers.values():
            if server.name == node:
                server.volumes.discard("volume-1")

    def _scale(self, deployment: Document) -> None:
        name, wanted = deployment["metadata"]["name"], deployment["spec"]["replicas"]
        own = [pod for pod in self.pods(name) if not _leaves(pod)]
        for _ in range(wanted - len(own)):
            owner = ("ReplicaSet", f"{name}-rs")
            pod = layout.pod(f"{name}-{self.world.number()}", name, "", owner, ready=False)
            self.world.make(self.store, pod)
        ranked = sorted(own, key=lambda pod: (bool(pod["spec"].get("nodeName")), is_ready(pod)))
        for pod in ranked[: max(0, len(own) - wanted)]:
            self.world.tell(f"{pod['metadata']['name']} is one too many")
            self._delete(pod)

    def _schedule(self, pod: Document) -> None:
        nodes = [n["metadata"]["name"] for n in self.store.all("Node") if _takes_pods(n)]
        app = labels_of(pod)["app"]
        if app == "data" and any(True for _ in self.store.all("VolumeAttachment")):
            return  # the volume is attached elsewhere
        if not nodes:
            return
        busy = {p["spec"].get("nodeName") for p in self.pods(app)}
        free = [node for node in nodes if node not in busy] or nodes
        node = self.world.chance.choice(sorted(free))
        self.world.edit(self.store, pod, lambda edited: edited["spec"].update(nodeName=node))
        if app == "data":
            self.world.make(self.store, layout.attachment(f"attach-{node}", "pv", node))
            for server in self.world.project.servers.values():
                if server.name == node:
                    server.volumes.add("volume-1")
        self.world.later(2, 15, self._ready, pod)

    def _ready(self, pod: Document) -> None:
        def change(edited: Document) -> None:
            if edited["spec"].get("nodeName") and not _leaves(edited):
                edited["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

        self.world.edit(self.store, pod, change)

    def _lost_nodes(self) -> None:
        """Pods of nodes that are gone are collected."""
        nodes = {node["metadata"]["name"] for node in self.store.all("Node")}
        for pod in self.pods():
            node = pod["spec"].get("nodeName")
            if node and node not in nodes:
                self.world.edit(self.store, pod, lambda edited: edited["metadata"].pop("finalizers", None))
                self.store.delete(key_of(pod))

    def _budget(self, budget: Document) -> None:
        app = budget["spec"]["selector"]["matchLabels"]["app"]
        healthy = sum(1 for pod in self.pods(app) if is_ready(pod))
        expected = int(self.world.one("Deployment", app, "apps")["spec"]["replicas"])
        least, most = budget["spec"].get("minAvailable"), budget["spec"].get("maxUnavailable")
        wanted = least if least is not None else expected - most
        status = {"expectedPods": expected, "disruptionsAllowed": max(0, healthy - wanted)}
        self.world.edit(self.store, budget, lambda edited: edited.update(status=status))

    def _endpoints(self, part: Document) -> None:
        app = labels_of(part)["kubernetes.io/service-name"]
        ready = {p["metadata"]["name"]: p["spec"]["nodeName"] for p in self.pods(app) if is_ready(p)}
        wanted = layout.endpoints(app, ready)["endpoints"]
        self.world.edit(self.store, part, lambda edited: edited.update(endpoints=wanted))


def is_ready(pod: Document) -> bool:
    """Gets connections."""
    return pod["status"]["conditions"][0]["status"] == "True" and not _leaves(pod)


def is_surging(deployment: Document) -> bool:
    """Its owner allows one pod more."""
    return any(key.endswith("/surge") for key in annotations_of(deployment))


def _leaves(pod: Document) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _takes_pods(node: Document) -> bool:
    spec = node["spec"]
    return not spec.get("unschedulable") and not any(
        taint["effect"] == "NoSchedule" for taint in spec.get("taints") or ()
    )
