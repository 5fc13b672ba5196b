"""Which log agent a container runs, by its image."""

from __future__ import annotations

import re
from typing import Final

from replank.inventory.log_agents.agent import AgentKind
from replank.inventory.log_agents.workload import AgentContainer

_BY_IMAGE: Final[tuple[tuple[str, AgentKind], ...]] = (
    (r"fluent-?bit", "fluent-bit"),
    (r"fluentd", "fluentd"),
    (r"promtail", "promtail"),
    (r"(^|/)(grafana/)?(grafana-)?agent:|grafana/agent", "grafana-agent"),
    (r"(^|/)alloy", "alloy"),
    (r"filebeat", "filebeat"),
    (r"(timberio|(^|/))/?vector(:|@|$)", "vector"),
    (r"opentelemetry-collector|otelcol|otel-collector|splunk-otel", "opentelemetry"),
)
_HELPERS: Final = re.compile(r"reload|curator|exporter|init|operator(?!-fluent)|config-reloader")
"""Sidecars whose images are named after the agent that they serve."""


def kind_of(container: AgentContainer) -> AgentKind | None:
    """The agent, None for anything else. Grafana Agent in flow mode is `alloy`: it has the same language."""
    name = container.image.split("@", 1)[0].lower()
    repository = name.rsplit("/", 1)[-1].split(":")[0]
    if _HELPERS.search(repository) and "opentelemetry" not in repository:
        return None
    found = next((kind for pattern, kind in _BY_IMAGE if re.search(pattern, name)), None)
    if found == "grafana-agent" and _is_flow(container):
        return "alloy"
    return found


def _is_flow(container: AgentContainer) -> bool:
    return any(flag.endswith((".river", ".alloy")) for flag in container.flags)
