# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight on the controller: role variables by their specs, app files read, everything reported at once."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.berth.server.plugins.action import preflight
from ansible_collections.berth.server.plugins.module_utils._preflight import deploy_problems, slips, variable_problems
from ansible_collections.berth.server.plugins.module_utils._validation import validated

APP = "shop: {services: {web: {image: shop}}, env: {WORD: '{{ word }}'}, postgres: {shop: {}}}"
ITEM = {
    "type": "list",
    "elements": "dict",
    "options": {"name": {"type": "str", "required": True}, "kind": {"type": "str", "choices": ["a", "b"]}},
}


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ({"type": "int"}, "soon", "x: found 'soon', expected a whole number"),
        ({"type": "bool"}, "maybe", "x: found 'maybe', expected true or false"),
        ({"type": "dict"}, "hunter2", "x: found str, expected a mapping"),
        ({"type": "str", "choices": ["a", "b"]}, "c", "x: found 'c', expected one of a, b"),
        ({"type": "list", "elements": "int"}, ["a"], "x: found str in the list, expected a whole number"),
        (ITEM, [{"nam": "n"}], "x: found no name, expected these keys"),
        (ITEM, [{"name": "n", "knd": "a"}], "x.knd: found an unknown key, expected one of kind, name"),
        (ITEM, [{"name": "n", "kind": "c"}], "x.kind: found 'c', expected one of a, b"),
    ],
    ids=["number", "switch", "mapping", "choice", "element", "missing", "unknown", "inner choice"],
)
def test_what_is_wrong_with_one_option(option: t.Any, given: t.Any, said: str) -> None:
    assert said in validated("x", option, {"x": given}, "x")[1]


def test_a_right_value_is_converted_and_a_missing_one_gets_its_default() -> None:
    assert validated("x", {"type": "int"}, {"x": "5"}, "x") == (5, [])
    assert validated("x", {"type": "int", "default": 7}, {}, "x") == (7, [])


def test_defaults_of_a_role_are_left_to_the_role() -> None:
    options = {"web_port": {"type": "int", "default": 80, "description": "Port."}, "web_items": ITEM}
    assert variable_problems("web", options, {}) == []
    assert variable_problems("web", options, {"web_port": "x", "web_items": [{"name": 1}]}) == [
        "web_port: found 'x', expected a whole number"
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [("postgres_instance", True), ("traefik_versoin", True), ("postgres_instances", False), ("app_domain", False)],
)
def test_only_what_is_nearly_a_known_variable_is_a_slip(name: str, found: bool) -> None:
    assert bool(slips([name], ["postgres_instances", "traefik_version", "app_directory"])) is found


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"shop": ""}, []),
        ({"blog": "1.5"}, []),
        ({"shop": "1.4.2"}, []),
        ({"shop": "1.5"}, ["version: found '1.5', expected '1.4.2', which the file of app shop says..."]),
        ({"blog": "a b"}, ["version: found 'a b', expected at most 128..."]),
        ({"shpo": "1"}, ["app: found 'shpo', expected one of blog, shop"]),
    ],
    ids=["no version", "free", "the same", "pinned", "no version at all", "unknown app"],
)
def test_what_a_deploy_asks_for(asked: dict[str, str], said: list[str]) -> None:
    found = deploy_problems(asked, {"shop": {"version": "1.4.2"}, "blog": {}})
    assert len(found) == len(said)
    assert all(f.startswith(s.removesuffix("...")) for f, s in zip(found, said, strict=True)), found


class Controller:
    """Runs the action on app files of a directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.apps = directory / "apps"
        self.apps.mkdir()
        self.variables: dict[str, t.Any] = {
            "inventory_dir": str(directory),
            "word": "hunter2",
            "postgres_instances": {"main": {"version": "17"}},
            "app_timeout": trust_as_template("{{ 60 * 2 }}"),
        }

    def run(self, directory: pathlib.Path | None = None) -> t.Any:
        """Run the action."""
        loader = DataLoader()
        task = types.SimpleNamespace(
            args={"directory": str(directory or self.apps)}, async_val=False, check_mode=False, diff=False, action="x"
        )
        connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="/nowhere"))
        templar = Templar(loader, self.variables)
        return preflight.ActionModule(task, connection, None, loader, templar, None).run(task_vars=self.variables)

    def problems(self, *args: t.Any) -> list[str]:
        """Run the action, which must fail; return what it lists."""
        with pytest.raises(AnsibleActionFail) as failure:
            self.run(*args)
        return [line[2:] for line in str(failure.value.message).splitlines()[1:]]


class Secrets:
    """The lookup, which finds its options only where Ansible loads it; its own tests run it there."""

    def run(self, names: list[str], _variables: t.Any) -> list[str]:
        """Return the one secret that there is."""
        if names != ["shop/postgres/shop"]:
            raise AnsibleLookupError(f"secret {names[0]}: not found in secrets.yml.")
        return ["pa55word"]


@pytest.fixture
def controller(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Controller:
    monkeypatch.setattr(preflight.lookup_loader, "get", lambda *_args, **_options: Secrets())
    return Controller(tmp_path)


def test_a_right_inventory_is_resolved_and_hidden(controller: Controller) -> None:
    (controller.apps / "shop.yml").write_text(APP, encoding="utf-8")
    (controller.apps / "empty.yaml").write_text("", encoding="utf-8")
    result = controller.run()
    assert result["_ansible_no_log"] is True
    assert [app["name"] for app in result["resolved"]["apps"]] == ["shop"]
    assert result["resolved"]["environments"]["shop"]["web"]["literal"] == {"WORD": "hunter2"}
    assert result["resolved"]["postgres_databases"][0]["password"] == "pa55word"


def test_everything_that_cannot_be_read_is_told_at_once(controller: Controller) -> None:
    (controller.apps / "a.yml").write_text(APP.replace("word }}", "wrd }}"), encoding="utf-8")
    (controller.apps / "b.yml").write_text(APP, encoding="utf-8")
    (controller.apps / "c.yml").write_text("[1]", encoding="utf-8")
    (controller.apps / "d.yml").write_text("x: [", encoding="utf-8")
    (controller.apps / "deep").mkdir()
    (controller.apps / "deep/e.yml").write_text(APP.replace("shop", "blog"), encoding="utf-8")
    problems = controller.problems()
    assert [p for p in problems if "env.WORD" in p] == ["app shop: env.WORD: 'wrd' is undefined"]
    assert any(p.startswith("app shop: found in") and "a.yml" in p and "b.yml" in p for p in problems)
    assert any("c.yml: found list, expected a mapping of app names" in p for p in problems)
    assert any("d.yml: cannot be read: YAML parsing failed" in p for p in problems)
    assert any(p.startswith("secret blog/postgres/blog: not found in") for p in problems)
    assert len(problems) == 5


def test_a_missing_directory_and_wrong_variables(controller: Controller, tmp_path: pathlib.Path) -> None:
    controller.variables |= {"app_keep_releases": trust_as_template("{{ nowhere }}"), "app_timeot": 1}
    problems = controller.problems(tmp_path / "nowhere")
    assert "app_keep_releases: 'nowhere' is undefined" in problems
    assert any(p.startswith("app_timeot: found a variable that no role has, expected app_timeout") for p in problems)
    assert any(p.startswith("app_directory: found no directory") for p in problems)
    assert len(problems) == 3
