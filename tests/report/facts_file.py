"""The healthy cluster of tests/facts as a snapshot."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from replank.inventory.facts import codec
from replank.inventory.facts.snapshot import Snapshot


@cache
def healthy() -> Snapshot:
    text = (Path(__file__).parents[1] / "facts" / "healthy.yaml").read_text(encoding="utf-8")
    return codec.load(json.dumps(YAML(typ="safe", pure=True).load(text)).encode(), where="healthy.yaml")
