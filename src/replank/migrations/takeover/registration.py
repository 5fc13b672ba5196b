"""How a machine's kubelet registers its Node: flags, labels, taints, runtime socket.

A flag that kubeadm itself writes has no place in a template (kubeadm writes it again); flags that belong to
one machine (its address, its name) are left out and listed as differences.
Source: k8s.io/kubernetes v1.34, cmd/kubeadm/app/phases/kubelet/flags.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import Addon, ExtraArg, Taint
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.likeness import agreed, most_common
from replank.migrations.takeover.node_labels import Labels, given_labels, lasting_taints

KUBEADM_FLAGS: Final = frozenset(
    {
        "bootstrap-kubeconfig",
        "config",
        "container-runtime",
        "container-runtime-endpoint",
        "kubeconfig",
        "network-plugin",
        "pod-infra-container-image",
        "register-with-taints",
    }
)
OWN_FLAGS: Final = frozenset({"hostname-override", "node-ip", "node-labels", "provider-id"})
"""Flags whose value is one machine's own; `node-labels` and `provider-id` are written anew for each."""

CONTROL_PLANE_TAINT: Final = Taint(key="node-role.kubernetes.io/control-plane")
_CONTAINERD: Final = frozenset(
    {"", "unix:///run/containerd/containerd.sock", "unix:///var/run/containerd/containerd.sock"}
)
_PROVIDED_ADDRESS: Final = "alpha.kubernetes.io/provided-node-ip"
"""The kubelet keeps this annotation on its Node while it runs with --cloud-provider=external and --node-ip,
and takes it off otherwise (kubernetes v1.35, pkg/kubelet/nodestatus/setters.go, NodeAddress)."""

_OWN_SETTINGS: Final = frozenset({"containerRuntimeEndpoint", "providerID", "resolvConf"})
VALUE_LIMIT: Final = 1024
"""Longest value of an extra argument that Cluster API takes (v1beta2, Arg.value maxLength)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a machine's Node and kubelet have that a template can hold.

    `flags` None: nobody looked at this kubelet. `settings`: keys of the kubelet's configuration that differ
    from the cluster's kubelet-config, as `key=JSON`; None as above. `max_pods`: from the Node's capacity.
    `external`: the Node shows that its kubelet runs with --cloud-provider=external.
    """

    labels: Labels
    machine_labels: Labels
    lost_labels: Labels
    taints: tuple[Taint, ...]
    flags: tuple[ExtraArg, ...] | None
    own_flags: tuple[ExtraArg, ...]
    settings: tuple[str, ...] | None
    cri_socket: str
    max_pods: str
    external: bool


def registration_of(adoptee: Adoptee, kubelet_config: Mapping[str, JSON] | None) -> Registration:
    """The registration of one machine as it is."""
    labels = given_labels(adoptee.node)
    kubelet = adoptee.host.kubelet if adoptee.host else None
    seen = None if kubelet is None or isinstance(kubelet, Unknown) else kubelet
    flags = sorted(seen.flags, key=lambda f: (f.name, f.value)) if seen else []
    sockets = [adoptee.node.cri_socket]
    sockets += [f.value for f in flags if f.name == "container-runtime-endpoint"]
    if seen:
        # kubeadm >= 1.34 writes the socket neither as flag nor as annotation (NodeLocalCRISocket).
        sockets += [str(c.get("containerRuntimeEndpoint") or "") for c in (seen.instance_config, seen.config)]
    socket = next((s for s in sockets if s), "")
    return Registration(
        labels=labels.kubelet,
        machine_labels=labels.machine,
        lost_labels=labels.nobody,
        taints=lasting_taints(adoptee.node),
        flags=tuple(f for f in flags if f.name not in KUBEADM_FLAGS | OWN_FLAGS) if seen else None,
        own_flags=tuple(f for f in flags if f.name in OWN_FLAGS),
        settings=_own_settings(seen.config, kubelet_config) if seen and seen.config else None,
        cri_socket="" if socket in _CONTAINERD else socket,
        max_pods=_max_pods(adoptee, kubelet_config),
        external=_PROVIDED_ADDRESS in adoptee.node.annotation_keys,
    )


def _max_pods(adoptee: Adoptee, kubelet_config: Mapping[str, JSON] | None) -> str:
    """The Node's `pods` capacity where it is not what joiners are told; 110 is the kubelet's default."""
    capacity = adoptee.node.capacity.get("pods", "")
    if not capacity or kubelet_config is None:
        return ""
    return "" if capacity == str(kubelet_config.get("maxPods", 110)) else capacity


def _own_settings(
    config: Mapping[str, JSON], kubelet_config: Mapping[str, JSON] | None
) -> tuple[str, ...] | None:
    if kubelet_config is None:
        return None
    return tuple(
        f"{key}={json.dumps(config.get(key), sort_keys=True)}"
        for key in sorted(set(config) | set(kubelet_config))
        if key not in _OWN_SETTINGS and config.get(key) != kubelet_config.get(key)
    )


def template_registration(registrations: Sequence[Registration], lead: int) -> Registration:
    """What most of the machines have; flags only from kubelets that were looked at.

    `lead`: index of the machine that decides where the halves are equal.
    """
    flags = [r.flags for r in registrations if r.flags is not None]
    settings = [r.settings for r in registrations if r.settings is not None]
    return Registration(
        labels=agreed([r.labels for r in registrations], lead),
        machine_labels=agreed([r.machine_labels for r in registrations], lead),
        lost_labels=(),
        taints=agreed([r.taints for r in registrations], lead),
        flags=most_common(flags, ()) if flags else None,
        own_flags=(),
        settings=most_common(settings, ()) if settings else None,
        cri_socket=agreed([r.cri_socket for r in registrations], lead),
        max_pods=agreed([r.max_pods for r in registrations], lead),
        external=agreed([r.external for r in registrations], lead),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderIDs:
    """How new Nodes get their providerID. `region`: the one in the Nodes' providerIDs, "" = none."""

    region: str
    cloud_provider: bool

    @classmethod
    def of(cls, addons: Sequence[Addon], region: str) -> ProviderIDs:
        """`cloud_provider`: a cloud controller manager runs, and fills them."""
        return cls(region=region, cloud_provider=any(a.kind == "cloud-provider" for a in addons))


def kubelet_arguments(template: Registration, ids: ProviderIDs, by_flag: bool) -> list[ExtraArg]:
    """`kubeletExtraArgs` of the template, sorted by name, each name once.

    `by_flag`: the kubelets of this group get their providerID by flag. Where no cloud provider fills it in,
    the flag is the only way to one, and a Machine whose Node has none never gets its nodeRef.
    """
    arguments = {flag.name: flag.value for flag in template.flags or ()}
    if ids.cloud_provider or template.external:
        # An uninitialized Node is what the cloud controller manager, or what stands in for one, waits for
        # before it sets a providerID.
        arguments.setdefault("cloud-provider", "external")
    if by_flag or not ids.cloud_provider:
        arguments["provider-id"] = f"openstack://{ids.region}/{{{{ instance_id }}}}"
    if template.labels:
        arguments["node-labels"] = ",".join(f"{key}={value}" for key, value in template.labels)
    if template.max_pods:
        arguments.setdefault("max-pods", template.max_pods)
    return [ExtraArg(name=name, value=arguments[name]) for name in sorted(arguments)]


def node_registration(
    template: Registration, arguments: Sequence[ExtraArg], *, control_plane: bool
) -> dict[str, JSON]:
    """`nodeRegistration` of a join (or init) configuration.

    kubeadm gives a control plane its taint where `taints` is absent, and none where it is empty
    (cmd/kubeadm/app/util/config, SetNodeRegistrationDynamicDefaults).
    """
    registration: dict[str, JSON] = {"name": "{{ local_hostname }}"}
    if template.cri_socket:
        registration["criSocket"] = template.cri_socket
    if arguments:
        registration["kubeletExtraArgs"] = [{"name": a.name, "value": a.value} for a in arguments]
    default = (CONTROL_PLANE_TAINT,) if control_plane else ()
    if template.taints != default:
        registration["taints"] = [_taint(taint) for taint in template.taints]
    return registration


def _taint(taint: Taint) -> JSON:
    entry: dict[str, JSON] = {"key": taint.key, "effect": taint.effect}
    return entry | ({"value": taint.value} if taint.value else {})
