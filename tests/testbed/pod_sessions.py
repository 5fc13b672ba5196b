"""Sessions on the twin's nodes by way of pods, with a clock that hurries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pods_site import IMAGE, BySite

from replank.domain.errors import ReplankError
from replank.inventory.fleet.model import KubeconfigRef, NodePodAccess
from replank.inventory.hosts import commands
from replank.inventory.hosts.swap_commands import SWAP_COMMANDS
from replank.transports.hosts.session import HostSession
from replank.transports.node_pod.documents import Purpose
from replank.transports.node_pod.pods import NodePods
from replank.transports.node_pod.ways import node_pods

T = TypeVar("T")


class Hurried:
    """Waits no longer than a twin needs; hours go by as told."""

    def __init__(self) -> None:
        self.later = 0.0

    def now(self) -> float:
        return self.later

    async def sleep(self, seconds: float) -> None:
        self.later += seconds
        await asyncio.sleep(0.001)


def during(
    site: BySite,
    work: Callable[[NodePods], Awaitable[T]],
    *,
    purpose: Purpose = "swap",
    image: str = IMAGE,
    clock: Hurried | None = None,
    told: list[ReplankError] | None = None,
) -> T:
    async def run() -> T:
        making = node_pods(
            KubeconfigRef(path=str(site.living.folder / "kube/small.yaml")),
            NodePodAccess(image=image),
            purpose,
            clock=clock or Hurried(),
            tell=(told if told is not None else []).append,
        )
        async with making as pods:
            return await work(pods)

    return asyncio.run(run())


def in_session(node: str, work: Callable[[HostSession], Awaitable[T]]) -> Callable[[NodePods], Awaitable[T]]:
    async def run(pods: NodePods) -> T:
        async with pods.open(node, SWAP_COMMANDS) as session:
            return await work(session)

    return run


async def hostname(session: HostSession) -> str:
    return (await session.text(commands.HOSTNAME.call())).strip()
