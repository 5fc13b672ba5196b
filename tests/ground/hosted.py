"""replank's operator installed in a cluster of the ground, as kubectl sees it from outside."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from proving_ground.errors import GroundError
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.scenario.kube import Kube, unmet
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary

NAME = "replank-operator"
NAMESPACE = "replank-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"
_LEADS = re.compile(r"^replank_leader 1(\.0)?$", re.MULTILINE)


@dataclass(frozen=True)
class Hosted:
    """The operator, and the cluster that hosts it."""

    ground: Folders
    cluster: LegacyCluster
    kube: Kube

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """stdout. Raises `GroundError` where it fails."""
        program = binary(self.ground, "kubernetes-1.35", "kube")
        return said([str(program), "kubectl", f"--kubeconfig={self.kube.kubeconfig}", *arguments], stdin)

    def helm(self, *arguments: str) -> str:
        """stdout. Raises `GroundError` where it fails."""
        program = binary(self.ground, "helm", "helm")
        return said([str(program), f"--kubeconfig={self.kube.kubeconfig}", "-n", NAMESPACE, *arguments])

    def pods(self) -> list[dict[str, Any]]:
        """Those that are going, too."""
        return self.kube.list("Pod", NAMESPACE, {"app.kubernetes.io/name": NAME})

    def available(self) -> str:
        """ "" where the Deployment has its two replicas of the newest template, and no pod more."""
        found = self.kube.get("Deployment", NAME, NAMESPACE)
        status = found.get("status", {})
        wanted = {"availableReplicas": 2, "updatedReplicas": 2, "replicas": 2}
        seen = {field: status.get(field, 0) for field in wanted}
        observed = status.get("observedGeneration") == found["metadata"]["generation"]
        count = len(self.pods())
        return "" if observed and seen == wanted and count == 2 else f"{seen}, {count} pods"

    def metrics(self, pod: str) -> str:
        """The exposition, through the API server."""
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics")

    def leaders(self) -> list[str]:
        """Pods whose metric says that they lead. One that is not Ready serves nothing yet."""
        ready = [pod["metadata"] for pod in self.pods() if not unmet(pod, "Ready")]
        staying = [about["name"] for about in ready if "deletionTimestamp" not in about]
        return [pod for pod in staying if _LEADS.search(self.metrics(pod))]

    def holder(self) -> str:
        """The pod that the Lease names, "" = nobody's."""
        lease = json.loads(self.kubectl("get", "lease", NAME, "-n", NAMESPACE, "-o", "json"))
        return str(lease["spec"].get("holderIdentity", "")).split("_")[0]

    def undecided(self, but: str = "") -> str:
        """ "" where exactly one leads, the one that the Lease names, and not the pod `but`."""
        try:
            leaders, holder = self.leaders(), self.holder()
        except GroundError as error:
            return str(error)
        return "" if leaders == [holder] and holder != but else f"leaders {leaders}, the Lease is {holder}'s"

    def logs(self) -> list[dict[str, Any]]:
        """What the pods say, those that are going too. A line that is not JSON fails."""
        text = self.kubectl(
            *("logs", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={NAME}", "--tail=-1", "--prefix=false")
        )
        return [json.loads(line) for line in text.splitlines()]

    def asked(self, since: str) -> list[tuple[str, str, int]]:
        """Every request of the operator since then (RFC 3339, UTC) that the API server's audit log has: verb,
        resource (with its subresource, and its group), and status."""
        machine = tofu.read(self.ground, self.cluster).control_planes[0]
        known_hosts = create.known_hosts(self.ground, self.cluster)
        command = f"sudo sh -c 'grep -hF {ACCOUNT} /var/log/platform/audit*.log'"
        lines = ssh.run(self.ground, known_hosts, machine.address, command).decode().splitlines()
        events = [json.loads(line) for line in lines]
        own = [event for event in events if event["user"]["username"] == ACCOUNT]
        return [_request(event) for event in own if event["requestReceivedTimestamp"] >= since]

    def objects(self) -> set[str]:
        """Everything that the API server lists but events, "kind namespace name"."""
        kinds = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        wanted = ",".join(kind for kind in kinds if not kind.startswith("events"))
        columns = "custom-columns=K:.kind,S:.metadata.namespace,N:.metadata.name"
        text = self.kubectl("get", wanted, "-A", "--ignore-not-found", "--no-headers", "-o", columns)
        return {" ".join(line.split()) for line in text.splitlines()}


def said(command: list[str], stdin: str = "") -> str:
    """stdout of a program. Raises `GroundError` with its stderr where it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        line = " ".join(command[1:])
        raise GroundError(line, f"ended with {done.returncode}", "Run it by hand.", done.stderr[-3000:])
    return done.stdout


def _request(event: dict[str, Any]) -> tuple[str, str, int]:
    about = event.get("objectRef") or {}
    resource = "/".join(filter(None, (about.get("resource", ""), about.get("subresource", ""))))
    kind = ".".join(filter(None, (resource, about.get("apiGroup", ""))))
    return event["verb"], kind, event["responseStatus"]["code"]
