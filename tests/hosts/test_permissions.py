"""`replank permissions`: small, complete for what the readers do, and safe to paste."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from replank.inventory.hosts import swap_commands
from replank.inventory.hosts.apply_commands import ADDED_COMMANDS, ETCD_SNAPSHOT
from replank.inventory.hosts.commands import SURVEY_COMMANDS
from replank.plan.runtime_swap import Alignment, ClusterApiPart, PlannedEdit, PlannedTemplate
from replank.survey.permissions import Permissions, permissions
from replank.survey.plan_rights import align_rights, swap_rights

READ_VERBS = {"get", "list", "watch"}


def rules(manifests: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [rule for manifest in manifests for rule in manifest.get("rules", [])]


def unescaped(line: str) -> str:
    """The command line that a line of sudoers allows."""
    command = line.partition("NOPASSWD: ")[2].removesuffix(' ""')
    return re.sub(r"\\(.)", r"\1", command)


def test_survey_grants_nothing_but_reading() -> None:
    for rule in rules(permissions("survey").rbac):
        assert set(rule["verbs"]) <= READ_VERBS


def test_survey_reads_no_secret_of_the_workload_cluster_and_config_maps_by_name_only() -> None:
    for rule in rules(permissions("survey").workload):
        assert "secrets" not in rule["resources"]
        assert "*" not in rule["resources"]
        if "configmaps" in rule["resources"]:
            assert rule["verbs"] == ["get"]
            assert rule["resourceNames"]


def test_survey_covers_every_kind_that_the_reader_lists() -> None:
    from lightkube.core.resource import Resource

    from replank.transports.kubernetes import resources

    elsewhere = {"configmaps", "providers"}
    wanted = {
        value._api_info.plural
        for value in vars(resources).values()
        if isinstance(value, type) and issubclass(value, Resource) and hasattr(value, "_api_info")
    } - elsewhere
    wanted |= {"jobs", "clusterrolebindings"}
    everywhere = [m for m in permissions("survey").workload if m["kind"] == "ClusterRole"]
    granted = {kind for rule in rules(tuple(everywhere)) for kind in rule["resources"]}
    assert granted == wanted


@pytest.mark.parametrize("purpose", ["survey", "apply", "swap"])
def test_every_role_is_bound_and_bindings_name_their_role(purpose) -> None:
    manifests = permissions(purpose, namespace="clusters").rbac
    roles = {
        (m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests if "rules" in m
    }
    bound = {
        (m["roleRef"]["kind"], m["metadata"].get("namespace"), m["roleRef"]["name"])
        for m in manifests
        if "roleRef" in m
    }
    assert roles == bound


def test_apply_writes_secrets_in_the_target_namespace_alone() -> None:
    for manifest in permissions("apply", namespace="clusters").rbac:
        for rule in manifest.get("rules", []):
            if "secrets" in rule["resources"]:
                assert manifest["metadata"]["namespace"] == "clusters"


def test_sudoers_allow_every_usual_command_that_needs_root() -> None:
    allowed = {unescaped(line) for line in permissions("survey").sudoers if not line.startswith("#")}
    for command in SURVEY_COMMANDS:
        for values in command.usual:
            call = command.call(**values)
            line = f"/usr/bin/{' '.join(call.argv)}"
            assert (line in allowed) is command.sudo, line


def test_apply_adds_its_own_commands_to_those_of_the_survey_and_no_others() -> None:
    survey, apply = permissions("survey"), permissions("apply")
    lines = {unescaped(line) for line in apply.sudoers if not line.startswith("#")}
    wanted = {
        f"/usr/bin/{' '.join(command.call(**values).argv)}"
        for command in ADDED_COMMANDS
        for values in command.usual
    }
    assert lines == wanted
    assert any("/v3/maintenance/snapshot" in line for line in lines)
    assert not set(survey.sudoers) & set(apply.sudoers)


def test_swap_grants_what_is_asked_for_before_a_swap_begins() -> None:
    """Each of `swap_rights` by a rule: its kinds are the resources' names in the singular."""
    granted = granted_by(permissions("swap").workload)
    asked = {(right.kind.lower(), right.verb) for right in swap_rights(drains=True, measures=True)}
    assert asked | {("pods/eviction", "create"), ("pods/log", "get")} == granted


def test_swap_grants_in_the_management_cluster_what_is_asked_for_where_cluster_api_has_the_cluster() -> None:
    kinds = ("OpenStackMachine", "KubeadmConfig", "KubeadmControlPlane", "KubeadmConfigTemplate")
    edits = tuple(
        PlannedEdit(object=f"{kind}/a", api_version="g/v1", at="/spec", was="a", becomes="b")
        for kind in kinds
    )
    pauses = ("KubeadmControlPlane/a", "MachineSet/a", "MachineDeployment/a")
    template = PlannedTemplate(
        name="b", like="a", api_version="g/v1", image={}, image_was="", image_becomes=""
    )
    part = ClusterApiPart(
        namespace="fleet",
        version="v1.14.0",
        templates=(template,),
        alignments=(Alignment(keeper="KubeadmControlPlane/a", pauses=pauses, edits=edits),),
    )
    asked = align_rights(part)
    assert {right.namespace for right in asked} == {"fleet"}
    assert {(right.kind.lower(), right.verb) for right in asked} == granted_by(permissions("swap").management)


def granted_by(manifests: tuple[dict[str, Any], ...]) -> set[tuple[str, str]]:
    return {
        (resource.removesuffix("s"), verb)
        for rule in rules(manifests)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_swap_adds_every_command_of_a_swap_that_needs_root() -> None:
    lines = {unescaped(line) for line in permissions("swap").sudoers if not line.startswith("#")}
    wanted = {
        f"/usr/bin/{' '.join(command.call(**values).argv)}"
        for command in (*swap_commands.ADDED_COMMANDS, ETCD_SNAPSHOT)
        for values in command.usual
    }
    assert lines == wanted


@pytest.mark.parametrize("purpose", ["survey", "apply", "swap"])
def test_no_line_of_sudoers_holds_a_wildcard_or_leaves_arguments_open(purpose) -> None:
    for line in permissions(purpose).sudoers:
        if line.startswith("#"):
            continue
        assert line.startswith("replank ALL=(root) NOPASSWD: /usr/bin/")
        command = line.partition("NOPASSWD: ")[2]
        assert not re.search(r"(?<!\\)[*?\[\]!,:=]", command), line
        assert " " in command, "a command without arguments allows any"
        assert "  " not in command, "sudoers joins runs of spaces"


def test_survey_never_grants_a_key_to_be_read() -> None:
    for line in permissions("survey").sudoers:
        if not line.startswith("#"):
            assert ".key" not in line or "/curl " in line


def test_every_command_says_what_it_is_for() -> None:
    lines = permissions("survey").sudoers
    for before, line in itertools.pairwise(lines):
        assert line.startswith("#") or before.startswith(("#", "replank"))
    assert lines[0].startswith("#")


def test_permissions_are_the_same_each_time() -> None:
    first, second = permissions("survey", ssh_user="ops"), permissions("survey", ssh_user="ops")
    assert first == second
    assert isinstance(first, Permissions)
    assert all(line.startswith(("#", "ops ALL=")) for line in first.sudoers)
