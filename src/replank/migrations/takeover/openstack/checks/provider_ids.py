"""providerIDs: Cluster API matches Machine and Node by this one string."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from replank.audit.finding import AuditSettings
from replank.domain.provider_id import OpenStackProviderID, parse_provider_id
from replank.domain.severity import Severity
from replank.inventory.facts.identity import LegacyMachine
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, kubernetes, nodes
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some


def _parsed(snapshot: Snapshot) -> Iterator[tuple[LegacyMachine, Node, OpenStackProviderID]]:
    for machine, node in nodes(snapshot):
        parts = parse_provider_id(node.provider_id)
        if parts is not None:
            yield machine, node, parts


@rule(
    "RP610",
    Severity.BLOCKER,
    consequence="Machine and Node never find each other, and a health check would delete the machine "
    "after ten minutes.",
    remedy="Run the OpenStack cloud controller manager, or set spec.providerID of the Node to "
    "`openstack:///<server UUID>` once.",
)
def provider_id_is_empty(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A Node without providerID, as clusters without cloud provider have them."""
    for _machine, node in nodes(snapshot):
        if not node.provider_id:
            yield seen(f"Node {node.name}", "spec.providerID is empty")


@rule(
    "RP611",
    Severity.BLOCKER,
    consequence="CAPO computes the providerID with the region of the OpenStackMachine's identityRef or "
    "none: a Node with another region never matches, and a Node's providerID cannot be changed.",
    remedy="Set the region in fleet.yaml to the one that the Nodes carry; Nodes that differ among "
    "themselves must join anew.",
)
def provider_id_has_another_region(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A providerID whose region is not the one that the Machine would carry."""
    found = tuple(_parsed(snapshot))
    expected = settings.expected_region
    if expected is None:
        expected = _carried_region(snapshot, [parts.region for _, _, parts in found])
    for _machine, node, parts in found:
        if parts.region != expected:
            evidence = f"providerID {node.provider_id}, expected region: {expected or 'none'}"
            yield seen(f"Node {node.name}", evidence)


def _carried_region(snapshot: Snapshot, regions: Sequence[str]) -> str:
    """What most Nodes carry, if a Machine in this cloud can carry it: none, or the cloud's own region."""
    possible = {"", cloud(snapshot, lambda facts: facts.region)}
    count = Counter(region for region in regions if region in possible)
    return max(count, key=lambda region: (count[region], region), default="")


@rule(
    "RP612",
    Severity.BLOCKER,
    consequence="Cluster API would take one machine for another: it would drain one and delete the other.",
    remedy="Find out which server the Node runs on. A wrong providerID needs the Node deleted and joined "
    "again.",
)
def provider_id_is_of_another_server(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The providerID names another server than the machine's."""
    for machine, node, parts in _parsed(snapshot):
        if isinstance(machine.server_id, str) and parts.server_id != machine.server_id:
            evidence = f"the machine's server is {machine.server_id}"
            yield seen(f"Node {node.name}", f"providerID {node.provider_id}", evidence)


@rule(
    "RP613",
    Severity.BLOCKER,
    consequence="Machine and Node never find each other, and the providerID cannot be changed.",
    remedy="Correct the cloud provider's configuration, delete the Node object and let the kubelet "
    "register it again.",
)
def provider_id_is_malformed(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A providerID of another cloud or another form."""
    for _machine, node in nodes(snapshot):
        if node.provider_id and parse_provider_id(node.provider_id) is None:
            yield seen(f"Node {node.name}", f"providerID {node.provider_id}")


@rule(
    "RP614",
    Severity.BLOCKER,
    consequence="Cluster API cannot tell these Nodes apart: one Machine would get either of them.",
    remedy="Delete the Node object that no machine stands behind.",
)
def provider_id_is_there_twice(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Two Nodes with one providerID."""
    users: dict[str, list[str]] = defaultdict(list)
    for node in kubernetes(snapshot, lambda facts: facts.nodes):
        if node.provider_id:
            users[node.provider_id].append(node.name)
    for provider_id, names in sorted(users.items()):
        if len(names) > 1:
            yield seen(f"providerID {provider_id}", *some(f"Node {name}" for name in names))
