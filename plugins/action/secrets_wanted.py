# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out on the controller which secrets an inventory reads: it fills in what reads one, and listens."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible_collections.berth.server.plugins.module_utils import _apps, _secrets

# What Ansible adds to every host's variables, which no inventory has written.
_NOT_THE_INVENTORYS = ("hostvars", "vars", "groups", "ansible_facts", "ansible_play_name")


class ActionModule(ActionBase):
    """Returns which secrets are wanted and by whom; see the module's DOCUMENTATION."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        self.validate_argument_spec({})
        task_vars = task_vars or {}
        lengths: dict[str, int] = {}
        readers: dict[str, list[str]] = {}
        both_ends: set[str] = set()
        for host in task_vars["ansible_play_hosts_all"]:
            variables = {**task_vars["hostvars"].raw_get(host), "hostvars": task_vars["hostvars"]}
            variables["berth_secrets_collect"] = True
            templar = Templar(loader=self._loader, variables=variables)
            for place, value in _places(variables):
                for name, length in self._asked(templar, place, value).items():
                    lengths[name] = length
                    readers.setdefault(name, []).append(place)
            for place, name in self._own(templar, variables.get("apps") or {}):
                lengths.setdefault(name, _secrets.DEFAULT_LENGTH)
                readers.setdefault(name, []).append(place)
                both_ends.add(name)
        return {
            "changed": False,
            "names": dict(sorted(lengths.items())),
            "readers": {name: list(dict.fromkeys(places)) for name, places in sorted(readers.items())},
            "both_ends": sorted(both_ends),
        }

    def _asked(self, templar: Templar, place: str, value: str) -> dict[str, int]:
        with _secrets.asked() as names:
            try:
                templar.template(value)
            except AnsibleError as error:
                # A missing secret's place holder need not be what a filter behind it can read.
                if not names:
                    raise AnsibleActionFail(f"{place}: {error.message}") from error
        return names

    def _own(self, templar: Templar, apps: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
        """Yield what berth itself needs for the databases and Redis instances of apps."""
        for app, file in apps.items():
            for key in ("postgres", "redis") if isinstance(file, t.Mapping) else ():
                with _secrets.asked():
                    part = {str(app): {key: templar.template(file.get(key))}}
                for name in _apps.secret_names(part):
                    yield f"app {app}: {key}.{name.rpartition('/')[2]}", name


def _places(variables: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Yield where a text stands that names the lookup, in the user's words, and the text."""
    for name, value in variables.items():
        if name == "apps":
            for app, file in value.items() if isinstance(value, t.Mapping) else ():
                yield from _texts(file, f"app {app}: ", "")
        elif name not in _NOT_THE_INVENTORYS:
            yield from _texts(value, "variable ", str(name))


def _texts(value: t.Any, before: str, path: str) -> t.Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _secrets.LOOKUP in value:
            yield before + path, value
    elif isinstance(value, t.Mapping):
        for key, item in value.items():
            yield from _texts(item, before, f"{path}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, before, f"{path}[{index}]")
