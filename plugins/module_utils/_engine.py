# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Docker's engine what is wanted: its configuration, units, registries' credentials and networks."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _files, _networks, _registries, _units
from ansible_collections.berth.server.plugins.module_utils._docker import Docker, DockerError, Run

ENGINE = "docker.service"
# The engine itself gives up earlier; this is for one that hangs.
RESTART_TIMEOUT = "180"
UNIT_DIRECTORY = "/etc/systemd/system/"


class EngineError(Exception):
    """The engine could not be made what is wanted; what was there before is back."""


@dataclasses.dataclass(frozen=True)
class EngineSpec:
    """The engine as wanted. Files have absolute paths; ``units``: name -> whether it runs, now and at boot."""

    daemon: t.Mapping[str, t.Any]
    networks: t.Mapping[str, t.Mapping[str, t.Any]]
    pool: str
    registries: t.Sequence[_registries.Registry] = ()
    files: t.Sequence[_files.File] = ()
    units: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    daemon_path: str = "/etc/docker/daemon.json"
    client_path: str = "/root/.docker/config.json"
    # Which registries' credentials are from here: the client's configuration has no room for it.
    managed_path: str = "/etc/berth/docker-registries.json"


class EngineRunner:
    """Looks, plans, and makes it true."""

    def __init__(self, docker: Docker, run: Run, spec: EngineSpec, may_be_bare: bool = False) -> None:
        self._docker, self._run, self._spec = docker, run, spec
        self.actions: list[str] = []
        self.differences: list[dict[str, str]] = []
        self._there = docker.is_there()
        self.networks: list[_networks.Network] = []
        self._units = _units.look(run, [ENGINE, *spec.units])
        if not may_be_bare and not self._units[ENGINE].is_there:
            raise EngineError(f"found no unit {ENGINE} on this server, expected that of an installed Docker engine.")
        self._plan_files()
        self._plan_units()
        self._plan_registries()
        # What an engine that stands still has is known when it runs; one that is not there has none.
        if self._there or not self._units[ENGINE].is_there:
            self._plan_networks(self._there)
            self.actions += [str(network) for network in self.networks]

    def _plan_networks(self, there: bool) -> None:
        self._found = self._docker.networks() if there else []
        self.networks = _networks.plan(self._spec.networks, self._found, self._spec.pool)

    def _plan_files(self) -> None:
        content = json.dumps(self._spec.daemon, indent=4, sort_keys=True) + "\n"
        self._daemon = _files.File(self._spec.daemon_path, content)
        self._changed = [file for file in (self._daemon, *self._spec.files) if self._differs(file)]
        self.actions += [f"write {file.path}" for file in self._changed]

    def _differs(self, file: _files.File) -> bool:
        found = _files.read_file(file.path)
        if _files.differs(file, found):
            self.differences.append(_files.describe_difference("", file, found))
            return True
        return False

    def _plan_units(self) -> None:
        engine = self._units[ENGINE]
        # A run that died before the restart left a file that is newer than the engine; the clock counts whole seconds.
        stale = (
            engine.active
            and os.path.exists(self._daemon.path)
            and os.path.getmtime(self._daemon.path) > (engine.since + 1)
        )
        self._restart = engine.active and (self._daemon in self._changed or stale)
        wanted = {ENGINE: True, **self._spec.units}
        self._verbs = {name: _units.plan(self._units[name], runs) for name, runs in wanted.items()}
        told = {os.path.basename(file.path) for file in self._changed if file.path.startswith(UNIT_DIRECTORY)}
        for name in sorted(told & self._spec.units.keys()):
            if self._units[name].active and self._spec.units[name]:
                self._verbs[name] = [*self._verbs[name], "restart"]
        self._reload = bool(told)
        self.actions += [f"restart {ENGINE}: its configuration changed"] if self._restart else []
        self.actions += [f"{verb} {name}" for name, verbs in self._verbs.items() for verb in verbs]

    def _plan_registries(self) -> None:
        self._client = self._read_json(self._spec.client_path)
        self._managed = self._read_json(self._spec.managed_path).get("registries", [])
        self._merged = _registries.merge(self._client, self._spec.registries, self._managed)
        self._keys = sorted(_registries.key_of(r["registry"]) for r in self._spec.registries)
        found = _files.read_file(self._spec.client_path)
        self._registry_actions = _registries.describe(self._client, self._merged)
        if found and self._keys and found.mode != 0o600:
            self._registry_actions.append(f"let none but root read {self._spec.client_path}")
        if not self._registry_actions and self._keys != self._managed:
            self._registry_actions.append(f"note the registries in {self._spec.managed_path}")
        self.actions += self._registry_actions

    def _read_json(self, path: str) -> dict[str, t.Any]:
        found = _files.read_file(path)
        try:
            content = json.loads(found.content) if found and found.content.strip() else {}
        except ValueError as error:
            raise EngineError(f"{path}: found no JSON ({error}), expected an object; mend or remove it.") from error
        if not isinstance(content, dict):
            raise EngineError(f"{path}: found {type(content).__name__}, expected an object; mend or remove it.")
        return content

    def apply(self) -> None:
        """Make it true. Nothing is changed where a helper is missing or the engine would refuse its configuration."""
        missing = _registries.missing_helpers(self._spec.registries, shutil.which)
        if missing:
            raise EngineError("\n".join(missing))
        if self._daemon in self._changed:
            self._validate()
        for file in self._changed:
            if file is not self._daemon:
                _files.FileTransaction("/").write(file)
        if self._reload:
            self._systemctl("daemon-reload")
        self._configure()
        for name, verbs in self._verbs.items():
            for verb in verbs:
                self._systemctl(verb, name)
        self._write_registries()
        if not self._there:
            self._plan_networks(True)
        for network in self.networks:
            if network.remake:
                self._remake(network)
            else:
                self._docker(*network.create_command)

    def _validate(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as candidate:
            candidate.write(self._daemon.content)
            candidate.flush()
            code, out, err = self._run(["dockerd", "--validate", "--config-file", candidate.name])
        if code:
            said = (err or out).strip().replace(candidate.name, self._daemon.path)
            raise EngineError(f"dockerd refuses the wanted {self._daemon.path}; nothing was changed: {said[-2000:]}")

    def _configure(self) -> None:
        """Write daemon.json and let the engine read it; where it then does not run, bring the old one back."""
        transaction = _files.FileTransaction("/")
        if self._daemon in self._changed:
            transaction.write(self._daemon)
        if not self._restart or self._try_restart():
            return
        said = _units.last_error(self._run, ENGINE, "dockerd")
        transaction.undo()
        runs = "runs with it" if self._try_restart() else "does not run with it either"
        raise EngineError(
            f"{ENGINE} does not start with the wanted {self._daemon.path}: {said}\n"
            f"The previous file is back, and the engine {runs}. Containers were left alone."
        )

    def _try_restart(self) -> bool:
        # systemd refuses a fourth start within a minute, whoever asked for the others.
        self._run(["systemctl", "reset-failed", ENGINE, "docker.socket"])
        code, _out, _err = self._run(["timeout", RESTART_TIMEOUT, "systemctl", "restart", ENGINE])
        return code == 0 and self._docker.is_there()

    def _systemctl(self, *words: str) -> None:
        code, out, err = self._run(["systemctl", *words])
        if code:
            raise EngineError(f"systemctl {' '.join(words)} failed ({code}): {(err or out).strip()[-2000:]}")

    def _write_registries(self) -> None:
        if not self._registry_actions:
            return
        _files.make_directory(os.path.dirname(self._spec.client_path), 0o700)
        # First who it belongs to: a run that dies in between is mended by the next one.
        note = json.dumps({"registries": sorted({*self._keys, *self._managed})}) + "\n"
        _files.write_atomically(self._spec.managed_path, note, mode=0o600)
        _files.write_atomically(self._spec.client_path, json.dumps(self._merged, indent="\t") + "\n", mode=0o600)
        _files.write_atomically(self._spec.managed_path, json.dumps({"registries": self._keys}) + "\n", mode=0o600)

    def _remake(self, network: _networks.Network) -> None:
        """Make a network anew under its containers, which run on meanwhile and get back what they had on it."""
        old = _networks.as_found(next(n for n in self._found if n["Name"] == network.name))
        members = self._docker.containers(f"network={network.name}")
        for container in members:
            self._docker("network", "disconnect", "--force", network.name, container["Id"])
        made = old
        try:
            self._docker("network", "rm", network.name)
            self._docker(*network.create_command)
            made = network
        except DockerError as error:
            if network.name not in self._docker.network_ids():
                self._docker(*old.create_command)
            raise EngineError(f"network {network.name} was not made anew, it is as it was: {error}") from error
        finally:
            for container in members:
                self._docker(*_networks.reconnect_command(made, container))
