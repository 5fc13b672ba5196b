"""What Terraform must forget, as text to copy into its configuration and shell.

Source: documentation of Terraform 1.7 and OpenTofu 1.10, "removed" blocks. Without `lifecycle` the block
destroys in Terraform and forgets in OpenTofu. Terraform >= 1.7 and OpenTofu >= 1.10 know
`lifecycle { destroy = false }`; OpenTofu 1.7 to 1.9 reject it. `from` takes no instance key, so one member of
`count` or `for_each` needs `state rm`.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from replank.plan.model import Forget, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTexts:
    """Texts for one state. "" where nothing of that kind is to be done.

    `removed`: HCL for Terraform >= 1.7 and OpenTofu >= 1.10. `removed_old_tofu`: for OpenTofu 1.7 to 1.9
    alone; in Terraform the same text would DESTROY. `state_rm`, `imports`: commands, the second to undo.
    """

    state: str
    resources: int
    removed: str
    removed_old_tofu: str
    state_rm: str
    imports: str


def forget_texts(plan: Plan) -> tuple[ForgetTexts, ...]:
    """The texts by state, in the plan's order."""
    states = list(dict.fromkeys(forget.state for forget in plan.forget))
    return tuple(_of_state(state, [f for f in plan.forget if f.state == state]) for state in states)


def _of_state(state: str, forgets: list[Forget]) -> ForgetTexts:
    blocks = list(dict.fromkeys(_line(f.address) for f in forgets if f.how == "removed-block"))
    members = [f for f in forgets if f.how == "state-rm"]
    return ForgetTexts(
        state=state,
        resources=len(forgets),
        removed="\n".join(
            f"removed {{\n  from = {address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            for address in blocks
        ),
        removed_old_tofu="\n".join(f"removed {{\n  from = {address}\n}}\n" for address in blocks),
        state_rm="".join(f"terraform state rm {shlex.quote(_line(f.address))}\n" for f in members),
        imports="".join(
            f"terraform import {shlex.quote(_line(f.address))} {shlex.quote(_line(f.import_id))}\n"
            for f in forgets
            if f.import_id
        ),
    )


def _line(text: str) -> str:
    """One line: a text from a state must not bring a second command into a shell."""
    return " ".join(text.split("\n"))
