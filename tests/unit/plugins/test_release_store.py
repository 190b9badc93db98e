# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import pathlib

import pytest
from ansible_collections.berth.server.plugins.module_utils._release import Record, ReleaseError
from ansible_collections.berth.server.plugins.module_utils._release_store import ReleaseStore

from tests.unit.plugins.builders import DIGEST

OLD, NEW = "20261119t101500z-1a2b3c4d", "20261120t101500z-1a2b3c4d"


def record(release: str = NEW) -> Record:
    return Record(
        release, DIGEST, "1.0", {"web": {"reference": "x", "id": "sha256:1"}}, {"web": ["10.0.0.2"]}, error="é"
    )


@pytest.fixture
def store(tmp_path: pathlib.Path) -> ReleaseStore:
    return ReleaseStore(str(tmp_path), "shop")


def test_before_the_first_release_there_is_nothing(store: ReleaseStore) -> None:
    assert (store.current(), store.record(NEW), store.releases()) == (None, None, [])
    store.remove(NEW)
    store.prune_sources([], [])


def test_record_round_trip(store: ReleaseStore) -> None:
    store.write_record(record())
    assert store.record(NEW) == record()
    path = pathlib.Path(store.release_directory(NEW)) / "release.json"
    assert path.stat().st_mode & 0o777 == 0o640


def test_current_follows_and_its_link_is_relative(store: ReleaseStore) -> None:
    for release in (OLD, NEW):
        store.write_record(record(release))
        store.make_current(release)
        assert store.current() == record(release)
    directory = pathlib.Path(store.directory)
    assert (directory / "current").readlink() == pathlib.Path("releases", NEW)
    assert sorted(p.name for p in directory.iterdir()) == ["current", "releases"]


def test_current_survives_what_a_crash_left(store: ReleaseStore) -> None:
    store.write_record(record())
    (pathlib.Path(store.directory) / "current.new").symlink_to("nowhere")
    store.make_current(NEW)
    assert store.current() == record()


def test_current_that_leads_nowhere_is_none(store: ReleaseStore) -> None:
    store.write_record(record())
    store.make_current(NEW)
    store.remove(NEW)
    assert store.current() is None


def test_releases_are_sorted_and_only_releases(store: ReleaseStore) -> None:
    for release in (NEW, OLD):
        store.write_record(record(release))
    (pathlib.Path(store.directory) / "releases" / "notes").mkdir()
    assert store.releases() == [OLD, NEW]
    store.remove(OLD)
    assert store.releases() == [NEW]


def test_log_has_a_line_per_attempt_without_digest_and_addresses(store: ReleaseStore) -> None:
    store.write_record(record())
    store.append_log(record(OLD))
    store.append_log(record(NEW))
    log = pathlib.Path(store.directory) / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [OLD, NEW]
    assert lines[0]["images"] == {"web": {"reference": "x", "id": "sha256:1"}}
    assert not {"digest", "addresses"} & lines[0].keys()
    assert DIGEST not in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o777 == 0o640


def test_record_from_when_a_service_had_one_container(store: ReleaseStore) -> None:
    store.write_record(record())
    path = pathlib.Path(store.release_directory(NEW), "release.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    older = {key: value for key, value in found.items() if key != "mounts"} | {"addresses": {"web": "10.0.0.2"}}
    path.write_text(json.dumps(older), encoding="utf-8")
    assert store.record(NEW) == record()


def test_unused_sources_and_contents_are_pruned(store: ReleaseStore) -> None:
    for digest in ("aa", "bb"):
        pathlib.Path(store.source_directory(digest), "sub").mkdir(parents=True)
        pathlib.Path(store.content_directory(digest), "content").mkdir(parents=True)
    store.prune_sources(["bb"], ["aa"])
    left = {kind: [p.name for p in (pathlib.Path(store.directory) / kind).iterdir()] for kind in ("source", "files")}
    assert left == {"source": ["bb"], "files": ["aa"]}


def test_lock_is_exclusive_and_names_its_holder(store: ReleaseStore, tmp_path: pathlib.Path) -> None:
    other = ReleaseStore(str(tmp_path), "shop")
    with store.lock(), pytest.raises(ReleaseError, match=rf"app shop: .*\(process {os.getpid()}\)"), other.lock():
        pytest.fail("two have the lock")
    with other.lock():
        pass


def test_lock_is_freed_by_a_failure(store: ReleaseStore) -> None:
    with pytest.raises(ValueError, match="x"), store.lock():
        raise ValueError("x")
    with store.lock():
        pass


def test_lock_of_another_app_is_another(store: ReleaseStore, tmp_path: pathlib.Path) -> None:
    with store.lock(), ReleaseStore(str(tmp_path), "blog").lock():
        pass


def test_lock_dies_with_its_process(store: ReleaseStore) -> None:
    child = os.fork()
    if child == 0:
        lock = store.lock()
        lock.__enter__()
        os._exit(0)
    os.waitpid(child, 0)
    with store.lock():
        pass
