"""Which containerd may follow which, and by what hops one comes from one to another.

Source: containerd 2.3.5, RELEASES.md "Upgrade Path" (minor by minor; from one LTS release to the next, 1.7 to
2.3 by name; 1.6 or 1.7 to 2.0) and integration/release_upgrade_linux_test.go (1.7 and 2.0 to the current one,
with live pods).
"""

from __future__ import annotations

from collections import deque
from typing import Final

Line = tuple[int, int]
"""Major and minor."""

LINES: Final[tuple[Line, ...]] = ((1, 6), (1, 7), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4))
"""Lines that replank knows, in their order. Older ones are refused: upstream tested none of them."""

_BEYOND_THE_NEXT: Final[frozenset[tuple[Line, Line]]] = frozenset(
    {((1, 6), (2, 0)), ((1, 7), (2, 3)), ((2, 0), (2, 3))}
)


def is_supported(old: Line, new: Line) -> bool:
    """Whether upstream supports this hop. Patches of the same line always are one; a step back never is."""
    if old not in LINES or new not in LINES:
        return False
    return new == old or LINES.index(new) == LINES.index(old) + 1 or (old, new) in _BEYOND_THE_NEXT


def route(old: Line, new: Line) -> tuple[Line, ...]:
    """The fewest supported hops from `old` to `new`, `new` last, as lines to go through; of as many hops
    those by the newest lines. () where there is none."""
    ways: deque[tuple[Line, ...]] = deque([()])
    seen = {old}
    while ways:
        way = ways.popleft()
        here = way[-1] if way else old
        if here == new and (way or old == new):
            return way or (new,)
        for line in reversed(LINES):
            if line not in seen and line != here and is_supported(here, line):
                seen.add(line)
                ways.append((*way, line))
    return ()
