"""The hunt for secrets knows one in every form that a log or a database may give it."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from proving_ground.scenario.hunt import forms

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
PASSWORD = b"planted-password"
CLOUDS = b"clouds:\n  c:\n    auth:\n      application_credential_secret: planted-secret-word\n"
KUBECONFIG = b"users:\n- user:\n    client-key-data: " + base64.b64encode(KEY) + b"\n"


@pytest.mark.parametrize("secret", [KEY, PASSWORD, CLOUDS, KUBECONFIG], ids=["key", "word", "clouds", "kube"])
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_a_secret_is_found_as_it_is_in_json_and_inside_base64(secret: bytes, before: bytes) -> None:
    marks = set(forms(secret))
    written = before + secret
    for place in (written, json.dumps({"log": written.decode()}).encode(), base64.b64encode(written)):
        assert any(mark in place for mark in marks)


def test_a_key_is_found_where_only_its_kubeconfig_was_named_a_secret() -> None:
    assert any(mark in KEY for mark in forms(KUBECONFIG))


def test_what_is_public_betrays_nothing() -> None:
    certificate = b"-----BEGIN CERTIFICATE-----\n" + b"A" * 64 + b"\n-----END CERTIFICATE-----\n"
    assert set(forms(certificate)) == set()
    assert set(forms(b"true")) == set()
    assert not any(mark in b"-----BEGIN PRIVATE KEY-----\n" + certificate for mark in forms(KEY))
