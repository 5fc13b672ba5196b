"""What Terraform must forget as files, a folder a state: for an operator to copy from, never into place."""

from __future__ import annotations

import re
import shlex
from typing import Final

from replank.plan.takeover import TakeoverPlan
from replank.report.forget_readme import forget_readme, line
from replank.report.forgetting import ForgetTexts, forget_texts
from replank.report.words import count

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

_RESTORE: Final = """\
#!/bin/sh
# {cluster}: puts {resources} back as an older state had them, every attribute. To undo; the blocks must
# be back first, and nobody may apply meanwhile.
# Run it in the working folder{folder}: sh PATH/restore.sh OLD-STATE-FILE
set -eu
umask 077
{workspace}TOOL=${{TOOL:-{tool}}}
OLD=${{1:?name the file of the state from before}}
SHM=/dev/shm
[ -w "$SHM" ] || SHM=${{TMPDIR:-/tmp}}
WORK=$(mktemp -d "$SHM/replank.XXXXXX") # both states hold secrets
trap 'rm -rf "$WORK"' EXIT
cp "$OLD" "$WORK/old"
"$TOOL" state pull | sed -n '/^{{/,$p' >"$WORK/now"
# In a folder of its own: beside a remote back end the tool takes no state files.
LISTED=$(cd "$WORK" && unset TF_WORKSPACE && "$TOOL" state list -state=now)

put_back() {{
  printf '%s\\n' "$LISTED" | grep -qxF -e "$1" ||
    (cd "$WORK" && unset TF_WORKSPACE && "$TOOL" state mv -state=old -state-out=now "$1" "$1")
}}

{lines}
"$TOOL" state push "$WORK/now"
"""


def forget_files(plan: TakeoverPlan) -> dict[str, str]:
    """`<state>/<file>` -> text: README.md, removed.tf, state-rm.sh, restore.sh, import.tf, import.sh as they
    apply."""
    files: dict[str, str] = {}
    for texts in forget_texts(plan):
        folder = _free(_slug(texts.state), files)
        for name, text in _of_state(plan, texts).items():
            files[f"{folder}/{name}"] = text
    return files


def _of_state(plan: TakeoverPlan, texts: ForgetTexts) -> dict[str, str]:
    found = {"README.md": forget_readme(plan, texts)}
    if texts.removed:
        found["removed.tf"] = (
            f"# {line(plan.cluster)}: forgets, and destroys nothing.\n"
            "# Terraform 1.7, OpenTofu 1.10 or later.\n\n" + texts.removed
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
            f"# {line(plan.cluster)}: to undo, with the blocks back and removed.tf gone.\n"
            "# Terraform 1.5, OpenTofu 1.6 or later.\n\n" + texts.import_blocks
        )
        found["import.sh"] = _IMPORT.format(
            **_common(plan, texts, len(texts.imported)),
            lines="\n".join(f"give_back {shlex.quote(a)} {shlex.quote(i)}" for a, i in texts.imported),
        )
    found["restore.sh"] = _RESTORE.format(
        **_common(plan, texts, texts.resources),
        lines="\n".join(f"put_back {shlex.quote(a)}" for a in texts.addresses),
    )
    return found


def _common(plan: TakeoverPlan, texts: ForgetTexts, number: int) -> dict[str, str]:
    workspace, folder = texts.let_go.workspace, texts.let_go.folder
    named = workspace not in ("", "default")
    return {
        "cluster": line(plan.cluster),
        "resources": count(number, "resource"),
        "folder": f" ({line(folder)})" if folder else "",
        "workspace": f"export TF_WORKSPACE={shlex.quote(line(workspace))}\n" if named else "",
        "tool": texts.tool,
    }


def _free(name: str, taken: dict[str, str]) -> str:
    """`name`, or with a number where two states are called alike."""
    used = {path.partition("/")[0] for path in taken}
    number, free = 2, name
    while free in used:
        number, free = number + 1, f"{name}-{number}"
    return free


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[-100:].strip("-.") or "state"
