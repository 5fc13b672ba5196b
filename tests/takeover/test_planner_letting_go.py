"""What the plan asks of Terraform, etcd and new machines, by what was seen and what was chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planner_cases import SETTINGS, Case, audit_and_encryption, healthy, with_hosts, with_kubernetes
from planner_words import cases, codes, plan, spec_of, steps

from replank.domain.unknown import is_known
from replank.inventory.facts.hosts import FileFact, HostFacts
from replank.inventory.facts.kubernetes import ExternalEtcd
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.facts.terraform import StateFile, TerraformFacts
from replank.migrations.takeover.was_tag import TAG_LIMIT, was_tag
from replank.plan.takeover import TakeoverPlan


def with_state(**changes: object) -> Snapshot:
    snapshot = healthy()
    assert is_known(snapshot.terraform)
    state: StateFile = replace(snapshot.terraform.states[0], **changes)  # type: ignore[arg-type]
    return replace(snapshot, terraform=TerraformFacts(states=(state,)))


def checks(of: TakeoverPlan, kind: str) -> int:
    return sum(c.kind == kind for s in steps(of) for c in (*s.before, *s.after))


def kinds(of: TakeoverPlan) -> list[str]:
    return [step.kind for step in steps(of)]


def test_terraform_plan_is_asked_only_where_its_configuration_was_seen() -> None:
    seen, unseen = plan(healthy()), plan(with_state(configured=False))
    assert (checks(seen, "terraform.no-changes"), "RP870" in codes(seen)) == (2, False)
    assert (checks(unseen, "terraform.no-changes"), "RP870" in codes(unseen)) == (0, True)
    assert unseen.ready
    assert checks(unseen, "terraform.forgotten") == 1


def test_the_states_lock_is_held_from_forgetting_to_the_last_step_of_settle() -> None:
    of = plan(healthy())
    assert kinds(of).index("terraform.lock") == kinds(of).index("terraform.forget") + 1
    settle = next(stage for stage in of.stages if stage.name == "settle")
    assert settle.steps[-1].kind == "terraform.unlock"


def test_no_lock_is_taken_where_the_operator_says_so_or_there_is_none() -> None:
    printed = with_state(form="show-json", backend="show-json", serial=None, lineage=None)
    for of in (plan(healthy(), replace(SETTINGS, lock_state=False)), plan(printed)):
        assert "terraform.forget" in kinds(of)
        assert not {"terraform.lock", "terraform.unlock"} & set(kinds(of))


@cases
def test_a_snapshot_of_etcd_comes_before_the_control_plane_and_counts_before_kcp(case: Case) -> None:
    of = case.plan()
    stage = next(stage for stage in of.stages if stage.name == "control-plane")
    assert stage.steps[0].kind == "etcd.snapshot"
    kcp = [s for s in steps(of) if str(s.params.get("object", "")).startswith("KubeadmControlPlane/")][-1]
    assert "etcd.snapshot-fresh" in {check.kind for check in kcp.before}


def test_external_etcd_is_not_replanks_to_take_a_snapshot_of() -> None:
    snapshot = healthy()
    assert is_known(snapshot.kubernetes)
    config = snapshot.kubernetes.kubeadm_config
    assert is_known(config)
    assert config is not None
    external = ExternalEtcd(endpoints=("https://e:2379",), ca_file="/a", cert_file="/b", key_file="/c")
    of = plan(with_kubernetes(snapshot, kubeadm_config=replace(config, etcd_external=external)))
    assert "etcd.snapshot" not in kinds(of)
    assert checks(of, "etcd.snapshot-fresh") == 0


def test_guards_come_off_only_in_the_last_stage() -> None:
    of = plan(healthy())
    assert [s.kind for s in of.stages[-1].steps] == ["cluster-api.remove-guards"]
    assert of.stages[-1].steps[0].approval == of.stages[-1].name == "hand-over"
    assert kinds(of).count("cluster-api.remove-guards") == 1


def owned_by(owner: str, group: str) -> Snapshot:
    def change(host: HostFacts) -> HostFacts:
        assert is_known(host.referenced_files)
        files = tuple(
            replace(r, file=replace(r.file, owner=owner, group=group)) if isinstance(r.file, FileFact) else r
            for r in host.referenced_files
        )
        return replace(host, referenced_files=files)

    return with_hosts(audit_and_encryption(), change)


@pytest.mark.parametrize(
    ("owner", "group", "written"),
    [
        ("root", "root", "root:root"),
        ("root", "daemon", "root:daemon"),
        ("root", "kube-cert", "root:root"),
        ("kube", "root", "root:root"),
    ],
)
def test_new_machines_get_only_owners_that_every_image_knows(owner: str, group: str, written: str) -> None:
    of = plan(owned_by(owner, group))
    files = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]["files"]
    assert {file["owner"] for file in files} == {written}
    told = {f.subject for f in of.findings if f.code == "RP077" and f.subject.startswith("owner of file")}
    assert (len(told) == len(files)) == (written != f"{owner}:{group}")


def test_an_old_name_becomes_a_tag_only_where_it_fits() -> None:
    assert was_tag("port-1") == "replank-was=port-1"
    assert was_tag("") == "replank-was="
    assert len(was_tag("x" * (TAG_LIMIT - 12))) == TAG_LIMIT
    assert was_tag("x" * (TAG_LIMIT - 11)) == was_tag("a,b") == ""
