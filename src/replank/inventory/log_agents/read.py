"""From a workload and the texts of its configuration to the facts about its log agents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import filebeat, vector
from replank.inventory.log_agents.agent import AgentKind, Format, LogAgent, LogInput
from replank.inventory.log_agents.fluent_bit import reading as fluent_bit
from replank.inventory.log_agents.fluentd import reading as fluentd
from replank.inventory.log_agents.loki import alloy, promtail
from replank.inventory.log_agents.mounted import Files, Texts, mounted
from replank.inventory.log_agents.otel import reading as otel
from replank.inventory.log_agents.paths import on_node
from replank.inventory.log_agents.recognise import kind_of
from replank.inventory.log_agents.workload import (
    KUBELET_LOGS,
    AgentContainer,
    AgentWorkload,
    host_path_of,
    sources,
)

CONTAINERS, PODS = KUBELET_LOGS

_READERS: Final[Mapping[AgentKind, Callable[[AgentContainer, Files], tuple[LogInput, ...]]]] = {
    "fluentd": fluentd.inputs,
    "fluent-bit": fluent_bit.inputs,
    "vector": vector.inputs,
    "promtail": partial(promtail.inputs, "promtail"),
    "grafana-agent": partial(promtail.inputs, "grafana-agent"),
    "alloy": partial(alloy.inputs, "alloy"),
    "filebeat": filebeat.inputs,
    "opentelemetry": otel.inputs,
}


def log_agents(workloads: Iterable[AgentWorkload], texts: Mapping[str, Texts]) -> tuple[LogAgent, ...]:
    """The log agents among workloads. `texts`: by namespace; what they say is kept nowhere."""
    return tuple(
        read(workload, container, kind, texts.get(workload.namespace, {}))
        for workload in workloads
        for container in workload.containers
        if (kind := kind_of(container)) is not None
    )


def read(workload: AgentWorkload, container: AgentContainer, kind: AgentKind, texts: Texts) -> LogAgent:
    """The facts about one agent. A configuration that cannot be read wholly gives Unknown inputs."""
    inputs: Fact[tuple[LogInput, ...]]
    try:
        inputs = tuple(
            _seen_from(container, found) for found in _READERS[kind](container, mounted(container, texts))
        )
    except Refused as error:
        where = f" ({error.where})" if error.where else ""
        inputs = Unknown(f"{error.reason}{where}", error.code)
    return LogAgent(
        kind=kind,
        namespace=workload.namespace,
        workload=workload.reference,
        container=container.name,
        image=container.image,
        inputs=inputs,
        sources=sources(workload),
    )


def _seen_from(container: AgentContainer, found: LogInput) -> LogInput:
    paths = tuple(on_node(container, path) for path in found.paths)
    blind: tuple[Format, ...] = ()
    if found.through == "files" and any(path.startswith(CONTAINERS) for path in paths):
        # What lies there are links to absolute paths: they lead nowhere unless the target is mounted at its
        # own place.
        blind = () if host_path_of(container, PODS) else ("cri",)
    return replace(found, paths=paths, blind_to=blind)
