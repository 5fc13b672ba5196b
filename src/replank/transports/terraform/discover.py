"""What lies below a folder: states, clouds.yaml and kubeconfigs, for `replank init --from DIR`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from replank.domain.errors import Refused, ReplankError
from replank.inventory.facts.json_value import JSON
from replank.inventory.fleet.document import read_document
from replank.inventory.fleet.found import (
    Found,
    FoundClouds,
    FoundKubeconfig,
    FoundState,
    servers_of,
    ssh_users_of,
)
from replank.inventory.terraform import parse_state
from replank.transports.terraform.files import is_file, is_folder, read_bytes
from replank.transports.terraform.folder import (
    STATE_NAME,
    configured_backend,
    made_by_opentofu,
    selected_workspace,
)

_IGNORED: Final = frozenset(
    [".terraform", ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".cache"]
)
_YAML_ENDINGS: Final = (".yaml", ".yml", ".conf", ".kubeconfig", ".config")
_YAML_NAMES: Final = ("kubeconfig", "config")


@dataclass(frozen=True, slots=True)
class DiscoverLimits:
    """`depth`: folders below the start; `entries`: files and folders looked at; the others in bytes."""

    depth: int = 8
    entries: int = 50_000
    state_bytes: int = 64 * 1024 * 1024
    yaml_bytes: int = 1024 * 1024


def discover(folder: Path, *, base: Path, limits: DiscoverLimits | None = None) -> Found:
    """States, clouds and kubeconfigs below `folder`, in the order of their paths. Read only.

    `base`: the folder that fleet.yaml will lie in; found paths start from it. What cannot be read is told in
    `problems`. Links to folders are not followed. Raises `Refused` RP019 if `folder` is none.
    """
    if not is_folder(folder):
        raise Refused(
            "RP019",
            "There is nothing to look through",
            "it is not a folder, or you may not enter it",
            "Name an existing folder with `--from`.",
            where=str(folder),
        )
    search = _Search(base=base, limits=limits or DiscoverLimits())
    search.run(folder)
    return search.found(folder)


@dataclass(slots=True)
class _Search:
    base: Path
    limits: DiscoverLimits
    states: list[FoundState] = field(default_factory=list)
    clouds: list[FoundClouds] = field(default_factory=list)
    kubeconfigs: list[FoundKubeconfig] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def run(self, folder: Path) -> None:
        for path in self._walk(folder):
            name = path.name
            if name.endswith(".tfstate"):
                self._state(path, "file")
            elif name in ("clouds.yaml", "clouds.yml"):
                self._clouds(path)
            elif name.endswith(".json"):
                self._json(path)
            elif name in _YAML_NAMES or name.startswith("kubeconfig") or name.endswith(_YAML_ENDINGS):
                self._kubeconfig(path)

    def found(self, folder: Path) -> Found:
        return Found(
            folder=self._relative(folder),
            states=tuple(sorted(self.states, key=lambda state: (state.path, state.workspace))),
            clouds=tuple(sorted(self.clouds, key=lambda clouds: clouds.path)),
            kubeconfigs=tuple(sorted(self.kubeconfigs, key=lambda config: config.path)),
            problems=tuple(sorted(set(self.problems))),
        )

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self.base)

    def _walk(self, top: Path) -> Iterator[Path]:
        """Files below `top`, sorted; folders with a remote back end become a `pull` on the way."""
        count = 0
        for where, folders, files in os.walk(top, onerror=self._not_entered):
            here = Path(where)
            if ".terraform" in folders:
                self._remote(here)
            depth = len(here.relative_to(top).parts)
            folders[:] = sorted(f for f in folders if f not in _IGNORED) if depth < self.limits.depth else []
            for name in sorted(files):
                count += 1
                if count > self.limits.entries:
                    self.problems.append(f"more than {self.limits.entries} files: the rest was not looked at")
                    return
                yield here / name

    def _not_entered(self, error: OSError) -> None:
        self.problems.append(f"{self._relative(Path(error.filename or '.'))}: you may not enter it")

    def _remote(self, folder: Path) -> None:
        backend = configured_backend(folder)
        if backend is None or backend.type == "local":
            return
        workspace = selected_workspace(folder)
        command = "tofu" if made_by_opentofu(folder) else "terraform"
        self.states.append(
            FoundState(
                kind="pull",
                path=self._relative(folder),
                workspace="" if workspace == "default" else workspace,
                command=command,
            )
        )

    def _state(self, path: Path, kind: Literal["file", "show-json"]) -> None:
        if path.name == "errored.tfstate" or self._is_left_over(path):
            self.problems.append(f"{self._relative(path)}: left over, its folder keeps its state elsewhere")
            return
        try:
            data = read_bytes(path, limit=self.limits.state_bytes)
            state = parse_state(data, source=str(path), backend="local")
        except ReplankError as error:
            self.problems.append(f"{self._relative(path)}: {error.code} {error.reason}")
            return
        workspace = path.parent.name if path.parent.parent.name == f"{STATE_NAME}.d" else ""
        if state.resources:
            self.states.append(
                FoundState(
                    kind=kind,
                    path=self._relative(path),
                    workspace=workspace,
                    servers=servers_of(state),
                    ssh_users=ssh_users_of(state),
                )
            )

    def _is_left_over(self, path: Path) -> bool:
        backend = configured_backend(path.parent) if path.name == STATE_NAME else None
        return backend is not None and backend.type != "local"

    def _json(self, path: Path) -> None:
        """`terraform show -json` begins with its format_version; other JSON is passed over in silence."""
        try:
            with path.open("rb") as file:
                head = file.read(64)
        except OSError:
            return
        if b'"format_version"' in head and is_file(path):
            self._state(path, "show-json")

    def _yaml(self, path: Path, *words: bytes) -> dict[str, JSON] | None:
        """The mapping in a YAML file that holds all `words`; None for other files (templates, ...)."""
        try:
            data = read_bytes(path, limit=self.limits.yaml_bytes)
            if not all(word in data for word in words):
                return None
            body = read_document(data.decode("utf-8"), path=str(path)).value
        except (ReplankError, UnicodeDecodeError):
            return None
        return body if isinstance(body, dict) else None

    def _clouds(self, path: Path) -> None:
        body = self._yaml(path, b"clouds")
        clouds = body.get("clouds") if body else None
        if not isinstance(clouds, dict):
            self.problems.append(f"{self._relative(path)}: it has no mapping `clouds`")
            return
        self.clouds.append(FoundClouds(path=self._relative(path), names=tuple(sorted(clouds))))

    def _kubeconfig(self, path: Path) -> None:
        body = self._yaml(path, b"kind", b"Config", b"contexts")
        entries = body.get("contexts") if body and body.get("kind") == "Config" else None
        if body is None or not isinstance(entries, list):
            return
        names = [entry.get("name") for entry in entries if isinstance(entry, dict)]
        current = body.get("current-context")
        self.kubeconfigs.append(
            FoundKubeconfig(
                path=self._relative(path),
                contexts=tuple(name for name in names if isinstance(name, str)),
                current=current if isinstance(current, str) else "",
            )
        )
