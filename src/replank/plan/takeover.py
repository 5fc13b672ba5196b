"""The plan of a takeover: a cluster's machines become Machines of Cluster API.

Secrets stand as references (`SecretSource`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret's value comes from when the plan is carried out.

    `source`: host-file (path on the machine `machine`, read over SSH at apply), made-kubeconfig (a client
    certificate signed by the CA at apply), application-credential (made in Keystone at apply).
    """

    source: Literal["host-file", "made-kubeconfig", "application-credential"]
    machine: str = ""
    path: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPlan:
    """A Secret that the takeover writes. `data`: key -> where its value comes from."""

    name: str
    namespace: str
    type: str
    labels: Mapping[str, str]
    data: Mapping[str, SecretSource]
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who owns one OpenStack resource before and after. `kind`: server, port, network, ...; `replank`: its
    operator, which keeps the members of pools that no controller keeps."""

    kind: str
    id: str
    name: str
    before: Literal["terraform", "nova", "cloud-provider", "nobody", "elsewhere"]
    after: Literal["cluster-api", "replank", "terraform", "cloud-provider", "nobody", "elsewhere"]
    address: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortName:
    """A port and the name CAPO will look it up by. `old` "" = unnamed. Equal names need no rename.

    `fixed_ips`, `security_groups` (IDs) and `address_pairs` (`address` or `address mac`), sorted: what the
    takeover must leave as it is.
    """

    id: str
    old: str
    new: str
    fixed_ips: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    address_pairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMachine:
    """One legacy machine and the Machine it becomes. `role`: control-plane or worker."""

    machine: str
    role: Literal["control-plane", "worker"]
    server_id: str
    server_name: str
    node: str
    provider_id: str
    group: str
    version: str
    failure_domain: str
    ports: tuple[PortName, ...] = ()
    rename_server_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference:
    """Machines of one group that are not quite alike, and what the next rollout will make of it."""

    field: str
    machine: str
    has: str
    template: str
    at_next_rollout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """A MachineDeployment (or the control plane, `name` = the KCP's) with its members."""

    name: str
    role: Literal["control-plane", "worker"]
    machines: tuple[str, ...]
    why: str
    differences: tuple[GroupDifference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """What Terraform must forget. `how`: removed-block or state-rm (count/for_each members).

    `block`: where its block stands in the configuration (`main.tf:12..30`, several after commas), "" = not
    seen. `keep_block`: why that block must stay, "" = it is deleted, with all that it makes.
    """

    address: str
    id: str
    state: str
    how: Literal["removed-block", "state-rm"]
    import_id: str
    block: str = ""
    keep_block: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenReference:
    """A place in a configuration that names what is forgotten. `inside`: what it stands in (`output.api`).

    `put`: the text that gives the same value without it, "" where that is not clear; then `why` says what to
    do.
    """

    file: str
    line: int
    inside: str
    mentions: str
    put: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLetGo:
    """The configuration of one state in `forget`.

    `folder`: where it lies, "" = not seen. `tool_version`: what wrote the state. `opentofu`: the folder was
    set up by OpenTofu. `unread`: files and modules that could not be read, and why: blocks and references may
    stand there too.
    """

    state: str
    workspace: str
    folder: str = ""
    tool_version: str = ""
    opentofu: bool = False
    references: tuple[BrokenReference, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerChoice:
    """Who keeps the API load balancer after the takeover, and why. `load_balancer_id`: "" if none is seen.

    `pool_id`, `members`: the pool behind the endpoint and its members' IDs, sorted, as they must stay.
    """

    mode: Literal["managed", "unmanaged", "none"]
    why: str
    endpoint: str
    load_balancer_id: str = ""
    pool_id: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The versions a plan was made for. `*_api`: the API version its manifests use."""

    cluster_api: str = "v1.14.0"
    capo: str = "v0.14.7"
    orc: str = "v2.4.0"
    cluster_api_version: str = "v1beta2"
    capo_api_version: str = "v1beta1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverPlan(Plan):
    """A takeover of one cluster. `manifests`: key `Kind/name` -> object, complete but for secrets."""

    migration: Literal["takeover"]
    namespace: str
    targets: Targets
    load_balancer: LoadBalancerChoice
    machines: tuple[PlannedMachine, ...]
    groups: tuple[MachineGroup, ...]
    ownership: tuple[Ownership, ...]
    forget: tuple[Forget, ...]
    secrets: tuple[SecretPlan, ...]
    manifests: Mapping[str, Mapping[str, JSON]]
    letting_go: tuple[StateLetGo, ...] = ()


def takeover_of(plan: Plan, what: str) -> TakeoverPlan:
    """The plan, where it is one of a takeover. `what`: for what it must be. Raises `Refused` RP037."""
    if isinstance(plan, TakeoverPlan):
        return plan
    raise Refused(
        "RP037",
        f"There is no {what} of this plan",
        f"it is the plan of a {plan.migration}",
        "Only plans of a takeover have it.",
    )
