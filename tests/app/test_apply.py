"""`replank apply` and the commands around it, with a scripted engine and a true survey of the twin."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from apply_site import ApplySite
from fake_engine import FakeProbes

from replank.app.wiring import live_readers
from replank.domain.errors import Refused
from replank.plan import codec
from replank.plan.model import PlanFinding


def results(out: str) -> dict[str, dict[str, str]]:
    return {row["cluster"]: row for row in json.loads(out)}


def codes(out: str) -> dict[str, str]:
    return {name: row.get("code", "") for name, row in results(out).items()}


def test_a_folder_of_plans_is_carried_out_and_reported(applying: ApplySite):
    for cluster in "ab":
        applying.approve_all(cluster)
    done = applying.apply(applying.site.folder / "plans", "--yes", "--json")
    assert done.status == 0, done.err
    assert {name: row["status"] for name, row in results(done.out).items()} == {"a": "done", "b": "done"}
    for row in results(done.out).values():
        assert (applying.reports / f"{row['run']}.html").is_file()
        assert json.loads((applying.reports / f"{row['run']}.json").read_text())
        assert done.names(f"{row['run']}.html")


def test_nothing_is_begun_without_yes_where_nobody_can_be_asked(applying: ApplySite):
    done = applying.apply(applying.plan("b"))
    assert (done.status, "RP855" in done.err, "--yes" in done.err) == (1, True, True)
    assert applying.engine.order == []


def test_only_yes_begins(applying: ApplySite):
    applying.answer("y")
    assert applying.apply(applying.plan("b")).status == 1
    assert applying.engine.order == []
    applying.answer("yes", *["b"] * 9)
    assert applying.apply(applying.plan("b")).status == 0


def test_the_typed_name_approves_as_who_the_systems_say_we_are(applying: ApplySite):
    typed = applying.answer("yes", *["b"] * 9)
    assert applying.apply(applying.plan("b"), "--json").status == 0
    assert len(typed.asked) > 1
    for _, words, who, how in applying.engine.approvals:
        assert len(words) == 1
        assert who == "jane@mgmt (Kubernetes), jane@legacy (Keystone)"
        assert how == "typed cluster name"


def test_another_name_leaves_the_run_waiting_and_says_how_to_go_on(applying: ApplySite):
    applying.answer("yes", "a")
    done = applying.apply(applying.plan("b"), "--json")
    row = results(done.out)["b"]
    assert (done.status, row["status"]) == (2, "waiting-for-approval")
    assert f"replank resume {row['run']}" in done.said
    assert "replank approve" in done.said
    assert applying.engine.approvals == []


def test_off_a_terminal_a_point_of_no_return_waits_with_exit_2(applying: ApplySite):
    done = applying.apply(applying.plan("b"), "--yes")
    assert (done.status, "replank approve" in done.said) == (2, True)
    assert applying.run("approve --yes", applying.plan("b")).status == 0
    again = applying.apply(applying.plan("b"), "--yes", "--json")
    assert again.status == 0
    assert len(applying.engine.journal.kept) == 1, "the same run went on"


def test_approve_binds_to_the_plan_and_names_who(applying: ApplySite):
    done = applying.run("approve --yes --json", applying.plan("b"))
    written = json.loads(applying.plan("b").with_name("b.takeover.yaml.approval.json").read_text())
    assert json.loads(done.out) == written
    assert written["who"] == {"kubernetes": "jane@mgmt", "openstack": "jane@legacy"}
    assert "credential-that-can-write" in written["words"]


def test_approve_wants_the_clusters_name(applying: ApplySite):
    applying.answer("a")
    assert applying.run("approve", applying.plan("b")).status == 2
    assert not list((applying.site.folder / "plans").glob("*.approval.json"))


def test_an_approval_of_another_plan_is_refused_before_anything_begins(applying: ApplySite):
    applying.approve_all("b")
    applying.rewrite("b", made_by="replank of tomorrow")
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"b": "RP844"})
    assert applying.engine.order == []


@pytest.mark.parametrize("damage", ["", "[]", '{"schema": "replank.approval/v9"}', '{"words": ["*"]}'])
def test_a_damaged_approval_is_refused(applying: ApplySite, damage: str):
    applying.plan("b").with_name("b.takeover.yaml.approval.json").write_text(damage)
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"b": "RP843"})


def test_a_plan_that_is_not_ready_names_its_blockers_and_the_other_goes_on(applying: ApplySite):
    blocker = PlanFinding(
        code="RP207",
        severity="blocker",
        subject="etcd member etcd2",
        evidence=("x",),
        consequence="y",
        remedy="z",
    )
    applying.rewrite("a", ready=False, findings=(blocker,))
    applying.approve_all("b")
    done = applying.apply(applying.site.folder / "plans", "--yes", "--json")
    rows = results(done.out)
    assert (done.status, rows["b"]["status"]) == (1, "done")
    assert (rows["a"]["code"], "RP207 etcd member etcd2" in rows["a"]["why"]) == ("RP842", True)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("replank.plan/v1", "replank.plan/v9", "RP033"),
        ("replicas: 1", "replicas: 3", "RP035"),
        ("made_by:", "made_buy:", "RP034"),
        ("schema: replank.plan/v1", ": [", "RP032"),
    ],
)
def test_a_plan_of_another_schema_or_edited_by_hand_is_refused(applying: ApplySite, old, new, code):
    text = applying.plan("b").read_text()
    assert old in text
    applying.plan("b").write_text(text.replace(old, new))
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, [row["code"] for row in json.loads(done.out)]) == (1, [code])
    assert applying.engine.order == []


def test_a_cluster_that_fleet_yaml_does_not_know_is_refused(applying: ApplySite):
    applying.plan("b").write_text(codec.dump(replace(applying.loaded("b"), cluster="z")))
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"z": "RP004"})


def test_two_plans_for_one_cluster_are_both_refused(applying: ApplySite, tmp_path):
    other = tmp_path / "other.takeover.yaml"
    other.write_bytes(applying.plan("b").read_bytes())
    done = applying.apply(applying.plan("b"), other, "--yes")
    assert (done.status, "RP841" in done.err) == (1, True)
    assert applying.engine.order == []


def test_an_empty_folder_is_refused(applying: ApplySite, tmp_path):
    done = applying.apply(tmp_path, "--yes")
    assert (done.status, "RP840" in done.err) == (1, True)


def test_drift_is_shown_and_refused_before_the_first_write(applying: ApplySite):
    plan = applying.loaded("b")
    machines = list(plan.machines)
    manifests = json.loads(json.dumps(plan.manifests))
    manifests["Cluster/b"]["spec"]["controlPlaneEndpoint"]["port"] = 7443
    applying.rewrite("b", manifests=manifests, machines=tuple(machines[:-1]))
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"b": "RP853"})
    assert "7443" in done.err
    assert machines[-1].machine in done.err
    assert applying.engine.order == []


def test_a_setting_changed_in_fleet_yaml_is_drift_too(applying: ApplySite):
    fleet = applying.site.fleet
    fleet.write_text(fleet.read_text().replace("defaults:\n", "defaults:\n  rename_servers: true\n", 1))
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert codes(done.out) == {"b": "RP853"}
    assert "rename servers" in done.said


def test_a_cluster_that_cannot_be_seen_now_is_not_touched(applying: ApplySite):
    applying.world.readers = lambda: live_readers(parallel=8, timeout_s=20)
    applying.site.kubeconfig.write_text("nonsense: [")
    done = applying.apply(applying.plan("a"), "--yes", "--json")
    assert codes(done.out) == {"a": "RP853"}
    assert applying.engine.order == []


def test_all_missing_rights_are_listed_at_once(applying: ApplySite):
    rights = [f"management cluster: {verb} machines in namespace b" for verb in ("get", "create", "patch")]
    applying.world.missing["b"] = rights
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    row = results(done.out)["b"]
    assert row["code"] == "RP854"
    assert [right for right in rights if right not in row["why"]] == []
    assert "replank permissions apply" in row["todo"]


def test_a_management_cluster_takes_two_hundred_clusters_and_no_more(applying: ApplySite):
    applying.world.clusters_there = 199
    for cluster in "ab":
        applying.approve_all(cluster)
    done = applying.apply(applying.site.folder / "plans", "--yes", "--json")
    assert sorted(codes(done.out).values()) == ["", "RP852"]
    more = applying.apply(applying.site.folder / "plans", "--yes", "--json", "--most-clusters", "201")
    assert {row["status"] for row in results(more.out).values()} == {"rejected", "done"}, (
        "one is there already"
    )


def test_a_stage_that_the_plan_does_not_have_is_refused(applying: ApplySite):
    done = applying.apply(applying.plan("b"), "--yes", "--until", "nowhere")
    assert (done.status, "RP806" in done.err, "settle" in done.err) == (1, True, True)


def test_until_stops_after_the_stage_and_apply_goes_on_from_there(applying: ApplySite):
    applying.approve_all("b")
    plan = applying.loaded("b")
    stages = [stage.name for stage in plan.stages]
    assert applying.apply(applying.plan("b"), "--yes", "--until", stages[1]).status == 0
    (run_id,) = applying.engine.journal.kept
    first = applying.done_steps(run_id)
    assert first == {step.id for stage in plan.stages[:2] for step in stage.steps}
    assert applying.apply(applying.plan("b"), "--yes").status == 0
    assert list(applying.engine.journal.kept) == [run_id]
    usual = [stage for stage in plan.stages if not stage.on_request]
    assert applying.done_steps(run_id) == {step.id for stage in usual for step in stage.steps}


def test_a_cluster_that_is_taken_over_is_not_taken_over_again(applying: ApplySite):
    applying.approve_all("b")
    assert applying.apply(applying.plan("b"), "--yes").status == 0
    same = applying.apply(applying.plan("b"), "--yes", "--json")
    applying.rewrite("b", made_by="another")
    applying.approve_all("b")
    other = applying.apply(applying.plan("b"), "--yes", "--json")
    for done in (same, other):
        assert (done.status, codes(done.out)) == (1, {"b": "RP850"})
    assert len(applying.engine.journal.kept) == 1


def test_another_plan_waits_until_the_first_is_at_an_end(applying: ApplySite):
    assert applying.apply(applying.plan("b"), "--yes").status == 2
    applying.rewrite("b", made_by="another")
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert codes(done.out) == {"b": "RP851"}
    assert "replank undo" in done.said


def test_the_canary_goes_first_and_its_refusal_keeps_the_others_back(applying: ApplySite):
    for cluster in "ab":
        applying.approve_all(cluster)
    first = applying.loaded("b").stages[0].steps[0].id
    applying.engine.scripts["b", first] = "refuse"
    done = applying.apply(applying.site.folder / "plans", "--yes", "--json", "--canary", "b")
    rows = results(done.out)
    assert (done.status, rows["b"]["status"], rows["a"]["status"]) == (1, "refused", "not-begun")
    assert rows["b"]["why"] == f"{first}: RP830 x: the port is not where it was. y"
    assert applying.engine.order == ["b"]
    assert f"replank undo {rows['b']['run']}" in done.said


def test_one_cluster_that_is_refused_does_not_stop_the_other(applying: ApplySite):
    for cluster in "ab":
        applying.approve_all(cluster)
    applying.engine.scripts["b", applying.loaded("b").stages[0].steps[0].id] = "refuse"
    done = applying.apply(applying.site.folder / "plans", "--yes", "--json")
    assert {name: row["status"] for name, row in results(done.out).items()} == {"a": "done", "b": "refused"}
    assert applying.engine.most_at_once == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_pauses_after_the_running_step_and_says_how_to_go_on(applying: ApplySite, number):
    applying.approve_all("b")
    stages = [stage for stage in applying.loaded("b").stages if not stage.on_request]
    steps = [step.id for stage in stages for step in stage.steps]
    third = steps[2]

    def interrupt(_cluster: str, step: object) -> None:
        if step.id == third:  # type: ignore[attr-defined]
            os.kill(os.getpid(), number)

    applying.engine.at_step = interrupt
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    row = results(done.out)["b"]
    assert (done.status, row["status"]) == (2, "paused")
    done_steps = applying.done_steps(row["run"])
    assert set(steps[:3]) <= done_steps
    assert len(done_steps) < len(steps)
    assert f"replank resume {row['run']}" in done.said
    applying.engine.at_step = lambda cluster, step: None
    assert applying.run("resume", "b", "--reports", applying.reports).status == 0
    assert applying.done_steps(row["run"]) == set(steps)


def test_a_journal_that_is_full_is_told_and_leaves_no_traceback(applying: ApplySite):
    applying.engine.journal.full = True
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"b": "RP001"})
    assert "No space left" in done.said


@pytest.mark.parametrize(("code", "last"), [("RP813", "paused"), ("RP817", "run-started")])
def test_a_run_that_cannot_be_carried_on_does_not_stand_as_being_at_work(applying: ApplySite, code, last):
    """But for one that another process is carrying on."""
    applying.engine.refuses = Refused(code, "Another run holds this cluster", "it is alive", "Wait.")
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out)) == (1, {"b": code})
    (kept,) = applying.engine.journal.kept.values()
    assert kept[1][-1].kind == last


def test_stdout_is_data_and_nothing_else(applying: ApplySite):
    applying.approve_all("b")
    assert applying.apply(applying.plan("b"), "--yes").out == ""


@pytest.mark.parametrize("dies", [False, True])
def test_probes_run_around_the_run_and_their_result_is_in_journal_and_report(applying: ApplySite, dies):
    probes = applying.world.probes = FakeProbes(dies=dies)
    applying.approve_all("b")
    applying.engine.at_step = lambda cluster, step: probes.events.append("step")
    done = applying.apply(applying.plan("b"), "--yes", "--json", "--probe")
    row = results(done.out)["b"]
    assert (done.status, row["status"], "RP984" in done.err) == (0, "done", dies)
    assert probes.events[:3] == ["opened", "baseline", "step"]
    assert probes.events[-2:] == ["step", "closed"]
    assert applying.engine.journal.kept[row["run"]][1][-1].kind == "probe"
    report = json.loads((applying.reports / f"{row['run']}.json").read_text())
    assert report["probe"]["complete"] is not dies


def test_without_its_probes_the_run_does_not_begin(applying: ApplySite):
    applying.approve_all("b")
    done = applying.apply(applying.plan("b"), "--yes", "--json", "--probe")
    assert (done.status, codes(done.out)) == (1, {"b": "RP983"})
    assert applying.engine.journal.kept == {}


def test_without_upstreams_judge_nothing_begins_unless_somebody_approves_of_ours(applying: ApplySite):
    applying.approve_all("b")
    applying.world.judge = "replank"
    done = applying.apply(applying.plan("b"), "--yes", "--json")
    assert (done.status, codes(done.out), "would-roll/" in done.said) == (1, {"b": "RP859"}, True)
    assert applying.engine.journal.kept == {}
    done = applying.apply(applying.plan("b"), "--yes", "--json", "--judged-by-replank")
    assert (done.status, results(done.out)["b"]["status"]) == (0, "done")
    given = [a for a in applying.engine.approvals if "judged-by-replank" in a[1]]
    (approved,) = given
    assert approved[2:] == ("jane@mgmt (Kubernetes), jane@legacy (Keystone)", "--judged-by-replank")
