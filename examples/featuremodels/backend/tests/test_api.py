import subprocess
from uuid import uuid4

import pytest
from conftest import ADMIN, BACKEND, prestart
from fastapi.testclient import TestClient

MODELS = "/api/v1/feature-models/"
SHOP = """features
    Shop
        mandatory
            Payment
                or
                    Card
                    Invoice
        optional
            Search
constraints
    Invoice => Search
"""


def test_health_check(client: TestClient) -> None:
    assert client.get("/api/v1/utils/health-check/").json() is True


@pytest.mark.usefixtures("client")
def test_prestart_again_changes_nothing() -> None:
    assert "already there" in prestart()
    subprocess.run(["alembic", "check"], cwd=BACKEND, check=True)  # models and migrations agree


@pytest.mark.parametrize("form", [{**ADMIN, "password": "wrong"}, {**ADMIN, "username": "no@one"}])
def test_login_refused(client: TestClient, form: dict[str, str]) -> None:
    answer = client.post("/api/v1/login/access-token", data=form)
    assert (answer.status_code, answer.json()["detail"]) == (400, "Wrong email or password")


@pytest.mark.parametrize("token", ["", "Bearer x", "Bearer e30.e30.x"])
def test_no_token(client: TestClient, token: str) -> None:
    assert client.get(MODELS, headers={"Authorization": token}).status_code == 401


def test_users(client: TestClient, admin: dict[str, str], visitor: dict[str, str]) -> None:
    me = client.get("/api/v1/users/me", headers=visitor).json()
    assert me["email"] == "visitor@berth.localhost"
    assert "hashed_password" not in me
    assert client.get("/api/v1/users/", headers=visitor).status_code == 403
    assert len(client.get("/api/v1/users/", headers=admin).json()) == 2
    twice = {"email": me["email"], "password": "battery staple"}
    assert client.post("/api/v1/users/", json=twice, headers=admin).status_code == 409


def test_model_from_creation_to_result(client: TestClient, admin: dict[str, str], visitor: dict[str, str]) -> None:
    body = {"name": "Shop", "definition": SHOP}
    model = client.post(MODELS, json=body, headers=visitor).json()
    one = MODELS + model["id"]
    changed = client.put(one, json={**body, "name": "Web shop"}, headers=visitor).json()
    assert changed["name"] == "Web shop"
    assert changed["updated_at"] > model["updated_at"]
    listed = client.get(MODELS, headers=visitor).json()
    assert (listed["count"], listed["data"]) == (1, [changed])

    queued = client.post(f"{one}/analysis", headers=visitor)
    assert queued.status_code == 202
    task = client.get(f"/api/v1/tasks/{queued.json()['task_id']}", headers=visitor).json()
    assert task["state"] == "SUCCESS"
    assert task["result"] == {"features": 5, "depth": 3, "constraints": 1, "configurations": "4", "void": False}
    assert client.get(f"/api/v1/tasks/{uuid4()}", headers=visitor).status_code == 404

    assert client.delete(one, headers=visitor).status_code == 204
    assert client.get(one, headers=admin).status_code == 404


def test_models_of_others_are_not_there(client: TestClient, admin: dict[str, str], visitor: dict[str, str]) -> None:
    made = client.post(MODELS, json={"name": "Mine", "definition": SHOP}, headers=admin).json()
    assert client.get(MODELS + made["id"], headers=visitor).status_code == 404
    assert client.get(MODELS, headers=visitor).json()["count"] == 0


def test_mistake_in_a_model_names_the_line(client: TestClient, admin: dict[str, str]) -> None:
    body = {"name": "Shop", "definition": SHOP.replace("or\n", "any\n")}
    answer = client.post(MODELS, json=body, headers=admin)
    assert answer.status_code == 422
    assert "line 5: expected mandatory" in answer.text


def test_cors(client: TestClient) -> None:
    for origin, allowed in [("https://dashboard.berth.localhost", True), ("https://x.y", False)]:
        answer = client.get("/api/v1/utils/health-check/", headers={"Origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
