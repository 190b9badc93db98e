"""Remove images and build cache that nothing on this server needs any more.

Kept are images that a container has, running or not; those of every release on disk, by the ids in its record and by
its own tags; and what came here less than ``after_days`` ago. Volumes, networks and containers are never touched. What
was removed goes to standard output, and so to the journal.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

SETTINGS = Path("/etc/berth/docker.json")
APPS = Path("/srv/berth/apps")
# berth/<app>-<service>:<release>
RELEASE_TAG = re.compile(r"berth/[^:]+:(\d{8}t\d{6}z-[0-9a-f]{8})\Z")
NOTHING = "<none>:<none>"

Image = t.Mapping[str, t.Any]


def to_remove(
    images: t.Iterable[Image], needed: t.Collection[str], releases: t.Collection[str], before: datetime.datetime
) -> list[Image]:
    """Return the images to remove.

    ``images``: as ``docker image inspect`` shows them. ``needed``: ids of containers' and releases' images.
    ``releases``: the ids of all releases on disk. ``before``: what came later stays.
    """

    def is_kept(image: Image) -> bool:
        tags = [match[1] for tag in image.get("RepoTags") or () if (match := RELEASE_TAG.match(tag))]
        return image["Id"] in needed or any(release in releases for release in tags) or came(image) >= before

    return [image for image in images if not is_kept(image)]


def came(image: Image) -> datetime.datetime:
    """Return when an image came here: when it was pulled, or last tagged, or made, whichever was last."""
    times = [image.get("Created"), (image.get("Metadata") or {}).get("LastTagTime"), image.get("Pulled")]
    return max(read_time(text or "") for text in times)


def read_time(text: str) -> datetime.datetime:
    """Read Docker's time, to the second; what is none is long ago."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if not match:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    found = datetime.datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
    # The year 1 is Docker's word for never, and east of Greenwich it has no UTC.
    return found.replace(tzinfo=datetime.UTC) if found.year == 1 else found


def names_of(image: Image) -> list[str]:
    """Return what to remove an image by, so that no force is needed: its tags, or digests, or its id."""
    tags = [tag for tag in image.get("RepoTags") or () if tag != NOTHING]
    return tags or list(image.get("RepoDigests") or ()) or [image["Id"]]


def records(apps: Path) -> tuple[set[str], set[str]]:
    """Return the ids of all releases on disk and of their images. One that cannot be read is an error."""
    releases, ids = set(), set()
    for directory in apps.glob("*/releases/*"):
        releases.add(directory.name)
        record = directory / "release.json"
        if record.exists():
            ids |= {image["id"] for image in json.loads(record.read_text(encoding="utf-8"))["images"].values()}
    return releases, ids


def deploying(apps: Path) -> list[str]:
    """Return the apps that are being deployed: their locks are held."""
    found = []
    for path in apps.glob("*/lock"):
        with path.open(encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(path.parent.name)
    return found


def docker(*words: str) -> str:
    """Run ``docker`` and return its stdout."""
    return subprocess.run(["docker", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def inspect(kind: str, *listing: str) -> list[dict[str, t.Any]]:
    """Return what is listed by its ids."""
    ids = list(dict.fromkeys(docker(*listing, "--all", "--quiet", "--no-trunc").split()))
    return json.loads(docker(kind, "inspect", *ids)) if ids else []


def pulled(root: str, image: str) -> str:
    """Return when Docker's own store wrote an image down, which the engine does not tell of pulled ones."""
    paths = Path(root).glob(f"image/*/imagedb/content/sha256/{image.partition(':')[2]}")
    times = [datetime.datetime.fromtimestamp(int(path.stat().st_mtime), datetime.UTC) for path in paths]
    return max(times).isoformat() if times else ""


def free(root: str) -> int:
    """Return the bytes that are free on Docker's disk."""
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize


def main() -> int:
    """Remove what is not needed; return 1 where something could not be removed."""
    settings = json.loads(SETTINGS.read_text(encoding="utf-8"))["prune"]
    busy = deploying(APPS)
    if busy:
        print(f"Nothing was removed: {', '.join(sorted(busy))} is being deployed. The next time will do.")
        return 0
    root = docker("info", "--format", "{{.DockerRootDir}}").strip()
    at_first = free(root)
    releases, ids = records(APPS)
    # Containers after images: an image that is taken into use meanwhile is seen to be.
    images = [{**image, "Pulled": pulled(root, image["Id"])} for image in inspect("image", "image", "ls")]
    needed = ids | {container["Image"] for container in inspect("container", "ps")}
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=settings["after_days"])
    failed = 0
    for image in to_remove(images, needed, releases, before):
        for name in names_of(image):
            result = subprocess.run(["docker", "image", "rm", name], capture_output=True, text=True, check=False)
            if result.returncode:
                failed = 1
            said = result.stderr.strip() if result.returncode else f"{image['Size'] / 1e6:.0f} MB"
            print(f"{'could not remove' if result.returncode else 'removed'} image {name}: {said}")
    hours = f"until={settings['after_days'] * 24}h"
    for options in (["--filter", hours], ["--keep-storage", settings["build_cache"]]):
        total = docker("builder", "prune", "--force", *options).strip().splitlines()
        print(f"build cache, {' '.join(options)}: {total[-1] if total else 'nothing'}")
    print(f"freed {max(0, free(root) - at_first) / 1e6:.0f} MB on {root}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
