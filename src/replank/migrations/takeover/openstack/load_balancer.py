"""Who keeps the API load balancer: unmanaged unless the operator asks for managed, or it is CAPO's already.

*Unmanaged* needs no write at all: nothing is renamed, and the whole adoption runs with a credential that
cannot write. *Managed* means that CAPO finds the load balancer, listener, pool, monitor and members by name,
sets the monitor and the listener's allowed CIDRs to what the OpenStackCluster says, and deletes it with the
cluster. Source: cluster-api-provider-openstack v0.14.7, pkg/cloud/services/loadbalancer/loadbalancer.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from replank.inventory.facts.openstack import Listener, LoadBalancer, Pool, PoolMember
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.endpoint import Endpoint
from replank.migrations.takeover.notes import Notes
from replank.migrations.takeover.openstack.names import LoadBalancerNames, load_balancer_names
from replank.migrations.takeover.seen import Cloud
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.takeover import LoadBalancerChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """One part of the load balancer that managed mode needs under another name."""

    kind: Literal["load-balancer", "listener", "pool", "monitor", "member"]
    id: str
    old: str
    new: str
    pool_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLoadBalancer:
    """The load balancer of the API, the choice, and what the choice means.

    `live` None: none was found. `floating_ip`: address that leads to its VIP, "" if none. `renames`: only
    those of the chosen mode. `if_managed`: those that managed mode would need.
    """

    choice: LoadBalancerChoice
    live: LoadBalancer | None
    listener: Listener | None
    pool: Pool | None
    floating_ip: str
    renames: tuple[Rename, ...]
    if_managed: tuple[Rename, ...]

    @property
    def managed(self) -> bool:
        """CAPO keeps it."""
        return self.choice.mode == "managed"


def api_load_balancer(
    cloud: Cloud,
    control_planes: Sequence[Adoptee],
    endpoint: Endpoint,
    settings: TakeoverSettings,
    cluster: str,
    notes: Notes,
) -> ApiLoadBalancer:
    """The decision, with its reason in words."""
    live = _find(cloud, control_planes, endpoint)
    listener = _listener(live, endpoint)
    pool = _pool(live, listener)
    floating = next((f.address for f in cloud.floating_ips if live and f.port_id == live.vip_port_id), "")
    names = load_balancer_names(settings.namespace, cluster, endpoint.port)
    renames = tuple(_renames(live, listener, pool, control_planes, names))
    hindrances = _hindrances(cloud, live, listener, pool, control_planes, endpoint, floating)
    mode, why = _decide(cloud, live, settings, renames, hindrances, notes)
    if mode == "managed" and listener and listener.allowed_cidrs:
        # getCanonicalAllowedCIDRs: a list that is not empty is completed by CAPO itself.
        why += "; CAPO adds the cluster's subnets and its router's addresses to the allowed CIDRs"
    return ApiLoadBalancer(
        choice=LoadBalancerChoice(
            mode=mode,
            why=why,
            endpoint=str(endpoint),
            load_balancer_id=live.id if live else "",
            pool_id=pool.id if pool else "",
            members=tuple(sorted(m.id for m in pool.members)) if pool else (),
        ),
        live=live,
        listener=listener,
        pool=pool,
        floating_ip=floating,
        renames=tuple(r for r in renames if r.old != r.new) if mode == "managed" else (),
        if_managed=tuple(r for r in renames if r.old != r.new),
    )


def _find(cloud: Cloud, control_planes: Sequence[Adoptee], endpoint: Endpoint) -> LoadBalancer | None:
    """By address of the endpoint (VIP, or a floating IP on the VIP's port), else by its members."""
    floating = {f.port_id for f in cloud.floating_ips if f.address == endpoint.host and f.port_id}
    for live in cloud.load_balancers:
        if live.vip_address == endpoint.host or live.vip_port_id in floating:
            return live
    addresses = frozenset(address for a in control_planes for address in a.addresses)
    for live in cloud.load_balancers:
        targets = {m.address for p in live.pools for m in p.members if m.protocol_port == endpoint.port}
        if targets and targets <= addresses and not endpoint.is_address:
            return live
    return None


def _listener(live: LoadBalancer | None, endpoint: Endpoint) -> Listener | None:
    listeners = [one for one in live.listeners if one.protocol_port == endpoint.port] if live else []
    return min(listeners, key=lambda one: one.id, default=None)


def _pool(live: LoadBalancer | None, listener: Listener | None) -> Pool | None:
    return next((p for p in live.pools if listener and p.id == listener.pool_id), None) if live else None


def _renames(
    live: LoadBalancer | None,
    listener: Listener | None,
    pool: Pool | None,
    control_planes: Sequence[Adoptee],
    names: LoadBalancerNames,
) -> list[Rename]:
    found: list[Rename] = []
    if live:
        found.append(Rename(kind="load-balancer", id=live.id, old=live.name, new=names.load_balancer))
    if listener:
        found.append(Rename(kind="listener", id=listener.id, old=listener.name, new=names.listener))
    if pool:
        found.append(Rename(kind="pool", id=pool.id, old=pool.name, new=names.listener))
        if pool.monitor:
            monitor = pool.monitor
            found.append(Rename(kind="monitor", id=monitor.id, old=monitor.name, new=names.listener))
        for adoptee in control_planes:
            if member := _member(pool, adoptee):
                new = names.member(adoptee.name)
                found.append(Rename(kind="member", id=member.id, old=member.name, new=new, pool_id=pool.id))
    return found


def _member(pool: Pool, adoptee: Adoptee) -> PoolMember | None:
    members = (m for m in pool.members if m.address in adoptee.addresses)
    return min(members, key=lambda m: m.id, default=None)


def _hindrances(
    cloud: Cloud,
    live: LoadBalancer | None,
    listener: Listener | None,
    pool: Pool | None,
    control_planes: Sequence[Adoptee],
    endpoint: Endpoint,
    floating: str,
) -> tuple[str, ...]:
    """Why CAPO could not keep it; empty = it could."""
    if cloud.load_balancers_unknown:
        return (f"load balancers could not be seen: {cloud.load_balancers_unknown}",)
    if live is None:
        return ("no Octavia load balancer leads to the endpoint",)
    found = []
    if not endpoint.is_address:
        found.append(f"the endpoint {endpoint.host} is a name, and CAPO writes the address over it")
    elif endpoint.host not in (live.vip_address, floating):
        found.append(f"the endpoint {endpoint.host} is neither its VIP nor a floating IP on it")
    if listener is None:
        found.append(f"it has no listener on port {endpoint.port}")
    elif pool is None:
        found.append(f"its listener on port {endpoint.port} has no default pool")
    else:
        if listener.protocol != "TCP":
            found.append(f"its listener speaks {listener.protocol}, CAPO's speaks TCP")
        if wrong := sorted(m.address for m in pool.members if m.protocol_port != endpoint.port):
            found.append(f"members {', '.join(wrong)} listen on another port than {endpoint.port}")
        if lacking := [a.name for a in control_planes if _member(pool, a) is None]:
            found.append(f"control planes {', '.join(lacking)} are no members of its pool")
    return tuple(found)


def _decide(
    cloud: Cloud,
    live: LoadBalancer | None,
    settings: TakeoverSettings,
    renames: Sequence[Rename],
    hindrances: tuple[str, ...],
    notes: Notes,
) -> tuple[Literal["managed", "unmanaged", "none"], str]:
    other = [r for r in renames if r.old != r.new]
    if settings.load_balancer == "managed":
        if not hindrances:
            return "managed", (
                f"fleet.yaml asks for it. {len(other)} parts get CAPO's names; monitor and allowed CIDRs are "
                "written into the OpenStackCluster as they are. CAPO deletes it together with the cluster"
            )
        notes.impossible(
            "load_balancer: managed",
            hindrances,
            "Set `load_balancer: unmanaged`, or remove what stands against it and survey again.",
        )
    if cloud.load_balancers_unknown:
        return "unmanaged", (
            f"load balancers could not be seen ({cloud.load_balancers_unknown}), so CAPO must not touch any"
        )
    if live is None:
        return "none", (
            "no Octavia load balancer leads to the endpoint; whatever leads there now has to follow the "
            "control planes before one is replaced"
        )
    if settings.load_balancer == "auto" and not other and not hindrances:
        return "managed", "it carries CAPO's names already, so CAPO finds it and nothing has to be renamed"
    reason = "fleet.yaml asks for it" if settings.load_balancer == "unmanaged" else "the careful choice"
    able = (
        f"managed would need {len(other)} renames"
        if not hindrances
        else f"managed is not possible: {'; '.join(hindrances)}"
    )
    return "unmanaged", (
        f"{reason}: nothing of it is renamed or rewritten, and the adoption needs no write access. Its "
        "members must follow the control planes before one is replaced; CAPO will not do it, `replank "
        f"operator` does ({able})"
    )
