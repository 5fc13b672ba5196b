"""Which blocks of a configuration go when its state lets go, and which references that breaks.

A block goes when all that it makes goes, wherever it is used. A block that others need too (members that
stay, another workspace, a module that is called twice or lies outside the folder) must stay: whoever deletes
it destroys theirs at their next apply.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.facts.configuration import (
    Configuration,
    ConfigurationBlock,
    ConfigurationReference,
)
from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.inventory.terraform.address import block_address
from replank.migrations.takeover.literal import replacement, written
from replank.plan.takeover import BrokenReference, Forget, StateLetGo

_LISTS: Final = frozenset(["depends_on", "replace_triggered_by", "ignore_changes"])
_ADDRESS_BLOCKS: Final = frozenset(["moved", "removed", "import"])
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """By block address. `forgotten`: the resources that are forgotten. `places`: `file:first..last`. `kept`:
    why the block stays; a block of `places` that is not in it goes."""

    forgotten: Mapping[str, tuple[TerraformResource, ...]]
    places: Mapping[str, str]
    kept: Mapping[str, str]

    def goes(self, address: str) -> bool:
        """Whether the block is to be deleted."""
        return address in self.places and address not in self.kept


def block_of(resource: TerraformResource) -> str:
    """The address of the block that makes it."""
    return block_address(resource.module, resource.type, resource.name)


def blocks_of(state: StateFile, gone: Sequence[TerraformResource]) -> Blocks:
    """`gone`: the state's resources that are forgotten. No places where no configuration was seen."""
    forgotten: dict[str, list[TerraformResource]] = defaultdict(list)
    for resource in gone:
        forgotten[block_of(resource)].append(resource)
    found: dict[str, list[ConfigurationBlock]] = defaultdict(list)
    kept: dict[str, str] = {}
    if state.configuration is not None:
        for block in state.configuration.blocks:
            if block.address in forgotten:
                found[block.address].append(block)
        staying = _staying(state, gone)
        for address, blocks in found.items():
            if why := _why_kept(blocks, state, state.configuration, staying):
                kept[address] = why
    return Blocks(
        forgotten={a: tuple(r) for a, r in sorted(forgotten.items())},
        places={a: ", ".join(_place(b) for b in blocks) for a, blocks in sorted(found.items())},
        kept=dict(sorted(kept.items())),
    )


def placed(forget: Forget, resource: TerraformResource, blocks: Blocks) -> Forget:
    """With the block that makes it."""
    address = block_of(resource)
    return replace(forget, block=blocks.places.get(address, ""), keep_block=blocks.kept.get(address, ""))


def let_go(state: StateFile, blocks: Blocks) -> StateLetGo:
    """What the state's configuration must lose, beside the blocks themselves."""
    bare = StateLetGo(state=state.source, workspace=state.workspace, tool_version=state.tool_version)
    configuration = state.configuration
    if configuration is None:
        return bare
    broken = {_broken(r, blocks): None for r in configuration.references if _breaks(r, blocks)}
    return replace(
        bare,
        folder=configuration.folder,
        opentofu=configuration.opentofu,
        references=tuple(sorted(broken, key=lambda b: (b.file, b.line, b.mentions, b.inside))),
        unread=tuple(
            f"{f.name}: {f.lines.unknown}" for f in configuration.files if isinstance(f.lines, Unknown)
        ),
    )


def _staying(state: StateFile, gone: Sequence[TerraformResource]) -> dict[str, list[str]]:
    """Block address -> what it makes and keeps; other clusters' without their keys."""
    addresses = {r.address for r in gone}
    staying: dict[str, list[str]] = defaultdict(list)
    for resource in state.resources:
        if resource.mode == "managed" and not resource.deposed and resource.address not in addresses:
            staying[block_of(resource)].append(resource.address)
    for block in state.others:
        staying[block].append(f"instances of {block} that are not this cluster's")
    return staying


def _why_kept(
    blocks: Sequence[ConfigurationBlock],
    state: StateFile,
    configuration: Configuration,
    staying: Mapping[str, list[str]],
) -> str:
    """Why, or "". One text may stand for several blocks: those of a module that is called twice."""
    places = {(b.file, b.first_line) for b in blocks}
    alike = sorted({b.address for b in configuration.blocks if (b.file, b.first_line) in places})
    others = [name for address in alike for name in staying.get(address, ())]
    if others:
        return f"it also makes {_some(others)}"
    if configuration.workspaces:
        return f"workspaces of the same folder use it too: {_some(configuration.workspaces)}"
    if state.workspace not in ("", "default"):
        return f"this is workspace {state.workspace}: others of the same folder use it too"
    if outside := [b.file for b in blocks if b.file.startswith("../")]:
        return f"{outside[0]} lies outside the state's folder: other configurations may use it"
    return ""


def _breaks(reference: ConfigurationReference, blocks: Blocks) -> bool:
    if reference.block not in blocks.places:
        return False
    within = f"{reference.module}.{reference.inside}" if reference.module else reference.inside
    if blocks.goes(reference.block):
        return not blocks.goes(within)
    # Of a block that stays: what names one forgotten instance. Blocks that change together stay in step.
    named = reference.index if reference.key == "key" else None
    picks = {r.index for r in blocks.forgotten[reference.block]}
    return reference.key in ("", "key") and named in picks and within not in blocks.places


def _broken(reference: ConfigurationReference, blocks: Blocks) -> BrokenReference:
    put = "" if _drop(reference) else replacement(reference, blocks.forgotten[reference.block])
    if put and not blocks.goes(reference.block) and reference.key != "key":
        put = ""  # where the block is used elsewhere too, the value is another
    return BrokenReference(
        file=reference.file,
        line=reference.line,
        inside=reference.inside,
        mentions=written(reference),
        put=put,
        why="" if put else _drop(reference) or _unclear(reference),
    )


def _drop(reference: ConfigurationReference) -> str:
    """What to do with a reference that has no value."""
    if reference.inside in _ADDRESS_BLOCKS:
        return f"delete this `{reference.inside}` block"
    if reference.argument.split(".")[-1] in _LISTS:
        return "take it out of the list"
    return ""


def _unclear(reference: ConfigurationReference) -> str:
    if reference.key == "expression" or reference.more:
        return "which value is meant is computed: put the values it can have"
    if not reference.attribute:
        return "all of the resource is used: put the values that are needed, or delete what uses them"
    return "the state has no one value for it: put it by hand, or delete what uses it"


def _place(block: ConfigurationBlock) -> str:
    return f"{block.file}:{block.first_line}..{block.last_line}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
