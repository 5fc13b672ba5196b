"""What is installed: it runs as it is told to, and may do what it does and no more."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from replank.app.operator_systems import OperatorSystems
from replank.controllers.elapsed import Stopwatch
from replank.controllers.leadership import DURATION_S, NAME, Leadership
from replank.controllers.watching import WATCHED
from replank.engine.lease_record import LeaseObject
from replank.guards.names import PRE_DRAIN
from replank.guards.work.look import CORE
from replank.guards.work.round import go_round
from tests.controllers.manifests import delivered, grants
from tests.controllers.recorded_api import PLURALS, Asked, RecordedApi, secret
from tests.controllers.replicas import Time, run, settle

ROOT = Path(__file__).parents[2]
LABELS = {"cluster.x-k8s.io/cluster-name": "blue"}


def management() -> RecordedApi:
    """A cluster whose Machines give the operator all its work: a hook to release, one to hold, one to set; a
    ClusterGuard with a pool; a project behind an OpenStackClusterIdentity."""

    def machine(name: str, **more: Any) -> dict[str, Any]:
        meta: dict[str, Any] = {
            "namespace": "shop",
            "name": name,
            "labels": LABELS,
            **more.pop("metadata", {}),
        }
        return {"apiVersion": CORE, "kind": "Machine", "metadata": meta, "spec": {}, "status": more}

    deleted = "2026-11-26T00:00:00Z"
    hook = {"annotations": {PRE_DRAIN: ""}, "deletionTimestamp": deleted}
    reference = {"type": "ClusterIdentity", "name": "shared", "cloudName": "openstack"}
    infrastructure = "infrastructure.cluster.x-k8s.io"
    return RecordedApi(
        {
            "apiVersion": CORE,
            "kind": "Cluster",
            "metadata": {"namespace": "shop", "name": "blue"},
            "spec": {"infrastructureRef": {"kind": "OpenStackCluster", "name": "blue"}},
        },
        machine("new"),
        machine("released", metadata=hook),
        machine("held", metadata=hook, nodeRef={"name": "n1"}),
        {
            "apiVersion": "replank.dev/v1alpha1",
            "kind": "ClusterGuard",
            "metadata": {"namespace": "shop", "name": "blue"},
            "spec": {"pools": [{"id": "p1", "port": 6443}]},
        },
        {
            "apiVersion": f"{infrastructure}/v1beta1",
            "kind": "OpenStackCluster",
            "metadata": {"namespace": "shop", "name": "blue"},
            "spec": {"identityRef": reference},
        },
        {
            "apiVersion": f"{infrastructure}/v1alpha1",
            "kind": "OpenStackClusterIdentity",
            "metadata": {"name": "shared"},
            "spec": {"secretRef": {"namespace": "capo-system", "name": "shared"}, "namespaceSelector": {}},
        },
        secret("capo-system", "shared", clouds_yaml=b"clouds: {}"),
        secret("shop", "blue-kubeconfig", value=b"kubeconfig"),
    )


class Workload:
    """One Node that stays closed, nothing else."""

    async def get(self, ref: Any) -> None:
        return None

    async def list(self, *_: object, **__: object) -> tuple[()]:
        return ()

    async def aclose(self) -> None: ...


class Project:
    """One pool without members."""

    async def ports(self, network_id: str = "") -> tuple[()]:
        return ()

    async def floating_ips(self) -> tuple[()]:
        return ()

    async def pool_members(self, pool_id: str) -> tuple[()]:
        return ()

    def close(self) -> None: ...


def asked_by_rounds() -> set[Asked]:
    """Of the management cluster."""
    api = management()

    async def work() -> None:
        systems: Any = OperatorSystems(
            api,  # type: ignore[arg-type]
            Time(),
            open_workload=lambda _: Workload(),  # type: ignore[arg-type, return-value]
            open_cloud=lambda _: Project(),  # type: ignore[arg-type, return-value]
        )
        rounded = await go_round(systems, "shop", "blue")
        assert rounded is not None
        assert {type(action).__name__ for action in rounded.done} >= {"AddHooks", "Release"}
        assert rounded.faults == ()
        # A drain drains: MachineDrainRules are asked for once there are pods to look at.
        await systems.management.list(CORE, "MachineDrainRule", "shop")
        await systems.management.list(CORE, "Cluster", "")

    asyncio.run(work())
    return set(api.asked)


def asked_for_the_lease() -> set[Asked]:
    api = RecordedApi()

    async def work() -> None:
        time = Time()
        leadership = Leadership(
            LeaseObject.named(api, "replank-system", NAME, DURATION_S),  # type: ignore[arg-type]
            time,
            Stopwatch(time, lambda: time.steady),
            identity="one",
            changed=lambda _: None,
            failed=lambda error: pytest.fail(str(error)),
        )
        running = asyncio.ensure_future(leadership.run())
        await time.on(20)
        running.cancel()
        await leadership.release()
        await settle()

    run(work)
    return set(api.asked)


def watched() -> set[Asked]:
    return {
        (api_version.split("/")[0], PLURALS[kind], verb)
        for api_version, kind in WATCHED
        for verb in ("list", "watch")
    }


def test_the_operator_may_do_what_its_rounds_and_watches_ask_for():
    role = grants(delivered()["ClusterRole", "replank-operator"])
    assert (asked_by_rounds() | watched()) - role == set()


def test_the_operator_may_do_nothing_else():
    role = grants(delivered()["ClusterRole", "replank-operator"])
    kopf = {("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("list", "watch")}
    more = role - asked_by_rounds() - watched() - kopf
    # A single object of a kind that is listed anyway shows nothing more; `kubectl auth can-i get` expects it.
    listed = {(group, resource) for group, resource, verb in role if verb == "list"}
    assert {grant for grant in more if grant[2] != "get" or grant[:2] not in listed} == set()


def test_the_lease_needs_its_role_and_no_more():
    role = delivered()["Role", "replank-operator"]
    assert asked_for_the_lease() == grants(role)
    named = [rule for rule in role["rules"] if "create" not in rule["verbs"]]
    assert [rule["resourceNames"] for rule in named] == [[NAME]]


def test_roles_are_bound_to_the_account_that_the_pods_run_as():
    found = delivered()
    pod = found["Deployment", "replank-operator"]["spec"]["template"]["spec"]
    for kind in ("ClusterRole", "Role"):
        binding = found[f"{kind}Binding", "replank-operator"]
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (kind, "replank-operator")
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == (pod["serviceAccountName"], "replank-system")


def test_the_containers_options_are_the_commands():
    (container,) = delivered()["Deployment", "replank-operator"]["spec"]["template"]["spec"]["containers"]
    command = importlib.import_module("replank.app.commands.operator").command
    context = command.make_context("operator", list(container["args"]))
    assert isinstance(context, click.Context)
    port = container["ports"][0]["containerPort"]
    assert context.params["listen"] == f":{port}"
    assert {container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")} == {
        "/healthz",
        "/readyz",
    }


def test_pods_are_as_restricted_as_their_namespace_asks():
    found = delivered()
    assert found["Namespace", "replank-system"]["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted"
    }
    spec = found["Deployment", "replank-operator"]["spec"]
    assert spec["replicas"] == 2
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]


def test_the_image_runs_the_operator_and_names_no_registry():
    folder = ROOT / "src" / "replank" / "controllers" / "deploy"
    lines = (folder / "Dockerfile").read_text().splitlines()
    assert "FROM ${BASE}" in lines
    assert lines[-1] == 'ENTRYPOINT ["replank", "operator"]'
    (user,) = (line for line in lines if line.startswith("USER "))
    pod = delivered()["Deployment", "replank-operator"]["spec"]["template"]["spec"]
    assert user.split()[1] == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert "/" not in pod["containers"][0]["image"]


def test_the_chart_brings_the_same_definition_and_version():
    chart = ROOT / "charts" / "replank-operator"
    crd = (ROOT / "src" / "replank" / "controllers" / "deploy" / "crd.yaml").read_text()
    assert (chart / "crds" / "clusterguards.replank.dev.yaml").read_text() == crd
    about = YAML(typ="safe").load((chart / "Chart.yaml").read_text())
    image = delivered()["Deployment", "replank-operator"]["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    values = YAML(typ="safe").load((chart / "values.yaml").read_text())
    assert f"{values['image']['repository']}:{values['image']['tag']}" == image
    assert about["appVersion"] == values["image"]["tag"]
