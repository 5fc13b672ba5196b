"""A served twin with a runtime and a kubelet at work on each machine of one of its clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from replank.testbed.node.machine import Node, Report
from replank.testbed.node.state import Pod
from replank.testbed.serve.kubernetes import ServedApi
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.twin import Twin

_KUBELET = "kubelet"


def start_nodes(twin: Twin, cluster: str, folder: Path) -> dict[str, Node]:
    """From now on they run the pods that they have, and the part of a runtime swap that is put there; their
    kubelets tell the API what runs. By the names of their Nodes. `folder`: gets each machine's files.

    Pods that come later are not run. Raises LookupError where the twin has no such cluster.
    """
    found = next((c for c in twin.world.clusters if c.name == cluster), None)
    if found is None:
        raise LookupError(f"the twin has no cluster {cluster}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    api = twin.api(cluster)
    nodes = {}
    for machine in found.machines:
        name = machine.server_name
        pods = [_pod(p) for p in api.objects.all("Pod") if p["spec"].get("nodeName") == name]
        nodes[name] = twin.ssh.nodes[machine.address] = Node(machine, folder / name, pods)
    kubelets = _Kubelets(api, nodes)
    api.controllers.append(kubelets.catch_up)
    return nodes


def _pod(document: Document) -> Pod:
    meta, spec = document["metadata"], document["spec"]
    return {
        "uid": _uid_on_node(document),
        "name": meta["name"],
        "containers": [container["name"] for container in spec["containers"]],
        "never": spec.get("restartPolicy", "Always") != "Always",
        "host_network": bool(spec.get("hostNetwork")),
    }


def _uid_on_node(document: Document) -> str:
    """A kubelet calls a static pod by the hash of its configuration."""
    annotations = document["metadata"].get("annotations") or {}
    return str(annotations.get("kubernetes.io/config.hash") or document["metadata"]["uid"])


@dataclass(slots=True)
class _Kubelets:
    """Write what has changed on their nodes, before the API's next answer."""

    api: ServedApi
    nodes: dict[str, Node]
    told: dict[str, Report] = field(default_factory=dict)

    def catch_up(self) -> None:
        """What they would have told by now."""
        for name, node in self.nodes.items():
            report = node.world.report
            if report is not None and report != self.told.get(name):
                self.told[name] = report
                self._tell(name, report)

    def _tell(self, name: str, report: Report) -> None:
        objects = self.api.objects
        node = objects.get("", "Node", "", name)
        if node is not None:
            new = copied(node)
            new["status"]["nodeInfo"]["containerRuntimeVersion"] = report.runtime
            objects.put(new, _KUBELET)
        for pod in [p for p in objects.all("Pod") if p["spec"].get("nodeName") == name]:
            new = copied(pod)
            for status in new["status"].get("containerStatuses", ()):
                seen = report.containers.get((_uid_on_node(pod), status["name"]))
                if seen is not None:
                    status["containerID"], status["restartCount"], status["ready"] = seen
            objects.put(new, _KUBELET)
