"""The operator on the real world."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replank.app.operator_systems import OperatorSystems
from replank.controllers.operator import Operator, Settings
from replank.domain.errors import Refused
from replank.engine.clock import SystemClock
from replank.inventory.fleet.model import KubeconfigRef
from replank.transports.kubernetes.api import KubernetesApi
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.in_cluster import InCluster
from replank.transports.kubernetes.reader import local_now
from replank.transports.kubernetes.source import opened
from replank.transports.kubernetes.transport import Limits
from replank.transports.openstack.balanced_cloud import OpenStackBalancedCloud

_NAMESPACE: Final = "replank-system"
_LEASE_LIMITS: Final = Limits(timeout_s=5, answer_s=5, attempts=1, parallel=1)
"""A renewal that takes longer comes too late to be of use; the next one is 2 s away."""
_LIMITS: Final = Limits(timeout_s=10, answer_s=30, attempts=2)
"""A cluster that does not answer must not keep its slot for long; the next round asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """What the command line says. `kubeconfig` None, `lease_namespace` "": the Pod's."""

    kubeconfig: Path | None = None
    context: str = ""
    namespaces: tuple[str, ...] = ()
    lease_namespace: str = ""
    listen: str = ":8080"
    parallel: int = 10


async def operate(options: OperatorOptions) -> None:
    """Until SIGTERM or SIGINT. Raises `Refused` RP761, RP762 and RP050."""
    operator = live_operator(options, os.environ)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await operator.run(stop)


def live_operator(options: OperatorOptions, environment: Mapping[str, str]) -> Operator:
    """Connects nowhere yet. Raises `Refused` RP761 (which management cluster?) and RP050."""
    source = management_of(options, environment)
    namespace = options.lease_namespace or (source.namespace if isinstance(source, InCluster) else _NAMESPACE)
    clock = SystemClock()

    def systems(fence: Callable[[], None]) -> OperatorSystems:
        return OperatorSystems(
            KubernetesApi(source, fence=fence, limits=_LIMITS),
            clock,
            open_workload=lambda held: KubernetesApi(held, fence=fence, limits=_LIMITS),
            open_cloud=lambda secret: OpenStackBalancedCloud(secret, fence),
        )

    async def connect() -> Connection:
        return await opened(source, clock=local_now, exec_timeout_s=_LIMITS.exec_timeout_s)

    return Operator(
        Settings(
            identity=f"{socket.gethostname()}_{uuid.uuid4()}",
            lease_namespace=namespace,
            listen=options.listen,
            namespaces=options.namespaces,
            parallel=options.parallel,
        ),
        clock=clock,
        systems=systems,
        lease_api=lambda fence: KubernetesApi(source, fence=fence, limits=_LEASE_LIMITS),
        connect=connect,
    )


def management_of(options: OperatorOptions, environment: Mapping[str, str]) -> KubeconfigRef | InCluster:
    """The kubeconfig that was named, else the Pod's own cluster. Raises `Refused` RP761."""
    if options.kubeconfig is not None:
        return KubeconfigRef(path=str(options.kubeconfig), context=options.context)
    found = InCluster.found(environment)
    if found is None or options.context:
        why = "--context names one of a kubeconfig" if found else "this process runs in no Pod with a token"
        raise Refused("RP761", "Which cluster is the management cluster?", why, "Name it with --kubeconfig.")
    return found
