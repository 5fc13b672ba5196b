"""Does what a round decided. Every effect may be done again, and is seen by the next round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from replank.domain.errors import ReplankError
from replank.guards.decision import (
    Action,
    AddHooks,
    AddMember,
    KeepFloatingIp,
    Release,
    RemoveMember,
    Scale,
    Taint,
    WeighMember,
)
from replank.guards.names import GOING_TAINT, MEMBER_TAG, SURGED
from replank.guards.work.look import CORE
from replank.guards.work.systems import Systems
from replank.ports.access import Document, ObjectRef

FRESH_S: Final = 120.0
"""Seconds for which what was seen may be acted on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An action that did not work; the next round decides anew."""

    action: Action
    error: ReplankError


async def act(
    systems: Systems, cluster: Document, actions: Sequence[Action], at: float
) -> tuple[tuple[Action, ...], tuple[Fault, ...]]:
    """One after another, in their order. Returns those that were done, and those that did not work.

    `at`: when it was looked. Once that is `FRESH_S` ago nothing more is done: a process that stood still
    wakes up in another world, and may hold its Lease again.
    """
    acting = _Acting(systems, cluster)
    done: list[Action] = []
    faults: list[Fault] = []
    for action in actions:
        if systems.clock.now() - at > FRESH_S:
            break
        try:
            await acting.do(action)
        except ReplankError as error:
            faults.append(Fault(action, error))
        else:
            done.append(action)
    return tuple(done), tuple(faults)


class _Acting:
    def __init__(self, systems: Systems, cluster: Document) -> None:
        self._systems = systems
        self._cluster = cluster
        self._namespace: Final[str] = cluster["metadata"]["namespace"]

    async def do(self, action: Action) -> None:
        match action:
            case AddHooks(machine, hooks, version):
                patch = {"metadata": {"annotations": dict.fromkeys(hooks, "")}}
                management = self._systems.management
                await management.merge(self._machine(machine), patch, resource_version=version)
            case Release(machine, uid, hook):
                await self._release(machine, uid, hook)
            case Taint(node, on):
                await self._taint(node, on=on)
            case Scale():
                await self._scale(action)
            case AddMember(pool, machine, address, port, subnet_id):
                cloud = await self._systems.cloud(self._cluster)
                await cloud.add_member(
                    pool, name=machine, address=address, port=port, subnet_id=subnet_id, tags=[MEMBER_TAG]
                )
            case RemoveMember(pool, member):
                await (await self._systems.cloud(self._cluster)).remove_member(pool, member)
            case WeighMember(pool, member, weight=weight):
                await (await self._systems.cloud(self._cluster)).weigh_member(pool, member, weight)
            case KeepFloatingIp(floating_ip=floating_ip):
                cloud = await self._systems.cloud(self._cluster)
                await cloud.disassociate_floating_ip(floating_ip)
            case _:
                assert_never(action)

    def _machine(self, name: str) -> ObjectRef:
        return ObjectRef(CORE, "Machine", self._namespace, name)

    async def _release(self, machine: str, uid: str, hook: str) -> None:
        """Off that Machine alone: one of the same name may have come since."""
        pointer = hook.replace("~", "~0").replace("/", "~1")
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "remove", "path": f"/metadata/annotations/{pointer}"},
        ]
        await self._systems.management.json_patch(self._machine(machine), operations)

    async def _taint(self, node: str, *, on: bool) -> None:
        workload = await self._systems.workload(self._cluster)
        ref = ObjectRef("v1", "Node", "", node)
        found = await workload.get(ref)
        if found is None:
            return
        others = [taint for taint in found["spec"].get("taints") or [] if taint["key"] != GOING_TAINT]
        taints = [*others, {"key": GOING_TAINT, "effect": "NoSchedule"}] if on else others
        version = found["metadata"]["resourceVersion"]
        await workload.merge(ref, {"spec": {"taints": taints}}, resource_version=version)

    async def _scale(self, action: Scale) -> None:
        workload = await self._systems.workload(self._cluster)
        surged = None if action.surged_from is None else str(action.surged_from)
        patch: dict[str, Any] = {
            "metadata": {"labels": {SURGED: surged}},
            "spec": {"replicas": action.replicas},
        }
        ref = ObjectRef("apps/v1", "Deployment", action.namespace, action.name)
        await workload.merge(ref, patch, resource_version=action.resource_version)
