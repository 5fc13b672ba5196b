"""What the stages are built from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.built import Built
from replank.migrations.takeover.manifest import texts
from replank.migrations.takeover.names import Names
from replank.migrations.takeover.openstack.load_balancer import ApiLoadBalancer
from replank.migrations.takeover.seen import Seen
from replank.migrations.takeover.settings import TakeoverSettings
from replank.migrations.takeover.terraform import StateRelease
from replank.plan.draft import check
from replank.plan.model import PlanCheck
from replank.plan.takeover import PlannedMachine, SecretPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Everything that the stages speak about. `control_plane` None: it could not be planned."""

    names: Names
    seen: Seen
    machines: tuple[PlannedMachine, ...]
    kinds: tuple[str, ...]
    control_plane: Built | None
    workers: tuple[Built, ...]
    secrets: tuple[SecretPlan, ...]
    releases: tuple[StateRelease, ...]
    load_balancer: ApiLoadBalancer
    settings: TakeoverSettings

    @property
    def role_machines(self) -> tuple[PlannedMachine, ...]:
        """The control planes among the machines."""
        return tuple(m for m in self.machines if m.role == "control-plane")

    @property
    def credential_made(self) -> bool:
        """The takeover makes CAPO's credential, and it cannot write until settled."""
        return self.settings.credentials.kind == "made"

    @property
    def stacked_etcd(self) -> bool:
        """etcd runs on the control planes, so replank can take a snapshot of it there."""
        config = self.seen.config
        return config is not None and config.etcd_external is None and bool(self.role_machines)


def lockable(given: Takeover, release: StateRelease) -> bool:
    """Whether the state's own lock is held: the operator may say no, and a printed state has none."""
    return given.settings.lock_state and release.state.form == "v4"


def state_locked(given: Takeover) -> Iterator[PlanCheck]:
    """Nobody applies Terraform in between. Asked again in later stages: a lock may end with its process."""
    for release in given.releases:
        if lockable(given, release):
            yield check(
                "terraform.locked",
                "The lock of the state is ours, or its back end has none",
                state=release.state.source,
                workspace=release.state.workspace,
            )


def cannot_write(given: Takeover, says: str, **which: JSON) -> PlanCheck:
    """The credential's writes to a real server and a real port are refused. `which`: `name` of an application
    credential, or the `secret` that holds it."""
    return check(
        "openstack.credential.cannot-write",
        says,
        server=given.machines[0].server_id if given.machines else "",
        port=next((p.id for m in given.machines for p in m.ports), ""),
        **which,
    )


def cloud_unchanged(given: Takeover) -> PlanCheck:
    """CAPO made no server and no port, and took none away. Names, addresses, groups and pool members are
    compared with `Plan.machines` and `Plan.load_balancer`."""
    ports = [port.id for machine in given.machines for port in machine.ports]
    return check(
        "openstack.unchanged",
        f"OpenStack still has exactly these {len(given.machines)} servers and their {len(ports)} ports, and "
        "no new ones",
        servers=[m.server_id for m in given.machines],
        ports=list(ports),
        networks=texts(sorted({p.network_id for p in given.seen.cloud.ports if p.id in set(ports)})),
    )


def nothing_deleting(given: Takeover) -> PlanCheck:
    """No deletion waits for a credential that can write."""
    # A pending deletion fires within a second of the swap (seen on CAPO v0.14.7).
    return check(
        "cluster-api.nothing-deleting",
        "No object carries a deletionTimestamp: a pending deletion would fire at once",
        namespace=given.names.namespace,
    )
