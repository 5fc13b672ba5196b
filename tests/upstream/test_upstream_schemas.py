"""The golden plans' manifests against the CRDs of the very provider versions that they name."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from upstream_crds import HERE, upstream_crds

from replank.plan import codec
from replank.plan.schemas import rules_not_evaluated, validate
from replank.plan.takeover import TakeoverPlan, Targets

PLANS = sorted((HERE.parent / "takeover" / "plans").glob("*.yaml"))
pytestmark = pytest.mark.upstream


def plan_of(path: Path) -> TakeoverPlan:
    return codec.load(path.read_bytes(), where=path.name)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_manifests_of_golden_plans_match_the_providers_schemas(path: Path) -> None:
    assert [str(problem) for problem in validate(plan_of(path).manifests, upstream_crds())] == []


def test_there_are_golden_plans_to_validate() -> None:
    upstream_crds()
    assert len(PLANS) >= 7


def test_a_field_that_upstream_does_not_know_is_found() -> None:
    manifests = {name: dict(item) for name, item in plan_of(PLANS[0]).manifests.items()}
    kcp = next(name for name in manifests if name.startswith("KubeadmControlPlane/"))
    spec = manifests[kcp]["spec"]
    assert isinstance(spec, dict)
    manifests[kcp]["spec"] = {**spec, "rolloutBefore": {"certificatesExpiryDays": 21}}
    assert [(p.object, p.path, p.says) for p in validate(manifests, upstream_crds())] == [
        (kcp, "spec", "unknown field rolloutBefore")
    ]


def test_rules_that_only_an_api_server_evaluates_are_counted() -> None:
    assert rules_not_evaluated(plan_of(PLANS[0]).manifests, upstream_crds()) > 0


def test_pinned_modules_are_the_versions_that_plans_are_made_for() -> None:
    upstream_crds()
    pinned = dict(
        re.findall(r"^require (\S+) (\S+)$", (HERE / name / "go.mod").read_text(), re.MULTILINE)[0]
        for name in ("cluster-api", "cluster-api-provider-openstack")
    )
    targets = asdict(Targets())
    assert pinned == {
        "sigs.k8s.io/cluster-api": targets["cluster_api"],
        "sigs.k8s.io/cluster-api-provider-openstack": targets["capo"],
    }


def test_every_kind_of_a_plan_has_a_schema() -> None:
    served = {(crd["spec"]["group"], crd["spec"]["names"]["kind"]) for crd in upstream_crds()}
    for path in PLANS:
        for item in plan_of(path).manifests.values():
            group, slash, _ = str(item["apiVersion"]).partition("/")
            assert not slash or (group, item["kind"]) in served


def test_example_that_real_controllers_took_passes_as_well() -> None:
    """tests/upstream/accepted.yaml has the shape of manifests that CAPI 1.14.0 and CAPO 0.14.7 accepted."""
    yaml = YAML(typ="safe", pure=False)
    accepted = list(yaml.load_all(HERE / "accepted.yaml"))
    manifests = {f"{item['kind']}/{item['metadata']['name']}": item for item in accepted}
    assert validate(manifests, upstream_crds()) == ()
