"""The cluster before and after, drawn alike so that the eye finds what differs: names and owners.

From above: who manages (Terraform's state, or the management cluster), the API's load balancer with the other
resources beside it, the network, and each group of machines in a frame. Every server stands in a box of its
owner with its Node, its zone and its ports. Both drawings have one layout and one size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from replank.plan.model import Ownership, Plan, PlannedMachine
from replank.report.html.shapes import BADGE, CHARACTER, Label, Line, Rect, Sheet, fitted
from replank.report.words import kind_word, owner_word, plural, short_id

When = Literal["before", "after"]

WIDTH: Final = 540
_MARGIN: Final = 8
_COLUMNS: Final = 3
_GAP: Final = 10
_CELL: Final = (WIDTH - 4 * _MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
_PORT_LINES: Final = 3
_MOST: Final = 24
"""Machines drawn of one group; the table below the drawing lists the others."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing. `title` and `describes` are its text for those who do not see it."""

    when: When
    title: str
    describes: str
    width: int
    height: float
    sheet: Sheet


@dataclass(slots=True)
class _Pen:
    """The plan seen at one time, and what is drawn so far. `y`: where the next part begins."""

    plan: Plan
    when: When
    owners: dict[str, Ownership]
    sheet: Sheet
    y: float = _MARGIN

    def owner(self, resource: str) -> str:
        known = self.owners.get(resource)
        if known is None:
            return "nobody"
        return known.before if self.when == "before" else known.after


def drawings(plan: Plan) -> tuple[Drawing, Drawing]:
    """Before and after."""
    return _draw(plan, "before"), _draw(plan, "after")


def owners_drawn(plan: Plan) -> tuple[str, ...]:
    """Owners that the legend must explain, in the order of a first look."""
    seen = {owner for o in plan.ownership for owner in (o.before, o.after)}
    order = ("terraform", "nova", "cluster-api", "cloud-provider", "nobody", "elsewhere")
    return tuple(owner for owner in order if owner in seen)


def _draw(plan: Plan, when: When) -> Drawing:
    pen = _Pen(plan, when, {o.id: o for o in plan.ownership}, Sheet())
    _manager(pen)
    _infrastructure(pen)
    _network(pen)
    groups = [(g.name, g.role, g.machines) for g in plan.groups]
    grouped = {name for _, _, names in groups for name in names}
    rest = tuple(m.machine for m in plan.machines if m.machine not in grouped)
    if rest:
        groups.append(("", "worker", rest))
    for name, role, members in groups:
        _group(pen, name, role, [m for m in plan.machines if m.machine in members])
    title = "Before: made by Terraform and kubeadm" if when == "before" else "After: owned by Cluster API"
    return Drawing(when, title, _describe(pen), WIDTH, pen.y + _MARGIN, pen.sheet)


def _describe(pen: _Pen) -> str:
    held = Counter(
        (owner, o.kind)
        for o in pen.plan.ownership
        for owner in (o.before if pen.when == "before" else o.after,)
    )
    words = [
        f"{owner_word(owner)} owns {n} {plural(kind_word(kind), n)}" for (owner, kind), n in held.items()
    ]
    return "; ".join(words) or "No resource is known."


def _manager(pen: _Pen) -> None:
    if pen.when == "before":
        states = list(dict.fromkeys(f.state for f in pen.plan.forget))
        text, owner = f"Terraform state {', '.join(states)}".strip(), "terraform"
    else:
        text, owner = f"Cluster {pen.plan.cluster}, namespace {pen.plan.namespace}", "cluster-api"
    _box(pen, _MARGIN, pen.y, WIDTH - 2 * _MARGIN, 26, text, owner, "claim")
    pen.y += 26 + _GAP


def _box(
    pen: _Pen, x: float, y: float, width: float, height: float, text: str, owner: str, style: str
) -> None:
    """A box with the owner's letter and one line of text."""
    pen.sheet.rects.append(Rect(x, y, width, height, f"{style} own-{owner}", f"{text}: {owner_word(owner)}"))
    middle = y + height / 2
    pen.sheet.badge(x + 6, middle - BADGE / 2, owner)
    shown = fitted(text, width - BADGE - 18)
    pen.sheet.labels.append(Label(x + BADGE + 11, middle + 3.5, shown))


def _infrastructure(pen: _Pen) -> None:
    """The API's load balancer at the left, all that is no server, port or network at the right."""
    choice = pen.plan.load_balancer
    width = _CELL * 1.25
    top = pen.y
    x = float(_MARGIN)
    if choice.load_balancer_id:
        owner = pen.owner(choice.load_balancer_id)
        title = f"Load balancer of the API, {choice.mode}: {owner_word(owner)}"
        pen.sheet.rects.append(Rect(x, top, width, 48, f"claim own-{owner}", title))
        pen.sheet.badge(x + 6, top + 7, owner)
        balancer = pen.owners.get(choice.load_balancer_id)
        name = balancer.name if balancer is not None and balancer.name else short_id(choice.load_balancer_id)
        pen.sheet.labels.append(
            Label(x + BADGE + 11, top + 18, fitted(f"LB {name}", width - BADGE - 18), "strong")
        )
    else:
        pen.sheet.rects.append(Rect(x, top, width, 48, "plain", "The API's endpoint"))
        pen.sheet.labels.append(Label(x + 8, top + 18, "no load balancer", "strong"))
    pen.sheet.labels.append(Label(x + 8, top + 37, fitted(f"API {choice.endpoint or 'unknown'}", width - 14)))
    bottom = _chips(pen, x + width + _GAP, top)
    pen.y = max(top + 48, bottom) + _GAP
    pen.sheet.lines.append(Line(x + width / 2, top + 48, x + width / 2, pen.y))


def _chips(pen: _Pen, left: float, top: float) -> float:
    """One chip a kind and owner, flowing; returns where they end."""
    x, y, height = left, top, 22
    for text, owner in _other_resources(pen):
        width = min(len(text) * CHARACTER + BADGE + 20, WIDTH - _MARGIN - left)
        if x > left and x + width > WIDTH - _MARGIN:
            x, y = left, y + height + 4
        _box(pen, x, y, width, height, text, owner, "claim")
        x += width + 4
    return y + height if x > left else top


def _other_resources(pen: _Pen) -> list[tuple[str, str]]:
    drawn = {"server", "port", "network"}
    kinds: dict[tuple[str, str], list[Ownership]] = {}
    for o in pen.plan.ownership:
        if o.kind not in drawn and o.id != pen.plan.load_balancer.load_balancer_id:
            # Grouped by both owners, so that before and after have the same chips in the same places.
            kinds.setdefault((o.kind, f"{o.before} {o.after}"), []).append(o)
    chips = []
    for (kind, owners), found in kinds.items():
        name = found[0].name or short_id(found[0].id)
        words = kind_word(kind)
        text = f"{words} {name}" if len(found) == 1 else f"{len(found)} {plural(words, len(found))}"
        chips.append((text, owners.split()[0 if pen.when == "before" else 1]))
    return chips


def _network(pen: _Pen) -> None:
    networks = [o for o in pen.plan.ownership if o.kind == "network"]
    text = ", ".join(o.name or short_id(o.id) for o in networks)
    owner = pen.owner(networks[0].id) if networks else "nobody"
    words = f"{plural('network', len(networks))} {text}" if networks else "network not seen"
    _box(pen, _MARGIN, pen.y, WIDTH - 2 * _MARGIN, 22, words, owner, "wire")
    pen.y += 22


def _group(pen: _Pen, name: str, role: str, machines: list[PlannedMachine]) -> None:
    """A frame with a title and its machines in rows."""
    pen.sheet.lines.append(Line(WIDTH / 2, pen.y, WIDTH / 2, pen.y + _GAP))
    top = pen.y + _GAP
    shown = machines[:_MOST]
    ports = max((min(len(m.ports), _PORT_LINES) for m in machines), default=1)
    height = 56 + 14 * max(1, ports)
    rows = -(-len(shown) // _COLUMNS)
    more = 18 if len(machines) > len(shown) else 0
    total = 26 + rows * (height + _GAP) + more
    title, style = _group_title(pen, name, role)
    pen.sheet.rects.append(Rect(_MARGIN, top, WIDTH - 2 * _MARGIN, total, style, title, 5))
    pen.sheet.labels.append(Label(2 * _MARGIN, top + 17, fitted(title, WIDTH - 140), "strong"))
    number = f"{len(machines)} {plural('machine', len(machines))}"
    pen.sheet.labels.append(Label(WIDTH - 2 * _MARGIN, top + 17, number, "dim", "end"))
    for index, machine in enumerate(shown):
        x = 2 * _MARGIN + (index % _COLUMNS) * (_CELL + _GAP)
        y = top + 26 + (index // _COLUMNS) * (height + _GAP)
        _server(pen, machine, x, y, height)
    if more:
        text = f"and {len(machines) - len(shown)} more, in the table below"
        pen.sheet.labels.append(Label(2 * _MARGIN, top + total - 7, text, "dim"))
    pen.y = top + total


def _group_title(pen: _Pen, name: str, role: str) -> tuple[str, str]:
    if pen.when == "before" or not name:
        return ("control plane" if role == "control-plane" else "workers"), "frame"
    kind = "KubeadmControlPlane" if role == "control-plane" else "MachineDeployment"
    return f"{kind} {name}", "frame own-cluster-api"


def _server(pen: _Pen, machine: PlannedMachine, x: float, y: float, height: float) -> None:
    owner = pen.owner(machine.server_id)
    after = pen.when == "after"
    name = (machine.rename_server_to or machine.server_name) if after else machine.server_name
    title = f"server {name} ({machine.server_id}): {owner_word(owner)}; Node {machine.node or 'none'}"
    pen.sheet.rects.append(Rect(x, y, _CELL, height, f"claim own-{owner}", title))
    pen.sheet.badge(x + 5, y + 4, owner)
    head = f"Machine {machine.machine}" if after else "server"
    pen.sheet.labels.append(Label(x + BADGE + 9, y + 14, fitted(head, _CELL - BADGE - 12), "dim"))
    pen.sheet.rects.append(Rect(x + 4, y + 20, _CELL - 8, height - 24, "server"))
    changed = after and bool(machine.rename_server_to)
    pen.sheet.name(x + 9, y + 33, fitted(name, _CELL - 16), changed=changed, style="strong")
    where = " ".join(part for part in (machine.version, machine.failure_domain) if part)
    node = where if machine.node == name else f"Node {machine.node or 'none'}"
    pen.sheet.labels.append(Label(x + 9, y + 46, fitted(node, _CELL - 16), "dim"))
    _ports(pen, machine, x + 9, y + 50)


def _ports(pen: _Pen, machine: PlannedMachine, x: float, y: float) -> None:
    fit = len(machine.ports) if len(machine.ports) <= _PORT_LINES else _PORT_LINES - 1
    for index, port in enumerate(machine.ports[:fit]):
        top = y + 14 * index
        pen.sheet.badge(x, top, pen.owner(port.id))
        name = port.new if pen.when == "after" else port.old or "(unnamed)"
        changed = pen.when == "after" and port.old != port.new
        pen.sheet.name(x + BADGE + 4, top + 10, fitted(name, _CELL - BADGE - 24), changed=changed)
    if rest := len(machine.ports) - fit:
        pen.sheet.labels.append(Label(x, y + 14 * fit + 10, f"and {rest} more ports", "dim"))
