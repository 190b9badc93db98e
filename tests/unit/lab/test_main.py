"""The command line: what it refuses."""

from __future__ import annotations

import pytest

from lab import __main__ as cli
from lab.errors import LabError


@pytest.mark.parametrize(
    "arguments",
    [["down"], ["down", "demo", "--all"], ["down", "demo", "--purge"], ["down", "--purge"]],
    ids=" ".join,
)
def test_down_wants_a_name_or_all(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 1
    assert "lab: error: down: expected either a name or --all" in capsys.readouterr().err


def test_a_bad_name_is_refused_before_docker_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "Demo"]) == 1
    assert "server 'Demo': expected lower case letters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "expected"),
    [(["--", "ls", "-l"], ["ls", "-l"]), (["ls"], ["ls"]), (["--", "sh", "-c", "--", "x"], ["sh", "-c", "--", "x"])],
)
def test_command(argv: list[str], expected: list[str]) -> None:
    assert cli._command(argv) == expected


@pytest.mark.parametrize("argv", [[], ["--"]])
def test_no_command(argv: list[str]) -> None:
    with pytest.raises(LabError, match="no command"):
        cli._command(argv)


def test_exec_takes_options_of_the_command() -> None:
    options = cli._parser().parse_args(["exec", "demo", "--", "ls", "--all"])
    assert (options.name, cli._command(options.argv)) == ("demo", ["ls", "--all"])
