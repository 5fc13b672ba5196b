"""What Terraform must forget before anything is renamed.

Terraform would put the old names back and make again what Cluster API deletes. Both must go: the entry in the
state and the block in the configuration (a block without an entry makes a duplicate at the next apply).
`removed {}` takes no instance key, so members of count and for_each are forgotten with `state rm`
(Terraform >= 1.7, OpenTofu >= 1.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.migrations.takeover.configuration import block_of, blocks_of, let_go, placed
from replank.migrations.takeover.seen import Seen
from replank.plan.takeover import Forget, Ownership, StateLetGo

FLOATING_ASSOCIATION = "openstack_networking_floatingip_associate_v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRelease:
    """What one state forgets. `dependents`: addresses that stay and whose configuration names forgotten
    ones. `let_go`: the same of its configuration, by file and line.
    """

    state: StateFile
    forget: tuple[Forget, ...]
    dependents: tuple[str, ...]
    let_go: StateLetGo


def releases(seen: Seen, owned: Sequence[Ownership]) -> tuple[StateRelease, ...]:
    """One entry for each state that holds something CAPO or replank's operator will own, sorted by source."""
    ids = {o.id for o in owned if o.after in ("cluster-api", "replank") and o.id}
    sets = _member_sets(seen, ids)
    found = []
    for state in seen.states:
        live = sorted(
            (r for r in state.resources if r.mode == "managed" and not r.deposed), key=lambda r: r.address
        )
        gone = [r for r in live if _goes(r, ids, sets)]
        if gone:
            blocks = blocks_of(state, gone)
            found.append(
                StateRelease(
                    state=state,
                    forget=tuple(placed(_forget(r, state), r, blocks) for r in gone),
                    dependents=_dependents(live, gone),
                    let_go=let_go(state, blocks),
                )
            )
    return tuple(found)


def forgotten(found: Iterable[StateRelease]) -> tuple[Forget, ...]:
    """The list for the plan, sorted by state and address."""
    return tuple(f for release in found for f in release.forget)


def _member_sets(seen: Seen, ids: set[str]) -> set[str]:
    """IDs of pools with a member that goes. `openstack_lb_members_v2` is all of a pool's members at once, and
    has the pool's ID."""
    pools = [pool for live in seen.cloud.load_balancers for pool in live.pools]
    return {pool.id for pool in pools if any(member.id in ids for member in pool.members)}


def _goes(resource: TerraformResource, ids: set[str], member_sets: set[str]) -> bool:
    """Owned by CAPO or the operator, or only glue between owned things (an attachment, an association)."""
    if resource.type == "openstack_lb_members_v2":
        return resource.id in member_sets
    if resource.type == FLOATING_ASSOCIATION:
        # Its ID is the floating IP's: it goes with the floating IP, or with the port it names.
        return resource.id in ids or str(resource.attributes.get("port_id") or "") in ids
    if resource.type in ("openstack_compute_volume_attach_v2", "openstack_compute_floatingip_associate_v2"):
        instance = str(resource.attributes.get("instance_id") or resource.id.split("/")[0])
        parts = resource.id.split("/")
        return instance in ids or any(part in ids for part in parts)
    if resource.type == "openstack_compute_interface_attach_v2":
        return resource.id.split("/")[0] in ids
    return resource.id in ids


def _forget(resource: TerraformResource, state: StateFile) -> Forget:
    return Forget(
        address=resource.address,
        id=resource.id,
        state=state.source,
        how="state-rm" if "[" in resource.address else "removed-block",
        import_id=_import_id(resource),
    )


def _import_id(resource: TerraformResource) -> str:
    """What `terraform import` takes to have it back (terraform-provider-openstack 1.x-3.x)."""
    if resource.type == "openstack_lb_member_v2":
        return f"{resource.attributes.get('pool_id') or ''}/{resource.id}"
    return resource.id


def _dependents(live: Sequence[TerraformResource], gone: Sequence[TerraformResource]) -> tuple[str, ...]:
    """Resources that stay but depend on a forgotten one: their configuration needs plain values instead."""
    names = {block_of(r) for r in gone}
    kept = {block_of(r) for r in live} - names
    return tuple(r.address for r in live if block_of(r) in kept and names & set(r.dependencies))
