"""The tag that keeps a port's old name where people look at ports."""

from __future__ import annotations

from typing import Final

TAG_LIMIT: Final = 60
"""Characters of a Neutron tag (neutron/extensions/tagging.py, MAX_TAG_LEN; 255 only since 2025.1)."""

_PREFIX: Final = "replank-was="


def was_tag(name: str) -> str:
    """`replank-was=<name>`; "" where that is no tag: too long, or with a comma, which separates tags in
    queries. The journal keeps the old name in any case."""
    tag = f"{_PREFIX}{name}"
    return tag if len(tag) <= TAG_LIMIT and "," not in tag else ""
