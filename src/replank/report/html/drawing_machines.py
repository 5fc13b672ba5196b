"""The groups of machines: a frame a group, a box a server with its Node, zone and ports."""

from __future__ import annotations

from typing import Final

from replank.plan.model import PlannedMachine
from replank.report.html.pen import CELL, COLUMNS, GAP, MARGIN, WIDTH, Pen
from replank.report.html.shapes import BADGE, Label, Line, Rect, fitted
from replank.report.words import owner_word, plural

_PORT_LINES: Final = 3
_MOST: Final = 24
"""Machines drawn of one group; the table below the drawing lists the others."""


def draw_group(pen: Pen, name: str, role: str, machines: list[PlannedMachine]) -> None:
    """A frame with a title and its machines in rows."""
    pen.sheet.lines.append(Line(WIDTH / 2, pen.y, WIDTH / 2, pen.y + GAP))
    top = pen.y + GAP
    shown = machines[:_MOST]
    ports = max((min(len(m.ports), _PORT_LINES) for m in machines), default=1)
    height = 56 + 14 * max(1, ports)
    rows = -(-len(shown) // COLUMNS)
    more = 18 if len(machines) > len(shown) else 0
    total = 26 + rows * (height + GAP) + more
    title, style = _group_title(pen, name, role)
    pen.sheet.rects.append(Rect(MARGIN, top, WIDTH - 2 * MARGIN, total, style, title, 5))
    pen.sheet.labels.append(Label(2 * MARGIN, top + 17, fitted(title, WIDTH - 140), "strong"))
    number = f"{len(machines)} {plural('machine', len(machines))}"
    pen.sheet.labels.append(Label(WIDTH - 2 * MARGIN, top + 17, number, "dim", "end"))
    for index, machine in enumerate(shown):
        x = 2 * MARGIN + (index % COLUMNS) * (CELL + GAP)
        y = top + 26 + (index // COLUMNS) * (height + GAP)
        _server(pen, machine, x, y, height)
    if more:
        text = f"and {len(machines) - len(shown)} more, in the table below"
        pen.sheet.labels.append(Label(2 * MARGIN, top + total - 7, text, "dim"))
    pen.y = top + total


def _group_title(pen: Pen, name: str, role: str) -> tuple[str, str]:
    if pen.when == "before" or not name:
        return ("control plane" if role == "control-plane" else "workers"), "frame"
    kind = "KubeadmControlPlane" if role == "control-plane" else "MachineDeployment"
    return f"{kind} {name}", "frame own-cluster-api"


def _server(pen: Pen, machine: PlannedMachine, x: float, y: float, height: float) -> None:
    owner = pen.owner(machine.server_id)
    after = pen.when == "after"
    name = (machine.rename_server_to or machine.server_name) if after else machine.server_name
    title = f"server {name} ({machine.server_id}): {owner_word(owner)}; Node {machine.node or 'none'}"
    pen.sheet.rects.append(Rect(x, y, CELL, height, f"claim own-{owner}", title))
    pen.sheet.badge(x + 5, y + 4, owner)
    head = f"Machine {machine.machine}" if after else "server"
    pen.sheet.labels.append(Label(x + BADGE + 9, y + 14, fitted(head, CELL - BADGE - 12), "dim"))
    pen.sheet.rects.append(Rect(x + 4, y + 20, CELL - 8, height - 24, "server"))
    changed = after and bool(machine.rename_server_to)
    pen.sheet.name(x + 9, y + 33, fitted(name, CELL - 16), changed=changed, style="strong")
    where = " ".join(part for part in (machine.version, machine.failure_domain) if part)
    node = where if machine.node == name else f"Node {machine.node or 'none'}"
    pen.sheet.labels.append(Label(x + 9, y + 46, fitted(node, CELL - 16), "dim"))
    _ports(pen, machine, x + 9, y + 50)


def _ports(pen: Pen, machine: PlannedMachine, x: float, y: float) -> None:
    fit = len(machine.ports) if len(machine.ports) <= _PORT_LINES else _PORT_LINES - 1
    for index, port in enumerate(machine.ports[:fit]):
        top = y + 14 * index
        pen.sheet.badge(x, top, pen.owner(port.id))
        name = port.new if pen.when == "after" else port.old or "(unnamed)"
        changed = pen.when == "after" and port.old != port.new
        pen.sheet.name(x + BADGE + 4, top + 10, fitted(name, CELL - BADGE - 24), changed=changed)
    if rest := len(machine.ports) - fit:
        pen.sheet.labels.append(Label(x, y + 14 * fit + 10, f"and {rest} more ports", "dim"))
