"""The name under which this process holds a cluster."""

from __future__ import annotations

import getpass
import os
import socket


def holder() -> str:
    """`user@host:pid`: enough to find the process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"
