"""The gate of the in-place way: what two daemons say of themselves, setting by setting."""

from __future__ import annotations

import pytest

from replank.inventory.runtime.config_dump import parse_dump
from replank.inventory.runtime.containerd_setting import IMAGES, RUNTIME
from replank.migrations.runtime_swap.translation.in_force import Difference, compare, differs

OLD, NEW = (1, 7), (2, 3)
SANDBOX = ("plugins", IMAGES, "pinned_images", "sandbox")
BEFORE = """
version = 2
root = "/var/lib/containerd"
plugin_dir = ""
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "reg.example/pause:3.9"
  disable_cgroup = false
  enable_selinux = true
  enable_unprivileged_ports = false
  systemd_cgroup = false
  enable_cdi = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ""
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
    CriuPath = ""
[plugins."io.containerd.nri.v1.nri"]
  disable = true
"""
AFTER = """
version = 4
root = "/var/lib/containerd"
[plugins."io.containerd.server.v1.grpc"]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "reg.example/pause:3.9"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = ""
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.runtime"]
  enable_selinux = true
  enable_unprivileged_ports = false
  enable_unprivileged_icmp = false
  enable_criu = true
  stats_retention_period = ""
  enable_cdi = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dir = ""
    bin_dirs = ["/opt/cni/bin"]
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""


def _compare(before: str, after: str, **more: object) -> tuple[Difference, ...]:
    return compare(parse_dump(before), parse_dump(after), old=OLD, new=NEW, **more)  # type: ignore[arg-type]


def test_the_same_settings_at_other_places_do_not_differ():
    assert differs(_compare(BEFORE, AFTER)) == ()


def test_what_came_or_went_at_its_default_is_told_and_meant():
    told = {one.setting.rpartition(".")[2]: one for one in _compare(BEFORE, AFTER)}
    assert told["systemd_cgroup"].why == "It is gone, and stood at its default."
    assert told["enable_criu"].why == "It is new, and stands at its default."
    assert [one for one in told.values() if not one.intended] == []


@pytest.mark.parametrize(
    ("instead", "setting"),
    [
        (
            ('sandbox = "reg.example/pause:3.9"', 'sandbox = "registry.k8s.io/pause:3.10.2"'),
            "pinned_images.sandbox",
        ),
        (("enable_selinux = true", "enable_selinux = false"), "enable_selinux"),
        (("enable_selinux = true", ""), "enable_selinux"),
        (("SystemdCgroup = true", "SystemdCgroup = false"), "options.SystemdCgroup"),
        (('bin_dirs = ["/opt/cni/bin"]', 'bin_dirs = ["/usr/lib/cni"]'), "cni.bin_dirs"),
        (("enable_unprivileged_icmp = false", ""), "enable_unprivileged_icmp"),
        (("enable_criu = true", "enable_criu = false"), "enable_criu"),
        (("disable = true", ""), 'nri".disable'),
        (("enable_criu = true", "frobnicate = true"), "frobnicate"),
    ],
)
def test_one_lost_or_changed_setting_is_not_meant(instead: tuple[str, str], setting: str):
    assert instead[0] in AFTER
    found = differs(_compare(BEFORE, AFTER.replace(*instead)))
    assert [one.setting.endswith(setting) for one in found] == [True]


def test_a_setting_that_is_gone_and_was_set_is_not_meant():
    found = differs(_compare(BEFORE.replace("disable_cgroup = false", "disable_cgroup = true"), AFTER))
    assert [one.why for one in found] == ["It is gone, and was set."]


def test_what_the_plan_changes_is_meant():
    other = AFTER.replace("pause:3.9", "pause:3.10")
    assert len(differs(_compare(BEFORE, other))) == 1
    assert differs(_compare(BEFORE, other, changed=[SANDBOX])) == ()
    assert differs(_compare(BEFORE, other, changed=[("plugins", RUNTIME)])) != ()


def test_a_login_on_both_sides_is_the_files_own_and_one_that_is_lost_is_not():
    login = '\n[plugins."{}".registry.configs."r.example".auth]\n  password = "hunter2"\n'
    before = BEFORE + login.format("io.containerd.grpc.v1.cri")
    assert differs(_compare(before, AFTER + login.format(IMAGES))) == ()
    lost = differs(_compare(before, AFTER))
    assert [one.setting.endswith("password") for one in lost] == [True]
    assert "hunter2" not in repr(lost)


def test_a_drop_in_that_puts_settings_back_shows():
    """Facts: on 1.7 one key in a drop-in of version 2 puts the sandbox image back to its default."""
    after = AFTER.replace('sandbox = "reg.example/pause:3.9"', 'sandbox = "registry.k8s.io/pause:3.8"')
    assert [one.after for one in differs(_compare(BEFORE, after))] == ["registry.k8s.io/pause:3.8"]
