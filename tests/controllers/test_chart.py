"""The chart's templates, rendered: with its defaults they are the plain manifests."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.controllers.manifests import Document, by_name, delivered, documents, grants

HERE = Path(__file__).parent
CHART = HERE.parents[1] / "charts" / "replank-operator"
pytestmark = pytest.mark.upstream


def rendered(**changes: Any) -> dict[tuple[str, str], Document]:
    if shutil.which("go") is None:
        pytest.skip("Go is missing")
    values = YAML(typ="safe").load((CHART / "values.yaml").read_text()) | changes
    release = {"Name": "replank-operator", "Namespace": "replank-system"}
    done = subprocess.run(
        ["go", "run", str(HERE / "chart" / "render.go"), str(CHART / "templates")],
        input=json.dumps({"Values": values, "Release": release}),
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE / "chart",
    )
    assert done.returncode == 0, done.stderr
    return by_name(documents(done.stdout))


def test_defaults_give_the_plain_manifests():
    chart, plain = rendered(createNamespace=True), delivered()
    assert set(chart) == set(plain)
    for place, document in plain.items():
        if "rules" in document:
            assert grants(chart[place]) == grants(document), place
            names = [[rule.get("resourceNames") for rule in one["rules"]] for one in (chart[place], document)]
            assert sorted(map(str, filter(any, names[:1]))) == sorted(map(str, filter(any, names[1:])))
        else:
            assert chart[place] == document, place


def test_named_namespaces_get_roles_of_their_own_and_the_cluster_role_loses_them():
    chart, plain = rendered(namespaces=["shop", "ops"]), delivered()
    everything = grants(plain["ClusterRole", "replank-operator"])
    role = grants(chart["Role", "replank-operator-clusters"])
    rest = grants(chart["ClusterRole", "replank-operator"])
    assert {resource for _, resource, _ in rest} == {"openstackclusteridentities", "namespaces"}
    crds = {grant for grant in everything if grant[1] == "customresourcedefinitions"}
    assert role | rest == everything - crds
    arguments = chart["Deployment", "replank-operator"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--namespace=shop", "--namespace=ops"]


def test_values_end_up_where_they_belong():
    digest = "sha256:" + "0" * 64
    chart = rendered(
        image={"repository": "registry.example.org/op", "tag": "1", "digest": digest, "pullPolicy": "Always"},
        port=9090,
        nodeSelector={"role": "infra"},
        tolerations=[{"operator": "Exists"}],
        podAnnotations={"a": "b"},
    )
    template = chart["Deployment", "replank-operator"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["image"] == f"registry.example.org/op@{digest}"
    assert container["ports"][0]["containerPort"] == 9090
    assert "--listen=:9090" in container["args"]
    assert template["spec"]["nodeSelector"] == {"role": "infra"}
    assert template["spec"]["tolerations"] == [{"operator": "Exists"}]
    assert template["metadata"]["annotations"] == {"a": "b"}
    assert ("Namespace", "replank-system") not in chart
