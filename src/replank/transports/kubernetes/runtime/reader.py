"""Reads, through a cluster's API, what hangs on the nodes' runtime."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from replank.domain.unknown import Unknown
from replank.inventory.fleet.model import KubeconfigRef
from replank.inventory.node_pods import is_node_pod
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.transports.kubernetes.reader import local_now

if TYPE_CHECKING:
    from replank.transports.kubernetes.runtime.templates import Objects
    from replank.transports.kubernetes.session import ApiSession
    from replank.transports.kubernetes.transport import Limits


class KubernetesRuntimeUseReader:
    """A `RuntimeUseReader`. lightkube is imported with the first read. Arguments as of `KubernetesReader`."""

    def __init__(
        self,
        *,
        timeout_s: float = 15.0,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self._timeout_s = timeout_s
        self._limits = limits
        self._clock = clock

    async def read(self, kubeconfig: KubeconfigRef) -> ClusterRuntimeFacts:
        """All facts; what could not be read is an `Unknown` in its field. A listing that failed makes all
        unknown that rest on it: a part would look like the whole.

        Raises `ReplankError` RP050 to RP059 if nothing could be seen.
        """
        from replank.transports.kubernetes.connection import open_kubeconfig
        from replank.transports.kubernetes.seeing import read_version
        from replank.transports.kubernetes.session import ApiSession
        from replank.transports.kubernetes.transport import Limits

        limits = self._limits or Limits(timeout_s=self._timeout_s)
        connection = await open_kubeconfig(
            kubeconfig, clock=self._clock, exec_timeout_s=limits.exec_timeout_s
        )
        async with ApiSession(connection, limits) as api:
            await read_version(api)
            return await _read(api)


async def _read(api: ApiSession) -> ClusterRuntimeFacts:
    from replank.transports.kubernetes.runtime import uses
    from replank.transports.kubernetes.runtime.agents import read_log_agents, read_problem_detectors
    from replank.transports.kubernetes.runtime.expressions import read_docker_expressions
    from replank.transports.kubernetes.seeing import seen

    objects, expressions = await asyncio.gather(read_objects(api), seen(read_docker_expressions(api)))
    if isinstance(objects, Unknown):
        return ClusterRuntimeFacts(
            mounts=objects,
            log_agents=objects,
            once_only=objects,
            host_ports=objects,
            networks=objects,
            problem_detectors=objects,
            node_agents=objects,
            builders=objects,
            docker_expressions=expressions,
        )
    agents, detectors = await asyncio.gather(
        seen(read_log_agents(api, objects)), seen(read_problem_detectors(api, objects))
    )
    return ClusterRuntimeFacts(
        mounts=uses.mounts(objects),
        log_agents=agents,
        once_only=uses.once_only(objects),
        host_ports=uses.host_ports(objects),
        networks=uses.networks(objects),
        problem_detectors=detectors,
        node_agents=uses.node_agents(objects),
        builders=uses.builders(objects),
        docker_expressions=expressions,
    )


async def read_objects(api: ApiSession) -> Objects | Unknown:
    """All pods and pod templates, or why one of the listings failed."""
    from replank.transports.kubernetes.runtime import resources
    from replank.transports.kubernetes.runtime.templates import Objects, sorted_objects
    from replank.transports.kubernetes.seeing import gathered, seen

    kinds: dict[str, type[resources.Controller]] = {
        "DaemonSet": resources.DaemonSet,
        "Deployment": resources.Deployment,
        "StatefulSet": resources.StatefulSet,
        "ReplicaSet": resources.ReplicaSet,
        "Job": resources.Job,
    }
    pods, cron_jobs, listed = await asyncio.gather(
        seen(api.objects(resources.RunningPod)),
        seen(api.objects(resources.CronJob)),
        asyncio.gather(*(seen(api.objects(kind)) for kind in kinds.values())),
    )
    controllers = gathered(dict(zip(kinds, listed, strict=True)))
    if isinstance(pods, Unknown):
        return pods
    if isinstance(cron_jobs, Unknown):
        return cron_jobs
    if isinstance(controllers, Unknown):
        return controllers
    workload = [pod for pod in pods if not is_node_pod(pod.metadata.namespace, pod.metadata.labels)]
    return Objects(
        pods=tuple(sorted(workload, key=lambda pod: (pod.metadata.namespace, pod.metadata.name))),
        controllers={
            kind: sorted_objects(i for i in items if not i.ended) for kind, items in controllers.items()
        },
        cron_jobs=tuple(cron_jobs),
    )
