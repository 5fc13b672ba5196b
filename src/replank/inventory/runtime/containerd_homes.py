"""Where a setting stands in versions 1 to 4 of containerd's configuration.

Everything is compared and translated in the layout of version 4. Moves between versions are those of
containerd 2.3.5 (cmd/containerd/server/config/config.go v1Migrate and serviceMigrate; ConfigMigration in
plugins/cri/images/plugin.go, plugins/cri/runtime/plugin.go, plugins/cri/cri.go,
core/runtime/v2/shim_manager.go, core/metrics/cgroups/cgroups.go and plugins/restart/monitor.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_setting import (
    CRI,
    DEBUG,
    GRPC,
    GRPC_TCP,
    HISTOGRAM,
    IMAGES,
    METRICS,
    RUNTIME,
    SHIMS,
    TASK,
    TTRPC,
    Line,
)
from replank.inventory.runtime.tree import Path, grown, leaves

_V1_PLUGINS: Final[Mapping[str, str]] = {
    "cri": CRI,
    "cgroups": "io.containerd.monitor.v1.cgroups",
    "linux": "io.containerd.runtime.v1.linux",
    "scheduler": "io.containerd.gc.v1.scheduler",
    "bolt": "io.containerd.metadata.v1.bolt",
    "task": TASK,
    "opt": "io.containerd.internal.v1.opt",
    "restart": "io.containerd.internal.v1.restart",
    "tracing": "io.containerd.internal.v1.tracing",
    "otlp": "io.containerd.tracing.processor.v1.otlp",
    **{
        name: f"io.containerd.snapshotter.v1.{name}"
        for name in ("aufs", "btrfs", "devmapper", "native", "overlayfs", "zfs")
    },
}
_RENAMED_PLUGINS: Final[Mapping[str, str]] = {
    "io.containerd.monitor.v1.cgroups": "io.containerd.monitor.task.v1.cgroups",
    "io.containerd.internal.v1.restart": "io.containerd.monitor.container.v1.restart",
}
_BIN_DIR: Final = ("plugins", RUNTIME, "cni", "bin_dir")
_SERVER_KEYS: Final = frozenset(
    {
        *("disable_tcp_service", "stream_server_address", "stream_server_port", "stream_idle_timeout"),
        *("enable_tls_streaming", "x509_key_pair_streaming"),
    }
)
_IMAGE_KEYS: Final = frozenset(
    {
        *("registry", "image_decryption", "max_concurrent_downloads", "image_pull_progress_timeout"),
        *("image_pull_with_sync_fs", "stats_collect_period"),
    }
)
_IMAGE_CONTAINERD_KEYS: Final = frozenset(
    {"snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers"}
)
_TO_V4: Final[Mapping[Path, Path]] = {
    **{("grpc", key): ("plugins", GRPC, key) for key in ("address", "uid", "gid")},
    **{
        ("grpc", f"max_{way}_message_size"): ("plugins", GRPC, f"max_{way}_message_size")
        for way in ("recv", "send")
    },
    ("grpc", "tcp_address"): ("plugins", GRPC_TCP, "address"),
    **{("grpc", f"tcp_{key}"): ("plugins", GRPC_TCP, key) for key in ("tls_ca", "tls_cert", "tls_key")},
    ("grpc", "tcp_tls_common_name"): ("plugins", GRPC_TCP, "tls_common_name"),
    **{("ttrpc", key): ("plugins", TTRPC, key) for key in ("address", "uid", "gid")},
    **{("debug", key): ("plugins", DEBUG, key) for key in ("address", "uid", "gid")},
    ("metrics", "address"): ("plugins", METRICS, "address"),
    ("metrics", "grpc_histogram"): ("plugins", HISTOGRAM, "grpc_histogram"),
}
_FROM_V4: Final = {new: old for old, new in _TO_V4.items()}


def v1_plugin(name: str) -> str:
    """The full name of a plugin that version 1 calls by its ID alone."""
    if "." in name:
        return name
    if name in _V1_PLUGINS:
        return _V1_PLUGINS[name]
    return (
        f"io.containerd.service.v1.{name}" if name.endswith("-service") else f"io.containerd.grpc.v1.{name}"
    )


def canonical(tree: Mapping[str, JSON], version: int) -> dict[str, JSON]:
    """A configuration of `version` (0 counts as 1) in version 4's layout. Nothing is lost."""
    pairs = [(path, value) for path, value in leaves(tree) if path != _BIN_DIR or value]
    # A bin_dir that is set wins over bin_dirs, which a dump shows beside it with their default.
    pairs.sort(key=lambda pair: pair[0] == _BIN_DIR)
    return grown([(home_of(path, version), _moved(path, value)) for path, value in pairs])


def home_of(path: Path, version: int) -> Path:
    """The canonical path of a setting that stands at `path` in a configuration of `version`."""
    if path == _BIN_DIR:
        return (*path[:-1], "bin_dirs")
    if version < 4 and path in _TO_V4:
        return _TO_V4[path]
    if path[0] != "plugins" or len(path) < 3 or version > 3:
        return path
    plugin = v1_plugin(path[1]) if version < 2 else path[1]
    rest = path[2:]
    if plugin == CRI:
        return ("plugins", *_cri_home(rest))
    if plugin == TASK and rest == ("sched_core",):
        return ("plugins", SHIMS, "env")
    return ("plugins", _RENAMED_PLUGINS.get(plugin, plugin), *rest)


def home_in(path: Path, version: int, *, line: Line) -> Path:
    """Where a canonical path stands in a configuration of `version` (2, 3 or 4) for containerd `line`."""
    if path[:2] == ("plugins", RUNTIME) and path[2:] == ("cni", "bin_dirs") and line < (2, 1):
        path = (*path[:-1], "bin_dir")
    if version < 4 and path in _FROM_V4:
        return _FROM_V4[path]
    if version > 2 or path[0] != "plugins":
        return path
    return ("plugins", *_v2_home(path[1], path[2:]))


def value_in(path: Path, value: JSON) -> JSON:
    """The value for a path of `home_in`."""
    if path[-1] == "bin_dir" and isinstance(value, list):
        return value[0] if value else ""
    return value


def _cri_home(rest: Path) -> Path:
    if rest == ("sandbox_image",):
        return (IMAGES, "pinned_images", "sandbox")
    if rest[0] in _SERVER_KEYS:
        return (CRI, *rest)
    if rest[0] in _IMAGE_KEYS:
        return (IMAGES, *rest)
    if rest[0] == "containerd" and len(rest) > 1 and rest[1] in _IMAGE_CONTAINERD_KEYS:
        return (IMAGES, *rest[1:])
    if rest == ("cni", "bin_dir"):
        return (RUNTIME, "cni", "bin_dirs")
    if rest[-1] == "sandbox_mode":
        return (RUNTIME, *rest[:-1], "sandboxer")
    return (RUNTIME, *rest)


def _moved(path: Path, value: JSON) -> JSON:
    if path[-2:] == ("cni", "bin_dir") and isinstance(value, str):
        return [value] if value else []
    if path[-1] == "sched_core" and isinstance(value, bool):
        return ["SCHED_CORE=1"] if value else []
    return value


def _v2_home(plugin: str, rest: Path) -> Path:
    if plugin == IMAGES:
        if rest == ("pinned_images", "sandbox"):
            return (CRI, "sandbox_image")
        return (CRI, "containerd", *rest) if rest[0] in _IMAGE_CONTAINERD_KEYS else (CRI, *rest)
    if plugin == RUNTIME:
        return (CRI, *rest[:-1], "sandbox_mode") if rest[-1] == "sandboxer" else (CRI, *rest)
    renamed = {new: old for old, new in _RENAMED_PLUGINS.items()}
    return (renamed.get(plugin, plugin), *rest)
