"""etcd snapshots where fleet.yaml keeps them: `<folder>/<cluster>/<UTC time>.db.age`, a JSON beside each."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
from pydantic import BaseModel, ValidationError

from replank.domain.errors import Refused
from replank.inventory.fleet.model import EtcdSnapshots, SshAccess
from replank.inventory.hosts.etcd_snapshot import SnapshotStream
from replank.ports.access import EtcdSnapshot
from replank.transports.hosts.encrypted_file import (
    PART,
    Recipient,
    disk_refuses,
    recipients_of,
    sync_folder,
    write_encrypted,
)

_SCHEMA = "replank.etcd-snapshot/v1"
_ENDING = ".db.age"


class _Kept(BaseModel):
    """The JSON beside a snapshot. `bytes`, `sha256`: of the plain file. `taken_at`: seconds since 1970."""

    cluster: str
    machine: str
    taken_at: float
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of one cluster."""

    cluster: str
    place: EtcdSnapshots
    access: SshAccess | None

    @property
    def folder(self) -> Path:
        """Raises `Refused` RP943 where none is configured."""
        if not self.place.folder:
            raise Refused(
                "RP943",
                "There is no place for etcd snapshots",
                "fleet.yaml names none for this cluster",
                "Set `etcd_snapshot.folder`, and who may read them in `etcd_snapshot.recipients`.",
            )
        return Path(self.place.folder) / self.cluster

    def recipients(self) -> list[Recipient]:
        """Those of fleet.yaml, or the operator's own SSH key. Raises `Refused` RP944."""
        return recipients_of(self.place.recipients or (_public_half(self.access),))

    def prepare(self) -> None:
        """Makes the folder, for its owner alone, and takes away what a killed run left half written.

        The cluster's lease sees to it that nobody else is writing here. Raises `Refused` RP943, RP945.
        """
        folder = self.folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in folder.glob(f".*{PART}"):
                left.unlink(missing_ok=True)
        except OSError as error:
            raise disk_refuses(folder, error) from error

    async def keep(
        self, machine: str, pieces: AsyncIterator[bytes], taken_at: float, recipients: list[Recipient]
    ) -> EtcdSnapshot:
        """Verifies and encrypts what etcd streams, and keeps it once all of it is good.

        The JSON is written last: a snapshot without one is none. Raises what `pieces` raises, `Transient`
        RP942 (not verified), `Refused` RP945 (the disk).
        """
        stream = SnapshotStream(machine)
        digest: list[str] = []

        async def verified() -> AsyncGenerator[bytes, None]:
            async for piece in pieces:
                for blob in stream.take(piece):
                    yield blob
                self._fits(stream)
            # Within the iterator: a bad one is never renamed to its name.
            digest.append(stream.finish())

        path = self.folder / f"{_stamp(taken_at)}{_ENDING}"
        async with aclosing(verified()) as content:
            await write_encrypted(path, content, recipients)
        kept = _Kept(
            cluster=self.cluster, machine=machine, taken_at=taken_at, sha256=digest[0], bytes=stream.received
        )
        _write_json(_beside(path), {"schema": _SCHEMA, **kept.model_dump()})
        return _snapshot(path, kept)

    def newest(self) -> EtcdSnapshot | None:
        """The one taken last. A JSON that is damaged or has no file beside it stands for no snapshot."""
        found: list[EtcdSnapshot] = []
        try:
            names = sorted(self.folder.glob("*.json"))
        except OSError as error:
            raise disk_refuses(self.folder, error) from error
        for name in names:
            path = name.with_name(name.stem + _ENDING)
            try:
                kept = _Kept.model_validate_json(name.read_bytes())
                # age adds to what it encrypts: a shorter file is a damaged one.
                if kept.cluster == self.cluster and path.stat().st_size > kept.bytes:
                    found.append(_snapshot(path, kept))
            except (OSError, ValidationError):
                continue
        return max(found, key=lambda snapshot: snapshot.taken_at, default=None)

    def _fits(self, stream: SnapshotStream) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < stream.total - stream.received:
            raise Refused(
                "RP945",
                "The etcd snapshot cannot be kept",
                f"it has {stream.total} bytes, and {free} are free",
                "Make room there, or name another folder in `etcd_snapshot.folder` in fleet.yaml.",
                where=str(self.folder),
            )


def _snapshot(path: Path, kept: _Kept) -> EtcdSnapshot:
    return EtcdSnapshot(path=str(path), sha256=kept.sha256, bytes=kept.bytes, taken_at=kept.taken_at)


def _stamp(taken_at: float) -> str:
    return datetime.fromtimestamp(taken_at, UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _beside(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_ENDING) + ".json")


def _write_json(path: Path, body: dict[str, object]) -> None:
    part = path.with_name(f".{path.name}{PART}")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(handle)
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk_refuses(path, error) from error


def _public_half(access: SshAccess | None) -> str:
    """The public key of `ssh.key`: of the file beside it where there is one, for the key may be protected."""
    if access is None or not access.key:
        raise _nobody("fleet.yaml names no recipients, and no `ssh.key` whose owner could be the one")
    beside = Path(f"{access.key}.pub")
    try:
        if beside.is_file():
            return beside.read_text(encoding="utf-8")
        return asyncssh.read_private_key(access.key).export_public_key("openssh").decode()
    except (OSError, ValueError) as error:
        raise _nobody("the public half of `ssh.key` cannot be read") from error


def _nobody(why: str) -> Refused:
    return Refused(
        "RP944",
        "The etcd snapshot cannot be encrypted",
        why,
        "Name age recipients or ssh public keys in `etcd_snapshot.recipients` in fleet.yaml.",
    )
