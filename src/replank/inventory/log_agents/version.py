"""Versions of agents by the tags of their images."""

from __future__ import annotations

import re


def version_of(image: str) -> tuple[int, ...] | None:
    """The leading numbers of an image's tag, None where it has none (`latest`, a digest alone)."""
    name = image.split("@", 1)[0].rsplit("/", 1)[-1]
    found = re.match(r"[^:]+:v?(\d+(?:\.\d+)*)", name)
    return tuple(int(number) for number in found[1].split(".")) if found else None


def at_least(image: str, wanted: tuple[int, ...]) -> bool:
    """Whether the tag says a version from `wanted` on. A tag without a version is not taken for new."""
    found = version_of(image)
    return found is not None and found >= wanted
