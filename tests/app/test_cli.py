"""The command line as a shell sees it: data on stdout, words on stderr, and the documented exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from replank.app.cli import COMMANDS, main
from replank.audit.catalogue import catalogue
from replank.testbed.fleet.demo import demo_world
from replank.testbed.twin import Twin

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


@pytest.fixture
def replank(capsys: pytest.CaptureFixture[str]):
    """Runs a command in this process."""

    def run(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(ended.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A surveyed and planned demo fleet; the twin is up."""
    folder = tmp_path_factory.mktemp("work")
    with Twin(demo_world(1), folder):
        for line in (["survey"], ["plan", "takeover", "--out", folder / "plans"]):
            with pytest.raises(SystemExit) as ended:
                main([str(word) for word in [*line, *where(folder)]])
            assert ended.value.code == 2, "the flawed cluster needs attention"
        yield folder


def where(work: Path) -> list[object]:
    return ["--fleet", work / "fleet.yaml", "--snapshots", work / "s"]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_and_the_one_line_of_the_list(replank, command):
    done = replank(command, "--help")
    assert done.status == 0
    assert done.out.startswith("Usage: replank")
    assert COMMANDS[command][1] in replank("--help").out.replace("\n" + " " * 15, " ")


def test_commands_and_options_in_the_readme_exist(replank):
    text = (ROOT / "README.md").read_text()
    blocks = "".join(re.findall(r"^```\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    lines = re.findall(r"^replank ([a-z]+)([^#\n]*)", blocks, flags=re.MULTILINE)
    assert len(lines) >= 5
    for command, rest in lines:
        assert command in COMMANDS
        named = [word for word in rest.split()[:1] if command in ("plan", "audit") and word.isalpha()]
        told = replank(command, *named, "--help").out
        assert [option for option in re.findall(r"--[a-z]+", rest) if option not in told] == []


def test_a_mistake_in_the_command_line_is_an_error_and_not_attention(replank):
    assert replank("bogus").status == 1
    assert replank("survey", "--parallel", "0").status == 1
    assert "Traceback" not in replank("show", "no-such-plan.yaml").err


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_explain_prints_the_text_and_source_of_every_code(replank, code):
    done = replank("explain", code.lower(), "--json")
    text = json.loads(done.out)
    assert (text["code"], bool(text["text"]), bool(text["source"])) == (code, True, True)


def test_explain_knows_what_it_does_not_know(replank):
    done = replank("explain", "RP999")
    assert done.status == 1
    assert "RP005" in done.err
    assert done.out == ""


@pytest.mark.parametrize("purpose", ["survey", "apply"])
def test_permissions_are_the_same_in_yaml_and_json(replank, purpose):
    printed = YAML(typ="safe").load(replank("permissions", purpose).out)
    assert printed == json.loads(replank("permissions", purpose, "--json").out)


def test_survey_rights_are_read_only(replank):
    rights = json.loads(replank("permissions", "survey", "--json").out)
    verbs = {
        verb
        for objects in rights.values()
        if isinstance(objects, list)
        for item in objects
        if isinstance(item, dict)
        for rule in item.get("rules", [])
        for verb in rule["verbs"]
    }
    assert verbs
    assert verbs <= {"get", "list"}


def test_audit_says_by_its_exit_status_whether_findings_stand(replank, work):
    assert replank("audit", *where(work)).status == 2
    assert replank("audit", "plain", *where(work)).status == 0
    assert replank("audit", "plain", "--fail-on", "risk", *where(work)).status == 2
    assert replank("audit", "--fail-on", "never", *where(work)).status == 0


def test_a_later_day_finds_certificates_near_their_end(replank, work):
    def near(*more: object) -> set[str]:
        done = replank("audit", "plain", "--json", "--fail-on", "never", *more, *where(work))
        return {f["code"] for f in json.loads(done.out)["plain"]}

    assert "RP212" not in near()
    assert "RP212" in near("--at", "2027-09-01")
    assert replank("audit", "--at", "tomorrow", *where(work)).status == 1


def test_survey_json_lists_machines_roles_and_evidence(replank, work):
    fleet = ["--fleet", work / "fleet.yaml"]
    done = replank("survey", "plain", "--offline", "--json", *fleet, "--snapshots", work / "o")
    assert done.status == 2, "offline, most is unknown"
    (cluster,) = json.loads(done.out)
    roles = sorted(machine["role"] for machine in cluster["machines"])
    assert roles == ["control-plane"] * 3 + ["worker"] * 2
    assert all(machine["evidence"] for machine in cluster["machines"])


def test_a_second_survey_of_the_same_world_differs_in_nothing(replank, work):
    replank("survey", "plain", *where(work))
    first, *_, last = sorted((work / "s" / "plain").iterdir())
    assert first != last
    assert first.read_bytes() == last.read_bytes()
    assert replank("diff", first, last).status == 0


def test_diff_of_two_plans_tells_in_words_and_by_exit_status(replank, work, tmp_path):
    plain, groups = (work / "plans" / f"{name}.takeover.yaml" for name in ("plain", "groups"))
    assert replank("diff", plain, plain).status == 0
    done = replank("diff", plain, groups, "--json")
    assert done.status == 2
    assert {change["area"].lower() for change in json.loads(done.out)} >= {"machines", "manifests"}


def test_the_same_snapshot_gives_the_same_plan_byte_for_byte(replank, work):
    again = work / "again"
    assert replank("plan", "takeover", "groups", "--out", again, *where(work)).status == 0
    name = "groups.takeover.yaml"
    assert (again / name).read_bytes() == (work / "plans" / name).read_bytes()


def test_show_writes_page_and_manifests_and_prints_json(replank, work, tmp_path):
    plan = work / "plans" / "plain.takeover.yaml"
    assert "plain" in replank("show", plan).out
    assert json.loads(replank("show", plan, "--json").out)["cluster"] == "plain"
    done = replank("show", plan, "--html", tmp_path / "p.html", "--manifests", tmp_path / "m")
    assert (done.status, done.out) == (0, "")
    assert (tmp_path / "p.html").read_text().startswith("<!DOCTYPE html>")
    assert len(list((tmp_path / "m").iterdir())) >= 4


def test_show_writes_what_terraform_must_forget_for_nobody_else_to_read(replank, work, tmp_path):
    plan = work / "plans" / "plain.takeover.yaml"
    assert "--forget DIR" in replank("show", plan).out
    done = replank("show", plan, "--forget", tmp_path / "f")
    assert (done.status, done.out) == (0, "")
    (state,) = (tmp_path / "f").iterdir()
    names = {path.name for path in state.iterdir()}
    assert names >= {"README.md", "state-rm.sh", "restore.sh", "import.tf", "import.sh"}
    assert {path.stat().st_mode & 0o777 for path in state.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (state, state.parent)} == {0o700}


def test_an_edited_plan_is_refused_by_its_own_hash(replank, work, tmp_path):
    edited = tmp_path / "plan.yaml"
    text = (work / "plans" / "plain.takeover.yaml").read_text()
    assert "replicas: 3" in text
    edited.write_text(text.replace("replicas: 3", "replicas: 1"))
    done = replank("show", edited)
    assert done.status == 1
    assert "RP035" in done.err


def test_init_writes_a_fleet_file_that_loads_and_overwrites_none(replank, work, tmp_path):
    out = tmp_path / "fleet.yaml"
    assert replank("init", "--from", work, "--out", out).status == 0
    before = out.read_bytes()
    refused = replank("init", "--out", out)
    assert (refused.status, "RP007" in refused.err) == (1, True)
    assert out.read_bytes() == before
    done = replank("survey", "--offline", "--fleet", out, "--snapshots", tmp_path / "s")
    assert done.status == 2
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["flawed", "groups", "plain"]


@pytest.mark.parametrize("what", ["snapshot", "plan"])
def test_schemas_are_json_schemas(replank, what):
    assert "$defs" in json.loads(replank("schema", what).out)


def test_the_demo_does_not_empty_a_folder_that_it_did_not_make(replank, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    done = replank("demo", "--dir", tmp_path)
    assert (done.status, "RP091" in done.err) == (1, True)
    assert (tmp_path / "mine.txt").read_text() == "keep"
