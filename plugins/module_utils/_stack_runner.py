# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a stack true: plans with ``_stack``, writes files, acts through Compose, undoes on failure."""

from __future__ import annotations

import copy
import os
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _drift, _files, _readiness, _room, _service, _stack
from ansible_collections.berth.server.plugins.module_utils._candidate import candidate
from ansible_collections.berth.server.plugins.module_utils._canonical import text_hash
from ansible_collections.berth.server.plugins.module_utils._docker import (
    ONE_OFF_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    Docker,
    DockerError,
)
from ansible_collections.berth.server.plugins.module_utils._secrets import masked
from ansible_collections.berth.server.plugins.module_utils._stack_checks import check_mounts, run_check
from ansible_collections.berth.server.plugins.module_utils._stack_spec import (
    COMPOSE_FILE,
    ENVIRONMENT_FILE,
    STATE_FILE,
    Check,
    Look,
    StackSpec,
    found_container,
)
from ansible_collections.berth.server.plugins.module_utils._stack_state import State, ask
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError
from ansible_collections.berth.server.plugins.module_utils._yaml import to_yaml

STRAYED = "runs with other settings than its files say"


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
                lives_with=_service.lives_with(definition),
            )
            for name, definition in self._services.items()
        ]
        self._found = [found_container(c, look.networks) for c in look.containers.get(spec.name, [])]
        self._state = State.read(self._path(STATE_FILE))
        unread = _drift.unread_files(spec.files, found, self._state.files)
        is_new = not os.path.exists(self._path(COMPOSE_FILE))
        strangers = _drift.strangers(spec.name, self._services, look.names, is_new)
        said = ask(self._docker, spec.probes, look.containers.get(spec.name, []))
        strayed = [service for service, answer in said.items() if answer != self._state.probes.get(service, answer)]
        restart = dict.fromkeys(strayed, STRAYED) | dict.fromkeys(spec.restart, "asked for")
        used = _drift.still_used(self._services, look.containers)
        self.actions = _stack.plan_stack(self.services, self._found, unread, restart, strangers, used)
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
        problem = _room.shortage_for_files(self._spec.directory, [len(file.content) for file in self.files])
        if problem:
            raise StackError(f"Stack {self._spec.name} {problem} Nothing was changed.")
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
            values += [file.content.strip() for file in self._spec.files if file.sensitive]
            raise StackError(masked(f"Stack {self._spec.name}: {error}\n{undone}", values)) from error
        self._note_state()

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
        mounts = {
            c.service: check_mounts(c, self._services[c.service], self._spec.directory) for c in self._spec.checks
        }
        copied = {path for paths in mounts.values() for path in paths}
        with candidate(self._spec.directory, self._spec.files, copied) as place:
            if self.missing_images:
                self._fetch_images(place)
                self._plan()
            for check in self._spec.checks:
                if self.files or self.impact[check.service] in ("create", "recreate"):
                    self._check(check, mounts[check.service], place)

    def _check(self, check: Check, mounts: t.Mapping[str, str], place: str) -> None:
        try:
            run_check(self._docker, check, self._services[check.service], mounts, place)
        except (DockerError, TraefikError, ValueError) as error:
            raise StackError(
                f"the wanted configuration of {check.service} was refused by its check: {error}"
            ) from error

    def _fetch_images(self, place: str) -> None:
        self._docker.need_room()
        for reference in self.missing_images:
            definition = next(d for d in self._services.values() if d["image"] == reference)
            if "build" in definition:
                self._docker(*_service.build_command(definition["build"], reference, place))
            else:
                self._docker.pull(reference)
        self._look.images.update(self._docker.image_ids(self.missing_images))

    def _act(self) -> None:
        by_kind: dict[str, list[_stack.Action]] = {}
        for action in self.actions:
            by_kind.setdefault(action.kind, []).append(action)
        for action in by_kind.get("remove", []):
            self._docker("rm", "--force", action.container)
        names = [a.service for kind in ("create", "recreate") for a in by_kind.get(kind, [])]
        if names:
            self._up(names)
        connects = by_kind.get("connect", [])
        external = {(n or {}).get("name") for n in (self._spec.project.get("networks") or {}).values()}
        if lost := sorted({a.service for a in connects if a.argument not in {*self._look.networks, *external}}):
            # Compose makes the project's own networks, and nothing else of a container that is there.
            self._compose("create", "--no-recreate", *lost)
        for action in connects:
            service = next(s for s in self.services if s.name == action.service)
            self._join(action, (service.networks or {})[action.argument])
        for action in by_kind.get("disconnect", []):
            self._docker("network", "disconnect", "--force", action.argument, action.container)
        for action in by_kind.get("start", []):
            self._docker("unpause" if action.argument == "paused" else "start", action.container)
        for action in by_kind.get("restart", []):
            self._docker("restart", action.container)
        for action in by_kind.get("signal", []):
            self._docker("kill", "--signal", action.argument, action.container)

    def _up(self, names: t.Sequence[str]) -> None:
        """Start services in the order of their dependencies, for which Compose waits without an end of its own."""
        try:
            self._compose("up", "--detach", "--no-deps", "--force-recreate", *names, timeout=self._spec.timeout)
        except DockerError as error:
            begun = {n: v for n, v in self._verdicts().items() if v.detail not in ("has no container", "is created")}
            said = [self._explain(n, v) for n, v in begun.items() if v.state != "ready"]
            raise StackError("\n".join([str(error), *said])) from error

    def _join(self, action: _stack.Action, attachment: _service.Attachment) -> None:
        aliases = {action.service, *attachment.aliases}
        self._docker.join(action.argument, action.container, attachment.ipv4_address, aliases)

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
            self._docker.leave(action.argument, action.container)

    def _filters(self, *services: str) -> list[str]:
        named = [f"label={SERVICE_LABEL}={name}" for name in services]
        return [f"label={PROJECT_LABEL}={self._spec.name}", f"label={ONE_OFF_LABEL}=False", *named]

    def _compose(self, *arguments: str, timeout: float | None = None) -> str:
        return self._docker.compose(self._spec.name, self._spec.compose_files, *arguments, timeout=timeout)

    def _note_state(self) -> None:
        """Note what services have read, so that a run that died between writing and telling is noticed."""
        said = self._state.probes
        if self._spec.probes and self._done:
            said = ask(self._docker, self._spec.probes, self._docker.containers(*self._filters()))
        state = State({file.path: text_hash(file.content) for file in self._spec.files}, said)
        if state != self._state:
            state.write(self._path(STATE_FILE))

    def _path(self, path: str) -> str:
        return os.path.join(self._spec.directory, path)


def escape(value: str) -> str:
    """Write a literal value so that Compose's interpolation gives it back: it reads ``$$`` as ``$``."""
    return value.replace("$", "$$")
