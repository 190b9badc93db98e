"""What an image must know of this machine: its extra certificate authorities and its package indexes.

Networks that inspect TLS, and companies with their own indexes, would otherwise break every `pip install` and
`npm install` in a build. The answers go into build contexts only, never into the repository.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterable
from pathlib import Path

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# The variables by which this machine's own clients are told about a bundle.
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def files() -> dict[str, bytes]:
    """Return path in the image -> content; deterministic, so that it can be part of a content hash."""
    result: dict[str, bytes] = {
        "etc/pip.conf": pip_configuration(_output(["pip", "config", "list"])).encode(),
        "usr/local/etc/npmrc": npm_configuration(_output(["npm", "config", "get", "registry"])).encode(),
    }
    for pem in extra_certificates(_bundles(), _public_certificates()):
        name = hashlib.sha256(pem.encode()).hexdigest()[:16]
        result[f"usr/local/share/ca-certificates/machine-{name}.crt"] = pem.encode()
    return dict(sorted(result.items()))


def proxies() -> dict[str, str]:
    """Return the proxy variables that a build needs; Docker keeps these out of the image and its history."""
    variables = [*PROXY_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)]
    return {name: os.environ[name] for name in variables if os.environ.get(name)}


def extra_certificates(bundles: Iterable[str], public: Iterable[str]) -> list[str]:
    """Return the certificates (PEM) of ``bundles`` that no text in ``public`` holds, each once, in a stable order."""
    known = {_der(pem) for text in public for pem in _CERTIFICATE.findall(text)}
    found = {_der(pem): pem for text in bundles for pem in _CERTIFICATE.findall(text)}
    return sorted(pem.strip() + "\n" for der, pem in found.items() if der not in known)


def pip_configuration(listing: str) -> str:
    """Turn the output of `pip config list` into a pip.conf with what decides where packages come from."""
    values: dict[str, str] = {"cert": BUNDLE}
    for line in listing.splitlines():
        match = re.match(r"^(?P<section>[^.=]+)\.(?P<key>[^=]+)='(?P<value>.*)'$", line)
        if match and match["section"] in ("global", "install", ":env:") and match["key"] in PIP_SETTINGS:
            values[match["key"].removeprefix("default-")] = match["value"].replace("\\n", "\n    ")
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(values.items()))


def npm_configuration(registry: str) -> str:
    """Turn the output of `npm config get registry` into an npmrc."""
    lines = ["update-notifier=false", "fund=false"]
    if re.match(r"^https?://", registry.strip()):
        lines.append(f"registry={registry.strip()}")
    return "\n".join(lines) + "\n"


def _der(pem: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.strip())


def _bundles() -> list[str]:
    paths = [Path(BUNDLE), *(Path(os.environ[name]) for name in BUNDLE_VARIABLES if os.environ.get(name))]
    paths += sorted(Path("/usr/local/share/ca-certificates").rglob("*.crt"))
    default = ssl.get_default_verify_paths().cafile
    if default:
        paths.append(Path(default))
    return [path.read_text(errors="replace") for path in dict.fromkeys(paths) if path.is_file()]


def _public_certificates() -> list[str]:
    """Return what Debian's ca-certificates brings: images have it already."""
    paths = sorted(Path("/usr/share/ca-certificates").rglob("*.crt"))
    return [path.read_text(errors="replace") for path in paths]


def _output(command: list[str]) -> str:
    """Return what a client says of its own settings; nothing where it is not installed."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/").stdout
