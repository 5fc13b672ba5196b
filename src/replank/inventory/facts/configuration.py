"""What stands where in the configuration (*.tf, *.tofu, *.tf.json) behind a state.

Places and names only: no value of the configuration is kept, for it may be a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replank.domain.unknown import Fact

Key = Literal["", "key", "count.index", "each.key", "every", "expression"]
"""How a reference picks instances: "" not at all, "key" by a literal, "every" by `[*]` or `.*`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile:
    """`name`: relative to the configuration's folder, `../` included. `lines`: how many it has."""

    name: str
    lines: Fact[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationBlock:
    """A `resource` block of terraform-provider-openstack. Lines count from 1, both ends included.

    `module`: `module.a.module.b` without instance keys, "" for the root. One block of a module that is
    called twice stands here twice, under each module. One that an override file adds to stands once a file.
    """

    type: str
    name: str
    file: str
    first_line: int
    last_line: int
    module: str = ""
    repeated: Literal["", "count", "for_each"] = ""

    @property
    def address(self) -> str:
        """As `ConfigurationReference.block` names it."""
        return ".".join(part for part in (self.module, self.type, self.name) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationReference:
    """A place that mentions a resource of terraform-provider-openstack.

    `inside`: what it stands in: `output.api`, `local.nodes`, `module.a`, `openstack_lb_member_v2.api`,
    `moved`; `module`: the module that this belongs to. `argument`: the path below it (`network.port`), "" for
    a local's value. `block`: address of the mentioned block, without instance keys. `key`: how instances are
    picked, with `index` where a literal does it. `attribute`: what is read of it, () = all. `more`: further
    steps follow that are no literals (a splat, an expression).
    """

    file: str
    line: int
    inside: str
    block: str
    module: str = ""
    argument: str = ""
    key: Key = ""
    index: int | str | None = None
    attribute: tuple[str | int, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The configuration of one state: root module and local modules.

    `folder`: as in fleet.yaml. `files`: all that was looked at, and modules that are not local
    (`module.a`, unknown). `workspaces`: others than the state's that have a state of their own in the same
    folder, as far as its local back end shows. `opentofu`: the folder was set up by OpenTofu.
    """

    folder: str
    files: tuple[ConfigurationFile, ...] = ()
    blocks: tuple[ConfigurationBlock, ...] = ()
    references: tuple[ConfigurationReference, ...] = ()
    workspaces: tuple[str, ...] = ()
    opentofu: bool = False
