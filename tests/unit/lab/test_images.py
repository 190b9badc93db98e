"""What decides that an image is built again, and in which order."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lab import bases, images
from lab.errors import LabError
from lab.images import IMAGES, STAND_INS, content_hash, read_context, with_parents

CONTEXT = {"Dockerfile": (0o644, b"FROM x\n"), "run.sh": (0o755, b"#!/bin/sh\n")}


def test_hash_does_not_depend_on_order() -> None:
    assert content_hash(CONTEXT, {"A": "1", "B": "2"}) == content_hash(
        dict(reversed(CONTEXT.items())), {"B": "2", "A": "1"}
    )


@pytest.mark.parametrize(
    ("context", "arguments"),
    [
        pytest.param({**CONTEXT, "run.sh": (0o755, b"#!/bin/bash\n")}, {"BASE": "a"}, id="content"),
        pytest.param({**CONTEXT, "run.sh": (0o644, b"#!/bin/sh\n")}, {"BASE": "a"}, id="mode"),
        pytest.param({**CONTEXT, "more": (0o644, b"")}, {"BASE": "a"}, id="file-added"),
        pytest.param({"Dockerfile": CONTEXT["Dockerfile"], "run": CONTEXT["run.sh"]}, {"BASE": "a"}, id="file-renamed"),
        pytest.param(CONTEXT, {"BASE": "b"}, id="parent"),
        pytest.param(CONTEXT, {}, id="argument-gone"),
        pytest.param(
            {"Dockerfile": (0o644, b"FROM x\nrun.sh"), "run.sh": (0o755, b"")}, {"BASE": "a"}, id="moved-bytes"
        ),
    ],
)
def test_hash_depends_on(context: dict[str, tuple[int, bytes]], arguments: dict[str, str]) -> None:
    assert content_hash(context, arguments) != content_hash(CONTEXT, {"BASE": "a"})


def test_context_ignores_what_a_checkout_decides(tmp_path: Path) -> None:
    (tmp_path / "files/etc").mkdir(parents=True)
    script, plain = tmp_path / "run.sh", tmp_path / "files/etc/a"
    script.write_text("x")
    plain.write_text("y")
    script.chmod(0o755)
    plain.chmod(0o644)
    before = read_context(tmp_path, {})
    script.chmod(0o700)
    plain.chmod(0o640)
    assert read_context(tmp_path, {}) == before == {"run.sh": (0o755, b"x"), "files/etc/a": (0o644, b"y")}


def test_context_has_the_machines_files(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x")
    assert read_context(tmp_path, {"etc/pip.conf": b"p"})["machine/etc/pip.conf"] == (0o644, b"p")


def test_parents_come_first() -> None:
    order = with_parents(["traefik", "redis"])
    assert order == ["slim-trixie", "python", "traefik", "slim-bookworm", "redis"]


def test_unknown_image() -> None:
    with pytest.raises(LabError, match="image nginx: unknown; expected one of"):
        with_parents(["nginx"])


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_is_consistent(name: str) -> None:
    image = IMAGES[name]
    dockerfile = (image.path / "Dockerfile").read_text()
    for argument, parent in image.parents.items():
        assert f"ARG {argument}\n" in dockerfile
        assert parent in bases.RELEASES or parent in IMAGES
    assert dockerfile.count("FROM ${") == dockerfile.count("FROM "), "only images that the lab built can be pulled"


def test_stand_ins_have_official_names_of_their_own() -> None:
    official = [IMAGES[name].official for name in STAND_INS]
    assert len(set(official)) == len(official)
    assert all(name.count(":") == 1 for name in official)


def test_tar_is_reproducible() -> None:
    first, second = images._tar(CONTEXT).read(), images._tar(dict(reversed(CONTEXT.items()))).read()
    assert first == second
    with tarfile.open(fileobj=images._tar(CONTEXT)) as archive:
        assert {entry.name: entry.mode for entry in archive} == {"Dockerfile": 0o644, "run.sh": 0o755}
