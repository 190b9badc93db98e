# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the plugins share."""

from __future__ import annotations

import os
import pathlib
import types

import pytest
from ansible_collections.berth.server.plugins.module_utils import _files, _probe, _release_runner, _traefik
from hypothesis import settings

from tests.unit.plugins.builders import Server, Stack
from tests.unit.plugins.engine import Engine, image_id

settings.register_profile("berth", max_examples=50, deadline=None, derandomize=True, database=None)
settings.load_profile("berth")


@pytest.fixture(autouse=True)
def _files_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the tests do not run as root, root's files are the user's own."""
    if os.getuid() == 0:
        return
    monkeypatch.setattr(os, "chown", lambda *_arguments: None)
    monkeypatch.setattr(os, "fchown", lambda *_arguments: None)
    monkeypatch.setattr(_files, "user_id", lambda _owner: os.getuid())
    monkeypatch.setattr(_files, "group_id", lambda _group: os.getgid())


@pytest.fixture
def engine() -> Engine:
    """An empty Docker engine in memory."""
    return Engine()


@pytest.fixture
def stack(engine: Engine, tmp_path: pathlib.Path) -> Stack:
    """A stack, and an engine that has the images web:1, web:2 and job:1."""
    engine.networks["edge"] = "id-edge"
    engine.images |= {name: image_id(name) for name in ("web:1", "web:2", "job:1")}
    return Stack(engine, tmp_path / "p")


@pytest.fixture
def server(engine: Engine, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server without any app, where time passes by sleeping alone and probes find what ``problem`` says."""
    server = Server(engine, tmp_path)
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    fake = types.SimpleNamespace(monotonic=lambda: now[0], sleep=sleep)
    monkeypatch.setattr(_traefik, "time", fake)
    monkeypatch.setattr(_release_runner, "time", fake)
    monkeypatch.setattr(_probe, "time", fake)
    monkeypatch.setattr(_probe, "probe", lambda *_arguments: server.problem)
    return server
