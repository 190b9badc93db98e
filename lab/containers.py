"""What Docker's API makes long-winded: putting files into a container and running commands there."""

from __future__ import annotations

import io
import sys
import tarfile
import time
from collections.abc import Mapping

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


def run(container: Container, command: list[str]) -> str:
    """Return what ``command`` prints in the container; LabError when it fails."""
    result = container.exec_run(command)
    output: str = result.output.decode(errors="replace")
    if result.exit_code != 0:
        raise LabError(f"{container.name}: `{' '.join(command)}` ended with {result.exit_code}:\n{output[-2000:]}")
    return output


def attach(container: Container, command: list[str]) -> int:
    """Run ``command`` with its output passed on as it comes, without input; return its exit code."""
    api = container.client.api
    execution = api.exec_create(container.id, command)["Id"]
    for stdout, stderr in api.exec_start(execution, stream=True, demux=True):
        for stream, content in ((sys.stdout, stdout), (sys.stderr, stderr)):
            if content:
                stream.buffer.write(content)
                stream.flush()
    code: int = api.exec_inspect(execution)["ExitCode"]
    return code
