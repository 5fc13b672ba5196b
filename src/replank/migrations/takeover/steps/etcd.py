"""etcd's snapshot before the control plane is touched, and who its members are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from replank.domain.errors import Refused, Transient
from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.planned import host_of
from replank.plan.parameters import Params, malformed, number, pairs, texts
from replank.ports.access import EtcdMember, EtcdSnapshot

T = TypeVar("T")


class EtcdSnapshotStep:
    """`etcd.snapshot`: one is taken unless the newest is young enough. Undo keeps it."""

    async def found(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        return _told(at, newest) if newest is not None else None

    async def apply(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        if newest is not None and _age_s(at, newest) <= 60 * number(at.step.params, "max_age_minutes"):
            return {"taken": False, **_told(at, newest)}
        taken, passed_over = await _taken(at, texts(at.step.params, "machines"))
        return {"taken": True, "passed_over": passed_over, **_told(at, taken)}

    async def undo(self, at: At) -> JSON:
        newest = await at.access.hosts.newest_snapshot()
        return {"kept": newest.path if newest is not None else ""}


async def snapshot_fresh(at: At, params: Params) -> Verdict:
    """`etcd.snapshot-fresh`. `renew`: Machines that a new one is taken from where the newest is too old.

    Taking one reads etcd and writes a file where fleet.yaml says; nothing of the cluster changes. So a step
    that waited for a person overnight does not hold for ever.
    """
    newest = await at.access.hosts.newest_snapshot()
    limit_s = 60 * number(params, "max_age_minutes")
    if newest is not None and _age_s(at, newest) <= limit_s:
        return passed(**_told(at, newest))
    if "renew" in params:
        taken, passed_over = await _taken(at, texts(params, "renew"))
        return passed(renewed=True, passed_over=passed_over, **_told(at, taken))
    if newest is None:
        return waiting("there is no etcd snapshot of this cluster in the configured place")
    minutes = int(_age_s(at, newest) / 60)
    return waiting(f"the newest etcd snapshot, {newest.path}, is {minutes} minutes old")


async def members_are_nodes(at: At, params: Params) -> Verdict:
    """`etcd.members-are-nodes`: `members` is Machine -> Node. KCP removes members without a Machine."""
    nodes = pairs(params, "members")
    members, _ = await _first(at, sorted(nodes), at.access.hosts.etcd_members)
    names = sorted(member.name for member in members)
    wanted = sorted(nodes.values())
    evidence: dict[str, object] = {"members": [_words(member) for member in members]}
    if learners := [m.name or m.id for m in members if m.learner]:
        return waiting(f"{', '.join(learners)} is a learner of etcd", **evidence)
    if unstarted := [m.id for m in members if not m.name]:
        return waiting(f"etcd member {', '.join(unstarted)} was never started", **evidence)
    if names != wanted:
        return failed(
            f"etcd's members are {', '.join(names)}, the control plane's Nodes are {', '.join(wanted)}",
            "Cluster API would remove the members that are no Nodes. Put the membership in order (each "
            "member named as its Node), then survey and plan again.",
            **evidence,
        )
    if ill := [m.name for m in members if not m.healthy]:
        return waiting(f"etcd member {', '.join(ill)} is not healthy", **evidence)
    return passed(**evidence)


async def _taken(at: At, machines: Sequence[str]) -> tuple[EtcdSnapshot, dict[str, JSON]]:
    return await _first(at, machines, at.access.hosts.etcd_snapshot)


async def _first(
    at: At, machines: Sequence[str], ask: Callable[[str], Awaitable[T]]
) -> tuple[T, dict[str, JSON]]:
    """The answer of the first machine that gives one, and why those before it gave none.

    Raises what the last one raised where none answers.
    """
    passed_over: dict[str, JSON] = {}
    last: Refused | Transient = malformed("machines", "names no machine")
    for machine in machines:
        try:
            return await ask(host_of(at.plan, machine)), passed_over
        except (Refused, Transient) as error:
            passed_over[machine] = error.reason
            last = error
    raise last


def _age_s(at: At, snapshot: EtcdSnapshot) -> float:
    return at.access.clock.now() - snapshot.taken_at


def _told(at: At, snapshot: EtcdSnapshot) -> dict[str, JSON]:
    return {
        "path": snapshot.path,
        "sha256": snapshot.sha256,
        "bytes": snapshot.bytes,
        "taken_at": snapshot.taken_at,
        "age_s": round(_age_s(at, snapshot), 1),
        "revision": snapshot.revision,
        "keys": snapshot.keys,
    }


def _words(member: EtcdMember) -> str:
    return f"{member.name or 'unstarted'} ({member.id}{'' if member.healthy else ', not healthy'})"
