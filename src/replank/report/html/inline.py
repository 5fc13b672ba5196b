"""Small marks inside escaped text."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from replank.report.words import printable

_CODE = re.compile(r"`([^`\n]+)`")
_JOINT = re.compile(r"([./\[_])")


def prose(text: str) -> Markup:
    """Text, escaped; what stands in backquotes becomes code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704


def breakable(text: str) -> Markup:
    """A long technical name, escaped; a line may break after its joints (dots, slashes, underscores)."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(printable(text)))))  # noqa: S704
