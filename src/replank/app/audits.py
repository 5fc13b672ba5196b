"""What the audit knows besides the snapshot, from fleet.yaml."""

from __future__ import annotations

from datetime import datetime

from replank.audit.finding import AuditSettings
from replank.inventory.fleet.model import ClusterConfig


def audit_settings(config: ClusterConfig, now: datetime) -> AuditSettings:
    """Settings for one cluster."""
    return AuditSettings(
        now=now,
        load_balancer=config.load_balancer,
        rename_servers=config.rename_servers,
        new_image=config.new_machines.image,
        new_control_plane_image=config.new_control_planes.image,
    )
