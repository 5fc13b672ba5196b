"""One owner for each OpenStack resource, before and after.

By default networks, routers, subnets and security groups stay with Terraform; CAPO owns servers with their
ports and root volumes, and the load balancer where it is managed; where it is not, its members follow the
Machines by replank's operator. What the cloud provider and the CSI driver
made stays theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from replank.inventory.facts.openstack import FloatingIP, LoadBalancer, PoolMember, Port, Volume
from replank.inventory.facts.terraform import TerraformResource
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer
from replank.migrations.takeover.openstack.shape import root_volume_of
from replank.migrations.takeover.seen import Cloud, Seen
from replank.plan.takeover import Ownership

Before = Literal["terraform", "nova", "cloud-provider", "nobody", "elsewhere"]
After = Literal["cluster-api", "replank", "terraform", "cloud-provider", "nobody", "elsewhere"]


_GLUE = frozenset(
    {
        "openstack_compute_floatingip_associate_v2",
        "openstack_compute_volume_attach_v2",
        "openstack_lb_members_v2",
        "openstack_networking_floatingip_associate_v2",
    }
)
"""Types whose ID is that of another resource, or of none (terraform-provider-openstack 1.x-3.x)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Who is who, looked up once."""

    cloud: Cloud
    by_id: Mapping[str, TerraformResource]
    adopted: Mapping[str, Adoptee]
    addresses: frozenset[str]
    discovered: Mapping[str, str]
    shared: Mapping[str, str]
    api: ApiLoadBalancer

    def before(self, resource_id: str, otherwise: Before = "nobody") -> Before:
        """Terraform where a state manages it; the cloud provider where it was found to be its own."""
        if resource_id in self.by_id:
            return "terraform"
        return "cloud-provider" if resource_id in self.discovered else otherwise

    def address(self, resource_id: str) -> str:
        """Its Terraform address, "" if no state manages it."""
        resource = self.by_id.get(resource_id)
        return resource.address if resource else ""


def ownership(seen: Seen, adoptees: Sequence[Adoptee], api: ApiLoadBalancer) -> tuple[Ownership, ...]:
    """Every resource that was seen, sorted by kind, name and ID."""
    cloud = seen.cloud
    view = _View(
        cloud=cloud,
        by_id={
            r.id: r
            for r in seen.resources
            if r.mode == "managed" and r.id and not r.deposed and r.type not in _GLUE
        },
        adopted={a.server.id: a for a in adoptees},
        addresses=frozenset(address for a in adoptees for address in a.addresses),
        discovered={
            d.id: d.evidence for d in cloud.discovered if d.kind in ("load_balancer", "volume", "floating_ip")
        },
        shared={s.id: s.shared_with for s in cloud.shared},
        api=api,
    )
    found = [
        *_servers(view),
        *(_port(view, port) for port in cloud.ports),
        *(_volume(view, volume) for volume in cloud.volumes),
        *_load_balancers(view),
        *(_floating_ip(view, fip) for fip in cloud.floating_ips),
        *_staying(view),
    ]
    return tuple(sorted(found, key=lambda o: (o.kind, o.name, o.id)))


def _servers(view: _View) -> Iterator[Ownership]:
    for server in view.cloud.servers:
        taken = server.id in view.adopted
        before = view.before(server.id)
        yield Ownership(
            kind="server",
            id=server.id,
            name=server.name,
            before=before,
            after="cluster-api" if taken else _stays(before),
            address=view.address(server.id),
            why=f"becomes Machine {view.adopted[server.id].name}" if taken else "is no Node of the cluster",
        )


def _port(view: _View, port: Port) -> Ownership:
    adoptee = view.adopted.get(port.device_id)
    # A port that Nova made has no name; one with a name was made by somebody.
    before = view.before(port.id, "nova" if adoptee and not port.name else "nobody")
    after: After = _stays(before)
    why = f"belongs to {port.device_owner or 'nothing'}"
    if adoptee:
        after, why = (
            "cluster-api",
            f"port of {adoptee.name}; CAPO finds it by name and deletes it with the server",
        )
    elif view.api.live and port.id == view.api.live.vip_port_id:
        before = "elsewhere" if before == "nobody" else before
        after = _stays(before)
        why = "VIP of the API load balancer; Octavia keeps it"
    return Ownership(
        kind="port",
        id=port.id,
        name=port.name,
        before=before,
        after=after,
        address=view.address(port.id),
        why=why,
    )


def _volume(view: _View, volume: Volume) -> Ownership:
    before = view.before(volume.id)
    after: After = _stays(before)
    why = "data volume, or none of the machines'"
    if volume.csi_cluster:
        before, after, why = (
            "cloud-provider",
            "cloud-provider",
            "made by the CSI driver for a PersistentVolume",
        )
    else:
        for adoptee in view.adopted.values():
            root = root_volume_of(adoptee.server, view.cloud)
            if root is not None and root.id == volume.id:
                if before in ("nobody", "cloud-provider"):
                    # In no state and of no PersistentVolume: Nova made it when it booted the server.
                    before = "nova"
                after = "cluster-api"
                why = (
                    f"root volume of {adoptee.name}; "
                    + {
                        True: "Nova deletes it with the server",
                        False: "it stays behind when the server is deleted (delete_on_termination is off)",
                        None: "Nova's delete_on_termination decides whether it goes with the server",
                    }[volume.delete_on_termination]
                )
    return Ownership(
        kind="volume",
        id=volume.id,
        name=volume.name,
        before=before,
        after=after,
        address=view.address(volume.id),
        why=why,
    )


def _load_balancers(view: _View) -> Iterator[Ownership]:
    for live in view.cloud.load_balancers:
        is_api = view.api.live is not None and live.id == view.api.live.id
        before = view.before(live.id)
        managed = is_api and view.api.managed
        after: After = "cluster-api" if managed else _stays(before)

        def follows(member: PoolMember, managed: bool = managed) -> bool:
            return not managed and member.address in view.addresses

        why = view.api.choice.why if is_api else view.discovered.get(live.id, "not the API's")
        parts = [("load-balancer", live.id, live.name)]
        parts += [("listener", one.id, one.name) for one in live.listeners]
        for pool in live.pools:
            parts.append(("pool", pool.id, pool.name))
            parts += [("monitor", pool.monitor.id, pool.monitor.name)] if pool.monitor else []
            parts += [("member", member.id, member.name) for member in pool.members if not follows(member)]
            yield from (_follower(view, live, member) for member in pool.members if follows(member))
        for kind, part_id, name in parts:
            own = view.before(part_id, before if before != "terraform" else "nobody")
            yield Ownership(
                kind=kind,
                id=part_id,
                name=name,
                before=own,
                after=after if after == "cluster-api" else _stays(own),
                address=view.address(part_id),
                why=why if kind == "load-balancer" else f"part of load balancer {live.name}",
            )


def _follower(view: _View, live: LoadBalancer, member: PoolMember) -> Ownership:
    """A member that must follow its machine. Terraform's block names the machine, so it goes with it."""
    return Ownership(
        kind="member",
        id=member.id,
        name=member.name,
        before=view.before(member.id),
        after="replank",
        address=view.address(member.id),
        why=f"of load balancer {live.name}: must follow its Machine; `replank operator` keeps it",
    )


def _floating_ip(view: _View, fip: FloatingIP) -> Ownership:
    before = view.before(fip.id)
    port = next((p for p in view.cloud.ports if p.id == fip.port_id), None)
    adoptee = view.adopted.get(port.device_id) if port else None
    why = (
        "leads to the API load balancer" if view.api.live and fip.port_id == view.api.live.vip_port_id else ""
    )
    after: After = _stays(before)
    if adoptee:
        why = f"on {adoptee.name}"
        if adoptee.role == "control-plane" and not view.api.managed:
            # Seen on CAPO v0.14.7, also with disableAPIServerFloatingIP: true.
            why = (
                f"on {adoptee.name}; CAPO deletes it with the first deletion of this Machine: take it off "
                "before"
            )
    if (
        view.api.managed
        and view.api.floating_ip == fip.address
        and view.api.choice.endpoint.startswith(fip.address)
    ):
        after, why = "cluster-api", "the endpoint; CAPO keeps it on the load balancer"
    return Ownership(
        kind="floating-ip",
        id=fip.id,
        name=fip.address,
        before=before,
        after=after,
        address=view.address(fip.id),
        why=why,
    )


def _staying(view: _View) -> Iterator[Ownership]:
    """What the whole cluster stands on. It keeps its owner: the manifests name it by ID."""
    cloud = view.cloud
    kinds: Sequence[tuple[str, Sequence[tuple[str, str, bool]]]] = (
        ("network", [(n.id, n.name, n.external or n.shared) for n in cloud.networks]),
        ("subnet", [(s.id, s.name, False) for s in cloud.subnets]),
        ("router", [(r.id, r.name, False) for r in cloud.routers]),
        ("security-group", [(g.id, g.name, False) for g in cloud.security_groups]),
        ("server-group", [(g.id, g.name, False) for g in cloud.server_groups]),
        ("keypair", [(name, name, False) for name in cloud.keypairs]),
    )
    for kind, items in kinds:
        for resource_id, name, foreign in items:
            before = view.before(resource_id, "elsewhere" if foreign else "nobody")
            shared = view.shared.get(resource_id)
            yield Ownership(
                kind=kind,
                id=resource_id,
                name=name,
                before=before,
                after=_stays(before),
                address=view.address(resource_id),
                why=f"also used by {shared}" if shared else "the manifests name it, nothing changes it",
            )


def _stays(before: Before) -> After:
    return "nobody" if before == "nova" else before
