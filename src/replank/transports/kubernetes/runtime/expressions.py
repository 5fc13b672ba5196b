"""Alert rules and dashboards of the cluster that depend on Docker: PrometheusRules and ConfigMaps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from lightkube.core.resource import ApiInfo, NamespacedResourceG, ResourceDef

from replank.inventory.runtime.expression_facts import DockerExpression
from replank.inventory.runtime.expression_files import expressions_in, rules_in
from replank.transports.kubernetes.errors import NotFound
from replank.transports.kubernetes.resources import Base, ConfigMap, Metadata
from replank.transports.kubernetes.session import ApiSession

_OPERATORS_COPY: Final = ("prometheus-name", "thanos-ruler-name")
"""Labels of ConfigMaps into which prometheus-operator copies PrometheusRules (pkg/prometheus/server/rules.go,
prometheusRulesConfigMapSelector; pkg/thanos/rules.go)."""


class RuleSpec(Base, frozen=True):
    groups: list[dict[str, Any]] | None = None


class PrometheusRule(NamespacedResourceG, Base, frozen=True, kw_only=True):
    _api_info = ApiInfo(
        resource=ResourceDef("monitoring.coreos.com", "v1", "PrometheusRule"),
        plural="prometheusrules",
        verbs=["get", "list", "global_list"],
    )
    metadata: Metadata
    spec: RuleSpec = RuleSpec()


async def read_docker_expressions(api: ApiSession) -> tuple[DockerExpression, ...]:
    """Sorted by place and name. All ConfigMaps are listed, and nothing of them is kept but the pieces that
    depend on Docker. A cluster without prometheus-operator has no PrometheusRules.

    Raises `ReplankError` where one of the listings failed: a part would look like the whole.
    """
    found: list[DockerExpression] = []
    for rule in await _prometheus_rules(api):
        about = rule.metadata
        found += rules_in(rule.spec.groups, namespace=about.namespace, source=f"PrometheusRule/{about.name}")
    # Some of them are large, and nodes are read at the same time.
    found += await asyncio.to_thread(_of_config_maps, await api.objects(ConfigMap))
    return tuple(sorted(found, key=lambda one: (one.namespace, one.source, one.key, one.what, one.name)))


def _of_config_maps(config_maps: Sequence[ConfigMap]) -> list[DockerExpression]:
    found: list[DockerExpression] = []
    for config_map in config_maps:
        about = config_map.metadata
        if any(label in (about.labels or {}) for label in _OPERATORS_COPY):
            continue
        for key, text in (config_map.data or {}).items():
            found += expressions_in(
                text, namespace=about.namespace, source=f"ConfigMap/{about.name}", key=key
            )
    return found


async def _prometheus_rules(api: ApiSession) -> list[PrometheusRule]:
    try:
        return await api.objects(PrometheusRule)
    except NotFound:
        return []
