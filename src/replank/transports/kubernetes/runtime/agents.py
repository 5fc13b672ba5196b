"""Log agents and node-problem-detectors: what their workloads say of themselves is read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact
from replank.inventory.log_agents.agent import LogAgent, SourceRef
from replank.inventory.log_agents.mounted import Texts
from replank.inventory.log_agents.read import log_agents
from replank.inventory.log_agents.recognise import kind_of
from replank.inventory.log_agents.workload import AgentContainer, AgentWorkload, select, sources
from replank.inventory.runtime.cluster_facts import ProblemDetector
from replank.inventory.runtime.workload_kinds import is_detector
from replank.transports.kubernetes.resources import ConfigMap
from replank.transports.kubernetes.runtime.templates import Kept, Objects
from replank.transports.kubernetes.seeing import seen
from replank.transports.kubernetes.session import ApiSession

_PATHS: Final[Mapping[str, str]] = {
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets/{}",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/{}",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets/{}",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets/{}",
    "Job": "/apis/batch/v1/namespaces/{}/jobs/{}",
}
_POD: Final = "/api/v1/namespaces/{}/pods/{}"


async def read_log_agents(api: ApiSession, objects: Objects) -> tuple[LogAgent, ...]:
    """Only workloads whose image is a log agent's are fetched whole, and only the ConfigMaps that they mount;
    what these say goes to the agents' parsers and nowhere else. Secrets are not read."""
    workloads = await read_agent_workloads(api, objects)
    texts: dict[str, dict[SourceRef, Mapping[str, str]]] = {}
    for workload in workloads:
        for source in sources(workload):
            known = texts.setdefault(workload.namespace, {})
            if source.kind == "ConfigMap" and source not in known:
                text = await _config_map(api, workload.namespace, source.name)
                known |= {source: text} if text is not None else {}
    given: Mapping[str, Texts] = texts
    found = log_agents(workloads, given)
    return tuple(sorted(found, key=lambda agent: (agent.namespace, agent.workload, agent.container)))


async def read_agent_workloads(api: ApiSession, objects: Objects) -> tuple[AgentWorkload, ...]:
    """Workloads with a log agent's image, as far as `select` keeps them."""
    return tuple(
        [await _workload(api, kept) for kept in objects.kept() if _is_log_agent(kept) and _is_there(kept)]
    )


async def read_problem_detectors(api: ApiSession, objects: Objects) -> tuple[ProblemDetector, ...]:
    """Whether a detector watches Docker stands in its arguments."""
    found = []
    for kept in objects.kept():
        images = [c.image for c in kept.spec.containers or () if is_detector(c.image)]
        if images and _is_there(kept):
            monitor: Fact[bool] = await seen(_watches_docker(api, kept))
            found.append(
                ProblemDetector(
                    namespace=kept.namespace, workload=kept.owner, image=images[0], docker_monitor=monitor
                )
            )
    return tuple(sorted(found, key=lambda one: (one.namespace, one.workload)))


async def _watches_docker(api: ApiSession, kept: Kept) -> bool:
    """`--config.system-log-monitor=/config/docker-monitor.json` and its like (node-problem-detector v0.8.20,
    config/)."""
    document = await _document(api, kept)
    spec = (document.get("spec") or {}).get("template", document).get("spec") or {}
    words = [
        str(word)
        for container in spec.get("containers") or ()
        for word in (*(container.get("command") or ()), *(container.get("args") or ()))
    ]
    return any("docker-monitor" in word or "health-checker-docker" in word for word in words)


async def _workload(api: ApiSession, kept: Kept) -> AgentWorkload:
    """Under its owner's name; a static pod, a bare one, or one of an owner that replank does not know is read
    of the pod itself."""
    kind, _, name = kept.owner.partition("/")
    document = {**await _document(api, kept), "kind": kind if kind in _PATHS else "Pod"}
    return replace(select(document), kind=kind, name=name)


async def _document(api: ApiSession, kept: Kept) -> dict[str, Any]:
    kind, _, name = kept.owner.partition("/")
    path = _PATHS[kind].format(kept.namespace, name) if kind in _PATHS else None
    return await api.document(path or _POD.format(kept.namespace, kept.pod))


def _is_there(kept: Kept) -> bool:
    """Something can be read of it. A CronJob without a pod is no agent: that stays on its nodes."""
    return kept.owner.partition("/")[0] in _PATHS or bool(kept.pod)


async def _config_map(api: ApiSession, namespace: str, name: str) -> Mapping[str, str] | None:
    """Its texts; None where it is not there or may not be read, which the agent's facts then say."""
    try:
        return (await api.get(ConfigMap, name, namespace=namespace)).data or {}
    except ReplankError:
        return None


def _is_log_agent(kept: Kept) -> bool:
    return any(
        kind_of(AgentContainer(name=container.name, image=container.image)) is not None
        for container in kept.spec.containers or ()
    )
