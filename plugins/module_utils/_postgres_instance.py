# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of one Postgres instance: derived image, Compose project, configuration."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._compose import external_networks
from ansible_collections.berth.server.plugins.module_utils._instances import HEALTH, IMAGE_USER

POSTGRES_VERSION = re.compile(r"[1-9][0-9](\.[0-9]+)?\Z")
POSTGRES_INSTANCE = {
    "version": {"type": "str", "required": True},
    "packages": {"type": "list", "elements": "str", "default": []},
    "parameters": {"type": "dict", "default": {}},
}
# pg_hba.conf: the superuser has no password and comes in over the socket alone, as root of the server or of the
# container; everybody else has a password, and databases are closed to all but their owners.
HBA = """\
local all postgres peer map=berth
local all all scram-sha-256
host all postgres all reject
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
host all all samenet scram-sha-256
"""
IDENT = "berth root postgres\nberth postgres postgres\n"


class InstanceError(Exception):
    """An instance's settings hold mistakes."""


def postgres_stack(
    name: str, settings: t.Mapping[str, t.Any], networks: t.Sequence[str], image_os: str, root: str
) -> dict[str, t.Any]:
    """Return the stack of one Postgres instance, as the ``stack`` module takes it."""
    result = ArgumentSpecValidator(POSTGRES_INSTANCE).validate(dict(settings))
    if result.error_messages:
        raise InstanceError("; ".join(f"postgres_instances.{name}: {message}" for message in result.error_messages))
    instance = result.validated_parameters
    if not POSTGRES_VERSION.match(instance["version"]):
        expected = 'expected a version like "17" or "17.5"'
        raise InstanceError(f"postgres_instances.{name}.version: found {instance['version']!r}, {expected}")
    service = _names.postgres_host(name)
    directory = f"{root}/postgres/{name}"
    dockerfile = _postgres_dockerfile(instance["version"], image_os, instance["packages"])
    # From 18 on the official image keeps its volume one level higher, so that pg_upgrade can link.
    data = "/var/lib/postgresql" if int(instance["version"].split(".")[0]) >= 18 else "/var/lib/postgresql/data"
    configuration = "/etc/postgresql/berth"
    definition = {
        "image": f"berth/{service}:{instance['version']}-{image_os}-{text_hash(dockerfile)[:12]}",
        "build": {"context": "build"},
        "container_name": service,
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        "shm_size": "256m",
        "stop_grace_period": "60s",
        "command": [
            "postgres",
            *_options(
                config_file=f"{configuration}/postgresql.conf",
                hba_file=f"{configuration}/pg_hba.conf",
                ident_file=f"{configuration}/pg_ident.conf",
            ),
        ],
        "environment": {
            "PGDATA": f"{data}/pgdata",
            # The image insists on a superuser's password or on this; what really holds is the hba_file above.
            "POSTGRES_HOST_AUTH_METHOD": "trust",
            "POSTGRES_INITDB_ARGS": "--data-checksums",
        },
        "volumes": [
            f"data:{data}",
            f"{directory}/configuration:{configuration}:ro",
            f"{directory}/socket:/var/run/postgresql",
        ],
        # Over TCP: while the first start initialises, a temporary server answers on the socket alone.
        "healthcheck": {"test": ["CMD", "pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres"], **HEALTH},
        "networks": [*networks] or ["default"],
    }
    return {
        "name": service,
        "directory": directory,
        "project": {
            "services": {service: definition},
            "networks": external_networks(networks),
            "volumes": {"data": {"name": f"{service}_data"}},
        },
        "files": [
            {"path": "build/Dockerfile", "content": dockerfile},
            _configuration("postgresql.conf", _postgresql_conf(instance["parameters"]), service),
            _configuration("pg_hba.conf", HBA, service),
            _configuration("pg_ident.conf", IDENT, service),
        ],
        "directories": [{"path": "socket", "owner": IMAGE_USER, "group": IMAGE_USER, "mode": "0700"}],
    }


def _postgres_dockerfile(version: str, image_os: str, packages: t.Sequence[str]) -> str:
    lines = [f"FROM postgres:{version}-{image_os}"]
    if packages:
        lines += [
            "RUN apt-get update \\",
            f" && apt-get install --yes --no-install-recommends {' '.join(sorted(packages))} \\",
            " && rm -rf /var/lib/apt/lists/*",
        ]
    return "\n".join(lines) + "\n"


def _postgresql_conf(parameters: t.Mapping[str, t.Any]) -> str:
    settings = {
        "listen_addresses": "*",
        "password_encryption": "scram-sha-256",
        "log_timezone": "UTC",
        "timezone": "UTC",
        **parameters,
    }
    return "".join(f"{name} = {_postgres_value(value)}\n" for name, value in sorted(settings.items()))


def _postgres_value(value: t.Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value).replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{text}'"


def _configuration(name: str, content: str, service: str) -> dict[str, t.Any]:
    return {"path": f"configuration/{name}", "content": content, "readers": {service: "SIGHUP"}}


def _options(**settings: str) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
