"""What the lab remembers: `.lab/` with lab.json, the SSH configuration, keys and the lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.progress import say

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    """A server as lab.json lists it."""

    address: str
    ssh_host: str


@dataclass
class Lab:
    """The content of lab.json; what tests and inventories read."""

    registry_mirrors: list[str]
    ca_certificate: str
    ca_key: str
    outside: str
    servers: dict[str, Server] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the text of lab.json."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Lab:
        """Parse the text of lab.json."""
        content = json.loads(text)
        servers = {name: Server(**server) for name, server in content.pop("servers").items()}
        return cls(**content, servers=servers)


class State:
    """The state directory. Writers hold `lock()`."""

    def __init__(self, directory: Path | None = None) -> None:
        """Use ``directory``, or BERTH_LAB_DIR, or `.lab/` at the root of the repository."""
        self.directory = (directory or Path(os.environ.get("BERTH_LAB_DIR") or REPOSITORY / ".lab")).resolve()
        self.ssh = self.directory / "ssh"
        self.identity = self.ssh / "id_ed25519"
        self.known_hosts = self.ssh / "known_hosts"
        self.ssh_config = self.directory / "ssh_config"
        self._file = self.directory / "lab.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one command at a time change shared objects (images, registry, network, addresses, this directory)."""
        self.ssh.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("lab: waiting for another lab command")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self) -> Lab | None:
        """Return the content of lab.json, or None before the first `up`."""
        try:
            return Lab.from_json(self._file.read_text())
        except FileNotFoundError:
            return None

    def write(self, lab: Lab) -> None:
        """Replace lab.json and the SSH configuration."""
        replace(self._file, lab.to_json())
        replace(self.ssh_config, render_ssh_config(lab.servers, self.identity, self.known_hosts))

    def forget_host_keys(self, ssh_host: str) -> list[str]:
        """Return the lines of known_hosts that are not about ``ssh_host``."""
        lines = self.known_hosts.read_text().splitlines() if self.known_hosts.exists() else []
        return [line for line in lines if line.split()[:1] != [ssh_host]]

    def remember_host_keys(self, ssh_host: str, keys: list[str]) -> None:
        """Put the public ``keys`` ("type base64") of a server into known_hosts, in place of older ones."""
        lines = self.forget_host_keys(ssh_host) + [f"{ssh_host} {key}" for key in keys]
        replace(self.known_hosts, "".join(f"{line}\n" for line in lines))


def render_ssh_config(servers: Mapping[str, Server], identity: Path, known_hosts: Path) -> str:
    """Return an ssh_config with one entry per server; unknown host keys are refused, the lab knows them all."""
    entries = [
        f"Host {server.ssh_host}\n"
        f"  HostName {server.address}\n"
        f"  User root\n"
        f"  IdentityFile {_quoted(identity)}\n"
        f"  IdentitiesOnly yes\n"
        # An address is given to another server later; the name is not.
        f"  HostKeyAlias {server.ssh_host}\n"
        f"  UserKnownHostsFile {_quoted(known_hosts)}\n"
        f"  StrictHostKeyChecking yes\n"
        for _, server in sorted(servers.items())
    ]
    return "# Written by `python -m lab`.\n" + "\n".join(entries)


def replace(path: Path, text: str) -> None:
    """Write a file atomically: others read it while a lab command runs."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
