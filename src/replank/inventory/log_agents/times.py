"""Whether a format of times reads the times of container logs: strptime as agents have it, and Go's
layouts.
"""

from __future__ import annotations

import re

_DIRECTIVES = {
    "%Y": r"\d{4}",
    "%m": r"\d\d",
    "%d": r"\d\d",
    "%e": r"[ \d]\d",
    "%H": r"\d\d",
    "%M": r"\d\d",
    "%S": r"\d\d",
    "%L": r"\d+",
    "%N": r"\d+",
    "%f": r"\d+",
    "%s": r"\d{9,}",
    "%T": r"\d\d:\d\d:\d\d",
    "%F": r"\d{4}-\d\d-\d\d",
    "%z": r"(Z|[+-]\d\d:?\d\d)",
    "%:z": r"(Z|[+-]\d\d:\d\d)",
    "%iso8601": r"\S+",
}


def strptime_reads(time_format: str, time: str) -> bool:
    """Whether a strptime format takes the whole of `time`; a format that ends early does too (as in Fluent
    Bit).

    A directive that containers' times have no use for reads nothing. An empty format reads RFC 3339.
    """
    if not time_format:
        return True
    pattern, rest = "", time_format
    while rest:
        token = re.match(r"%iso8601|%[369]?N|%:?[A-Za-z]|.", rest, re.DOTALL)
        assert token is not None
        found = token.group()
        rest = rest[len(found) :]
        found = "%N" if re.fullmatch(r"%[369]N", found) else found
        if found.startswith("%") and found not in _DIRECTIVES:
            return False
        pattern += _DIRECTIVES.get(found, re.escape(found))
    matched = re.match(pattern, time)
    if matched is None:
        return False
    # What is left is an offset that the format does not ask for: Docker's times end in Z, and no zone means
    # UTC.
    return time[matched.end() :] in ("", "Z")


def layout_reads(layout: str, time: str) -> bool:
    """Whether a Go layout (or the name of one, as Promtail has it) takes `time`."""
    if layout in ("RFC3339", "RFC3339Nano"):
        return True
    if re.search(r"Z07:?00|Z07", layout):
        return True
    if re.search(r"-07:?00|-07", layout):
        return not time.endswith("Z")
    return time.endswith("Z") if layout.endswith("Z") else False
