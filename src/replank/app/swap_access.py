"""A cluster's systems as a runtime swap touches them: its API, its nodes, and where Cluster API has it the
management cluster; nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn, cast

from replank.domain.errors import Refused
from replank.inventory.fleet.model import ClusterConfig
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.access import Access, Cloud, Judge, KubeApi, States


@asynccontextmanager
async def swap_access(
    config: ClusterConfig, plan: RuntimeSwapPlan, fence: Callable[[], None]
) -> AsyncIterator[Access]:
    """`fence`: called before every write, from any thread.

    Raises `Refused` RP857 where fleet.yaml does not say how to reach the cluster's API, its nodes, or the
    management cluster of a plan that needs it.
    """
    from replank.app.fleet_file import not_told
    from replank.engine.clock import SystemClock
    from replank.transports.judge.target import TargetJudge
    from replank.transports.kubernetes.api import KubernetesApi
    from replank.transports.ssh.hosts import SshHosts
    from replank.transports.ssh.nodes import SshNodes

    workload, ssh = config.kubeconfig, config.ssh
    if workload is None or ssh is None:
        raise not_told(config, "kubeconfig" if workload is None else "ssh")
    addresses = {node.node: node.address for node in plan.nodes if node.address}
    management: KubeApi = cast(KubeApi, _Untouched("the management cluster"))
    judge: Judge = cast(Judge, _Untouched("the judge"))
    async with AsyncExitStack() as stack:
        if plan.cluster_api is not None:
            there = config.management.kubeconfig
            if there is None:
                raise not_told(config, "management.kubeconfig")
            management = await stack.enter_async_context(KubernetesApi(there, fence=fence))
            judge = TargetJudge(plan.cluster_api.version, clock=SystemClock())
        yield Access(
            cloud=cast(Cloud, _Untouched("OpenStack")),
            management=management,
            workload=await stack.enter_async_context(KubernetesApi(workload, fence=fence)),
            hosts=SshHosts(config.name, ssh, addresses, config.etcd_snapshot),
            states=cast(States, _Untouched("Terraform's states")),
            judge=judge,
            clock=SystemClock(),
            nodes=SshNodes(ssh, addresses, fence),
        )


class _Untouched:
    """A system that no step of a runtime swap touches."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        def refuse(*_: object, **__: object) -> NoReturn:
            raise Refused(
                "RP858",
                f"A step of a runtime swap asked {self._name} for {attribute}",
                "that is a bug of replank",
                "Report it.",
            )

        return refuse
