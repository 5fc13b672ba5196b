"""Versions of runtimes and kubelets, to compare by."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_VERSION: Final = re.compile(r"v?([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?(?![0-9]).*", re.ASCII)


class Version(NamedTuple):
    """`1.7.29` as numbers. What stands after the patch (`-1ubuntu1`, `~ds1`) is left out."""

    major: int
    minor: int
    patch: int = 0

    @property
    def line(self) -> tuple[int, int]:
        """Major and minor."""
        return (self.major, self.minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def parse_version(text: str) -> Version | None:
    """The version in `v1.34.4`, `1.7.29-1` or `20.10.27`; None if there is none."""
    match = _VERSION.fullmatch(text.strip())
    return Version(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
