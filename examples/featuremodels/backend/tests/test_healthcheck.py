"""The image's health check as Docker calls it, told what the first process is."""

import importlib.util
import os
import time
from pathlib import Path

import pytest
from conftest import BACKEND

spec = importlib.util.spec_from_file_location("healthcheck", BACKEND / "scripts/healthcheck.py")
assert spec and spec.loader
healthcheck = importlib.util.module_from_spec(spec)
spec.loader.exec_module(healthcheck)


@pytest.mark.parametrize(
    ("role", "age", "healthy"),
    [("worker", 2, True), ("worker", 20, False), ("beat", 20, True), ("beat", 90, False)],
)
def test_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, age: int, healthy: bool) -> None:
    monkeypatch.setattr(healthcheck.tempfile, "gettempdir", lambda: str(tmp_path))
    alive = tmp_path / f"celery-{role}-alive"
    command = f"/opt/venv/bin/python celery -A app.core.celery {role}".split()
    with pytest.raises(FileNotFoundError):
        healthcheck.healthy(command)
    alive.touch()
    os.utime(alive, (time.time() - age,) * 2)
    assert healthcheck.healthy(command) is healthy
