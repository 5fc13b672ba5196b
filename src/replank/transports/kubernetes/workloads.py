"""Controllers, PodDisruptionBudgets and LoadBalancer Services as facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from replank.inventory.facts.kubernetes import DisruptionBudget, LoadBalancerService, WorkloadFact
from replank.transports.kubernetes.resources import Controller, PodDisruptionBudget, Requirement, Service

# cloud-provider-openstack, pkg/openstack/loadbalancer.go ServiceAnnotationLoadBalancerID.
_LOAD_BALANCER_ID: Final = "loadbalancer.openstack.org/load-balancer-id"
_UUID = re.compile(r"[0-9a-fA-F-]{32,36}", flags=re.ASCII)


def workload_facts(controllers: Mapping[str, Iterable[Controller]]) -> tuple[WorkloadFact, ...]:
    """By namespace, kind and name, without ReplicaSets that something controls. `controllers`: by kind."""
    facts = [
        _workload(kind, item)
        for kind, items in controllers.items()
        for item in items
        if kind != "ReplicaSet" or item.metadata.controller is None
    ]
    return tuple(sorted(facts, key=lambda fact: (fact.namespace, fact.kind, fact.name)))


def budget_facts(budgets: Iterable[PodDisruptionBudget]) -> tuple[DisruptionBudget, ...]:
    """By namespace and name."""
    facts = (_budget(budget) for budget in budgets)
    return tuple(sorted(facts, key=lambda fact: (fact.namespace, fact.name)))


def load_balancer_facts(services: Iterable[Service]) -> tuple[LoadBalancerService, ...]:
    """Services of type LoadBalancer, by namespace and name."""
    facts = (_load_balancer(service) for service in services if service.spec.type == "LoadBalancer")
    return tuple(sorted(facts, key=lambda fact: (fact.namespace, fact.name)))


def _workload(kind: str, item: Controller) -> WorkloadFact:
    if kind == "DaemonSet":
        replicas, ready = item.status.desired_number_scheduled, item.status.number_ready
    else:
        replicas = 1 if item.spec.replicas is None else item.spec.replicas
        ready = item.status.ready_replicas
    about = item.metadata
    return WorkloadFact(kind=kind, namespace=about.namespace, name=about.name, replicas=replicas, ready=ready)


def _budget(budget: PodDisruptionBudget) -> DisruptionBudget:
    selector = budget.spec.selector
    labels = (selector.match_labels if selector else None) or {}
    expressions = (selector.match_expressions if selector else None) or []
    return DisruptionBudget(
        namespace=budget.metadata.namespace,
        name=budget.metadata.name,
        selector=dict(sorted(labels.items())),
        selector_expressions=tuple(sorted(map(_expression, expressions))),
        min_available=_text(budget.spec.min_available),
        max_unavailable=_text(budget.spec.max_unavailable),
        disruptions_allowed=budget.status.disruptions_allowed,
        expected_pods=budget.status.expected_pods,
    )


def _text(value: int | str | None) -> str:
    return "" if value is None else str(value)


def _expression(requirement: Requirement) -> str:
    values = ",".join(sorted(requirement.values or ()))
    words = {
        "In": f"{requirement.key} in ({values})",
        "NotIn": f"{requirement.key} notin ({values})",
        "Exists": requirement.key,
        "DoesNotExist": f"!{requirement.key}",
    }
    return words.get(requirement.operator, f"{requirement.key} {requirement.operator} ({values})")


def _load_balancer(service: Service) -> LoadBalancerService:
    identity = (service.metadata.annotations or {}).get(_LOAD_BALANCER_ID, "")
    ingress = service.status.load_balancer.ingress or []
    return LoadBalancerService(
        namespace=service.metadata.namespace,
        name=service.metadata.name,
        addresses=tuple(sorted(filter(None, (entry.ip or entry.hostname for entry in ingress)))),
        load_balancer_id=identity if _UUID.fullmatch(identity) else "",
    )
