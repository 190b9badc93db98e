"""A copy of inventories/example on a server of the lab: its playbooks run as its users run them."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import yaml

from lab.certificates import ensure_authority
from tests.acceptance.server import LAB, NAME, ROOT, lab, run

HOSTS = {
    "production": "www.example.com",
    "staging": "www.staging.example.com",
    "development": "www.development.example.internal",
}


class Environments:
    """The three environments of the example, all on the one server, one after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "example"
        shutil.copytree(ROOT / "inventories" / "example", self.directory, symlinks=True)
        self.password = directory / "vault-password"
        self.password.write_text("the vault's password\n", encoding="utf-8")
        written = lab()
        entry = written["servers"][NAME]
        mirrors = written["registry_mirrors"]
        self.variables = directory / "lab.yml"
        self.variables.write_text(
            yaml.safe_dump(
                {
                    "ansible_host": entry["ssh_host"],
                    "ansible_ssh_common_args": f"-F {LAB}/ssh_config",
                    "docker_registry_mirrors": mirrors,
                    "docker_daemon": {"insecure-registries": [mirror.split("//")[1] for mirror in mirrors]},
                }
            ),
            encoding="utf-8",
        )
        self.address: str = entry["address"]
        self._certificates()

    def _certificates(self) -> None:
        """Give each environment what its group_vars read: certificates that somebody else issued, or a CA."""
        certificate, key = ensure_authority(LAB / "ca")
        for environment, host in HOSTS.items():
            to = self.directory / environment / "certificates"
            to.mkdir()
            shutil.copy(certificate, to / "ca.crt")
            shutil.copy(key, to / "ca.key")
            name = {"production": "example.com", "staging": "staging.example.com"}.get(environment)
            if name:
                request = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(to / f"{name}.key"), "-days", "2"]
                names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},DNS:{name}"]
                issuer = ["-CA", str(certificate), "-CAkey", str(key)]
                out = ["-out", str(to / f"{name}.crt")]
                run("openssl", "req", "-x509", *request, *names, *issuer, *out)

    def inventory(self, environment: str) -> Path:
        """Return the file that a run is given."""
        return self.directory / environment / "hosts.yml"

    def play(self, environment: str, playbook: str, *options: str) -> tuple[int, str]:
        """Run a playbook as an operator does; return the exit code and all that was printed."""
        command = ["ansible-playbook", "-i", self.inventory(environment), playbook, "-e", f"@{self.variables}"]
        command += ["--vault-password-file", self.password, *options]
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=ROOT,
        )
        return done.returncode, done.stdout

    def good(self, environment: str, playbook: str, *options: str) -> str:
        """Run a playbook to a good end; return what was printed."""
        code, text = self.play(environment, playbook, *options)
        assert code == 0, text
        return text

    def secrets(self, environment: str) -> dict[str, Any]:
        """Return what the file of secrets holds."""
        path = self.directory / environment / "secrets.yml"
        return dict(yaml.safe_load(run("ansible-vault", "view", "--vault-password-file", self.password, path)))

    def get(self, environment: str, path: str, host: str = "") -> tuple[int, str]:
        """Ask the environment's app over HTTPS; return status and text. The certificate is verified."""
        host = host or HOSTS[environment]
        context = ssl.create_default_context(cafile=str(LAB / "ca" / "ca.crt"))
        connection = http.client.HTTPSConnection(self.address, timeout=10)
        connection.sock = context.wrap_socket(
            socket.create_connection((self.address, 443), timeout=10), server_hostname=host
        )
        connection.request("GET", path, headers={"Host": host, "Connection": "close"})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text


class Watch:
    """Asks for a path ten times a second while something else happens; tells for how long it did not answer 200."""

    def __init__(self, environments: Environments, environment: str, path: str) -> None:
        self._ask = lambda: environments.get(environment, path)
        self.answers: list[tuple[float, int]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._end.wait(0.1):
            started = time.monotonic()
            try:
                status = self._ask()[0]
            except OSError:
                status = 0
            self.answers.append((started, status))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_arguments: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def window(self) -> float:
        """Seconds from the first to the last request that failed."""
        failed = [at for at, status in self.answers if status != 200]
        return max(failed) - min(failed) if failed else 0.0
