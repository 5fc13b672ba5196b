"""Whether the configuration that belongs to a state lies where the state was read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Literal

import pytest

from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import StateSource
from replank.transports.terraform.reader import TerraformStateReader

STATE = json.dumps(
    {"version": 4, "terraform_version": "1.9.8", "serial": 1, "lineage": "a", "outputs": {}, "resources": []}
)


def read(path: Path, kind: Literal["file", "folder"]) -> tuple[StateFile, ...]:
    return asyncio.run(TerraformStateReader().read(StateSource(kind=kind, path=str(path))))


@pytest.mark.parametrize("name", ["main.tf", "main.tofu", "main.tf.json", "main.tofu.json"])
def test_a_working_folder_has_its_configuration(tmp_path: Path, name: str) -> None:
    (tmp_path / "terraform.tfstate").write_text(STATE)
    assert [state.configured for state in read(tmp_path, "folder")] == [False]
    (tmp_path / name).write_text("")
    assert [state.configured for state in read(tmp_path, "folder")] == [True]
    assert [state.configured for state in read(tmp_path / "terraform.tfstate", "file")] == [False]


def test_a_folder_of_states_is_no_working_folder(tmp_path: Path) -> None:
    for name in ("a.tfstate", "b.tfstate", "main.tf"):
        (tmp_path / name).write_text(STATE if name.endswith("tfstate") else "")
    assert [state.configured for state in read(tmp_path, "folder")] == [False, False]
