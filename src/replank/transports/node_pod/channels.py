"""What goes over the WebSocket of an exec: one byte that names the channel, then its data.

Sources: kubernetes, staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go (channels, versions,
StreamClose, exit codes), and KEP-4006 for v5.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

STDIN: Final = 0
STDOUT: Final = 1
STDERR: Final = 2
STATUS: Final = 3
CLOSE: Final = 255
"""v5 alone: its data is the channel that has ended."""

V4: Final = "v4.channel.k8s.io"
V5: Final = "v5.channel.k8s.io"
VERSIONS: Final = (V5, V4)
"""Those that replank speaks, the better one first. Kubernetes knows v5 since 1.29; a server that does not
takes v4, on which nobody can say that stdin has ended."""

END: Final = b"\x1ereplank: end\x1e"
"""What every command's shell writes last on stdout. Where a runtime is restarted below an exec, the
connection closes with Success, exit status 0 and whatever had come by then (seen with containerd 2.3.5 and
Kubernetes 1.35): the status channel alone does not tell that a command has ended."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `status`: its exit status, None = it was not run to its end; then `why`."""

    status: int | None
    why: str = ""


def ended(data: bytes) -> Ended:
    """What the status channel tells: a metav1.Status."""
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return Ended(None, "its end was not told in a way that can be read")
    if told.get("status") == "Success":
        return Ended(0)
    details = told.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            code = str(cause.get("message", ""))
            if code.isascii() and code.isdigit():
                return Ended(int(code))
    words = "".join(c for c in str(told.get("message") or "") if c.isprintable())[:200]
    return Ended(None, words or "the runtime did not run it, and does not say why")
