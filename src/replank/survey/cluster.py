"""Surveys one cluster: sources in parallel, the join, the machines over SSH, and the join again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from replank.domain.unknown import Fact, Unknown, is_known, known_or
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import Conflict, LegacyMachine
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.inventory.facts.terraform import TerraformFacts
from replank.inventory.fleet.model import CloudRef, ClusterConfig, SshAccess
from replank.inventory.identity import JoinInput, join_machines
from replank.inventory.runtime.runtimes import NOT_ASKED
from replank.ports.readers import ClusterReader, HostReader, ManagementReader
from replank.survey.candidates import candidates_of
from replank.survey.hosts import machines_to_reach, ssh_address, unseen_host
from replank.survey.look import look
from replank.survey.progress import Progress
from replank.survey.runtimes import RuntimeSurvey
from replank.survey.selection import cluster_part

KUBEADM_PKI = "/etc/kubernetes/pki"


def not_asked(what: str) -> Unknown:
    """A source that fleet.yaml does not name, or that an offline survey leaves alone."""
    return Unknown(what, "RP000")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSurvey:
    """The survey of one cluster. `claimed_by_others`: server ID -> another cluster that claims it.

    `runtimes` None: nobody asked for them.
    """

    config: ClusterConfig
    state: Fact[TerraformFacts]
    claimed_by_others: Mapping[str, str]
    read_project: Callable[[CloudRef], Awaitable[OpenStackFacts]]
    cluster: ClusterReader | None
    management: ManagementReader | None
    host: HostReader | None
    workers: bool
    progress: Progress
    runtimes: RuntimeSurvey | None = None

    async def run(self) -> Snapshot:
        """Looks at everything. Never raises for a source that could not be seen."""
        project, kubernetes, management = await asyncio.gather(
            self._project(), self._kubernetes(), self._management()
        )
        cloud = cluster_part(project, self.state, kubernetes, self.claimed_by_others, self.config)
        machines, _ = self._join(cloud, kubernetes, ())
        hosts = await self._hosts(machines, cloud, kubernetes)
        machines, conflicts = self._join(cloud, kubernetes, hosts)
        runtimes = NOT_ASKED if self.runtimes is None else await self.runtimes.run(kubernetes, management)
        return Snapshot(
            cluster=self.config.name,
            terraform=self.state,
            infrastructure=Infrastructure(openstack=cloud),
            kubernetes=kubernetes,
            hosts=hosts,
            management=management,
            machines=machines,
            conflicts=tuple(sorted((*conflicts, *self._claims(machines)), key=lambda c: (c.subject, c.says))),
            runtimes=runtimes,
        )

    async def _project(self) -> Fact[OpenStackFacts]:
        if self.config.cloud is None:
            return not_asked("fleet.yaml names no cloud for this cluster")
        return await look(self.progress, self.config.name, "openstack", self.read_project(self.config.cloud))

    async def _kubernetes(self) -> Fact[KubernetesFacts]:
        if self.config.kubeconfig is None:
            return not_asked("fleet.yaml names no kubeconfig for this cluster")
        if self.cluster is None:
            return not_asked("Kubernetes: not looked at: the survey is offline")
        reading = self.cluster.read(self.config.kubeconfig)
        return await look(self.progress, self.config.name, "kubernetes", reading)

    async def _management(self) -> Fact[ManagementFacts]:
        if self.config.management.kubeconfig is None:
            return not_asked("fleet.yaml names no kubeconfig of a management cluster")
        if self.management is None:
            return not_asked("management cluster: not looked at: the survey is offline")
        reading = self.management.read(self.config.management, self.config.name)
        return await look(self.progress, self.config.name, "management", reading)

    def _join(
        self, cloud: Fact[OpenStackFacts], kubernetes: Fact[KubernetesFacts], hosts: tuple[HostFacts, ...]
    ) -> tuple[tuple[LegacyMachine, ...], tuple[Conflict, ...]]:
        return join_machines(
            JoinInput(
                candidates=candidates_of(cloud, self.state),
                nodes=kubernetes if isinstance(kubernetes, Unknown) else kubernetes.nodes,
                hosts=hosts,
                load_balancers=known_or(cloud.load_balancers, ()) if is_known(cloud) else (),
                overrides=self.config.overrides,
            )
        )

    async def _hosts(
        self,
        machines: tuple[LegacyMachine, ...],
        cloud: Fact[OpenStackFacts],
        kubernetes: Fact[KubernetesFacts],
    ) -> tuple[HostFacts, ...]:
        wanted = machines_to_reach(machines, workers=self.workers)
        access = self.config.ssh
        if access is None or self.host is None:
            why = not_asked(
                "fleet.yaml names no ssh access for this cluster"
                if access is None
                else "SSH: not looked at: the survey is offline"
            )
            return tuple(unseen_host(machine.name, "", why) for machine in wanted)
        config = known_or(kubernetes.kubeadm_config, None) if is_known(kubernetes) else None
        directory = config.certificates_dir if config else KUBEADM_PKI
        return tuple(
            await asyncio.gather(
                *(self._one_host(m, access, self.host, directory, cloud, kubernetes) for m in wanted)
            )
        )

    async def _one_host(
        self,
        machine: LegacyMachine,
        access: SshAccess,
        reader: HostReader,
        directory: str,
        cloud: Fact[OpenStackFacts],
        kubernetes: Fact[KubernetesFacts],
    ) -> HostFacts:
        address = ssh_address(
            machine,
            access,
            known_or(cloud.servers, ()) if is_known(cloud) else (),
            known_or(cloud.ports, ()) if is_known(cloud) else (),
            known_or(cloud.floating_ips, ()) if is_known(cloud) else (),
            known_or(kubernetes.nodes, ()) if is_known(kubernetes) else (),
        )
        if address is None:
            why = f"no {access.address} address of {machine.name} is known to reach it by SSH"
            return unseen_host(machine.name, "", Unknown(why, "RP060"))
        reading = reader.read(machine.name, address, access, directory)
        facts = await look(self.progress, self.config.name, f"host {machine.name}", reading)
        return unseen_host(machine.name, address, facts) if isinstance(facts, Unknown) else facts

    def _claims(self, machines: tuple[LegacyMachine, ...]) -> tuple[Conflict, ...]:
        return tuple(
            Conflict(
                subject=f"server {machine.name}",
                says=f"the states of cluster {self.claimed_by_others[machine.server_id]} claim it too",
                claimed_by=self.claimed_by_others[machine.server_id],
            )
            for machine in machines
            if isinstance(machine.server_id, str) and machine.server_id in self.claimed_by_others
        )
