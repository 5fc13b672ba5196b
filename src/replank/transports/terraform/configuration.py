"""Reads the configuration beside a state: the root module's files and those of local modules. Read only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.configuration import Configuration, ConfigurationFile
from replank.inventory.terraform.configuration.modules import (
    UNREAD,
    ModuleFile,
    configuration,
    parse_file,
)
from replank.inventory.terraform.configuration.parsed import ModuleCall, ParsedFile
from replank.transports.terraform.files import is_file, is_folder, read_bytes
from replank.transports.terraform.folder import (
    STATE_NAME,
    configured_backend,
    has_configuration,
    made_by_opentofu,
    workspaces_in,
)

ENDINGS: Final = (".tf", ".tf.json")
TOFU_ENDINGS: Final = (".tofu", ".tofu.json")
MAX_FILE: Final = 4 * 1024 * 1024
MAX_FILES: Final = 2000
MAX_DEPTH: Final = 12
"""Modules in modules. A module cannot call itself, but nobody has checked yet that none does."""


def beside(state: Path) -> Path:
    """The folder whose configuration a state file belongs to: its own, or that of `terraform.tfstate.d`."""
    folder = state.parent
    return folder.parent.parent if folder.parent.name == f"{STATE_NAME}.d" else folder


def read_configuration(folder: Path, *, workspace: str) -> Configuration | None:
    """What stands where in `folder` and the local modules it calls; None where it holds no configuration.

    `workspace`: the state's. A file that cannot be read is unknown
    in `Configuration.files`.
    """
    if not has_configuration(folder):
        return None
    opentofu = made_by_opentofu(folder)
    reading = _Reading(folder, opentofu)
    reading.module("", folder, 0)
    return configuration(
        reading.files,
        folder=str(folder),
        unread=reading.unread,
        workspaces=_others(folder, workspace),
        opentofu=opentofu,
    )


def _others(folder: Path, workspace: str) -> tuple[str, ...]:
    backend = configured_backend(folder)
    if backend is not None and backend.type != "local":
        return ()
    where = (backend.workspace_dir if backend else "") or f"{STATE_NAME}.d"
    default = (backend.path if backend else "") or STATE_NAME
    named = workspaces_in(folder / where)
    have = ("default", *named) if is_file(folder / default) else named
    return tuple(name for name in have if name != (workspace or "default"))


@dataclass(slots=True)
class _Reading:
    root: Path
    opentofu: bool
    files: list[ModuleFile] = field(default_factory=list)
    unread: list[ConfigurationFile] = field(default_factory=list)
    parsed: dict[Path, Fact[ParsedFile]] = field(default_factory=dict)

    def module(self, module: str, folder: Path, depth: int) -> None:
        """One module and those that it calls."""
        if depth > MAX_DEPTH or len(self.files) > MAX_FILES:
            self._unseen(module, f"more than {MAX_DEPTH} modules deep, or {MAX_FILES} files in all")
            return
        try:
            names = self._names(folder)
        except OSError as error:
            self._unseen(module, error.strerror or type(error).__name__)
            return
        for path in names:
            parsed = self._parse(path)
            self.files.append(ModuleFile(module=module, name=self._relative(path), parsed=parsed))
            for call in () if isinstance(parsed, Unknown) else parsed.modules:
                self._call(module, folder, call, depth)

    def _call(self, module: str, folder: Path, call: ModuleCall, depth: int) -> None:
        name = ".".join(part for part in (module, f"module.{call.name}") if part)
        # Terraform takes `source` literally: no links are resolved, `..` is.
        target = Path(os.path.normpath(folder / call.source)) if call.source else None
        if target is None:
            self._unseen(name, "its source is no local folder; replank reads no other repository")
        elif not is_folder(target):
            self._unseen(name, "its folder does not exist or may not be entered")
        else:
            self.module(name, target, depth + 1)

    def _unseen(self, name: str, why: str) -> None:
        self.unread.append(ConfigurationFile(name=name or "the root module", lines=Unknown(why, UNREAD)))

    def _names(self, folder: Path) -> list[Path]:
        """The files that the tool would load. OpenTofu takes `x.tofu` instead of `x.tf`."""
        names = {p.name for p in folder.iterdir() if not _ignored(p.name) and is_file(p)}
        found = {n for n in names if n.endswith(ENDINGS)}
        if self.opentofu:
            tofu = {n for n in names if n.endswith(TOFU_ENDINGS)}
            found = tofu | {n for n in found if n.replace(".tf", ".tofu") not in tofu}
        return [folder / name for name in sorted(found)]

    def _parse(self, path: Path) -> Fact[ParsedFile]:
        if path not in self.parsed:
            try:
                self.parsed[path] = parse_file(path.name, read_bytes(path, limit=MAX_FILE))
            except Refused as error:
                self.parsed[path] = Unknown(error.why, UNREAD)
        return self.parsed[path]

    def _relative(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.root)).as_posix()


def _ignored(name: str) -> bool:
    """Terraform, internal/configs/parser_config_dir.go: hidden files and what editors leave."""
    return name.startswith((".", "#")) or name.endswith(("~", "#"))
