"""Credentials from an exec plugin (kubernetes client-go v0.34, plugin/pkg/client/auth/exec/exec.go).

lightkube knows v1alpha1 and v1beta1 and tokens only; plugins of today speak v1 and may answer with a
certificate.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.kubeconfig import KubeconfigEntry, no_credentials

_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecCredential:
    """What a plugin gave. Secret: never keep it."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)


async def run_plugin(entry: KubeconfigEntry, *, timeout_s: float) -> ExecCredential:
    """Runs the plugin of `entry`, without a terminal.

    Raises `Refused` RP051: not installed, of an unknown version, failed, or too slow. What it wrote to
    stderr is not repeated, as it may hold secrets.
    """
    spec = entry.user["exec"]
    assert isinstance(spec, dict)
    command, arguments, environment = _command(spec, entry)
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise no_credentials(entry, f"its exec plugin {command!r} is not installed here") from error
    except (OSError, ValueError) as error:
        raise no_credentials(entry, f"its exec plugin {command!r} cannot be started") from error
    try:
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise no_credentials(entry, f"its exec plugin {command!r} did not end in time") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise no_credentials(
            entry, f"its exec plugin {command!r} ended with status {process.returncode}; run it by hand"
        )
    return _parse(output, entry, command)


def _command(spec: Mapping[str, JSON], entry: KubeconfigEntry) -> tuple[str, list[str], dict[str, str]]:
    version, command, arguments = spec.get("apiVersion"), spec.get("command"), spec.get("args") or []
    if version not in _VERSIONS:
        raise no_credentials(entry, f"its exec plugin is of version {str(version)[:60]!r}, not v1 or v1beta1")
    if spec.get("interactiveMode") == "Always":
        raise no_credentials(entry, "its exec plugin wants to talk to a person (interactiveMode: Always)")
    if not isinstance(command, str) or not command or not isinstance(arguments, list):
        raise no_credentials(entry, "its exec plugin has no command")
    if "/" in command and not Path(command).is_absolute():
        command = str(Path(entry.where).parent / command)
    environment = dict(os.environ)
    for variable in _variables(spec, entry):
        environment[variable[0]] = variable[1]
    info: dict[str, JSON] = {"interactive": False}
    if spec.get("provideClusterInfo") is True:
        info["cluster"] = {"server": entry.server, **dict(entry.cluster)}
    document = {"apiVersion": version, "kind": "ExecCredential", "spec": info}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(document)
    return command, [str(argument) for argument in arguments], environment


def _variables(spec: Mapping[str, JSON], entry: KubeconfigEntry) -> list[tuple[str, str]]:
    found = []
    variables = spec.get("env") or []
    for variable in variables if isinstance(variables, list) else [None]:
        name = variable.get("name") if isinstance(variable, dict) else None
        value = variable.get("value") if isinstance(variable, dict) else None
        if not isinstance(name, str) or not isinstance(value, str):
            raise no_credentials(
                entry, "the environment of its exec plugin is not a list of names and values"
            )
        found.append((name, value))
    return found


def _parse(output: bytes, entry: KubeconfigEntry, command: str) -> ExecCredential:
    try:
        document = json.loads(output)
    except (ValueError, RecursionError) as error:
        raise _useless(entry, command) from error
    status = document.get("status") if isinstance(document, dict) else None
    found = status if isinstance(status, dict) else {}
    token, certificate, key = (
        found.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if not all(isinstance(value, str) for value in (token, certificate, key)):
        raise _useless(entry, command)
    if not token and not (certificate and key):
        raise _useless(entry, command)
    return ExecCredential(token=token, certificate=certificate, key=key)


def _useless(entry: KubeconfigEntry, command: str) -> Refused:
    return no_credentials(entry, f"its exec plugin {command!r} gave neither token nor certificate")
