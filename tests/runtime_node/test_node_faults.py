"""Things that go wrong: each ends swapped, undone or not begun, with words on what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from node_plans import CONFIG, NEW, OLD, put_plan
from node_runs import Runs, journal

from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.node.state import NET

BOTH = ["in-place", "switch"]
Make = Callable[[str], Runs]


def staged(runs: Make, strategy: str) -> Runs:
    node = runs(strategy)
    assert node.do("stage")["outcome"] == "staged"
    return node


def assert_told(seen: dict[str, Any], code: str, why: str) -> None:
    assert seen["code"] == code, seen
    assert why in seen["why"], seen
    assert seen["todo"]


@pytest.mark.parametrize("strategy", BOTH)
@pytest.mark.parametrize("how", ["fail", "hang"])
def test_every_single_command_of_the_switch_may_fail_or_hang(runs: Make, strategy: str, how: str) -> None:
    """One after the other, once: the n-th program that `run` starts does not do its work."""
    clean = staged(runs, strategy)
    clean.world.spawned.clear()
    clean.do("run")
    for number in range(len(clean.world.spawned)):
        node = staged(runs, strategy)
        fail_once(node, number, how)
        seen = node.do("run")
        where = f"{number} {clean.world.spawned[number]}: {seen}"
        assert seen["outcome"] in ("swapped", "undone", "staged"), where
        if seen["outcome"] == "swapped":
            node.assert_swapped()
        elif seen["outcome"] == "undone":
            node.assert_undone()
            assert_told(seen, seen["code"], "")
            assert seen["code"] in ("RP495", "RP496"), where
        else:
            assert seen["refused"]["code"] in ("RP490", "RP493"), where
            node.assert_serving(node.world.docker or node.world.cri)
        node.assert_nothing_armed()


@pytest.mark.parametrize("strategy", BOTH)
def test_every_single_command_of_staging_may_fail(runs: Make, strategy: str) -> None:
    clean = staged(runs, strategy)
    number = len(clean.world.spawned)
    while number:
        number -= 1
        node = runs(strategy)
        fail_once(node, number, "fail")
        seen = node.do("stage")
        assert seen["outcome"] in ("", "staged", "undone"), (clean.world.spawned[number], seen)
        if seen["outcome"] == "undone":
            assert_told(seen, "RP491", "")
            node.assert_undone()
        elif not seen["outcome"]:
            assert seen["refused"]["code"] == "RP490"
            node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_every_single_command_of_the_way_back_may_fail_once(runs: Make, strategy: str) -> None:
    clean = staged(runs, strategy)
    clean.do("run")
    clean.world.spawned.clear()
    clean.do("undo")
    for number in range(len(clean.world.spawned)):
        node = staged(runs, strategy)
        node.do("run")
        fail_once(node, number, "fail")
        seen = node.do("undo")
        assert seen["outcome"] == "undone", (clean.world.spawned[number], seen)
        node.assert_undone()


def fail_once(node: Runs, number: int, how: str) -> None:
    node.world.spawned.clear()

    def hook(point: str) -> None:
        now = len(node.world.spawned) - 1
        node.world.faults = {"": how} if point.startswith("before ") and now == number else {}

    node.world.hook = hook


def test_disk_that_is_too_full_for_an_image_stops_staging(runs: Make) -> None:
    node = runs("switch")
    node.plan["switch"]["image_reserve_bytes"] = 1 << 30
    put_plan(node.world, node.plan)
    node.world.free = 1 << 29
    seen = node.do("stage")
    assert seen["refused"]["code"] == "RP490"
    assert "images" in seen["refused"]["why"]
    node.assert_undone()


def test_disk_that_fills_up_while_images_are_copied_takes_staging_back(runs: Make) -> None:
    node = runs("switch")
    node.world.faults = {"save web:1": "full"}
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(
        seen, "RP491", "cannot be imported: failed with 1: ctr: failed to ingest: write: no space left"
    )
    assert "make room" in seen["todo"]
    node.assert_undone()


def test_image_that_cannot_be_exported_takes_staging_back_and_is_named(runs: Make) -> None:
    node = runs("switch")
    node.world.docker_images.pop("web:1")
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP491", "image docker.io/library/web:1 cannot be exported from Docker")
    assert "Pull it again" in seen["todo"]
    node.assert_undone()


def test_images_are_carried_sandbox_first_with_every_name_and_the_pin(runs: Make) -> None:
    node = staged(runs, "switch")
    saved = [line.partition("save ")[2].split()[0] for line in node.world.spawned if " save " in line]
    assert saved == ["registry.k8s.io/pause:3.6", "web:1", "replank.invalid/swap:333333333333"]
    for image in node.plan["switch"]["images"]:
        for name in image["references"]:
            assert node.world.cri_images[name] == image["id"]
    assert node.world.labels == ["registry.k8s.io/pause:3.6"]
    assert not [n for n in [*node.world.docker_images, *node.world.cri_images] if "replank.invalid" in n]


def test_images_that_are_there_by_name_and_id_are_not_copied_again(runs: Make) -> None:
    node = runs("switch")
    images = node.plan["switch"]["images"]
    node.world.cri_images = {name: i["id"] for i in images for name in [i["id"], *i["references"]]}
    node.world.cri_images["docker.io/library/web:1"] = "another"
    node.world.cri_images.pop(images[0]["id"])
    node.do("stage")
    assert [line for line in node.world.spawned if " save " in line] == [
        line for line in node.world.spawned if "save web:1" in line
    ]


@pytest.mark.parametrize("strategy", BOTH)
def test_wrong_cgroup_driver_is_refused_before_anything_is_touched(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    node.world.write("var/lib/kubelet/config.yaml", "cgroupDriver: systemd\n")
    seen = node.do("stage")
    assert seen["refused"]["code"] == "RP490"
    assert "cgroup driver is systemd, planned was cgroupfs" in seen["refused"]["why"]


def test_new_configuration_with_another_cgroup_driver_takes_staging_back(runs: Make) -> None:
    node = runs("switch")
    node.plan["containerd"]["files"][0]["content"] = CONFIG.format(systemd="true")
    node.plan["expected"]["new"] = None
    put_plan(node.world, node.plan)
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP493", "would use the cgroup driver systemd, the kubelet uses cgroupfs")
    node.assert_undone()


def test_effective_configuration_that_was_not_planned_is_named_without_its_values(runs: Make) -> None:
    node = runs("in-place")
    node.plan["expected"]["new"]["plugins.registry.token"] = '"hidden"'
    put_plan(node.world, node.plan)
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP493", "plugins.registry.token")
    assert "hidden" not in (node.base / "journal").read_text() + (node.base / "log").read_text()
    node.assert_undone()


def test_setting_that_nobody_planned_matters_where_the_whole_configuration_is_expected(runs: Make) -> None:
    for whole, outcome in ((True, "undone"), (False, "staged")):
        node = runs("in-place")
        node.plan["expected"]["new"].pop("root")
        node.plan["expected"]["whole"] = whole
        put_plan(node.world, node.plan)
        assert node.do("stage")["outcome"] == outcome


def test_new_containerd_that_does_not_start_leads_back_and_no_pod_notices(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.world.broken = [f"containerd {NEW}"]
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "systemctl restart containerd.service")
    node.assert_undone()
    assert {c["id"]: c["pid"] for c in node.world.cri if c["up"]} == node.pids


def test_unit_that_is_active_with_its_cri_in_error_is_not_well(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.world.broken = [f"cri plugin {NEW}"]
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "RuntimeReady is not true")
    assert {c["id"]: c["pid"] for c in node.world.cri if c["up"]} == node.pids


def test_plugin_in_error_that_was_not_before_leads_back_unless_it_was_accepted(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.world.broken = ["plugin error"]
    assert_told(node.do("run"), "RP495", "plugin io.containerd.nri.v1.nri is in error")
    other = runs("in-place")
    other.plan["accepted_plugin_errors"] = ["io.containerd.nri.v1.nri"]
    put_plan(other.world, other.plan)
    other.world.broken = ["plugin error"]
    other.do("stage")
    assert other.do("run")["outcome"] == "swapped"


def test_second_containerd_that_does_not_start_takes_staging_back(runs: Make) -> None:
    node = runs("switch")
    node.world.broken = ["containerd-replank.service"]
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP491", "containerd-replank.service")
    node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_kubelet_that_does_not_come_up_leads_back(runs: Make, strategy: str) -> None:
    node = staged(runs, strategy)
    node.world.broken = ["kubelet"]
    heal_when_going_back(node)
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "the kubelet does not answer 200")
    node.assert_undone()


def heal_when_going_back(node: Runs) -> None:
    def hook(point: str) -> None:
        if node.seen()["outcome"] == "undoing":
            node.world.broken = []

    node.world.hook = hook


def test_pods_that_do_not_come_up_lead_back_and_are_named(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.broken = ["pods do not start"]
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "pod uid-web: side, web not running")
    node.assert_undone()


def test_pod_that_the_plan_or_the_kubelet_gave_up_is_not_waited_for(runs: Make) -> None:
    for how in ("plan", "kubelet"):
        node = runs("switch")
        if how == "plan":
            node.plan["pods"]["not_waited_for"] = ["uid-agent"]
            put_plan(node.world, node.plan)
        node.do("stage")
        node.world.pods = node.world.pods[:1]  # deleted from the API while the node switches
        if how == "kubelet":
            node.world.path("var/lib/kubelet/pods/uid-agent").rmdir()
        assert node.do("run")["outcome"] == "swapped"


def test_pods_that_must_not_start_twice_stop_it_before_anything_is_touched(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.pods.append({"uid": "uid-job", "name": "job", "containers": ["job"], "never": True})
    node.world.tick()
    before = node.world.dump()
    seen = node.do("run")
    assert seen["outcome"] == "staged"
    assert seen["refused"]["code"] == "RP492"
    assert "uid-job" in seen["refused"]["why"]
    assert node.world.dump() == before
    node.plan["pods"]["agreed"] = ["uid-job"]
    put_plan(node.world, node.plan)
    assert node.do("run")["outcome"] == "swapped"


def test_file_that_changed_since_the_plan_stops_it_before_anything_is_touched(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.write("etc/crictl.yaml", "made by somebody since\n")
    seen = node.do("run")
    assert (seen["outcome"], seen["refused"]["code"]) == ("staged", "RP493")
    assert "crictl.yaml" in seen["refused"]["why"]


def test_daemon_whose_unit_would_kill_its_pods_is_refused(runs: Make) -> None:
    node = runs("in-place")
    node.world.units["containerd.service"]["killmode"] = "control-group"
    seen = node.do("stage")
    assert seen["refused"]["code"] == "RP490"
    assert "KillMode=control-group" in seen["refused"]["why"]


def test_plugin_that_cannot_free_an_address_leads_back_before_docker_is_off(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.faults = {"^bridge": "fail"}
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "`bridge` failed")
    assert "systemctl stop docker.service" not in node.world.spawned


def test_docker_that_does_not_come_back_is_stuck_with_what_was_tried_and_undo_goes_on_later(
    runs: Make,
) -> None:
    node = staged(runs, "switch")
    node.do("run")
    node.world.broken = ["docker.service"]
    seen = node.do("undo")
    assert seen["outcome"] == "stuck"
    assert_told(seen, "RP497", "tried 3 times: `systemctl start docker.service` failed with 1")
    assert "run `undo` again" in seen["todo"]
    node.world.broken = []
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()


def test_containers_that_the_new_runtime_cannot_stop_are_stuck_until_a_reboot(runs: Make) -> None:
    """Two copies of a pod on one volume are worse than none: Docker is not started beside them."""
    node = staged(runs, "switch")
    node.do("run")
    node.world.broken = ["cri hangs"]
    seen = node.do("undo")
    assert seen["outcome"] == "stuck"
    assert not node.world.on("docker.service")
    node.world.broken = []
    node.reboot()
    node.do("resume")
    assert node.world.transient[swap_node.RUN_UNIT][-1] == "undo"
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()


def test_host_port_that_stays_dead_is_not_well(runs: Make) -> None:
    """Without CNI DEL the old chain stands before the new one, while every pod looks Ready."""
    node = staged(runs, "switch")
    node.world.chains["8080"].insert(0, "a chain that nobody removes")
    node.plan["host_ports"] = []
    assert node.do("run")["outcome"] == "swapped"  # it did not answer before, so it need not afterwards
    other = staged(runs, "switch")
    add = other.world.cni_add

    def shadowed(sandbox: str, pod: dict[str, Any], cache: Any) -> None:
        add(sandbox, pod, cache)
        other.world.chains["8080"].insert(0, "a chain that nobody removes")

    other.world.cni_add = shadowed  # type: ignore[method-assign]
    heal = list(other.world.chains["8080"])

    def hook(point: str) -> None:
        if other.seen()["outcome"] == "undoing" and other.world.cni_add is not add:
            other.world.cni_add = add  # type: ignore[method-assign]
            other.world.chains["8080"] = heal

    other.world.hook = hook
    seen = other.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "port 8080 does not answer")


def test_deadline_that_is_over_turns_the_node_back(runs: Make) -> None:
    for strategy in BOTH:
        node = runs(strategy)
        node.plan["deadline_seconds"], node.plan["verify_seconds"] = 30, 3600
        put_plan(node.world, node.plan)
        node.do("stage")
        node.world.broken = ["kubelet"]
        heal_when_going_back(node)
        seen = node.do("run")
        assert seen["outcome"] == "undone"
        assert node.world.clock < 1_000_000 + 120
        node.assert_undone()


def test_deadline_counts_on_over_a_reboot(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("start")
    first = node.seen()["deadline"]
    node.killed_at("run", 60)
    node.reboot()
    node.do("resume")
    assert node.seen()["deadline"] == first
    timer = next(w for w in node.world.transient[f"{swap_node.DEADLINE_UNIT}.timer"] if "--on-active" in w)
    assert abs(int(timer.partition("=")[2].rstrip("s")) - (first - node.world.clock)) < 5
    node.world.clock = first + 1
    seen = node.do("run")
    assert (seen["outcome"], seen["code"]) == ("undone", "RP496")
    node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_start_arms_the_timer_and_the_boot_unit_before_the_switch(runs: Make, strategy: str) -> None:
    node = staged(runs, strategy)
    assert "refused" not in node.do("start")
    order = [line for line in node.world.spawned if "systemd-run" in line or "enable" in line]
    assert [line.split()[-1] for line in order] == [swap_node.RESUME_UNIT, "deadline", "run"]
    assert "--on-active=600s" in order[1]
    assert node.seen()["outcome"] == "staged"
    node.do("run")
    node.assert_nothing_armed()


def test_a_new_containerd_that_starts_no_container_is_found_while_docker_serves(runs: Make) -> None:
    """Seen on a machine whose root was an overlay: the CRI said it was ready."""
    node = runs("switch")
    node.world.broken = ["no container starts"]
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP491", "no container starts on the new containerd")
    node.assert_undone()


def test_the_trial_of_staging_leaves_nothing(runs: Make) -> None:
    node = staged(runs, "switch")
    assert node.world.trial == []


@pytest.mark.parametrize("broken", ["--unit=replank-swap-deadline", "--unit=replank-swap.service", "enable"])
def test_start_without_its_timer_or_its_unit_begins_nothing(runs: Make, broken: str) -> None:
    node = staged(runs, "switch")
    node.world.faults = {broken: "fail"}
    seen = node.do("start")
    assert (seen["outcome"], seen["refused"]["code"]) == ("staged", "RP490")
    node.assert_nothing_armed()
    node.assert_serving(node.world.docker)


def test_node_without_transient_units_after_a_reboot_goes_on_by_itself(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("start")
    node.killed_at("run", 90)
    node.reboot()
    node.world.faults = {"systemd-run": "fail"}
    assert node.do("resume")["outcome"] == "swapped"
    node.assert_swapped()


def test_pods_of_the_trial_survive_the_way_back_by_the_old_shim(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.do("run")
    node.world.pods.append({"uid": "uid-new", "name": "new", "containers": ["new"]})
    node.world.tick()
    assert {c["shim"] for c in node.world.cri if c["uid"] == "uid-new"} == {OLD}
    shim = node.world.path("opt/replank/shim-1.7.29/containerd-shim-runc-v2")
    process = node.world.path("proc/77/exe")
    process.parent.mkdir()
    process.symlink_to(shim)
    before = {c["id"]: c["pid"] for c in node.world.cri if c["up"]}
    seen = node.do("undo")
    assert seen["outcome"] == "undone"
    assert {c["id"]: c["pid"] for c in node.world.cri if c["up"]} == before
    assert shim.exists()
    assert str(shim) in seen["stays"][0]


def test_cri_dockerd_is_switched_off_before_docker_and_comes_back_after_it(runs: Make) -> None:
    node = runs("switch")
    shim = ["cri-docker.socket", "cri-docker.service"]
    for unit in shim:
        node.world.units[unit] = {"active": True, "enabled": "enabled"}
    node.enabled |= dict.fromkeys(shim, "enabled")
    node.plan["switch"]["docker"]["units"] = [*shim, "docker.socket", "docker.service"]
    put_plan(node.world, node.plan)
    node.do("stage")
    assert node.do("run")["outcome"] == "swapped"
    assert [node.world.on(unit) for unit in shim] == [False, False]
    assert [node.world.units[unit]["enabled"] for unit in shim] == ["disabled", "disabled"]
    assert node.do("undo")["outcome"] == "undone"
    assert [node.world.on(unit) for unit in shim] == [True, True]
    started = [w for w in node.world.spawned if re.fullmatch(r"systemctl start (cri-)?docker\.service", w)]
    assert started[-2:] == ["systemctl start docker.service", "systemctl start cri-docker.service"]
    node.assert_undone()


def test_logs_of_both_runtimes_are_secured_before_they_can_be_deleted(runs: Make) -> None:
    node = staged(runs, "switch")
    docker = {node.world.docker_log(c["id"]).read_text() for c in node.world.docker if c["name"] != "POD"}
    node.do("run")
    written = {p.read_text() for p in node.world.path("var/log/pods").rglob("1.log")}
    node.do("undo")
    kept = [p.read_text() for p in (node.base / "kept").rglob("*") if p.is_file() and ".log" in p.name]
    assert docker | written <= set(kept)


def test_containers_are_stopped_and_not_removed(runs: Make) -> None:
    node = staged(runs, "switch")
    before = {c["id"] for c in node.world.docker}
    node.do("run")
    assert {c["id"] for c in node.world.docker} == before


def test_containers_that_ignore_docker_stop_are_killed(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.broken = ["docker stop"]
    assert node.do("run")["outcome"] == "swapped"
    node.assert_swapped()


def test_address_of_a_pod_that_died_long_ago_is_freed_too(runs: Make) -> None:
    node = staged(runs, "switch")
    node.world.cni_add("dead".ljust(64, "0"), {"name": "gone"}, node.world.path("var/lib/cni/cache/results"))
    assert node.do("run")["outcome"] == "swapped"
    node.assert_swapped()


def test_commands_are_written_down_by_name_and_nothing_of_files_or_environment(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("run")
    text = (node.base / "journal").read_text() + (node.base / "log").read_text()
    assert "docker stop" in text
    assert "CNI_" not in text
    assert "K8S_POD_NAME" not in text
    assert "KUBELET_KUBEADM_ARGS" not in text


def test_plan_that_changed_after_staging_is_refused(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.plan["deadline_seconds"] = 1
    put_plan(node.world, node.plan)
    for command in ("stage", "run", "start"):
        assert node.do(command)["refused"]["code"] == "RP499"
    assert node.do("unstage")["outcome"] == "undone"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other"}', '{"schema": "replank-swap-plan/1"}'])
def test_plan_that_cannot_be_read_is_refused_and_status_answers_all_the_same(runs: Make, text: str) -> None:
    node = runs("in-place")
    (node.base / "plan.json").write_text(text)
    assert node.do("stage")["refused"]["code"] == "RP498"
    assert node.seen()["outcome"] == ""


def test_status_of_an_empty_folder_answers(runs: Make) -> None:
    node = runs("in-place")
    seen = swap_node.status(node.base / "nothing", node.world)
    assert (seen["outcome"], seen["phases"], seen["working"]) == ("", [], False)


def test_journal_cut_short_by_a_crash_is_read_up_to_its_last_whole_line(runs: Make) -> None:
    node = staged(runs, "in-place")
    entries = len(journal(node))
    with (node.base / "journal").open("ab") as stream:
        stream.write(b'{"event": "outc')
    assert node.seen()["entries"] == entries
    assert node.do("run")["outcome"] == "swapped"
    assert len(journal(node)) > entries


def test_journal_that_somebody_broke_is_stuck_with_the_line(runs: Make) -> None:
    node = staged(runs, "in-place")
    text = (node.base / "journal").read_text().splitlines()
    (node.base / "journal").write_text("\n".join([text[0], "broken", *text[1:]]) + "\n")
    seen = node.do("run")
    assert seen["refused"]["code"] == "RP498"
    assert (seen["outcome"], seen["code"]) == ("stuck", "RP498")
    assert "line 2" in seen["why"]


def test_disk_that_is_full_for_the_journal_gives_up_its_ballast(
    runs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = staged(runs, "in-place")
    write, full = swap_node.os.write, [True]

    def cramped(handle: int, data: bytes) -> int:
        if (node.base / "ballast").exists() and full:
            raise OSError(28, "No space left on device")
        return write(handle, data)

    monkeypatch.setattr(swap_node.os, "write", cramped)
    assert node.do("run")["outcome"] == "swapped"
    assert not (node.base / "ballast").exists()


def test_leftover_addresses_of_stopped_pods_fail_the_switch(runs: Make) -> None:
    node = staged(runs, "switch")
    sandbox = next(c["id"] for c in node.world.docker if c["type"] == "podsandbox")
    node.world.write(f"var/lib/cni/networks/{NET}/10.244.1.200", sandbox)
    plugin = node.world.cni_plugin

    def keeps(name: str, given: dict[str, Any], env: dict[str, str]) -> tuple[int, str]:
        answer = plugin(name, given, env)
        if node.seen()["outcome"] == "switching":
            node.world.write(f"var/lib/cni/networks/{NET}/10.244.1.200", sandbox)
        return answer

    node.world.cni_plugin = keeps  # type: ignore[method-assign]
    seen = node.do("run")
    assert seen["outcome"] == "undone"
    assert_told(seen, "RP495", "10.244.1.200")


def test_pods_that_do_not_return_after_the_way_back_are_named_and_undo_looks_again(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("run")
    node.world.broken = ["pods do not return"]
    seen = node.do("undo")
    assert seen["outcome"] == "stuck"
    assert_told(
        seen, "RP497", "Docker serves again, but the node is not well: pod uid-agent: agent not running"
    )
    node.world.broken = []
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()


def test_addresses_of_a_new_runtime_that_is_dead_since_a_reboot_are_freed_from_its_cache(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("run")
    node.world.broken = ["containerd-replank.service"]
    node.reboot()
    assert not node.world.on("containerd-replank.service")
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()


@pytest.mark.parametrize(("status", "outcome"), [(0, "swapped"), (255, "undone")])
def test_container_that_ends_in_the_restart_is_fine_only_if_it_completed(
    runs: Make, status: int, outcome: str
) -> None:
    node = staged(runs, "in-place")
    node.world.pods[1]["never"] = True

    def hook(point: str) -> None:
        if point.startswith("after systemctl restart"):
            one = next(c for c in node.world.cri if c["name"] == "agent")
            one.update(up=False, exit=status)

    node.world.hook = hook
    seen = node.do("run")
    assert seen["outcome"] == outcome
    if outcome == "undone":
        assert_told(seen, "RP495", "does not run on")


def test_files_get_their_planned_mode_and_come_back_with_their_own(runs: Make) -> None:
    node = staged(runs, "switch")
    flags, crictl = node.world.path("var/lib/kubelet/kubeadm-flags.env"), node.world.path("etc/crictl.yaml")
    assert flags.stat().st_mode & 0o777 == 0o640
    node.do("run")
    assert flags.stat().st_mode & 0o777 == 0o600
    assert crictl.stat().st_mode & 0o777 == 0o644
    node.do("undo")
    assert flags.stat().st_mode & 0o777 == 0o640
    assert not crictl.exists()


def test_link_that_was_replaced_by_a_file_is_a_link_again(runs: Make) -> None:
    node = runs("switch")
    real = node.world.write("etc/real-crictl.yaml", "timeout: 1\n")
    link = node.world.path("etc/crictl.yaml")
    link.symlink_to(real)
    node.plan["switch"]["files"][2]["found_sha256"] = "*"
    put_plan(node.world, node.plan)
    node.do("stage")
    node.do("run")
    assert not link.is_symlink()
    assert real.read_text() == "timeout: 1\n"
    node.do("undo")
    assert link.readlink() == real
