"""What a PodDisruptionBudget allows whatever the state of its pods."""

from __future__ import annotations


def never_allows(*, min_available: str, max_unavailable: str, expected_pods: int) -> bool:
    """Whether no pod that it covers can ever be evicted. `min_available`, `max_unavailable`: as its owner
    wrote them (`1`, `50%`), "" = not given; `expected_pods`: from its status."""
    if expected_pods == 0:
        return False
    if max_unavailable in ("0", "0%") or min_available == "100%":
        return True
    return min_available.isdecimal() and int(min_available) >= expected_pods
