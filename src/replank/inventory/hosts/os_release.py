"""The operating system (os-release(5))."""

from __future__ import annotations

import shlex

from replank.inventory.hosts.listing import strange_output


def parse_os_release(text: str) -> str:
    """PRETTY_NAME, else name and version, such as `Ubuntu 24.04.1 LTS`. Raises `Refused` RP089."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values[name] = _unquoted(value)
    said = values.get("PRETTY_NAME") or f"{values.get('NAME', '')} {values.get('VERSION_ID', '')}".strip()
    if not said:
        raise strange_output("/etc/os-release", "it names no operating system")
    return said


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value
