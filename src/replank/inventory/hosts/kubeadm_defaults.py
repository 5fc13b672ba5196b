"""What kubeadm writes into static pod manifests by itself, from the ClusterConfiguration.

Source: k8s.io/kubernetes v1.31-v1.35, cmd/kubeadm/app/phases/controlplane/manifests.go
(getAPIServerCommand, getControllerManagerCommand, getSchedulerCommand), phases/controlplane/volumes.go,
phases/etcd/local.go (getEtcdCommand).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from replank.inventory.facts.kubernetes import ClusterConfiguration, ComponentConfig, ExtraArg

_CONTROLLER_MANAGER_CONF: Final = "/etc/kubernetes/controller-manager.conf"
_SCHEDULER_CONF: Final = "/etc/kubernetes/scheduler.conf"

DEFAULT_VOLUMES: Final = re.compile(
    r"k8s-certs|ca-certs|etc-ca-certificates|usr-(local-)?share-ca-certificates|etc-pki(-.*)?"
    r"|flexvolume-dir|kubeconfig|etcd-certs(-[0-9]+)?|etcd-data"
)
PROXY_VARIABLE: Final = re.compile(r".*_proxy", flags=re.IGNORECASE)
"""kubeadm copies these from its own environment (util/env.go GetProxyEnvVars)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Flags of one component.

    `fixed`: flag -> the value that the ClusterConfiguration leads to, always written. `allowed`: flag ->
    values that some version or layout writes; () = any value (it comes from the machine, not from the
    ClusterConfiguration). `extra_args`, `config`: what the ClusterConfiguration adds.
    """

    fixed: Mapping[str, str]
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra_args: tuple[ExtraArg, ...] = ()
    config: ComponentConfig | None = None


def defaults_for(component: str, config: ClusterConfiguration) -> Defaults | None:
    """The defaults of a control-plane component or etcd; None for any other pod."""
    makers = {
        "kube-apiserver": _api_server,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "etcd": _etcd,
    }
    return makers[component](config) if component in makers else None


def _api_server(config: ClusterConfiguration) -> Defaults:
    pki = config.certificates_dir
    extra = config.api_server.extra_args
    fixed = {
        "enable-admission-plugins": "NodeRestriction",
        "service-account-key-file": f"{pki}/sa.pub",
        "service-account-signing-key-file": f"{pki}/sa.key",
        "service-account-issuer": f"https://kubernetes.default.svc.{config.dns_domain}",
        "client-ca-file": f"{pki}/ca.crt",
        "tls-cert-file": f"{pki}/apiserver.crt",
        "tls-private-key-file": f"{pki}/apiserver.key",
        "kubelet-client-certificate": f"{pki}/apiserver-kubelet-client.crt",
        "kubelet-client-key": f"{pki}/apiserver-kubelet-client.key",
        "enable-bootstrap-token-auth": "true",
        "allow-privileged": "true",
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-client-ca-file": f"{pki}/front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "proxy-client-cert-file": f"{pki}/front-proxy-client.crt",
        "proxy-client-key-file": f"{pki}/front-proxy-client.key",
    }
    if config.service_subnet:
        fixed["service-cluster-ip-range"] = config.service_subnet
    if not any(arg.name == "authorization-config" for arg in extra):
        fixed["authorization-mode"] = "Node,RBAC"
    allowed: dict[str, tuple[str, ...]] = {
        "advertise-address": (),
        "secure-port": (),
        "service-cluster-ip-range": (),
        "insecure-port": ("0",),
    }
    external = config.etcd_external
    if external is None:
        fixed["etcd-cafile"] = f"{pki}/etcd/ca.crt"
        fixed["etcd-certfile"] = f"{pki}/apiserver-etcd-client.crt"
        fixed["etcd-keyfile"] = f"{pki}/apiserver-etcd-client.key"
        allowed["etcd-servers"] = _local_etcd_servers(config)
    else:
        fixed["etcd-servers"] = ",".join(external.endpoints)
        files = {
            "etcd-cafile": external.ca_file,
            "etcd-certfile": external.cert_file,
            "etcd-keyfile": external.key_file,
        }
        fixed |= {flag: path for flag, path in files.items() if path}
    return Defaults(fixed=fixed, allowed=allowed, extra_args=extra, config=config.api_server)


def _local_etcd_servers(config: ClusterConfiguration) -> tuple[str, ...]:
    local = config.etcd_local.extra_args if config.etcd_local else ()
    named = tuple(arg.value for arg in local if arg.name == "advertise-client-urls")
    return named[-1:] or ("https://127.0.0.1:2379", "https://[::1]:2379")


def _controller_manager(config: ClusterConfiguration) -> Defaults:
    pki = config.certificates_dir
    fixed = {
        "bind-address": "127.0.0.1",
        "leader-elect": "true",
        "kubeconfig": _CONTROLLER_MANAGER_CONF,
        "authentication-kubeconfig": _CONTROLLER_MANAGER_CONF,
        "authorization-kubeconfig": _CONTROLLER_MANAGER_CONF,
        "client-ca-file": f"{pki}/ca.crt",
        "requestheader-client-ca-file": f"{pki}/front-proxy-ca.crt",
        "root-ca-file": f"{pki}/ca.crt",
        "service-account-private-key-file": f"{pki}/sa.key",
        "use-service-account-credentials": "true",
        "controllers": "*,bootstrapsigner,tokencleaner",
    }
    # An external CA (no ca.key on the machine) makes both empty: a fact of the machine, so both are fine.
    allowed: dict[str, tuple[str, ...]] = {
        "cluster-signing-cert-file": (f"{pki}/ca.crt", ""),
        "cluster-signing-key-file": (f"{pki}/ca.key", ""),
        "port": ("0",),
    }
    if config.pod_subnet:
        fixed["allocate-node-cidrs"] = "true"
        fixed["cluster-cidr"] = config.pod_subnet
        if config.service_subnet:
            fixed["service-cluster-ip-range"] = config.service_subnet
    if config.cluster_name:
        fixed["cluster-name"] = config.cluster_name
    extra = config.controller_manager.extra_args
    return Defaults(fixed=fixed, allowed=allowed, extra_args=extra, config=config.controller_manager)


def _scheduler(config: ClusterConfiguration) -> Defaults:
    fixed = {
        "bind-address": "127.0.0.1",
        "leader-elect": "true",
        "kubeconfig": _SCHEDULER_CONF,
    }
    allowed: dict[str, tuple[str, ...]] = {
        "authentication-kubeconfig": (_SCHEDULER_CONF,),
        "authorization-kubeconfig": (_SCHEDULER_CONF,),
        "port": ("0",),
    }
    extra = config.scheduler.extra_args
    return Defaults(fixed=fixed, allowed=allowed, extra_args=extra, config=config.scheduler)


def _etcd(config: ClusterConfiguration) -> Defaults:
    pki = f"{config.certificates_dir}/etcd"
    fixed = {
        "cert-file": f"{pki}/server.crt",
        "key-file": f"{pki}/server.key",
        "trusted-ca-file": f"{pki}/ca.crt",
        "client-cert-auth": "true",
        "peer-cert-file": f"{pki}/peer.crt",
        "peer-key-file": f"{pki}/peer.key",
        "peer-trusted-ca-file": f"{pki}/ca.crt",
        "peer-client-cert-auth": "true",
        "snapshot-count": "10000",
    }
    if config.etcd_local is not None:
        fixed["data-dir"] = config.etcd_local.data_dir
    of_the_machine = (
        *("name", "listen-client-urls", "advertise-client-urls", "listen-peer-urls"),
        *("initial-advertise-peer-urls", "initial-cluster", "listen-metrics-urls", "data-dir"),
    )
    allowed: dict[str, tuple[str, ...]] = dict.fromkeys(of_the_machine, ())
    allowed |= {
        "initial-cluster-state": ("existing",),
        # etcd 3.5 and its 3.6 successors (kubeadm 1.34).
        "experimental-initial-corrupt-check": ("true",),
        "experimental-watch-progress-notify-interval": ("5s",),
        "feature-gates": ("InitialCorruptCheck=true",),
        "watch-progress-notify-interval": ("5s",),
    }
    extra = config.etcd_local.extra_args if config.etcd_local else ()
    return Defaults(fixed=fixed, allowed=allowed, extra_args=extra)
