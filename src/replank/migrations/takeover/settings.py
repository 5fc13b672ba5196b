"""What an operator chose for a takeover."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON
from replank.inventory.fleet.model import QUIET_SECONDS, CapoCredentials, ClusterConfig, NewMachines
from replank.plan.takeover import Targets

_LATER: Final = ("credentials", "quiet_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverSettings:
    """Settings of one takeover; the defaults change nothing that is found.

    `namespace`: on the management cluster; it is part of the names of a managed load balancer.
    `new_machines`, `new_control_planes`: what machines made *after* the takeover are made of.
    `load_balancer`: who keeps the API load balancer. `rename_servers`: servers may be renamed where CAPO
    could not find them by name. `lock_state`: hold the state's lock while the cluster is in work.
    `snapshot_max_age_minutes`: how old the last etcd snapshot may be when KCP is unpaused. `credentials`:
    what CAPO logs in with. `quiet_seconds`: before the last look after unpausing. `targets`: provider
    versions that the plan is made for.
    """

    namespace: str
    new_machines: NewMachines = field(default_factory=NewMachines)
    new_control_planes: NewMachines = field(default_factory=NewMachines)
    load_balancer: Literal["auto", "managed", "unmanaged"] = "auto"
    rename_servers: bool = False
    lock_state: bool = True
    snapshot_max_age_minutes: int = 30
    credentials: CapoCredentials = field(default_factory=CapoCredentials)
    quiet_seconds: int = QUIET_SECONDS
    targets: Targets = field(default_factory=Targets)

    def as_json(self) -> dict[str, JSON]:
        """The settings as they stand in the plan; the targets have a field of their own there. What came with
        a later version stands there only where it was chosen: plans made before compare equal."""
        plain = TakeoverSettings(namespace=self.namespace)
        later = [name for name in _LATER if getattr(self, name) == getattr(plain, name)]
        return {key: value for key, value in asdict(self).items() if key not in ("targets", *later)}


def settings_from(config: ClusterConfig) -> TakeoverSettings:
    """The settings of one cluster of fleet.yaml."""
    return TakeoverSettings(
        namespace=config.management.namespace,
        new_machines=config.new_machines,
        new_control_planes=config.new_control_planes,
        load_balancer=config.load_balancer,
        rename_servers=config.rename_servers,
        lock_state=config.lock_state,
        credentials=config.credentials,
        quiet_seconds=config.quiet_seconds,
        snapshot_max_age_minutes=config.etcd_snapshot.max_age_minutes,
    )
