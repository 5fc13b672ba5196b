"""Plans made from a snapshot and what fleet.yaml or the command line says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from replank.app.audits import audit_settings
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.fleet.model import ClusterConfig
from replank.inventory.runtime.versions import parse_version
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.plan.takeover import TakeoverPlan


def takeover_plan(snapshot: Snapshot, config: ClusterConfig, at: datetime) -> TakeoverPlan:
    """The plan of a takeover, with the audit's findings of that time."""
    from replank.migrations.takeover.checks import audit_takeover
    from replank.migrations.takeover.planner import plan_takeover
    from replank.migrations.takeover.settings import settings_from

    findings = audit_takeover(snapshot, audit_settings(config, at))
    return plan_takeover(snapshot, settings_from(config), findings)


def swap_plan(
    snapshot: Snapshot, settings: RuntimeSwapSettings, config: ClusterConfig, at: datetime
) -> RuntimeSwapPlan:
    """The plan of a runtime swap, with the audit's findings of that time."""
    from replank.migrations.runtime_swap.checks import audit_runtime
    from replank.migrations.runtime_swap.planner import plan_runtime_swap

    audit = replace(audit_settings(config, at), containerd=str(settings.to))
    return plan_runtime_swap(snapshot, settings, audit_runtime(snapshot, audit))


def settings_of(plan: RuntimeSwapPlan) -> RuntimeSwapSettings:
    """What the plan was made with."""
    to = parse_version(plan.to.removeprefix("containerd "))
    assert to is not None, plan.to
    given = plan.settings
    return RuntimeSwapSettings(
        to=to,
        bundle=plan.bundle,
        archive=plan.archive,
        package=plan.package,
        unsupported=bool(given["unsupported"]),
        root=str(given["root"]),
        deadline_seconds=int(str(given["deadline_seconds"])),
        snapshot_minutes=int(str(given["snapshot_minutes"])),
        drain=bool(given["drain"]),
        image=str(given.get("image", "")),
        measure=bool(given.get("measure", False)),
        log_image=str(given.get("log_image", "")),
    )
