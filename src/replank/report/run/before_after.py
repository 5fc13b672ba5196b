"""What a node's runtime did before its swap and after it, as the report tells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure, measured on both sides. `unit`: ms, MiB, millicores or lines/s."""

    what: str
    unit: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """After less before."""
        return round(self.after - self.before, 1)

    @property
    def change_percent(self) -> float | None:
        """Of what it was before; None where that was nothing."""
        return round(100 * self.change / self.before, 1) if self.before else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """`runtime_*`: as the Node shows it, "" = not seen. `pods_*`: on the node meanwhile, None = not seen.

    `not_measured`: a sentence for each figure that is missing on a side, with the reason. `left`: why a
    measurement could not take its pods away again.
    """

    node: str
    runtime_before: str
    runtime_after: str
    pods_before: int | None
    pods_after: int | None
    figures: tuple[Figure, ...]
    not_measured: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
