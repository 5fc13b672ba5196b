"""The README beside the files of `replank show --forget`: what to do in which order, by file and line."""

from __future__ import annotations

from typing import Final

from replank.plan.takeover import BrokenReference, TakeoverPlan
from replank.report.forgetting import BlockText, ForgetTexts
from replank.report.words import count, printable

_BEFORE: Final = """\
## The state from before

Keep it: only with it can this be undone without loss. Where the back end keeps versions, note which. Else
encrypt it, before step 1: `{tool} state pull | age -r RECIPIENT > before.tfstate.age`.

It holds secrets. With the local back end `{tool} state rm` and `apply` leave it on this disk in plain text:
`terraform.tfstate.*.backup` and `terraform.tfstate.backup` beside the state. The scripts here make theirs
readable for you alone (mode 0600); say `umask 077` before your own `apply`. Delete or encrypt them when the
takeover is settled, and never commit them.
"""

_UNDO: Final = """\
## To undo

1. Put the blocks and references back, and take `removed.tf` out.
2. `sh restore.sh OLD-STATE-FILE`, in the working folder: the resources as the state from before had them, the
   rest as it is now.
3. `{tool} plan`: nothing to do.
"""

# Seen with OpenTofu 1.12 and terraform-provider-openstack 3, tests/ground/test_letting_go.py.
_IMPORT: Final = """
Only where no state from before is left: `import.tf` beside the blocks, or `sh import.sh`; then `{tool} plan`.
**Do not apply what it wants of machines and ports**: an import reads back neither `config_drive`,
`scheduler_hints`, `user_data` and `network.port` of a server nor `fixed_ip` and `security_group_ids` of a
port, so the plan **replaces the machines**. Name these arguments in `lifecycle {{ ignore_changes = [...] }}`
of the blocks first, until it has nothing to replace.
"""


def forget_readme(plan: TakeoverPlan, texts: ForgetTexts) -> str:
    """Markdown."""
    let_go = texts.let_go
    folder = f"`{line(let_go.folder)}`" if let_go.folder else "not seen by the survey"
    return "\n".join(
        [
            f"# {line(plan.cluster)}: what state `{line(texts.state)}` lets go",
            "",
            f"{count(texts.resources, 'resource')}; workspace `{line(let_go.workspace) or 'default'}`; "
            f"configuration {folder}; written by version {line(let_go.tool_version) or 'unknown'}.",
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
            "`sh state-rm.sh`, in the working folder. Before any apply of the branch: an apply would "
            "DESTROY what the state still lists and the branch no longer has. And from here to the last step "
            "nobody may apply the old configuration: it would make duplicates."
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
    makes = f"`{line(block.address)}` ({count(block.resources, 'resource')})"
    if not block.place:
        return f"not seen: {makes}"
    if block.keep:
        return (
            f"`{line(block.place)}` **must stay**: {makes}; {line(block.keep)}. Change it (its `count`, "
            "`for_each` or a switch) so that it no longer makes what the state let go."
        )
    return f"`{line(block.place)}` delete: {makes}"


def _references(texts: ForgetTexts) -> list[str]:
    if not texts.references:
        none = "None was found." if texts.let_go.folder else "The configuration was not seen."
        return ["## References that break", "", none, ""]
    return ["## References that break", "", *(f"- {_reference(r)}" for r in texts.references), ""]


def _reference(reference: BrokenReference) -> str:
    what = f"put `{line(reference.put)}`" if reference.put else line(reference.why)
    place = f"`{line(reference.file)}:{reference.line}`, {line(reference.inside)}"
    return f"{place}: `{line(reference.mentions)}`: {what}"


def _unread(texts: ForgetTexts) -> list[str]:
    if not texts.let_go.unread:
        return []
    return [
        "## Not read",
        "",
        "Blocks and references may stand there too:",
        "",
        *(f"- {line(text)}" for text in texts.let_go.unread),
        "",
    ]


def _backups(texts: ForgetTexts) -> list[str]:
    return [_BEFORE.format(tool=texts.tool)]


def _undo(texts: ForgetTexts) -> list[str]:
    return [(_UNDO + (_IMPORT if texts.imported else "")).format(tool=texts.tool)]


def line(text: str) -> str:
    """In one line: a text from a state must not bring a second command into a shell."""
    return printable(" ".join(text.split("\n")))
