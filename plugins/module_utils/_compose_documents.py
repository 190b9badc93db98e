# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files of an app's source where Ansible runs: compose files as documents, ``.env`` as variables."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _dotenv
from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._compose_merge import canonical
from ansible_collections.berth.server.plugins.module_utils._compose_yaml import ComposeYamlError, load
from ansible_collections.berth.server.plugins.module_utils._interpolation import fill
from ansible_collections.berth.server.plugins.module_utils._reading import TOP

KNOWN = ("services", "include", "name", "version", *TOP)


class Documents:
    """Reads files of one app, all of them inside its source; mistakes go to ``problems``.

    ``env``: the app's variables. They are filled in where only the one reader sees them: in environment, configs and
    secrets. Elsewhere everybody on the server could read them, so there ``.env`` alone counts.
    """

    def __init__(self, app: str, source: pathlib.Path, env: t.Mapping[str, str], problems: Problems) -> None:
        self.app = app
        self.source = source
        self.problems = problems
        self._env = env
        self._read: dict[pathlib.Path, dict[str, t.Any]] = {}

    def document(self, path: pathlib.Path, directory: pathlib.Path, variables: t.Mapping[str, str]) -> dict[str, t.Any]:
        """Return a compose file with variables filled in and services in long forms, seen from a directory."""
        if path not in self._read:
            self._read[path] = self._load(path)
        raw = self._read[path]
        private = {**variables, **self._env}
        document = {key: fill(value, variables) for key, value in raw.items()}
        document.update({kind: fill(raw.get(kind) or {}, private) for kind in ("configs", "secrets")})
        services = document.get("services") or {}
        for name, service in (raw.get("services") or {}).items():
            if isinstance(service, t.Mapping) and "environment" in service:
                services[name]["environment"] = fill(service["environment"], private)
        return {**document, "services": {str(name): canonical(s, directory) for name, s in services.items()}}

    def dotenv(self, path: pathlib.Path, outside: t.Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a ``.env`` that may be missing; what cannot be filled in there has no value."""
        text = self.text(path, "compose", required=False)
        return {n: v for n, v in _dotenv.parse(text, outside).values.items() if v is not None}

    def text(self, path: pathlib.Path, key: str, required: bool = True) -> str:
        """Return a file's text; one that is missing, outside the source or no text is a mistake at ``key``."""
        if not path.resolve().is_relative_to(self.source.resolve()):
            # The compose file itself is reported, not also what would be beside it.
            if path.name != ".env":
                self.problems.add(self.app, key, str(path), f"a path inside the source {self.source.resolve()}")
        elif not path.is_file():
            if required:
                self.problems.add(self.app, key, str(path), "a file that is there")
        else:
            try:
                return path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                self.problems.add(self.app, key, f"{path} ({type(error).__name__})", "a readable text file")
        return ""

    def label(self, path: pathlib.Path) -> str:
        """Return a file's name as people know it: from the source on."""
        if path == self.source:
            return ""  # the app file, which needs no name
        return str(path.relative_to(self.source)) if path.is_relative_to(self.source) else str(path)

    def _load(self, path: pathlib.Path) -> dict[str, t.Any]:
        label = self.label(path)
        text = self.text(path, "compose")
        try:
            document = load(text) if text else {}
        except ComposeYamlError as error:
            self.problems.add(self.app, label, str(error), "a YAML file")
            return {}
        if not isinstance(document, dict):
            self.problems.add(self.app, label, type(document).__name__, "a mapping with services")
            return {}
        for name, value in document.items():
            if name not in KNOWN and not str(name).startswith("x-"):
                self.problems.add(self.app, label, name, f"one of the keys {', '.join(sorted(KNOWN))}")
            elif name in ("services", *TOP) and not isinstance(value, (dict, type(None))):
                self.problems.add(self.app, f"{label}: {name}", type(value).__name__, "a mapping")
                document[name] = {}
        return document
