"""What images are told about this machine."""

from __future__ import annotations

import base64

import pytest

from lab import machine


def pem(content: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(content).decode()}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("bundles", "public", "expected"),
    [
        pytest.param([pem(b"own") + pem(b"mozilla")], [pem(b"mozilla")], [pem(b"own")], id="public-ones-left-out"),
        pytest.param([pem(b"own"), "# own\n" + pem(b"own")], [], [pem(b"own")], id="each-once"),
        pytest.param([pem(b"b"), pem(b"a")], [], sorted([pem(b"a"), pem(b"b")]), id="stable-order"),
        pytest.param([pem(b"mozilla")], [pem(b"mozilla")], [], id="nothing-extra"),
        pytest.param(["no certificate"], [], [], id="no-certificate"),
    ],
)
def test_extra_certificates(bundles: list[str], public: list[str], expected: list[str]) -> None:
    assert machine.extra_certificates(bundles, public) == expected


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        pytest.param("", "", id="nothing-set"),
        pytest.param(
            "global.index-url='https://p.example/simple'\n", "index-url = https://p.example/simple\n", id="file"
        ),
        pytest.param(
            ":env:.index-url='https://e.example/simple'\n", "index-url = https://e.example/simple\n", id="variable"
        ),
        pytest.param(":env:.default-timeout='180'\n", "timeout = 180\n", id="timeout-has-two-names"),
        pytest.param(
            "global.extra-index-url='https://a.example\\nhttps://b.example'\n",
            "extra-index-url = https://a.example\n    https://b.example\n",
            id="several-values",
        ),
        pytest.param(
            "global.find-links='/srv/wheels'\nglobal.cert='/x.pem'\ninstall.user='true'\n", "", id="paths-stay-here"
        ),
    ],
)
def test_pip_configuration(listing: str, expected: str) -> None:
    assert machine.pip_configuration(listing) == f"[global]\ncert = {machine.BUNDLE}\n{expected}"


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("https://npm.example/\n", True),
        ("undefined\n", False),
        ("", False),
    ],
)
def test_npm_configuration(registry: str, *, expected: bool) -> None:
    text = machine.npm_configuration(registry)
    assert ("registry=https://npm.example/\n" in text) == expected
    assert "undefined" not in text


def test_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert machine.proxies() == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert machine.proxies() == {"HTTPS_PROXY": "http://proxy.example:3128"}
