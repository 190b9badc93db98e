# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of one Redis instance: Compose project, configuration, ACL."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.berth.server.plugins.module_utils._compose import external_networks
from ansible_collections.berth.server.plugins.module_utils._instances import HEALTH, IMAGE_USER


def redis_stack(name: str, instance: t.Mapping[str, t.Any], image: str, root: str) -> dict[str, t.Any]:
    """Return the stack of one Redis instance, as the ``stack`` module takes it.

    ``instance``: ``user``, ``password``, ``network``, ``maxmemory``, ``policy``, ``persistence`` (aof or none).
    """
    service = f"redis-{name}"
    directory = f"{root}/redis/{name}"
    settings = {
        "port": "6379",
        "bind": "* -::*",
        "aclfile": "/etc/redis/berth/users.acl",
        "maxmemory": instance["maxmemory"],
        "maxmemory-policy": instance["policy"],
        "appendonly": "yes" if instance["persistence"] == "aof" else "no",
        "save": '""',
        "dir": "/data",
    }
    password = hashlib.sha256(instance["password"].encode()).hexdigest()
    # The health check may ping and nothing else; the app may do all but administer.
    acl = (
        "user default on nopass resetkeys resetchannels -@all +ping\n"
        f"user {instance['user']} on #{password} ~* &* +@all -@admin\n"
    )
    owned = {"owner": IMAGE_USER, "group": IMAGE_USER}
    return {
        "name": service,
        "directory": directory,
        "project": {
            "services": {
                service: {
                    "image": image,
                    "container_name": service,
                    "restart": "unless-stopped",
                    "security_opt": ["no-new-privileges:true"],
                    "command": ["redis-server", "/etc/redis/berth/redis.conf"],
                    "volumes": ["data:/data", f"{directory}/configuration:/etc/redis/berth:ro"],
                    "healthcheck": {"test": ["CMD", "redis-cli", "ping"], **HEALTH},
                    "networks": [instance["network"]],
                }
            },
            "networks": external_networks([instance["network"]]),
            "volumes": {"data": {"name": f"{service}_data"}},
        },
        "files": [
            {
                "path": "configuration/redis.conf",
                "content": "".join(f"{key} {value}\n" for key, value in settings.items()),
                "readers": {service: "restart"},
            }
        ],
        "sensitive": json.dumps(
            {
                "files": [
                    {
                        "path": "configuration/users.acl",
                        "content": acl,
                        **owned,
                        "mode": "0400",
                        "readers": {service: "restart"},
                    }
                ]
            }
        ),
    }
