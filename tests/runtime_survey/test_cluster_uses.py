"""What hangs on the runtimes, through a real API server's answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from survey_site import CLUSTER, ON_DOCKER, SwapSite, swap_site

from replank.domain.errors import ReplankError
from replank.domain.unknown import Unknown, is_known
from replank.inventory.log_agents.judgement import judge
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts, RuntimeMount
from replank.survey.permissions import permissions
from replank.testbed.serve.kubernetes.access import Denied


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SwapSite]:
    with swap_site(tmp_path) as place:
        yield place


def unknown(facts: ClusterRuntimeFacts) -> dict[str, str]:
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return {name: value.code for name, value in values.items() if isinstance(value, Unknown)}


def test_everything_is_read(site: SwapSite) -> None:
    facts = site.uses()
    assert unknown(facts) == {}
    assert is_known(facts.mounts)
    told = {(m.owner, m.path, m.held, m.read_only, m.nodes) for m in facts.mounts}
    assert told == {
        ("CronJob/prune", "/var/run/docker.sock", "docker-socket", False, ()),
        ("DaemonSet/node-exporter", "/", "parent", True, (ON_DOCKER,)),
        ("DaemonSet/fluent-bit", "/var/lib/docker/containers", "docker-logs", True, (ON_DOCKER,)),
    }
    assert is_known(facts.once_only)
    assert [(p.name, p.owner, p.policy, p.node) for p in facts.once_only] == [
        ("import-7k2xv", "Job/import", "Never", ON_DOCKER)
    ]
    assert is_known(facts.host_ports)
    assert [(p.pod, p.owner, p.port, p.protocol) for p in facts.host_ports] == [
        ("edge", "Pod/edge", 8080, "TCP")
    ]
    assert is_known(facts.networks)
    assert [(n.name, n.version) for n in facts.networks] == [("calico", "3.30.3")]
    assert is_known(facts.builders)
    assert [(b.owner, b.how) for b in facts.builders] == [("CronJob/prune", "docker-socket")]


def test_a_log_agent_is_judged_by_the_config_map_that_it_mounts(site: SwapSite) -> None:
    facts = site.uses()
    assert is_known(facts.log_agents)
    (agent,) = facts.log_agents
    assert (agent.kind, agent.workload) == ("fluent-bit", "DaemonSet/fluent-bit")
    assert judge(agent).code == "RP420"


def test_config_maps_are_listed_once_and_read_by_name_where_agents_mount_them(site: SwapSite) -> None:
    site.uses()
    asked = [line for line in site.twin.api(CLUSTER).requests if "configmaps" in line or "secrets" in line]
    paths = {line.partition("?")[0] for line in asked}
    assert paths == {"/api/v1/configmaps", "/api/v1/namespaces/logging/configmaps/fluent-bit"}
    assert len(asked) == 2


def test_no_planted_secret_is_in_the_facts(site: SwapSite) -> None:
    text = repr(site.uses())
    assert "fluent-bit" in text
    assert [secret for secret in site.twin.world.planted_secrets if secret in text] == []


def test_a_config_map_that_may_not_be_read_makes_only_its_agent_unknown(site: SwapSite) -> None:
    site.twin.api(CLUSTER).denied.append(Denied(resource="configmaps", namespace="logging"))
    facts = site.uses()
    assert unknown(facts) == {}
    assert is_known(facts.log_agents)
    assert isinstance(facts.log_agents[0].inputs, Unknown)
    assert facts.log_agents[0].inputs.code == "RP486"


@pytest.mark.parametrize("resource", ["pods", "cronjobs.batch", "daemonsets.apps", "jobs.batch"])
def test_a_listing_that_failed_makes_all_unknown_that_rest_on_it(site: SwapSite, resource: str) -> None:
    site.twin.api(CLUSTER).denied.append(Denied(resource=resource))
    facts = site.uses()
    assert set(unknown(facts)) == {field.name for field in fields(facts)} - {"docker_expressions"}
    assert set(unknown(facts).values()) == {"RP053"}


def test_an_api_that_lets_nobody_in_is_an_error(site: SwapSite) -> None:
    (site.folder / f"kube/{CLUSTER}.yaml").write_text("not a kubeconfig")
    with pytest.raises(ReplankError):
        site.uses()


SOCKET = [{"name": "s", "hostPath": {"path": "/var/run/docker.sock", "type": "Socket"}}]


def spec(**more: Any) -> dict[str, Any]:
    mounts = [{"name": "s", "mountPath": "/s"}]
    container = {"name": "main", "image": "registry.example.org/tool:1", "volumeMounts": mounts}
    return {"containers": [container], "volumes": SOCKET, **more}


def made(
    kind: str, name: str, body: dict[str, Any], namespace: str = "tools", above: str = "", **about: Any
) -> dict[str, Any]:
    """An object. `above`: its controller as `Kind/name`."""
    group = {"Pod": "v1", "CronJob": "batch/v1", "Job": "batch/v1"}.get(kind, "apps/v1")
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, **about}
    if above:
        owner = {"kind": above.partition("/")[0], "name": above.partition("/")[2], "controller": True}
        metadata["ownerReferences"] = [owner]
    found = {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": body}
    return found | ({"status": {"phase": "Running"}} if kind == "Pod" else {})


def mounts(folder: Path, objects: list[dict[str, Any]], namespace: str = "tools") -> list[RuntimeMount]:
    with swap_site(folder, objects) as site:
        facts = site.uses()
    assert is_known(facts.mounts)
    return [mount for mount in facts.mounts if mount.namespace == namespace]


def test_owners_are_the_top_controllers_and_each_template_stands_once(tmp_path: Path) -> None:
    template = {"template": {"spec": spec()}}
    pods = [
        made("Pod", f"web-1-{index}", spec(nodeName=f"n{index}"), above="ReplicaSet/web-1")
        for index in (1, 2)
    ]
    done = made("Pod", "done", spec(nodeName="n1"))
    done["status"]["phase"] = "Succeeded"
    objects = [
        made("Deployment", "web", template),
        made("ReplicaSet", "web-1", template, above="Deployment/web"),
        *pods,
        made("Pod", "old", spec(nodeName="n1"), above="Widget/gone"),
        done,
    ]
    told = [(mount.owner, mount.nodes) for mount in mounts(tmp_path, objects)]
    assert told == [("Deployment/web", ("n1", "n2")), ("Widget/gone", ("n1",))]


def test_a_workload_that_an_operator_made_is_told_by_its_own_name(tmp_path: Path) -> None:
    """tigera-operator's calico-node, fluent-operator's DaemonSet: that is where their settings stand."""
    template = {"template": {"spec": spec()}}
    objects = [
        made("DaemonSet", "agent", template, above="Installation/default"),
        made("Pod", "agent-1", spec(nodeName="n1"), above="DaemonSet/agent"),
    ]
    assert [(m.owner, m.nodes) for m in mounts(tmp_path, objects)] == [("DaemonSet/agent", ("n1",))]


def test_a_rollout_with_no_pod_now_is_seen_by_its_replica_sets(tmp_path: Path) -> None:
    template = {"template": {"spec": spec()}}
    objects = [made("ReplicaSet", f"web-{n}", template, above="Rollout/web") for n in (1, 2)]
    assert [(m.owner, m.nodes) for m in mounts(tmp_path, objects)] == [("Rollout/web", ())]


def test_a_job_of_a_cron_job_counts_for_the_cron_job(tmp_path: Path) -> None:
    template = {"template": {"spec": spec(restartPolicy="Never")}}
    objects = [
        made("CronJob", "night", {"schedule": "0 3 * * *", "jobTemplate": {"spec": template}}),
        made("Job", "night-1", template, above="CronJob/night"),
        made("Pod", "night-1-x", spec(nodeName="n1"), above="Job/night-1"),
    ]
    assert [(mount.owner, mount.nodes) for mount in mounts(tmp_path, objects)] == [("CronJob/night", ("n1",))]


def test_a_job_that_has_ended_mounts_nothing_any_more(tmp_path: Path) -> None:
    template = {"template": {"spec": spec(restartPolicy="Never")}}
    ended, failed, waiting = (made("Job", name, template) for name in ("ended", "failed", "waiting"))
    ended["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    failed["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
    assert [m.owner for m in mounts(tmp_path, [ended, failed, waiting])] == ["Job/waiting"]


def test_a_static_pod_is_one_owner_on_all_its_nodes(tmp_path: Path) -> None:
    mirror = {"kubernetes.io/config.mirror": "x"}
    objects = [
        made("Pod", f"proxy-{node}", spec(nodeName=node), above=f"Node/{node}", annotations=mirror)
        for node in ("n1", "n2")
    ]
    found = mounts(tmp_path, objects)
    assert [(mount.owner, mount.nodes) for mount in found] == [("StaticPod/proxy", ("n1", "n2"))]


def test_init_containers_and_sub_paths_count(tmp_path: Path) -> None:
    volumes = [{"name": "run", "hostPath": {"path": "/run"}}, {"name": "root", "hostPath": {"path": "/"}}]
    narrow = [{"name": "root", "mountPath": "/e", "subPath": "etc"}]
    socket = [{"name": "run", "mountPath": "/r", "subPath": "docker.sock"}]
    body = {
        "containers": [{"name": "main", "image": "a", "volumeMounts": narrow}],
        "initContainers": [{"name": "first", "image": "b", "volumeMounts": socket}],
        "volumes": volumes,
        "nodeName": "n1",
    }
    found = mounts(tmp_path, [made("Pod", "x", body)])
    assert [(mount.path, mount.held, mount.containers) for mount in found] == [
        ("/run/docker.sock", "docker-socket", ("first",))
    ]


def test_whether_the_problem_detector_watches_docker_is_read_of_its_arguments(tmp_path: Path) -> None:
    image = "registry.k8s.io/node-problem-detector:v0.8.20"
    monitors = {"npd": "/config/kernel-monitor.json,/config/docker-monitor.json", "npd-2": "/config/k.json"}
    objects = []
    for name, files in monitors.items():
        arguments = [f"--config.system-log-monitor={files}", "--token=planted"]
        body = {"template": {"spec": {"containers": [{"name": "npd", "image": image, "args": arguments}]}}}
        objects.append(made("DaemonSet", name, body, namespace="kube-system"))
    with swap_site(tmp_path, objects) as site:
        facts = site.uses()
    assert is_known(facts.problem_detectors)
    assert [(d.workload, d.docker_monitor) for d in facts.problem_detectors] == [
        ("DaemonSet/npd", True),
        ("DaemonSet/npd-2", False),
    ]
    assert "planted" not in repr(facts.problem_detectors)


def test_a_log_agent_in_a_static_pod_or_under_an_unknown_owner_is_judged_too(tmp_path: Path) -> None:
    """Who left them out would let a swap lose their lines."""
    container = {"name": "agent", "image": "fluent/fluent-bit:4.0.1"}
    mirror = {"kubernetes.io/config.mirror": "x"}
    body = {"containers": [container], "nodeName": "n1"}
    objects = [
        made("Pod", "logs-n1", body, above="Node/n1", annotations=mirror),
        made("Pod", "collector-1", body, above="FluentBit/collector"),
        made("Pod", "bare", body),
    ]
    with swap_site(tmp_path, objects) as site:
        facts = site.uses()
    assert is_known(facts.log_agents)
    found = {agent.workload: agent.inputs for agent in facts.log_agents if agent.namespace == "tools"}
    assert set(found) == {"StaticPod/logs", "FluentBit/collector", "Pod/bare"}
    assert all(isinstance(inputs, Unknown) for inputs in found.values()), "built into the image"


def test_the_permissions_cover_every_call(site: SwapSite) -> None:
    """What was asked, against the RBAC that `replank permissions` prints for a survey and for this."""
    site.uses()
    manifests = (*permissions("survey").workload, *permissions("runtime").workload)
    rules: list[Any] = [rule for manifest in manifests for rule in manifest.get("rules", [])]  # type: ignore[union-attr]
    calls = [parts for path in site.twin.api(CLUSTER).requests if len(parts := split(path)) > 2]
    assert len(calls) >= 8
    for group, resource, name in calls:
        verb = "get" if name else "list"
        assert any(
            group in rule["apiGroups"] and resource in rule["resources"] and verb in rule["verbs"]
            for rule in rules
        ), (group, resource, verb)


def split(path: str) -> tuple[str, ...]:
    """Group, resource and name of a request; () for what is no resource."""
    parts = path.partition("?")[0].strip("/").split("/")
    if parts[0] not in ("api", "apis"):
        return ()
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    rest = rest[2:] if rest[0] == "namespaces" else rest
    return (group, rest[0], rest[1] if len(rest) > 1 else "")
