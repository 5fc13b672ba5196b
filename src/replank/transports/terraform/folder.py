"""Which state files a folder holds.

Source: Terraform v1.11, internal/backend/local/backend.go (`terraform.tfstate`, `terraform.tfstate.d/<ws>/`)
and internal/command/meta_backend.go (`.terraform/terraform.tfstate` says which back end `init` has set up).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused
from replank.transports.terraform.files import is_file, is_folder, unreadable

STATE_NAME: Final = "terraform.tfstate"
_POINTER: Final = Path(".terraform", STATE_NAME)
# What an apply leaves that could not write its state; newer than the state, but not a source to trust.
_LEFTOVERS: Final = frozenset({"errored.tfstate"})
_POINTER_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Backend:
    """What `init` has set up. `type`: local, s3, http, ...; `path`, `workspace_dir`: of a local one."""

    type: str
    path: str = ""
    workspace_dir: str = ""


def configured_backend(folder: Path) -> Backend | None:
    """The back end that the working folder uses; None where `init` never set one up, or none can be seen."""
    try:
        with (folder / _POINTER).open("rb") as file:
            body = json.loads(file.read(_POINTER_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    backend = body.get("backend") if isinstance(body, dict) else None
    if not isinstance(backend, dict) or not isinstance(backend.get("type"), str):
        return None
    config = backend.get("config")
    found = config if isinstance(config, dict) else {}
    path, workspace_dir = found.get("path"), found.get("workspace_dir")
    return Backend(
        type=backend["type"],
        path=path if isinstance(path, str) else "",
        workspace_dir=workspace_dir if isinstance(workspace_dir, str) else "",
    )


def has_configuration(folder: Path) -> bool:
    """True where Terraform or OpenTofu would find a configuration in `folder` (a root module's files)."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return False
    return any(name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json")) for name in names)


def made_by_opentofu(folder: Path) -> bool:
    """OpenTofu's lock file of providers names its own registry; *.tofu files are OpenTofu's alone."""
    try:
        if any(path.suffix == ".tofu" for path in folder.iterdir()):
            return True
        with (folder / ".terraform.lock.hcl").open("rb") as file:
            return b"registry.opentofu.org" in file.read(1024 * 1024)
    except OSError:
        return False


def selected_workspace(folder: Path, data_dir: str = ".terraform") -> str:
    """The workspace that `workspace select` left, "default" where it never ran. `data_dir`: TF_DATA_DIR."""
    try:
        text = (folder / data_dir / "environment").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return "default"
    return text or "default"


def state_files(folder: Path, workspace: str) -> tuple[Path, ...]:
    """The state files of `folder`: of a working folder the one of `workspace`, else all `*.tfstate`.

    `workspace` "" or "default": `terraform.tfstate`; a folder without it is a folder of states, all of which
    are read. Backups and leftovers are never read. Raises `Refused` RP020 if there is none, or if the folder
    keeps its state in a remote back end (a local file there is left over from before).
    """
    if not is_folder(folder):
        raise _missing_folder(folder)
    backend = configured_backend(folder) or Backend("local")
    if backend.type != "local":
        raise Refused(
            "RP020",
            "The folder keeps its state elsewhere",
            f"its back end is `{backend.type[:40]}`; a state file in it would be left over from before",
            "Use `pull` with this folder in fleet.yaml.",
            where=str(folder),
        )
    default = folder / (backend.path or STATE_NAME)
    workspaces = folder / (backend.workspace_dir or f"{STATE_NAME}.d")
    if workspace not in ("", "default"):
        state = workspaces / workspace / STATE_NAME
        if Path(workspace).name != workspace or not is_file(state):
            raise _no_workspace(folder, workspaces, workspace)
        return (state,)
    if is_file(default) or workspace == "default":
        return (default,)
    try:
        names = [path for path in folder.iterdir() if path.suffix == ".tfstate"]
    except OSError as error:
        raise unreadable(folder, error) from error
    found = sorted(path for path in names if path.name not in _LEFTOVERS and is_file(path))
    if not found:
        raise _no_workspace(folder, workspaces, "default")
    return tuple(found)


def local_state_file(folder: Path, workspace: str) -> Path | None:
    """Where the folder's back end keeps the state of `workspace` ("" = default) on this disk; None where it
    keeps it elsewhere. The file need not be there."""
    backend = configured_backend(folder) or Backend("local")
    if backend.type != "local":
        return None
    if workspace in ("", "default"):
        return folder / (backend.path or STATE_NAME)
    return folder / (backend.workspace_dir or f"{STATE_NAME}.d") / workspace / STATE_NAME


def workspaces_in(folder: Path) -> tuple[str, ...]:
    """The named workspaces that have a state in `folder` (a `terraform.tfstate.d`), sorted."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if is_file(path / STATE_NAME)))
    except OSError:
        return ()


def _missing_folder(folder: Path) -> Refused:
    try:
        folder.stat()
    except (OSError, ValueError) as error:
        return unreadable(folder, error)
    return Refused(
        "RP020",
        "The state cannot be read",
        "it is not a folder",
        "Use `file:` in fleet.yaml, or name the folder.",
        where=str(folder),
    )


def _no_workspace(folder: Path, workspaces: Path, wanted: str) -> Refused:
    names = workspaces_in(workspaces)
    others = f"; there is one for the workspaces {', '.join(names)}" if names else ""
    return Refused(
        "RP020",
        "The folder holds no state",
        f"there is no state file for the workspace `{wanted}`{others}",
        "Name the workspace or another folder in fleet.yaml; for a remote back end use `pull`.",
        where=str(folder),
    )
