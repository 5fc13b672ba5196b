"""Which other cluster says that a server is its own, by the states that fleet.yaml gives it."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.terraform import TerraformFacts
from replank.inventory.terraform.select import shared_between


def claims_of_others(states: Mapping[str, Fact[TerraformFacts]]) -> dict[str, dict[str, str]]:
    """Cluster -> server ID -> the other cluster that claims it too (the first by name).

    `states`: of every cluster of the survey; one that could not be read claims nothing.
    """
    seen = {name: facts.states for name, facts in states.items() if not isinstance(facts, Unknown)}
    others: dict[str, dict[str, str]] = {name: {} for name in states}
    for shared in shared_between(seen):
        for cluster in shared.clusters:
            others[cluster][shared.server_id] = next(c for c in shared.clusters if c != cluster)
    return others
