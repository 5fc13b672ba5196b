"""Logins of registries that lie on the node outside of the runtime's configuration."""

from __future__ import annotations

from replank.migrations.runtime_swap.translation.draft import Draft
from replank.migrations.runtime_swap.translation.model import Outcome


def keep_logins(draft: Draft) -> None:
    """A row for each login that the kubelet finds by itself. It sends logins along with every pull.

    dockershim had them from the kubelet, too (pkg/credentialprovider/config.go).
    """
    for login in draft.seen(draft.node.registry_logins, "logins of registries") or ():
        draft.row(
            f"login {login.registry}".rstrip(),
            login.where,
            "(a secret)",
            Outcome.CARRIED_OVER,
            became="unchanged",
            why="The kubelet reads it and sends it with each pull, whatever the runtime.",
            source="kubernetes, pkg/credentialprovider/config.go",
        )
