"""A cluster's real systems: both API servers, OpenStack, machines, states, and who judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

from replank.app.machine_hosts import MachineHosts
from replank.domain.errors import Refused
from replank.inventory.fleet.model import ClusterConfig
from replank.plan.codec import AnyPlan
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access
from replank.ports.journal import Run
from replank.ports.rights import Right, RightsReader

Fence = Callable[[], None]


@asynccontextmanager
async def open_access(run: Run, plan: AnyPlan, fence: Fence) -> AsyncIterator[Access]:
    """The systems of the run's cluster, by the fleet file that it began with.

    Raises `Refused`: RP002 and RP010 to RP019 (the file), RP004 (the cluster is not in it), RP857.
    """
    from replank.app.fleet_file import clusters_named, read_fleet

    (config,) = clusters_named(read_fleet(Path(run.fleet)), (run.cluster,))
    async with access_for(config, plan, fence) as access:
        yield access


@asynccontextmanager
async def only_reading(config: ClusterConfig, plan: AnyPlan) -> AsyncIterator[Access]:
    """The same for looking before the first write."""
    async with access_for(config, plan, _no_writes) as access:
        yield access


def access_for(config: ClusterConfig, plan: AnyPlan, fence: Fence) -> AbstractAsyncContextManager[Access]:
    """What the plan's kind of migration touches."""
    if isinstance(plan, RuntimeSwapPlan):
        from replank.app.swap_access import swap_access

        return swap_access(config, plan, fence)
    return live_access(config, plan, fence)


@asynccontextmanager
async def live_access(config: ClusterConfig, plan: TakeoverPlan, fence: Fence) -> AsyncIterator[Access]:
    """`fence`: called before every write, from any thread. Each system is connected with its first call.

    Raises `Refused` RP857 where fleet.yaml does not say how to reach one of them.
    """
    from replank.app.fleet_file import not_told
    from replank.engine.clock import SystemClock
    from replank.transports.judge.target import TargetJudge
    from replank.transports.kubernetes.api import KubernetesApi
    from replank.transports.openstack.cloud import OpenStackCloud
    from replank.transports.terraform.states import TerraformStates

    management, workload, cloud = config.management.kubeconfig, config.kubeconfig, config.cloud
    if management is None or workload is None or cloud is None:
        missing = {"management.kubeconfig": management, "kubeconfig": workload, "cloud": cloud}
        raise not_told(config, *(name for name, value in missing.items() if value is None))
    async with AsyncExitStack() as stack:
        project = OpenStackCloud(cloud, fence)
        stack.callback(project.close)
        states = TerraformStates(config.state)
        stack.callback(states.close)
        yield Access(
            cloud=project,
            management=await stack.enter_async_context(KubernetesApi(management, fence=fence)),
            workload=await stack.enter_async_context(KubernetesApi(workload, fence=fence)),
            hosts=MachineHosts(config, plan, project),
            states=states,
            judge=TargetJudge(plan.targets.cluster_api, clock=SystemClock()),
            clock=SystemClock(),
        )


async def missing_rights(access: Access, plan: AnyPlan) -> tuple[str, ...]:
    """All that are not granted, the management cluster's first. Raises as `ports.access.KubeApi`."""
    from replank.survey.plan_rights import needed_rights

    if isinstance(plan, RuntimeSwapPlan):
        return await _missing_for_swap(access, plan)
    needed = needed_rights(plan)
    management, workload = (cast("RightsReader", api) for api in (access.management, access.workload))
    there, here = await asyncio.gather(
        management.missing_rights(needed.management), workload.missing_rights(needed.workload)
    )
    return (
        *(f"management cluster: {right}" for right in there),
        *(f"workload cluster: {right}" for right in here),
    )


async def _missing_for_swap(access: Access, plan: RuntimeSwapPlan) -> tuple[str, ...]:
    from replank.survey.plan_rights import align_rights, node_pod_rights, swap_rights
    from replank.transports.node_pod.ways import PodNodes

    drains = any(s.kind == "runtime.drain" for stage in plan.stages for s in stage.steps)
    measures = any(s.kind == "runtime.measure" for stage in plan.stages for s in stage.steps)
    needs = swap_rights(drains=drains, measures=measures)
    if isinstance(access.nodes, PodNodes):
        needs = (*needs, *node_pod_rights())
    missing = await cast("RightsReader", access.workload).missing_rights(needs)
    there: tuple[Right, ...] = ()
    if plan.cluster_api is not None:
        needed = align_rights(plan.cluster_api)
        there = await cast("RightsReader", access.management).missing_rights(needed)
    return (
        *(f"management cluster: {right}" for right in there),
        *(f"workload cluster: {right}" for right in missing),
    )


def _no_writes() -> None:
    raise Refused(
        "RP858",
        "A write was tried before the run began",
        "that is a bug of replank",
        "Nothing was written. Report it.",
    )
