# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How playbooks reach the decisions about apps, secrets, databases and certificates."""

from __future__ import annotations

import typing as t

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible_collections.berth.server.plugins.module_utils import (
    _certificates,
    _compose,
    _postgres,
    _postgres_instance,
    _redis_instance,
    _verbs,
)
from ansible_collections.berth.server.plugins.module_utils._canonical import plain


def postgres_stacks(
    instances: t.Mapping[str, t.Any],
    app_databases: t.Sequence[t.Mapping[str, t.Any]],
    look: t.Mapping[str, t.Any],
    **defaults: t.Any,
) -> list[dict[str, t.Any]]:
    """Return the stack of each Postgres instance; see postgres_stacks.yml."""
    networks: dict[str, set[str]] = {}
    for database in plain(app_databases):
        networks.setdefault(database["instance"], set()).add(database["network"])
    try:
        return _postgres_instance.postgres_stacks(plain(instances), networks, plain(defaults), plain(look))
    except (_postgres_instance.InstanceError, ValueError) as error:
        raise AnsibleFilterError(str(error)) from error


def postgres_instances(
    instances: t.Mapping[str, t.Any], databases: t.Sequence[t.Mapping[str, t.Any]], image_os: str
) -> dict[str, t.Any]:
    """Return what postgres_look is to look at; see postgres_instances.yml."""
    return _postgres.look_at(plain(instances), _postgres.complete(plain(databases)), image_os)


def postgres_plan(
    desired: t.Sequence[t.Mapping[str, t.Any]], look: t.Mapping[str, t.Any]
) -> dict[str, dict[str, list[t.Any]]]:
    """Return what each instance lacks, of those that lack something and answer; see postgres_plan.yml."""
    databases = _postgres.complete(plain(desired))
    plans = {
        name: _postgres.plan([item for item in databases if item["instance"] == name], found)
        for name, found in plain(look)["instances"].items()
        if "problem" not in found
    }
    return {name: plan for name, plan in plans.items() if any(plan.values())}


def redis_stacks(instances: t.Mapping[str, t.Any], image: str, root: str) -> list[dict[str, t.Any]]:
    """Return the stack of each Redis instance; see redis_stacks.yml."""
    return [_redis_instance.redis_stack(name, settings, image, root) for name, settings in plain(instances).items()]


def _told(decide: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Let a decision's own error be Ansible's."""

    def decided(*arguments: t.Any, **options: t.Any) -> t.Any:
        try:
            return decide(*plain(arguments), **plain(options))
        except _verbs.VerbError as error:
            raise AnsibleFilterError(str(error)) from error

    return decided


def command_words(command: t.Any) -> list[str]:
    """Return the words of a command that an operator gave; see command_words.yml."""
    typed = [text for text in context.CLIARGS.get("extra_vars") or () if isinstance(text, str)]
    return t.cast("list[str]", _told(_verbs.words)(command, typed))


class FilterModule:
    """The filters of this collection."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return name -> filter."""
        return {
            "certificate_covers": _certificates.covers,
            "external_networks": _compose.external_networks,
            "command_words": command_words,
            "log_command": _told(_verbs.log_command),
            "log_lines": _told(_verbs.log_lines),
            "postgres_instances": postgres_instances,
            "postgres_plan": postgres_plan,
            "postgres_stacks": postgres_stacks,
            "redis_stacks": redis_stacks,
        }
