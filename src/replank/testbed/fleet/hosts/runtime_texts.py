"""Texts of a machine's runtime, as packages and guides have them and as programs print them."""

from __future__ import annotations

from typing import Final

from replank.testbed.fleet.kube.nodes import CONTAINERD

CONFIG: Final = """version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    snapshotter = "overlayfs"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = true

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"""
LOGIN: Final = """
    [plugins."io.containerd.grpc.v1.cri".registry.configs."registry.example.org".auth]
      username = "replank"
      password = "{password}"
"""
DUMP_EXTRA: Final = """
[grpc]
  address = "/run/containerd/containerd.sock"
"""
HOSTS_TOML: Final = """server = "https://registry.example.org"

[host."https://mirror.example.org"]
  capabilities = ["pull", "resolve"]

  [host."https://mirror.example.org".header]
    authorization = "Bearer {token}"
"""
CONTAINERD_UNIT: Final = """[Unit]
Description=containerd container runtime
After=network.target dbus.service

[Service]
ExecStart=/usr/bin/containerd
KillMode=process
Delegate=yes
LimitNOFILE=infinity
"""
PROGRAMS: Final = {
    f"/usr/bin/{name}": f"\x7fELF {name} {CONTAINERD}".encode()
    for name in ("containerd", "containerd-shim-runc-v2")
}
"""Stand-ins: `testbed/node/` reads their version and does what they would do."""
DOCKER_UNIT: Final = """[Unit]
Description=Docker Application Container Engine
Requires=docker.socket

[Service]
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
KillMode=process
"""
_DIGESTS: Final = ("4" * 64, "5" * 64, "6" * 64)


def unit_block(
    name: str, pid: int, environment: str = "", *, loaded: bool = False, drop_ins: str = ""
) -> str:
    """A unit as `systemctl show` prints it. `pid` 0: it does not run. A unit that runs is loaded."""
    there = bool(pid) or loaded
    lines = [f"Id={name}", f"LoadState={'loaded' if there else 'not-found'}", f"MainPID={pid}"]
    lines.append(f"ActiveState={'active' if pid else 'inactive'}")
    if there:
        lines += [
            "KillMode=process",
            f"FragmentPath=/usr/lib/systemd/system/{name}",
            f"DropInPaths={drop_ins}",
            f"Environment={environment}",
            "LimitNOFILE=infinity",
            "LimitNOFILESoft=infinity",
            "LimitNPROC=infinity",
            "LimitNPROCSoft=infinity",
        ]
    return "".join(f"{line}\n" for line in lines)


def image_table(pause: str) -> str:
    """`ctr images ls`: one image under its three names, a pinned one, as the CRI plugin keeps them."""
    manifest = "application/vnd.docker.distribution.manifest.list.v2+json"
    labels = "io.cri-containerd.image=managed"
    web = f"registry.example.org/shop/web@sha256:{_DIGESTS[0]}"
    rows = [
        (pause, "321.5 KiB", f"{labels},io.cri-containerd.pinned=pinned", _DIGESTS[1]),
        ("registry.example.org/shop/web:2.4.1", "182.4 MiB", labels, _DIGESTS[0]),
        (web, "182.4 MiB", labels, _DIGESTS[0]),
        (f"sha256:{_DIGESTS[2]}", "182.4 MiB", labels, _DIGESTS[0]),
    ]
    width = max(len(row[0]) for row in rows) + 1
    text = f"{'REF':<{width}}TYPE DIGEST SIZE PLATFORMS LABELS \n"
    for reference, size, tags, digest in rows:
        text += f"{reference:<{width}}{manifest} sha256:{digest} {size} linux/amd64,linux/arm64 {tags} \n"
    return text
