"""Settings of the CRI plugins: images, runtime and server (`containerd_settings.py` says more)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_setting import (
    CRI,
    IMAGES,
    RUNTIME,
    UNSET,
    changed,
    plugin,
    settings,
)

_CRI_SERVER: Final = settings(
    plugin(CRI),
    {
        "disable_tcp_service": True,
        "stream_server_address": "127.0.0.1",
        "stream_server_port": "0",
        "stream_idle_timeout": "4h0m0s",
        "enable_tls_streaming": False,
        "x509_key_pair_streaming/tls_cert_file": "",
        "x509_key_pair_streaming/tls_key_file": "",
    },
)

_REGISTRY: Final = (*plugin(IMAGES), "registry")
_LOGIN: Final = ("username", "password", "auth", "identitytoken")
_CRI_IMAGES: Final = [
    *settings(
        _REGISTRY,
        {
            "mirrors/*/endpoint": UNSET,
            **{f"configs/*/auth/{name}": "" for name in _LOGIN},
            **{f"auths/*/{name}": "" for name in _LOGIN},
        },
        gone=(2, 4),
    ),
    *settings(
        plugin(IMAGES),
        {
            "snapshotter": "overlayfs",
            "disable_snapshot_annotations": True,
            "discard_unpacked_layers": False,
            "max_concurrent_downloads": 3,
            "image_decryption/key_model": "node",
            "stats_collect_period": 10,
            "registry/headers/*": UNSET,
        },
    ),
    *settings(
        (*_REGISTRY, "configs", "*", "tls"),
        {"insecure_skip_verify": False, "ca_file": "", "cert_file": "", "key_file": ""},
        gone=(2, 0),
    ),
    changed(
        (*_REGISTRY, "config_path"), ((1, 6), ""), ((2, 2), "/etc/containerd/certs.d:/etc/docker/certs.d")
    ),
    changed(
        (*plugin(IMAGES), "pinned_images", "sandbox"),
        ((1, 6), "registry.k8s.io/pause:3.6"),
        ((1, 7), "registry.k8s.io/pause:3.8"),
        ((2, 0), "registry.k8s.io/pause:3.10"),
        ((2, 2), "registry.k8s.io/pause:3.10.1"),
        ((2, 3), "registry.k8s.io/pause:3.10.2"),
    ),
    *settings(plugin(IMAGES), {"pinned_images/*": UNSET}, since=(2, 0)),
    *settings(
        plugin(IMAGES),
        {"image_pull_progress_timeout": "5m0s", "image_pull_with_sync_fs": False},
        since=(1, 7),
    ),
    *settings((*plugin(IMAGES), "runtime_platforms", "*"), {"platform": "", "snapshotter": ""}, since=(2, 0)),
    *settings(
        plugin(IMAGES), {"use_local_image_pull": False, "concurrent_layer_fetch_buffer": 0}, since=(2, 1)
    ),
]

_HANDLER: Final = (*plugin(RUNTIME), "containerd", "runtimes", "*")
_RUNC_OPTIONS: Final[Mapping[str, JSON]] = {
    "NoPivotRoot": False,
    "NoNewKeyring": False,
    "ShimCgroup": "",
    "IoUid": 0,
    "IoGid": 0,
    "BinaryName": "",
    "Root": "",
    "SystemdCgroup": False,
    "CriuImagePath": "",
    "CriuWorkPath": "",
}
_OLD_HANDLERS: Final = [
    setting
    for name in ("default_runtime", "untrusted_workload_runtime")
    for setting in settings(
        (*plugin(RUNTIME), "containerd", name),
        {
            **dict.fromkeys(
                ("runtime_type", "runtime_engine", "runtime_root", "base_runtime_spec", "sandboxer"), ""
            ),
            **dict.fromkeys(("runtime_path", "cni_conf_dir", "snapshotter"), ""),
            "cni_max_conf_num": 0,
            "pod_annotations": [],
            "container_annotations": [],
            "privileged_without_host_devices": False,
            "privileged_without_host_devices_all_devices_allowed": False,
            **{f"options/{option}": default for option, default in _RUNC_OPTIONS.items()},
        },
        gone=(2, 0),
    )
]
_CRI_RUNTIME: Final = [
    *settings(
        plugin(RUNTIME),
        {
            "enable_selinux": False,
            "selinux_category_range": 1024,
            "max_container_log_line_size": 16384,
            "disable_apparmor": False,
            "restrict_oom_score_adj": False,
            "disable_proc_mount": False,
            "unset_seccomp_profile": "",
            "tolerate_missing_hugetlb_controller": True,
            "disable_hugetlb_controller": True,
            "device_ownership_from_security_context": False,
            "ignore_image_defined_volumes": False,
            "netns_mounts_under_state_dir": False,
            "drain_exec_sync_io_timeout": "0s",
            "ignore_deprecation_warnings": [],
            "containerd/default_runtime_name": "runc",
            "containerd/ignore_rdt_not_enabled_errors": False,
            "cni/bin_dirs": ["/opt/cni/bin"],
            "cni/conf_dir": "/etc/cni/net.d",
            "cni/max_conf_num": 1,
            "cni/conf_template": "",
            "cni/ip_pref": "",
        },
    ),
    changed((*plugin(RUNTIME), "enable_unprivileged_ports"), ((1, 6), False), ((2, 0), True)),
    changed((*plugin(RUNTIME), "enable_unprivileged_icmp"), ((1, 6), False), ((2, 0), True)),
    changed((*plugin(RUNTIME), "enable_cdi"), ((1, 7), False), ((2, 0), True), since=(1, 7)),
    *settings(
        plugin(RUNTIME),
        {
            "cdi_spec_dirs": ["/etc/cdi", "/var/run/cdi"],
            "containerd/ignore_blockio_not_enabled_errors": False,
            "cni/setup_serially": False,
        },
        since=(1, 7),
    ),
    *settings(plugin(RUNTIME), {"cni/use_internal_loopback": False}, since=(2, 0)),
    *settings(
        plugin(RUNTIME),
        {
            "stats_collect_period": "",
            "stats_retention_period": "",
            "enable_criu": True,
            "enable_experimental_restore_via_create": False,
        },
        since=(2, 3),
    ),
    *settings(
        plugin(RUNTIME),
        {"systemd_cgroup": False, "disable_cgroup": False, "containerd/no_pivot": False},
        gone=(2, 0),
    ),
    *_OLD_HANDLERS,
    changed((*_HANDLER[:-1], "runc", "runtime_type"), ((1, 6), "io.containerd.runc.v2")),
    *settings(
        _HANDLER,
        {
            "runtime_type": "",
            "runtime_path": "",
            "pod_annotations": [],
            "container_annotations": [],
            "privileged_without_host_devices": False,
            "base_runtime_spec": "",
            "cni_conf_dir": "",
            "cni_max_conf_num": 0,
            "options/ConfigPath": "",
            "options/TypeUrl": "",
            **{f"options/{option}": default for option, default in _RUNC_OPTIONS.items()},
        },
    ),
    *settings(
        _HANDLER,
        {
            "privileged_without_host_devices_all_devices_allowed": False,
            "snapshotter": "",
            "sandboxer": "podsandbox",
        },
        since=(1, 7),
    ),
    *settings(_HANDLER, {"io_type": ""}, since=(2, 0)),
    *settings(_HANDLER, {"cgroup_writable": False}, since=(2, 1)),
    *settings(_HANDLER, {"runtime_engine": "", "runtime_root": "", "options/CriuPath": ""}, gone=(2, 0)),
]

CRI_SETTINGS: Final = (*_CRI_SERVER, *_CRI_IMAGES, *_CRI_RUNTIME)
