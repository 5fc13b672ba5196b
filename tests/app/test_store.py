"""Snapshots on disk: added, never overwritten, private, whole or not at all."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime

import pytest

from replank.app.store import SnapshotStore, chosen, write_private
from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Infrastructure, Snapshot

NOW = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def snapshot(why="x"):
    unseen = Unknown(why)
    return Snapshot(
        cluster="prod",
        terraform=unseen,
        infrastructure=Infrastructure(openstack=unseen),
        kubernetes=unseen,
        hosts=(),
        management=unseen,
        machines=(),
        conflicts=(),
    )


def test_a_survey_adds_a_file_and_leaves_the_earlier_ones_as_they_were(tmp_path):
    store = SnapshotStore(tmp_path / "snapshots")
    first = store.write(snapshot("first"), NOW)
    before = first.read_bytes()
    second = store.write(snapshot("second"), NOW)
    assert first != second
    assert first.read_bytes() == before
    path, latest = store.latest("prod")
    assert (path, latest) == (second, snapshot("second"))


def test_latest_holds_beyond_ten_surveys_in_one_second(tmp_path):
    store = SnapshotStore(tmp_path)
    for number in range(12):
        store.write(snapshot(str(number)), NOW)
    assert store.latest("prod")[1] == snapshot("11")


def test_the_same_world_gives_the_same_bytes(tmp_path):
    store = SnapshotStore(tmp_path)
    assert store.write(snapshot(), NOW).read_bytes() == store.write(snapshot(), NOW).read_bytes()


def test_files_and_folders_are_private(tmp_path):
    path = SnapshotStore(tmp_path / "s").write(snapshot(), NOW)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_failed_write_leaves_the_old_file_and_no_scrap(tmp_path, monkeypatch):
    path = tmp_path / "plan.yaml"
    write_private(path, b"old")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused) as error:
        write_private(path, b"new")
    assert error.value.code == "RP001"
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["plan.yaml"]


def test_no_snapshot_says_how_to_get_one(tmp_path):
    with pytest.raises(Refused, match=r"RP003.*replank survey prod"):
        SnapshotStore(tmp_path).latest("prod")


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\x1f\x8bgarbage", b"[]", b'{"schema": "replank.snapshot/v9"}']
)
def test_a_damaged_snapshot_is_refused_by_code(tmp_path, damage):
    store = SnapshotStore(tmp_path)
    store.write(snapshot(), NOW).write_bytes(damage)
    with pytest.raises(Refused) as error:
        store.latest("prod")
    assert error.value.code in ("RP030", "RP031")


def test_a_cluster_that_is_not_there_is_named():
    assert chosen(["a", "b"], [], where="fleet.yaml") == ("a", "b")
    with pytest.raises(Refused, match="no cluster c"):
        chosen(["a", "b"], ["c"], where="fleet.yaml")
