"""Quotas: a rollout makes the new machine before the old one goes."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, servers
from replank.migrations.takeover.checks.rule import Sighting, Unseen, rule, seen
from replank.migrations.takeover.openstack.checks.ports import ports_of


def _one_more_machine(snapshot: Snapshot) -> dict[str, int]:
    """What the largest machine would need once more, by the quota's name (Nova, Neutron)."""
    live = [server for _, server in servers(snapshot)]
    flavors = cloud(snapshot, lambda facts: facts.flavors)
    names = {server.flavor_id for server in live} | {server.flavor for server in live}
    used = [flavor for flavor in flavors if {flavor.id, flavor.name} & names]
    if not used:
        raise Unseen(Unknown("no flavor of a machine is seen, so what a machine needs is not known"))
    ports = max((len(ports_of(snapshot, server)) for server in live), default=1)
    return {
        "instances": 1,
        "cores": max(flavor.vcpus for flavor in used),
        "ram": max(flavor.ram_mib for flavor in used),
        "port": ports,
        "ports": ports,
    }


@rule(
    "RP146",
    Severity.RISK,
    consequence="A rollout makes one machine more before it takes one away: with this quota it hangs at "
    "the first.",
    remedy="Have the quota raised by one machine of the largest flavor at least.",
)
def quota_is_too_small(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The project's quota does not hold one machine more."""
    needed = _one_more_machine(snapshot)
    for quota in cloud(snapshot, lambda facts: facts.quotas):
        more = needed.get(quota.resource, 0)
        if more and quota.limit >= 0 and quota.used + more > quota.limit:
            evidence = f"{quota.used} of {quota.limit} used, one machine more needs {more}"
            yield seen(f"quota {quota.resource}", evidence)
