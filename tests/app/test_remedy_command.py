"""`replank remedy` as a shell sees it, over a real API server's answers."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from remedy_site import (
    FILEBEAT,
    HUNTED,
    MAP,
    ON_DOCKER,
    WITHOUT,
    Desk,
    Make,
    config_map,
    daemon_set,
    more_maps,
)

from replank.inventory.log_agents.agent import AgentKind
from replank.inventory.log_agents.mounted import Texts
from replank.inventory.log_agents.workload import AgentContainer, AgentWorkload
from replank.migrations.runtime_swap.log_agents import changes
from replank.migrations.runtime_swap.log_agents.remedy import Remedy
from replank.migrations.runtime_swap.log_agents.remedy import remedy as true_remedy
from replank.survey.permissions import permissions
from replank.testbed.fleet.generate import generate
from replank.testbed.serve.kubernetes.access import Denied
from replank.testbed.serve.kubernetes.faults import Fault
from replank.testbed.twin import Twin
from replank.testbed.world import Document


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Make]:
    """Opens a desk; every secret that was planted is hunted in all that was said, recorded and left."""
    opened: list[Desk] = []

    @contextmanager
    def site(bend: Callable[[list[Document]], None]) -> Iterator[Desk]:
        world = generate(3, (ON_DOCKER, WITHOUT), datetime.now(UTC))
        bend(world.clusters[0].api.objects)
        with Twin(world, tmp_path) as twin:
            yield Desk(twin, tmp_path, capsys, [])

    stack = []

    def make(bend: Callable[[list[Document]], None] = lambda _: None) -> Desk:
        context = site(bend)
        opened.append(context.__enter__())
        stack.append(context)
        return opened[-1]

    yield make
    for place in opened:
        texts = [*place.texts, *(path.read_text() for path in place.records())]
        assert sum(map(len, texts)) > 50
        secrets = [*place.twin.world.planted_secrets, HUNTED]
        assert any("planted-" in secret for secret in secrets)
        assert [secret for secret in secrets for text in texts if secret in text] == []
    for context in stack:
        context.__exit__(None, None, None)


def test_without_apply_agents_are_judged_and_nothing_is_changed(desk: Make) -> None:
    place = desk()
    before = place.text()
    done = place.run()
    assert done.status == 2
    assert "DaemonSet/fluent-bit, container fluent-bit" in done.out
    assert "reads Docker's lines only" in done.out
    assert "-    Parser            docker" in done.out
    assert "+    multiline.parser  docker, cri" in done.out
    assert "kubectl -n logging rollout restart daemonset/fluent-bit" in done.said
    assert "new: 0 log agents" in done.out
    assert "looking at its log agents" in done.err
    assert "looking at" not in done.out
    assert (place.text(), place.writes(), place.records()) == (before, [], [])


def test_json_has_the_same(desk: Make) -> None:
    found = desk().json(status=2)
    assert set(found) == {"old", "new"}
    (agent,) = found["old"]["agents"]
    assert (agent["workload"], agent["reads"], agent["done"]) == ("DaemonSet/fluent-bit", "docker", False)
    (changed,) = found["old"]["config_maps"]
    assert "+    multiline.parser  docker, cri" in changed["diffs"][0]
    assert (found["old"]["written"], found["old"]["record"], changed["hindrances"]) == ([], "", [])


def test_a_cluster_in_which_nothing_is_to_be_done_is_status_0(desk: Make) -> None:
    assert desk().run("new").status == 0


def test_apply_writes_exactly_what_was_shown_and_leaves_a_private_record(desk: Make) -> None:
    place = desk()
    before, parsers = place.text(), place.text("parsers.conf")
    done = place.run("old", "--apply", answer=lambda: "old")
    assert done.status == 0
    assert "Parser            docker" in before
    assert place.text() == before.replace("Parser            docker", "multiline.parser  docker, cri")
    assert place.text("parsers.conf") == parsers
    assert place.writes() == [f"PATCH {MAP}"]
    (record,) = place.records()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert record.name in "".join(done.out.split())
    assert place.run("old").status == 0, "it reads both by now"


def test_undo_puts_back_every_byte_and_done_again_changes_nothing(desk: Make) -> None:
    def bend(objects: list[Document]) -> None:
        data = config_map(objects)["data"]
        data["fluent-bit.conf"] = data["fluent-bit.conf"].replace("\n", "\r\n").rstrip()

    place = desk(bend)
    before = place.text()
    place.run("old", "--apply", "--yes")
    (record,) = place.records()
    assert place.text() != before
    done = place.run("old", "--undo", record, answer=lambda: "old")
    assert done.status == 0
    assert "+    Parser            docker" in done.out
    assert place.text() == before
    assert len(place.writes()) == 2
    again = place.json("old", "--undo", record, "--yes", status=0)
    assert [found["outcome"] for found in again["places"]] == ["as before"]
    assert len(place.writes()) == 2


@pytest.mark.parametrize("word", ["yes", "", "new"])
def test_another_word_than_the_clusters_name_writes_nothing(desk: Make, word: str) -> None:
    place = desk()
    assert place.run("old", "--apply", answer=lambda: word).status == 2
    assert (place.writes(), place.records()) == ([], [])


def test_where_nobody_can_be_asked_nothing_is_written(desk: Make) -> None:
    place = desk()
    done = place.run("old", "--apply")
    assert (done.status, "RP855" in done.err, place.writes()) == (1, True, [])


def test_who_is_asked_sees_the_diff_though_stdout_is_json(desk: Make) -> None:
    place = desk()
    done = place.run("old", "--apply", "--json", answer=lambda: "old")
    assert "+    multiline.parser" in done.err
    assert json.loads(done.out)["old"]["written"] == ["logging/fluent-bit"]


def test_a_change_while_asked_is_not_overwritten(desk: Make) -> None:
    place = desk()

    def answer() -> str:
        place.edit(lambda found: found["data"].update({"fluent-bit.conf": "[INPUT]\n    Name tail\n"}))
        return "old"

    done = place.run("old", "--apply", answer=answer)
    assert (done.status, "RP962" in done.err) == (1, True)
    assert (place.text(), place.writes(), place.records()) == ("[INPUT]\n    Name tail\n", [], [])


def test_a_change_between_the_last_look_and_the_write_is_a_conflict(desk: Make) -> None:
    place = desk()
    place.edit(lambda found: found["data"].update({"other": "x"}), when="PATCH")
    before = place.text()
    done = place.run("old", "--apply", "--yes")
    assert (done.status, "RP962" in done.err) == (1, True)
    assert place.text() == before
    assert place.text("other") == "x"
    (record,) = place.records()
    told = place.json("old", "--undo", record, "--yes", status=0)
    assert [found["outcome"] for found in told["places"]] == ["as before"]


def test_undo_refuses_a_place_that_has_changed_meanwhile(desk: Make) -> None:
    place = desk()
    place.run("old", "--apply", "--yes")
    (record,) = place.records()
    mine = place.text().replace("docker, cri", "cri")
    place.edit(lambda found: found["data"].update({"fluent-bit.conf": mine}))
    told = place.json("old", "--undo", record, "--yes", status=1)
    assert [(found["outcome"], found["code"]) for found in told["places"]] == [("refused", "RP964")]
    assert place.text() == mine
    assert len(place.writes()) == 1


def test_undo_keeps_what_others_changed_elsewhere(desk: Make) -> None:
    place = desk()
    before = place.text()
    place.run("old", "--apply", "--yes")
    (record,) = place.records()
    mine = place.text().replace("Match             *", "Match             kube.*")
    place.edit(lambda found: found["data"].update({"fluent-bit.conf": mine}))
    assert place.run("old", "--undo", record, "--yes").status == 0
    assert place.text() == before.replace("Match             *", "Match             kube.*")


def test_undo_does_not_touch_a_config_map_that_was_made_anew(desk: Make) -> None:
    place = desk()
    place.run("old", "--apply", "--yes")
    (record,) = place.records()
    document = json.loads(record.read_text())
    document["config_maps"][0]["uid"] = "another"
    record.write_text(json.dumps(document))
    after = place.text()
    told = place.json("old", "--undo", record, "--yes", status=1)
    assert told["places"][0]["code"] == "RP964"
    assert place.text() == after


def test_a_record_is_of_its_cluster_and_as_it_was_written(desk: Make) -> None:
    place = desk()
    place.run("old", "--apply", "--yes")
    (record,) = place.records()
    assert "RP963" in place.run("new", "--undo", record, "--yes").err
    bent = place.folder / "bent.json"
    bent.write_text(record.read_text().replace('"hunks"', f'"{HUNTED}"').replace("4", f'"{HUNTED}"'))
    done = place.run("old", "--undo", bent, "--yes")
    assert (done.status, "RP963" in done.err) == (1, True)
    assert "RP002" in place.run("old", "--undo", place.folder / "none.json").err
    assert place.run("--undo", record).status == 1
    assert place.run("old", "--undo", record, "--apply").status == 1
    assert len(place.writes()) == 1


HELM = {"labels": {"app.kubernetes.io/managed-by": "Helm"}}
ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "a:b"}}
FLUX = {"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}


@pytest.mark.parametrize(
    ("metadata", "keeper"), [(HELM, "Helm"), (ARGO, "Argo CD"), (FLUX, "Flux (Kustomization) x")]
)
def test_what_helm_or_gitops_keep_is_written_only_where_that_is_said(
    desk: Make, metadata: Document, keeper: str
) -> None:
    place = desk(lambda objects: config_map(objects)["metadata"].update(metadata))
    done = place.run("old")
    assert "RP961" in done.out
    assert f"{keeper} keeps it and will write over the change" in done.said
    assert place.run("old", "--apply", "--yes").status == 2
    assert (place.writes(), place.records()) == ([], [])
    assert place.run("old", "--apply", "--managed", "--yes").status == 0
    assert place.writes() == [f"PATCH {MAP}"]


def test_an_immutable_config_map_is_not_tried(desk: Make) -> None:
    place = desk(lambda objects: config_map(objects).update({"immutable": True}))
    done = place.run("old", "--apply", "--managed", "--yes")
    assert (done.status, "RP967" in done.out, place.writes()) == (2, True, [])


def test_a_line_that_may_be_a_secret_is_not_changed_for_no_record_may_keep_it(desk: Make) -> None:
    def bend(objects: list[Document]) -> None:
        data = config_map(objects)["data"]
        line = "    Parser            docker\n"
        data["fluent-bit.conf"] = data["fluent-bit.conf"].replace(
            line, f"    Parser  {HUNTED}-0123456789abcd\n"
        )
        data["parsers.conf"] = data["parsers.conf"].replace(
            "Name        docker", f"Name        {HUNTED}-0123456789abcd"
        )

    place = desk(bend)
    done = place.run("old", "--apply", "--yes")
    assert (done.status, "RP966" in done.out) == (2, True)
    assert (place.writes(), place.records()) == ([], [])


def second_agent(objects: list[Document]) -> None:
    """Another DaemonSet on the same ConfigMap."""
    source = {"configMap": {"name": "fluent-bit"}}
    objects.append(daemon_set("other", "fluent/fluent-bit:4.0.1", "/fluent-bit/etc", source))


def bent_remedy(monkeypatch: pytest.MonkeyPatch, bend: Callable[[str, str], str]) -> None:
    """The edits of every agent get another text: `bend` of the container's name and the edit's."""

    def bent(workload: AgentWorkload, container: AgentContainer, kind: AgentKind, texts: Texts) -> Remedy:
        made = true_remedy(workload, container, kind, texts)
        edits = tuple(replace(edit, after=bend(container.name, edit.after)) for edit in made.edits)
        return replace(made, edits=edits)

    monkeypatch.setattr(changes, "remedy", bent)


def test_agents_that_share_a_config_map_and_its_remedy_have_it_written_once(desk: Make) -> None:
    place = desk(second_agent)
    found = place.json("old", "--apply", "--yes", status=0)["old"]
    (changed,) = found["config_maps"]
    assert len(changed["agents"]) == 2
    assert place.writes() == [f"PATCH {MAP}"]


def test_agents_that_want_different_changes_of_one_key_are_left_alone(
    desk: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bent_remedy(monkeypatch, lambda name, text: f"{text}# {name}\n")
    place = desk(second_agent)
    done = place.run("old", "--apply", "--managed", "--yes")
    assert (done.status, "RP965" in done.out) == (2, True)
    assert "want different changes of fluent-bit.conf" in done.said
    assert place.writes() == []


def test_a_remedy_that_takes_a_format_from_another_agent_is_not_written(
    desk: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other agent reads one key only, and both formats in it; the remedy of the first spoils that key."""

    def bend(objects: list[Document]) -> None:
        second_agent(objects)
        config_map(objects)["data"]["both.conf"] = (
            "[INPUT]\n    Name tail\n    Path /var/log/containers/*.log\n"
            "    multiline.parser  docker, cri\n    DB /var/log/x.db\n"
        )
        container = objects[-1]["spec"]["template"]["spec"]["containers"][0]
        container["args"] = ["-c", "/fluent-bit/etc/both.conf"]

    def spoiled(workload: AgentWorkload, container: AgentContainer, kind: AgentKind, texts: Texts) -> Remedy:
        made = true_remedy(workload, container, kind, texts)
        if container.name == "other":
            return made
        both = texts[made.edits[0].source]["both.conf"]
        worse = replace(made.edits[0], key="both.conf", before=both, after=both.replace("docker, ", ""))
        return replace(made, edits=(*made.edits, worse))

    place = desk(bend)
    by_name = {agent["container"]: agent["reads"] for agent in place.json("old", status=2)["old"]["agents"]}
    assert by_name == {"fluent-bit": "docker", "other": "both"}
    monkeypatch.setattr(changes, "remedy", spoiled)
    done = place.run("old", "--apply", "--managed", "--yes")
    assert (done.status, "RP965" in done.out) == (2, True)
    assert "would not do so with the change" in done.said
    assert place.writes() == []


def test_what_lies_in_a_secret_is_done_by_hand_and_no_secret_is_read(desk: Make) -> None:
    def bend(objects: list[Document]) -> None:
        objects[:] = [o for o in objects if o is not config_map(objects)]
        secret = {"secret": {"secretName": "beat"}}
        objects.append(daemon_set("beat", "elastic/filebeat:7.17.29", "/usr/share/filebeat", secret))
        about = {"name": "beat", "namespace": "logging", "uid": "uid-secret", "resourceVersion": "9"}
        objects.append(
            {"apiVersion": "v1", "kind": "Secret", "metadata": about, "data": {"filebeat.yml": "eA=="}}
        )

    place = desk(bend)
    done = place.run("old", "--apply", "--yes")
    assert done.status == 2
    assert "By hand (RP431)" in done.out
    assert [path for path in place.twin.api("old").requests if "secrets" in path] == []
    assert place.writes() == []


def test_several_config_maps_are_written_and_taken_back_each(desk: Make) -> None:
    def bend(objects: list[Document]) -> None:
        source = {"configMap": {"name": "beat"}}
        objects.append(daemon_set("beat", "elastic/filebeat:7.17.29", "/usr/share/filebeat", source))
        objects.append(more_maps("beat", **{"filebeat.yml": FILEBEAT}))

    place = desk(bend)
    done = place.run("old", "--apply", "--yes")
    assert "password: ***" in done.out
    assert len(place.writes()) == 2
    assert HUNTED in place.text("filebeat.yml", "beat")
    assert place.text("filebeat.yml", "beat") != FILEBEAT
    (record,) = place.records()
    assert place.run("old", "--undo", record, "--yes").status == 0
    assert place.text("filebeat.yml", "beat") == FILEBEAT


def test_what_was_begun_and_stopped_by_an_error_is_told_and_comes_back(desk: Make) -> None:
    def bend(objects: list[Document]) -> None:
        source = {"configMap": {"name": "beat"}}
        objects.append(daemon_set("beat", "elastic/filebeat:7.17.29", "/usr/share/filebeat", source))
        objects.append(more_maps("beat", **{"filebeat.yml": FILEBEAT}))

    place = desk(bend)
    quoting = f'admission webhook "policy.example.org" denied the request: {HUNTED}'
    place.twin.api("old").faults.append(
        Fault(path=MAP, method="PATCH", status=403, reason="Forbidden", message=quoting)
    )
    done = place.run("old", "--apply", "--yes")
    assert done.status == 1
    assert "RP969" in done.err
    assert "ConfigMap logging/beat" in done.out
    (record,) = place.records()
    assert place.run("old", "--undo", record, "--yes").status == 0
    assert place.text("filebeat.yml", "beat") == FILEBEAT


def test_a_missing_right_to_write_names_the_rights_to_grant(desk: Make) -> None:
    place = desk()
    place.twin.api("old").denied.append(Denied(verb="patch", resource="configmaps"))
    done = place.run("old", "--apply", "--yes")
    assert (done.status, "RP900" in done.err) == (1, True)
    assert "replank permissions remedy" in done.said


def test_a_config_map_that_may_not_be_read_is_work_by_hand(desk: Make) -> None:
    place = desk()
    place.twin.api("old").denied.append(Denied(verb="get", resource="configmaps", namespace="logging"))
    (agent,) = place.json("old", status=2)["old"]["agents"]
    assert (agent["reads"], agent["changes"]) == ("unknown", [])
    assert "could not be read" in agent["by_hand"][0]["why"]


def test_a_listing_that_failed_is_an_error_and_the_other_clusters_are_told(desk: Make) -> None:
    place = desk()
    place.twin.api("old").denied.append(Denied(resource="daemonsets.apps"))
    done = place.run("--json")
    assert (done.status, "RP968" in done.err) == (1, True)
    assert set(json.loads(done.out)) == {"new"}


def test_the_permissions_cover_every_call(desk: Make) -> None:
    place = desk()
    place.run("old", "--apply", "--yes")
    rules: list[Any] = [
        rule
        for manifest in permissions("remedy").workload
        for rule in manifest.get("rules", [])  # type: ignore[union-attr]
    ]
    granted = {
        (group, kind, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for kind in rule["resources"]
        for verb in rule["verbs"]
    }
    assert not any(kind == "secrets" for _, kind, _ in granted)
    api = place.twin.api("old")
    asked = {call(m, path) for m, path in zip(api.methods, api.requests, strict=True)} - {None}
    assert len(asked) >= 8
    assert asked <= granted


def call(method: str, path: str) -> tuple[str, str, str] | None:
    """Group, resource and verb of a request; None for what is no resource."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return None
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    rest = rest[2:] if rest[:1] == ["namespaces"] else rest
    if not rest:
        return None
    return (group, rest[0], {"PATCH": "patch"}.get(method, "get" if rest[1:] else "list"))
