# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges compose files where Ansible runs: several files, ``include``, ``extends``. Nothing is run."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils._compose_documents import Documents
from ansible_collections.berth.server.plugins.module_utils._compose_merge import anchored, merge
from ansible_collections.berth.server.plugins.module_utils._reading import TOP

Variables = t.Mapping[str, str]
Place = tuple[pathlib.Path, str]


@dataclasses.dataclass
class Project:
    """What compose files say. ``origins``: service -> key -> the file that says it, as people know it."""

    services: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    origins: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    top: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=lambda: {name: {} for name in TOP})


class Reader:
    """Reads and merges the compose files of one app."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._reading: list[pathlib.Path] = []

    def project(self, paths: t.Sequence[pathlib.Path], directory: pathlib.Path, variables: Variables) -> Project:
        """Merge files; their relative paths are relative to ``directory``."""
        project = Project()
        for path in paths:
            document = self._documents.document(path, directory, variables)
            self._reading.append(path)
            included = self._included(path, document, directory, variables)
            self._reading.pop()
            for name in document["services"]:
                service = self.extended(path, name, document, directory, variables)
                self._take(project, name, service, self._documents.label(path))
            for kind in TOP:
                found = {str(n): _top(d, directory) for n, d in (document.get(kind) or {}).items()}
                project.top[kind] = merge(project.top[kind], found)
            for other in included:
                self._join(project, other, path)
        return project

    def extended(
        self,
        path: pathlib.Path,
        name: str,
        document: t.Mapping[str, t.Any],
        directory: pathlib.Path,
        variables: Variables,
        seen: tuple[Place, ...] = (),
    ) -> t.Any:
        """Return a service with what it extends below it; relative paths are relative to the file that has them."""
        service = document["services"][name]
        if not isinstance(service, t.Mapping) or "extends" not in service:
            return service
        options = service["extends"]
        own = {key: value for key, value in service.items() if key != "extends"}
        if not isinstance(options, t.Mapping) or not isinstance(options.get("service"), str):
            self._wrong(path, name, type(options).__name__, "a service, with its file where it is in another")
            return own
        wanted, other, base, place = options["service"], path, document, directory
        if options.get("file"):
            other = pathlib.Path(anchored(str(options["file"]), directory))
            place = other.parent
            base = self._documents.document(other, place, variables)
        if wanted not in base["services"]:
            names = ", ".join(sorted(base["services"])) or "which has none"
            self._wrong(path, name, wanted, f"a service of {self._documents.label(other)} ({names})")
            return own
        if (other, wanted) in (*seen, (path, name)):
            self._wrong(path, name, wanted, "a service that does not extend this one")
            return own
        found = self.extended(other, wanted, base, place, variables, (*seen, (path, name)))
        return merge(found, own) if isinstance(found, t.Mapping) else own

    def _included(
        self, path: pathlib.Path, document: t.Mapping[str, t.Any], directory: pathlib.Path, variables: Variables
    ) -> list[Project]:
        projects = []
        entries = document.get("include") or []
        for entry in entries if isinstance(entries, list) else [entries]:
            options = entry if isinstance(entry, t.Mapping) else {"path": entry}
            files = [pathlib.Path(anchored(name, directory)) for name in _texts(options.get("path"))]
            if not files or set(files) & set(self._reading):
                found = "itself" if files else type(entry).__name__
                self._documents.problems.add(
                    self._documents.app, f"{self._documents.label(path)}: include", found, "a list of other files"
                )
                continue
            place = pathlib.Path(anchored(str(options.get("project_directory", files[0].parent)), directory))
            environments = [pathlib.Path(anchored(name, directory)) for name in _texts(options.get("env_file"))]
            below: dict[str, str] = {}
            for environment in environments or [place / ".env"]:
                below.update(self._documents.dotenv(environment, {**below, **variables}))
            projects.append(self.project(files, place, {**below, **variables}))
        return projects

    def _take(self, project: Project, name: str, service: t.Any, label: str) -> None:
        """Merge a service into a project and note which file says what."""
        before = project.services.get(name)
        if isinstance(before, t.Mapping) and isinstance(service, t.Mapping):
            project.services[name] = merge(before, service)
        else:
            project.services[name] = service
        keys = dict.fromkeys(service, label) if isinstance(service, t.Mapping) else {}
        project.origins.setdefault(name, {}).update({"": label, **keys})

    def _join(self, project: Project, other: Project, path: pathlib.Path) -> None:
        """Add what an included file says; a service that is in two is a mistake, as it is for Compose."""
        for name in sorted(other.services.keys() & project.services.keys()):
            key = f"{self._documents.label(path)}: include"
            self._documents.problems.add(self._documents.app, key, name, "a service that no other included file has")
        project.services = {**other.services, **project.services}
        project.origins = {**other.origins, **project.origins}
        project.top = {kind: {**other.top[kind], **project.top[kind]} for kind in TOP}

    def _wrong(self, path: pathlib.Path, name: str, found: str, expected: str) -> None:
        key = f"{self._documents.label(path)}: services.{name}.extends"
        self._documents.problems.add(self._documents.app, key.removeprefix(": "), found, expected)


def _top(definition: t.Any, directory: pathlib.Path) -> t.Any:
    if isinstance(definition, t.Mapping) and "file" in definition:
        return {**definition, "file": anchored(definition["file"], directory)}
    return {} if definition is None else definition


def _texts(value: t.Any) -> list[str]:
    return [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]
