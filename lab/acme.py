"""An ACME server for the tests of certificates: made on demand, told which server answers for which host.

It runs Pebble twice: `server` issues certificates for 90 days, `hasty_server` for ten minutes. Both verify challenges
on ports 80 and 443 like a public one. Hosts are known to its own name server only.
"""

from __future__ import annotations

import ipaddress
import json
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import docker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from docker.models.containers import Container

from lab import certificates, containers, network, registry, servers
from lab.errors import LabError
from lab.images import Builder
from lab.progress import phase
from lab.state import State

NAME = "berth-lab-acme"
KIND = "acme"
ADDRESS = "10.250.77.4"
IMAGE_LABEL = "berth.lab.image"
START_DEADLINE = 30.0


def up(client: docker.DockerClient, state: State, server: str, hosts: Sequence[str]) -> dict[str, str]:
    """Make sure that it runs and finds ``hosts`` at ``server``; return what a client of it needs to know."""
    address = servers.address_of(servers.get(client, server))
    with state.lock():
        container = _ensure(client, state)
    _wait(container)
    for host in hosts:
        _tell("add-a", {"host": f"{host}.", "addresses": [address]})
    return {
        "server": f"https://{ADDRESS}:14000/dir",
        "hasty_server": f"https://{ADDRESS}:14001/dir",
        "dns_records": f"http://{ADDRESS}:8056",
        "ca_certificate": str(state.directory / "ca" / "ca.crt"),
    }


def stop(client: docker.DockerClient) -> None:
    """Stop it, as an ACME server that does not answer; `up` starts it with nothing remembered."""
    container = network.find(client, NAME)
    if container is not None:
        container.stop(timeout=2)


def down(client: docker.DockerClient) -> None:
    """Remove it."""
    container = network.find(client, NAME)
    if container is not None:
        container.remove(force=True)


def server_certificate(directory: Path) -> tuple[bytes, bytes]:
    """Return a new certificate and key (PEM) for its address, signed by the lab's authority."""
    certificate_path, key_path = certificates.ensure_authority(directory)
    authority = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    authority_key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise LabError(f"authority {key_path}: expected a key on an elliptic curve.")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _ensure(client: docker.DockerClient, state: State) -> Container:
    lab = state.read()
    builder = Builder(client, hub=not lab.registry_mirrors if lab else registry.hub_answers())
    builder.ensure([KIND])
    labels = {IMAGE_LABEL: builder.tag(KIND)}
    container = network.running_current(client, NAME, labels)
    if container is None:
        with phase("start the ACME server"):
            container = network.create_container(client, NAME, KIND, builder.tag(KIND), ADDRESS, labels, {})
            certificate, key = server_certificate(state.directory / "ca")
            files = {"/etc/pebble/server.crt": (0o644, certificate), "/etc/pebble/server.key": (0o644, key)}
            containers.put_files(container, files)
            container.start()
    return container


def _wait(container: Container) -> None:
    end = time.monotonic() + START_DEADLINE
    while time.monotonic() < end:
        try:
            _tell("clear-request-history", {"type": "http", "host": "none"})
            return
        except OSError:
            time.sleep(0.2)
    logs = container.logs(tail=20).decode(errors="replace")
    raise LabError(f"ACME server {NAME}: does not answer within {START_DEADLINE:.0f} s:\n{logs}")


def _tell(what: str, content: dict[str, object]) -> None:
    """Ask the name server's management interface for something."""
    request = urllib.request.Request(f"http://{ADDRESS}:8055/{what}", json.dumps(content).encode())
    with urllib.request.urlopen(request, timeout=5):
        pass
