"""The plan of a runtime swap: nodes get another container runtime, in place, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON
from replank.plan.model import Plan

MEASURED_IN: Final = "replank-measure"
"""Namespace of the pods that a node's measurement starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSetting:
    """One setting and what becomes of it. `outcome`: carried-over, replaced, not-needed or stop. `value`,
    `became`: as they may be shown. `source`: who says so."""

    setting: str
    where: str
    value: str
    outcome: str
    became: str
    why: str
    source: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file that the node gets. `mode`: octal. `diff`: unified, against what is there or in force."""

    path: str
    mode: str
    content: str
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFile:
    """A program of the new runtime. `name`: what it is called on the node. `source`: its path here, where
    replank runs. `sha256`: hexadecimal; what has another one is never sent."""

    name: str
    source: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArchive:
    """The release archive that the bundle was unpacked from. `source`: its path, or its URL without login and
    query. `sha256`: hexadecimal."""

    source: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPackage:
    """The package that brings the new runtime's programs: each node's apt fetches it, and installs nothing.

    `name`, `version`: as apt has them. The SHA-256 that the .deb must have on a node is in its instructions.
    """

    name: str
    version: str

    def __str__(self) -> str:
        """As apt writes it."""
        return f"{self.name}={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """One node. `runtime`, `to`: as a Node shows it, `containerd://1.7.29`. `address`: where SSH goes.

    `settings`: a row for every one. `files`: what it gets. `instructions`: the node part's plan.json.
    `settings_of`: another node of the plan with the same settings and files, which then stand there alone.
    """

    node: str
    role: Literal["control-plane", "worker"]
    address: str
    strategy: Literal["in-place", "switch"]
    runtime: str
    to: str
    instructions: Mapping[str, JSON]
    settings: tuple[PlannedSetting, ...] = ()
    files: tuple[PlannedFile, ...] = ()
    settings_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipFirst:
    """What must be rolled out everywhere before the first node (the N-1 rule). `code`: of the finding."""

    what: str
    why: str
    todo: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEdit:
    """One value of an object of Cluster API. `object`: `Kind/name`. `at`: a JSON pointer (RFC 6901).

    `argument`: the value is that of the entry of this name in the list of `{name, value}` at `at`. `becomes`
    "": the entry is taken out; only an argument's can be.
    """

    object: str
    api_version: str
    at: str
    was: str
    becomes: str
    argument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTemplate:
    """A new OpenStackMachineTemplate beside the old one `like`, which it equals but for `image` (CAPO's
    `spec.template.spec.image`). `image_was`, `image_becomes`: in words. Names without the kind."""

    name: str
    like: str
    api_version: str
    image: Mapping[str, JSON]
    image_was: str
    image_becomes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What has to change at once, while its controllers are paused, so that nothing is replaced.

    `keeper`: `Kind/name` of the KubeadmControlPlane or MachineDeployment. `pauses`: `Kind/name` of those that
    carry the pause meanwhile. `edits`: in the order in which they are written.
    """

    keeper: str
    pauses: tuple[str, ...]
    edits: tuple[PlannedEdit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterApiPart:
    """What is done to the cluster's objects of Cluster API. `version`: of Cluster API, `v1.14.0`, "" = it was
    not seen."""

    namespace: str
    version: str
    templates: tuple[PlannedTemplate, ...] = ()
    alignments: tuple[Alignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSwapPlan(Plan):
    """A runtime swap of one cluster. `to`: `containerd 2.3.5`. `unsupported`: hops that upstream does not
    support and the operator asked for, `1.6.20 -> 2.3.5`. `nodes`: in the order in which they are swapped.
    `cluster_api` None: the cluster is not under Cluster API, as far as it was seen. The programs come from
    `bundle`, which was unpacked from `archive` (None: it was a folder), or else from `package`."""

    migration: Literal["runtime-swap"]
    to: str
    bundle: tuple[BundleFile, ...]
    nodes: tuple[PlannedNode, ...]
    ship_first: tuple[ShipFirst, ...]
    unsupported: tuple[str, ...] = ()
    archive: PlannedArchive | None = None
    package: PlannedPackage | None = None
    cluster_api: ClusterApiPart | None = None
