"""RBAC as the API server's authorizer reads it, for the manifests that `replank permissions` prints."""

from __future__ import annotations

from typing import Any

from replank.ports.rights import Right


def plural(kind: str) -> str:
    return f"{kind.lower()}es" if kind.endswith("s") else f"{kind.lower()}s"


def grants(manifest: dict[str, Any], right: Right) -> bool:
    group = right.api_version.rpartition("/")[0]
    if manifest["metadata"].get("namespace", right.namespace) != right.namespace:
        return False
    return any(
        group in rule["apiGroups"]
        and {plural(right.kind), "*"} & set(rule["resources"])
        and right.verb in rule["verbs"]
        and (not rule.get("resourceNames") or right.name in rule["resourceNames"])
        for rule in manifest.get("rules", [])
    )
