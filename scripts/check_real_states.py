"""Reads every state file below a folder and says what was found; exits 1 if anything was lost.

    python scripts/check_real_states.py DIR

The parser's count of instances is compared with one taken from the raw JSON by other means (a walk over
everything that looks like an instance), and every ID in the raw JSON must be the ID of a parsed resource.
States that replank refuses are named with their code. Prints no content, no address and no ID.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from replank.domain.errors import Refused
from replank.inventory.facts.terraform import StateFile
from replank.inventory.terraform import parse_state, server_ports


def raw_instances(document: Any) -> list[tuple[str, str]]:
    """Type and ID of all OpenStack instances in the raw document, v4 or show-json, found by walking it."""
    found: list[tuple[str, str]] = []
    waiting = [document.get("resources", []), document.get("values", {})]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            kind = node.get("type")
            if isinstance(kind, str) and kind.startswith("openstack_") and "instances" in node:
                for instance in node["instances"] or []:
                    body = instance.get("attributes") or instance.get("attributes_flat") or {}
                    found.append((kind, str(body.get("id") or "")))
            elif isinstance(kind, str) and kind.startswith("openstack_") and "values" in node:
                found.append((kind, str(node["values"].get("id") or "")))
            else:
                waiting += node.values()
    return found


def traits(state: StateFile, document: Any) -> str:
    """The traits of the state in words, without names."""
    resources = state.resources
    keys = sorted({type(r.index).__name__ for r in resources if r.index is not None})
    said = [
        f"keys {'+'.join(keys)}" if keys else "",
        f"{len({r.module for r in resources if r.module})} modules"
        if any(r.module for r in resources)
        else "",
        f"{sum(r.tainted for r in resources)} tainted" if any(r.tainted for r in resources) else "",
        f"{sum(bool(r.deposed) for r in resources)} deposed" if any(r.deposed for r in resources) else "",
        f"{sum(r.mode == 'data' for r in resources)} data"
        if any(r.mode == "data" for r in resources)
        else "",
        "alias" if any(r.provider_alias for r in resources) else "",
        "providers " + ", ".join(sorted({r.provider for r in resources})) if resources else "",
    ]
    ports = [port for server in server_ports(resources) for port in server.ports]
    if ports:
        said.append(
            f"ports {sum(p is not None for p in ports)} explicit, {sum(p is None for p in ports)} by Nova"
        )
    if any(r.get("each") for r in document.get("resources", []) if isinstance(r, dict)):
        said.append("`each`")
    return "; ".join(part for part in said if part)


def check(path: Path, shown: str) -> bool:
    """True if nothing was lost in `path`, or if it was refused for a reason."""
    data = path.read_bytes()
    try:
        state = parse_state(data, source=shown, backend="local")
    except Refused as error:
        print(f"{shown}\n  refused: {error.code} {error.reason}")
        return True
    document = json.loads(data)
    raw = Counter(raw_instances(document))
    parsed = Counter((r.type, r.id) for r in state.resources)
    by_type = Counter(r.type.removeprefix("openstack_") for r in state.resources)
    print(f"{shown}\n  {state.form}, written by {state.tool_version or '?'}, serial {state.serial}")
    print(f"  {len(state.resources)} instances: {', '.join(f'{n} {t}' for t, n in sorted(by_type.items()))}")
    print(f"  skipped: {dict(state.skipped_providers) or 'none'}; {traits(state, document)}")
    if raw != parsed:
        print(f"  LOST: {sum((raw - parsed).values())} instances, INVENTED: {sum((parsed - raw).values())}")
    return raw == parsed


def main(arguments: list[str]) -> int:
    """Exit code 0: all whole; 1: something was lost; 2: wrong arguments or nothing to read."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(__doc__)
        return 2
    top = Path(arguments[0])
    paths = sorted(path for path in top.rglob("*") if path.is_file() and "tfstate" in path.name)
    whole = [check(path, str(path.relative_to(top))) for path in paths]
    print(f"{len(whole)} files, {whole.count(False)} with losses")
    return 2 if not whole else 1 if False in whole else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
