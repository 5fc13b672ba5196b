"""A snapshot of etcd as its gRPC gateway streams it: JSON lines with base64 blobs, verified on the way.

Source: etcd 3.4-3.6, server/etcdserver/api/v3rpc/maintenance.go (Snapshot) and rpc.proto (SnapshotResponse):
the database in pieces of 32 KiB with the bytes that remain, then its SHA-256, 32 bytes. The file that
`etcdutl snapshot restore` takes is all of it, the hash at its end included.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any, Final

from replank.domain.errors import Transient

CODE: Final = "RP942"
LINE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one line; etcd's pieces make lines of 44 KiB."""

_HASH_BYTES: Final = 32


class SnapshotStream:
    """Takes the answer in pieces as they come off the wire; gives the bytes of the snapshot.

    `total`: bytes of the whole file as the first line tells them, 0 before. `received`: so far.
    """

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._rest = b""
        self._tail = b""
        self._database = hashlib.sha256()
        self._file = hashlib.sha256()
        self.total = 0
        self.received = 0

    def take(self, piece: bytes) -> list[bytes]:
        """The blobs that `piece` completes. Raises `Transient` RP942 (etcd's error, no snapshot)."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            raise self._bad("a line of its answer never ends")
        return [blob for line in lines if line.strip() and (blob := self._blob(line))]

    def finish(self) -> str:
        """SHA-256 of the file, hexadecimal, now that nothing more comes.

        Raises `Transient` RP942 where something is missing or etcd's own hash is another.
        """
        if self._rest.strip():
            raise self._bad("the last line of its answer is cut off")
        if not self.total or self.received != self.total:
            raise self._bad(f"{self.received} of {self.total} bytes came")
        if self._database.digest() != self._tail:
            raise self._bad("its content does not have the SHA-256 that etcd sent with it")
        return self._file.hexdigest()

    def _blob(self, line: bytes) -> bytes:
        answer = self._answer(line)
        try:
            blob = base64.b64decode(answer.get("blob") or "", validate=True)
            remaining = int(answer.get("remaining_bytes") or 0)
        except (binascii.Error, ValueError, TypeError) as error:
            raise self._bad("a line of its answer is not what etcd documents") from error
        if not self.total:
            self.total = remaining + len(blob) + _HASH_BYTES
        self.received += len(blob)
        self._file.update(blob)
        seen = self._tail + blob
        self._database.update(seen[:-_HASH_BYTES])
        self._tail = seen[-_HASH_BYTES:]
        return blob

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._bad("a line of its answer is not JSON") from error
        if not isinstance(document, dict):
            raise self._bad("a line of its answer is no object")
        result = document.get("result")
        if isinstance(result, dict):
            return result
        told = document.get("error")
        words = told.get("message") if isinstance(told, dict) else document.get("message") or told
        said = "".join(c for c in str(words or "") if c.isprintable())[:200]
        raise self._bad(f"etcd says: {said}" if said else "it holds no snapshot")

    def _bad(self, why: str) -> Transient:
        return Transient(
            CODE,
            f"The etcd snapshot of {self._machine} is not good",
            why,
            "It is taken again; if it comes back, look at etcd's log and disk on that machine.",
        )
