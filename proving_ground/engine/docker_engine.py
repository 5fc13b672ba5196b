"""Docker Engine: the one that is there, or Debian's, installed and started by us."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from proving_ground.engine import traces
from proving_ground.errors import GroundError
from proving_ground.settings import Folders

DAEMON = "/usr/sbin/dockerd"
NO_START = Path("/usr/sbin/policy-rc.d")
"""Debian's switch: exit status 101 keeps packages from starting their services (invoke-rc.d(8))."""

CONFIGURATION = {
    "storage-driver": "overlay2",
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "userland-proxy": False,
    "log-driver": "json-file",
    "log-opts": {"max-size": "20m", "max-file": "1"},
}


def connect(timeout_s: int = 300) -> docker.DockerClient:
    """A client of the running engine. Raises `GroundError` where none answers."""
    try:
        return docker.from_env(timeout=timeout_s)
    except DockerException as error:
        raise GroundError("Docker Engine", f"does not answer: {error}", "Run `make ground-up`.") from error


def answers() -> bool:
    """Whether an engine answers now."""
    try:
        return bool(docker.from_env(timeout=20).ping())
    except DockerException:
        return False


def ensure(folders: Folders) -> None:
    """An engine that answers. One that we start ends with `stop`; one that was there is left alone."""
    if answers():
        return
    if os.geteuid() != 0:
        raise GroundError(
            "Docker Engine", "none answers, and only root can start one", "Start Docker, or run as root."
        )
    if not Path(DAEMON).exists():
        install_packages("docker.io", "iptables", folders=folders)
    configuration = folders.state / "docker" / "daemon.json"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    data = folders.cache / "docker"  # images are a cache, and nothing of an engine of ours stays elsewhere
    configuration.write_text(json.dumps({**CONFIGURATION, "data-root": str(data)}, indent=1))
    if not _policy_file(folders).exists():
        _policy_file(folders).write_text(traces.forward_policy())
    folders.logs.mkdir(parents=True, exist_ok=True)
    log = folders.logs / "dockerd.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [DAEMON, "--config-file", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _pid_file(folders).write_text(str(process.pid))
    deadline = time.monotonic() + 60
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise GroundError(
                "Docker Engine",
                "did not come up",
                f"Read {log}. In a container it needs every capability but SYS_RESOURCE.",
                log.read_text(errors="replace")[-4000:],
            )
        time.sleep(0.2)


def stop(folders: Folders) -> bool:
    """Ends the engine that `ensure` started. Returns whether there was one."""
    file = _pid_file(folders)
    if not file.exists():
        return False
    pid = int(file.read_text())
    if _is_daemon(pid):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while _is_daemon(pid):
            if time.monotonic() > deadline:
                raise GroundError("Docker Engine", f"process {pid} does not end", f"Look at it: ps {pid}")
            time.sleep(0.2)
    traces.remove(_policy_file(folders).read_text())
    file.unlink()
    return True


def install_packages(*names: str, folders: Folders) -> None:
    """Installs Debian packages without letting them start services."""
    if not shutil.which("apt-get"):
        raise GroundError(
            "Debian packages",
            f"{', '.join(names)} missing, and this is not a Debian machine",
            "Install them with your system's package manager; the ground builds on Debian or Ubuntu.",
        )
    folders.logs.mkdir(parents=True, exist_ok=True)
    log = folders.logs / "apt.log"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    ours = not NO_START.exists()
    if ours:
        NO_START.write_text("#!/bin/sh\nexit 101\n")
        NO_START.chmod(0o755)
    try:
        with log.open("ab") as output:
            for command in (["update"], ["install", "-y", "--no-install-recommends", *names]):
                done = subprocess.run(
                    ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command],
                    env=environment,
                    stdout=output,
                    stderr=output,
                    check=False,
                )
                if done.returncode:
                    raise GroundError(
                        "Debian packages",
                        f"apt-get {command[0]} failed for {', '.join(names)}",
                        f"Read {log}.",
                        log.read_text(errors="replace")[-3000:],
                    )
    finally:
        if ours:
            NO_START.unlink()


def _pid_file(folders: Folders) -> Path:
    return folders.state / "docker" / "dockerd.pid"


def _policy_file(folders: Folders) -> Path:
    return folders.state / "docker" / "forward-policy"


def _is_daemon(pid: int) -> bool:
    try:
        return b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
