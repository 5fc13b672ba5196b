"""What Terraform must forget as files, a folder a state: for an operator to copy from, never into place."""

from __future__ import annotations

import re
import shlex
from typing import Final

from replank.plan.model import BrokenReference, Plan
from replank.report.forgetting import BlockText, ForgetTexts, forget_texts
from replank.report.words import count, printable

OLD_TOFU: Final = "removed-opentofu-1.7.tf.template"
"""Not `.tf`: whoever copies the whole folder must not give it to Terraform, where it DESTROYS."""

_OLD_TOFU_NOTE: Final = """\
# For OpenTofu 1.7 to 1.9 ONLY, instead of removed.tf. NEVER for Terraform: there these blocks DESTROY.
# OpenTofu 1.10 and later take removed.tf. Copy it as `removed.tf`.

"""

_RM: Final = """\
#!/bin/sh
# {cluster}: takes {resources} out of the state and destroys nothing. Read README.md first.
# Run it in the working folder{folder}: sh PATH/state-rm.sh -dry-run, then without.
set -eu
umask 077  # the state's backup holds secrets
{workspace}TOOL=${{TOOL:-{tool}}}
"$TOOL" state rm "$@" \\
{addresses}
"""

_IMPORT: Final = """\
#!/bin/sh
# {cluster}: gives {resources} back to the state, one by one. To undo; the blocks must be back first.
# Run it in the working folder{folder}. What the state lists already is passed over, so it can be run again.
set -eu
umask 077  # the state's backup holds secrets
{workspace}TOOL=${{TOOL:-{tool}}}
LISTED=$("$TOOL" state list)

give_back() {{
  printf '%s\\n' "$LISTED" | grep -qxF -e "$1" || "$TOOL" import -input=false "$1" "$2"
}}

{lines}
"""


def forget_files(plan: Plan) -> dict[str, str]:
    """`<state>/<file>` -> text: README.md, removed.tf, state-rm.sh, import.tf, import.sh as they apply."""
    files: dict[str, str] = {}
    for texts in forget_texts(plan):
        folder = _free(_slug(texts.state), files)
        for name, text in _of_state(plan, texts).items():
            files[f"{folder}/{name}"] = text
    return files


def _of_state(plan: Plan, texts: ForgetTexts) -> dict[str, str]:
    found = {"README.md": _readme(plan, texts)}
    if texts.removed:
        found["removed.tf"] = (
            f"# {_line(plan.cluster)}: forgets, and destroys nothing. Terraform 1.7, OpenTofu 1.10 or later.\n\n"
            + texts.removed
        )
        if texts.removed_old_tofu:
            found[OLD_TOFU] = _OLD_TOFU_NOTE + texts.removed_old_tofu
    if texts.state_rm_addresses:
        found["state-rm.sh"] = _RM.format(
            **_common(plan, texts, len(texts.state_rm_addresses)),
            addresses=" \\\n".join(f"  {shlex.quote(a)}" for a in texts.state_rm_addresses),
        )
    if texts.imported:
        found["import.tf"] = (
            f"# {_line(plan.cluster)}: to undo, with the blocks back and removed.tf gone. Terraform 1.5, OpenTofu 1.6"
            " or later.\n\n" + texts.import_blocks
        )
        found["import.sh"] = _IMPORT.format(
            **_common(plan, texts, len(texts.imported)),
            lines="\n".join(f"give_back {shlex.quote(a)} {shlex.quote(i)}" for a, i in texts.imported),
        )
    return found


def _common(plan: Plan, texts: ForgetTexts, number: int) -> dict[str, str]:
    workspace, folder = texts.let_go.workspace, texts.let_go.folder
    named = workspace not in ("", "default")
    return {
        "cluster": _line(plan.cluster),
        "resources": count(number, "resource"),
        "folder": f" ({_line(folder)})" if folder else "",
        "workspace": f"export TF_WORKSPACE={shlex.quote(_line(workspace))}\n" if named else "",
        "tool": texts.tool,
    }


def _readme(plan: Plan, texts: ForgetTexts) -> str:
    let_go = texts.let_go
    folder = f"`{_line(let_go.folder)}`" if let_go.folder else "not seen by the survey"
    return "\n".join(
        [
            f"# {_line(plan.cluster)}: what state `{_line(texts.state)}` lets go",
            "",
            f"{count(texts.resources, 'resource')}; workspace `{_line(let_go.workspace) or 'default'}`; configuration "
            f"{folder}; written by version {_line(let_go.tool_version) or 'unknown'}.",
            "replank changes no repository and no state. These files are to copy from.",
            "",
            *_order(texts),
            *_blocks(texts),
            *_references(texts),
            *_unread(texts),
            *_backups(texts),
            *_undo(texts),
        ]
    )


def _order(texts: ForgetTexts) -> list[str]:
    seen = "listed below" if texts.let_go.folder else "find them by address, below"
    steps = [f"In a branch: delete or change the blocks and mend the references ({seen})."]
    if texts.removed:
        steps.append("Copy `removed.tf` beside the root module's other files.")
    if texts.state_rm_addresses:
        steps.append(
            "`sh state-rm.sh`, in the working folder. Before any apply of the branch: an apply would DESTROY what "
            "the state still lists and the branch no longer has. And from here to the last step nobody may apply "
            "the old configuration: it would make duplicates."
        )
    steps += [
        f"`{texts.tool} plan`: nothing to add, change or destroy"
        + (", only to forget." if texts.removed else ".")
        + " Anything else: stop.",
        f"`{texts.tool} apply`. The takeover goes on by itself."
        + (" `removed.tf` may go in a later change." if texts.removed else ""),
    ]
    return ["## In this order", "", *(f"{i}. {s}" for i, s in enumerate(steps, 1)), ""]


def _blocks(texts: ForgetTexts) -> list[str]:
    return ["## Blocks", "", *(f"- {_block(block)}" for block in texts.blocks), ""]


def _block(block: BlockText) -> str:
    makes = f"`{_line(block.address)}` ({count(block.resources, 'resource')})"
    if not block.place:
        return f"not seen: {makes}"
    if block.keep:
        return (
            f"`{_line(block.place)}` **must stay**: {makes}; {_line(block.keep)}. Change it (its `count`, `for_each` "
            "or a switch) so that it no longer makes what the state let go."
        )
    return f"`{_line(block.place)}` delete: {makes}"


def _references(texts: ForgetTexts) -> list[str]:
    if not texts.references:
        none = "None was found." if texts.let_go.folder else "The configuration was not seen."
        return ["## References that break", "", none, ""]
    return ["## References that break", "", *(f"- {_reference(r)}" for r in texts.references), ""]


def _reference(reference: BrokenReference) -> str:
    what = f"put `{_line(reference.put)}`" if reference.put else _line(reference.why)
    place = f"`{_line(reference.file)}:{reference.line}`, {_line(reference.inside)}"
    return f"{place}: `{_line(reference.mentions)}`: {what}"


def _unread(texts: ForgetTexts) -> list[str]:
    if not texts.let_go.unread:
        return []
    return [
        "## Not read",
        "",
        "Blocks and references may stand there too:",
        "",
        *(f"- {_line(text)}" for text in texts.let_go.unread),
        "",
    ]


def _backups(texts: ForgetTexts) -> list[str]:
    return [
        "## Backups hold secrets",
        "",
        f"With the local back end `{texts.tool} state rm` and `apply` leave the old state on this disk: "
        "`terraform.tfstate.*.backup` and `terraform.tfstate.backup` beside the state. `state rm` does so for other "
        "back ends too, in the folder it runs in. The scripts here make them readable for you alone (mode 0600). "
        "Delete or encrypt them when the takeover is settled, and never commit them.",
        "",
    ]


def _undo(texts: ForgetTexts) -> list[str]:
    if not texts.imported:
        return []
    return [
        "## To undo",
        "",
        "1. Put the blocks and references back, and take `removed.tf` out.",
        f"2. Copy `import.tf` beside them, `{texts.tool} plan`: only imports, nothing to add or destroy; then apply and "
        "delete it. Or `sh import.sh`.",
        f"3. `{texts.tool} plan`. What a provider cannot read back (user data, scheduler hints) may be shown as a "
        "change; one that would **replace** a machine must not be applied: put the argument into `ignore_changes`.",
        "",
    ]


def _free(name: str, taken: dict[str, str]) -> str:
    """`name`, or with a number where two states are called alike."""
    used = {path.partition("/")[0] for path in taken}
    number, free = 2, name
    while free in used:
        number, free = number + 1, f"{name}-{number}"
    return free


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-100:].strip("-.") or "state"


def _line(text: str) -> str:
    return printable(" ".join(text.split("\n")))
