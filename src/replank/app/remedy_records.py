"""Records of written remedies: the edited places as they were, and nothing else of a configuration."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from replank.app.journals import FOLDER
from replank.app.store import read_file, write_private
from replank.domain.errors import Refused
from replank.migrations.runtime_swap.log_agents.changes import MapChange
from replank.migrations.runtime_swap.log_agents.hunks import Hunk, hunks

SCHEMA: Final = "replank.dev/remedy-record/1"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordedHunk(_Strict):
    """A `Hunk`."""

    before_line: int
    after_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]


class RecordedKey(_Strict):
    """The places of one key."""

    key: str
    hunks: tuple[RecordedHunk, ...]

    @property
    def places(self) -> tuple[Hunk, ...]:
        return tuple(Hunk(**dict(hunk)) for hunk in self.hunks)


class RecordedMap(_Strict):
    """A ConfigMap, by its uid: one that was made anew since is another one."""

    namespace: str
    name: str
    uid: str
    keys: tuple[RecordedKey, ...]


class RemedyRecord(_Strict):
    """What one `--apply` set out to write in one cluster."""

    schema_: Literal["replank.dev/remedy-record/1"] = Field(alias="schema")
    cluster: str
    written_at: datetime
    config_maps: tuple[RecordedMap, ...]


def write_record(fleet: Path, cluster: str, changes: tuple[MapChange, ...], now: datetime) -> Path:
    """Writes it beside fleet.yaml, mode 0600, before the first ConfigMap is. Raises `Refused` RP001."""
    record = RemedyRecord(
        schema=SCHEMA, cluster=cluster, written_at=now, config_maps=tuple(map(_recorded, changes))
    )
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = fleet.absolute().parent / FOLDER / "remedies"
    path, number = folder / f"{cluster}-{stamp}.json", 1
    while path.exists():
        path, number = folder / f"{cluster}-{stamp}-{number}.json", number + 1
    write_private(path, (record.model_dump_json(indent=2, by_alias=True) + "\n").encode())
    return path


def read_record(path: Path, cluster: str) -> RemedyRecord:
    """The record, for this cluster. Raises `Refused` RP002 (no such file) or RP963."""
    content = read_file(path, what="The record")
    try:
        record = RemedyRecord.model_validate_json(content)
    except ValidationError as error:
        # A record holds lines of configurations: pydantic's message would quote what it did not like.
        places = sorted({".".join(map(str, found["loc"])) or "the file" for found in error.errors()})
        raise _unusable(path, f"it is not as replank wrote it: {', '.join(places[:5])}") from None
    if record.cluster != cluster:
        raise _unusable(path, f"it is of cluster {record.cluster}, not of {cluster}")
    return record


def _recorded(change: MapChange) -> RecordedMap:
    return RecordedMap(
        namespace=change.live.namespace,
        name=change.live.name,
        uid=change.live.uid,
        keys=tuple(
            RecordedKey(
                key=edit.key,
                hunks=tuple(
                    RecordedHunk(
                        before_line=hunk.before_line,
                        after_line=hunk.after_line,
                        before=hunk.before,
                        after=hunk.after,
                        above=hunk.above,
                        below=hunk.below,
                    )
                    for hunk in hunks(edit.before, edit.after)
                ),
            )
            for edit in change.edits
        ),
    )


def _unusable(path: Path, why: str) -> Refused:
    todo = "Name the record that `replank remedy --apply` told, as it was written."
    return Refused("RP963", "The record cannot be used", why, todo, where=str(path))
