# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's services: those of its compose files, with the app file's own merged over them."""

from __future__ import annotations

import os
import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose_documents import Documents
from ansible_collections.berth.server.plugins.module_utils._compose_environment import (
    check_environment,
    settle_environment,
)
from ansible_collections.berth.server.plugins.module_utils._compose_file import Project, Reader
from ansible_collections.berth.server.plugins.module_utils._compose_merge import (
    anchored,
    canonical,
    merge,
    read_only,
    settled,
)
from ansible_collections.berth.server.plugins.module_utils._compose_networks import settle_networks
from ansible_collections.berth.server.plugins.module_utils._interpolation import escape, fill
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping, texts, word

_EXCHANGED = {"image": "build", "build": "image"}


def read_all(apps: t.Mapping[str, t.Any], directory: pathlib.Path) -> dict[str, Reading]:
    """Read the services of all apps, whose files are in ``directory``; mistakes are in ``messages``."""
    return {name: _read(name, file, directory) for name, file in apps.items() if isinstance(file, t.Mapping)}


def expanded(apps: t.Mapping[str, t.Any], readings: t.Mapping[str, Reading]) -> dict[str, t.Any]:
    """Return the app files with all their services, as if no compose file were there."""
    return {
        name: {**file, "services": readings[name].services}
        if name in readings and isinstance(file.get("services"), (t.Mapping, type(None)))
        else file
        for name, file in apps.items()
    }


def _read(app: str, file: t.Mapping[str, t.Any], directory: pathlib.Path) -> Reading:
    problems = Problems()
    names, has_source = texts(file.get("compose")), isinstance(file.get("source"), str)
    source = pathlib.Path(os.path.abspath(directory / (file["source"] if has_source else ".")))
    if names and not has_source:
        problems.add(app, "compose", ", ".join(names), "source beside it, the directory that it is relative to")
        names = []
    env = {n: word(v) for n, v in mapping(file.get("env")).items() if isinstance(v, (str, int, float))}
    documents = Documents(app, source, env, problems)
    paths = [pathlib.Path(anchored(name, source)) for name in names]
    place = paths[0].parent if paths else source
    variables = documents.dotenv(place / ".env", {}) if paths else {}
    reader = Reader(documents)
    project = reader.project(paths, place, variables)
    own = {str(n): canonical(s, source) for n, s in mapping(file.get("services")).items()}
    given = {"services": {**project.services, **{n: s for n, s in own.items() if s is not None}}}
    own = {n: s if s is None else reader.extended(source, n, given, source, variables) for n, s in own.items()}
    reading = Reading(top=project.top, variables={**variables, **env}, source=source if has_source else None)
    _overlay(project, own, reading)
    _switch_profiles(app, texts(file.get("profiles")), reading, problems)
    _share_builds(reading, project)
    for service, definition in reading.services.items():
        if isinstance(definition, dict):
            settle_environment(app, service, definition, reading, documents)
            _settle_replicas(definition)
            _settle_build(app, service, definition, str(file.get("version") or ""), variables, reading, problems)
    _settle_volumes_from(reading)
    settle_networks(app, reading, file.get("egress") is not False, problems)
    check_environment(app, file, reading, problems)
    reading.messages = problems.messages
    return reading


def _overlay(project: Project, own: t.Mapping[str, t.Any], reading: Reading) -> None:
    """Merge the app file's services over the compose files'; nothing at all removes a key, or a service."""
    removed = {name for name, service in own.items() if service is None and name in project.services}
    for name in {**project.services, **own}:
        if name in removed:
            continue
        base, over = settled(project.services.get(name)), settled(own.get(name))
        reading.origins[name] = {k: v for k, v in project.origins.get(name, {}).items() if k not in mapping(over)}
        if name not in project.services or not isinstance(base, t.Mapping):
            reading.services[name] = dict(over) if isinstance(over, t.Mapping) else over if name in own else base
            continue
        # The file's variables stay apart: the app's env wins over them, and the app file's own over both.
        below, above = mapping(base.get("environment")), mapping(mapping(over).get("environment"))
        reading.environment[name] = {n: v for n, v in below.items() if n not in above}
        # An image takes the place of a build, and the other way round.
        kept = {k: v for k, v in base.items() if k != "environment" and _EXCHANGED.get(k, "") not in mapping(over)}
        service = merge(kept, mapping(over), null_removes=True)
        service["environment"] = {n: v for n, v in above.items() if v is not None or n not in below}
        for key in ("depends_on", "links"):
            if isinstance(service.get(key), dict):
                service[key] = {n: v for n, v in service[key].items() if n not in removed}
            elif isinstance(service.get(key), list):
                service[key] = [entry for entry in service[key] if str(entry).partition(":")[0] not in removed]
        reading.services[name] = service


def _switch_profiles(app: str, on: t.Sequence[str], reading: Reading, problems: Problems) -> None:
    """Leave out services whose profiles are off, and dependencies on them that are not required."""
    known: set[str] = set()
    for name, service in reading.services.items():
        profiles = texts(service.pop("profiles", None)) if isinstance(service, dict) else []
        known.update(profiles)
        if profiles and not {"*", *profiles} & {*on}:
            reading.off[name] = profiles
    for profile in on:
        if profile not in (*known, "*"):
            listed = ", ".join(sorted(known)) or "of which there is none"
            problems.add(app, "profiles", profile, f"a profile of a service ({listed})")
    services = reading.services
    reading.services = {name: service for name, service in services.items() if name not in reading.off}
    for service in reading.services.values():
        if isinstance(service, dict) and isinstance(service.get("depends_on"), dict):
            service["depends_on"] = {
                name: options
                for name, options in service["depends_on"].items()
                if name not in reading.off or mapping(options).get("required") is not False
            }


def _share_builds(reading: Reading, project: Project) -> None:
    """Let services run what another one builds under the name of their image, as they do with Compose."""
    of_files = [s for s in map(settled, project.services.values()) if isinstance(s, dict) and "build" in s]
    built = {s["image"]: s["build"] for s in of_files if isinstance(s.get("image"), str)}
    for name, service in reading.services.items():
        if not isinstance(service, dict) or name not in project.services:
            continue
        is_of_file = "image" in reading.origins.get(name, {})
        if is_of_file and "build" not in service and service.get("image") in built:
            service["build"] = built[service["image"]]
        if is_of_file and "build" in service:
            service.pop("image", None)


def _settle_replicas(definition: dict[str, t.Any]) -> None:
    """Make a number of what a variable gave as text."""
    deploy = mapping(definition.get("deploy"))
    if isinstance(deploy.get("replicas"), str) and deploy["replicas"].isdecimal():
        definition["deploy"] = {**deploy, "replicas": int(deploy["replicas"])}


def _settle_volumes_from(reading: Reading) -> None:
    """Mount what another service mounts, of the same source and volumes; Compose itself forgets ``:ro``.

    A container's mounts could not be had of the one that a release command has, or of one that is being made anew.
    """
    services = {name: s for name, s in reading.services.items() if isinstance(s, dict)}

    def mounts(name: str, seen: tuple[str, ...]) -> list[t.Any]:
        found = services[name].get("volumes") or []
        for entry in services[name].get("volumes_from") or ():
            other, _colon, mode = str(entry).partition(":")
            if other in services and other not in seen:
                theirs = [read_only(mount) if mode == "ro" else mount for mount in mounts(other, (*seen, other))]
                found = merge({"volumes": theirs}, {"volumes": found})["volumes"]
        return list(found)

    settled_mounts = {n: mounts(n, (n,)) for n, s in services.items() if isinstance(s.get("volumes_from"), list)}
    for name, found in settled_mounts.items():
        others = services[name].pop("volumes_from")
        unknown = [entry for entry in others if str(entry).partition(":")[0] not in services]
        services[name].update({"volumes": found, **({"volumes_from": unknown} if unknown else {})})


def _settle_build(
    app: str,
    service: str,
    definition: dict[str, t.Any],
    version: str,
    variables: t.Mapping[str, str],
    reading: Reading,
    problems: Problems,
) -> None:
    """Fill in what is known before a build: arguments from outside, and the version where the app file gives it."""
    if not isinstance(definition.get("build"), t.Mapping):
        return
    build = fill(dict(definition["build"]), {"VERSION": version} if version else {}, ())
    arguments = mapping(build.get("args"))
    for name, value in arguments.items():
        if value is None and name not in variables:
            problems.add(app, f"{reading.at(service, 'build')}.args.{name}", "no value", "a value, here or in .env")
        arguments[name] = escape(variables.get(name, "")) if value is None else value
    definition["build"] = {**build, "args": arguments} if arguments else build
