"""Did the machine's image or user data set up Kubernetes, or did something else after boot?

A *new* machine from the same image and user data will only have a kubelet in the first case. There is no
direct record of it, so this is a judgement on evidence, and unknown where the evidence does not decide.
"""

from __future__ import annotations

import re

from replank.domain.unknown import Fact, Unknown
from replank.inventory.hosts.listing import strange_output

_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
_PACKAGE = "/var/lib/dpkg/info/kubelet.list"
_TIME = re.compile(r"([0-9]{1,12}) (/.*)", flags=re.ASCII)


def judge_origin(user_data_lines: int, times: str, dpkg_log: str, *, kubespray: bool) -> Fact[bool]:
    """True: the image or user data brought the kubelet. False: something else did, after boot.

    `user_data_lines`: lines of the user data that speak of kubeadm or the kubelet; 0 if there is no user
    data. `times`: output of commands.INSTALL_TIMES. `dpkg_log`: of commands.DPKG_LOG. `kubespray`: its
    kubelet.env is there. Raises `Refused` RP089 for output of another shape.

    1. User data speaks of it: True. (Merely mentioning it counts; that may be wrong.)
    2. Kubespray's kubelet.env is there: False, as Ansible wrote that file over SSH.
    3. The package's file list is older than the SSH host key, which cloud-init makes at first boot: True,
       the image had it.
    4. It is younger, dpkg's log has its installation and no upgrade: False.
    5. Else unknown: an upgrade renews the file list, logs are rotated, and rpm machines keep neither.
    """
    if user_data_lines > 0:
        return True
    if kubespray:
        return False
    modified = _parse_times(times)
    booted, installed = modified.get(_HOST_KEY), modified.get(_PACKAGE)
    if booted is not None and installed is not None:
        if installed < booted:
            return True
        words = [line.split() for line in dpkg_log.splitlines()]
        actions = {word for line in words for word in line[2:3]}
        if installed > booted and actions == {"install"}:
            return False
    return Unknown(
        "User data does not speak of kubeadm, and neither file times nor dpkg's log tell whether the image "
        "brought the kubelet",
        "RP069",
    )


def parse_count(text: str) -> int:
    """The number that `grep -c` printed. Raises `Refused` RP089."""
    if not re.fullmatch(r"[0-9]{1,9}\n?", text, flags=re.ASCII):
        raise strange_output("grep", f"{text[:60]!r} is no number")
    return int(text)


def _parse_times(text: str) -> dict[str, int]:
    times: dict[str, int] = {}
    for line in text.splitlines():
        match = _TIME.fullmatch(line)
        if match is None:
            raise strange_output("stat", f"{line[:60]!r} is not what it prints")
        times[match[2]] = int(match[1])
    return times
