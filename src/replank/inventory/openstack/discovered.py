"""What belongs to a cluster and stands in none of its states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replank.domain.unknown import known_or
from replank.inventory.facts.openstack import Discovered, OpenStackFacts
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.reach import Reach
from replank.inventory.openstack.references import named_by


def discovered_things(
    part: OpenStackFacts, reach: Reach, resources: Iterable[TerraformResource]
) -> tuple[Discovered, ...]:
    """The things of `part` that no resource is, sorted by kind and ID.

    What a data source reads counts as standing in the state. Left out: external networks and networks of
    other projects, which belong to nobody's cluster, and virtual-IP ports (their load balancer has them).
    """
    in_state = {(r.kind, r.id) for resource in resources for r in named_by(resource)}
    addresses = {id_ for kind, id_ in in_state if kind == "address"}
    found = {
        Discovered(kind=kind, id=id_, name=name, evidence=reach.of(kind).why.get(id_, ""))
        for kind, id_, name in _things(part)
        if (kind, id_) not in in_state and not (kind == "floating_ip" and name in addresses)
    }
    return tuple(sorted(found, key=lambda d: (d.kind, d.id)))


def _things(part: OpenStackFacts) -> Iterator[tuple[str, str, str]]:
    """Kind, ID and name; the name of a floating IP is its address."""
    virtual = {balancer.vip_port_id for balancer in known_or(part.load_balancers, ())}
    inside = {
        n.id for n in known_or(part.networks, ()) if not n.external and n.project_id in ("", part.project_id)
    }
    yield from (("port", p.id, p.name) for p in known_or(part.ports, ()) if p.id not in virtual)
    yield from (("network", n.id, n.name) for n in known_or(part.networks, ()) if n.id in inside)
    yield from (("subnet", s.id, s.name) for s in known_or(part.subnets, ()) if s.network_id in inside)
    yield from (("floating_ip", f.id, f.address) for f in known_or(part.floating_ips, ()))
    yield from (("server", s.id, s.name) for s in known_or(part.servers, ()))
    yield from (("router", r.id, r.name) for r in known_or(part.routers, ()))
    yield from (("security_group", g.id, g.name) for g in known_or(part.security_groups, ()))
    yield from (("volume", v.id, v.name) for v in known_or(part.volumes, ()))
    yield from (("server_group", g.id, g.name) for g in known_or(part.server_groups, ()))
    yield from (("load_balancer", b.id, b.name) for b in known_or(part.load_balancers, ()))
