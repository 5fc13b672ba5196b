"""The clusters that are taken over: one generated legacy cluster, planned under many names.

All that is measured is written to the management plane; OpenStack, the workload cluster's API, machines and
Terraform states are the simulation's, in memory. Each cluster has systems of its own, made from the same
world.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from replank.audit.finding import AuditSettings
from replank.inventory.facts import codec
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks import audit_takeover
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access, CloudLogin, KubeApi
from replank.testbed.fleet.generate import generate
from replank.testbed.fleet.spec import ClusterSpec, WorkerGroup
from replank.testbed.simulation.cloud import SimulatedCloud
from replank.testbed.simulation.etcd import Etcd
from replank.testbed.simulation.hosts import SimulatedHosts
from replank.testbed.simulation.judge import SimulatedJudge
from replank.testbed.simulation.kube import SimulatedKube
from replank.testbed.simulation.kubeconfigs import Door
from replank.testbed.simulation.objects import Objects
from replank.testbed.simulation.project import OpenStack
from replank.testbed.simulation.shapes import live_readers, surveyed
from replank.testbed.simulation.states import SimulatedStates, State
from replank.testbed.world import World

_SPEC = ClusterSpec(name="legacy", workers=(WorkerGroup(name="worker", count=17),), workloads=())
"""20 machines: three control planes, which is the spec's default, and 17 workers."""


class WallClock:
    """The port `Clock`, as in production."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Source:
    """What all clusters are made from. `seconds`: since 1970, when it was made; it decides certificates."""

    seconds: float
    snapshot: Snapshot

    @classmethod
    def survey(cls) -> Source:
        """Generates the world, serves it as a twin, and surveys it as an operator would."""
        now = float(int(time.time()))
        return cls(now, surveyed(_world(now), live_readers))

    def keep(self, file: Path) -> None:
        """For another process; `read` gets it back."""
        file.write_bytes(f"{self.seconds}\n".encode() + codec.to_json(self.snapshot))

    @classmethod
    def read(cls, file: Path) -> Source:
        """As `keep` wrote it."""
        seconds, _, content = file.read_bytes().partition(b"\n")
        return cls(float(seconds), codec.load(content, where=file.name))

    def plan(self, name: str) -> TakeoverPlan:
        """The real planner's plan of a cluster of this name, in a namespace of this name."""
        snapshot = replace(self.snapshot, cluster=name)
        at = datetime.fromtimestamp(self.seconds, UTC)
        findings = audit_takeover(snapshot, AuditSettings(now=at))
        return plan_takeover(snapshot, TakeoverSettings(namespace=name), findings)


def _world(seconds: float) -> World:
    return generate(1, [_SPEC], datetime.fromtimestamp(seconds, UTC))


class Systems:
    """Makes the simulated systems of one cluster after another."""

    def __init__(self, seconds: float) -> None:
        self._made = _world(seconds)

    def access(self, plan: TakeoverPlan, management: KubeApi) -> Access:
        """The owner of the Terraform state has let go already; nobody else acts."""
        cluster = self._made.clusters[0]
        project = self._made.projects[0]
        project = replace(project, collections=deepcopy(project.collections))
        states = {
            (path, "default"): State.of(document, path, configured=False)
            for path, document in cluster.state_files.items()
        }
        for source, workspace, addresses in _forgotten(plan):
            states[source, workspace].forget(addresses)
        login = CloudLogin(
            auth_url="https://cloud.example.org:5000/v3",
            region=project.region,
            interface="public",
            cacert="",
            project_id=project.project_id,
        )
        door = Door(cluster.api.ca_cert).at(plan.load_balancer.endpoint, time.time)
        workload = Objects.of("workload", cluster.api.objects, time.time)
        return Access(
            cloud=SimulatedCloud(OpenStack(project, time.time), login),
            management=management,
            workload=SimulatedKube(workload, cluster.api, door),
            hosts=SimulatedHosts(cluster.machines, Etcd.of(cluster.machines), time.time),
            states=SimulatedStates(states),
            judge=SimulatedJudge(),
            clock=WallClock(),
        )


def _forgotten(plan: TakeoverPlan) -> Iterator[tuple[str, str, list[str]]]:
    for stage in plan.stages:
        for step in stage.steps:
            if step.kind == "terraform.forget":
                forget = cast("list[dict[str, str]]", step.params["forget"])
                addresses = [entry["address"] for entry in forget]
                yield str(step.params["state"]), str(step.params["workspace"]), addresses
