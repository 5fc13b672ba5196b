"""Wires what `verify` looks at: both API servers by their kubeconfigs, and the survey's readers."""

from __future__ import annotations

from contextlib import AsyncExitStack

from replank.domain.errors import Refused
from replank.inventory.fleet.model import ClusterConfig
from replank.ports.access import Clock, Judge
from replank.ports.readers import CloudReader, ManagementReader
from replank.survey.controlled import Systems, look_at_controlled
from replank.survey.fleet import Readers
from replank.survey.progress import Progress
from replank.verify.model import Verification
from replank.verify.verification import verify


async def verified(config: ClusterConfig, readers: Readers, progress: Progress) -> Verification:
    """Looks and says. Raises `Refused` RP757 (no such Cluster) and RP759 (fleet.yaml names too little), and
    what the management cluster raises where it does not answer."""
    from replank.engine.clock import SystemClock
    from replank.transports.judge.target import TargetJudge
    from replank.transports.kubernetes.api import KubernetesApi

    clock: Clock = SystemClock()

    def judge(version: str) -> Judge:
        return TargetJudge(version, clock=clock)

    management = config.management.kubeconfig
    if management is None:
        raise _not_told(config)
    cloud, providers = _needed(readers)
    async with AsyncExitStack() as stack:
        workload = config.kubeconfig
        systems = Systems(
            management=await stack.enter_async_context(KubernetesApi(management, fence=_no_writes)),
            workload=None
            if workload is None
            else await stack.enter_async_context(KubernetesApi(workload, fence=_no_writes)),
            cloud=cloud,
            states=readers.state,
            providers=providers,
            judge=judge,
            clock=clock,
        )
        return verify(await look_at_controlled(config, systems, progress))


def _needed(readers: Readers) -> tuple[CloudReader, ManagementReader]:
    if readers.cloud is None or readers.management is None:
        raise TypeError("a verification is never offline")
    return readers.cloud, readers.management


def _no_writes() -> None:
    raise AssertionError("a verification only reads")


def _not_told(config: ClusterConfig) -> Refused:
    return Refused(
        "RP759",
        f"Cluster {config.name} cannot be verified",
        "fleet.yaml names no kubeconfig of the management cluster",
        "Add `management.kubeconfig` to fleet.yaml.",
    )
