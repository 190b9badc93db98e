"""A copy of the scenario's inventory that tests edit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.server import ROOT

SCENARIO = ROOT / "molecule" / "changes"
GROUP = "berth"


class Inventory:
    """The copy: ``directory`` holds what molecule/changes holds, and the secrets."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts = directory / "inventory" / "hosts.yml"
        self.secrets = directory / "inventory" / "secrets.yml"
        self.apps = directory / "inventory" / "apps"
        self.source = directory / "pages"

    def reset(self) -> None:
        """Make it what the scenario says; the secrets stay."""
        for part in ("inventory/group_vars", "inventory/apps", "pages"):
            shutil.rmtree(self.directory / part, ignore_errors=True)
            shutil.copytree(SCENARIO / part, self.directory / part)
        shutil.copy(SCENARIO / "inventory" / "hosts.yml", self.hosts)

    def variables(self, **changes: Any) -> None:
        """Merge changes into the group's variables; None removes a key."""
        _edit(self.hosts.parent / "group_vars" / f"{GROUP}.yml", changes)

    def app(self, name: str, **changes: Any) -> None:
        """Merge changes into an app's file, which is made where it is missing."""
        _edit(self.apps / f"{name}.yml", {name: changes})

    def definition(self, name: str) -> dict[str, Any]:
        """Return an app's file."""
        return dict(_read(self.apps / f"{name}.yml")[name])

    def app_names(self) -> list[str]:
        """Return the names of all apps."""
        return sorted(path.stem for path in self.apps.glob("*.yml"))


def merged(old: Any, new: Any) -> Any:
    """Merge mappings at all depths, None removing a key; anything else is replaced."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    result = {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return {key: value for key, value in result.items() if value is not None}


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _edit(path: Path, changes: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(merged(_read(path), changes), sort_keys=False), encoding="utf-8")
