# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker commands that berth's modules use, as argv lists over the ``docker`` client."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _room

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"

# How registries refuse strangers and wrong passwords; what is not there is refused in the same words by some.
REFUSED_BY_REGISTRY = ("unauthorized", "no basic auth credentials", "authentication required", "denied")

Run = t.Callable[[list[str]], tuple[int, str, str]]


class DockerError(Exception):
    """A docker command failed; the message names the command and ends with what Docker said."""


class Docker:
    """Runs docker commands through ``run`` (argv -> exit code, stdout, stderr)."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def run(self) -> Run:
        """What runs any other command on the same server."""
        return self._run

    def __call__(self, *arguments: str) -> str:
        """Run ``docker <arguments>`` and return its stdout."""
        return self._output(["docker", *arguments], arguments)

    def is_there(self) -> bool:
        """Tell whether there is a docker client whose engine answers."""
        try:
            self("version", "--format", "{{.Server.Version}}")
        except (DockerError, OSError):
            return False
        return True

    def containers(self, *filters: str) -> list[dict[str, t.Any]]:
        """Return ``docker inspect`` of every container, running or not, that all filters match."""
        arguments = [word for text in filters for word in ("--filter", text)]
        ids = self("ps", "--all", "--quiet", "--no-trunc", *arguments).split()
        return self._inspect("container", ids)

    def image_ids(self, references: t.Iterable[str]) -> dict[str, str]:
        """Return reference -> image id for those that are on the server."""
        wanted = sorted(set(references))
        if not wanted:
            return {}
        found: dict[str, str] = {}
        # One call for all; when one is missing the answer leaves out which, so they are asked one by one.
        images = self._inspect("image", wanted)
        if len(images) == len(wanted):
            return {name: image["Id"] for name, image in zip(wanted, images, strict=True)}
        for name in wanted:
            for image in self._inspect("image", [name]):
                found[name] = image["Id"]
        return found

    def network_ids(self) -> dict[str, str]:
        """Return name -> id of every network."""
        lines = self("network", "ls", "--no-trunc", "--format", "{{.Name}}\t{{.ID}}").splitlines()
        return dict(line.split("\t") for line in lines)

    def networks(self) -> list[dict[str, t.Any]]:
        """Return ``docker network inspect`` of every network."""
        return self._inspect("network", self("network", "ls", "--quiet", "--no-trunc").split())

    def volumes(self) -> dict[str, dict[str, str]]:
        """Return name -> labels of every volume."""
        found = self._inspect("volume", self("volume", "ls", "--quiet").split())
        return {volume["Name"]: volume["Labels"] or {} for volume in found}

    def subnet(self, network: str) -> str:
        """Return a network's IPv4 address range."""
        return self("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", network).strip()

    def fixed_addresses(self, network: str) -> set[str]:
        """Return the fixed IPv4 addresses on a network, those of stopped containers included."""
        attachments = [c["NetworkSettings"]["Networks"].get(network) for c in self.containers(f"network={network}")]
        addresses = [((a or {}).get("IPAMConfig") or {}).get("IPv4Address") for a in attachments]
        return {address for address in addresses if address}

    def join(self, network: str, container: str, address: str | None, aliases: t.Iterable[str]) -> None:
        """Put a container on a network under these names, also where it is on it under others."""
        self.leave(network, container)
        fixed = ["--ip", address] if address else []
        names = [word for alias in sorted(aliases) for word in ("--alias", alias)]
        self("network", "connect", *fixed, *names, network, container)

    def leave(self, network: str, container: str) -> None:
        """Take a container off a network, on which it often is not."""
        with contextlib.suppress(DockerError):
            self("network", "disconnect", "--force", network, container)

    def compose(self, project: str, files: t.Sequence[str], *arguments: str, timeout: float | None = None) -> str:
        """Run ``docker compose`` on a project without reading any ``.env`` of a working directory.

        After ``timeout`` seconds the command is ended by a TERM, 10 s later by a KILL.
        """
        named = [word for path in files for word in ("--file", path)]
        command = [
            "docker",
            "compose",
            "--project-name",
            project,
            "--env-file",
            "/dev/null",
            *named,
            "--progress",
            "quiet",
        ]
        # In the foreground: a background process group would be stopped when Compose reads Ansible's terminal.
        limit = [] if timeout is None else ["timeout", "--foreground", "--kill-after=10", f"{timeout:g}"]
        ends = "" if timeout is None else f"did not end within {timeout:g} s"
        return self._output([*limit, *command, *arguments], ("compose", *arguments), ends)

    def once(self, command: t.Sequence[str], timeout: float) -> str:
        """Run a container that is to end by itself, given as ``run`` and its arguments; return its stdout.

        It is removed whatever happens. After ``timeout`` seconds it has failed.
        """
        name = f"berth-once-{os.getpid()}"
        argv = ["timeout", "--foreground", "--kill-after=5", f"{timeout:g}", "docker", command[0], "--name", name]
        try:
            return self._output([*argv, *command[1:]], command, f"did not end within {timeout:g} s")
        except DockerError:
            self._run(["docker", "rm", "--force", name])  # the client that was to remove it may be gone
            raise

    def answer(self, container: str, command: t.Sequence[str]) -> str:
        """Return what a command in a container says, or how it failed, which is an answer as well."""
        code, out, _err = self._run(["docker", "exec", container, *command])
        return out.strip() if code == 0 else f"failed ({code})"

    def need_room(self) -> None:
        """Raise DockerError where less is free for images than the docker role was told to keep free."""
        minimum = _room.wanted_for_images()
        if minimum:
            problem = _room.shortage(self("info", "--format", "{{.DockerRootDir}}").strip(), minimum)
            if problem:
                raise DockerError(f"An image is to be fetched or built, which {problem}")

    def pull(self, reference: str) -> None:
        """Fetch an image."""
        try:
            self("pull", "--quiet", reference)
        except DockerError as error:
            if any(word in str(error) for word in REFUSED_BY_REGISTRY):
                raise DockerError(f"{error}\n{_advice(reference)}") from error
            raise

    def last_lines(self, container: str, number: int) -> str:
        """Return what a container said last, as far as its log driver can be read."""
        _code, out, err = self._run(["docker", "logs", "--tail", str(number), container])
        return out + err

    def log(self, container: str) -> str:
        """Return all that a container has said."""
        code, out, err = self._run(["docker", "logs", container])
        return out + err if code == 0 else ""

    def _output(self, argv: list[str], shown: t.Sequence[str], when_late: str = "") -> str:
        """Return the stdout of a command that ends well; 124 is what ``timeout`` ends with when it was late."""
        code, out, err = self._run(argv)
        if code == 0:
            return out
        found = when_late if when_late and code == 124 else f"failed ({code})"
        raise DockerError(f"docker {_shorten(shown)} {found}: {(err or out).strip()[-2000:]}")

    def _inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        if not names:
            return []
        # Exit code 1 means that some are gone (removed since they were listed): the others are printed all the same.
        code, out, err = self._run(["docker", kind, "inspect", *names])
        if code not in (0, 1) or not out.strip():
            raise DockerError(f"docker {kind} inspect failed ({code}): {err.strip()[-2000:]}")
        return t.cast("list[dict[str, t.Any]]", json.loads(out))


def _advice(reference: str) -> str:
    first, slash, _rest = reference.partition("/")
    registry = first if slash and (":" in first or "." in first or first == "localhost") else "docker.io"
    return (
        f"Registry {registry} refuses: docker_registries needs an entry for it whose user and password are right and "
        "may read the image."
    )


def _shorten(arguments: t.Sequence[str]) -> str:
    text = " ".join(arguments)
    return text if len(text) <= 300 else text[:300] + " ..."
