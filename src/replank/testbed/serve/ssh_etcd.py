"""etcd's snapshot as its gRPC gateway streams it, for a machine of the twin."""

from __future__ import annotations

import base64
import hashlib
import json

from replank.testbed.world import Machine

_PIECE = 32 * 1024


def database_of(machine: Machine) -> bytes:
    """A made-up database, always the same one for a machine: pages of 4 KiB, as bbolt writes them."""
    page = hashlib.sha256(f"etcd of {machine.server_id}".encode()).digest() * 128
    return page * 40


def snapshot_answer(database: bytes) -> bytes:
    """JSON lines: pieces of 32 KiB with the bytes that remain, then the SHA-256. Zeros are left out, as the
    gateway leaves them out."""
    lines = []
    for start in range(0, len(database), _PIECE):
        blob = database[start : start + _PIECE]
        remaining = len(database) - start - len(blob)
        result = {"blob": base64.b64encode(blob).decode(), "version": "3.6.0"}
        lines.append({"result": {"remaining_bytes": str(remaining), **result} if remaining else result})
    digest = base64.b64encode(hashlib.sha256(database).digest()).decode()
    lines.append({"result": {"blob": digest, "version": "3.6.0"}})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)
