"""Every role has the same rooms, and its inputs stand in defaults and argument_specs alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[2] / "roles").iterdir() if path.is_dir())
TASK_FILES = sorted(path for role in ROLES for path in (role / "tasks").glob("*.yml"))
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: Path) -> dict[str, dict[str, Any]]:
    return dict(read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"])


@each_role
def test_defaults_are_those_of_the_argument_specs(role: Path) -> None:
    specified = {name: option.get("default") for name, option in options(role).items() if not option.get("required")}
    assert read(role / "defaults" / "main.yml") == specified


@each_role
def test_inputs_carry_the_roles_name(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


@each_role
def test_other_variables_are_internal(role: Path) -> None:
    assert [name for name in read(role / "vars" / "main.yml") if not name.startswith(f"__{role.name}_")] == []


@each_role
def test_every_input_says_what_it_is(role: Path) -> None:
    assert [name for name, option in options(role).items() if not option.get("description")] == []


@each_role
def test_readme_leads_to_the_reference(role: Path) -> None:
    text = (role / "README.md").read_text(encoding="utf-8")
    assert f"docs/reference/roles.md#{role.name}" in text


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_task_files_have_one_concern(path: Path) -> None:
    limit = 60 if path.name == "main.yml" else 100
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
