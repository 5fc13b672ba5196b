"""What Terraform or OpenTofu believes: facts of one cluster's state.

State is a claim, not the truth (facts: terraform-provider-openstack 1.x-3.x): a port's `fixed_ip` and
`security_group_ids` only echo the configuration and `device_id` is often stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from replank.inventory.facts.configuration import Configuration
from replank.inventory.facts.json_value import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformResource:
    """One instance of one resource.

    `address`: as `terraform state list` prints it. `index`: the `count` or `for_each` key. `id`: the
    resource's ID in OpenStack. `provider`: source address without host (`terraform-provider-openstack/
    openstack`) or the legacy name; `provider_alias`: "" for the default one. `deposed`: Terraform's key of
    an object that waits to be destroyed, "" for the live one. `attributes`: the allow-listed ones of its
    type (`inventory/terraform/attributes.py`). `state`: `StateFile.source` it stands in.
    """

    address: str
    mode: Literal["managed", "data"]
    type: str
    name: str
    module: str = ""
    index: int | str | None = None
    provider: str = ""
    provider_alias: str = ""
    id: str = ""
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    tainted: bool = False
    deposed: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLock:
    """Somebody holds the lock: `who` (user@host), `operation`, `created` as the tool wrote them."""

    who: str = ""
    operation: str = ""
    created: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFile:
    """One state as read.

    `source`: where it was read, as written in fleet.yaml (path, folder, workspace), free of credentials.
    `form`: v4 state, or the output of `terraform show -json` (which has no serial and lineage: None).
    `backend`: local, pull, show-json, ... `resources`: only those of this cluster, sorted by address.
    `skipped_providers`: other providers' resources that were left out, provider -> count. `configured`: its
    configuration lies in the folder it was read in, so that `terraform plan` can be run there.
    `configuration`: what stands where in it; None where none lies beside the state. `others`: blocks without
    instance keys, of the same type and name as one in `resources`, whose instances `only` left out.
    """

    source: str
    form: Literal["v4", "show-json"]
    backend: str
    tool_version: str = ""
    serial: int | None = None
    lineage: str | None = None
    workspace: str = "default"
    resources: tuple[TerraformResource, ...] = ()
    skipped_providers: Mapping[str, int] = field(default_factory=dict)
    lock: StateLock | None = None
    configured: bool = False
    configuration: Configuration | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformFacts:
    """All states that hold something of this cluster."""

    states: tuple[StateFile, ...] = ()

    @property
    def resources(self) -> tuple[TerraformResource, ...]:
        """Resources of all states, in the order of the states."""
        return tuple(r for s in self.states for r in s.resources)
