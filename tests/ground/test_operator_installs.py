"""Chart and manifests of replank's operator, in a cluster of the ground, from an image that is built here.

Cluster API's kinds are there and its controllers are not: the test plays them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hosted import NAME, NAMESPACE, Hosted
from lightkube.core.exceptions import ApiError
from living import living
from shell import replank
from told import Told

from proving_ground.cloud import connect
from proving_ground.engine import docker_engine
from proving_ground.images.operator import REPOSITORY, ensure_operator
from proving_ground.legacy.layout import LegacyCluster, Traits, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import hosting
from proving_ground.scenario.kube import Kube, condition
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from proving_ground.toolchain import build
from replank.guards.names import CONDITION, PRE_DRAIN, PRE_TERMINATE

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1200)]

HOSTING = LegacyCluster(
    name="hosting",
    number=70,
    control_planes=1,
    worker_groups=(WorkerGroup(count=1),),
    traits=Traits(audit=True, workload=False),
)
DEPLOY = REPOSITORY / "src" / "replank" / "controllers" / "deploy"
CHART = REPOSITORY / "charts" / NAME
IMAGE = "replank-operator:0.1.0"
GUARDED = "guarded"
DEFINITION = {
    "CustomResourceDefinition <none> clusterguards.replank.dev",
    "APIService <none> v1alpha1.replank.dev",
}
EVERYTHING = {
    ("list", "machinedrainrules.cluster.x-k8s.io"),
    ("get", "openstackclusters.infrastructure.cluster.x-k8s.io"),
    ("get", "openstackclusteridentities.infrastructure.cluster.x-k8s.io"),
    ("get", "namespaces"),
    ("get", "secrets"),
    ("get", "clusterguards.replank.dev"),
    ("patch", "machines.cluster.x-k8s.io"),
    ("patch", "machines/status.cluster.x-k8s.io"),
    ("create", "events"),
    ("create", "leases.coordination.k8s.io"),
    ("watch", "kubeadmcontrolplanes.controlplane.cluster.x-k8s.io"),
    ("list", "customresourcedefinitions.apiextensions.k8s.io"),
}
"""What the operator needs rights for: verb, resource."""


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


@pytest.fixture(scope="module")
def hosted(ground: Folders, progress: Progress) -> Iterator[Hosted]:
    """A cluster with Cluster API's kinds and the operator's image."""
    build.require_go(ground)
    with progress.step("toolchain helm"):
        build.build(ground, "helm")
    client = docker_engine.connect()
    image = ensure_operator(client, ground, progress)
    for kube in living(ground, HOSTING, progress):
        with progress.step("hosting: image"):
            hosting.put_image(client, ground, HOSTING, image, IMAGE)
        with progress.step("hosting: Cluster API's kinds"):
            hosting.install_kinds(ground, kube)
        yield Hosted(ground, HOSTING, kube)


@pytest.fixture
def empty(hosted: Hosted) -> Iterator[set[str]]:
    """What the cluster holds before anything is installed. Whatever a test leaves goes afterwards."""
    yield hosted.objects()
    for machine in hosted.kube.list("Machine", GUARDED):
        end(hosted.kube, machine["metadata"]["name"])
    for kind, name in (
        ("Namespace", GUARDED),
        ("Namespace", NAMESPACE),
        ("OpenStackClusterIdentity", GUARDED),
        ("ClusterRole", NAME),
        ("ClusterRoleBinding", NAME),
        ("CustomResourceDefinition", "clusterguards.replank.dev"),
    ):
        hosted.kube.delete(kind, name)
        until(name, lambda kind=kind, name=name: "still there" if hosted.kube.find(kind, name) else "", 120)


def test_plain_manifests_run_and_leave_nothing_but_the_definition(
    hosted: Hosted, empty: set[str], progress: Progress, told: Told
) -> None:
    manifest, began = str(DEPLOY / "operator.yaml"), now()
    with progress.step("hosting: manifests"):
        hosted.kubectl("apply", "-f", "-", stdin=replank("guard", "--crd"))
        hosted.kubectl("apply", "-f", manifest)
        took = until("operator", hosted.available, limit_s=180)
    handover = it_guards(hosted)
    nothing_is_refused(hosted, began, EVERYTHING)
    told(f"proof: manifests: available after {took:.0f} s, the other leads {handover:.0f} s after a delete")
    with progress.step("hosting: manifests go"):
        forget(hosted)
        hosted.kubectl("delete", "-f", manifest)
    assert hosted.objects() ^ empty == DEFINITION


def test_the_chart_runs_and_leaves_nothing_but_the_definition(
    hosted: Hosted, empty: set[str], progress: Progress, told: Told
) -> None:
    began = now()
    with progress.step("hosting: chart"):
        hosted.helm("install", NAME, str(CHART), "--create-namespace", "--wait", "--timeout=180s")
        until("operator", hosted.available, limit_s=60)
    handover = it_guards(hosted)
    nothing_is_refused(hosted, began, EVERYTHING)
    told(f"proof: chart: the other leads {handover:.0f} s after a delete")
    with progress.step("hosting: chart in one namespace"):
        one = ("--set", f"namespaces={{{GUARDED}}}", "--wait", "--timeout=180s")
        hosted.helm("upgrade", NAME, str(CHART), *one)
        until("operator", hosted.available, limit_s=60)
        until("leader", hosted.undecided, limit_s=60)
        began = now()  # the pods before had rights that are gone now
        hosted.kube.apply(hosting.machine(GUARDED, "later"))
        until("hooks", lambda: lacks(hosted.kube, "later", PRE_DRAIN, PRE_TERMINATE), limit_s=60)
        hosted.kube.delete("Machine", "later", GUARDED)
        until("drain", lambda: has(hosted.kube, "later", PRE_DRAIN), limit_s=60)
        nothing_is_refused(hosted, began, {("patch", "machines.cluster.x-k8s.io")})
    with progress.step("hosting: chart goes"):
        forget(hosted)
        hosted.helm("uninstall", NAME, "--wait", "--timeout=180s")
        until("pods", lambda: f"{len(hosted.pods())} pods" if hosted.pods() else "", limit_s=60)
        own = {line for line in hosted.objects() - empty if f" {NAMESPACE} " in line and NAME in line}
        assert own == {f"Lease {NAMESPACE} {NAME}"}, "what goes with its namespace"
        hosted.kubectl("delete", "namespace", NAMESPACE)
    assert hosted.objects() ^ empty == DEFINITION


def it_guards(hosted: Hosted) -> float:
    """Two Machines are deleted; of one every hook is answered, by two leaders. Returns the seconds between
    the leading pod's deletion and the other's leadership."""
    kube, ground = hosted.kube, hosted.ground
    until("leader", hosted.undecided, limit_s=60)
    hosting.guarded_cluster(ground, HOSTING, kube, GUARDED)
    with pytest.raises(ApiError, match="surge needs the taint"):
        kube.merge("ClusterGuard", GUARDED, {"spec": {"drain": {"surge": None}}}, GUARDED)
    (server,) = connect(ground).compute.servers(name="hosting-worker")
    kube.apply(hosting.machine(GUARDED, "free", provider_id=f"openstack:///{server.id}"))
    kube.apply(hosting.machine(GUARDED, "held"))
    say(kube, "held", {"nodeRef": {"name": server.name}})
    for name in ("free", "held"):
        until(f"{name}'s hooks", lambda name=name: lacks(kube, name, PRE_DRAIN, PRE_TERMINATE), limit_s=60)
        kube.delete("Machine", name, GUARDED)
    until("free's drain", lambda: has(kube, "free", PRE_DRAIN), limit_s=60)
    until("free is told", lambda: told_is(kube, "free", "True", "Nothing holds the drain"), limit_s=30)
    # The operator's own pods stand on the only worker.
    until("held is told", lambda: told_is(kube, "held", "False", f"{NAMESPACE}/{NAME}-"), limit_s=30)
    assert lacks(kube, "free", PRE_TERMINATE) == "", "Cluster API has not drained it yet"

    leader = hosted.holder()
    kube.delete("Pod", leader, NAMESPACE)
    handover = until("another leader", lambda: hosted.undecided(but=leader), limit_s=60)

    deleting = {"type": "Deleting", "status": "True", "reason": "WaitingForPreTerminateHook", "message": ""}
    say(kube, "free", {"conditions": [{**deleting, "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
    # It looks at the server's floating IPs and volumes first, so it has reached OpenStack.
    until("free's termination", lambda: has(kube, "free", PRE_TERMINATE), limit_s=60)
    assert lacks(kube, "held", PRE_DRAIN, PRE_TERMINATE) == ""
    until("operator", hosted.available, limit_s=120)
    return handover


def nothing_is_refused(hosted: Hosted, since: str, at_least: set[tuple[str, str]]) -> None:
    """Its rights are enough for all that it has asked for, which is `at_least` that."""
    for line in hosted.logs():
        own = line["logger"] == "replank.operator"  # kopf's tells of retries as errors, too
        assert not own or line["level"] in ("info", "warning"), json.dumps(line, indent=1)
        assert "forbidden" not in str(line).lower(), json.dumps(line, indent=1)
    asked = hosted.asked(since)
    assert [request for request in asked if request[2] in (401, 403)] == []
    assert at_least - {(verb, resource) for verb, resource, _ in asked} == set()


def now() -> str:
    """As the audit log has it; machines have this host's clock."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def forget(hosted: Hosted) -> None:
    """The guarded Cluster goes, while the operator is still there."""
    for machine in hosted.kube.list("Machine", GUARDED):
        end(hosted.kube, machine["metadata"]["name"])
    hosted.kube.delete("OpenStackClusterIdentity", GUARDED)
    hosted.kube.delete("Namespace", GUARDED)
    until(GUARDED, lambda: "still there" if hosted.kube.find("Namespace", GUARDED) else "", limit_s=120)


def end(kube: Kube, machine: str) -> None:
    """Nobody holds it any more."""
    kube.merge("Machine", machine, {"metadata": {"finalizers": None}}, GUARDED)
    kube.delete("Machine", machine, GUARDED)


def say(kube: Kube, machine: str, status: dict[str, object]) -> None:
    """As Cluster API's controller would."""
    about = {"namespace": GUARDED, "name": machine}
    document = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Machine", "metadata": about}
    kube.apply_status({**document, "status": status})


def lacks(kube: Kube, machine: str, *hooks: str) -> str:
    """ "" where the Machine has the hooks."""
    there = kube.get("Machine", machine, GUARDED)["metadata"].get("annotations", {})
    missing = [hook for hook in hooks if hook not in there]
    return f"{machine} has no {', '.join(missing)}" if missing else ""


def has(kube: Kube, machine: str, hook: str) -> str:
    """ "" where it has not, any more."""
    return "" if lacks(kube, machine, hook) else f"{machine} has {hook}"


def told_is(kube: Kube, machine: str, status: str, words: str) -> str:
    """ "" where the Machine's condition, and an event, say so."""
    found = kube.get("Machine", machine, GUARDED)
    conditions = found.get("status", {}).get("conditions", [])
    said = next((c["message"] for c in conditions if c["type"] == CONDITION), "nothing")
    if condition(found, CONDITION) != status or words not in said:
        return f"{machine} is told: {said}"
    events = [e for e in kube.list("Event", GUARDED) if e["involvedObject"]["name"] == machine]
    return "" if any(words in event["message"] for event in events) else f"no event of {machine}: {events}"
