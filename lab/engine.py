"""A Docker engine that answers: the machine's own, or one that is installed and started here."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import docker
from docker.errors import DockerException

from lab.errors import LabError
from lab.progress import phase

PACKAGES = ["docker.io", "iptables"]
LOG = Path("/var/log/berth-lab-dockerd.log")
START_DEADLINE = 60.0
# Building and pushing an image may be silent for minutes; the SDK's own default of 60 s is too short.
API_TIMEOUT = 900


def connect() -> docker.DockerClient:
    """Return a client of the engine that answers, or raise LabError."""
    client = _answering_client()
    if client is None:
        raise LabError(
            "Docker engine: none answers at DOCKER_HOST or /var/run/docker.sock; run `python -m lab engine`."
        )
    return client


def ensure() -> docker.DockerClient:
    """Return a client of the engine that answers; install and start one where none does and we are root."""
    client = _answering_client()
    if client is not None:
        return client
    if os.environ.get("DOCKER_HOST"):
        raise LabError(
            f"Docker engine: nothing answers at DOCKER_HOST={os.environ['DOCKER_HOST']}; start it or unset it."
        )
    if os.geteuid() != 0:
        raise LabError(
            "Docker engine: none answers, and only root can install and start one; start Docker, or run this as root."
        )
    if shutil.which("dockerd") is None:
        _install()
    with phase("start the Docker engine"):
        process = _start()
        return _wait(process)


def apt_install(packages: list[str]) -> None:
    """Install Debian packages on this machine, quietly; the lists are fetched first."""
    if shutil.which("apt-get") is None:
        raise LabError(f"packages {', '.join(packages)}: no apt-get on this machine; install their equivalent by hand.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        result = subprocess.run(
            ["apt-get", "-q", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise LabError(f"apt-get {' '.join(arguments)} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")


def _answering_client() -> docker.DockerClient | None:
    try:
        client = docker.from_env(timeout=API_TIMEOUT)
        client.ping()
    except DockerException:
        return None
    return client


def _install() -> None:
    with phase(f"install {' '.join(PACKAGES)}"):
        apt_install(PACKAGES)
        if shutil.which("docker") is None:
            # Debian 13 has the command in a package of its own, Debian 12 in docker.io.
            apt_install(["docker-cli"])


def _start() -> subprocess.Popen[bytes] | None:
    """Start dockerd by systemd where it runs the machine, otherwise as a process of its own session."""
    if Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=False)
        return None
    _remove_stale_pid_file(Path("/run/docker.pid"), "dockerd")
    _remove_stale_pid_file(Path("/run/docker/containerd/containerd.pid"), "containerd")
    with LOG.open("ab") as log:
        return subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )


def _remove_stale_pid_file(path: Path, program: str) -> None:
    """A killed engine leaves its pid behind, and dockerd refuses to start while any process has that number."""
    try:
        name = Path(f"/proc/{int(path.read_text())}/comm").read_text().strip()
    except (OSError, ValueError):
        name = ""
    if name != program:
        path.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes] | None) -> docker.DockerClient:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        client = _answering_client()
        if client is not None:
            return client
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.2)
    where = str(LOG) if process is not None else "`journalctl -u docker`"
    raise LabError(
        f"Docker engine: dockerd was started but does not answer within {START_DEADLINE:.0f} s; see {where}."
    )
