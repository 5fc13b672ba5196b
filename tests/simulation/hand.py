"""A takeover without replank: the plan's objects written by hand, then the controllers let at them."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Callable
from typing import Any

from ruamel.yaml import YAML

from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access, ObjectRef
from replank.testbed.simulation.documents import copied
from replank.testbed.simulation.invariants import Invariants
from replank.testbed.simulation.labels import PAUSED
from replank.testbed.simulation.shapes import NOW, SHAPES
from replank.testbed.simulation.virtual_time import VirtualLoop, run
from replank.testbed.simulation.worlds import SimulatedWorld

OWNERS = ("MachineSet", "MachineDeployment", "KubeadmControlPlane")


class Hand:
    """`roles`: of CAPO's credential. `named`: ports get the names that CAPO looks for."""

    def __init__(
        self, shape: str = "1+1", *, roles: tuple[str, ...] = ("member",), named: bool = True
    ) -> None:
        self.plan: TakeoverPlan = SHAPES[shape].plan()
        self.loop = VirtualLoop(NOW.timestamp())
        self.trace: list[str] = []
        self.world = SimulatedWorld(SHAPES[shape], self.loop, 1, self.trace.append)
        self.access: Access = self.world.access(endpoint=self.plan.load_balancer.endpoint)
        self.invariants = Invariants(self.world, self.plan, self.trace.append)
        self.roles = roles
        self.named = named

    def go(self, play: Callable[[Hand], Awaitable[None]]) -> list[str]:
        """What was broken by the play."""

        async def whole() -> None:
            await self._before()
            await play(self)
            await asyncio.sleep(120)

        run(self.loop, whole())
        return self.invariants.broken

    async def write(self, *, without: tuple[str, ...] = ()) -> None:
        """The plan's objects but for those whose key starts so."""
        for stage in self.plan.stages:
            for step in stage.steps:
                for name in step.objects:
                    if not name.startswith(without or ("-",)):
                        await self.access.management.apply(self.plan.manifests[name])
        await asyncio.sleep(5)

    async def unpause(self, *kinds: str) -> None:
        """The Cluster, then the kinds, with time after each."""
        await self.patch("Cluster", {"spec": {"paused": False}})
        for kind in kinds:
            await self.patch(kind, {"metadata": {"annotations": {PAUSED: None}}})

    async def patch(self, kind: str, patch: dict[str, Any]) -> None:
        for name, manifest in self.plan.manifests.items():
            if name.startswith(f"{kind}/"):
                await self.access.management.merge(ObjectRef.of(manifest), patch)
        await asyncio.sleep(40)

    def live(self, kind: str) -> list[dict[str, Any]]:
        return [copied(d) for d in self.world.management.all(kind)]

    async def _before(self) -> None:
        self.invariants.watch()
        cloud, management = self.access.cloud, self.access.management
        if self.named:
            for machine in self.plan.machines:
                for port in machine.ports:
                    await cloud.set_port(port.id, name=port.new, tags=[])
        credential = await cloud.create_application_credential("capo", "made-by-hand", self.roles)
        await management.apply(self.plan.manifests[f"Namespace/{self.plan.namespace}"])
        for secret in self.plan.secrets:
            data = dict.fromkeys(secret.data, "")
            if "clouds.yaml" in data:
                data["clouds.yaml"] = base64.b64encode(_clouds(credential["id"]).encode()).decode()
            meta = {"name": secret.name, "namespace": secret.namespace, "labels": dict(secret.labels)}
            document = {"apiVersion": "v1", "kind": "Secret", "type": secret.type, "metadata": meta}
            await management.create({**document, "data": data})


def _clouds(credential_id: str) -> str:
    auth = {
        "application_credential_id": credential_id,
        "application_credential_secret": "made-by-hand",
    }
    text = io.StringIO()
    YAML().dump({"clouds": {"openstack": {"auth": auth}}}, text)
    return text.getvalue()
