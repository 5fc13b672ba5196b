"""YAML text as Kubernetes' tools write it: block style, keys sorted by whoever built the mapping."""

from __future__ import annotations

from typing import Any

import yaml

# The C emitter where libyaml is there: a fleet of 50 clusters writes a thousand documents.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def to_yaml(document: Any) -> str:
    """`document` as YAML, keys in their order."""
    return str(yaml.dump(document, Dumper=_DUMPER, sort_keys=False, default_flow_style=False, width=4096))
