"""Say where the demo's applications are, how to sign in, how to reach the server, and how to remove it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import yaml

INVENTORY = Path("inventories/demo")


def load_apps() -> dict[str, Any]:
    """Return the demo's apps as their files have them."""
    apps: dict[str, Any] = {}
    for path in sorted((INVENTORY / "apps").glob("*.yml")):
        apps |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return apps


def answers_here(host: str, ca_certificate: str) -> bool:
    """Tell whether loopback's port 443 serves ``host`` with a certificate of the lab's CA."""
    try:
        with (
            socket.create_connection(("127.0.0.1", 443), timeout=5) as plain,
            ssl.create_default_context(cafile=ca_certificate).wrap_socket(plain, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def main() -> int:
    """Print the summary."""
    directory = Path(os.environ.get("BERTH_LAB_DIR", ".lab"))
    lab = json.loads((directory / "lab.json").read_text(encoding="utf-8"))
    server, ca_certificate = lab["servers"]["demo"], lab["ca_certificate"]
    apps = load_apps()
    hosts = [host for app in apps.values() for route in app.get("routes", []) for host in route["hosts"]]
    print(*(f"  https://{host}" for host in hosts), sep="\n")
    if not all(answers_here(host, ca_certificate) for host in hosts):
        print(f"  They answer at {server['address']}, not on this machine's own ports 80 and 443. In /etc/hosts:")
        print(f"  {server['address']} {' '.join(hosts)}")
    print(f"""
  certificates  the lab's own CA signed them; a browser must be told to trust {ca_certificate}
  sign in       {apps["featuremodels"]["env"]["FIRST_SUPERUSER"]}, password: featuremodels/first_superuser_password in
                .venv/bin/ansible-vault view --vault-password-file {INVENTORY}/.vault-password {INVENTORY}/secrets.yml
  server        ssh -F {directory}/ssh_config {server["ssh_host"]}
  remove it     make demo-down""")
    return 0


if __name__ == "__main__":
    sys.exit(main())
