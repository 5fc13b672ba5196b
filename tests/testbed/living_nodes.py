"""A twin of one small cluster on containerd 1.7 whose nodes are at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replank.inventory.fleet.model import SshAccess
from replank.testbed.fleet.demo import PLAIN
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.node.bundle import write_bundle
from replank.testbed.node.machine import Node
from replank.testbed.nodes import start_nodes
from replank.testbed.twin import Twin
from replank.transports.hosts.nodes import HostNodes
from replank.transports.ssh.sessions import SshSessions

SPEC: ClusterSpec = replace(
    PLAIN, name="small", control_planes=1, workers=(WorkerGroup(name="worker", count=1),)
)
WORKER, CONTROL_PLANE = "small-worker-1", "small-cp-1"
OLD, NEW = "containerd://1.7.29", "containerd://2.3.5"


@dataclass(frozen=True)
class Living:
    """`nodes`: by name, to break them. `bundle`: stand-ins for containerd 2.3.5's programs."""

    twin: Twin
    folder: Path
    nodes: dict[str, Node]
    bundle: Path

    @property
    def where(self) -> list[str]:
        return ["--fleet", str(self.folder / "fleet.yaml"), "--snapshots", str(self.folder / "s")]

    def over_ssh(self) -> HostNodes:
        access = SshAccess(
            user=self.twin.ssh.user,
            key=str(self.folder / "ssh/id_ed25519"),
            jump=self.twin.ssh.jump,
            known_hosts=str(self.folder / "ssh/known_hosts"),
            connect_timeout_s=5,
        )
        addresses = {name: node.machine.address for name, node in self.nodes.items()}
        return HostNodes(SshSessions(access, addresses))

    def runtimes(self) -> dict[str, str]:
        """What the API tells, by Node."""
        nodes = self._listed("Node")
        return {n["metadata"]["name"]: n["status"]["nodeInfo"]["containerRuntimeVersion"] for n in nodes}

    def containers(self) -> dict[str, int]:
        """What the API tells: ID -> restarts."""
        statuses = [s for pod in self._listed("Pod") for s in pod["status"]["containerStatuses"]]
        return {status["containerID"]: status["restartCount"] for status in statuses}

    def _listed(self, kind: str) -> list[dict[str, Any]]:
        """As the API would answer now."""
        api = self.twin.api("small")
        for catch_up in api.controllers:
            catch_up()
        return list(api.objects.all(kind))


@contextmanager
def living(folder: Path) -> Iterator[Living]:
    with Twin(generate(3, (SPEC,), datetime.now(UTC)), folder) as twin:
        nodes = start_nodes(twin, "small", folder / "nodes")
        yield Living(twin, folder, nodes, write_bundle(folder / "containerd-2.3.5", "2.3.5"))
