"""The pods of one command: each is made when its node is first needed, and removed when the command ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.fleet.model import NodePodAccess
from replank.inventory.hosts.command import HostCommand
from replank.inventory.node_pods import LABELS, NAMESPACE
from replank.ports.access import Clock, Conflict, Document, KubeApi, ObjectRef
from replank.transports.hosts.session import HostSession
from replank.transports.node_pod.documents import (
    LIFE_S,
    Purpose,
    is_over,
    namespace_document,
    pod_document,
    pod_name,
    runs,
    why_never,
)
from replank.transports.node_pod.execs import PodExecs
from replank.transports.node_pod.shell import PodShell

POLL_S: Final = 0.5
STARTS_WITHIN_S: Final = 180.0
"""A pod on its node, its image's way there included; and one that is away while its node's runtime is."""
_PLACE: Final = ObjectRef("v1", "Namespace", "", NAMESPACE)
_ACCOUNT: Final = ObjectRef("v1", "ServiceAccount", NAMESPACE, "default")


@dataclass(slots=True)
class _OnNode:
    """`users`: sessions by way of the node's pod now. `lock`: held while it is looked at or made."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class NodePods:
    """`Sessions` by way of pods; an asynchronous context manager that removes them when it is left.

    `api`: makes and removes them; they change nothing, so that it needs no fence. `purpose`: how long they
    live at most. A pod of purpose `swap` that another process has left is replaced: the lease lets one
    run at a time work on a cluster. `mark`: keeps the names of surveys apart, which may be several. `tell`:
    gets what went wrong when they were removed.
    """

    def __init__(
        self,
        api: KubeApi,
        execs: PodExecs,
        access: NodePodAccess,
        *,
        purpose: Purpose,
        clock: Clock,
        mark: str = "",
        tell: Callable[[ReplankError], None],
    ) -> None:
        self._api = api
        self._execs = execs
        self._access = access
        self._purpose: Purpose = purpose
        self._clock = clock
        self._mark = mark
        self._tell = tell
        self._nodes: dict[str, _OnNode] = {}
        self._made: dict[str, tuple[str, float]] = {}
        """By UID: name, and when."""
        self._ran: set[str] = set()
        """UIDs of those that have run: that one does not run again is its node's doing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the command has done or failed with stays what is told: the kubelet ends what is left here.
        try:
            await self._clear()
        except ReplankError as failure:
            self._tell(_left(failure))

    @asynccontextmanager
    async def open(self, machine: str, allowed: Sequence[HostCommand]) -> AsyncIterator[HostSession]:
        """See `Sessions.open`. Commands run as root.

        Raises `Refused` RP976 (the pod cannot start), `Transient` RP975 (it does not run now), and as
        `KubeApi`.
        """
        on_node = self._nodes.setdefault(machine, _OnNode())
        async with on_node.lock:
            pod = await self._running(machine, on_node)
            on_node.users += 1
        try:
            shell = PodShell(self._execs, machine, NAMESPACE, pod)
            yield HostSession(shell, machine, "direct", allowed)
        finally:
            on_node.users -= 1

    async def _running(self, node: str, on_node: _OnNode) -> str:
        """The name of the node's pod, whose container runs as far as is known."""
        name = pod_name(node, self._purpose, self._mark)
        ref, end = ObjectRef("v1", "Pod", NAMESPACE, name), self._clock.now() + STARTS_WITHIN_S
        while True:
            pod = await self._api.get(ref)
            if pod is None:
                pod = await self._make(name, node)
            elif self._is_to_go(pod, on_node):
                await self._remove(pod)
            uid = pod["metadata"]["uid"]
            if uid in self._made and not is_over(pod):
                if runs(pod):
                    self._ran.add(uid)
                    return name
                if uid not in self._ran and (why := why_never(pod)):
                    raise _never(node, self._access.image, why)
            if self._clock.now() >= end:
                raise _not_running(node, pod)
            await self._clock.sleep(POLL_S)

    def _is_to_go(self, pod: Document, on_node: _OnNode) -> bool:
        made = self._made.get(pod["metadata"]["uid"])
        if made is None or is_over(pod):
            return True
        old = self._clock.now() - made[1] > LIFE_S[self._purpose] / 2
        return old and not on_node.users

    async def _make(self, name: str, node: str) -> Document:
        await self._make_room()
        document = pod_document(name, node, self._purpose, self._access)
        pod = await self._api.create(document)
        self._made[pod["metadata"]["uid"]] = (name, self._clock.now())
        return pod

    async def _remove(self, pod: Document) -> None:
        meta = pod["metadata"]
        if "deletionTimestamp" not in meta:
            await self._api.delete(ObjectRef("v1", "Pod", NAMESPACE, meta["name"]), uid=meta["uid"])
        self._made.pop(meta["uid"], None)

    async def _make_room(self) -> None:
        """The namespace is there, and pods can be made in it. Somebody else's is used as it is."""
        end = self._clock.now() + STARTS_WITHIN_S
        while True:
            place = await self._api.get(_PLACE)
            if place is None:
                try:
                    place = await self._api.create(namespace_document())
                except Conflict:
                    continue  # another node's pod, or another command, has just made it
            if not _is_ending(place) and (
                # Admission refuses pods until a controller has made the namespace's account.
                not _is_ours(place) or await self._api.get(_ACCOUNT) is not None
            ):
                return
            if self._clock.now() >= end:
                raise _no_room(place)
            await self._clock.sleep(POLL_S)

    async def _clear(self) -> None:
        """Removes the pods that were made, and the namespace if it is replank's and nobody else uses it."""
        if not self._made:
            return
        own = dict(self._made)
        failures: list[ReplankError] = []
        for uid, (name, _) in own.items():
            try:
                await self._api.delete(ObjectRef("v1", "Pod", NAMESPACE, name), uid=uid)
            except Conflict:
                continue  # it is another one by now: not ours
            except ReplankError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        self._made.clear()
        others = [
            pod
            for pod in await self._api.list("v1", "Pod", NAMESPACE)
            if pod["metadata"]["uid"] not in own and not is_over(pod)
        ]
        place = await self._api.get(_PLACE)
        if place is not None and not others and _is_ours(place) and not _is_ending(place):
            await self._api.delete(_PLACE, uid=place["metadata"]["uid"])


def _is_ours(place: Document) -> bool:
    return LABELS.items() <= (place["metadata"].get("labels") or {}).items()


def _is_ending(place: Document) -> bool:
    return "deletionTimestamp" in place["metadata"]


def _no_room(place: Document) -> Transient:
    return Transient(
        "RP975",
        f"Namespace {NAMESPACE} is not ready for pods",
        "it is being deleted" if _is_ending(place) else "it has no account yet",
        "It is tried again. Look at kube-controller-manager if it stays so.",
    )


def _never(node: str, image: str, why: str) -> Refused:
    return Refused(
        "RP976",
        f"The pod by which {node} is reached cannot start",
        f"image {image}: {why}",
        "`node_pod.image` in fleet.yaml must have `chroot`, and be on the node or be pulled there.",
    )


def _not_running(node: str, pod: Document) -> Transient:
    phase = pod.get("status", {}).get("phase") or "not seen by the kubelet"
    return Transient(
        "RP975",
        f"The pod by which {node} is reached does not run",
        f"after {STARTS_WITHIN_S:.0f} s it is {phase}",
        f"It is asked again. `kubectl -n {NAMESPACE} describe pods` tells more.",
    )


def _left(failure: ReplankError) -> Refused:
    return Refused(
        "RP978",
        f"Not everything in namespace {NAMESPACE} could be removed",
        failure.reason,
        "Pods there end by themselves within hours; `kubectl delete namespace` ends them now.",
    )
