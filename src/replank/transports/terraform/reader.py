"""The `StateReader` of the ports: one source of fleet.yaml, as the states it holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import StateSource
from replank.inventory.terraform import parse_state
from replank.inventory.terraform.detect import DEFAULT_LIMIT
from replank.transports.terraform.configuration import beside, read_configuration
from replank.transports.terraform.files import read_bytes, read_lock
from replank.transports.terraform.folder import has_configuration, local_state_file, state_files
from replank.transports.terraform.pull import Puller


@dataclass(frozen=True, slots=True)
class TerraformStateReader:
    """Reads states from disk and by `state pull`. `limit`: bytes of one state.

    Files are read and parsed in threads: a state of some hundred MiB must not hold up the other clusters.
    """

    limit: int = DEFAULT_LIMIT
    puller: Puller = field(default_factory=Puller)

    async def read(self, source: StateSource) -> tuple[StateFile, ...]:
        """All states of `source`, not filtered by `only`. Raises `ReplankError` RP020 to RP029."""
        if source.kind == "pull":
            return (await self._pull(source),)
        return await asyncio.to_thread(self._read, source)

    def _read(self, source: StateSource) -> tuple[StateFile, ...]:
        path = Path(source.path)
        if source.kind != "folder":
            backend = "show-json" if source.kind == "show-json" else "local"
            workspace = source.workspace or "default"
            state = self._file(path, backend, workspace)
            return (_with_configuration(state, beside(path)),)
        workspace = source.workspace or "default"
        found = state_files(path, source.workspace)
        # A folder of several state files is no working folder: no one of them is what the tool would use.
        configured = len(found) == 1 and has_configuration(path)
        states = [replace(self._file(file, "local", workspace), configured=configured) for file in found]
        return tuple(_with_configuration(state, path) if configured else state for state in states)

    def _file(self, path: Path, backend: str, workspace: str) -> StateFile:
        # The lock first: a state read after it was seen free may still change, one seen locked surely does.
        lock = read_lock(path) if backend == "local" else None
        data = read_bytes(path, limit=self.limit)
        state = parse_state(data, source=str(path), backend=backend, workspace=workspace, limit=self.limit)
        return replace(state, lock=lock)

    async def _pull(self, source: StateSource) -> StateFile:
        folder = Path(source.path)
        pulled = await self.puller.pull(folder, source.command, source.workspace)
        where = f"{source.path} ({Path(source.command).name} state pull, workspace {pulled.workspace})"
        state = await asyncio.to_thread(
            parse_state,
            pulled.data,
            source=where,
            backend="pull",
            workspace=pulled.workspace,
            limit=self.limit,
        )
        local = await asyncio.to_thread(local_state_file, folder, pulled.workspace)
        # The locks of other back ends are told by nobody but the back end.
        lock = await asyncio.to_thread(read_lock, local) if local is not None else None
        configured = await asyncio.to_thread(has_configuration, folder)
        state = replace(state, lock=lock, configured=configured)
        return await asyncio.to_thread(_with_configuration, state, folder)


def _with_configuration(state: StateFile, folder: Path) -> StateFile:
    return replace(state, configuration=read_configuration(folder, workspace=state.workspace))
