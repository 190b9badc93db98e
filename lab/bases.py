"""Base images: Debian by debootstrap from the machine's own mirrors, imported into the engine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import docker

from lab import apt, engine
from lab.errors import LabError
from lab.progress import phase

RELEASES = ("trixie", "bookworm")
# A mirror may be https, and the images add the machine's own certificates to the store.
INCLUDED_PACKAGES = "ca-certificates"
# All images inherit it, those of build stages too, which have no name to be found by.
BUILT_LABEL = "berth.lab.built"
# A third of a minimal Debian, pushed and pulled with every image.
DOCUMENTATION = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man")
# Raised by hand when what this file does to a base changes.
RECIPE_VERSION = 3


def tag(release: str) -> str:
    """Return the name and content hash of the base of ``release``."""
    sources, options = _apt_configuration(release)
    content = f"{RECIPE_VERSION}|{release}|{INCLUDED_PACKAGES}|{sources}|{options}"
    return f"berth-lab/base-{release}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def ensure(client: docker.DockerClient, release: str) -> str:
    """Return the tag of the base of ``release``, built when missing."""
    name = tag(release)
    if not client.images.list(name=name):
        with phase(f"base image {release} by debootstrap"):
            _build(client, release, name)
    return name


def check_tools() -> None:
    """Install debootstrap where it is missing; say what is wrong where it cannot work."""
    if os.geteuid() != 0:
        raise LabError(
            "base images: debootstrap needs root and no image registry answers; run `python -m lab images` as root."
        )
    if shutil.which("debootstrap") is None:
        with phase("install debootstrap"):
            engine.apt_install(["debootstrap", "debian-archive-keyring"])


def _apt_configuration(release: str) -> tuple[str, str]:
    sources = apt.for_release(apt.read_sources(), release)
    return "\n".join(source.deb822() for source in sources), apt.carried_options()


def _build(client: docker.DockerClient, release: str, name: str) -> None:
    sources = apt.for_release(apt.read_sources(), release)
    mirror = apt.mirror(sources, release)
    with tempfile.TemporaryDirectory(prefix="berth-lab-") as directory:
        root = Path(directory, "root")
        _debootstrap(release, mirror, root)
        _configure_apt(root, sources)
        _import(client, root, name)


def _debootstrap(release: str, mirror: apt.Source, root: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED_PACKAGES}"]
    keyring = Path(mirror.signed_by)
    if keyring.is_file():
        command.append(f"--keyring={keyring}")
    command += [release, str(root), mirror.uri]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(
            f"base image {release}: `{' '.join(command)}` failed:\n{result.stdout[-3000:]}{result.stderr[-1000:]}"
        )


def _configure_apt(root: Path, sources: list[apt.Source]) -> None:
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "etc/apt/sources.list.d/debian.sources").write_text("\n".join(source.deb822() for source in sources))
    (root / "etc/apt/apt.conf.d/90machine").write_text(apt.carried_options())
    for source in sources:
        key = Path(source.signed_by)
        target = root / source.signed_by.lstrip("/")
        # debootstrap's Debian brings the Debian keyring; a mirror signed by another key needs that one.
        if key.is_absolute() and key.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(key, target)


def _import(client: docker.DockerClient, root: Path, name: str) -> None:
    """Stream the tree into the engine, less documentation and what a fresh system fetches anew."""
    excluded = ("dev", "proc", "sys", "run", "var/cache/apt", "var/lib/apt/lists", *DOCUMENTATION)
    command = ["tar", "--create", "--numeric-owner", "--xattrs", *(f"--exclude=./{path}/*" for path in excluded)]
    repository, _, version = name.rpartition(":")
    with subprocess.Popen([*command, "-C", str(root), "."], stdout=subprocess.PIPE) as tar:
        client.api.import_image_from_stream(
            tar.stdout, repository=repository, tag=version, changes=['CMD ["bash"]', f"LABEL {BUILT_LABEL}=yes"]
        )
    if tar.returncode != 0:
        client.images.remove(name)
        raise LabError(f"base image {name}: tar ended with {tar.returncode}; is the disk full?")
