"""Why a configuration cannot be read wholly: errors RP480 to RP487, which become `Unknown` facts."""

from __future__ import annotations

from typing import Literal

from replank.domain.errors import Refused

Reason = Literal["RP480", "RP481", "RP482", "RP483", "RP484", "RP485", "RP486"]

_TODO = {
    "RP480": "Mend the configuration; the agent itself cannot read it like this.",
    "RP481": "Mount the included file from a ConfigMap, or look at it by hand.",
    "RP482": "Give the variable a plain value in the workload, or look at it by hand.",
    "RP483": "Look at the regular expression by hand, on a line of each format.",
    "RP484": "Look at this part by hand, on a line of each format.",
    "RP485": "Look at the configuration in the image by hand, or mount it from a ConfigMap.",
    "RP486": "Give replank the right to read the object, or look at it by hand.",
}


def unreadable(code: Reason, why: str, where: str = "") -> Refused:
    """An error that says why a part of an agent's configuration cannot be judged. `why` holds no values."""
    return Refused(code, "The log agent's configuration cannot be read wholly", why, _TODO[code], where=where)
