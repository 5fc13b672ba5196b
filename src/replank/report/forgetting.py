"""What Terraform must forget, as text to copy into its configuration and shell.

Source: documentation of Terraform 1.7 and OpenTofu 1.10, "removed" blocks. Without `lifecycle` the block
destroys in Terraform and forgets in OpenTofu. Terraform >= 1.7 and OpenTofu >= 1.10 know
`lifecycle { destroy = false }`; OpenTofu 1.7 to 1.9 reject it. `from` takes no instance key: it forgets all
that a block made, so it fits a block that goes whole; one member of `count` or `for_each` needs `state rm`.
`import` blocks: Terraform >= 1.5, OpenTofu.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from replank.inventory.terraform.address import without_keys
from replank.plan.takeover import BrokenReference, Forget, StateLetGo, TakeoverPlan

_REMOVED_SINCE: Final = (1, 7)
_LIFECYCLE_SINCE: Final = (1, 10)
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockText:
    """A block, and what happens to it. `place`: `main.tf:3..9`, "" = not seen. `keep`: why it stays."""

    place: str
    address: str
    resources: int
    keep: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTexts:
    """Texts for one state. "" where nothing of that kind is to be done.

    `removed`: HCL for Terraform >= 1.7 and OpenTofu >= 1.10. `removed_old_tofu`: for OpenTofu 1.7 to 1.9
    alone; in Terraform the same text would DESTROY. `imports`, `import_blocks`: commands and HCL to undo.
    `imported`: address and ID.
    """

    state: str
    let_go: StateLetGo
    resources: int
    removed: str
    removed_old_tofu: str
    addresses: tuple[str, ...]
    state_rm_addresses: tuple[str, ...]
    imported: tuple[tuple[str, str], ...]
    import_blocks: str
    blocks: tuple[BlockText, ...]

    @property
    def tool(self) -> str:
        """The program that works in the folder."""
        return "tofu" if self.let_go.opentofu else "terraform"

    @property
    def state_rm(self) -> str:
        """Commands, one a line."""
        return "".join(f"{self.tool} state rm {shlex.quote(a)}\n" for a in self.state_rm_addresses)

    @property
    def imports(self) -> str:
        """Commands, one a line."""
        return "".join(f"{self.tool} import {shlex.quote(a)} {shlex.quote(i)}\n" for a, i in self.imported)

    @property
    def references(self) -> tuple[BrokenReference, ...]:
        """What names a forgotten resource in the configuration."""
        return self.let_go.references


def forget_texts(plan: TakeoverPlan) -> tuple[ForgetTexts, ...]:
    """The texts by state, in the plan's order."""
    states = list(dict.fromkeys(forget.state for forget in plan.forget))
    known = {let_go.state: let_go for let_go in plan.letting_go}
    return tuple(
        _of_state(
            known.get(state) or StateLetGo(state=state, workspace="default"),
            [f for f in plan.forget if f.state == state],
        )
        for state in states
    )


def _of_state(let_go: StateLetGo, forgets: Sequence[Forget]) -> ForgetTexts:
    version = _version(let_go.tool_version)
    old = version is not None and version < _REMOVED_SINCE
    by_block = [f for f in forgets if not old and _by_block(f)]
    blocks = list(dict.fromkeys(_block(f) for f in by_block))
    imported = tuple((_line(f.address), _line(f.import_id)) for f in forgets if f.import_id)
    return ForgetTexts(
        state=let_go.state,
        let_go=let_go,
        resources=len(forgets),
        removed="\n".join(
            f"removed {{\n  from = {address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            for address in blocks
        ),
        removed_old_tofu="\n".join(f"removed {{\n  from = {address}\n}}\n" for address in blocks)
        if _may_be_old_tofu(let_go, version)
        else "",
        addresses=tuple(_line(f.address) for f in forgets),
        state_rm_addresses=tuple(_line(f.address) for f in forgets if f not in by_block),
        imported=imported,
        import_blocks="\n".join(
            f"import {{\n  to = {address}\n  id = {_text(found)}\n}}\n" for address, found in imported
        ),
        blocks=_blocks(forgets),
    )


def _by_block(forget: Forget) -> bool:
    """Whether a `removed` block forgets it and nothing else: its block goes whole, or it has no key."""
    if forget.block:
        return not forget.keep_block
    return forget.how == "removed-block"


def _may_be_old_tofu(let_go: StateLetGo, version: tuple[int, int] | None) -> bool:
    if let_go.folder and not let_go.opentofu:
        return False  # Terraform's: the text would destroy
    return version is None or _REMOVED_SINCE <= version < _LIFECYCLE_SINCE


def _blocks(forgets: Sequence[Forget]) -> tuple[BlockText, ...]:
    """Blocks that were seen, in the order of their places, then the others."""
    members: dict[str, list[Forget]] = {}
    for forget in forgets:
        members.setdefault(_block(forget), []).append(forget)
    found = [
        BlockText(place=of[0].block, address=address, resources=len(of), keep=of[0].keep_block)
        for address, of in members.items()
    ]
    return tuple(sorted(found, key=lambda b: (not b.place, _natural(b.place), b.address)))


def _natural(place: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", place)]


def _block(forget: Forget) -> str:
    return without_keys(_line(forget.address))


def _version(text: str) -> tuple[int, int] | None:
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else None


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _line(text: str) -> str:
    """One line: a text from a state must not bring a second command into a shell."""
    return " ".join(text.split("\n"))
