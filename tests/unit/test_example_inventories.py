"""The example's three environments: what Ansible makes of them, without any server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.certificates import ensure_authority

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventories" / "example"
ENVIRONMENTS = ("production", "staging", "development")
RESOLVE = [
    {
        "name": "Resolve",
        "hosts": "berth",
        "gather_facts": False,
        "connection": "local",
        "tasks": [
            {
                "name": "Read and check the app files",
                "ansible.builtin.include_role": {"name": "berth.server.app", "tasks_from": "resolve"},
            },
            {
                "name": "Write what it comes to",
                "ansible.builtin.copy": {
                    "content": "{{ __app_preflight.resolved | to_json }}",
                    "dest": "{{ inventory_dir }}/resolved.json",
                    "mode": "0600",
                },
                "no_log": True,
            },
        ],
    }
]


def ansible(directory: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment |= {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(directory / "password"),
    }
    command = [sys.executable, "-m", "ansible", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, for all three environments."""
    directory = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, directory / "example", symlinks=True)
    certificate, key = ensure_authority(directory / "ca")
    for environment in ENVIRONMENTS:
        to = directory / "example" / environment / "certificates"
        to.mkdir()
        for name in ("example.com", "staging.example.com", "ca"):
            shutil.copy(certificate, to / f"{name}.crt")
            shutil.copy(key, to / f"{name}.key")
    (directory / "password").write_text("a password", encoding="utf-8")
    (directory / "resolve.yml").write_text(yaml.safe_dump(RESOLVE), encoding="utf-8")
    return directory


def resolved(example: Path, inventory: Path) -> dict[str, Any]:
    options = ["-e", f"ansible_python_interpreter={sys.executable}", "-e", f"ansible_remote_tmp={example}/tmp"]
    ansible(example, "playbook", "-i", str(inventory), "playbooks/secrets.yml")
    ansible(example, "playbook", "-i", str(inventory), str(example / "resolve.yml"), *options)
    return dict(json.loads((inventory.parent / "resolved.json").read_text(encoding="utf-8")))


def test_each_has_its_own_host_versions_sizes_apps_and_secrets(example: Path) -> None:
    found = {name: resolved(example, example / "example" / name / "hosts.yml") for name in ENVIRONMENTS}
    assert {name: result["hosts"] for name, result in found.items()} == {
        "production": ["example.com", "www.example.com"],
        "staging": ["staging.example.com", "styleguide.staging.example.com", "www.staging.example.com"],
        "development": ["styleguide.development.example.internal", "www.development.example.internal"],
    }
    versions = {n: {app["name"]: app["version"] for app in result["apps"]} for n, result in found.items()}
    both = {"styleguide": "1.5.0", "web": "1.5.0"}
    assert versions == {"production": {"web": "1.4.2"}, "staging": both, "development": both}
    sizes = {name: result["redis_instances"]["web-queue"]["maxmemory"] for name, result in found.items()}
    assert sizes == {"production": "256mb", "staging": "128mb", "development": "64mb"}
    assert len({result["postgres_databases"][0]["password"] for result in found.values()}) == 3


def test_they_have_different_servers_and_kinds_of_certificates(example: Path) -> None:
    hosts, given = {}, {}
    for name in ENVIRONMENTS:
        path = str(example / "example" / name / "hosts.yml")
        listed = json.loads(ansible(example, "inventory", "-i", path, "--list"))
        (variables,) = listed["_meta"]["hostvars"].values()
        hosts[name] = variables["ansible_host"]
        given[name] = ("traefik_certificates" in variables, "traefik_internal_ca_certificate" in variables)
    assert len(set(hosts.values())) == 3
    assert given == {"production": (True, False), "staging": (True, False), "development": (False, True)}


def test_one_environment_is_one_copy(example: Path) -> None:
    # What README.md says: cp -rL inventories/example/production inventories/production
    shutil.copytree(EXAMPLE / "production", example / "alone", symlinks=False)
    shutil.copytree(example / "example" / "production" / "certificates", example / "alone" / "certificates")
    assert not [path for path in (example / "alone").rglob("*") if path.is_symlink()]
    assert [app["name"] for app in resolved(example, example / "alone" / "hosts.yml")["apps"]] == ["web"]
