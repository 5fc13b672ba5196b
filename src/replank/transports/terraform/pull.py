"""`terraform state pull` and `tofu state pull`: every back end that the tool knows, without its credentials.

Pulling a workspace that does not exist is not read only: the local back end makes its folder (seen with
Terraform 1.11.4), S3 and others write an empty state (internal/backend/remote-state/s3/backend_state.go). So
a named workspace is looked for with `workspace list` first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused, ReplankError
from replank.transports.terraform.files import is_folder
from replank.transports.terraform.folder import selected_workspace
from replank.transports.terraform.tool import Tool

_STATE: Final = re.compile(rb"^[ \t]*\{", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled. `workspace`: the one that it is of."""

    data: bytes
    workspace: str


@dataclass(frozen=True, slots=True)
class Puller:
    """Runs the tool. `timeout_s`: for each command; `limit`: bytes of a state; `environment`: the tool's."""

    timeout_s: float = 120.0
    limit: int = 512 * 1024 * 1024
    environment: Mapping[str, str] | None = None

    @property
    def _tool(self) -> Tool:
        return Tool(self.timeout_s, self.limit, self.environment)

    async def pull(self, folder: Path, command: str, workspace: str) -> Pulled:
        """The state of `workspace` ("" = the selected one) of the working folder.

        Raises `Refused` RP020 (no such folder), RP021 (no state), RP027 (too large) or RP028 (the tool
        failed), `Transient` RP028 (it took too long).
        """
        if not is_folder(folder):
            raise Refused(
                "RP020",
                "The state cannot be pulled",
                "the folder does not exist or may not be entered",
                "Mend the path in fleet.yaml.",
                where=str(folder),
            )
        data_dir = self._tool.environment_for("").get("TF_DATA_DIR") or ".terraform"
        name = workspace or await asyncio.to_thread(selected_workspace, folder, data_dir)
        if name != "default":
            await self._check_workspace(folder, command, name)
        out = await self._run(folder, [command, "state", "pull"], name)
        return Pulled(_state_of(out, f"`{Path(command).name} state pull`", folder), name)

    async def _run(self, folder: Path, argv: list[str], workspace: str) -> bytes:
        finished = await self._tool.run(folder, argv, workspace)
        if len(finished.out) > self.limit:
            raise Refused(
                "RP027",
                "The state is too large",
                f"{finished.says} printed more than {self.limit} bytes",
                "Split the state.",
                where=str(folder),
            )
        if finished.code != 0:
            raise _failed(finished.says, folder, finished.code, finished.said)
        return finished.out

    async def _check_workspace(self, folder: Path, command: str, name: str) -> None:
        out = await self._run(folder, [command, "workspace", "list"], "")
        lines = out.decode("utf-8", "replace").splitlines()
        names = sorted({line.lstrip("* ").strip() for line in lines if line[:2] in ("* ", "  ")} - {""})
        if name not in names:
            raise Refused(
                "RP028",
                f"The workspace `{name}` does not exist",
                f"`{Path(command).name} workspace list` names {', '.join(names) or 'none'}",
                "Mend `workspace` in fleet.yaml; replank does not pull, because the tool would make it.",
                where=str(folder),
            )


def _state_of(out: bytes, says: str, folder: Path) -> bytes:
    """The state alone: OpenTofu 1.12 prints its warnings (a CLI configuration file that is not there) to
    stdout, before it. Without one it prints nothing more, and ends well."""
    begin = _STATE.search(out)
    if begin is not None:
        return out[begin.start() :]
    # What else it printed is not quoted: it may be a state in another form, with all its secrets.
    printed = "something, but no line of it begins a state" if out.strip() else "nothing"
    raise Refused(
        "RP021",
        "The state is empty",
        f"{says} printed {printed}: the folder or workspace has no state",
        "Mend the folder or the workspace in fleet.yaml; run `init` there if it never ran.",
        where=str(folder),
    )


def _failed(says: str, folder: Path, code: int, said: str) -> ReplankError:
    return Refused(
        "RP028",
        f"{says} failed",
        f"exit code {code}: {said or 'it said nothing'}",
        "Run it in that folder by hand until it prints the state (`init`, credentials of the back end).",
        where=str(folder),
    )
