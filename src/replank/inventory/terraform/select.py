"""Which resources of which states are one cluster's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.inventory.terraform.address import block_address, enclosing

SERVER_TYPE = "openstack_compute_instance_v2"


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` is any text, `?` one character. Brackets stand for themselves: addresses are full of them."""
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob), flags=re.DOTALL
    )


def matches(address: str, glob: str) -> bool:
    """True if `glob` names the address, or a module or resource that it lies in.

    As with Terraform's `-target`, `module.prod` covers `module.prod["a"].x.y[0]`, and `x.y` covers `x.y[0]`.
    """
    pattern = _pattern(glob)
    return any(pattern.fullmatch(part) for part in enclosing(address))


def select_resources(states: Iterable[StateFile], only: Sequence[str]) -> tuple[StateFile, ...]:
    """The states with the resources that one of the globs `only` covers; all of them where `only` is empty.

    A state of which nothing is left stays, empty: that it was read is a fact.
    """
    if not only:
        return tuple(states)
    return tuple(_selected(state, only) for state in states)


def _selected(state: StateFile, only: Sequence[str]) -> StateFile:
    mine: list[TerraformResource] = []
    left: list[TerraformResource] = []
    for resource in state.resources:
        mine_too = any(matches(resource.address, glob) for glob in only)
        (mine if mine_too else left).append(resource)
    alike = {(r.type, r.name) for r in mine}
    others = {
        block_address(r.module, r.type, r.name)
        for r in left
        if r.mode == "managed" and (r.type, r.name) in alike
    }
    return replace(state, resources=tuple(mine), others=tuple(sorted(others)))


def unmatched(states: Iterable[StateFile], only: Sequence[str]) -> tuple[str, ...]:
    """The globs that cover nothing: most likely misspelt."""
    addresses = [resource.address for state in states for resource in state.resources]
    return tuple(glob for glob in only if not any(matches(address, glob) for address in addresses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One resource that stands in the states of one cluster."""

    cluster: str
    state: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedServer:
    """A server that several clusters claim. `claims`: sorted by cluster, state and address."""

    server_id: str
    name: str
    claims: tuple[Claim, ...]

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that claim it, sorted."""
        return tuple(sorted({claim.cluster for claim in self.claims}))


def shared_between(clusters: Mapping[str, Iterable[StateFile]]) -> tuple[SharedServer, ...]:
    """Servers that more than one cluster claims as managed, sorted by ID.

    `clusters`: cluster name -> its states, already cut by `only`. Reading a server as data claims nothing.
    """
    claims: dict[str, list[tuple[Claim, str]]] = {}
    for cluster, states in clusters.items():
        for state in states:
            for server in servers(state.resources):
                claim = Claim(cluster=cluster, state=state.source, address=server.address)
                claims.setdefault(server.id, []).append((claim, str(server.attributes.get("name", ""))))
    found = []
    for server_id, entries in sorted(claims.items()):
        ordered = sorted(entries, key=lambda entry: (entry[0].cluster, entry[0].state, entry[0].address))
        shared = SharedServer(
            server_id=server_id,
            name=next((name for _, name in ordered if name), ""),
            claims=tuple(claim for claim, _ in ordered),
        )
        if len(shared.clusters) > 1:
            found.append(shared)
    return tuple(found)


def servers(resources: Iterable[TerraformResource]) -> tuple[TerraformResource, ...]:
    """The managed server instances that have an ID, deposed ones too (they still exist)."""
    return tuple(r for r in resources if r.mode == "managed" and r.type == SERVER_TYPE and r.id)
