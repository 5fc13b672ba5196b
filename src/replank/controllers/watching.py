"""Watches that wake rounds: kopf, for its watching alone.

Only `on.event` handlers are registered: no finalizer, no annotation, no peering, nothing of kopf's is ever
written to an object. kopf runs in a thread and an event loop of its own: when it ends it cancels every task
of its loop that began after it (kopf 1.45, running.run_tasks), which must not be a round in the middle of a
write. When it breaks, or one of its watches falls silent, it begins anew; rounds go on meanwhile, by
the clock.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import kopf

from replank.controllers.log import note, note_bug
from replank.controllers.login import login_of
from replank.controllers.pulse import Pulse
from replank.controllers.telling import ClusterKey
from replank.guards.names import GUARD_API, GUARD_KIND
from replank.ports.access import Clock
from replank.transports.kubernetes.connection import Connection

CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
WATCHED: Final = (
    ("cluster.x-k8s.io/v1beta2", "Cluster"),
    ("cluster.x-k8s.io/v1beta2", "Machine"),
    ("cluster.x-k8s.io/v1beta2", "MachineDeployment"),
    ("controlplane.cluster.x-k8s.io/v1beta2", "KubeadmControlPlane"),
    (GUARD_API, GUARD_KIND),
)
_NAMESAKES: Final = frozenset({"Cluster", GUARD_KIND})
"""Kinds whose objects are named as their cluster."""
_IDENTITY: Final[Any] = "replank-operator"
"""Nobody reads it, since nothing is peered. kopf's own begins with the user's name, and a container's user is
often a mere number (kopf 1.45, peering.detect_own_id)."""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_LOGIN_EVERY_S: Final = 5.0
_RENEWED_S: Final = 60
"""A watch is ended by the server and asked for anew."""
_SILENT_S: Final = 150.0
_LOOK_S: Final = 15.0


class Watching:
    """`connect`: opens a connection anew, with the credentials of now. `namespaces`: empty = all. `wake`:
    called in the event loop that `run` runs in. `ended`: told each time when kopf has come to an end."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        *,
        namespaces: Sequence[str],
        wake: Callable[[ClusterKey], None],
        ended: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._connect = connect
        self._namespaces = tuple(namespaces)
        self._wake = wake
        self._ended = ended
        self._clock = clock
        self._stopped = False
        self._stop = threading.Event()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="watching")
        self._seen = 0

    async def run(self) -> None:
        """Until `stop`."""
        failures = 0
        while not self._stopped:
            seen = self._seen
            error = await self._watched()
            if self._stopped:
                return
            failures = 0 if self._seen > seen else failures + 1
            self._ended()
            if error is not None:
                note_bug("the watches broke and begin anew", error, code="RP734")
            await self._clock.sleep(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 10)))

    def stop(self) -> None:
        """Lets kopf end; `run` ends then, too."""
        self._stopped = True
        self._stop.set()
        self._threads.shutdown(wait=False)

    async def _watched(self) -> BaseException | None:
        """One life of kopf; what it died of."""
        self._stop = threading.Event()
        pulse = Pulse(self._clock, {api_version.split("/")[0] for api_version, _ in WATCHED})
        registry = self._registry(asyncio.get_running_loop(), pulse)
        life = asyncio.wrap_future(self._threads.submit(self._live, registry, self._stop))
        while not life.done():
            looking = asyncio.ensure_future(self._clock.sleep(_LOOK_S))
            await asyncio.wait({life, looking}, return_when=asyncio.FIRST_COMPLETED)
            looking.cancel()
            if (silent := pulse.silent(_SILENT_S)) and not self._stop.is_set():
                note("watches are silent and begin anew", logging.WARNING, code="RP734", paths=list(silent))
                self._stop.set()
        return life.exception()

    def _live(self, registry: kopf.OperatorRegistry, stop: threading.Event) -> None:
        """In a thread."""

        async def life() -> None:
            try:
                await kopf.operator(
                    registry=registry,
                    settings=_settings(scans=not self._namespaces),
                    identity=_IDENTITY,
                    standalone=True,
                    clusterwide=not self._namespaces,
                    namespaces=self._namespaces,
                    stop_flag=stop,
                )
            finally:
                # kopf waits for the flag in a thread of the loop, which would never end without it.
                stop.set()

        asyncio.run(life())

    def _registry(self, loop: asyncio.AbstractEventLoop, pulse: Pulse) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        last: list[float] = []

        async def login(**_: Any) -> kopf.AiohttpSession:
            """Called at the beginning and after a 401; credentials that stay bad must not become a storm."""
            now = asyncio.get_running_loop().time()
            if last:
                await asyncio.sleep(max(0.0, last[0] + _LOGIN_EVERY_S - now))
            last[:] = [asyncio.get_running_loop().time()]
            return login_of(await self._connect(), pulse.beat)

        async def happened(body: kopf.Body, **_: Any) -> None:
            self._seen += 1
            key = cluster_of(body)
            if key is not None:
                loop.call_soon_threadsafe(self._wake, key)

        kopf.on.login(registry=registry, id="login", backoff=_LOGIN_EVERY_S)(login)
        for api_version, kind in WATCHED:
            group, version = api_version.split("/")
            kopf.on.event(group=group, version=version, kind=kind, id=f"watch-{kind}", registry=registry)(
                happened
            )
        return registry


def cluster_of(body: Any) -> ClusterKey | None:
    """The cluster that an object is part of, None where it names none."""
    meta = body.get("metadata") or {}
    if body.get("kind") in _NAMESAKES:
        name = meta.get("name")
    else:
        name = (meta.get("labels") or {}).get(CLUSTER_NAME) or (body.get("spec") or {}).get("clusterName")
    return ClusterKey(meta["namespace"], name) if name and meta.get("namespace") else None


def _settings(*, scans: bool) -> kopf.OperatorSettings:
    """`scans`: also see kinds that are installed later; needs to list CustomResourceDefinitions."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = not scans
    settings.process.ultimate_exiting_timeout = None
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = (1, 2, 5, 10)
    settings.watching.server_timeout = _RENEWED_S
    settings.watching.client_timeout = _RENEWED_S + 15
    settings.watching.inactivity_timeout = _RENEWED_S + 30
    return settings
