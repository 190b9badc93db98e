# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack of one Redis instance: Compose project, configuration, ACL, and the scripts that it is run by."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _names
from ansible_collections.berth.server.plugins.module_utils._compose import external_networks
from ansible_collections.berth.server.plugins.module_utils._instances import HEALTH, IMAGE_USER

DEFAULTS: t.Mapping[str, t.Any] = {
    "maxmemory": "128mb",
    "policy": "noeviction",
    "persistence": "aof",
    "parameters": {},
}
POLICIES = (
    *("noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
)
PERSISTENCES = ("aof", "none")
# Redis' own words: kb is 1024 bytes, k is 1000.
MEMORY = re.compile(r"(\d+)(b|k|kb|m|mb|g|gb)?\Z", re.IGNORECASE)
MEMORY_WORDS = "a size of at least 1mb in Redis' words, like 256mb or 1gb"
MINIMUM_MEMORY = 1 << 20
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1000**2, "mb": 1 << 20, "g": 1000**3, "gb": 1 << 30}

# What is said by other keys, or what the instance hangs on.
OWN_PARAMETERS = (
    *("aclfile", "appendonly", "bind", "daemonize", "dir", "include", "maxmemory", "maxmemory-policy", "port"),
    *("protected-mode", "rename-command", "requirepass", "supervised", "tls-port", "unixsocket", "unixsocketperm"),
    *("user",),
)
# No app's and no user's name can start with it.
OPERATOR = "_operator"
# All but administration. Of what Redis calls dangerous, frameworks need these, and they reach the instance's own data
# only: Celery, rq and BullMQ ask INFO and CLIENT LIST, caches clear by KEYS and FLUSHDB, queues use SORT.
APP_COMMANDS = (
    "+@all -@admin -@dangerous "
    "+info +role +client|list +keys +sort +sort_ro +flushdb +flushall +swapdb +restore +lastsave"
)

CONFIGURATION = "/etc/redis/berth"
# root's alone: the operator's password is made anew at each start, and no other user of the server or app can read it.
START = f"""\
#!/bin/sh
# Gives Redis its users: those of users.acl, and an operator whose password root alone can read in this container.
set -eu
umask 077
run=/run/berth
head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1 | tr -d '\\n' > $run/operator
{{
    cat {CONFIGURATION}/users.acl
    echo "user {OPERATOR} on #$(sha256sum < $run/operator | cut -d ' ' -f 1) ~* &* +@all"
}} > $run/users.acl
chown {IMAGE_USER} $run/users.acl
exec docker-entrypoint.sh redis-server {CONFIGURATION}/redis.conf
"""
OPERATE = f"""\
#!/bin/sh
# redis-cli as the operator: docker exec -it <container> sh {CONFIGURATION}/operate.sh [command]
REDISCLI_AUTH=$(cat /run/berth/operator)
export REDISCLI_AUTH
exec redis-cli --user {OPERATOR} --no-auth-warning "$@"
"""
STATE = f"""\
#!/bin/sh
# A hash of all parameters and users that this Redis runs with. Redis lists parameters, and what a user may do, in
# another order at each start.
set -euf
# Files, since a shell's variable would lose an empty value at the end.
cd /run/berth
sh {CONFIGURATION}/operate.sh config get '*' > parameters
sh {CONFIGURATION}/operate.sh acl list > users
{{
    paste -s -d '=\\n' parameters | sort
    grep -v '^user {OPERATOR} ' users | while read -r user; do
        printf '%s\\n' $user | sort | paste -s -d ' ' -
    done | sort
}} | sha256sum
"""
CHECK = f"""\
#!/bin/sh
# Starts Redis with this configuration and these users where nobody reaches it, and ends it when it answers.
set -eu
cd /tmp
redis-server {CONFIGURATION}/redis.conf --aclfile {CONFIGURATION}/users.acl --dir /tmp --port 0 \\
    --unixsocket /tmp/redis.sock --logfile '' --daemonize no > log 2>&1 &
server=$!
for _ in $(seq 100); do
    if [ "$(redis-cli -s /tmp/redis.sock ping 2>/dev/null)" = PONG ]; then
        kill $server
        exit 0
    fi
    kill -0 $server 2>/dev/null || break
    sleep 0.1
done
tail -n 8 log >&2
exit 1
"""


def parse_memory(text: t.Any) -> int | None:
    """Return bytes of a size in Redis' words, or None where it is none."""
    match = MEMORY.match(str(text))
    return int(match[1]) * _UNITS[(match[2] or "").lower()] if match else None


def container_memory(maxmemory: int, persistence: str) -> int:
    """Return a container's limit in bytes: room for the data, what Redis needs besides, and a rewrite of the log.

    A rewrite's child shares memory with its parent until either writes, so in the worst case it needs it all again.
    """
    return (2 * maxmemory if persistence == "aof" else maxmemory + maxmemory // 2) + (64 << 20)


def configuration(instance: t.Mapping[str, t.Any]) -> str:
    """Return ``redis.conf``. ``parameters`` win over defaults; a list is a parameter that is said several times."""
    settings = {
        "port": "6379",
        "bind": "* -::*",
        # Users are told apart by the ACL; this would refuse all but loopback.
        "protected-mode": "no",
        "aclfile": "/run/berth/users.acl",
        "maxmemory": instance["maxmemory"],
        "maxmemory-policy": instance["policy"],
        "appendonly": instance["persistence"] == "aof",
        "save": '""',
        "dir": "/data",
        **instance["parameters"],
    }
    lines = []
    for name, value in settings.items():
        for item in value if isinstance(value, list) else [value]:
            lines.append(f"{name} {('yes' if item else 'no') if isinstance(item, bool) else item}\n")
    return "".join(lines)


def redis_stack(name: str, instance: t.Mapping[str, t.Any], image: str, root: str) -> dict[str, t.Any]:
    """Return the stack of one Redis instance, as the ``stack`` module takes it.

    ``instance``: ``password``, and where the defaults will not do ``user``, ``network``, ``maxmemory``, ``policy``,
    ``persistence`` (aof or none) and ``parameters``.
    """
    service = _names.redis_service(name)
    directory = f"{root}/redis/{name}"
    instance = {**DEFAULTS, "user": name, "network": service, **{k: v for k, v in instance.items() if v is not None}}
    password = hashlib.sha256(instance["password"].encode()).hexdigest()
    # The health check may ping and nothing else.
    acl = (
        "user default on nopass resetkeys resetchannels -@all +ping\n"
        f"user {instance['user']} on #{password} ~* &* {APP_COMMANDS}\n"
    )
    told = {service: "restart"}
    users = {"path": "configuration/users.acl", "content": acl, "owner": IMAGE_USER, "group": IMAGE_USER}
    scripts = {"start": START, "operate": OPERATE, "state": STATE, "check": CHECK}
    maxmemory = parse_memory(instance["maxmemory"])
    limit = container_memory(maxmemory, instance["persistence"]) if maxmemory else None
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
                    "command": ["sh", f"{CONFIGURATION}/start.sh"],
                    "volumes": ["data:/data", f"{directory}/configuration:{CONFIGURATION}:ro"],
                    "tmpfs": [f"/run/berth:mode=0700,uid={IMAGE_USER}"],
                    "healthcheck": {"test": ["CMD", "redis-cli", "ping"], **HEALTH},
                    # Without swap: a Redis that swaps is slower than one that refuses.
                    **({"mem_limit": limit, "memswap_limit": limit} if limit else {}),
                    "networks": [instance["network"]],
                }
            },
            "networks": external_networks([instance["network"]]),
            "volumes": {"data": {"name": f"{service}_data"}},
        },
        "files": [
            {"path": "configuration/redis.conf", "content": configuration(instance), "readers": told},
            *({"path": f"configuration/{script}.sh", "content": text} for script, text in scripts.items()),
        ],
        "sensitive": json.dumps({"files": [{**users, "mode": "0400", "readers": told}]}),
        "checks": [{"service": service, "command": ["sh", f"{CONFIGURATION}/check.sh"]}],
        "probes": [{"service": service, "command": ["sh", f"{CONFIGURATION}/state.sh"]}],
    }
