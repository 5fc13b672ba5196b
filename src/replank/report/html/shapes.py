"""The shapes of a drawing, in units of one pixel at its natural size. How they look is the stylesheet's."""

from __future__ import annotations

from dataclasses import dataclass, field

CHARACTER: float = 6.1
"""Width of one character of the drawing's 10 px monospaced text."""

# The letter on everything that somebody owns: colour alone does not tell owners apart for everybody.
LETTERS = {
    "terraform": "T",
    "cluster-api": "C",
    "replank": "R",
    "nova": "N",
    "cloud-provider": "P",
    "nobody": "-",
    "elsewhere": "E",
    "unknown": "?",
}
BADGE: int = 13


@dataclass(frozen=True, slots=True)
class Rect:
    """A box. `title`: what a pointer that rests on it, or a screen reader, is told."""

    x: float
    y: float
    width: float
    height: float
    style: str
    title: str = ""
    radius: float = 3


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text. `y`: its baseline."""

    x: float
    y: float
    text: str
    style: str = ""
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Line:
    """A connection."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(slots=True)
class Sheet:
    """Shapes as they are drawn, back to front."""

    rects: list[Rect] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def badge(self, x: float, y: float, owner: str) -> None:
        """The owner's letter in a small box; `x`, `y`: its upper left corner."""
        self.rects.append(Rect(x, y, BADGE, BADGE, f"badge own-{owner}", radius=2))
        self.labels.append(Label(x + BADGE / 2, y + 10, LETTERS[owner], f"letter own-{owner}", "middle"))

    def name(self, x: float, y: float, text: str, *, changed: bool, style: str = "") -> None:
        """A name on its baseline, marked if it is a new one."""
        if changed:
            self.rects.append(Rect(x - 2, y - 9, len(text) * CHARACTER + 4, 12, "changed", radius=2))
        self.labels.append(Label(x, y, text, f"{style} changed".strip() if changed else style))


def fitted(text: str, width: float) -> str:
    """The text, or its beginning and end around an ellipsis if it is wider than `width`."""
    most = max(3, int(width / CHARACTER))
    if len(text) <= most:
        return text
    # The end of a name tells siblings apart (…-worker-17), so it gets the larger half.
    tail = most // 2
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"
