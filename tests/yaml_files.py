"""Reads the YAML files that tests are made of.

By libyaml: ruamel.yaml, which the product uses for what people write, takes ten times as long, and there are
hundreds of files. It knows YAML 1.1: a bare `on` or `no` in such a file is a boolean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml_file(path: Path) -> Any:
    """The one document of a file."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
