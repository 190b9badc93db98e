"""The generated pages of docs/reference are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import reference


def test_pages_are_up_to_date() -> None:
    assert reference.stale() == [], "run: python scripts/reference.py"


def test_every_role_has_its_section() -> None:
    page = reference.roles_page()
    for path in (reference.ROOT / "roles").iterdir():
        assert f"\n## {path.name}\n" in page


def test_a_key_without_a_meaning_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    meanings = {key: text for key, text in reference.APP_KEYS["ROUTE"].items() if key != "health"}
    monkeypatch.setitem(reference.APP_KEYS, "ROUTE", meanings)
    with pytest.raises(ValueError, match="health"):
        reference.app_page()


@pytest.mark.parametrize("content", [None, "something else\n"], ids=["missing", "different"])
def test_check_tells_of_stale_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    page = tmp_path / "roles.md"
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "pages", lambda: {page: "as the code says\n"})
    monkeypatch.setattr("sys.argv", ["reference.py", "--check"])
    if content is not None:
        page.write_text(content, encoding="utf-8")
    assert reference.main() == 1
    assert "roles.md is stale" in capsys.readouterr().out
    page.write_text("as the code says\n", encoding="utf-8")
    assert reference.main() == 0


@pytest.mark.parametrize(
    ("options", "kind", "default"),
    [
        ({"type": "list", "elements": "str", "default": []}, "list of str", "`[]`"),
        ({"type": "str", "default": ""}, "str", '`""`'),
        ({"type": "str", "default": "30s"}, "str", "`30s`"),
        ({"type": "bool", "default": True}, "bool", "`true`"),
        ({"type": "int", "required": True}, "int", "required"),
        ({"type": "dict"}, "dict", ""),
    ],
)
def test_cells(options: dict[str, object], kind: str, default: str) -> None:
    assert (reference.type_of(options), reference.default_of(options)) == (kind, default)


def test_ansible_markup_becomes_markdown() -> None:
    text = reference.description_of({"description": ["Writes C(daemon.json).", "P(berth.server.secret#lookup) reads."]})
    assert text == "Writes `daemon.json`. `berth.server.secret` reads."
