"""Faults for tests: what goes wrong on a real platform, on demand, and is put back.

Every fault is a context manager: it acts while its block runs, and undoes itself at the block's end, after an
exception too. `reboot` alone is a function, since there is nothing to put back. After a test that was killed
in the middle of a fault, `heal` puts parts right; a hard reboot does so for its machine.

| fault | what it does | what it leaves alone |
|---|---|---|
| `stopped`, `killed` | ends a part by its stop signal, or by SIGKILL | |
| `frozen` | a part's processes stand still: it takes connections and never answers | |
| `slowed` | a part gets a share of one core | memory, disk, network |
| `cut_off` | pulls a machine's network cables | addresses, routes, open connections |
| `reboot` | Nova reboots a server, softly or hard | the kernel's boot ID: all machines have the host's |
| `disk_full` | one directory of a machine becomes a small, full file system | files that are open already |
| `openstack_proxy` | OpenStack refuses, is slow, hangs, loses requests or answers | its services' own talk |

Not possible:

- A full disk under a program that runs. Machines have no disk of their own: they write to the host's, and a
  real fill would fill that one. Their file system has no quotas (overlay2 knows them on xfs only).
- A skewed clock. Machines share one kernel, and time namespaces leave CLOCK_REALTIME alone
  (time_namespaces(7)). libfaketime moves it for programs that ask the C library; the ones that matter here
  (API server, kubelet, etcd, the controllers) are static Go binaries, which read it from the vDSO without a
  library. A clock that `date` shows and the kubelet does not have would prove nothing. Tests of expiry take
  certificates with old dates instead.
"""

from __future__ import annotations

from proving_ground.faults.disk import FullDisk, disk_full
from proving_ground.faults.machines import cut_off, find_machine, reboot
from proving_ground.faults.openstack import (
    Answer,
    CutBefore,
    Delay,
    Hang,
    LoseAnswer,
    OpenStackProxy,
    Request,
    Rule,
    openstack_proxy,
)
from proving_ground.faults.parts import frozen, heal, killed, slowed, stopped

__all__ = [
    "Answer",
    "CutBefore",
    "Delay",
    "FullDisk",
    "Hang",
    "LoseAnswer",
    "OpenStackProxy",
    "Request",
    "Rule",
    "cut_off",
    "disk_full",
    "find_machine",
    "frozen",
    "heal",
    "killed",
    "openstack_proxy",
    "reboot",
    "slowed",
    "stopped",
]
