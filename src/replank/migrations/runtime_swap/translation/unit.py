"""What reaches the runtime through its systemd unit: proxies and limits."""

from __future__ import annotations

from typing import Final

from replank.inventory.runtime.docker_facts import DockerConfiguration, DockerSetting
from replank.inventory.runtime.facts import ProxySetting
from replank.migrations.runtime_swap.translation.draft import Draft, shown
from replank.migrations.runtime_swap.translation.model import Outcome
from replank.migrations.runtime_swap.translation.render import environment_line


def translate_proxies(draft: Draft, docker: DockerConfiguration | None) -> None:
    """Rows for the proxies of unit, environment file, daemon.json and flags."""
    found = list(draft.seen(draft.node.proxies, "proxies") or ())
    for setting in docker.settings if docker is not None else ():
        if setting.key in ("http-proxy", "https-proxy", "no-proxy"):
            found.append(_of_setting(setting, setting.key, shown(setting.value), bool(setting.withheld)))
        elif setting.key == "proxies":
            for name, value in (setting.value if isinstance(setting.value, dict) else {}).items():
                found.append(_of_setting(setting, name, shown(value), name in setting.withheld))
    written: set[str] = set()
    # dockerd lets its configuration win over the environment (moby 23, cmd/dockerd/daemon.go, setDefaults).
    for proxy in sorted(
        found, key=lambda p: (p.kind in ("environment", "environment-file"), p.name, p.where)
    ):
        _proxy(draft, proxy, shadowed=proxy.name in written)
        written.add(proxy.name)


def _of_setting(setting: DockerSetting, name: str, value: str, login: bool) -> ProxySetting:
    upper = name.upper().replace("-", "_")
    kind = "flag" if setting.where.startswith("dockerd ") else "daemon.json"
    return ProxySetting(
        name=upper,
        value=value,
        where=setting.where,
        kind="flag" if kind == "flag" else "daemon.json",
        login=login,
    )


def _proxy(draft: Draft, proxy: ProxySetting, *, shadowed: bool) -> None:
    source = "containerd, docs/cri/registry.md; systemd.exec(5)"
    outcome, became = Outcome.CARRIED_OVER, f"{proxy.name} in the drop-in of {draft.target.unit}"
    why, line = "Pulls take the same way.", environment_line(proxy.name, proxy.value)
    if shadowed:
        outcome, became, why, line = Outcome.NOT_NEEDED, "", "daemon.json or a flag wins over it.", ""
    elif draft.target.in_place:
        became, why, line = "unchanged", _UNIT_STAYS, ""
    elif proxy.login and proxy.kind == "environment-file":
        became = line = f"EnvironmentFile={proxy.where}"
        why = "It holds a login: the new unit reads the same file, replank does not."
    elif proxy.login:
        draft.stop(
            "RP443",
            proxy.name,
            proxy.where,
            proxy.value,
            why="The proxy's URL holds a login, and replank carries no secrets.",
            todo="Put the proxies into a file of mode 0600 and let the unit read it by EnvironmentFile=.",
            source=source,
        )
        return
    if line and line not in draft.unit_lines:
        draft.unit_lines.append(line)
    draft.row(proxy.name, proxy.where, proxy.value, outcome, became=became, why=why, source=source)


def translate_limits(draft: Draft) -> None:
    """Rows for systemd's limits of the unit that containers inherit from."""
    for limit in draft.seen(draft.node.limits, "limits of the runtime's unit") or ():
        name, value = limit.name, limit.value
        taken = any(line.startswith(f"{name}=") for line in draft.unit_lines)
        outcome, became = Outcome.CARRIED_OVER, f"{name}={value} in the drop-in of {draft.target.unit}"
        why = "Containers inherit it, and containerd's own unit has had no LimitNOFILE since 2.0."
        if taken:
            outcome, became, why = Outcome.NOT_NEEDED, "", "default-ulimits wins over it."
        elif draft.target.in_place:
            became, why = "unchanged", _UNIT_STAYS
        else:
            draft.unit_lines.append(f"{name}={value}")
        draft.row(
            name,
            "the runtime's unit",
            value,
            outcome,
            became=became,
            why=why,
            source="containerd 2.0, containerd.service; systemd.exec(5)",
        )


_UNIT_STAYS: Final = "It belongs to the unit, which stays."
