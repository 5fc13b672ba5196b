"""Terraform and OpenTofu: who else would change what Cluster API is to own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import TerraformResource
from replank.migrations.takeover.checks.look import adopted, cloud, terraform
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some
from replank.migrations.takeover.checks.versions import parse_version

REMOVED_BLOCKS_SINCE = (1, 7, 0)
"""`removed {}` with `destroy = false`: Terraform 1.7; OpenTofu 1.7 never destroys, 1.10 has the lifecycle."""


def _managed(snapshot: Snapshot) -> list[TerraformResource]:
    found = (r for r in terraform(snapshot).resources if r.mode == "managed")
    return sorted(found, key=lambda r: (r.address, r.state, r.deposed))


@rule(
    "RP501",
    Severity.RISK,
    consequence="The next apply destroys it and makes it anew, also between two steps of the takeover.",
    remedy="`terraform untaint` it if it is healthy; replace it now, on your own terms, if not.",
)
def resource_is_tainted(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A tainted resource."""
    for resource in _managed(snapshot):
        if resource.tainted and not resource.deposed:
            yield seen(f"{resource.address}", f"marked tainted in {resource.state}", f"ID {resource.id}")


@rule(
    "RP502",
    Severity.RISK,
    consequence="When Terraform forgets the address it forgets this old object too: it stays in the cloud "
    "and nobody knows it.",
    remedy="Let one apply destroy it, or delete it by hand, before the takeover.",
)
def resource_is_deposed(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """An old object that waits to be destroyed."""
    for resource in _managed(snapshot):
        if resource.deposed:
            where = f"key {resource.deposed} in {resource.state}"
            yield seen(f"{resource.address} (deposed)", where, f"ID {resource.id}")


@rule(
    "RP504",
    Severity.RISK,
    consequence="The next apply makes it anew, under a name that the cluster or Cluster API may be using.",
    remedy="Take it out of state and configuration if it is gone for good, or find out who removed it.",
)
def resource_is_gone(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """In the state, not in the cloud."""
    for missing in cloud(snapshot, lambda facts: facts.missing):
        yield seen(missing.address, f"{missing.type} {missing.id} does not exist in OpenStack")


@rule(
    "RP505",
    Severity.BLOCKER,
    consequence="Somebody changes the infrastructure right now; what was surveyed may already be "
    "otherwise, and Terraform cannot forget anything while the lock is held.",
    remedy="Wait for the run to end; if it died, remove the lock (`terraform force-unlock`) and survey "
    "again.",
)
def state_is_locked(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Somebody holds the state's lock."""
    for state in sorted(terraform(snapshot).states, key=lambda s: (s.source, s.workspace)):
        if state.lock is not None:
            by = state.lock.who or "unknown"
            yield seen(
                f"state {state.source}", f"held by {by}, operation {state.lock.operation or 'unknown'}"
            )


@rule(
    "RP506",
    Severity.RISK,
    consequence="The plan describes what lives. Until Terraform has let go, an apply would set it back to "
    "the state's value.",
    remedy="Bring state and cloud together (`plan -refresh-only`), or make sure that nobody applies until "
    "then.",
)
def cloud_differs_from_state(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """State and cloud disagree about a resource."""
    found: dict[str, list[str]] = defaultdict(list)
    for difference in cloud(snapshot, lambda facts: facts.differences):
        line = f"{difference.attribute}: state {difference.state}, live {difference.live}"
        found[difference.address].append(line)
    for address, lines in sorted(found.items()):
        yield seen(address, *some(lines))


@rule(
    "RP507",
    Severity.NOTE,
    consequence="Each of them must forget its part: one left out takes back what Cluster API owns.",
    remedy="Check that all configurations behind these states are changed together.",
)
def cluster_has_several_states(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The cluster stands in more than one state."""
    states = [s for s in terraform(snapshot).states if s.resources]
    if len(states) > 1:
        lines = (f"{s.source} (workspace {s.workspace}): {len(s.resources)} resources" for s in states)
        yield seen(f"cluster {snapshot.cluster}", *some(lines))


@rule(
    "RP508",
    Severity.RISK,
    consequence="Terraform would fight with itself, and forgetting one address leaves the other in charge.",
    remedy="Take all but one address out of the states (`state rm`) before the takeover.",
)
def resource_is_managed_twice(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """One OpenStack resource under two addresses or in two states."""
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for resource in _managed(snapshot):
        if resource.id and not resource.deposed:
            owners[resource.type, resource.id].add(f"{resource.address} in {resource.state}")
    for (kind, resource_id), addresses in sorted(owners.items()):
        if len(addresses) > 1:
            yield seen(f"{kind} {resource_id}", *some(addresses))


@rule(
    "RP510",
    Severity.RISK,
    consequence="Something else made this server and may think that it owns it: an autoscaler, another "
    "state, a person.",
    remedy="Find its owner and make it let go, or add the missing state to fleet.yaml.",
)
def server_is_in_no_state(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A machine of the cluster that no state knows."""
    claimed = {r.id for r in _managed(snapshot)}
    for machine in adopted(snapshot):
        if isinstance(machine.server_id, str) and machine.server_id not in claimed:
            yield seen(f"server {machine.name}", f"no state of the cluster has {machine.server_id}")


@rule(
    "RP511",
    Severity.NOTE,
    consequence="The output has neither serial nor lineage: whether it is the newest state cannot be told.",
    remedy="Give replank the state itself, or its folder (`pull`), before the takeover is carried out.",
)
def state_is_only_a_rendering(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The state was read from the output of `terraform show -json`."""
    for state in sorted(terraform(snapshot).states, key=lambda s: (s.source, s.workspace)):
        if state.form == "show-json":
            yield seen(f"state {state.source}", "read from `show -json`")


@rule(
    "RP512",
    Severity.NOTE,
    consequence="`removed` blocks do not exist before 1.7: Terraform forgets by `state rm` alone, and "
    "configuration that stays behind makes everything anew at the next apply.",
    remedy="Remove state entries and configuration together, or upgrade the tool first.",
)
def tool_has_no_removed_blocks(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A state written by a tool older than 1.7."""
    for state in sorted(terraform(snapshot).states, key=lambda s: (s.source, s.workspace)):
        version = parse_version(state.tool_version)
        if version is not None and version < REMOVED_BLOCKS_SINCE:
            yield seen(f"state {state.source}", f"written by version {state.tool_version}")
