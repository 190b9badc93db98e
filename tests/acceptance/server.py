"""What the acceptance tests do: run playbooks, look at the server, send requests from outside."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "demo"
LAB = Path(os.environ.get("BERTH_LAB_DIR", ROOT / ".lab"))
NAME = os.environ.get("BERTH_LAB_SERVER", "demo")
DASHBOARD = "dashboard.berth.localhost"
API = "api.berth.localhost"
HEALTH = f"https://{API}/api/v1/utils/health-check/"


def run(*command: str | Path, stdin: str | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command in the checkout and return its stdout; on failure show what it said."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, **(env or {})}
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)[:300]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def lab() -> dict[str, Any]:
    """Return what the lab has written down."""
    return dict(json.loads((LAB / "lab.json").read_text(encoding="utf-8")))


def secrets() -> dict[str, str]:
    """Return the demo's secrets."""
    text = run("ansible-vault", "view", INVENTORY / "secrets.yml")
    return {name: value for name, value in yaml.safe_load(text).items() if isinstance(value, str)}


@dataclass
class Result:
    """How a playbook ended on the server. ``tasks``: task name (without its role) -> result, of those that changed."""

    stats: dict[str, int]
    tasks: dict[str, Any]
    # All of them in order, since roles have tasks of the same name: full task name, result.
    changes: list[tuple[str, dict[str, Any]]]


class Playbook:
    """Runs a playbook against the server under test."""

    def __init__(self, inventory: Path = INVENTORY) -> None:
        self.inventory = inventory

    def __call__(self, name: str, *options: str) -> Result:
        """Run it to a good end and return what changed."""
        out = run(*self.command(name, *options), env={"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"})
        report = json.loads(out[out.index("{\n") :])
        changes = [
            (task["task"]["name"], task["hosts"]["server"])
            for play in report["plays"]
            for task in play["tasks"]
            if task["hosts"].get("server", {}).get("changed")
        ]
        tasks = {name.rpartition(" : ")[2]: result for name, result in changes}
        return Result(report["stats"]["server"], tasks, changes)

    def text(self, name: str, *options: str, env: dict[str, str | None] | None = None) -> tuple[int, str]:
        """Run it as an operator does; return the exit code and everything that was printed.

        ``env``: what is set beside this process's environment; None removes a variable.
        """
        environment = {**os.environ, **(env or {})}
        done = subprocess.run(
            self.command(name, *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=ROOT,
            env={key: value for key, value in environment.items() if value is not None},
        )
        return done.returncode, done.stdout

    def command(self, name: str, *options: str) -> list[str]:
        """Return the command that runs it."""
        return ["ansible-playbook", "-i", str(self.inventory), name, *options]


class Server:
    """The server under test."""

    def __init__(self) -> None:
        entry = lab()["servers"][NAME]
        self.address: str = entry["address"]
        self._ssh_host: str = entry["ssh_host"]

    def __call__(self, *command: str) -> str:
        """Run a command on it over SSH."""
        return run("ssh", "-F", LAB / "ssh_config", self._ssh_host, "--", *command)

    def script(self, text: str) -> str:
        """Run a shell script on it."""
        return run("ssh", "-F", LAB / "ssh_config", self._ssh_host, "--", "sh", stdin=text)

    def containers(self) -> dict[str, str]:
        """Return name -> id of the running containers."""
        lines = self("docker", "ps", "--no-trunc", "--format", "'{{.Names}} {{.ID}}'").splitlines()
        return dict(line.split() for line in lines)

    def infrastructure(self) -> dict[str, str]:
        """Return the containers that no release brings: Traefik, Postgres, Redis."""
        return {name: key for name, key in self.containers().items() if not name.startswith("featuremodels-")}

    def releases(self, app: str = "featuremodels") -> list[str]:
        """Return the ids of the releases on disk, oldest first."""
        return self("ls", f"/srv/berth/apps/{app}/releases").split()

    def current(self, app: str = "featuremodels") -> str:
        """Return the id of the release that serves."""
        return Path(self("readlink", f"/srv/berth/apps/{app}/current").strip()).name

    def reboot(self) -> None:
        """Restart the server; returns when SSH answers."""
        run("python", "-m", "lab", "reboot", NAME)


class Outside:
    """A host on the other side of the server's public address."""

    def __init__(self, server: Server) -> None:
        # Given to curl and the browser each time, since they resolve *.localhost to loopback by themselves.
        self._address = server.address

    def curl(self, url: str, *options: str) -> str:
        """Request a URL, with TLS verified against what the host trusts; return what curl printed."""
        host = url.split("/")[2]
        resolve = [word for port in ("80", "443") for word in ("--resolve", f"{host}:{port}:{self._address}")]
        return self("curl", "--silent", "--show-error", "--max-time", "10", *resolve, *options, url)

    def status(self, url: str, *options: str) -> int:
        """Request a URL and return the status."""
        return int(self.curl(url, "--output", "/dev/null", "--write-out", "%{http_code}", *options))

    def browse(self, script: Path, *arguments: str) -> dict[str, Any]:
        """Run a browser script there; it prints one JSON document."""
        command = ("docker", "exec", "--interactive", self._container(), "python3", "-", self._address, *arguments)
        return dict(json.loads(run(*command, stdin=script.read_text(encoding="utf-8"))))

    def wait_for(self, url: str, seconds: float = 120) -> float:
        """Wait until a URL answers 200; return how long it took."""
        started = time.monotonic()
        while True:
            try:
                if self.status(url) == 200:
                    return time.monotonic() - started
            except AssertionError:
                pass
            if time.monotonic() - started > seconds:
                raise AssertionError(f"{url} did not answer 200 within {seconds:g} s")
            time.sleep(0.5)

    def __call__(self, *command: str) -> str:
        """Run a command on it."""
        return run("docker", "exec", self._container(), *command)

    def _container(self) -> str:
        return str(lab()["outside"])


def app_directory(tmp_path: Path, change: dict[str, Any]) -> Sequence[str]:
    """Return options that make a run use the demo's app with ``change`` merged into it, one level deep."""
    app = yaml.safe_load((INVENTORY / "apps" / "featuremodels.yml").read_text(encoding="utf-8"))["featuremodels"]
    app["source"] = str((INVENTORY / "apps" / app["source"]).resolve())
    for key, value in change.items():
        app[key] = {**app[key], **value} if isinstance(app[key], dict) else value
    (tmp_path / "featuremodels.yml").write_text(yaml.safe_dump({"featuremodels": app}), encoding="utf-8")
    return ["--extra-vars", f"app_directory={tmp_path}"]
