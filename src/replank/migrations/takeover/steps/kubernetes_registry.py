"""The kinds of steps and checks that touch the management and the workload API, bound to their code."""

from __future__ import annotations

from collections.abc import Mapping

from replank.migrations.takeover.steps import (
    adoption_checks,
    deletion_checks,
    health_checks,
    management_checks,
    node_checks,
    object_checks,
)
from replank.migrations.takeover.steps.at import CheckCode, StepCode
from replank.migrations.takeover.steps.control_plane_machines import control_plane_machines
from replank.migrations.takeover.steps.field_ownership import DropManagedFields, no_managed_fields
from replank.migrations.takeover.steps.guard_hooks import RemoveGuards
from replank.migrations.takeover.steps.looking import Look, LookAfterQuiet
from replank.migrations.takeover.steps.object_apply import ApplyObjects
from replank.migrations.takeover.steps.tree_removal import TreeRemoval
from replank.migrations.takeover.steps.unpausing import Unpause, UnpauseCluster


def step_codes(cannot_write: CheckCode | None) -> Mapping[str, StepCode]:
    """By kind. `cannot_write`: the check that CAPO could not delete a server now, asked by undo."""
    return {
        "cluster-api.remove-guards": RemoveGuards(),
        "cluster-api.unpause": Unpause(),
        "cluster-api.unpause-cluster": UnpauseCluster(),
        "kubernetes.apply": ApplyObjects(removal=TreeRemoval(cannot_write=cannot_write)),
        "kubernetes.drop-managed-fields": DropManagedFields(),
        "verify.identity": Look(),
        "verify.unchanged": LookAfterQuiet(),
        "verify.would-roll": Look(),
    }


def check_codes() -> Mapping[str, CheckCode]:
    """By kind."""
    return {
        "cluster-api.available": health_checks.available,
        "cluster-api.control-plane-machines": control_plane_machines,
        "cluster-api.guarded": object_checks.guarded,
        "cluster-api.infrastructure-ready": health_checks.infrastructure_ready,
        "cluster-api.keep": health_checks.keep,
        "cluster-api.node-refs": adoption_checks.node_refs,
        "cluster-api.not-deleting": deletion_checks.not_deleting,
        "cluster-api.nothing-deleting": deletion_checks.nothing_deleting,
        "cluster-api.nothing-there": management_checks.nothing_there,
        "cluster-api.one-machine-set": adoption_checks.one_machine_set,
        "cluster-api.owns": adoption_checks.owns,
        "cluster-api.providers": management_checks.providers,
        "cluster-api.server-ids": adoption_checks.server_ids,
        "cluster-api.server-labels": adoption_checks.server_labels,
        "cluster-api.unguarded": object_checks.unguarded,
        "kubernetes.annotation": object_checks.annotation,
        "kubernetes.as-planned": object_checks.as_planned,
        "kubernetes.cluster.paused": object_checks.cluster_paused,
        "kubernetes.dry-run": object_checks.dry_run,
        "kubernetes.exists": object_checks.exists,
        "kubernetes.no-managed-fields": no_managed_fields,
        "kubernetes.node.provider-ids": node_checks.provider_ids,
        "kubernetes.node.same": node_checks.same_node,
        "kubernetes.nodes-ready": node_checks.nodes_ready,
    }
