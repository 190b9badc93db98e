"""lab.json, the SSH configuration and the lock."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from lab.state import Lab, Server, State, render_ssh_config

LAB = Lab(
    ["http://10.250.77.2:5000"],
    "/l/ca.crt",
    "/l/ca.key",
    "berth-lab-outside",
    {"demo": Server("10.250.77.10", "berth-demo")},
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "lab")
    with state.lock():
        return state


def test_lab_json_is_what_others_read() -> None:
    assert json.loads(LAB.to_json()) == {
        "registry_mirrors": ["http://10.250.77.2:5000"],
        "ca_certificate": "/l/ca.crt",
        "ca_key": "/l/ca.key",
        "servers": {"demo": {"address": "10.250.77.10", "ssh_host": "berth-demo"}},
        "outside": "berth-lab-outside",
    }


def test_state_round_trip(state: State) -> None:
    assert state.read() is None
    state.write(LAB)
    assert state.read() == LAB


def test_directory_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_LAB_DIR", str(tmp_path / "elsewhere"))
    assert State().directory == tmp_path / "elsewhere"


def test_ssh_config() -> None:
    text = render_ssh_config(
        {"b": Server("10.250.77.11", "berth-b"), "a": Server("10.250.77.10", "berth-a")},
        Path("/s/key"),
        Path("/s/known"),
    )
    entries = text.split("\n\n")
    assert [entry.splitlines()[-8] for entry in entries] == ["Host berth-a", "Host berth-b"]
    assert entries[0].splitlines()[1:] == [
        "Host berth-a",
        "  HostName 10.250.77.10",
        "  User root",
        "  IdentityFile /s/key",
        "  IdentitiesOnly yes",
        "  HostKeyAlias berth-a",
        "  UserKnownHostsFile /s/known",
        "  StrictHostKeyChecking yes",
    ]


def test_ssh_config_quotes_spaces() -> None:
    text = render_ssh_config({"a": Server("1.2.3.4", "berth-a")}, Path("/my lab/key"), Path("/my lab/known"))
    assert '  IdentityFile "/my lab/key"\n' in text
    assert '  UserKnownHostsFile "/my lab/known"\n' in text


def test_ssh_config_without_servers() -> None:
    assert "Host" not in render_ssh_config({}, Path("/k"), Path("/h"))


def test_host_keys_are_replaced_not_added(state: State) -> None:
    state.remember_host_keys("berth-a", ["ssh-ed25519 OLD", "ssh-rsa OLD"])
    state.remember_host_keys("berth-ab", ["ssh-ed25519 OTHER"])
    state.remember_host_keys("berth-a", ["ssh-ed25519 NEW"])
    assert state.known_hosts.read_text() == "berth-ab ssh-ed25519 OTHER\nberth-a ssh-ed25519 NEW\n"
    state.remember_host_keys("berth-ab", [])
    assert state.known_hosts.read_text() == "berth-a ssh-ed25519 NEW\n"


def test_lock_excludes_others_and_ends(state: State) -> None:
    path = state.directory / "lock"
    with state.lock(), path.open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
