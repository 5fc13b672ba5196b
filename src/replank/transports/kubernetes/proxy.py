"""Which proxy kubectl would use.

`proxy-url` of the kubeconfig wins; else HTTPS_PROXY and NO_PROXY of the environment, by the rules of
golang.org/x/net/http/httpproxy (loopback never; NO_PROXY knows names, suffixes, addresses and networks).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit


def environment_proxy(server: str, environment: Mapping[str, str]) -> str:
    """URL of the proxy for `server`, "" if there is none to use."""
    target = urlsplit(server)
    name = f"{target.scheme}_proxy"
    proxy = environment.get(name) or environment.get(name.upper()) or ""
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if not proxy or _is_direct(target, exceptions):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_direct(target: SplitResult, exceptions: str) -> bool:
    host = (target.hostname or "").lower().rstrip(".")
    port = str(target.port or (443 if target.scheme == "https" else 80))
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    entries = [entry.strip().lower() for entry in exceptions.split(",")]
    return any(_matches(entry, host, port, address) for entry in entries if entry)


def _matches(
    entry: str, host: str, port: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    if (exception := _address(entry.strip("[]"))) is not None:
        return exception == address
    name, colon, wanted = entry.rpartition(":")
    if colon:
        entry = name
        if wanted != port:
            return False
    entry = entry.removeprefix("*")
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
