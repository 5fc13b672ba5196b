"""The OpenStackCluster: existing network, subnet, router and external network, by ID.

Left out on purpose: `managedSubnets`, `managedSecurityGroups` (CAPO would make groups and, by name, delete
rules it does not know), `bastion`, `tags`. Source: cluster-api-provider-openstack v0.14.7, api/v1beta1 and
controllers/openstackcluster_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.openstack import Port, Router, Subnet
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.built import Manifests
from replank.migrations.takeover.endpoint import Endpoint
from replank.migrations.takeover.likeness import most_common
from replank.migrations.takeover.manifest import key, manifest, texts
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer
from replank.migrations.takeover.openstack.machines import Identity
from replank.migrations.takeover.openstack.names import carries
from replank.migrations.takeover.seen import Cloud
from replank.migrations.takeover.vocabulary import CLUSTER_NAME, infrastructure_version
from replank.plan.takeover import Targets

SUBNET_LIMIT = 2


def openstack_cluster(
    names: Names,
    cloud: Cloud,
    control_planes: Sequence[Adoptee],
    endpoint: Endpoint,
    load_balancer: ApiLoadBalancer,
    identity: Identity,
    targets: Targets,
    notes: Notes,
) -> Manifests:
    """The object. It carries the cluster-name label from the start: CAPO copies it to every OpenStackServer
    once, and one without it can never be paused."""
    network = most_common((p.network_id for p in _main_ports(control_planes)), "")
    subnets = _subnets(cloud, control_planes, network, notes)
    router = _router(cloud, subnets)
    spec: dict[str, JSON] = {"identityRef": identity.for_cluster()}
    if network:
        spec["network"] = {"id": network}
    else:
        notes.gap(
            "cluster network", "no port of a control plane carries its Node's internal address", unknown=False
        )
    if subnets:
        spec["subnets"] = [{"id": subnet.id} for subnet in subnets]
    if router:
        spec["router"] = {"id": router.id}
    if router and router.external_network_id:
        spec["externalNetwork"] = {"id": router.external_network_id}
    elif cloud.routers_known:
        # Without it CAPO takes any external network there is, and fails where there are several.
        spec["disableExternalNetwork"] = True
    if endpoint.host:
        spec["controlPlaneEndpoint"] = {"host": endpoint.host, "port": endpoint.port}
    zones = sorted({a.server.availability_zone for a in control_planes if a.server.availability_zone})
    if zones:
        # CAPO offers every zone of the cloud for control planes, and KCP moves machines out of others first.
        spec["controlPlaneAvailabilityZones"] = list(zones)
    spec |= _load_balancer(load_balancer, endpoint, external="externalNetwork" in spec)
    return {
        key("OpenStackCluster", names.cluster): manifest(
            infrastructure_version(targets),
            "OpenStackCluster",
            names.cluster,
            names.namespace,
            spec,
            labels={CLUSTER_NAME: names.cluster},
        )
    }


def _main_ports(control_planes: Sequence[Adoptee]) -> list[Port]:
    """The port of each control plane that carries its Node's internal address."""
    return [p for a in control_planes for p in a.ports if carries(p, a.addresses)]


def _subnets(cloud: Cloud, control_planes: Sequence[Adoptee], network: str, notes: Notes) -> list[Subnet]:
    """The subnets of the control planes: CAPO takes two at most, and not two of one IP version."""
    used = {f.subnet_id for p in _main_ports(control_planes) if p.network_id == network for f in p.fixed_ips}
    found = [s for s in cloud.subnets if s.id in used]
    versions = [s.ip_version for s in found]
    if len(found) > SUBNET_LIMIT or len(set(versions)) != len(versions):
        notes.impossible(
            "subnets of the control planes",
            tuple(f"subnet {s.name or s.id} ({s.cidr}, IPv{s.ip_version})" for s in found),
            "CAPO takes one subnet of each IP version: move the control planes into one before the takeover.",
        )
        return [next(s for s in found if s.ip_version == version) for version in sorted(set(versions))]
    return found


def _router(cloud: Cloud, subnets: Sequence[Subnet]) -> Router | None:
    """The router on the cluster's subnet; one with a gateway before one without, then by ID."""
    wanted = {subnet.id for subnet in subnets}
    joined = [r for r in cloud.routers if wanted & set(r.interface_subnet_ids)]
    return min(joined, key=lambda r: (not r.external_network_id, r.id), default=None)


def _load_balancer(given: ApiLoadBalancer, endpoint: Endpoint, *, external: bool) -> dict[str, JSON]:
    if not given.managed or given.live is None:
        # CAPO would otherwise put the floating IP of the endpoint on a control plane.
        return {"disableAPIServerFloatingIP": True}
    live = given.live
    enabled: dict[str, JSON] = {"enabled": True}
    if live.provider:
        enabled["provider"] = live.provider
    if live.vip_network_id:
        enabled["network"] = {"id": live.vip_network_id}
    if live.vip_subnet_id:
        enabled["subnets"] = [{"id": live.vip_subnet_id}]
    if given.listener and given.listener.allowed_cidrs:
        enabled["allowedCIDRs"] = texts(sorted(given.listener.allowed_cidrs))
    if given.pool and given.pool.monitor:
        monitor = given.pool.monitor
        enabled["monitor"] = {
            "delay": monitor.delay,
            "timeout": monitor.timeout,
            "maxRetries": monitor.max_retries,
            "maxRetriesDown": monitor.max_retries_down,
        }
    spec: dict[str, JSON] = {
        "apiServerLoadBalancer": enabled,
        "apiServerFixedIP": live.vip_address,
        "apiServerPort": endpoint.port,
    }
    if external and endpoint.host == given.floating_ip:
        spec["apiServerFloatingIP"] = given.floating_ip
    else:
        spec["disableAPIServerFloatingIP"] = True
    return spec
