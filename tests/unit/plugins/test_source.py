# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import pathlib
import tarfile
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils import _source
from ansible_collections.berth.server.plugins.module_utils._source import (
    SourceError,
    content_digest,
    context_digest,
    context_files,
    write_archive,
)

FILES = {
    "Dockerfile": "FROM x\n",
    "app/main.py": "print()\n",
    "app/main.pyc": "compiled",
    "app/keep.pyc": "kept",
    "node_modules/a/index.js": "x",
    ".git/HEAD": "ref",
    ".env": "SECRET=hunter2",
    "docs/readme.md": "# docs",
}
IGNORE = "# comment\n\n**/*.pyc\n!app/keep.pyc\n  node_modules  \n.env\ndocs/*\n"


@pytest.fixture
def context(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "context"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (root / ".dockerignore").write_text(IGNORE, encoding="utf-8")
    return root


def names(context: pathlib.Path) -> list[str]:
    return [str(path) for path in context_files(context)]


def test_dockerignore_is_honoured(context: pathlib.Path) -> None:
    assert names(context) == [".dockerignore", "Dockerfile", "app/keep.pyc", "app/main.py"]


def test_without_dockerignore_all_but_git_belongs(context: pathlib.Path) -> None:
    (context / ".dockerignore").unlink()
    assert names(context) == sorted(name for name in FILES if not name.startswith(".git/"))


def test_dockerfile_cannot_be_ignored(context: pathlib.Path) -> None:
    (context / ".dockerignore").write_text("*\n", encoding="utf-8")
    assert "Dockerfile" in names(context)


def test_links_belong_even_where_they_lead_nowhere(context: pathlib.Path) -> None:
    (context / "app" / "link").symlink_to("nowhere")
    (context / "app" / "directory").symlink_to("../docs")
    assert {"app/link", "app/directory"} <= set(names(context))


def test_digest_is_stable_and_blind_for_time_and_what_is_ignored(context: pathlib.Path) -> None:
    before = context_digest(context)
    assert len(before) == 16
    os.utime(context / "Dockerfile", (1, 1))
    (context / "app" / "other.pyc").write_text("x", encoding="utf-8")
    (context / ".git" / "HEAD").write_text("other", encoding="utf-8")
    (context / "Dockerfile").chmod(0o600)
    (context / "app" / "empty").mkdir()
    assert context_digest(context) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: (c / "Dockerfile").write_text("FROM y\n", encoding="utf-8"), id="content"),
        pytest.param(lambda c: (c / "Dockerfile").chmod(0o755), id="executable"),
        pytest.param(lambda c: (c / "app/main.py").rename(c / "app/main2.py"), id="name"),
        pytest.param(lambda c: (c / "app/new").touch(), id="new empty file"),
        pytest.param(lambda c: (c / "app/main.py").unlink(), id="file gone"),
        pytest.param(lambda c: (c / "app/new").symlink_to("main.py"), id="link"),
        pytest.param(lambda c: (c / ".dockerignore").write_text("docs\n", encoding="utf-8"), id="dockerignore"),
    ],
)
def test_digest_changes(context: pathlib.Path, change: t.Callable[[pathlib.Path], object]) -> None:
    before = context_digest(context)
    change(context)
    assert context_digest(context) != before


def test_digest_tells_link_targets_apart(context: pathlib.Path) -> None:
    link = context / "link"
    link.symlink_to("a")
    before = context_digest(context)
    link.unlink()
    link.symlink_to("b")
    assert context_digest(context) != before


def test_digest_tells_where_a_name_ends(tmp_path: pathlib.Path) -> None:
    for root, name, content in (("one", "ab", "c"), ("two", "a", "bc")):
        (tmp_path / root).mkdir()
        (tmp_path / root / name).write_text(content, encoding="utf-8")
    assert context_digest(tmp_path / "one") != context_digest(tmp_path / "two")


def test_archive_holds_the_context_owned_by_root(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (context / "app" / "link").symlink_to("main.py")
    (context / "app" / "main.py").chmod(0o755)
    write_archive(context, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
        assert list(entries) == names(context)
        assert {(e.uid, e.gid, e.uname, e.gname) for e in entries.values()} == {(0, 0, "root", "root")}
        assert entries["app/main.py"].mode & 0o777 == 0o755
        assert entries["app/link"].linkname == "main.py"
        stored = archive.extractfile("Dockerfile")
        assert stored is not None
        assert stored.read() == b"FROM x\n"


def test_unpacked_archive_has_the_same_digest(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    write_archive(context, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        archive.extractall(tmp_path / "there", filter="data")
    assert context_digest(tmp_path / "there") == context_digest(context)


def test_missing_context_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SourceError, match=f"{tmp_path}/x, expected a build context"):
        context_digest(tmp_path / "x")


def test_missing_library_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_source, "HAS_DOCKER", False)
    with pytest.raises(SourceError, match="pip install docker"):
        context_files(tmp_path)


def test_content_to_mount_is_all_of_it_below_one_directory(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (context / "app/main.py").chmod(0o700)
    (context / "app/keep.pyc").chmod(0o600)
    write_archive(context, tmp_path / "a.tar.gz", "content")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        modes = {entry.name: entry.mode for entry in archive.getmembers()}
        archive.extractall(tmp_path / "there", filter="tar")
    assert modes["content"] == modes["content/app"] == modes["content/app/main.py"] == 0o755
    assert modes["content/app/keep.pyc"] == 0o644
    assert {"content/.env", "content/node_modules/a/index.js"} <= modes.keys()
    assert "content/.git/HEAD" not in modes
    assert content_digest(tmp_path / "there/content") == content_digest(context)


def test_one_file_to_mount(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    write_archive(context / "Dockerfile", tmp_path / "a.tar.gz", "content")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert archive.getnames() == ["content", "content/Dockerfile"]
    assert content_digest(context / "Dockerfile") != content_digest(context / "docs")


def test_digest_of_a_file_follows_content_and_name(tmp_path: pathlib.Path) -> None:
    for name, text in (("a", "1"), ("b", "1"), ("c/a", "1"), ("d/a", "2")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    digests = [content_digest(tmp_path / name) for name in ("a", "b", "c/a", "d/a")]
    assert digests[0] == digests[2]
    assert len({*digests}) == 3
