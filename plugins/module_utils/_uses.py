# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How services come to know the instances that they use: networks, variables, files with secrets."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from ansible_collections.berth.server.plugins.module_utils._mounts import SECRET_DIRECTORY, Given


def url(scheme: str, values: t.Mapping[str, t.Any], path: str) -> str:
    """Return the URL of an instance, with user and password."""
    user, password = (urllib.parse.quote(str(values[part]), safe="") for part in ("user", "password"))
    return f"{scheme}://{user}:{password}@{values['host']}:{values['port']}/{path}"


def let_use(
    use: str,
    options: t.Mapping[str, t.Any],
    network: str,
    values: t.Mapping[str, t.Any],
    joins: dict[str, list[str]],
    environment: dict[str, dict[str, str]],
    given: t.Mapping[str, Given],
) -> None:
    """Let the services that use an instance join its network and know its address; all, unless some are named.

    ``{password_file}`` and ``{url_file}`` give them a file with the value, for images that want one.
    """
    files = {f"{part}_file": f"{SECRET_DIRECTORY}/{use}-{part}" for part in ("password", "url")}
    templates = " ".join(as_texts(options["env"]).values())
    for service in options["services"] or joins:
        joins[service].append(network)
        environment[service].update(_filled(options["env"], {**values, **files}))
        for name, path in files.items():
            if "{" + name + "}" in templates:
                content = {"literal": str(values[name.removesuffix("_file")])}
                given[service].add(service, path.rpartition("/")[2], path, content)


def _filled(env: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Fill ``{user}`` and the like; other braces, and those inside a filled value, stay as they are."""

    def value(match: re.Match[str]) -> str:
        return str(values.get(match[1], match[0]))

    return {key: re.sub(r"\{(\w+)\}", value, text) for key, text in as_texts(env).items()}


def as_mapping(environment: t.Any) -> dict[str, t.Any]:
    """Return Compose's two forms of ``environment`` as a mapping."""
    if isinstance(environment, t.Mapping):
        return dict(environment)
    return dict(str(entry).partition("=")[::2] for entry in environment or ())


def as_texts(env: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return values as the text that a container sees; YAML's true is Compose's ``true``."""
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in env.items()}
