import pytest

from app.uvl import count_configurations, parse


def tree(*lines: str, constraints: tuple[str, ...] = ()) -> str:
    """A model with the root R; one space of indentation is enough."""
    parts = ["features", " R", *(f"  {line}" for line in lines)]
    return "\n".join(parts + ["constraints"] + [f" {rule}" for rule in constraints])


ABC = ("optional", " A", " B", " C")


@pytest.mark.parametrize(
    ("text", "configurations"),
    [
        (tree(), 1),
        (tree("mandatory", " A", " B"), 1),
        (tree(*ABC), 8),
        (tree("or", " A", " B", " C"), 7),
        (tree("alternative", " A", " B", " C"), 3),
        (tree("optional", " A", "  alternative", "   B", "   C", "or", " D", " E"), 9),
        (tree(*ABC, constraints=("A => B",)), 6),
        (tree(*ABC, constraints=("A => B", "B => C")), 4),
        (tree(*ABC, constraints=("!(A & B) | C",)), 7),
        (tree(*ABC, constraints=("A <=> !B",)), 4),
        (tree("mandatory", " A", "optional", " B", constraints=("A & !A",)), 0),
        (tree("optional", *(f" F{i}" for i in range(80))), 2**80),
    ],
)
def test_count(text: str, configurations: int) -> None:
    assert count_configurations(parse(text)) == configurations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no features"),
        ("R", "line 1: expected features or constraints"),
        (" R", "line 1: expected a feature's name"),
        ("features\n R\n S", "line 3: S is a second root beside R"),
        (tree("optional", " R"), "line 4: the feature R is there twice"),
        (tree("A"), "line 3: expected mandatory, optional, or, alternative, found A"),
        (tree(*ABC, constraints=("A => X",)), "line 8: expected a feature of the model, found X"),
        (tree(*ABC, constraints=("A =>",)), "found the end"),
        (tree(*ABC, constraints=("(A",)), "a parenthesis is not closed"),
        (tree(*ABC, constraints=("A B",)), "did not expect B"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)
