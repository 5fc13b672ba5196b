"""Where replank keeps its files: snapshots by cluster and time, plans by cluster. All of mode 0600."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from replank.domain.errors import Refused
from replank.inventory.facts import codec
from replank.inventory.facts.snapshot import Snapshot

SUFFIX = ".snapshot.json.gz"
_STAMP = "%Y%m%dT%H%M%SZ"


def write_private(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, mode 0600, in folders of mode 0700 where it makes them.

    Raises `Refused` RP001 if the disk does not take it.
    """
    try:
        # `parents=True` would give all but the last the usual mode.
        for folder in reversed([f for f in (path.parent, *path.parent.parents) if not f.exists()]):
            folder.mkdir(exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refused(
            "RP001",
            "A file cannot be written",
            error.strerror or type(error).__name__,
            "Make room or choose another folder; nothing of it was left half written.",
            where=str(path),
        ) from error


def read_file(path: Path, *, what: str) -> bytes:
    """The bytes of a file that the operator named. Raises `Refused` RP002."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(
            "RP002",
            f"{what} cannot be read",
            error.strerror or type(error).__name__,
            "Check the path and its permissions.",
            where=str(path),
        ) from error


@dataclass(frozen=True, slots=True)
class SnapshotStore:
    """`FOLDER/<cluster>/<UTC time>.snapshot.json.gz`: a survey adds a file and touches no earlier one."""

    folder: Path

    def write(self, snapshot: Snapshot, now: datetime) -> Path:
        """Adds a snapshot. Two in the same second get different names."""
        stamp = now.astimezone(UTC).strftime(_STAMP)
        path = self.folder / snapshot.cluster / f"{stamp}{SUFFIX}"
        number = 1
        while path.exists():
            path = self.folder / snapshot.cluster / f"{stamp}-{number}{SUFFIX}"
            number += 1
        write_private(path, codec.dump(snapshot))
        return path

    def clusters(self) -> tuple[str, ...]:
        """Names of the clusters that have a snapshot, sorted."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.folder.iterdir() if p.is_dir() and self._files(p.name)))

    def latest(self, cluster: str) -> tuple[Path, Snapshot]:
        """The newest snapshot. Raises `Refused` RP003 if there is none, RP030/RP031 if it cannot be read."""
        files = self._files(cluster)
        if not files:
            raise Refused(
                "RP003",
                f"There is no snapshot of cluster {cluster}",
                f"nothing lies in {self.folder / cluster}",
                f"Run `replank survey {cluster}` first, or name the folder with --snapshots.",
            )
        return files[-1], codec.load(read_file(files[-1], what="The snapshot"), where=str(files[-1]))

    def _files(self, cluster: str) -> list[Path]:
        return sorted((self.folder / cluster).glob(f"*{SUFFIX}"), key=_age)


def _age(path: Path) -> tuple[str, int]:
    stamp, _, number = path.name.removesuffix(SUFFIX).partition("-")
    return stamp, int(number) if number.isdigit() else 0


def chosen(available: Iterable[str], wanted: Iterable[str], *, where: str) -> tuple[str, ...]:
    """The clusters that the operator named, or all. Raises `Refused` RP004 for a name that is not there."""
    names = tuple(available)
    asked = tuple(dict.fromkeys(wanted))
    if unknown := [name for name in asked if name not in names]:
        raise Refused(
            "RP004",
            f"There is no cluster {unknown[0]}",
            f"{where} has: {', '.join(names) or 'none'}",
            "Check the spelling.",
        )
    return asked or names
