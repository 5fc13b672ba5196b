"""A machine on Docker where nothing else depends on Docker, and no login stands in its configuration."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from replank.inventory.hosts import runtime_commands as runtime
from replank.testbed.world import Machine

_PROXY = "/etc/systemd/system/docker.service.d/proxy.conf"
_LEFT = (_PROXY, "/etc/cron.d/docker-prune", "/usr/local/bin/backup.sh")


def tidy_docker(made: Machine) -> None:
    """Takes away what hinders a switch on other machines: proxy, mirror, scripts, containers of others."""
    for path in _LEFT:
        made.files.pop(path)
    daemon = json.loads(made.files[runtime.DAEMON_JSON].content)
    del daemon["registry-mirrors"]
    made.files[runtime.DAEMON_JSON] = replace(
        made.files[runtime.DAEMON_JSON], content=json.dumps(daemon, indent=2).encode()
    )
    units = runtime.UNIT_SETTINGS.call().line
    made.commands[units] = re.sub(r"(?m)^Environment=.+$", "Environment=", made.commands[units]).replace(
        f"DropInPaths={_PROXY}", "DropInPaths="
    )
    containers = runtime.DOCKER_CONTAINERS.call().line
    made.commands[containers] = "".join(
        line
        for line in made.commands[containers].splitlines(keepends=True)
        if "io.kubernetes.pod.uid" in json.loads(line)["Labels"]
    )
    images = runtime.DOCKER_IMAGES.call(path=runtime.DOCKER_SOCKET).line
    tagged = [image for image in json.loads(made.commands[images]) if image["RepoDigests"]]
    made.commands[images] = json.dumps(tagged) + "\n"
