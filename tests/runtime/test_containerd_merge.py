"""Merging and migration are held against what containerd's own code made of the same files.

`containerd_said/*.yaml`: files, and what `LoadConfig` of containerd 1.7.29 (services/server/config) and
`LoadConfigWithPlugins` of 2.3.5 (cmd/containerd/server/config, with its plugins' ConfigMigrations) made
of them, started with the daemon's own defaults for the top level, printed as TOML. `ERROR`: it refused them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_config import read_toml
from replank.inventory.runtime.containerd_facts import ContainerdFile
from replank.inventory.runtime.containerd_facts import Path as Path_
from replank.inventory.runtime.containerd_homes import canonical
from replank.inventory.runtime.containerd_merge import in_force
from replank.inventory.runtime.containerd_setting import GRPC, IMAGES, RUNTIME
from replank.inventory.runtime.tree import at, leaves
from replank.inventory.runtime.withheld import WITHHELD
from tests.runtime.runtime_cases import containerd_files, version
from yaml_files import read_yaml_file

SAID = sorted((Path(__file__).parent / "containerd_said").glob("*.yaml"))
ROOT = "/etc/containerd/config.toml"
STARTED_WITH = {
    ("root",): "/var/lib/containerd",
    ("state",): "/run/containerd",
    ("plugins", GRPC, "address"): "/run/containerd/containerd.sock",
    ("plugins", GRPC, "max_recv_message_size"): 16777216,
    ("plugins", GRPC, "max_send_message_size"): 16777216,
}
NOTHING = ("", 0, False, [], None)


def _files(path: Path):
    return read_yaml_file(path)


@pytest.mark.parametrize("path", SAID, ids=[path.stem for path in SAID])
@pytest.mark.parametrize("daemon", ["1.7.29", "2.3.5"])
def test_what_is_in_force_is_what_containerd_itself_makes_of_the_files(path: Path, daemon: str):
    case = _files(path)
    said = case["said"][daemon]
    files = containerd_files(case["files"], ROOT)
    line = version(daemon).line
    if said.startswith("ERROR"):
        with pytest.raises(Refused) as refused:
            in_force(files, line)
        assert refused.value.code == "RP474"
        return
    theirs = _theirs(said, daemon, files)
    own = dict(leaves(in_force(files, line).tree))
    wrong = {
        path: value
        for path, value in own.items()
        if value not in (theirs.get(path, STARTED_WITH.get(path)), WITHHELD, *NOTHING)
    }
    assert wrong == {}
    missing = {
        path: value
        for path, value in theirs.items()
        if path not in own and value not in (*NOTHING, STARTED_WITH.get(path))
    }
    assert missing == {}


def _theirs(said: str, daemon: str, files: tuple[ContainerdFile, ...]) -> dict[Path_, JSON]:
    document = read_toml(said, daemon, "RP476")
    layout = document.pop("version")
    if daemon.startswith("1."):
        # It keeps the tables of plugins that it does not have, and reads none of them; the address of ttrpc
        # follows only when the server starts (services/server/server.go).
        for plugin in [name for name in document["plugins"] if name.startswith("io.containerd.cri.v1.")]:
            del document["plugins"][plugin]
        grpc, ttrpc = document["grpc"], document["ttrpc"]
        if not ttrpc["address"] and grpc["address"] != STARTED_WITH["plugins", GRPC, "address"]:
            ttrpc.update(address=f"{grpc['address']}.ttrpc", uid=grpc["uid"], gid=grpc["gid"])
    return dict(leaves(canonical(document, layout)))


def test_a_drop_in_of_version_2_puts_the_sandbox_image_back_to_its_default_before_2_0_and_not_after():
    case = _files(Path(__file__).parent / "containerd_said" / "v2-drop-in-replaces-the-plugin-table.yaml")
    files = containerd_files(case["files"], ROOT)
    sandbox = ("plugins", IMAGES, "pinned_images", "sandbox")
    assert at(in_force(files, (1, 7)).tree, sandbox) is None
    assert at(in_force(files, (2, 3)).tree, sandbox) == "reg.example/pause:3.9"
    assert (sandbox, ROOT) in in_force(files, (1, 7)).ignored


def test_a_root_of_version_3_counts_for_nothing_on_1_7_when_a_drop_in_is_of_version_2():
    case = _files(Path(__file__).parent / "containerd_said" / "v3-root-with-v2-drop-in.yaml")
    files = containerd_files(case["files"], ROOT)
    selinux = ("plugins", RUNTIME, "enable_selinux")
    assert at(in_force(files, (1, 7)).tree, selinux) is None
    assert (selinux, ROOT) in in_force(files, (1, 7)).ignored
    assert at(in_force(files, (2, 3)).tree, selinux) is True


def test_a_snapshotter_without_runtimes_is_lost_by_2_x_alone():
    case = _files(Path(__file__).parent / "containerd_said" / "snapshotter-without-runtimes.yaml")
    files = containerd_files(case["files"], ROOT)
    assert at(in_force(files, (1, 7)).tree, ("plugins", IMAGES, "snapshotter")) == "native"
    assert at(in_force(files, (2, 3)).tree, ("plugins", IMAGES, "snapshotter")) is None
