# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One form for what Compose lets people write in several, and Compose's rules for merging services."""

from __future__ import annotations

import os
import pathlib
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils._compose_yaml import Override

# They concern developers' machines, or name images, which berth does itself.
DROPPED = ("develop", "pull_policy", "attach")
# Building is known by its content; these only make it faster or name its result.
DROPPED_OF_BUILD = ("cache_from", "cache_to", "no_cache", "pull", "tags")
MAPPINGS = ("environment", "labels", "sysctls", "extra_hosts", "annotations")
LISTS = ("tmpfs", "dns", "dns_search", "env_file")
REPLACED = ("command", "entrypoint", "test")
_RESTART = {"none": "no", "on-failure": "on-failure", "any": "unless-stopped"}


def canonical(service: t.Any, directory: pathlib.Path) -> t.Any:
    """Return a service in long forms, with paths made absolute from ``directory``; what is of no known form stays."""
    if isinstance(service, Override):
        return Override(canonical(service.value, directory))
    if not isinstance(service, t.Mapping):
        return service
    result: dict[str, t.Any] = {}
    for name, given in service.items():
        if str(name).startswith("x-") or name in DROPPED:
            continue
        if isinstance(given, Override):
            result[name] = Override(_canonical_key(name, given.value, directory))
        else:
            result[name] = _canonical_key(name, given, directory)
    deploy = result.get("deploy")
    if isinstance(deploy, dict):
        policy = deploy.pop("restart_policy", None)
        if isinstance(policy, t.Mapping):
            result["restart"] = _restart(policy)
    if "scale" in result:
        scale = result.pop("scale")
        result["deploy"] = {**deploy, "replicas": scale} if isinstance(deploy, dict) else {"replicas": scale}
    return result


def _canonical_key(name: str, value: t.Any, directory: pathlib.Path) -> t.Any:
    if name in MAPPINGS and isinstance(value, list):
        # Without a sign the name alone: a variable from outside, an empty label.
        pairs = [re.split("[=:]" if name == "extra_hosts" else "=", str(entry), maxsplit=1) for entry in value]
        return {pair[0]: pair[1] if len(pair) > 1 else None for pair in pairs}
    if name in LISTS and isinstance(value, (str, t.Mapping)):
        value = [value]
    if name == "env_file" and isinstance(value, list):
        entries = [dict(e) if isinstance(e, t.Mapping) else {"path": e} for e in value]
        return [{**entry, "path": anchored(entry.get("path"), directory)} for entry in entries]
    if name == "build":
        return _canonical_build(value, directory)
    if name == "depends_on" and isinstance(value, list) and all(isinstance(n, str) for n in value):
        return {service: {"condition": "service_started"} for service in value}
    if name == "networks":
        given = dict.fromkeys(value) if isinstance(value, list) and all(isinstance(n, str) for n in value) else value
        return {n: o or {} for n, o in given.items()} if isinstance(given, t.Mapping) else given
    if name in ("configs", "secrets") and isinstance(value, list):
        return [{"source": entry} if isinstance(entry, str) else entry for entry in value]
    if name == "volumes" and isinstance(value, list):
        return [_canonical_mount(entry, directory) for entry in value]
    if name == "extends" and isinstance(value, str):
        return {"service": value}
    return dict(value) if isinstance(value, t.Mapping) else value


def _canonical_build(value: t.Any, directory: pathlib.Path) -> t.Any:
    build = {"context": value} if isinstance(value, str) else value
    if not isinstance(build, t.Mapping):
        return build
    kept = {k: v for k, v in build.items() if k not in DROPPED_OF_BUILD and not str(k).startswith("x-")}
    if isinstance(kept.get("args"), list):
        kept["args"] = _canonical_key("environment", kept["args"], directory)
    return {**kept, "context": anchored(kept.get("context", "."), directory)}


def _canonical_mount(entry: t.Any, directory: pathlib.Path) -> t.Any:
    """Return a mount of a path in the long form; others stay as they are."""
    if isinstance(entry, t.Mapping):
        if entry.get("type") != "bind":
            return entry
        return {**entry, "source": anchored(entry.get("source"), directory)}
    if not is_path_mount(entry):
        return entry
    source, target, *options = str(entry).split(":")
    mount = {"type": "bind", "source": anchored(source, directory), "target": target}
    return {**mount, "read_only": True} if "ro" in ",".join(options).split(",") else mount


def is_path_mount(entry: t.Any) -> bool:
    """Tell whether a mount's short form names a path, which starts with a dot, a slash or a tilde."""
    return isinstance(entry, str) and entry[:1] in (".", "/", "~") and ":" in entry


def read_only(mount: t.Any) -> t.Any:
    """Return a mount that nobody writes to."""
    if isinstance(mount, t.Mapping):
        return {**mount, "read_only": True}
    source, _colon, rest = str(mount).partition(":")
    return f"{source}:{rest.partition(':')[0]}:ro"


def anchored(path: t.Any, directory: pathlib.Path) -> t.Any:
    """Return a path as seen from a directory; symbolic links are not followed."""
    return os.path.normpath(directory / path) if isinstance(path, str) else path


def _restart(policy: t.Mapping[str, t.Any]) -> str:
    word = _RESTART.get(str(policy.get("condition", "any")), str(policy.get("condition")))
    attempts = policy.get("max_attempts")
    return f"{word}:{attempts}" if word == "on-failure" and attempts else word


def merge(base: t.Mapping[str, t.Any], over: t.Mapping[str, t.Any], null_removes: bool = False) -> dict[str, t.Any]:
    """Merge as Compose merges files: mappings by key, lists one after the other, mounts by target.

    Commands are replaced, and so is what ``!override`` says. ``null_removes``: nothing at all removes a key.
    """
    result = dict(base)
    for name, value in over.items():
        if isinstance(result.get(name), Override):
            result[name] = result[name].value
        if isinstance(value, Override):
            result[name] = value
        elif value is None and null_removes:
            result.pop(name, None)
        elif isinstance(value, t.Mapping) and isinstance(result.get(name), t.Mapping):
            result[name] = merge(result[name], value, null_removes)
        elif isinstance(value, list) and isinstance(result.get(name), list) and name not in REPLACED:
            merged = {_identity(entry): entry for entry in [*result[name], *value]}
            result[name] = list(merged.values())
        else:
            result[name] = value
    return result


def settled(value: t.Any) -> t.Any:
    """Return a structure without the marks of ``!override``, and without what ``!reset`` removed."""
    if isinstance(value, Override):
        return settled(value.value)
    if isinstance(value, t.Mapping):
        removed = (Override(None),)
        return {name: settled(item) for name, item in value.items() if item not in removed}
    return [settled(item) for item in value] if isinstance(value, list) else value


def _identity(entry: t.Any) -> str:
    """Return what makes an entry of a list the same as another: the target of a mount, a config or a secret."""
    if isinstance(entry, t.Mapping):
        return str(entry.get("target") or entry.get("source") or entry)
    if isinstance(entry, str) and re.match(r"[\w.-]+:/", entry):
        return entry.split(":")[1]
    return str(entry)
