"""A snapshot: everything replank saw of one cluster at one time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.domain.unknown import Fact
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.identity import Conflict, LegacyMachine
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import TerraformFacts
from replank.inventory.runtime.runtimes import NOT_ASKED, RuntimeFacts

SCHEMA: Final = "replank.snapshot/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Infrastructure:
    """One field a cloud, so that another cloud is an addition."""

    openstack: Fact[OpenStackFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All facts about one cluster.

    Holds no time: one world gives one snapshot, byte for byte. When it was taken stands beside it, in the
    survey's record. `runtimes`: only of a survey that was asked for them, else `NOT_ASKED`.
    """

    cluster: str
    terraform: Fact[TerraformFacts]
    infrastructure: Infrastructure
    kubernetes: Fact[KubernetesFacts]
    hosts: tuple[HostFacts, ...]
    management: Fact[ManagementFacts]
    machines: tuple[LegacyMachine, ...]
    conflicts: tuple[Conflict, ...]
    runtimes: Fact[RuntimeFacts] = NOT_ASKED
    schema: Literal["replank.snapshot/v1"] = SCHEMA
