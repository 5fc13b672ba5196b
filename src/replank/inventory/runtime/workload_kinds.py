"""Which product runs in a container, by its image: CNIs, detectors, agents, builders.

Images are those of the projects' own charts and manifests; a copy in another registry keeps the last parts of
the name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

_NETWORKS: Final[Mapping[str, str]] = {
    "amazon-vpc-cni": r"amazon-k8s-cni",
    "calico": r"calico/node|calico-node|mirrored-calico-node",
    "cilium": r"cilium",
    "flannel": r"flannel",
    "weave": r"weave-kube",
    "antrea": r"antrea-(agent|ubuntu)",
    "kube-router": r"kube-router",
    "kube-ovn": r"kube-ovn",
    "ovn-kubernetes": r"ovn-kube[^/]*",
    "kindnet": r"kindnetd",
    "azure-cni": r"azure-cni|azure-cns",
    "multus": r"multus-cni",
}
_AGENTS: Final[Mapping[str, str]] = {
    "Falco": r"falco(-no-driver)?",
    "Datadog": r"(datadog|datadoghq)/agent",
    "Dynatrace": r"(dynatrace-)?oneagent",
    "Prisma Cloud": r"twistlock/(private|defender[^/]*)|[^/]*prisma[^/]*defender[^/]*",
    "Sysdig": r"sysdig/(agent|agent-slim|agent-kmodule)",
    "Aqua": r"aquasec/enforcer|aquasec/kube-enforcer",
    "StackRox": r"(stackrox|rhacs)[^/]*/collector[^/]*",
    "CrowdStrike": r"falcon-(node-)?sensor",
    "New Relic": r"newrelic/infrastructure(-k8s|-bundle)?",
    "Splunk (SignalFx)": r"signalfx/signalfx-agent|signalfx-agent",
    "Instana": r"instana/agent",
    "AppDynamics": r"appdynamics/(machine-agent|netviz|cluster-agent)[^/]*",
    "cAdvisor": r"cadvisor",
    "Tetragon": r"cilium/tetragon",
    "Wiz": r"wiz-io/sensor|wiz-sensor",
    "chaos tool": r"chaos-daemon|litmuschaos/go-runner|pumba|chaosmesh/[^/]*",
}
_DETECTOR: Final = r"node-problem-detector"
_CLIENTS: Final = r"docker|[^/]*jenkins[^/]*|inbound-agent|jnlp-(slave|agent)[^/]*|gitlab-runner|buildx|pack"
_TAG: Final = re.compile(r"v?([0-9]+(\.[0-9]+){1,2})")


def network_of(image: str) -> str:
    """amazon-vpc-cni, calico, ...; "" for what is no CNI that replank knows."""
    return _named(_NETWORKS, image)


def agent_of(image: str) -> str:
    """Falco, Datadog, ...; "" for no such agent."""
    return _named(_AGENTS, image)


def is_detector(image: str) -> bool:
    """node-problem-detector."""
    return _matches(_DETECTOR, image)


def builder_of(image: str, *, docker_socket: bool) -> Literal["dind", "docker-socket"] | None:
    """How a container builds images by Docker, None if it does not. kaniko and BuildKit need no Docker."""
    tag = split_image(image)[1]
    if _matches("docker", image) and "dind" in tag:
        return "dind"
    if docker_socket and _matches(_CLIENTS, image):
        return "docker-socket"
    return None


def version_of(image: str) -> str:
    """The version in an image's tag: `1.18.2` of `v1.18.2-eksbuild.1`; "" if it names none."""
    match = _TAG.match(split_image(image)[1])
    return match[1] if match else ""


def split_image(image: str) -> tuple[str, str]:
    """Repository and tag, without digest; a colon before the last slash is a port."""
    name = image.partition("@")[0].lower()
    head, slash, tail = name.rpartition("/")
    last, _, tag = tail.partition(":")
    return f"{head}{slash}{last}", tag


def _named(table: Mapping[str, str], image: str) -> str:
    return next((name for name, pattern in table.items() if _matches(pattern, image)), "")


def _matches(pattern: str, image: str) -> bool:
    repository = split_image(image)[0]
    return re.search(f"(^|/)({pattern})$", repository) is not None
