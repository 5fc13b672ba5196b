"""What stands above the machines: the manager, the API's load balancer, the other resources, the network."""

from __future__ import annotations

from collections import Counter

from replank.plan.takeover import Ownership, TakeoverPlan
from replank.report.html.pen import CELL, GAP, MARGIN, WIDTH, Pen
from replank.report.html.shapes import BADGE, CHARACTER, Label, Line, Rect, fitted
from replank.report.words import kind_word, owner_word, plural, short_id

_BALANCING = {"listener", "pool", "monitor", "member"}


def draw_manager(pen: Pen) -> None:
    """Who manages the machines: the state that made them, or the Cluster that owns them."""
    if pen.when == "before":
        states = list(dict.fromkeys(f.state for f in pen.plan.forget))
        text, owner = f"Terraform state {', '.join(states)}".strip(), "terraform"
    else:
        text, owner = f"Cluster {pen.plan.cluster}, namespace {pen.plan.namespace}", "cluster-api"
    pen.box(MARGIN, pen.y, WIDTH - 2 * MARGIN, 26, text, owner, "claim")
    pen.y += 26 + GAP


def draw_infrastructure(pen: Pen) -> None:
    """The API's load balancer at the left, all that is no server, port or network at the right."""
    choice = pen.plan.load_balancer
    width, height, x, top = CELL * 1.25, 60, float(MARGIN), pen.y
    owner = pen.owner(choice.load_balancer_id)
    if choice.load_balancer_id:
        title = f"Load balancer of the API, {choice.mode}: {owner_word(owner)}"
        pen.sheet.rects.append(Rect(x, top, width, height, f"claim own-{owner}", title))
        pen.sheet.badge(x + 6, top + 7, owner)
        balancer = pen.owners.get(choice.load_balancer_id)
        name = balancer.name if balancer is not None and balancer.name else short_id(choice.load_balancer_id)
        shown = fitted(f"LB {name}", width - BADGE - 18)
        pen.sheet.labels.append(Label(x + BADGE + 11, top + 18, shown, "strong"))
        kinds = Counter(o.kind for o in _parts(pen.plan))
        parts = ", ".join(
            _amount(kind, kinds[kind]) for kind in ("listener", "pool", "member") if kinds[kind]
        )
        pen.sheet.labels.append(Label(x + 8, top + 52, fitted(parts, width - 14), "dim"))
    else:
        pen.sheet.rects.append(Rect(x, top, width, height, "plain", "The API's endpoint"))
        words = "no load balancer" if choice.mode == "none" else "load balancer not seen"
        pen.sheet.labels.append(Label(x + 8, top + 18, words, "strong"))
    pen.sheet.labels.append(Label(x + 8, top + 36, fitted(f"API {choice.endpoint or 'unknown'}", width - 14)))
    bottom = _chips(pen, x + width + GAP, top)
    pen.y = max(top + height, bottom) + GAP
    pen.sheet.lines.append(Line(x + width / 2, top + height, x + width / 2, pen.y))


def _amount(kind: str, number: int) -> str:
    words = kind_word(kind)
    return words if number == 1 else f"{number} {plural(words, number)}"


def _parts(plan: TakeoverPlan) -> list[Ownership]:
    """Listener, pool, monitor and members that share both owners of the API's load balancer: parts of it."""
    balancer = next((o for o in plan.ownership if o.id == plan.load_balancer.load_balancer_id), None)
    if balancer is None:
        return []
    owners = (balancer.before, balancer.after)
    return [o for o in plan.ownership if o.kind in _BALANCING and (o.before, o.after) == owners]


def _chips(pen: Pen, left: float, top: float) -> float:
    """One chip a kind and owner, flowing; returns where they end."""
    x, y, height = left, top, 22
    for text, owner in _other_resources(pen):
        width = min(len(text) * CHARACTER + BADGE + 20, WIDTH - MARGIN - left)
        if x > left and x + width > WIDTH - MARGIN:
            x, y = left, y + height + 4
        pen.box(x, y, width, height, text, owner, "claim")
        x += width + 4
    return y + height if x > left else top


def _other_resources(pen: Pen) -> list[tuple[str, str]]:
    plan = pen.plan
    drawn = {o.id for o in (*_parts(plan), *_networks(plan))} | {plan.load_balancer.load_balancer_id}
    kinds: dict[tuple[str, str, str], list[Ownership]] = {}
    for o in plan.ownership:
        if o.id not in drawn and o.kind not in ("server", "port"):
            # Grouped by both owners, so that before and after have the same chips in the same places.
            family = "balancing" if o.kind in _BALANCING else o.kind
            kinds.setdefault((family, o.before, o.after), []).append(o)
    return [
        (_chip_text(kind, found), before if pen.when == "before" else after)
        for (kind, before, after), found in kinds.items()
    ]


def _chip_text(kind: str, found: list[Ownership]) -> str:
    if kind == "balancing":
        return ", ".join(_amount(part, n) for part, n in Counter(o.kind for o in found).items())
    if len(found) > 1:
        return _amount(kind, len(found))
    return f"{kind_word(kind)} {found[0].name or short_id(found[0].id)}"


def _networks(plan: TakeoverPlan) -> list[Ownership]:
    """The cluster's own networks; the provider's (external) one stands with the other resources."""
    networks = [o for o in plan.ownership if o.kind == "network"]
    return [o for o in networks if o.before != "elsewhere"] or networks


def draw_network(pen: Pen) -> None:
    """The network as a wire across the sheet."""
    networks = _networks(pen.plan)
    text = ", ".join(o.name or short_id(o.id) for o in networks)
    owner = pen.owner(networks[0].id) if networks else "unknown"
    words = f"{plural('network', len(networks))} {text}" if networks else "network not seen"
    pen.box(MARGIN, pen.y, WIDTH - 2 * MARGIN, 22, words, owner, "wire")
    pen.y += 22
