"""Which cluster says that which server is its own, by the states that fleet.yaml gives it."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.unknown import Fact, is_known
from replank.inventory.facts.terraform import TerraformFacts

SERVER_TYPE = "openstack_compute_instance_v2"


def claimed_servers(facts: Fact[TerraformFacts]) -> frozenset[str]:
    """IDs of the servers that the states of one cluster manage; none where they could not be read."""
    if not is_known(facts):
        return frozenset()
    return frozenset(
        r.id
        for r in facts.resources
        if r.mode == "managed" and r.type == SERVER_TYPE and r.id and not r.deposed
    )


def claims_of_others(claims: Mapping[str, frozenset[str]], cluster: str) -> Mapping[str, str]:
    """Server ID -> the other cluster that claims it too (the first by name)."""
    others: dict[str, str] = {}
    for name in sorted(claims):
        if name != cluster:
            for server in claims[name]:
                others.setdefault(server, name)
    return others
