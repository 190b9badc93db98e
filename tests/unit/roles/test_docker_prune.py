"""What the docker role's timer removes, and above all what it does not."""

from __future__ import annotations

import datetime
import fcntl
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[3] / "roles/docker/files/docker_prune.py"
SPEC = importlib.util.spec_from_file_location("docker_prune", PATH)
assert SPEC
assert SPEC.loader
prune = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(prune)

RELEASE = "20261120t101500z-1a2b3c4d"
NOW = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
NEVER = "0001-01-01T00:00:00Z"


def image(**changes: Any) -> dict[str, Any]:
    found = {"Id": "sha256:1", "RepoTags": ["web:1"], "Created": "2026-01-01T00:00:00.123456789Z"}
    return {**found, "Metadata": {"LastTagTime": NEVER}, "Pulled": "", **changes}


@pytest.mark.parametrize(
    ("found", "removed"),
    [
        pytest.param(image(), True, id="nobody needs it"),
        pytest.param(image(RepoTags=None, RepoDigests=[]), True, id="dangling"),
        pytest.param(image(RepoTags=["berth-build/shop:0f1e"]), True, id="build"),
        pytest.param(image(Id="sha256:needed"), False, id="a container or a release has it"),
        pytest.param(image(RepoTags=["x:1", f"berth/shop-web:{RELEASE}"]), False, id="release on disk"),
        pytest.param(image(RepoTags=["berth/shop-web:20200101t000000z-00000000"]), True, id="release that is gone"),
        pytest.param(image(RepoTags=["berth/postgres-main:17-trixie-0f1e"]), True, id="instance's old image"),
        pytest.param(image(Created="2026-11-19T12:00:00Z"), False, id="made lately"),
        pytest.param(image(Metadata={"LastTagTime": "2026-11-19T23:30:00+01:00"}), False, id="tagged lately"),
        pytest.param(image(Pulled="2026-11-19T12:00:00+00:00"), False, id="pulled lately"),
        pytest.param(image(Created=None, Metadata=None), True, id="without any time"),
    ],
)
def test_what_is_removed(found: dict[str, Any], removed: bool) -> None:
    before = NOW - datetime.timedelta(days=1)
    assert prune.to_remove([found], {"sha256:needed"}, {RELEASE}, before) == ([found] if removed else [])


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (image(RepoTags=["a:1", "b:1"]), ["a:1", "b:1"]),
        (image(RepoTags=[], RepoDigests=["a@sha256:2"]), ["a@sha256:2"]),
        (image(RepoTags=["<none>:<none>"], RepoDigests=None), ["sha256:1"]),
    ],
)
def test_images_are_named_so_that_no_force_is_needed(found: dict[str, Any], names: list[str]) -> None:
    assert prune.names_of(found) == names


def test_records_of_all_releases_are_read(tmp_path: Path) -> None:
    for app, identity in (("shop", "sha256:a"), ("blog", "sha256:b")):
        directory = tmp_path / app / "releases" / RELEASE
        directory.mkdir(parents=True)
        record = {"images": {"web": {"id": identity, "reference": "x"}}}
        (directory / "release.json").write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "shop" / "releases" / "20261121t101500z-1a2b3c4d").mkdir()  # just begun
    assert prune.records(tmp_path) == ({RELEASE, "20261121t101500z-1a2b3c4d"}, {"sha256:a", "sha256:b"})
    (tmp_path / "shop" / "releases" / RELEASE / "release.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting"):
        prune.records(tmp_path)


def test_app_that_is_being_deployed_is_seen(tmp_path: Path) -> None:
    for app in ("shop", "blog"):
        (tmp_path / app).mkdir()
        (tmp_path / app / "lock").touch()
    with (tmp_path / "shop" / "lock").open("r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert prune.deploying(tmp_path) == ["shop"]
    assert prune.deploying(tmp_path) == []
