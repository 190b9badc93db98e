# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a stack true: plans with ``_stack``, writes files, acts through Compose, undoes on failure."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _files, _readiness, _service, _stack
from ansible_collections.berth.server.plugins.module_utils._candidate import candidate, check_command, own_mounts
from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._docker import (
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    Docker,
    DockerError,
)
from ansible_collections.berth.server.plugins.module_utils._secrets import masked
from ansible_collections.berth.server.plugins.module_utils._stack_spec import (
    COMPOSE_FILE,
    ENVIRONMENT_FILE,
    STATE_FILE,
    Check,
    Look,
    StackSpec,
    found_container,
)
from ansible_collections.berth.server.plugins.module_utils._yaml import to_yaml

# Seconds for one check: an image starts, reads its configuration and ends.
CHECK_TIMEOUT = 30


class StackError(Exception):
    """The stack could not be made true; what was there before is back."""


class StackRunner:
    """Plans and makes true one stack."""

    def __init__(self, docker: Docker, spec: StackSpec, look: Look) -> None:
        self._docker = docker
        self._spec = spec
        self._look = look
        # A service with a profile is a one-off that somebody else starts.
        self._services = {n: d for n, d in spec.project["services"].items() if not d.get("profiles")}
        self._done: list[_stack.Action] = []
        self._plan()

    def _plan(self) -> None:
        spec, look = self._spec, self._look
        self.missing_images = sorted({d["image"] for d in self._services.values()} - set(look.images))
        configs = {
            name: _service.service_config(d, spec.environment.get(name, {}), look.images[d["image"]])
            if d["image"] in look.images
            else None
            for name, d in self._services.items()
        }
        wanted = [*spec.files, *self._compose_files(configs)]
        found = {file.path: _files.read_file(self._path(file.path)) for file in wanted}
        self.files = [file for file in wanted if _files.differs(file, found[file.path])]
        self.differences = [_files.describe_difference(spec.directory, f, found[f.path]) for f in self.files]
        self.services = [
            _stack.Service(
                name=name,
                config=configs[name],
                image=definition["image"],
                one_shot=_service.is_one_shot(definition),
                networks=_service.desired_attachments(spec.name, spec.project.get("networks") or {}, definition),
            )
            for name, definition in self._services.items()
        ]
        self._found = [found_container(c, look.networks) for c in look.containers.get(spec.name, [])]
        self._known = self._read_state()
        unread = [
            _stack.ChangedFile(file.path, file.readers)
            for file in spec.files
            if file.readers and self._known.get(file.path) != text_hash(file.content)
        ]
        self.actions = _stack.plan_stack(self.services, self._found, unread, spec.restart)
        self._missing_directories = [d for d in spec.directories if not os.path.isdir(self._path(d.path))]

    def _compose_files(self, configs: t.Mapping[str, str | None]) -> list[_files.File]:
        project = copy.deepcopy(dict(self._spec.project))
        for name, definition in project["services"].items():
            if name in configs:
                label = configs[name] or "known when its image is here"
                definition["labels"] = {**(definition.get("labels") or {}), _service.CONFIG_LABEL: label}
        environment = {
            name: {"environment": {key: escape(value) for key, value in sorted(values.items())}}
            for name, values in sorted(self._spec.environment.items())
            if values
        }
        return [
            _files.File(COMPOSE_FILE, to_yaml({"name": self._spec.name, **project}), mode=0o644),
            _files.File(ENVIRONMENT_FILE, to_yaml({"services": environment}), mode=0o600, sensitive=True),
        ]

    @property
    def changed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.files or self.actions or self._missing_directories)

    @property
    def impact(self) -> dict[str, str]:
        """What happens to each service."""
        return _stack.impact(self.services, self.actions)

    def apply(self, before: t.Callable[[], None] = lambda: None) -> None:
        """Make the stack true; on failure put files and containers back and raise StackError.

        ``before`` is called when files and images are there and nothing has been started yet; it may raise, too.
        """
        transaction = _files.FileTransaction(self._spec.directory)
        had_compose = os.path.exists(self._path(COMPOSE_FILE))
        try:
            self._prepare()
            self._write(transaction)
            before()
            self._done = self.actions
            self._act()
            self._wait()
        except Exception as error:  # whatever it was, what ran before is to run on
            transaction.undo()
            undone = self._bring_back(had_compose)
            # What a service said last may hold what it was given.
            values = [value for service in self._spec.environment.values() for value in service.values()]
            raise StackError(masked(f"Stack {self._spec.name}: {error}\n{undone}", values)) from error
        self._write_state()

    def _write(self, transaction: _files.FileTransaction) -> None:
        for wanted in self._spec.directories:
            path = self._path(wanted.path)
            _files.make_directory(path, wanted.mode, _files.user_id(wanted.owner), _files.group_id(wanted.group))
        for file in self.files:
            transaction.write(file)

    def _prepare(self) -> None:
        """Fetch images and let the checks judge the wanted files, all beside what is live."""
        if not self.missing_images and not self._spec.checks:
            return
        mounts = {c.service: own_mounts(self._services[c.service], self._spec.directory) for c in self._spec.checks}
        copied = {path for paths in mounts.values() for path in paths}
        with candidate(self._spec.directory, self._spec.files, copied) as place:
            if self.missing_images:
                self._fetch_images(place)
                self._plan()
            for check in self._spec.checks:
                if self.files or self.impact[check.service] in ("create", "recreate"):
                    self._check(check, mounts[check.service], place)

    def _check(self, check: Check, mounts: t.Mapping[str, str], place: str) -> None:
        definition = self._services[check.service]
        command = check_command(definition["image"], definition, mounts, place, check.command)
        try:
            self._docker.once(command, CHECK_TIMEOUT)
        except DockerError as error:
            raise StackError(
                f"the wanted configuration of {check.service} was refused by its check: {error}"
            ) from error

    def _fetch_images(self, place: str) -> None:
        for reference in self.missing_images:
            definition = next(d for d in self._services.values() if d["image"] == reference)
            if "build" in definition:
                self._docker(*_service.build_command(definition["build"], reference, place))
            else:
                self._docker("pull", "--quiet", reference)
        self._look.images.update(self._docker.image_ids(self.missing_images))

    def _act(self) -> None:
        by_kind: dict[str, list[_stack.Action]] = {}
        for action in self.actions:
            by_kind.setdefault(action.kind, []).append(action)
        for action in by_kind.get("remove", []):
            self._docker("rm", "--force", action.container)
        names = [a.service for kind in ("create", "recreate") for a in by_kind.get(kind, [])]
        if names:
            self._compose("up", "--detach", "--no-deps", "--force-recreate", *names)
        for action in by_kind.get("connect", []):
            self._connect(action)
        for action in by_kind.get("disconnect", []):
            self._docker("network", "disconnect", "--force", action.argument, action.container)
        for action in by_kind.get("start", []):
            self._docker("unpause" if action.argument == "paused" else "start", action.container)
        for action in by_kind.get("restart", []):
            self._docker("restart", action.container)
        for action in by_kind.get("signal", []):
            self._docker("kill", "--signal", action.argument, action.container)

    def _connect(self, action: _stack.Action) -> None:
        service = next(s for s in self.services if s.name == action.service)
        self._join(action, (service.networks or {})[action.argument])

    def _join(self, action: _stack.Action, attachment: _service.Attachment) -> None:
        self._leave(action)
        address = ["--ip", attachment.ipv4_address] if attachment.ipv4_address else []
        aliases = [word for alias in sorted({action.service, *attachment.aliases}) for word in ("--alias", alias)]
        self._docker("network", "connect", *address, *aliases, action.argument, action.container)

    def _leave(self, action: _stack.Action) -> None:
        with contextlib.suppress(DockerError):  # often it is not on the network
            self._docker("network", "disconnect", "--force", action.argument, action.container)

    def _wait(self) -> None:
        if not self.actions:
            return
        late = _readiness.wait_until_ready(self._verdicts, self._spec.timeout)
        if late:
            raise StackError("; ".join(self._explain(name, verdict) for name, verdict in late.items()))

    def _verdicts(self) -> dict[str, _readiness.Verdict]:
        before = {c["Id"]: c.get("RestartCount", 0) for c in self._look.containers.get(self._spec.name, [])}
        found = {c["Config"]["Labels"][SERVICE_LABEL]: c for c in self._docker.containers(*self._filters())}
        return {
            service.name: _readiness.judge(
                found[service.name], service.one_shot, before.get(found[service.name]["Id"], 0)
            )
            if service.name in found
            else _readiness.Verdict("failed", "has no container")
            for service in self.services
        }

    def _explain(self, name: str, verdict: _readiness.Verdict) -> str:
        found = "did not become ready in time" if verdict.state == "waiting" else "failed"
        return f"service {name} {found} ({self._spec.timeout:g} s): {verdict.detail}\n{self._last_lines(name)}"

    def _last_lines(self, name: str) -> str:
        containers = self._docker.containers(*self._filters(name))
        return "its last lines:\n" + "".join(self._docker.last_lines(c["Id"], 20) for c in containers)

    def _bring_back(self, had_compose: bool) -> str:
        """Bring the containers back to the files that are back; return what was done for the error message."""
        replaced = {a.service for a in self._done if a.kind in ("create", "recreate", "remove")}
        told = {a.service for a in self._done if a.kind in ("restart", "signal")}
        moved = [a for a in self._done if a.kind in ("connect", "disconnect")]
        if not replaced and not told and not moved:
            return "Nothing was changed."
        try:
            for action in moved:
                self._move_back(action)
            if not had_compose:
                self._docker("compose", "--project-name", self._spec.name, "down", "--timeout", "10")
                return "It did not exist before; its containers were removed, its volumes kept."
            old = self._compose("config", "--services").split()
            for container in self._docker.containers(*self._filters()):
                service = container["Config"]["Labels"][SERVICE_LABEL]
                if service not in old:
                    self._docker("rm", "--force", container["Id"])
                elif service in told:
                    self._docker("restart", container["Id"])
            back = sorted(replaced & set(old))
            if back:
                self._compose("up", "--detach", "--no-deps", "--force-recreate", *back)
            names = ", ".join(sorted(replaced | told | {a.service for a in moved}))
            return f"The previous configuration of {names} is back."
        except DockerError as error:
            return f"Putting the previous configuration back failed as well: {error}"

    def _move_back(self, action: _stack.Action) -> None:
        """Put a container back on a network as it was, or off it."""
        before = next(c for c in self._found if c.id == action.container).networks.get(action.argument)
        if before is not None:
            self._join(action, before)
        else:
            self._leave(action)

    def _filters(self, *services: str) -> list[str]:
        named = [f"label={SERVICE_LABEL}={name}" for name in services]
        return [f"label={PROJECT_LABEL}={self._spec.name}", f"label={ONE_OFF_LABEL}=False", *named]

    def _compose(self, *arguments: str) -> str:
        return self._docker.compose(self._spec.name, self._spec.compose_files, *arguments)

    def _read_state(self) -> dict[str, str]:
        found = _files.read_file(self._path(STATE_FILE))
        try:
            return json.loads(found.content)["files"] if found else {}
        except (ValueError, KeyError):
            return {}  # a damaged record only means that readers are told once more

    def _write_state(self) -> None:
        state = {"files": {file.path: text_hash(file.content) for file in self._spec.files}}
        if state["files"] != self._known:
            _files.write_atomically(self._path(STATE_FILE), json.dumps(state, indent=1) + "\n")

    def _path(self, path: str) -> str:
        return os.path.join(self._spec.directory, path)


def escape(value: str) -> str:
    """Write a literal value so that Compose's interpolation gives it back: it reads ``$$`` as ``$``."""
    return value.replace("$", "$$")
