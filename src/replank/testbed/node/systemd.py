"""The node's systemd: units, the drop-in that a swap writes, and transient units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.node.state import NodeState

Answer = tuple[int, str]
"""Exit status, and what is said: stdout where it is 0, else stderr."""
CONTAINERD = "containerd.service"
DROP_IN = f"etc/systemd/system/{CONTAINERD}.d/90-replank.conf"


class Systemd(NodeState):
    """`units`: by name, with `active` and `enabled`. `transient`: unit or timer -> what was asked for."""

    def on(self, unit: str) -> bool:
        """Whether a unit is active."""
        return bool(self.units.get(unit, {}).get("active"))

    def unit_file(self, unit: str) -> Path:
        """Where an administrator puts it."""
        return self.path("etc/systemd/system") / unit

    def do_systemctl(self, words: list[str]) -> Answer:
        """`systemctl`."""
        verb, unit = words[0], words[min(1, len(words) - 1)]
        if verb == "daemon-reload":
            path = self.path(DROP_IN)
            self.drop_in = path.read_text() if path.exists() else ""
            return 0, ""
        if verb == "reset-failed":
            return 0, ""
        if unit not in self.units and self.unit_file(unit).exists():
            self.units[unit] = {"active": False, "enabled": "disabled"}
        known = self.units.get(unit)
        if verb == "show":
            return 0, _shown(known)
        if verb == "stop" and unit.startswith("replank-swap"):
            self.transient.pop(unit, None)
            return 0, ""
        if known is None:
            return 5, f"Unit {unit} not found."
        return self._change(verb, unit, known)

    def _change(self, verb: str, unit: str, known: dict[str, Any]) -> Answer:
        if verb in ("enable", "disable"):
            known["enabled"] = verb + "d"
            if unit == swap_node.RESUME_UNIT and not self.unit_file(unit).exists():
                self.units.pop(unit)
        elif verb == "stop":
            known["active"] = False
        elif verb in ("start", "restart"):
            return self.start_unit(unit, known)
        return 0, ""

    def start_unit(self, unit: str, known: dict[str, Any]) -> Answer:
        """Starts it, or starts it anew."""
        known["active"] = False
        started = unit != CONTAINERD or self.start_daemon()
        if unit in self.broken or not started:
            return 1, f"Job for {unit} failed."
        known["active"] = True
        self.tick()
        return 0, ""

    def do_systemd_run(self, words: list[str]) -> Answer:
        """`systemd-run`: the unit is kept; whoever drives the node runs it."""
        name = next(w.partition("=")[2] for w in words if w.startswith("--unit="))
        name = f"{name}.timer" if any(w.startswith("--on-active") for w in words) else name
        if name in self.transient:
            return 1, f"Unit {name} already exists."
        self.transient[name] = words
        return 0, ""


def _shown(known: dict[str, Any] | None) -> str:
    if known is None:
        return "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
    state = "active" if known["active"] else "inactive"
    more = f"KillMode={known.get('killmode', 'process')}\nDelegate=yes\n"
    return f"LoadState=loaded\nActiveState={state}\nUnitFileState={known['enabled']}\n{more}"
