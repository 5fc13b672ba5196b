"""Selects the part of a project that belongs to one cluster."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from replank.domain.unknown import Fact, Unknown, known_or
from replank.inventory.facts.kubernetes import LoadBalancerService, Node
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.differences import differences
from replank.inventory.openstack.discovered import discovered_things
from replank.inventory.openstack.live import missing_resources
from replank.inventory.openstack.members import Belonging, cluster_servers
from replank.inventory.openstack.namesakes import namesakes_of
from replank.inventory.openstack.reach import Reach, reach_of
from replank.inventory.openstack.references import references_of, text
from replank.inventory.openstack.shared import shared_things

SERVER_TYPE = "openstack_compute_instance_v2"


class _WithID(Protocol):
    @property
    def id(self) -> str: ...


class _WithName(_WithID, Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
Item = TypeVar("Item", bound=_WithID)
Named = TypeVar("Named", bound=_WithName)

# The listings of which only a part belongs to a cluster.
SELECTED = (
    "servers",
    "ports",
    "networks",
    "subnets",
    "routers",
    "floating_ips",
    "security_groups",
    "volumes",
    "server_groups",
    "load_balancers",
    "flavors",
    "images",
    "keypairs",
)


def select_for_cluster(
    project: OpenStackFacts,
    *,
    resources: Fact[Sequence[TerraformResource]] = (),
    nodes: Fact[Sequence[Node]] = (),
    volume_handles: Fact[Collection[str]] = (),
    load_balancer_services: Fact[Sequence[LoadBalancerService]] = (),
    claimed_by_others: Mapping[str, str] | None = None,
    named: Collection[str] = (),
) -> OpenStackFacts:
    """The cluster's part of `project`, with what is missing, different, discovered, shared and a namesake.

    `resources`: of all states of the cluster, already filtered by `only`. `nodes`, `volume_handles` (of
    PersistentVolumes) and `load_balancer_services`: from its API. `claimed_by_others`: server ID -> cluster
    that manages it in its state. `named`: flavors, images and keypairs, by name or ID, that are wanted
    besides those in use. Zones, quotas and roles stay as they are.

    A listing that is unknown stays unknown, and so does what could only be reached through it. Where neither
    state nor Nodes were seen, nothing says what belongs to the cluster, and every listing is unknown.
    """
    others = claimed_by_others or {}
    if isinstance(resources, Unknown) and isinstance(nodes, Unknown):
        return _unselected(project, resources, nodes)
    known = list(known_or(resources, ()))
    managed = [r.id for r in known if r.type == SERVER_TYPE and r.mode == "managed" and r.id]
    servers = cluster_servers(project, managed, known_or(nodes, ()), others)
    services = known_or(load_balancer_services, ())
    handles = known_or(volume_handles, ())
    reach = reach_of(project, servers, references_of(known), handles, services)
    keypairs = {text(r, "key_pair") for r in known} | {r.id for r in known if r.type.endswith("_keypair_v2")}
    part = _part(project, reach, named, keypairs)
    return replace(
        part,
        missing=missing_resources(project, known),
        differences=differences(project, known),
        discovered=() if isinstance(resources, Unknown) else discovered_things(part, reach, known),
        shared=shared_things(project, reach, others),
        namesakes=namesakes_of(project, reach),
    )


def _part(
    project: OpenStackFacts, reach: Reach, named: Collection[str], keypairs: Collection[str]
) -> OpenStackFacts:
    servers, ports = _pick(project.servers, reach.of("server")), project.ports
    volumes = _pick(project.volumes, reach.of("volume"))
    in_use = known_or(servers, ())
    flavors = {s.flavor_id for s in in_use} | {s.flavor for s in in_use} | set(reach.of("flavor").why)
    images = {s.image_id for s in in_use} | {v.image_id for v in known_or(volumes, ())}
    keys = {s.key_name for s in in_use} | set(keypairs)
    # A load balancer is found by its members' addresses, which Nova and Neutron both tell.
    addresses = ports if isinstance(servers, Unknown) else ()
    return replace(
        project,
        servers=servers,
        ports=_pick(ports, reach.of("port")),
        networks=_through(_pick(project.networks, reach.of("network")), ports),
        subnets=_through(_pick(project.subnets, reach.of("subnet")), ports),
        routers=_through(
            _pick(project.routers, reach.of("router")), ports, project.subnets, project.networks
        ),
        floating_ips=_through(_pick(project.floating_ips, reach.of("floating_ip")), ports),
        security_groups=_through(_pick(project.security_groups, reach.of("security_group")), ports),
        volumes=volumes,
        server_groups=_pick(project.server_groups, reach.of("server_group")),
        load_balancers=_through(_pick(project.load_balancers, reach.of("load_balancer")), addresses),
        flavors=_through(_wanted(project.flavors, {*flavors, *named}), servers),
        images=_through(_wanted(project.images, {*images, *reach.of("image").why, *named}), servers),
        keypairs=_through(_kept(project.keypairs, {*keys, *named}), servers),
    )


def _pick(fact: Fact[tuple[Item, ...]], wanted: Belonging) -> Fact[tuple[Item, ...]]:
    if isinstance(fact, Unknown):
        return fact
    return tuple(sorted((item for item in fact if item.id in wanted), key=lambda item: item.id))


def _wanted(fact: Fact[tuple[Named, ...]], wanted: Collection[str]) -> Fact[tuple[Named, ...]]:
    """Flavors or images by name or ID. Several images may have one name: all of them, so that it shows."""
    if isinstance(fact, Unknown):
        return fact
    chosen = set(wanted) - {""}
    return tuple(sorted((x for x in fact if x.id in chosen or x.name in chosen), key=lambda x: x.id))


def _kept(fact: Fact[tuple[str, ...]], wanted: Collection[str]) -> Fact[tuple[str, ...]]:
    return fact if isinstance(fact, Unknown) else tuple(sorted(set(fact) & set(wanted)))


def _through(fact: Fact[tuple[T, ...]], *ways: Fact[tuple[Any, ...]]) -> Fact[tuple[T, ...]]:
    """`fact`, unless a listing through which its items are found could not be seen."""
    if isinstance(fact, Unknown):
        return fact
    return next((way for way in ways if isinstance(way, Unknown)), fact)


def _unselected(project: OpenStackFacts, state: Unknown, nodes: Unknown) -> OpenStackFacts:
    why = f"nothing tells what belongs to the cluster: {state.unknown}; {nodes.unknown}"
    changes: dict[str, Any] = dict.fromkeys(SELECTED, Unknown(why, state.code))
    return replace(project, **changes)
