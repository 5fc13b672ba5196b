"""Reads a cluster's log agents as they are now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.fleet.model import KubeconfigRef
from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.workload import AgentWorkload
from replank.transports.kubernetes.connection import open_kubeconfig
from replank.transports.kubernetes.reader import local_now
from replank.transports.kubernetes.runtime.agents import read_agent_workloads, read_log_agents
from replank.transports.kubernetes.runtime.reader import read_objects
from replank.transports.kubernetes.runtime.templates import Objects
from replank.transports.kubernetes.seeing import read_version
from replank.transports.kubernetes.session import ApiSession
from replank.transports.kubernetes.transport import Limits


class KubernetesLogAgents:
    """A `ports.log_agents.LogAgents`. Each call logs in anew."""

    def __init__(self, kubeconfig: KubeconfigRef) -> None:
        self._kubeconfig = kubeconfig

    async def read(self) -> tuple[LogAgent, ...]:
        """Raises as `agent_workloads`."""
        async with _objects(self._kubeconfig) as (api, objects):
            return await read_log_agents(api, objects)


async def agent_workloads(
    kubeconfig: KubeconfigRef, limits: Limits | None = None
) -> tuple[AgentWorkload, ...]:
    """What the survey takes for log agents, in the same way; no ConfigMap is read.

    Raises `ReplankError` RP050 to RP059, and `Refused` RP968 where a listing failed: an agent in it would be
    missing, and nobody would know.
    """
    async with _objects(kubeconfig, limits) as (api, objects):
        return await read_agent_workloads(api, objects)


@asynccontextmanager
async def _objects(
    kubeconfig: KubeconfigRef, limits: Limits | None = None
) -> AsyncIterator[tuple[ApiSession, Objects]]:
    known = limits or Limits(timeout_s=60.0)
    connection = await open_kubeconfig(kubeconfig, clock=local_now, exec_timeout_s=known.exec_timeout_s)
    async with ApiSession(connection, known) as api:
        await read_version(api)
        objects = await read_objects(api)
        if isinstance(objects, Unknown):
            raise Refused(
                "RP968",
                "The cluster's log agents cannot be told",
                objects.unknown,
                "Grant what `replank permissions remedy` prints, or wait until the API server answers.",
                where=connection.server,
            )
        yield api, objects
