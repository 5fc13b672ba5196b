"""The demo's flawed cluster, which has a node on Docker, over real SSH and real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replank.inventory.fleet.model import KubeconfigRef, SshAccess
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime
from replank.testbed.fleet.demo import PLAIN
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.twin import Twin
from replank.testbed.world import Machine
from replank.transports.kubernetes.runtime.reader import KubernetesRuntimeUseReader
from replank.transports.kubernetes.transport import Limits
from replank.transports.ssh.reader import SshRuntimeReader

LIMITS = Limits(timeout_s=2.0, answer_s=1.0, attempts=2, pause_s=0.01, longest_pause_s=0.1)
CLUSTER = "swap"
SPEC: ClusterSpec = replace(
    PLAIN,
    name=CLUSTER,
    version="v1.32.9",
    kubeadm_api="v1beta3",
    control_planes=1,
    registry_login=True,
    workers=(WorkerGroup(name="worker", count=2, docker=(1,)),),
)
ON_DOCKER, ON_CONTAINERD, CONTROL_PLANE = f"{CLUSTER}-worker-2", f"{CLUSTER}-worker-1", f"{CLUSTER}-cp-1"


@dataclass
class SwapSite:
    """A twin of one small cluster."""

    twin: Twin
    folder: Path

    def machine(self, name: str) -> Machine:
        machines = next(c for c in self.twin.world.clusters if c.name == CLUSTER).machines
        return next(machine for machine in machines if machine.server_name == name)

    @property
    def access(self) -> SshAccess:
        return SshAccess(
            user=self.twin.ssh.user,
            key=str(self.folder / "ssh/id_ed25519"),
            jump=self.twin.ssh.jump,
            known_hosts=str(self.folder / "ssh/known_hosts"),
            connect_timeout_s=5,
        )

    def read(self, name: str, **changes: Any) -> NodeRuntime:
        reader = SshRuntimeReader()
        access = replace(self.access, **changes)
        return asyncio.run(reader.read(name, self.machine(name).address, access))

    def uses(self) -> ClusterRuntimeFacts:
        reader = KubernetesRuntimeUseReader(limits=LIMITS)
        ref = KubeconfigRef(path=str(self.folder / f"kube/{CLUSTER}.yaml"))
        return asyncio.run(reader.read(ref))


@contextmanager
def swap_site(folder: Path, objects: Sequence[dict[str, Any]] = ()) -> Iterator[SwapSite]:
    """`objects`: more of them in the cluster, without uid and time."""
    world = generate(1, (SPEC,), datetime.now(UTC))
    for document in objects:
        about = {"uid": f"uid-{document['metadata']['name']}", "resourceVersion": "7", **document["metadata"]}
        world.clusters[0].api.objects.append({**document, "metadata": about})
    with Twin(world, folder) as twin:
        yield SwapSite(twin, folder)
