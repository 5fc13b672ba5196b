"""Admission webhooks as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from replank.inventory.facts.kubernetes import Webhook
from replank.transports.kubernetes.resources import Rule, WebhookConfiguration, WebhookEntry


def webhook_facts(
    validating: Iterable[WebhookConfiguration], mutating: Iterable[WebhookConfiguration]
) -> tuple[Webhook, ...]:
    """By kind, configuration and name."""
    facts = [*_facts("validating", validating), *_facts("mutating", mutating)]
    return tuple(sorted(facts, key=lambda fact: (fact.kind, fact.configuration, fact.name)))


def _facts(
    kind: Literal["validating", "mutating"], configurations: Iterable[WebhookConfiguration]
) -> Iterator[Webhook]:
    for configuration in configurations:
        for entry in configuration.webhooks or ():
            yield Webhook(
                kind=kind,
                configuration=configuration.metadata.name,
                name=entry.name,
                failure_policy=entry.failure_policy,
                target=_target(entry),
                resources=tuple(sorted({name for rule in entry.rules or () for name in _resources(rule)})),
            )


def _target(entry: WebhookEntry) -> str:
    service = entry.client_config.service
    return f"service {service.namespace}/{service.name}" if service else "url"


def _resources(rule: Rule) -> Iterator[str]:
    """`pods`, `deployments.apps`, `*.apps`; `*` = everything of every group."""
    for group in rule.api_groups or ():
        for resource in rule.resources or ():
            everything = resource in ("*", "*/*")
            if group == "*":
                yield "*" if everything else resource
            elif group:
                yield f"{'*' if everything else resource}.{group}"
            else:
                yield "*.core" if everything else resource
