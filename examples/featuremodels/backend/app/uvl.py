"""Feature models in a subset of UVL, the Universal Variability Language.

Features and groups (mandatory, optional, or, alternative) by indentation, then constraints with
`!`, `&`, `|`, `=>`, `<=>` and parentheses. No attributes, cardinalities or imports.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from math import prod

GROUPS = ("mandatory", "optional", "or", "alternative")
MAX_CONSTRAINED = 14  # analysis walks through all 2^n selections of the features in constraints
MAX_DEPTH = 50

Selection = dict[str, bool]
Constraint = Callable[[Selection], bool]


@dataclass
class Feature:
    name: str
    groups: list["Group"] = field(default_factory=list)


@dataclass
class Group:
    kind: str
    members: list[Feature] = field(default_factory=list)


@dataclass
class Model:
    root: Feature
    names: list[str]
    depth: int
    constraints: list[Constraint]
    constrained: list[str]


def parse(text: str) -> Model:
    """The model in `text`; raises ValueError that names the line."""
    root: Feature | None = None
    names: list[str] = []
    constraints: list[tuple[int, str]] = []
    section, depth = "", 0
    open_nodes: list[tuple[int, Feature | Group]] = []
    for number, raw in enumerate(text.expandtabs(4).splitlines(), 1):
        line = raw.split("//")[0].rstrip()
        word = line.strip()
        if not word:
            continue
        indent = len(line) - len(word)
        if indent == 0:
            if word not in ("features", "constraints"):
                raise ValueError(f"line {number}: expected features or constraints, found {word}")
            section = word
            continue
        if section == "constraints":
            constraints.append((number, word))
            continue
        while open_nodes and open_nodes[-1][0] >= indent:
            open_nodes.pop()
        parent = open_nodes[-1][1] if open_nodes else None
        node: Feature | Group
        if isinstance(parent, Feature):
            if word not in GROUPS:
                raise ValueError(f"line {number}: expected {', '.join(GROUPS)}, found {word}")
            node = Group(word)
            parent.groups.append(node)
        else:
            if section != "features" or not re.fullmatch(r"[A-Za-z_][\w-]*", word) or word in GROUPS:
                raise ValueError(f"line {number}: expected a feature's name, found {word}")
            if word in names:
                raise ValueError(f"line {number}: the feature {word} is there twice")
            node = Feature(word)
            names.append(word)
            if parent is not None:
                parent.members.append(node)
            elif root is None:
                root = node
            else:
                raise ValueError(f"line {number}: {word} is a second root beside {root.name}")
        open_nodes.append((indent, node))
        depth = max(depth, (len(open_nodes) + 1) // 2)
    if root is None:
        raise ValueError("the model has no features")
    if depth > MAX_DEPTH:
        raise ValueError(f"the tree is {depth} features deep, at most {MAX_DEPTH} can be")
    used: set[str] = set()
    rules = [_constraint(rule, number, names, used) for number, rule in constraints]
    if len(used) > MAX_CONSTRAINED:
        raise ValueError(f"{len(used)} features stand in constraints, at most {MAX_CONSTRAINED} can")
    return Model(root, names, depth, rules, sorted(used))


def _constraint(rule: str, number: int, names: list[str], used: set[str]) -> Constraint:
    """One rule as a function of a selection; adds the features it names to `used`."""
    tokens = re.findall(r"<=>|=>|[!&|()]|[A-Za-z_][\w-]*|\S", rule)

    def take(*expected: str) -> bool:
        return bool(tokens) and tokens[0] in expected and bool(tokens.pop(0))

    def atom() -> Constraint:
        if take("!"):
            inner = atom()
            return lambda s: not inner(s)
        if take("("):
            inner = binary(0)
            if not take(")"):
                raise ValueError(f"line {number}: a parenthesis is not closed")
            return inner
        name = tokens.pop(0) if tokens else "the end"
        if name not in names:
            raise ValueError(f"line {number}: expected a feature of the model, found {name}")
        used.add(name)
        return lambda s: s[name]

    def binary(level: int) -> Constraint:
        if level == len(levels):
            return atom()
        symbol, operator = levels[level]
        left = binary(level + 1)
        while take(symbol):
            left = _join(operator, left, binary(level + 1))
        return left

    levels: list[tuple[str, Callable[[bool, bool], bool]]] = [
        ("<=>", lambda a, b: a == b),
        ("=>", lambda a, b: not a or b),
        ("|", lambda a, b: a or b),
        ("&", lambda a, b: a and b),
    ]
    result = binary(0)
    if tokens:
        raise ValueError(f"line {number}: did not expect {tokens[0]}")
    return result


def _join(operator: Callable[[bool, bool], bool], a: Constraint, b: Constraint) -> Constraint:
    return lambda s: operator(a(s), b(s))


def _ways(feature: Feature, fixed: Selection) -> tuple[int, int]:
    """In how many ways the subtree can be (with, without) the feature, under `fixed`."""
    selected, without = 1, 0 if fixed.get(feature.name) else 1
    for group in feature.groups:
        members = [_ways(member, fixed) for member in group.members]
        none = prod(out for _, out in members)
        without *= none
        if group.kind == "mandatory":
            selected *= prod(into for into, _ in members)
        elif group.kind == "optional":
            selected *= prod(into + out for into, out in members)
        elif group.kind == "or":
            selected *= prod(into + out for into, out in members) - none
        else:
            selected *= sum(
                into * prod(out for j, (_, out) in enumerate(members) if j != i) for i, (into, _) in enumerate(members)
            )
    return (0 if fixed.get(feature.name) is False else selected), without


def count_configurations(model: Model) -> int:
    """How many valid products the model describes: exact, by dynamic programming over the tree."""
    total = 0
    for values in product((False, True), repeat=len(model.constrained)):
        fixed = dict(zip(model.constrained, values, strict=True))
        if all(rule(fixed) for rule in model.constraints):
            total += _ways(model.root, fixed)[0]
    return total
