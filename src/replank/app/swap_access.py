"""A cluster's systems as a runtime swap touches them: its API, its nodes, and where Cluster API has it the
management cluster; nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn, cast

from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import ClusterConfig, KubeconfigRef
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.ports.access import Access, Cloud, Hosts, Judge, KubeApi, States
from replank.ports.nodes import Nodes


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
    from replank.transports.kubernetes.runtime.agent_reader import KubernetesLogAgents

    workload = config.kubeconfig
    if workload is None:
        raise not_told(config, "kubeconfig")
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
        hosts, nodes = await stack.enter_async_context(_nodes_of(config, workload, addresses, fence))
        yield Access(
            cloud=cast(Cloud, _Untouched("OpenStack")),
            management=management,
            workload=await stack.enter_async_context(KubernetesApi(workload, fence=fence)),
            hosts=hosts,
            states=cast(States, _Untouched("Terraform's states")),
            judge=judge,
            clock=SystemClock(),
            nodes=nodes,
            log_agents=KubernetesLogAgents(workload),
        )


@asynccontextmanager
async def _nodes_of(
    config: ClusterConfig, workload: KubeconfigRef, addresses: Mapping[str, str], fence: Callable[[], None]
) -> AsyncIterator[tuple[Hosts, Nodes]]:
    """The nodes, over SSH or by a pod on each. Raises `Refused` RP857 where fleet.yaml names neither."""
    from replank.app.console import show_error
    from replank.app.fleet_file import not_told
    from replank.engine.clock import SystemClock
    from replank.transports.hosts.machines import HostMachines
    from replank.transports.hosts.nodes import HostNodes

    ssh, access = config.ssh, config.node_pod
    if ssh is not None:
        from replank.transports.ssh.sessions import SshSessions

        sessions = SshSessions(ssh, addresses)
        hosts = HostMachines(config.name, sessions, addresses, config.etcd_snapshot, access=ssh)
        yield hosts, HostNodes(sessions, fence)
        return
    if access is None:
        raise not_told(config, "ssh or node_pod")
    from replank.transports.node_pod.ways import PodNodes, node_pods

    def tell(error: ReplankError) -> None:
        show_error(error, subject=config.name)

    async with node_pods(workload, access, "swap", clock=SystemClock(), tell=tell) as pods:
        hosts = HostMachines(config.name, pods, addresses, config.etcd_snapshot)
        yield hosts, PodNodes(pods, fence)


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
