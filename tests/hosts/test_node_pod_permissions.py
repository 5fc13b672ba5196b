"""`replank permissions node-pods`: enough for what replank asks for, and no more than that namespace."""

from __future__ import annotations

from typing import Any, cast

from replank.inventory.node_pods import NAMESPACE
from replank.survey.permissions import permissions
from replank.survey.plan_rights import node_pod_rights


def rules() -> list[tuple[str, dict[str, Any]]]:
    """With the namespace of each, "" = everywhere."""
    manifests = cast("tuple[dict[str, Any], ...]", permissions("node-pods").workload)
    return [(m["metadata"].get("namespace", ""), rule) for m in manifests for rule in m.get("rules", [])]


def test_what_is_asked_for_before_a_swap_is_granted() -> None:
    for right in node_pod_rights():
        assert any(
            space in ("", right.namespace)
            and f"{right.kind.lower()}s" in rule["resources"]
            and right.verb in rule["verbs"]
            and right.name in (*rule.get("resourceNames", ()), "")
            for space, rule in rules()
        ), right


def test_commands_in_pods_and_pods_themselves_are_granted_in_their_namespace_alone() -> None:
    everywhere = [rule for space, rule in rules() if not space]
    assert {resource for rule in everywhere for resource in rule["resources"]} == {"namespaces"}
    assert {space for space, _ in rules() if space} == {NAMESPACE}
    (exec_rule,) = [rule for _, rule in rules() if rule["resources"] == ["pods/exec"]]
    assert set(exec_rule["verbs"]) == {"get", "create"}


def test_no_machine_is_logged_in_to() -> None:
    assert permissions("node-pods").sudoers == ()
