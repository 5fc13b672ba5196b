"""Snapshots as files: canonical JSON, gzip-compressed, the same bytes for the same facts."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from functools import cache

from pydantic import BaseModel, ConfigDict, ValidationError

from replank.domain.errors import Refused
from replank.inventory.facts.snapshot import SCHEMA, Snapshot
from replank.inventory.runtime.runtimes import NOT_ASKED


class _Envelope(BaseModel):
    """`extra="forbid"` reaches the dataclasses below: an unknown field is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")

    snapshot: Snapshot


def to_json(snapshot: Snapshot) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, a final newline.

    Without the section `runtimes` where nobody asked for it: so a snapshot for a takeover keeps its bytes,
    and the hash by which plans name it.
    """
    data = _Envelope(snapshot=snapshot).model_dump(mode="json")["snapshot"]
    if snapshot.runtimes == NOT_ASKED:
        del data["runtimes"]
    return (json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def sha256(snapshot: Snapshot) -> str:
    """The hash by which a plan names its snapshot: hexadecimal SHA-256 of the canonical JSON."""
    return hashlib.sha256(to_json(snapshot)).hexdigest()


def dump(snapshot: Snapshot) -> bytes:
    """The file's bytes: gzip without time or name in its header."""
    return gzip.compress(to_json(snapshot), compresslevel=6, mtime=0)


def load(data: bytes, *, where: str) -> Snapshot:
    """The snapshot in `data` (gzip or plain JSON).

    Raises `Refused` RP030 (not a snapshot, damaged) or RP031 (schema of another version).
    """
    try:
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        document = json.loads(text)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise Refused(
            "RP030",
            "The snapshot cannot be read",
            f"it is not the gzip-compressed JSON that `replank survey` writes ({type(error).__name__})",
            "Run `replank survey` for this cluster again.",
            where=where,
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise Refused(
            "RP031",
            "The snapshot has another schema",
            f"it says {schema!r}, this replank reads {SCHEMA!r}",
            "Run `replank survey` again with this version of replank.",
            where=where,
        )
    try:
        return _Envelope.model_validate_json(json.dumps({"snapshot": document})).snapshot
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Refused(
            "RP030",
            "The snapshot cannot be read",
            f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}",
            "Run `replank survey` for this cluster again; snapshots are not edited by hand.",
            where=where,
        ) from error


@cache
def json_schema() -> dict[str, object]:
    """JSON schema of the snapshot, for documentation and other programs."""
    return _Envelope.model_json_schema(mode="serialization")
