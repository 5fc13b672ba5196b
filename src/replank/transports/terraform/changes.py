"""What `terraform plan` would do, by addresses and actions alone: values may be secrets.

Read from the tool's machine-readable output (`-json`, Terraform 1.0 and every OpenTofu; documented under
"Machine-Readable UI"), of which only `planned_change`, `outputs` and the summaries of errors are looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from replank.domain.errors import Transient
from replank.transports.terraform.tool import Finished, Tool, last_lines

_ARGUMENTS: Final = ("plan", "-json", "-detailed-exitcode", "-lock=false", "-input=false")
_SHOWN: Final = 20


async def plan_changes(tool: Tool, folder: Path, command: str, workspace: str) -> str:
    """ "" where there is nothing to do, else actions and addresses, at most 20 of them.

    Raises `Transient` RP958 where the tool could not make a plan (somebody may be editing the configuration
    right now), `Refused` RP028 (not started), `Transient` RP028 (it took too long).
    """
    finished = await tool.run(folder, [command, *_ARGUMENTS], workspace)
    if len(finished.out) > tool.limit:
        raise _no_plan(finished, folder, f"it printed more than {tool.limit} bytes")
    messages = list(_messages(finished.out))
    if finished.code == 0:
        return ""
    if finished.code != 2:
        raise _no_plan(finished, folder, _errors(messages, finished))
    found = sorted(set(_changes(messages)))
    if not found:
        raise _no_plan(finished, folder, "it has changes to make and names none")
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _messages(out: bytes) -> Iterator[dict[str, Any]]:
    """One JSON object a line; OpenTofu 1.12 prints some warnings as text before them."""
    for line in out.decode("utf-8", "replace").splitlines():
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(message, dict):
            yield message


def _changes(messages: list[dict[str, Any]]) -> Iterator[str]:
    for message in messages:
        change, outputs = message.get("change"), message.get("outputs")
        if message.get("type") == "planned_change" and isinstance(change, dict):
            # `remove` is Terraform's word for forgetting without destroying.
            yield f"{change.get('action')} {(change.get('resource') or {}).get('addr')}"
        if message.get("type") == "outputs" and isinstance(outputs, dict):
            for name, output in outputs.items():
                if isinstance(output, dict) and output.get("action") not in (None, "noop"):
                    yield f"{output['action']} output {name}"


def _errors(messages: list[dict[str, Any]], finished: Finished) -> str:
    """Summaries and places of the errors. Details and snippets quote the configuration, secrets too."""
    said = []
    for message in messages:
        found = message.get("diagnostic")
        if isinstance(found, dict) and found.get("severity") == "error":
            place = found.get("range") or {}
            start = (place.get("start") or {}).get("line")
            where = f" ({place.get('filename')}:{start})" if start else ""
            said.append(f"{found.get('summary')}{where}")
    return last_lines("\n".join(said).encode(), finished.environment) or finished.said or "it said nothing"


def _no_plan(finished: Finished, folder: Path, why: str) -> Transient:
    return Transient(
        "RP958",
        f"{finished.says} made no plan",
        why,
        "Run it in that folder by hand until it makes one; it is tried again meanwhile.",
        where=str(folder),
    )
