"""The port `States`: states as they are now, what a plan would change, and the back end's own lock."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from replank.domain.errors import Refused, Transient
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import StateSource
from replank.ports.access import StateNow
from replank.transports.terraform.changes import plan_changes
from replank.transports.terraform.folder import (
    has_configuration,
    local_state_file,
    made_by_opentofu,
    state_files,
)
from replank.transports.terraform.lock import StateLocks
from replank.transports.terraform.reader import TerraformStateReader
from replank.transports.terraform.tool import Tool

HALF_WRITTEN = frozenset({"RP021", "RP022"})
"""Empty, or not whole JSON. The local back end truncates the file and then writes it (OpenTofu v1.12,
internal/states/statemgr/filesystem.go), so whoever reads meanwhile sees either."""


@dataclass(frozen=True, slots=True)
class TerraformStates:
    """The states of one cluster in fleet.yaml. `planner`: how `terraform plan` is run."""

    sources: Sequence[StateSource]
    reader: TerraformStateReader = field(default_factory=TerraformStateReader)
    planner: Tool = field(default_factory=lambda: Tool(timeout_s=600.0, limit=64 * 1024 * 1024))
    locks: StateLocks = field(default_factory=StateLocks)

    async def now(self, source: str, workspace: str) -> StateNow:
        """Managed resources only; an object that waits to be destroyed is `<address> (deposed <key>)`. The
        output of `show -json` has neither serial (0) nor lineage ("").

        Raises `ReplankError` RP020 to RP029, RP957; `Transient` RP959 where a file is half written.
        """
        try:
            state = await self._read(source, workspace)
        except Refused as error:
            if error.code in HALF_WRITTEN:
                raise _being_written(error) from error
            raise
        lock = state.lock
        return StateNow(
            serial=state.serial or 0,
            lineage=state.lineage or "",
            resources={
                f"{r.address} (deposed {r.deposed})" if r.deposed else r.address: r.id
                for r in state.resources
                if r.mode == "managed"
            },
            locked_by="" if lock is None else lock.who or lock.operation or "somebody",
        )

    async def changes(self, source: str, workspace: str) -> str | None:
        """As the port says. None, too, where `init` never ran in the folder, or the tool is not here."""
        found = self._source(source, workspace)
        folder = Path(found.path)
        command = await asyncio.to_thread(self._command, found, folder)
        if command is None:
            return None
        return await plan_changes(self.planner, folder, command, workspace)

    async def lock(self, source: str, workspace: str, holder: str) -> str:
        """Of the local back end alone; "" for others, and where this system cannot hold it (macOS).

        Raises `Hold` RP955 (somebody has it), `Refused` RP020, RP956, RP957.
        """
        path = await asyncio.to_thread(self._local, source, workspace)
        return "" if path is None else await asyncio.to_thread(self.locks.take, path, holder)

    async def unlock(self, source: str, workspace: str, holder: str) -> None:
        path = await asyncio.to_thread(self._local, source, workspace)
        if path is not None:
            await asyncio.to_thread(self.locks.give_back, path, holder)

    def close(self) -> None:
        """Gives back what is still locked."""
        self.locks.close()

    async def _read(self, source: str, workspace: str) -> StateFile:
        found = self._source(source, workspace)
        if found.kind == "pull":
            # The one of the plan: somebody may have selected another since.
            [state] = await self.reader.read(replace(found, workspace=workspace))
            return state
        for state in await self.reader.read(found):
            if source in (state.source, found.path):
                return state
        raise self._unknown(source, workspace)

    def _command(self, found: StateSource, folder: Path) -> str | None:
        """The tool that can plan in the folder; None where none can."""
        environment = self.planner.environment_for("")
        data_dir = folder / (environment.get("TF_DATA_DIR") or ".terraform")
        if found.kind not in ("pull", "folder") or not has_configuration(folder) or not data_dir.is_dir():
            return None
        if found.kind == "pull":
            return found.command
        if len(state_files(folder, found.workspace)) != 1:
            return None  # a folder of states is no working folder
        command = "tofu" if made_by_opentofu(folder) else "terraform"
        return command if shutil.which(command, path=environment.get("PATH", os.defpath)) else None

    def _local(self, source: str, workspace: str) -> Path | None:
        found = self._source(source, workspace)
        if found.kind == "show-json":
            return None
        if found.kind == "pull":
            return local_state_file(Path(found.path), workspace)
        return Path(found.path if found.kind == "file" else source)

    def _source(self, source: str, workspace: str) -> StateSource:
        """Where the state named in a plan comes from. Raises `Refused` RP957."""
        fit = [s for s in self.sources if _names(s, source) and s.workspace in ("", workspace)]
        if not fit:
            raise self._unknown(source, workspace)
        return max(fit, key=lambda s: (len(s.path), s.workspace == workspace))

    def _unknown(self, source: str, workspace: str) -> Refused:
        listed = ", ".join(f"{s.path} ({s.workspace or 'default'})" for s in self.sources)
        return Refused(
            "RP957",
            f"The state {source} (workspace {workspace or 'default'}) is not in fleet.yaml",
            f"for this cluster it has: {listed or 'none'}",
            "The plan was made with another fleet.yaml: survey and plan again.",
        )


def _names(found: StateSource, source: str) -> bool:
    """Whether `StateFile.source`, as the reader writes it, is one of this source."""
    if source == found.path:
        return True
    if found.kind == "pull":
        return source.startswith(f"{found.path} (")
    return found.kind == "folder" and Path(source).is_relative_to(found.path)


def _being_written(error: Refused) -> Transient:
    return Transient(
        "RP959",
        "The state cannot be read just now",
        f"{error.reason}: somebody may be writing it",
        "It is read again. If it stays so, look for the newest whole backup.",
        where=error.where,
    )
