# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of one Postgres instance: derived image, Compose project, configuration."""

from __future__ import annotations

import math
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names, _postgres_tuning
from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._compose import external_networks
from ansible_collections.berth.server.plugins.module_utils._instances import HEALTH, IMAGE_USER
from ansible_collections.berth.server.plugins.module_utils._postgres_settings import needs_restart, quoted
from ansible_collections.berth.server.plugins.module_utils._validation import validated

POSTGRES_INSTANCE: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "version": {"type": "str", "required": True},
    "os": {"type": "str"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "parameters": {"type": "dict", "default": {}},
    "memory": {"type": "str"},
    "memory_limit": {"type": "str"},
    "cpus": {"type": "float"},
    "shm_size": {"type": "str"},
}
POSTGRES_VERSION = re.compile(r"[1-9][0-9](\.[0-9]+)?\Z")
VERSION_WORDS = 'a version like "17" or "17.5"'
CONFIGURATION = "/etc/postgresql/berth"
# What the wanted configuration must pass before it goes live: a server of the same image reads it and starts, on data
# of its own. It must neither archive, nor meet others, nor need what only the real one has (certificates, huge pages).
CHECK = f"""\
exec 1>&2
said=$(postgres -C data_directory -D /tmp -c config_file={CONFIGURATION}/postgresql.conf 2>&1) ||
  {{ echo "$said"; exit 1; }}
gosu postgres initdb --no-sync --auth=reject --pgdata=/tmp/check >/dev/null || exit 1
gosu postgres pg_ctl --pgdata=/tmp/check --silent --wait --timeout=20 start --log=/tmp/said --options="\
-c config_file={CONFIGURATION}/postgresql.conf -c hba_file={CONFIGURATION}/pg_hba.conf \
-c ident_file={CONFIGURATION}/pg_ident.conf -c listen_addresses= -c unix_socket_directories=/tmp \
-c archive_mode=off -c huge_pages=off -c ssl=off -c logging_collector=off -c log_destination=stderr" ||
  {{ cat /tmp/said; exit 1; }}
"""
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
PARAMETERS = {
    "listen_addresses": "*",
    "password_encryption": "scram-sha-256",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
IDENT = "berth root postgres\nberth postgres postgres\n"


class InstanceError(Exception):
    """An instance's settings hold mistakes."""


def checked_instance(name: str, settings: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return an instance's settings with all keys; mistakes in their types are one InstanceError."""
    option = {"type": "dict", "options": POSTGRES_INSTANCE}
    value, wrong = validated(name, option, {name: dict(settings)}, f"postgres_instances.{name}")
    if not wrong and not POSTGRES_VERSION.match(value["version"]):
        wrong = [f"postgres_instances.{name}.version: found {value['version']!r}, expected {VERSION_WORDS}"]
    if wrong:
        raise InstanceError("; ".join(wrong))
    return t.cast("dict[str, t.Any]", value)


def postgres_stacks(
    instances: t.Mapping[str, t.Any],
    networks: t.Mapping[str, t.Collection[str]],
    defaults: t.Mapping[str, t.Any],
    look: t.Mapping[str, t.Any],
) -> list[dict[str, t.Any]]:
    """Return the stack of each instance, restarts included that its changed parameters need.

    ``networks``: instance -> the networks of its apps. ``defaults``: ``os``, ``root`` and ``memory_percent``. ``look``:
    what the module ``postgres_look`` returned.
    """
    checked = {name: checked_instance(name, settings or {}) for name, settings in instances.items()}
    wanted = {name: settings["memory"] or settings["memory_limit"] for name, settings in checked.items()}
    memories = _postgres_tuning.memories(look["machine"]["memory"], defaults["memory_percent"], wanted)
    stacks = []
    for name, settings in checked.items():
        cpus = min(look["machine"]["cpus"], math.ceil(settings["cpus"] or look["machine"]["cpus"]))
        parameters = _parameters(settings["parameters"], memories[name], cpus)
        stack = postgres_stack(
            name,
            {**settings, "os": settings["os"] or defaults["os"], "parameters": parameters},
            sorted(networks.get(name, ())),
            memories[name],
            defaults["root"],
        )
        found = look["instances"].get(name) or {}
        if needs_restart(parameters, found.get("written", ""), found.get("by_hand", ()), found.get("settings") or {}):
            stack["restart"] = [stack["name"]]
        stacks.append(stack)
    return stacks


def postgres_stack(
    name: str, instance: t.Mapping[str, t.Any], networks: t.Sequence[str], memory: int, root: str
) -> dict[str, t.Any]:
    """Return the stack of one Postgres instance, as the ``stack`` module takes it."""
    service = _names.postgres_host(name)
    directory = _names.postgres_directory(root, name)
    dockerfile = _postgres_dockerfile(instance["version"], instance["os"], instance["packages"])
    # From 18 on the official image keeps its volume one level higher, so that pg_upgrade can link.
    data = "/var/lib/postgresql" if int(instance["version"].split(".")[0]) >= 18 else "/var/lib/postgresql/data"
    definition = {
        "image": f"berth/{service}:{instance['version']}-{instance['os']}-{text_hash(dockerfile)[:12]}",
        "build": {"context": "build"},
        "container_name": service,
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
        "shm_size": instance["shm_size"] or f"{_postgres_tuning.shared_memory(memory) // _postgres_tuning.MIB}m",
        "stop_grace_period": f"{_postgres_tuning.stop_grace(memory)}s",
        **({"mem_limit": instance["memory_limit"]} if instance["memory_limit"] else {}),
        **({"cpus": instance["cpus"]} if instance["cpus"] else {}),
        "command": [
            "postgres",
            *_options(
                config_file=f"{CONFIGURATION}/postgresql.conf",
                hba_file=f"{CONFIGURATION}/pg_hba.conf",
                ident_file=f"{CONFIGURATION}/pg_ident.conf",
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
            f"{directory}/configuration:{CONFIGURATION}:ro",
            f"{directory}/socket:/var/run/postgresql",
        ],
        # Over TCP: while the first start initialises, a temporary server answers on the socket alone.
        "healthcheck": {"test": ["CMD", "pg_isready", "--quiet", "--host=127.0.0.1", "--username=postgres"], **HEALTH},
        # Docker starts a container on the network that it was made with: this one stays when apps and theirs go.
        "networks": {"default": {"priority": 1}, **{name: {} for name in networks}},
    }
    return {
        "name": service,
        "directory": directory,
        "project": {
            "services": {service: definition},
            "networks": {"default": {"internal": True}, **external_networks(networks)},
            "volumes": {"data": {"name": _names.postgres_volume(name)}},
        },
        "files": [
            {"path": "build/Dockerfile", "content": dockerfile},
            _configuration("postgresql.conf", _postgresql_conf(instance["parameters"]), service),
            _configuration("pg_hba.conf", HBA, service),
            _configuration("pg_ident.conf", IDENT, service),
        ],
        "checks": [{"service": service, "command": ["bash", "-c", CHECK]}],
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


def _parameters(own: t.Mapping[str, t.Any], memory: int, cpus: int) -> dict[str, t.Any]:
    """Return all parameters: berth's, those that fit the machine, and over them the user's own."""
    own = {name.lower(): value for name, value in own.items()}
    connections = str(own.get("max_connections", ""))
    fitting = (memory, cpus, int(connections)) if connections.isdigit() and int(connections) else (memory, cpus)
    return {**PARAMETERS, **_postgres_tuning.tuned(*fitting), **own}


def _postgresql_conf(parameters: t.Mapping[str, t.Any]) -> str:
    return "".join(f"{name} = {quoted(value)}\n" for name, value in sorted(parameters.items()))


def _configuration(name: str, content: str, service: str) -> dict[str, t.Any]:
    return {"path": f"configuration/{name}", "content": content, "readers": {service: "SIGHUP"}}


def _options(**settings: str) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
