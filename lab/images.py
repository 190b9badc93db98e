"""The lab's images: what each is built from, when it must be built again, and the building.

An image is `berth-lab/<name>:<hash>`, where the hash covers every file of its context, the settings of this machine
that go into it and the hashes of the images below it. So "is it there" is one question to the engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound

from lab import bases, machine
from lab.errors import LabError
from lab.progress import phase

ROOT = Path(__file__).parent / "images"


@dataclass(frozen=True)
class Image:
    """A directory under lab/images.

    parents: build argument -> image or Debian release that it names. official: the name it stands in for.
    """

    name: str
    parents: Mapping[str, str]
    directory: str = ""
    official: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Return the directory with the Dockerfile."""
        return ROOT / (self.directory or self.name)


IMAGES = {
    image.name: image
    for image in (
        Image("slim-trixie", {"BASE": "trixie"}, "slim"),
        # The longest ones early: the engine works on a few at a time.
        Image("server", {"BASE": "trixie"}),
        Image("outside", {"BASE": "trixie"}),
        Image("python", {"BASE": "slim-trixie"}, official="python:3.13-slim-trixie"),
        Image("node", {"BASE": "slim-trixie", "PYTHON": "python"}, official="node:20-trixie-slim"),
        Image("postgres", {"BASE": "slim-trixie"}, official="postgres:17-trixie"),
        Image("traefik", {"BASE": "slim-trixie", "PYTHON": "python"}, official="traefik:v3.7.15"),
        Image("slim-bookworm", {"BASE": "bookworm"}, "slim"),
        Image("postgres-15", {"BASE": "slim-bookworm"}, official="postgres:15-bookworm"),
        Image("redis", {"BASE": "slim-bookworm"}, official="redis:7-bookworm"),
        Image("debian-trixie", {"BASE": "slim-trixie"}, "debian", official="debian:trixie-slim"),
        Image("debian-bookworm", {"BASE": "slim-bookworm"}, "debian", official="debian:bookworm-slim"),
        Image("registry", {"BASE": "slim-trixie"}),
        Image("acme", {"BASE": "slim-trixie"}),
    )
}
# What no server needs; a command of its own builds it.
ON_DEMAND = ("acme",)
STAND_INS = tuple(image.name for image in IMAGES.values() if image.official)


def with_parents(names: Iterable[str]) -> list[str]:
    """Return ``names`` and all images below them, parents first; an unknown name is an error."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in IMAGES:
            raise LabError(f"image {name}: unknown; expected one of {', '.join(IMAGES)}.")
        for parent in IMAGES[name].parents.values():
            if parent not in bases.RELEASES:
                visit(parent)
        if name not in order:
            order.append(name)

    for name in names:
        visit(name)
    return order


def content_hash(context: Mapping[str, tuple[int, bytes]], arguments: Mapping[str, str]) -> str:
    """Return 16 hex digits over paths, modes, contents and build arguments; their order does not matter."""
    digest = hashlib.sha256()
    for path, (mode, content) in sorted(context.items()):
        digest.update(f"{path}\0{mode:o}\0{len(content)}\0".encode())
        digest.update(content)
    for name, value in sorted(arguments.items()):
        digest.update(f"{name}={value}\0".encode())
    return digest.hexdigest()[:16]


def read_context(directory: Path, extra: Mapping[str, bytes]) -> dict[str, tuple[int, bytes]]:
    """Return path -> (mode, content) of ``directory``, with ``extra`` under machine/.

    Of the mode only "executable" counts: a checkout's umask must not build images again.
    """
    context = {
        path.relative_to(directory).as_posix(): (0o755 if os.access(path, os.X_OK) else 0o644, path.read_bytes())
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    context.update({f"machine/{path}": (0o644, content) for path, content in extra.items()})
    return context


class Builder:
    """Builds what is missing. One object serves one command: this machine's settings are read once."""

    def __init__(self, client: docker.DockerClient, hub: bool = False) -> None:
        """With ``hub``, the bases are Docker Hub's own."""
        self._client = client
        self._hub = hub
        self._machine = machine.files()
        self._bases: dict[str, str] = {}
        self._tags: dict[str, str] = {}

    def base_tag(self, release: str) -> str:
        """Return the image that ``release`` is built on."""
        if release not in self._bases:
            self._bases[release] = f"debian:{release}-slim" if self._hub else bases.tag(release)
        return self._bases[release]

    def tag(self, name: str) -> str:
        """Return the tag that the image ``name`` has when it is built from what is there now."""
        if name not in self._tags:
            context, arguments = self._inputs(name)
            self._tags[name] = f"berth-lab/{name}:{content_hash(context, arguments)}"
        return self._tags[name]

    def exists(self, name: str) -> bool:
        """Say whether the image ``name`` is up to date in the engine."""
        return self._has(self.tag(name))

    def ensure(self, names: Iterable[str]) -> None:
        """Build what is missing of ``names`` and of what they need; independent ones side by side."""
        missing = [name for name in with_parents(names) if not self.exists(name)]
        if not missing:
            return
        releases = dict.fromkeys(p for name in missing for p in IMAGES[name].parents.values() if p in bases.RELEASES)
        absent = [release for release in releases if not self._has(self.base_tag(release))]
        if absent and not self._hub:
            bases.check_tools()
        # Parents stand first, so a task that waits for one only waits for a task that has started or ended.
        with ThreadPoolExecutor(max_workers=(os.cpu_count() or 2) + 1) as pool:
            tasks: dict[str, Future[None]] = {r: pool.submit(self._ensure_base, r) for r in absent}
            for name in missing:
                parents = [tasks[p] for p in IMAGES[name].parents.values() if p in tasks]
                tasks[name] = pool.submit(self._build_after, name, parents)
        for task in tasks.values():
            task.result()

    def _has(self, tag: str) -> bool:
        try:
            self._client.images.get(tag)
        except ImageNotFound:
            return False
        return True

    def _ensure_base(self, release: str) -> None:
        if self._hub:
            with phase(f"pull {self.base_tag(release)}"):
                self._client.images.pull(self.base_tag(release))
        else:
            bases.ensure(self._client, release)

    def _build_after(self, name: str, parents: list[Future[None]]) -> None:
        for parent in parents:
            parent.result()
        with phase(f"image {name}"):
            self._build(name)
        self._remove_older(name)

    def _inputs(self, name: str) -> tuple[dict[str, tuple[int, bytes]], dict[str, str]]:
        image = IMAGES[name]
        parents = {
            argument: self.base_tag(parent) if parent in bases.RELEASES else self.tag(parent)
            for argument, parent in image.parents.items()
        }
        context = read_context(image.path, self._machine)
        if not any(line.startswith(b"COPY machine/") for line in context["Dockerfile"][1].splitlines()):
            context = {path: entry for path, entry in context.items() if not path.startswith("machine/")}
        return context, {**image.arguments, **parents}

    def _build(self, name: str) -> None:
        context, arguments = self._inputs(name)
        log: list[str] = []
        try:
            for event in self._client.api.build(
                fileobj=_tar(context),
                custom_context=True,
                tag=self.tag(name),
                buildargs={**machine.proxies(), **arguments},
                rm=True,
                forcerm=True,
                decode=True,
            ):
                log.append(event.get("stream", ""))
                if "error" in event:
                    tail = "".join(log)[-3000:]
                    raise LabError(f"image {name}: the build of {IMAGES[name].path} failed:\n{tail}{event['error']}")
        except APIError as error:
            raise LabError(
                f"image {name}: the engine refused to build {IMAGES[name].path}: {error.explanation}"
            ) from error

    def _remove_older(self, name: str) -> None:
        """Remove former versions of the image; one that a container uses stays."""
        for image in self._client.images.list(name=f"berth-lab/{name}"):
            for tag in image.tags:
                if tag != self.tag(name):
                    with contextlib.suppress(APIError):
                        self._client.images.remove(tag)


def _tar(context: Mapping[str, tuple[int, bytes]]) -> io.BytesIO:
    """Pack a context; times are zero so that the engine's own cache sees equal files as equal."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (mode, content) in sorted(context.items()):
            entry = tarfile.TarInfo(path)
            entry.mode = mode
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
