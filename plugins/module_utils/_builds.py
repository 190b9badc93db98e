# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apps build from source: the context on the controller, and an image name that changes with its content."""

from __future__ import annotations

import pathlib
import re
import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._canonical import content_hash
from ansible_collections.berth.server.plugins.module_utils._compose import literal, unknown_variables
from ansible_collections.berth.server.plugins.module_utils._source import SourceError, context_digest

DigestOf = t.Callable[[pathlib.Path], str]
OPTIONS = ("context", "dockerfile", "target", "args")


def problems_of(
    files: t.Mapping[str, t.Any], directory: pathlib.Path, digest_of: DigestOf = context_digest
) -> list[str]:
    """Return every mistake in the builds of app files in ``directory``; other mistakes are not looked at."""
    problems = Problems()
    for app, service, source, options in _each(files, directory):
        key = f"services.{service}.build"
        for name in options:
            if name not in OPTIONS:
                problems.add(app, key, name, f"one of the keys {', '.join(OPTIONS)}")
        for name in sorted(unknown_variables(options, ())):
            problems.add(app, key, name, "no variable; what is built is known by its content")
        context = _context(source, options)
        dockerfile = context / str(options.get("dockerfile", "Dockerfile"))
        if not context.is_relative_to(source.resolve()):
            problems.add(app, key, str(context), f"a directory inside the source {source.resolve()}")
        elif not context.is_dir():
            problems.add(app, key, str(context), "a directory that is there")
        elif not dockerfile.is_file():
            problems.add(app, key, "no file", f"a Dockerfile at {dockerfile}")
        else:
            try:
                digest_of(context)
            except (SourceError, OSError) as error:
                problems.messages.append(f"app {app}: {key}: {error}")
    return problems.messages


def resolve(
    files: t.Mapping[str, t.Any], directory: pathlib.Path, digest_of: DigestOf = context_digest
) -> dict[str, dict[str, dict[str, t.Any]]]:
    """Return app -> service -> its build with ``context`` (absolute), ``digest`` of the context, and ``image``."""
    builds: dict[str, dict[str, dict[str, t.Any]]] = {}
    for app, service, source, options in _each(files, directory):
        context = _context(source, options)
        digest = digest_of(context)
        kept = {key: _literals(options[key]) for key in OPTIONS[1:] if key in options}
        label = re.sub(r"[^a-z0-9]+", "-", context.name.lower()).strip("-") or "source"
        tag = f"berth-build/{app}-{label}:{content_hash([digest, kept])[:16]}"
        builds.setdefault(app, {})[service] = {**kept, "image": tag, "context": str(context), "digest": digest}
    return builds


def _each(
    files: t.Mapping[str, t.Any], directory: pathlib.Path
) -> t.Iterator[tuple[str, str, pathlib.Path, dict[str, t.Any]]]:
    """Yield app, service, source directory and build options of every build that has the right shape."""
    for app, file in files.items():
        services = file.get("services") if isinstance(file, dict) else None
        for name, service in services.items() if isinstance(services, dict) else ():
            build = service.get("build") if isinstance(service, dict) else None
            if build and isinstance(file.get("source"), str):
                options = build if isinstance(build, dict) else {"context": str(build)}
                yield app, name, directory / file["source"], options


def _literals(value: t.Any) -> t.Any:
    """Read Compose's words, in which a dollar sign is written twice."""
    if isinstance(value, dict):
        return {key: _literals(item) for key, item in value.items()}
    return literal(value, {}) if isinstance(value, str) else value


def _context(source: pathlib.Path, options: t.Mapping[str, t.Any]) -> pathlib.Path:
    return (source / str(options.get("context", "."))).resolve()
