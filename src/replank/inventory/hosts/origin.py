"""Did the machine's image or user data set up Kubernetes, or did something else after boot?

A *new* machine from the same image and user data will only have a kubelet in the first case. There is no
direct record of it, so this is a judgement on evidence, and unknown where the evidence does not decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.hosts.listing import strange_output

# Made at the first boot of an instance, and never again: by cloud-init's module `ssh`, when it begins.
_FIRST_BOOT: Final = (
    "/etc/ssh/ssh_host_ed25519_key.pub",
    "/var/lib/cloud/instance/sem/config_ssh",
)
# Made after the user data's scripts (cloud.cfg, cloud_final_modules): by modules that run once for an
# instance, where the image has them, and at the end of each boot (cloudinit/stages.py, purge_cache).
_BOOTED: Final = (
    "/var/lib/cloud/instance/sem/config_ssh_authkey_fingerprints",
    "/var/lib/cloud/instance/sem/config_keys_to_console",
    "/var/lib/cloud/instance/boot-finished",
)
_PACKAGE: Final = "/var/lib/dpkg/info/kubelet.list"
_KUBELETS: Final = ("/usr/bin/kubelet", "/usr/local/bin/kubelet", "/opt/bin/kubelet")
_FOLDER: Final = "/etc/kubernetes"
_UNITS: Final = ("/etc/systemd/system/kubelet.service", "/usr/lib/systemd/system/kubelet.service")
TIMED_FILES: Final = (*_FIRST_BOOT, *_BOOTED, _PACKAGE, *_KUBELETS, _FOLDER, *_UNITS)
"""What commands.INSTALL_TIMES asks for."""

TIMES_FORMAT: Final = "%W %Z %Y %n"
# GNU stat before 8.31 prints "-" for a birth that it does not know, later ones 0.
_TIMES = re.compile(r"(-|[0-9]{1,12}) ([0-9]{1,12}) ([0-9]{1,12}) (/.*)", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Times:
    """Of one file, in seconds since 1970. `born`: None where the file system keeps none.

    Birth and change are the kernel's own; `modified` is copied with a file, and tells something only of files
    that are written where they lie.
    """

    born: int | None
    changed: int
    modified: int


def judge_origin(user_data_lines: int, times: str, dpkg_log: str, *, kubespray: bool) -> Fact[bool]:
    """True: the image or user data brought the kubelet. False: something else did, after boot.

    `user_data_lines`: lines of the user data that speak of kubeadm or the kubelet; 0 if there is no user
    data. `times`: output of commands.INSTALL_TIMES. `dpkg_log`: of commands.DPKG_LOG. `kubespray`: its
    kubelet.env is there. Raises `Refused` RP089 for output of another shape.

    1. User data speaks of it: True. (Merely mentioning it counts; that may be wrong.)
    2. Kubespray's kubelet.env is there: False, as Ansible wrote that file over SSH.
    3. The kubelet, or its package's file list, is older than the first boot: True, the image had it.
    4. The package's file list is younger, dpkg's log has its installation and no upgrade: False.
    5. The kubelet, its unit and /etc/kubernetes were all made after the boot had ended, user data's scripts
       with it: False. (An upgrade makes the first two anew, but not the folder.)
    6. Else unknown: file systems without birth times, upgrades, rotated logs.
    """
    if user_data_lines > 0:
        return True
    if kubespray:
        return False
    seen = _parse_times(times)
    if _is_of_the_image(seen):
        return True
    if _was_installed(seen, dpkg_log) or _came_after_boot(seen):
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


def _is_of_the_image(seen: Mapping[str, Times]) -> bool:
    first_boot = min(_times(seen, _FIRST_BOOT), default=None)
    if first_boot is None:
        return False
    # What was last changed before the boot was also born before it.
    births = [t.changed if t.born is None else t.born for path in _KUBELETS if (t := seen.get(path))]
    listed = seen.get(_PACKAGE)
    return (bool(births) and max(births) < first_boot) or (
        listed is not None and listed.modified < first_boot
    )


def _was_installed(seen: Mapping[str, Times], dpkg_log: str) -> bool:
    # The latest trace of it: some images bring their host key along.
    first_boot, listed = max(_times(seen, _FIRST_BOOT), default=None), seen.get(_PACKAGE)
    if first_boot is None or listed is None or listed.modified <= first_boot:
        return False
    words = [line.split() for line in dpkg_log.splitlines()]
    return {word for line in words for word in line[2:3]} == {"install"}


def _came_after_boot(seen: Mapping[str, Times]) -> bool:
    booted = min(_times(seen, _BOOTED), default=None)
    if booted is None or _FOLDER not in seen or not any(path in seen for path in _KUBELETS):
        return False
    births = [seen[path].born for path in (*_KUBELETS, _FOLDER, *_UNITS) if path in seen]
    return all(born is not None and born > booted for born in births)


def _times(seen: Mapping[str, Times], paths: tuple[str, ...]) -> list[int]:
    return [seen[path].modified for path in paths if path in seen]


def _parse_times(text: str) -> dict[str, Times]:
    times: dict[str, Times] = {}
    for line in text.splitlines():
        match = _TIMES.fullmatch(line)
        if match is None:
            raise strange_output("stat", f"{line[:60]!r} is not what it prints")
        born = None if match[1] in ("-", "0") else int(match[1])
        times[match[4]] = Times(born, int(match[2]), int(match[3]))
    return times
