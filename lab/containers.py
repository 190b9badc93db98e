"""What Docker's API makes long-winded: putting files into a container and running commands there."""

from __future__ import annotations

import io
import sys
import tarfile
import time
from collections.abc import Mapping
from typing import Any

import docker
from docker.models.containers import Container

from lab.errors import LabError


def put_files(container: Container, files: Mapping[str, tuple[int, bytes]]) -> None:
    """Write absolute path -> (mode, content) into a container, running or not; missing directories are made."""
    buffer = io.BytesIO()
    now = int(time.time())
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (mode, content) in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size, entry.mtime = mode, len(content), now
            archive.addfile(entry, io.BytesIO(content))
    container.put_archive("/", buffer.getvalue())


def execute(container: Container, command: list[str]) -> tuple[int, str]:
    """Run ``command`` in the container; return its exit code and what it printed."""
    result: Any = container.exec_run(command)
    return int(result.exit_code), result.output.decode(errors="replace")


def run(container: Container, command: list[str]) -> str:
    """Return what ``command`` prints in the container; LabError when it fails."""
    code, output = execute(container, command)
    if code != 0:
        raise LabError(f"{container.name}: `{' '.join(command)}` ended with {code}:\n{output[-2000:]}")
    return output


def attach(client: docker.DockerClient, container: Container, command: list[str]) -> int:
    """Run ``command`` with its output passed on as it comes, without input; return its exit code."""
    execution = client.api.exec_create(container.id, command)["Id"]
    output: Any = client.api.exec_start(execution, stream=True, demux=True)
    for stdout, stderr in output:
        for stream, content in ((sys.stdout, stdout), (sys.stderr, stderr)):
            if content:
                stream.buffer.write(content)
                stream.flush()
    code: int = client.api.exec_inspect(execution)["ExitCode"]
    return code
