"""What nothing serves: the twin answers as kube-apiserver v1.35 was seen to; replank knows both forms."""

from __future__ import annotations

import httpx2
import pytest

from replank.testbed.serve.kubernetes.store import not_served
from replank.transports.kubernetes.errors import NotFound, refusal

STATUS, PAGE = "application/json", "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/api/v1/nonsense", STATUS),
        ("/apis/apps/v1/nonsense", STATUS),
        ("/apis/monitoring.coreos.com/v1/prometheusrules", PAGE),
        ("/apis/monitoring.coreos.com/v1", PAGE),
        ("/apis/cluster.x-k8s.io/v1beta2/nonsense", PAGE),
        ("/apis/cluster.x-k8s.io/v9", PAGE),
        ("/nonsense", PAGE),
    ],
)
def test_a_path_that_nothing_serves_is_answered_as_seen_and_read_as_not_found(path: str, form: str) -> None:
    answer = not_served(path)
    assert (answer.status, answer.content_type) == (404, form)
    error = refusal(httpx2.Response(404, content=answer.body), "list", "things", "Listing failed", "there")
    assert isinstance(error, NotFound)
    assert error.code == "RP058"


@pytest.mark.parametrize("body", [b"", b"upstream connect error", b"<h1>404 page not found</h1>"])
def test_a_404_of_somebody_else_is_no_api_servers(body: bytes) -> None:
    error = refusal(httpx2.Response(404, content=body), "list", "things", "Listing failed", "there")
    assert error.code == "RP059"
