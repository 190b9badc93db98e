# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Traefik must say of a candidate configuration before it may go live.

One file with an unknown key stops Traefik's file provider for all apps, and a restart then answers 404 everywhere. So a
throwaway Traefik without a network reads a copy of everything first. Its API alone does not tell all: a router's name
used twice and an unreadable certificate stand only in its log.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.berth.server.plugins.module_utils._yaml import from_yaml, to_yaml

STATIC_FILE = "static/traefik.yml"
DYNAMIC = "dynamic"
# What Traefik reads, by path in its stack's directory, and what it writes, which is empty for a candidate.
READ = {path: f"/etc/traefik/{path}" for path in ("static", DYNAMIC, "certificates")}
WRITTEN = ("/etc/traefik/acme", "/plugins-storage")
# A router that shows that the whole directory has been read: it is taken up in one piece or not at all.
MARKER = "berth-trial"
MARKER_FILE = f"{DYNAMIC}/{MARKER}.yml"
# Seconds after which a candidate ends by itself, should nobody be left to end it.
LIFETIME = 60


def marker_file() -> str:
    """Return the content of a file with the router that shows that the directory has been read."""
    router = {"rule": f"Host(`{MARKER}.invalid`)", "service": "noop@internal"}
    return to_yaml({"http": {"routers": {MARKER: router}}})


def static_file(content: str) -> str:
    """Return a static configuration for the candidate: all as wanted, but logged as JSON and read once.

    Raises ValueError where it is not a mapping.
    """
    static = from_yaml(content)
    if not isinstance(static, dict):
        raise ValueError(f"{STATIC_FILE}: found {type(static).__name__}, expected a mapping of its options")
    providers = static.get("providers")
    file = providers.get("file") if isinstance(providers, dict) else None
    if isinstance(file, dict):
        file["watch"] = False
    static["log"] = {"level": "INFO", "format": "json"}
    if uses_plugins(content):
        static.pop("certificatesResolvers", None)  # with a network it could order certificates
    return to_yaml(static)


def uses_plugins(content: str) -> bool:
    """Tell whether a static configuration names plugins, which Traefik fetches when it starts."""
    static = from_yaml(content)
    experimental = static.get("experimental") if isinstance(static, dict) else None
    return isinstance(experimental, dict) and bool(experimental.get("plugins"))


def run_arguments(image: str, place: str, name: str, network: str) -> list[str]:
    """Return ``docker run`` arguments for a Traefik that reads the candidate's files in ``place``."""
    volumes = [word for path, target in READ.items() for word in ("--volume", f"{place}/{path}:{target}:ro")]
    return [
        *("run", "--detach", "--name", name, "--label", MARKER, "--network", network, "--read-only"),
        *("--security-opt", "no-new-privileges:true", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"),
        *("--log-driver", "json-file", "--entrypoint", "timeout"),
        *volumes,
        *(word for path in WRITTEN for word in ("--tmpfs", path)),
        *(image, str(LIFETIME), "traefik", f"--configfile={READ['static']}/traefik.yml"),
    ]


def wanted_routers(files: t.Mapping[str, str]) -> set[str]:
    """Return the routers that dynamic files (path -> content) define.

    A file that cannot be read as YAML defines none; that it cannot is for Traefik to say.
    """
    routers: set[str] = set()
    for content in files.values():
        try:
            parsed = from_yaml(content)
        except ValueError:
            continue
        for protocol in ("http", "tcp", "udp"):
            part = parsed.get(protocol) if isinstance(parsed, dict) else None
            routers |= set(part.get("routers") or {}) if isinstance(part, dict) else set()
    return routers


def is_read(rawdata: t.Mapping[str, t.Any]) -> bool:
    """Tell whether Traefik has taken up the whole directory."""
    return any(name.endswith(f"{MARKER}@file") for name in rawdata.get("routers") or {})


def log_problems(log: str, blamed: t.Collection[str] = ()) -> list[str]:
    """Return what is wrong in Traefik's log, each once.

    What it says about ordering certificates does not count, since it has no network. Neither does a router without its
    certificate resolver, unless it is one of ``blamed``: where ACME was switched off, routes follow later.
    """
    problems = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict) or not _counts(entry, blamed):
            continue
        about = entry.get("routerName") or entry.get("origin") or entry.get("entryPointName") or ""
        words = [str(entry[key]) for key in ("message", "error") if entry.get(key)]
        problems.append(": ".join([*([f"{about}"] if about else []), *words]))
    return list(dict.fromkeys(problems))


def api_problems(rawdata: t.Mapping[str, t.Any], wanted: t.Collection[str]) -> list[str]:
    """Return the routers that are missing or not enabled in ``/api/rawdata``, and other parts with an error."""
    live: dict[str, t.Any] = {}
    for kind in ("routers", "tcpRouters", "udpRouters"):
        live.update(rawdata.get(kind) or {})
    # A router of several entry points is shown as one for each, with the entry point before its name.
    missing = [n for n in sorted(wanted) if not any(f"-{name}".endswith(f"-{n}@file") for name in live)]
    problems = [f"router {name} is not there" for name in missing]
    for kind in ("routers", "services", "middlewares", "tcpRouters", "tcpServices", "tcpMiddlewares", "udpRouters"):
        for name, part in sorted((rawdata.get(kind) or {}).items()):
            if part.get("status", "enabled") != "enabled":
                problems.append(f"{name} is {part['status']}: {'; '.join(part.get('error') or ['no reason given'])}")
    return problems


def _counts(entry: t.Mapping[str, t.Any], blamed: t.Collection[str]) -> bool:
    message = str(entry.get("message", ""))
    if "already configured" in message:
        return True
    if entry.get("level") not in ("error", "fatal", "panic") or str(entry.get("providerName", "")).endswith(".acme"):
        return False
    if "nonexistent certificate resolver" in message:
        return str(entry.get("routerName", "")).removesuffix("@file") in blamed
    return True
