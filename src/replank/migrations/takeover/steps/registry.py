"""All code of a takeover's plan, for the engine."""

from __future__ import annotations

from replank.migrations.takeover.steps import kubernetes_registry, openstack_registry
from replank.migrations.takeover.steps.given_credential import cannot_delete
from replank.ports.steps import Registry


def takeover_registry() -> Registry:
    """Every kind of step and check that the planner emits."""
    checks = {**openstack_registry.check_codes(), **kubernetes_registry.check_codes()}
    return Registry(
        steps={**openstack_registry.step_codes(), **kubernetes_registry.step_codes(cannot_delete)},
        checks=checks,
    )
