"""From the APIs' documents, in the form in which they answer, to what a round has seen."""

from __future__ import annotations

from typing import Any

import pytest

from replank.guards.names import CONDITION, GOING_TAINT, PRE_DRAIN, PRE_TERMINATE, SURGE, SURGED
from replank.guards.read import cloud as read_cloud
from replank.guards.read import machines as read_machines
from replank.guards.read import workload as read_workload
from replank.guards.read.drained import Rules, is_evicted

Document = dict[str, Any]


def machine_document(**status: Any) -> Document:
    """As `kubectl get machine -o json` shows one of KCP's that is being deleted (v1beta2)."""
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "Machine",
        "metadata": {
            "name": "legacy-cp-0",
            "namespace": "team",
            "uid": "0b5e",
            "resourceVersion": "4711",
            "deletionTimestamp": "2026-11-26T08:00:00Z",
            "labels": {
                "cluster.x-k8s.io/cluster-name": "legacy",
                "cluster.x-k8s.io/control-plane": "",
                "cluster.x-k8s.io/control-plane-name": "cp",
            },
            "annotations": {
                PRE_DRAIN: "",
                PRE_TERMINATE: "",
                "pre-terminate.delete.hook.machine.cluster.x-k8s.io/kcp-cleanup": "",
            },
            "ownerReferences": [
                {
                    "apiVersion": "x",
                    "kind": "KubeadmControlPlane",
                    "name": "cp",
                    "uid": "1",
                    "controller": True,
                }
            ],
        },
        "spec": {"clusterName": "legacy", "providerID": "openstack://RegionOne/6c1f", "version": "v1.34.4"},
        "status": {
            "nodeRef": {"name": "legacy-cp-0"},
            "addresses": [
                {"type": "InternalIP", "address": "10.6.0.17"},
                {"type": "ExternalIP", "address": "203.0.113.9"},
                {"type": "Hostname", "address": "legacy-cp-0"},
            ],
            "deletion": {
                "waitForPreDrainHookStartTime": "2026-11-26T08:00:01Z",
                "nodeDrainStartTime": "2026-11-26T08:02:00Z",
                "waitForPreTerminateHookStartTime": "2026-11-26T08:05:00Z",
            },
            "conditions": [
                {
                    "type": "Deleting",
                    "status": "True",
                    "reason": "WaitingForPreTerminateHook",
                    "message": "…",
                },
                {"type": "UpToDate", "status": "False", "reason": "NotUpToDate"},
                {"type": "APIServerPodHealthy", "status": "True", "reason": "PodRunning"},
                {"type": "NodeReady", "status": "False", "reason": "NodeNotReady"},
            ],
            **status,
        },
    }


def test_a_control_planes_machine_is_read() -> None:
    seen = read_machines.machine(machine_document())
    assert (seen.name, seen.uid, seen.resource_version) == ("legacy-cp-0", "0b5e", "4711")
    assert (seen.role, seen.owner, seen.keeper) == ("control-plane",) + ("KubeadmControlPlane/cp",) * 2
    assert (seen.node, seen.server, seen.addresses) == ("legacy-cp-0", "6c1f", ("10.6.0.17",))
    assert seen.hooks == {PRE_DRAIN, PRE_TERMINATE}
    assert seen.waits_for == "WaitingForPreTerminateHook"
    assert seen.waiting_since is not None
    assert seen.deleting_since is not None
    assert seen.waiting_since - seen.deleting_since == 300
    assert (seen.outdated, seen.serving, seen.chosen) == (True, True, False)


def test_a_machine_waits_since_it_waits_for_the_hook_that_it_waits_for() -> None:
    waits = [{"type": "Deleting", "status": "True", "reason": "WaitingForPreDrainHook"}]
    seen = read_machines.machine(machine_document(conditions=waits))
    assert seen.waiting_since is not None
    assert seen.deleting_since is not None
    assert seen.waiting_since - seen.deleting_since == 1
    drains = [{"type": "Deleting", "status": "True", "reason": "DrainingNode"}]
    assert read_machines.machine(machine_document(conditions=drains)).waiting_since is None


def test_before_cluster_api_1_14_an_older_condition_tells_since_when() -> None:
    """And the operator's own one does not: it may be False since the hook before."""
    hook = {"type": "Deleting", "status": "True", "reason": "WaitingForPreTerminateHook"}
    own = {"type": CONDITION, "status": "False", "lastTransitionTime": "2026-11-26T08:00:03Z"}
    drained = {
        "type": "PreDrainDeleteHookSucceeded",
        "status": "False",
        "lastTransitionTime": "2026-11-26T08:00:01Z",
    }
    waits = {
        "type": "PreTerminateDeleteHookSucceeded",
        "status": "False",
        "lastTransitionTime": "2026-11-26T08:10:00Z",
    }

    def since(*older: Document) -> float | None:
        status = {"deletion": {}, "deprecated": {"v1beta1": {"conditions": list(older)}}}
        seen = read_machines.machine(machine_document(conditions=[hook, own], **status))
        assert seen.deleting_since is not None
        return None if seen.waiting_since is None else seen.waiting_since - seen.deleting_since

    assert since(drained, waits) == 600
    assert since(drained) is None
    assert since(drained, {**waits, "status": "True"}) is None
    status: Document = {"deletion": {}, "deprecated": None}
    assert read_machines.machine(machine_document(conditions=[hook, own], **status)).waiting_since is None


def test_a_condition_deleting_that_is_false_says_nothing() -> None:
    rests = [{"type": "Deleting", "status": "False", "reason": "NotDeleting"}]
    assert read_machines.machine(machine_document(conditions=rests)).waits_for == ""


def test_a_workers_machine_is_read() -> None:
    document = machine_document()
    document["metadata"] |= {
        "labels": {"cluster.x-k8s.io/deployment-name": "md", "cluster.x-k8s.io/set-name": "md-x"},
        "annotations": {"cluster.x-k8s.io/delete-machine": "yes"},
        "ownerReferences": [{"kind": "MachineSet", "name": "md-x", "controller": True}],
    }
    seen = read_machines.machine(document)
    assert (seen.role, seen.owner, seen.keeper) == ("worker", "MachineSet/md-x", "MachineDeployment/md")
    assert (seen.serving, seen.chosen, seen.hooks) == (False, True, frozenset())


def test_a_machine_that_has_just_been_made_is_read() -> None:
    document = machine_document()
    del document["status"], document["metadata"]["deletionTimestamp"], document["spec"]["providerID"]
    seen = read_machines.machine(document)
    assert (seen.node, seen.server, seen.addresses, seen.deleting_since) == ("", "", (), None)
    assert (seen.outdated, seen.serving, seen.waits_for) == (False, False, "")


@pytest.mark.parametrize(
    ("spec", "annotations", "rolls"),
    [
        ({}, {}, True),
        ({"rollout": {"strategy": {"type": "RollingUpdate"}}}, {}, True),
        ({"rollout": {"strategy": {"type": "OnDelete"}}}, {}, False),
        ({"paused": True}, {}, False),
        ({}, {"cluster.x-k8s.io/paused": ""}, False),
    ],
)
def test_who_replaces_outdated_machines_by_itself(spec: Document, annotations: Document, rolls: bool) -> None:
    owner = {
        "kind": "MachineDeployment",
        "metadata": {"name": "md", "annotations": annotations},
        "spec": spec,
    }
    assert read_machines.rolling([owner]) == ({"MachineDeployment/md"} if rolls else set())


# --- nodes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "ready", "going", "is_open", "reserved"),
    [
        ({}, "True", False, True, False),
        ({}, "Unknown", False, False, False),
        ({"unschedulable": True}, "True", False, False, False),
        ({"taints": [{"key": GOING_TAINT, "effect": "NoSchedule"}]}, "True", True, False, False),
        ({"taints": [{"key": "reserved", "effect": "NoSchedule"}]}, "True", False, True, True),
        ({"taints": [{"key": "maintenance", "effect": "PreferNoSchedule"}]}, "True", False, True, False),
        ({"taints": [{"key": "gpu", "effect": "NoExecute", "value": "x"}]}, "True", False, True, True),
    ],
)  # fmt: skip
def test_nodes_are_read(spec: Document, ready: str, going: bool, is_open: bool, reserved: bool) -> None:
    conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
    document = {"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": conditions}}
    seen = read_workload.nodes([document])["n"]
    assert (seen.going, seen.open, seen.reserved) == (going, is_open, reserved)


# --- pods, owners, budgets -----------------------------------------------------------------------


def pod_document(
    name: str = "web-1", owner: tuple[str, str] | None = ("ReplicaSet", "web-7d4"), **metadata: Any
) -> Document:
    meta: Document = {
        "name": name,
        "namespace": "apps",
        "labels": {"app": "web", "tier": "front"},
        **metadata,
    }
    if owner is not None:
        meta["ownerReferences"] = [
            {"kind": "Thing", "name": "not the controller"},
            {"kind": owner[0], "name": owner[1], "controller": True},
        ]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": meta, "spec": {"nodeName": "n1"}, "status": status}


REPLICA_SETS = [
    {"metadata": {"name": "web-7d4", "namespace": "apps",
                  "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": True}]}},
    {"metadata": {"name": "web-7d4", "namespace": "other",
                  "ownerReferences": [{"kind": "Deployment", "name": "wrong", "controller": True}]}},
    {"metadata": {"name": "lonely", "namespace": "apps"}},
]  # fmt: skip


def budget_document(selector: Document | None, namespace: str = "apps", **spec: Any) -> Document:
    spec = {"minAvailable": 1, **spec, **({"selector": selector} if selector is not None else {})}
    return {
        "metadata": {"name": "pdb", "namespace": namespace},
        "spec": spec,
        "status": {"expectedPods": 2, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1},
    }


@pytest.mark.parametrize(
    ("owner", "top"),
    [
        (("ReplicaSet", "web-7d4"), "Deployment/web"),
        (("ReplicaSet", "lonely"), "ReplicaSet/lonely"),
        (("ReplicaSet", "unseen"), "ReplicaSet/unseen"),
        (("StatefulSet", "db"), "StatefulSet/db"),
        (None, ""),
    ],
)
def test_pods_are_owned_by_the_top_of_their_owners(owner: tuple[str, str] | None, top: str) -> None:
    (seen,) = read_workload.pods([pod_document(owner=owner)], REPLICA_SETS, [])
    assert (seen.owner, seen.node, seen.place) == (top, "n1", "apps/web-1")


def test_a_pod_that_is_on_its_way_out_is_not_ready() -> None:
    leaving = pod_document(deletionTimestamp="2026-11-26T08:00:00Z")
    starting = pod_document("web-2")
    starting["status"] = {"phase": "Pending"}
    seen = read_workload.pods([starting, leaving, pod_document("web-0")], REPLICA_SETS, [])
    assert [(pod.name, pod.ready) for pod in seen] == [("web-0", True), ("web-1", False), ("web-2", False)]


@pytest.mark.parametrize(
    ("selector", "covers"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({}, True),
        (None, False),
    ],
)
def test_a_budget_covers_what_its_selector_takes(selector: Document | None, covers: bool) -> None:
    (seen,) = read_workload.pods([pod_document()], REPLICA_SETS, [budget_document(selector)])
    assert seen.budgets == (("apps/pdb",) if covers else ())


def test_a_budget_covers_its_own_namespace_alone() -> None:
    (seen,) = read_workload.pods([pod_document()], [], [budget_document({}, "other")])
    assert seen.budgets == ()


@pytest.mark.parametrize(
    ("spec", "bound", "never"),
    [
        ({"minAvailable": 1}, "minAvailable 1", False),
        ({"minAvailable": 2}, "minAvailable 2", True),
        ({"minAvailable": "100%"}, "minAvailable 100%", True),
        ({"minAvailable": "50%"}, "minAvailable 50%", False),
        ({"minAvailable": None, "maxUnavailable": 0}, "maxUnavailable 0", True),
        ({"minAvailable": None, "maxUnavailable": "0%"}, "maxUnavailable 0%", True),
        ({"minAvailable": None, "maxUnavailable": 1}, "maxUnavailable 1", False),
        ({"minAvailable": 0}, "minAvailable 0", False),
    ],
)
def test_budgets_are_read(spec: Document, bound: str, never: bool) -> None:
    seen = read_workload.budgets([budget_document({}, **spec)])["apps/pdb"]
    assert (seen.bound, seen.never, seen.allowed, seen.pods) == (bound, never, 1, 2)


def test_a_budget_without_a_status_allows_nothing_now() -> None:
    document = budget_document({})
    del document["status"]
    assert read_workload.budgets([document])["apps/pdb"].allowed == 0


# --- deployments ---------------------------------------------------------------------------------


def deployment_document(name: str = "kept", **meta: Any) -> Document:
    metadata = {"name": name, "namespace": "apps", "resourceVersion": "9", **meta}
    return {"metadata": metadata, "spec": {"replicas": 1}}


def scaler(name: str, kind: str = "Deployment", namespace: str = "apps") -> Document:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return {"metadata": {"name": "hpa", "namespace": namespace}, "spec": {"scaleTargetRef": target}}


ALLOWED = {"annotations": {SURGE: "allowed"}}


def test_deployments_that_allow_it_are_read() -> None:
    others = [deployment_document("plain"), deployment_document("no", annotations={SURGE: "denied"})]
    (seen,) = read_workload.deployments([*others, deployment_document(**ALLOWED)], [])
    assert (seen.name, seen.replicas, seen.allowed, seen.surged_from) == ("kept", 1, True, None)
    assert (seen.owner, seen.resource_version) == ("Deployment/kept", "9")


@pytest.mark.parametrize(
    ("held_by", "is_read"),
    [
        (scaler("kept"), False),
        (scaler("kept", kind="StatefulSet"), True),
        (scaler("kept", namespace="other"), True),
        (scaler("another"), True),
    ],
)
def test_what_an_autoscaler_holds_is_its_own(held_by: Document, is_read: bool) -> None:
    assert bool(read_workload.deployments([deployment_document(**ALLOWED)], [held_by])) is is_read


def test_a_surge_can_be_taken_back_although_an_autoscaler_came() -> None:
    document = deployment_document(labels={SURGED: "1"}, **ALLOWED)
    (seen,) = read_workload.deployments([document], [scaler("kept")])
    assert (seen.allowed, seen.surged_from) == (False, 1)


def test_a_label_that_is_no_number_is_none_of_ours() -> None:
    assert read_workload.deployments([deployment_document(labels={SURGED: "soon"})], []) == ()


# --- endpoints, volumes --------------------------------------------------------------------------


def test_endpoints_of_pods_that_a_drain_takes_away_are_found() -> None:
    pods = read_workload.pods([pod_document("web-1"), pod_document("web-2")], REPLICA_SETS, [])

    def endpoint(pod: str, node: str | None, **more: Any) -> Document:
        target = {"kind": "Pod", "namespace": "apps", "name": pod}
        return {"addresses": ["10.1.0.1"], "nodeName": node, "targetRef": target, **more}

    part = {
        "metadata": {"name": "web-x", "namespace": "apps", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [
            endpoint("web-1", "n1", conditions={"ready": True}),
            endpoint("web-2", "n2", conditions={"ready": False, "serving": True, "terminating": True}),
            endpoint("agent-1", "n3", conditions={"ready": True}),
            endpoint("web-1", None),
            {"addresses": ["10.1.0.9"], "nodeName": "n4"},
        ],
    }
    unsaid = {**part, "endpoints": [endpoint("web-2", "n5")]}
    assert read_workload.endpoints([part, unsaid], pods) == {"n1": ("apps/web",), "n5": ("apps/web",)}


def test_attachments_are_told_by_their_volumes() -> None:
    named = {
        "metadata": {"name": "csi-1"},
        "spec": {"nodeName": "n1", "source": {"persistentVolumeName": "pv-2"}},
    }
    inline = {"metadata": {"name": "csi-9"}, "spec": {"nodeName": "n1", "source": {"inlineVolumeSpec": {}}}}
    assert read_workload.attached([named, inline]) == {"n1": ("csi-9", "pv-2")}


def test_handles_are_those_of_cinder_by_csi_and_of_old() -> None:
    volumes = [
        {"spec": {"csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": "v-1"}}},
        {"spec": {"cinder": {"volumeID": "v-2"}}},
        {"spec": {"nfs": {"server": "x"}}},
    ]
    assert read_workload.volume_handles(volumes) == {"v-1", "v-2"}


# --- what a drain takes away ---------------------------------------------------------------------


def rules(*found: Document) -> Rules:
    namespaces = {"apps": {"kubernetes.io/metadata.name": "apps", "team": "blue"}}
    return Rules(found, {"env": "prod"}, namespaces)


def rule(name: str, behavior: str, **spec: Any) -> Document:
    """As cluster-api v1.14.0 has it, api/core/v1beta2/machinedrainrules_types.go."""
    return {
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"drain": {"behavior": behavior}, **spec},
    }


WORKER = {"cluster.x-k8s.io/deployment-name": "md"}


def evicted(pod: Document, *found: Document) -> bool:
    return is_evicted(pod, rules(*found), WORKER)


def test_pods_of_daemon_sets_static_and_ended_ones_stay() -> None:
    static = pod_document(owner=("Node", "n1"), annotations={"kubernetes.io/config.mirror": "x"})
    ended = pod_document(owner=("Job", "backup"))
    assert evicted(pod_document())
    assert evicted(pod_document(owner=None))
    assert not evicted(pod_document(owner=("DaemonSet", "agent")))
    assert not evicted(static)
    for phase in ("Succeeded", "Failed"):
        ended["status"]["phase"] = phase
        assert not evicted(ended)


@pytest.mark.parametrize(
    ("value", "is_out"),
    [("skip", False), ("Skip", False), ("wait-completed", False), ("WaitCompleted", False), ("drain", True),
     ("wait--completed", True), ("s-kip", True)],
)  # fmt: skip
def test_the_drain_label_is_read_as_cluster_api_reads_it(value: str, is_out: bool) -> None:
    pod = pod_document()
    pod["metadata"]["labels"]["cluster.x-k8s.io/drain"] = value
    assert evicted(pod) is is_out


@pytest.mark.parametrize(
    ("found", "is_out"),
    [
        (rule("a", "Skip"), False),
        (rule("a", "WaitCompleted"), False),
        (rule("a", "Drain"), True),
        (rule("a", "Skip", pods=[{"selector": {"matchLabels": {"app": "web"}}}]), False),
        (rule("a", "Skip", pods=[{"selector": {"matchLabels": {"app": "db"}}}]), True),
        (rule("a", "Skip", pods=[{"namespaceSelector": {"matchLabels": {"team": "blue"}}}]), False),
        (rule("a", "Skip", pods=[{"selector": {"matchLabels": {"app": "web"}},
                                  "namespaceSelector": {"matchLabels": {"team": "red"}}}]), True),
        (rule("a", "Skip", pods=[{"selector": {"matchLabels": {"app": "db"}}}, {"selector": {}}]), False),
        (rule("a", "Skip", machines=[{"selector": {"matchLabels": WORKER}}]), False),
        (rule("a", "Skip", machines=[{"selector": {"matchLabels": {"x": "y"}}}]), True),
        (rule("a", "Skip", machines=[{"clusterSelector": {"matchLabels": {"env": "prod"}}}]), False),
        (rule("a", "Skip", machines=[{"selector": {"matchLabels": WORKER},
                                      "clusterSelector": {"matchLabels": {"env": "test"}}}]), True),
    ],
)  # fmt: skip
def test_machine_drain_rules_apply_by_machine_cluster_pod_and_namespace(
    found: Document, is_out: bool
) -> None:
    assert evicted(pod_document(), found) is is_out


def test_the_first_rule_by_name_that_applies_wins() -> None:
    other = rule("a", "Skip", pods=[{"selector": {"matchLabels": {"app": "db"}}}])
    assert evicted(pod_document(), rule("c", "Skip"), rule("b", "Drain"), other)
    assert not evicted(pod_document(), rule("c", "Drain"), rule("b", "Skip"), other)


# --- OpenStack -----------------------------------------------------------------------------------


def test_members_are_read() -> None:
    port = {"protocol_port": 6443}
    new = {
        "id": "m1",
        "name": "cp-3",
        "address": "10.6.0.4",
        "operating_status": "ONLINE",
        "tags": ["replank"],
    }
    legacy = {"id": "m2", "name": None, "address": "10.6.0.5", "operating_status": "NO_MONITOR"}
    ours, old = read_cloud.members([new | port, legacy | port])
    assert (ours.ours, ours.state, ours.port, ours.address) == (True, "ONLINE", 6443, "10.6.0.4")
    assert (old.ours, old.name) == (False, "")


def test_floating_ips_are_those_on_ports_of_servers() -> None:
    ports = [
        {"id": "p1", "device_id": "s1", "fixed_ips": [{"ip_address": "10.6.0.4"}, {"ip_address": "fd00::4"}]},
        {"id": "p2", "device_id": "", "fixed_ips": []},
    ]
    found = [
        {"id": "f1", "floating_ip_address": "203.0.113.1", "port_id": "p1"},
        {"id": "f2", "floating_ip_address": "203.0.113.2", "port_id": "p2"},
        {"id": "f3", "floating_ip_address": "203.0.113.3", "port_id": None},
        {"id": "f4", "floating_ip_address": "203.0.113.4", "port_id": "another project's"},
    ]
    assert [(ip.id, ip.server) for ip in read_cloud.floating_ips(found, ports)] == [("f1", "s1")]
    assert read_cloud.addresses(ports) == {"10.6.0.4", "fd00::4"}


def test_volumes_are_those_of_persistent_volumes() -> None:
    attachments = [{"volumeId": "root"}, {"volumeId": "v-1"}]
    assert read_cloud.volumes(attachments, frozenset({"v-1", "v-2"})) == ("v-1",)
