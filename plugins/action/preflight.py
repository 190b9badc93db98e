# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ``preflight`` on the controller, where the inventory is."""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible_collections.berth.server.plugins.module_utils._apps import secret_names
from ansible_collections.berth.server.plugins.module_utils._canonical import plain
from ansible_collections.berth.server.plugins.module_utils._inventory import Inventory
from ansible_collections.berth.server.plugins.module_utils._preflight import deploy_problems, slips, variable_problems

ROLES = pathlib.Path(__file__).parents[2] / "roles"
SECRETS_FILE = "berth_secrets_file"
LOOKUP_FAILED = "The lookup plugin 'berth.server.secret' failed: "


class ActionModule(ActionBase):
    """Checks the whole inventory and resolves it; see the module's DOCUMENTATION."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            {"directory": {"type": "path", "required": True}, "deploy": {"type": "dict", "default": {}}}
        )
        self._variables = task_vars or {}
        self._problems: list[str] = []
        self._unread: list[str] = []
        directory = pathlib.Path(arguments["directory"])
        values = self._check_roles()
        apps = self._read_apps(directory)
        instances = values.get("postgres_instances")
        inventory = Inventory(apps, directory)
        self._problems += inventory.problems(instances if isinstance(instances, dict) else {})
        self._problems += deploy_problems(arguments["deploy"], apps)
        secrets = self._read_secrets(secret_names(apps))
        if self._problems:
            listed = "\n".join(f"- {problem}" for problem in self._distinct())
            raise AnsibleActionFail(f"The inventory needs mending; nothing was changed.\n{listed}")
        # The result holds passwords, but a failure must be seen: so not no_log on the task.
        return {"changed": False, "resolved": inventory.resolve(secrets), "_ansible_no_log": True}

    def _distinct(self) -> list[str]:
        """Return each problem once, and of what could not be read only that."""
        first = {prefix: next(p for p in self._problems if p.startswith(prefix)) for prefix in self._unread}
        unread = tuple(self._unread)
        return [p for p in dict.fromkeys(self._problems) if not p.startswith(unread) or p in first.values()]

    def _check_roles(self) -> dict[str, t.Any]:
        """Check the variables of all roles, also those that this play leaves out; return all that could be read."""
        specs = {path.parents[1].name: _options(path) for path in sorted(ROLES.glob("*/meta/argument_specs.yml"))}
        known = [name for options in specs.values() for name in options]
        self._problems += slips((name for name in self._variables if not name.startswith("__")), known)
        found: dict[str, t.Any] = {}
        for role, options in specs.items():
            values = self._templated({n: self._variables[n] for n in options if n in self._variables})
            self._problems += variable_problems(role, options, values)
            found.update(values)
        return found

    def _read_apps(self, directory: pathlib.Path) -> dict[str, t.Any]:
        """Return the apps of all files, without what cannot be read, which is reported."""
        if not directory.is_dir():
            self._problems.append(f"app_directory: found no directory {directory}, expected the one with the app files")
            return {}
        apps: dict[str, t.Any] = {}
        origins: dict[str, pathlib.Path] = {}
        for path in sorted(p for p in directory.rglob("*") if p.suffix in (".yml", ".yaml") and p.is_file()):
            for name, app in self._read_file(path).items():
                if name in apps:
                    self._problems.append(f"app {name}: found in {origins[name]} and in {path}, expected one file")
                    continue
                apps[str(name)], origins[str(name)] = app, path
        return {name: self._leaves(app, f"app {name}: ", "") for name, app in apps.items()}

    def _read_file(self, path: pathlib.Path) -> dict[str, t.Any]:
        try:
            content = self._loader.load_from_file(str(path), cache="none", trusted_as_template=True)
        except AnsibleError as error:
            self._problems.append(f"{path}: cannot be read: {error.message}")
            return {}
        if content is not None and not isinstance(content, dict):
            self._problems.append(
                f"{path}: found {type(plain(content)).__name__}, expected a mapping of app names to apps"
            )
        return content if isinstance(content, dict) else {}

    def _templated(self, values: dict[str, t.Any]) -> dict[str, t.Any]:
        found = {name: self._leaves(value, "", name) for name, value in values.items()}
        return {name: value for name, value in found.items() if value is not None or values[name] is None}

    def _leaves(self, value: t.Any, owner: str, place: str) -> t.Any:
        """Template leaf by leaf, so that each one that fails is reported with its place."""
        if isinstance(value, dict):
            return {str(k): self._leaves(v, owner, f"{place}.{k}" if place else str(k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self._leaves(item, owner, f"{place}[{index}]") for index, item in enumerate(value)]
        try:
            return plain(self._templar.template(value))
        except AnsibleError as error:
            self._unread.append(f"{owner}{place}: ")
            self._problems.append(self._unread[-1] + str(error.message).removeprefix(LOOKUP_FAILED))
            return None

    def _read_secrets(self, names: list[str]) -> dict[str, str]:
        lookup = lookup_loader.get("berth.server.secret", loader=self._loader, templar=self._templar)
        secrets = {}
        # A lookup that is run by hand reads variables as they are written.
        given = self._templated({n: self._variables[n] for n in [SECRETS_FILE] if n in self._variables})
        variables = {**self._variables, **given}
        for name in names:
            try:
                secrets[name] = lookup.run([name], variables)[0]
            except AnsibleError as error:
                self._problems.append(str(error.message))
        return secrets


def _options(path: pathlib.Path) -> dict[str, t.Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"])
