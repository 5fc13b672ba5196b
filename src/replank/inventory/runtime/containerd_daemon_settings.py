"""Settings of the daemon and of its built-in plugins but for CRI (`containerd_settings.py` says more)."""

from __future__ import annotations

from typing import Final

from replank.inventory.runtime.containerd_setting import (
    DEBUG,
    GRPC,
    GRPC_TCP,
    HISTOGRAM,
    METRICS,
    NRI,
    OPT,
    SHIMS,
    TASK,
    TRANSFER,
    TTRPC,
    UNSET,
    changed,
    plugin,
    settings,
)

_ROOT: Final = [
    *settings(
        (),
        {
            "root": "/var/lib/containerd",
            "state": "/run/containerd",
            "temp": "",
            "oom_score": 0,
            "disabled_plugins": [],
            "required_plugins": [],
            "cgroup/path": "",
            "debug/level": "",
            "debug/format": "",
            "timeouts/*": UNSET,
            "proxy_plugins/*/type": "",
            "proxy_plugins/*/address": "",
            "stream_processors/*/accepts": [],
            "stream_processors/*/returns": "",
            "stream_processors/*/path": "",
            "stream_processors/*/args": [],
            "stream_processors/*/env": [],
        },
    ),
    *settings(("proxy_plugins", "*"), {"platform": "", "exports/*": UNSET, "capabilities": []}, since=(1, 7)),
    *settings((), {"debug/log_trace_id": False}, since=(2, 3)),
    *settings((), {"plugin_dir": ""}, gone=(2, 1)),
    *settings(
        plugin(GRPC),
        {
            "address": "/run/containerd/containerd.sock",
            "uid": 0,
            "gid": 0,
            "max_recv_message_size": 16777216,
            "max_send_message_size": 16777216,
        },
    ),
    *settings(plugin(GRPC_TCP), {"address": "", "tls_ca": "", "tls_cert": "", "tls_key": ""}),
    *settings(plugin(GRPC_TCP), {"tls_common_name": ""}, since=(2, 2)),
    *settings(
        plugin(GRPC_TCP),
        {"max_recv_message_size": 16777216, "max_send_message_size": 16777216},
        since=(2, 3),
    ),
    *settings(plugin(TTRPC), {"address": "/run/containerd/containerd.sock.ttrpc", "uid": 0, "gid": 0}),
    *settings(plugin(DEBUG), {"address": "", "uid": 0, "gid": 0}),
    *settings(plugin(METRICS), {"address": ""}),
    *settings(plugin(HISTOGRAM), {"grpc_histogram": False}),
]

_OTHERS: Final = [
    *settings(
        plugin("io.containerd.gc.v1.scheduler"),
        {
            "pause_threshold": 0.02,
            "deletion_threshold": 0,
            "mutation_threshold": 100,
            "schedule_delay": "0s",
            "startup_delay": "100ms",
        },
    ),
    *settings(plugin(OPT), {"path": "/opt/containerd"}),
    *settings(plugin("io.containerd.metadata.v1.bolt"), {"content_sharing_policy": "shared"}),
    *settings(plugin("io.containerd.metadata.v1.bolt"), {"no_sync": False}, since=(2, 1)),
    *settings(plugin("io.containerd.monitor.task.v1.cgroups"), {"no_prometheus": False}),
    *settings(plugin("io.containerd.monitor.container.v1.restart"), {"interval": "10s"}),
    *settings(plugin(TASK), {"platforms": ["linux/amd64"]}),
    *settings(plugin(SHIMS), {"env": []}, since=(1, 6)),
    *settings(plugin(SHIMS), {"socket_dir": ""}, since=(2, 3)),
    *settings(
        plugin("io.containerd.service.v1.tasks-service"),
        {"rdt_config_file": "", "blockio_config_file": ""},
    ),
    *settings(plugin("io.containerd.service.v1.diff-service"), {"default": ["walking"]}),
    *settings(plugin("io.containerd.service.v1.diff-service"), {"sync_fs": False}, since=(1, 7)),
    *settings(plugin("io.containerd.snapshotter.v1.overlayfs"), {"root_path": "", "upperdir_label": False}),
    *settings(
        plugin("io.containerd.snapshotter.v1.overlayfs"),
        {"sync_remove": False, "mount_options": []},
        since=(1, 7),
    ),
    *settings(plugin("io.containerd.snapshotter.v1.overlayfs"), {"slow_chown": False}, since=(2, 0)),
    *settings(plugin("io.containerd.snapshotter.v1.native"), {"root_path": ""}),
    *settings(plugin("io.containerd.snapshotter.v1.btrfs"), {"root_path": ""}),
    *settings(plugin("io.containerd.snapshotter.v1.zfs"), {"root_path": ""}),
    *settings(plugin("io.containerd.snapshotter.v1.aufs"), {"root_path": ""}, gone=(2, 0)),
    *settings(
        plugin("io.containerd.snapshotter.v1.devmapper"),
        {
            "root_path": "",
            "pool_name": "",
            "base_image_size": "",
            "async_remove": False,
            "discard_blocks": False,
            "fs_type": "",
            "fs_options": "",
        },
    ),
    *settings(
        plugin("io.containerd.snapshotter.v1.blockfile"),
        {"root_path": "", "scratch_file": "", "fs_type": "", "mount_options": []},
        since=(1, 7),
    ),
    *settings(plugin("io.containerd.snapshotter.v1.blockfile"), {"recreate_scratch": False}, since=(2, 0)),
    *settings(
        plugin("io.containerd.runtime.v1.linux"),
        {"shim": "", "runtime": "", "runtime_root": "", "no_shim": False, "shim_debug": False},
        gone=(2, 0),
    ),
    changed((*plugin(NRI), "disable"), ((1, 7), True), ((2, 0), False), since=(1, 7)),
    *settings(
        plugin(NRI),
        {
            "disable_connections": False,
            "socket_path": "/var/run/nri/nri.sock",
            "plugin_path": "/opt/nri/plugins",
            "plugin_config_path": "/etc/nri/conf.d",
            "plugin_registration_timeout": "5s",
            "plugin_request_timeout": "2s",
        },
        since=(1, 7),
    ),
    *settings(
        plugin("io.containerd.image-verifier.v1.bindir"),
        {"bin_dir": "/opt/containerd/image-verifier/bin", "max_verifiers": 10, "per_verifier_timeout": "10s"},
        since=(2, 0),
    ),
    *settings(
        plugin("io.containerd.tracing.processor.v1.otlp"),
        {"endpoint": "", "protocol": "", "insecure": False},
    ),
    *settings(
        plugin("io.containerd.internal.v1.tracing"), {"sampling_ratio": 1.0, "service_name": "containerd"}
    ),
    *settings(
        plugin(TRANSFER),
        {
            "max_concurrent_downloads": 3,
            "max_concurrent_uploaded_layers": 3,
            "config_path": "",
            "unpack_config": UNSET,
        },
        since=(1, 7),
    ),
    *settings(
        plugin(TRANSFER),
        {"check_platform_supported": False, "concurrent_layer_fetch_buffer": 0, "max_concurrent_unpacks": 1},
        since=(2, 1),
    ),
]

DAEMON_SETTINGS: Final = (*_ROOT, *_OTHERS)
