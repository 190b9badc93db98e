"""The application works, for a user with a browser and as the internet sees it."""

from __future__ import annotations

import base64
import json
import os
import uuid
from pathlib import Path

import pytest

from tests.acceptance.server import API, DASHBOARD, HEALTH, Outside, Server, secrets


def test_a_user_signs_in_creates_a_model_and_sees_the_tasks_result(outside: Outside) -> None:
    model = f"Phone {uuid.uuid4().hex[:6]}"
    task = {
        "email": "admin@example.com",
        "password": secrets()["featuremodels/first_superuser_password"],
        "model": model,
    }
    seen = outside.browse(Path(__file__).with_name("browser.py"), f"https://{DASHBOARD}/", json.dumps(task))
    assert model in seen["rows"]
    assert "valid configurations" in seen["result"]
    if "BERTH_SCREENSHOT" in os.environ:
        Path(os.environ["BERTH_SCREENSHOT"]).write_bytes(base64.b64decode(seen["screenshot"]))


def test_tls_is_verified_against_the_authority_and_not_without_it(outside: Outside) -> None:
    assert outside.status(HEALTH) == 200
    with pytest.raises(AssertionError, match="certificate"):
        outside.status(HEALTH, "--cacert", "/etc/ssl/certs/ISRG_Root_X1.pem", "--capath", "/nowhere")


def test_http_leads_to_https(outside: Outside) -> None:
    answer = outside.curl(f"http://{DASHBOARD}/login", "--include")
    assert "301" in answer.splitlines()[0] or "308" in answer.splitlines()[0]
    assert f"location: https://{DASHBOARD}/login" in answer.lower()


def test_a_host_that_no_app_has_is_not_found(outside: Outside) -> None:
    assert outside.status("https://other.berth.localhost/", "--insecure") == 404


def test_only_the_proxys_ports_and_ssh_answer_outside(outside: Outside, server: Server) -> None:
    scan = outside("nmap", "-Pn", "-n", "-p", "22,80,443,2375,3000,5432,6379,8000,8080", "-oG", "-", server.address)
    open_ports = {part.split("/")[0] for part in scan.replace("Ports:", ",").split(",") if "/open/" in part}
    assert {port.strip() for port in open_ports} == {"22", "80", "443"}


def test_wrong_password_is_refused(outside: Outside) -> None:
    url = f"https://{API}/api/v1/login/access-token"
    assert outside.status(url, "--data", "username=admin@example.com&password=wrong") in (400, 401)
