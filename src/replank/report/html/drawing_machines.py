"""The groups of machines: a frame a group, a box a server with its Node, zone and ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from replank.plan.takeover import PlannedMachine
from replank.report.html.pen import CELL, COLUMNS, GAP, MARGIN, PADDING, Pen
from replank.report.html.shapes import BADGE, CHARACTER, Label, Line, Rect, fitted
from replank.report.words import owner_word, plural

_PORT_LINES: Final = 3
_MOST: Final = 24
"""Machines drawn of one group; the table below the drawing lists the others."""


@dataclass(frozen=True, slots=True)
class Members:
    """A group and its machines as they are drawn. `name` "": machines of no group."""

    name: str
    role: str
    machines: tuple[PlannedMachine, ...]

    @property
    def columns(self) -> int:
        """How many servers stand side by side."""
        return max(1, min(len(self.machines), COLUMNS))

    @property
    def shown(self) -> tuple[PlannedMachine, ...]:
        """Those that are drawn."""
        return self.machines[:_MOST]


def draw_groups(pen: Pen, groups: list[Members]) -> None:
    """Every group in a frame. Small groups stand side by side."""
    machines = [machine for group in groups for machine in group.machines]
    ports = max((min(len(m.ports), _PORT_LINES) for m in machines), default=1)
    height = 56 + 14 * max(1, ports)
    for row in _rows(groups):
        tall = max(_height(group, height) for group in row)
        column = 0
        for group in row:
            _frame(pen, group, column, tall, height)
            column += group.columns
        pen.y += GAP + tall


def _rows(groups: list[Members]) -> list[list[Members]]:
    rows: list[list[Members]] = []
    for group in groups:
        if rows and sum(g.columns for g in rows[-1]) + group.columns <= COLUMNS:
            rows[-1].append(group)
        else:
            rows.append([group])
    return rows


def _height(group: Members, cell: float) -> float:
    rows = -(-len(group.shown) // COLUMNS)
    return 26 + rows * (cell + GAP) - 4 + (18 if len(group.machines) > len(group.shown) else 0)


def _frame(pen: Pen, group: Members, column: int, height: float, cell: float) -> None:
    """One frame with its title; `column`: where it begins, from 0."""
    left = MARGIN + column * (CELL + GAP)
    columns = group.columns
    width = columns * CELL + (columns - 1) * GAP + 2 * PADDING
    top = pen.y + GAP
    title, short, style = _title(pen, group)
    number = f"{len(group.machines)} {plural('machine', len(group.machines))}"
    pen.sheet.lines.append(Line(left + width / 2, pen.y, left + width / 2, top))
    pen.sheet.rects.append(Rect(left, top, width, height, style, f"{title}, {number}", 5))
    room = width - 2 * MARGIN
    if columns == COLUMNS:
        room -= len(number) * CHARACTER + GAP
        pen.sheet.labels.append(Label(left + width - MARGIN, top + 17, number, "dim", "end"))
    words = title if len(title) * CHARACTER <= room else short
    pen.sheet.labels.append(Label(left + MARGIN, top + 17, fitted(words, room), "strong"))
    for index, machine in enumerate(group.shown):
        x = left + PADDING + (index % COLUMNS) * (CELL + GAP)
        _server(pen, machine, x, top + 26 + (index // COLUMNS) * (cell + GAP), cell)
    if rest := len(group.machines) - len(group.shown):
        text = f"and {rest} more, in the table below"
        pen.sheet.labels.append(Label(left + MARGIN, top + height - 7, text, "dim"))


def _title(pen: Pen, group: Members) -> tuple[str, str, str]:
    """Title, a short form of it, and the frame's style."""
    if pen.when == "before" or not group.name:
        words = "control plane" if group.role == "control-plane" else "workers"
        return words, words, "frame"
    kind, short = (
        ("KubeadmControlPlane", "KCP") if group.role == "control-plane" else ("MachineDeployment", "MD")
    )
    return f"{kind} {group.name}", f"{short} {group.name}", "frame own-cluster-api"


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
