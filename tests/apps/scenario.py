"""The Molecule scenario `app`: its inventory, its server, and its apps to be changed for a while."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

SCENARIO = Path(__file__).resolve().parents[2] / "molecule" / "app"
# Before the acceptance tests' helpers are imported, which read it.
os.environ.setdefault("BERTH_LAB_SERVER", "molecule-app")

from tests.acceptance import server as acceptance  # noqa: E402


class Playbook(acceptance.Playbook):
    """Runs playbooks on the scenario's inventory."""

    def __init__(self) -> None:
        super().__init__(SCENARIO / "inventory" / "hosts.yml")


class Apps:
    """The scenario's apps in a directory of a test's own, and what a run makes of them."""

    def __init__(self, directory: Path, playbook: Playbook) -> None:
        self.directory = directory
        self._playbook = playbook
        shutil.copytree(SCENARIO / "apps", directory, dirs_exist_ok=True)

    def file(self, app: str) -> dict[str, Any]:
        """Return what an app's file says."""
        return dict(yaml.safe_load((self.directory / f"{app}.yml").read_text(encoding="utf-8"))[app])

    def change(self, app: str, **keys: Any) -> None:
        """Merge keys into an app's file, one level deep; None takes an item away."""
        file = self.file(app)
        for key, value in keys.items():
            merged = {**file.get(key, {}), **value} if isinstance(value, dict) else value
            file[key] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
        (self.directory / f"{app}.yml").write_text(yaml.safe_dump({app: file}), encoding="utf-8")

    def run(self, *options: str) -> acceptance.Result:
        """Make it true."""
        return self._playbook("molecule/app/converge.yml", *self.options, *options)

    def text(self, *options: str) -> tuple[int, str]:
        """Make it true as an operator does; return the exit code and everything that was printed."""
        return self._playbook.text("molecule/app/converge.yml", *self.options, *options)

    @property
    def options(self) -> list[str]:
        """What makes a run use these apps."""
        return ["--extra-vars", f"app_directory={self.directory}"]
