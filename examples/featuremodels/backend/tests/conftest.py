"""The application on a throwaway SQLite file, Celery in memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

BACKEND = Path(__file__).parents[1]
ADMIN = {"username": "admin@berth.localhost", "password": "correct horse"}

os.environ.update(
    DATABASE_URL=f"sqlite:///{mkdtemp()}/test.db",
    REDIS_URL="memory://",
    SECRET_KEY="for the tests only, 32 bytes or more",
    FIRST_SUPERUSER=ADMIN["username"],
    FIRST_SUPERUSER_PASSWORD=ADMIN["password"],
    BACKEND_CORS_ORIGINS="https://dashboard.berth.localhost/, https://other.example",
    PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
)
sys.path.insert(0, str(BACKEND))

from fastapi.testclient import TestClient  # noqa: E402

from app.core.celery import celery  # noqa: E402
from app.main import app  # noqa: E402

celery.conf.update(task_always_eager=True, task_store_eager_result=True, result_backend="cache+memory://")


def prestart() -> str:
    """What scripts/prestart.sh prints."""
    return subprocess.run([BACKEND / "scripts/prestart.sh"], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    prestart()
    with TestClient(app) as client:
        yield client


def login(client: TestClient, form: dict[str, str]) -> dict[str, str]:
    answer = client.post("/api/v1/login/access-token", data=form)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="session")
def admin(client: TestClient) -> dict[str, str]:
    return login(client, ADMIN)


@pytest.fixture(scope="session")
def visitor(client: TestClient, admin: dict[str, str]) -> dict[str, str]:
    """Another user without rights."""
    form = {"email": "visitor@berth.localhost", "password": "battery staple"}
    assert client.post("/api/v1/users/", json=form, headers=admin).status_code == 201
    return login(client, {"username": form["email"], "password": form["password"]})
