"""What a project holds in OpenStack, for "the same as before" and "nothing left"."""

from __future__ import annotations

from dataclasses import dataclass, fields

from openstack.connection import Connection


@dataclass(frozen=True, slots=True)
class Holdings:
    """IDs of a project's resources -> their names."""

    servers: dict[str, str]
    ports: dict[str, str]
    networks: dict[str, str]
    routers: dict[str, str]
    security_groups: dict[str, str]
    floating_ips: dict[str, str]
    load_balancers: dict[str, str]

    def difference(self, other: Holdings) -> dict[str, str]:
        """ "<kind> <name>" -> "gone" or "new", from self to other. Renamed resources count as the same."""
        found: dict[str, str] = {}
        for kind in fields(self):
            mine: dict[str, str] = getattr(self, kind.name)
            theirs: dict[str, str] = getattr(other, kind.name)
            found |= {f"{kind.name} {mine[i]} ({i})": "gone" for i in mine.keys() - theirs.keys()}
            found |= {f"{kind.name} {theirs[i]} ({i})": "new" for i in theirs.keys() - mine.keys()}
        return dict(sorted(found.items()))


def holdings(cloud: Connection) -> Holdings:
    """All of the project that the connection is scoped to."""
    project = cloud.current_project_id
    return Holdings(
        servers={s.id: s.name for s in cloud.compute.servers()},
        ports={p.id: p.name for p in cloud.network.ports(project_id=project)},
        networks={n.id: n.name for n in cloud.network.networks(project_id=project)},
        routers={r.id: r.name for r in cloud.network.routers(project_id=project)},
        security_groups={g.id: g.name for g in cloud.network.security_groups(project_id=project)},
        floating_ips={f.id: f.floating_ip_address for f in cloud.network.ips(project_id=project)},
        load_balancers={b.id: b.name for b in cloud.load_balancer.load_balancers()},
    )
