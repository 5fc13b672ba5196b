"""What the planner sees of a snapshot: unknown facts become notes, everything is in a stable order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import Addon, ClusterConfiguration, KubernetesFacts, Node
from replank.inventory.facts.openstack import (
    Discovered,
    Flavor,
    FloatingIP,
    Image,
    LoadBalancer,
    Namesake,
    Network,
    OpenStackFacts,
    Port,
    Router,
    SecurityGroup,
    Server,
    ServerGroup,
    SharedResource,
    Subnet,
    Volume,
)
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.migrations.takeover.notes import Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The OpenStack side. Everything is sorted by ID, so the order of the snapshot's lists does not
    matter.
    """

    name: str = ""
    region: str = ""
    project_id: str = ""
    roles: tuple[str, ...] = ()
    servers: tuple[Server, ...] = ()
    ports: tuple[Port, ...] = ()
    networks: tuple[Network, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    routers: tuple[Router, ...] = ()
    routers_known: bool = False
    floating_ips: tuple[FloatingIP, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    volumes: tuple[Volume, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    load_balancers_unknown: str = ""
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    keypairs: tuple[str, ...] = ()
    discovered: tuple[Discovered, ...] = ()
    shared: tuple[SharedResource, ...] = ()
    namesakes: tuple[Namesake, ...] = ()

    def server(self, server_id: str) -> Server | None:
        """The server with this ID."""
        return next((s for s in self.servers if s.id == server_id), None)

    def ports_of(self, server_id: str) -> tuple[Port, ...]:
        """The ports that are plugged into this server, sorted by ID."""
        return tuple(p for p in self.ports if p.device_id == server_id)

    def volumes_of(self, server_id: str) -> tuple[Volume, ...]:
        """The volumes that are attached to this server, sorted by ID."""
        return tuple(v for v in self.volumes if any(a.server_id == server_id for a in v.attachments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A snapshot without its unknowns. `config` None: no kubeadm-config was seen."""

    cluster: str
    cloud: Cloud
    machines: tuple[LegacyMachine, ...]
    nodes: Mapping[str, Node]
    version: str
    config: ClusterConfiguration | None
    reached_at: str
    addons: tuple[Addon, ...]
    hosts: Mapping[str, HostFacts]
    states: tuple[StateFile, ...]

    @property
    def resources(self) -> tuple[TerraformResource, ...]:
        """Every resource of every state, sorted by address and state."""
        found = (r for s in self.states for r in s.resources)
        return tuple(sorted(found, key=lambda r: (r.address, r.state, r.deposed)))


def see(snapshot: Snapshot, notes: Notes) -> Seen:
    """The planner's view of `snapshot`; what is unknown and needed goes into `notes`."""
    facts = snapshot.kubernetes
    if isinstance(facts, Unknown):
        notes.gap("workload cluster", facts.unknown)
        kubernetes = None
    else:
        kubernetes = facts
    terraform = snapshot.terraform
    states: Sequence[StateFile] = ()
    if isinstance(terraform, Unknown):
        notes.gap("Terraform state", terraform.unknown)
    else:
        states = terraform.states
    return Seen(
        cluster=snapshot.cluster,
        cloud=_cloud(snapshot, notes),
        machines=tuple(sorted(snapshot.machines, key=lambda m: (m.name, str(m.server_id), str(m.node)))),
        nodes=_nodes(kubernetes, notes),
        version=notes.needed(kubernetes.version, "Kubernetes version", "") if kubernetes else "",
        config=_config(kubernetes, notes),
        reached_at=_reached_at(kubernetes),
        addons=_addons(kubernetes, notes),
        hosts={
            h.server: h for h in sorted(snapshot.hosts, key=lambda h: (h.server, h.address), reverse=True)
        },
        states=tuple(sorted(states, key=lambda s: (s.source, s.workspace))),
    )


def _cloud(snapshot: Snapshot, notes: Notes) -> Cloud:
    facts = snapshot.infrastructure.openstack
    if isinstance(facts, Unknown):
        notes.gap("OpenStack project", facts.unknown)
        return Cloud(load_balancers_unknown=facts.unknown)
    return Cloud(
        name=facts.cloud,
        region=facts.region,
        project_id=facts.project_id,
        servers=_by_id(notes.needed(facts.servers, "servers", ())),
        ports=_by_id(notes.needed(facts.ports, "ports", ())),
        networks=_by_id(notes.needed(facts.networks, "networks", ())),
        subnets=_by_id(notes.needed(facts.subnets, "subnets", ())),
        routers=_by_id(notes.needed(facts.routers, "routers", ())),
        routers_known=is_known(facts.routers),
        floating_ips=_by_id(notes.wanted(facts.floating_ips, "floating IPs", ())),
        security_groups=_by_id(notes.wanted(facts.security_groups, "security groups", ())),
        volumes=_by_id(_volumes(facts, notes)),
        server_groups=_by_id(notes.wanted(facts.server_groups, "server groups", ())),
        load_balancers=_by_id(notes.wanted(facts.load_balancers, "load balancers", ())),
        load_balancers_unknown=(
            facts.load_balancers.unknown if isinstance(facts.load_balancers, Unknown) else ""
        ),
        flavors=_by_id(notes.wanted(facts.flavors, "flavors", ())),
        images=_by_id(notes.wanted(facts.images, "images", ())),
        keypairs=tuple(sorted(notes.wanted(facts.keypairs, "keypairs", ()))),
        discovered=tuple(sorted(facts.discovered, key=lambda d: (d.kind, d.id, d.name, d.evidence))),
        namesakes=_by_id(facts.namesakes),
        # Unknown: none is counted on.
        roles=tuple(sorted(facts.roles)) if is_known(facts.roles) else (),
        shared=tuple(sorted(facts.shared, key=lambda s: (s.kind, s.id, s.shared_with))),
    )


def _volumes(facts: OpenStackFacts, notes: Notes) -> tuple[Volume, ...]:
    """Volumes are needed only where a server has no image, that is, boots from one."""
    if is_known(facts.servers) and all(server.image_id for server in facts.servers):
        return notes.wanted(facts.volumes, "volumes", ())
    return notes.needed(facts.volumes, "volumes", ())


class _HasID(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_HasID)


def _by_id(items: Sequence[_T]) -> tuple[_T, ...]:
    return tuple(sorted(items, key=lambda item: item.id))


def _nodes(kubernetes: KubernetesFacts | None, notes: Notes) -> dict[str, Node]:
    if kubernetes is None:
        return {}
    nodes = notes.needed(kubernetes.nodes, "Nodes", ())
    return {node.name: node for node in sorted(nodes, key=lambda node: node.name)}


def _config(kubernetes: KubernetesFacts | None, notes: Notes) -> ClusterConfiguration | None:
    if kubernetes is None:
        return None
    config = notes.needed(kubernetes.kubeadm_config, "ConfigMap kube-system/kubeadm-config", None)
    if config is None and is_known(kubernetes.kubeadm_config):
        notes.gap(
            "ConfigMap kube-system/kubeadm-config",
            "it does not exist: the cluster was not made by kubeadm, or the ConfigMap was deleted",
            unknown=False,
        )
    return config


def _reached_at(kubernetes: KubernetesFacts | None) -> str:
    """The server of the kubeconfig that the survey used, "" if that is unknown."""
    if kubernetes is None or isinstance(kubernetes.kubeconfig, Unknown):
        return ""
    return kubernetes.kubeconfig.server


def _addons(kubernetes: KubernetesFacts | None, notes: Notes) -> tuple[Addon, ...]:
    if kubernetes is None:
        return ()
    addons = notes.needed(kubernetes.addons, "add-ons of the workload cluster", ())
    return tuple(sorted(addons, key=lambda a: (a.kind, a.namespace, a.name, a.workload)))
