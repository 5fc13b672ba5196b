"""The members of a pool: those Machines that serve and stay. Never an empty pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replank.domain.unknown import Fact, Unknown
from replank.guards.decision import AddMember, Reason, RemoveMember, WeighMember
from replank.guards.names import PRE_TERMINATE, WAITING_FOR_PRE_TERMINATE
from replank.guards.policy import Policy, Pool
from replank.guards.sight import CloudSight, MachineSight, MemberSight, Sight

LIVING = frozenset({"ONLINE", "NO_MONITOR"})
"""Octavia's operating_status of a member that gets connections."""


@dataclass(slots=True)
class Kept:
    """What is done to the pools. `holds`: Machine -> why its termination must wait."""

    actions: list[AddMember | RemoveMember | WeighMember] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    holds: dict[str, list[Reason]] = field(default_factory=dict)

    def hold(self, machine: str, code: str, word: str, text: str, *, fatal: bool = False) -> None:
        self.holds.setdefault(machine, []).append(Reason(code=code, word=word, text=text, fatal=fatal))


def keep(sight: Sight, policy: Policy) -> Kept:
    """Every pool of the policy."""
    kept = Kept()
    for pool in policy.pools:
        machines = [machine for machine in sight.machines if _belongs(machine, pool)]
        members = _members(pool, sight.cloud)
        if isinstance(members, Unknown):
            text = f"the members of pool {pool.id} could not be seen: {members.unknown}"
            kept.notes.append(Reason(code="RP710", word="PoolUnknown", text=text))
            for machine in machines:
                kept.hold(machine.name, "RP710", "PoolUnknown", text)
        elif pool.kept_by == "cluster-api":
            _weigh(kept, pool, machines, members)
        else:
            _keep(kept, pool, machines, members, sight)
    return kept


def expects_member(sight: Sight, policy: Policy) -> bool:
    """Whether a machine that does not serve yet may become a member at any moment, by CAPO's hand."""
    pools = [pool for pool in policy.pools if pool.kept_by == "cluster-api"]
    coming = [m for m in sight.machines if not m.serving and m.deleting_since is None]
    return any(_belongs(machine, pool) for pool in pools for machine in coming)


def _weigh(kept: Kept, pool: Pool, machines: list[MachineSight], members: tuple[MemberSight, ...]) -> None:
    """CAPO adds and removes. It looks for a member by name and address alone, so that a weight stays
    (v0.14.7, pkg/cloud/services/loadbalancer, ReconcileLoadBalancerMember)."""
    by_address = _by_address(pool, machines)
    owned = [(m, by_address[m.address]) for m in members if m.port == pool.port and m.address in by_address]
    fit = {m.id: owner.serving and not _leaves(owner) for m, owner in owned}
    living = {m.id for m, _ in owned if fit[m.id] and m.state in LIVING and m.weight}
    for member, owner in owned:
        where = f"member {member.address} of pool {pool.id}"
        if fit[member.id]:
            if not member.weight:
                kept.actions.append(WeighMember(pool.id, member.id, member.address, owner.name, 1))
        elif member.weight and living:
            kept.actions.append(WeighMember(pool.id, member.id, member.address, owner.name, 0))
            if _leaves(owner):
                kept.hold(owner.name, "RP712", "InPool", f"{where} gets no new connections from now on")
        elif member.weight and _leaves(owner):
            text = f"{where} is the last that lives: no other serves yet"
            kept.notes.append(Reason(code="RP711", word="LastMember", text=text))
            kept.hold(owner.name, "RP711", "LastMember", text, fatal=True)


def _keep(
    kept: Kept, pool: Pool, machines: list[MachineSight], members: tuple[MemberSight, ...], sight: Sight
) -> None:
    by_address = _by_address(pool, machines)
    all_placed = all(pool.address_of(machine.addresses) for machine in machines if machine.server)
    members = tuple(member for member in members if member.port == pool.port)
    here = {member.address for member in members}
    for address, machine in sorted(by_address.items()):
        if address not in here and machine.serving and machine.deleting_since is None:
            kept.actions.append(AddMember(pool.id, machine.name, address, pool.port, pool.subnet_id))
    unwanted = [
        m
        for m in members
        if (_leaves(owner) if (owner := by_address.get(m.address)) else _is_left(m, sight.cloud, all_placed))
    ]
    kept.notes += [
        _foreign(pool, m) for m in members if m not in unwanted and m.address not in by_address and not m.ours
    ]
    living = {m.id for m in members if m not in unwanted and _lives(m, by_address)}
    for member in unwanted:
        owner = by_address.get(member.address)
        name = owner.name if owner is not None else ""
        where = f"member {member.address} of pool {pool.id}"
        if living:
            kept.actions.append(RemoveMember(pool.id, member.id, member.address, name))
            if name:
                kept.hold(name, "RP712", "InPool", f"{where} is being taken out")
        else:
            text = f"{where} is the last that lives: no other serves yet"
            kept.notes.append(Reason(code="RP711", word="LastMember", text=text))
            if name:
                kept.hold(name, "RP711", "LastMember", text, fatal=True)


def _belongs(machine: MachineSight, pool: Pool) -> bool:
    if pool.machines == "control-plane":
        return machine.role == "control-plane"
    return machine.role == "worker" and (not pool.deployments or machine.deployment in pool.deployments)


def _members(pool: Pool, cloud: Fact[CloudSight]) -> Fact[tuple[MemberSight, ...]]:
    if isinstance(cloud, Unknown):
        return cloud
    return cloud.pools.get(pool.id, Unknown("it was not looked at"))


def _by_address(pool: Pool, machines: list[MachineSight]) -> dict[str, MachineSight]:
    """Neutron gives an address out again while the Machine that had it is still being deleted: it is the new
    one's then."""
    ordered = sorted(machines, key=lambda machine: machine.deleting_since is None)
    found = {pool.address_of(machine.addresses): machine for machine in ordered}
    found.pop("", None)
    return found


def _is_left(member: MemberSight, cloud: Fact[CloudSight], all_placed: bool) -> bool:
    """A member that no Machine has: added by us, for one that is gone; or nobody's, and dead.

    Ours stay while a Machine that has a server has no address (`clusterctl move` carries no status over).
    Others stay while they answer: an address of none of the project's ports may still be somebody's.
    """
    if member.ours:
        return all_placed
    addresses = cloud if isinstance(cloud, Unknown) else cloud.addresses
    if isinstance(addresses, Unknown) or member.state == "ONLINE":
        return False
    return member.address not in addresses


def _foreign(pool: Pool, member: MemberSight) -> Reason:
    text = f"member {member.name or member.id} ({member.address}) of pool {pool.id} is no Machine's: it stays"
    return Reason(code="RP719", word="ForeignMember", text=text)


def _leaves(machine: MachineSight) -> bool:
    """It is drained and waits for us; or nothing holds it, so that now is the last moment."""
    if machine.deleting_since is None:
        return False
    return machine.waits_for == WAITING_FOR_PRE_TERMINATE or PRE_TERMINATE not in machine.hooks


def _lives(member: MemberSight, machines: Mapping[str, MachineSight]) -> bool:
    machine = machines.get(member.address)
    return member.state in LIVING and member.weight > 0 and (machine is None or machine.serving)
