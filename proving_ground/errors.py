"""What stops the ground, in words for the person who started it."""

from __future__ import annotations


class GroundError(Exception):
    """A part does not come up, or the machine cannot carry the ground.

    `part`: whose trouble it is. `why`: what was seen. `todo`: what to try. `lines`: the end of its log.
    """

    def __init__(self, part: str, why: str, todo: str, lines: str = "") -> None:
        self.part, self.why, self.todo, self.lines = part, why, todo, lines
        super().__init__(f"{part}: {why}")

    def __str__(self) -> str:
        log = "".join(f"\n    | {line}" for line in self.lines.splitlines()[-25:])
        return f"{self.part}: {self.why}{log}\n  What to try: {self.todo}"
