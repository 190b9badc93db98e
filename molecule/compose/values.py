"""Writes an app file with arbitrary values as variables and files, and compares what its containers have with it.

`values.py write <directory> <seed>` writes the app file and expected.json; `values.py compare <directory>` reads what
a container said from stdin. An app file is a Jinja template, so values with a brace are marked as unsafe.
"""

import base64
import json
import pathlib
import random
import sys

HARD = [
    "'",
    '"',
    "$",
    "$$",
    "${A}",
    "$A",
    "#",
    " #",
    "\n",
    "\r\n",
    "\t",
    "=",
    "\\",
    "\\n",
    "`",
    ":",
    "- ",
    "!",
    "&a",
    "*a",
]
HARD += ["%s", "{", "}", "{{ a }}", "{% a %}", "é", "漢", "😀", "\u0085", "\u2028", "\ufeff", "\ufffe", "\x01", "\x7f"]
HARD += [" ", "null", "1e3", "0o7"]
LONGEST = 64 * 1024


def value(choose: random.Random) -> str:
    """Return a text of what YAML, Compose, Jinja and shells read as something else."""
    return "".join(choose.choice([*HARD, chr(choose.randrange(1, 0xD800))]) for _part in range(choose.randrange(12)))


def quoted(text: str) -> str:
    """Return a YAML scalar of printable ASCII alone; Ansible reads a number in what is marked, so not all is."""
    mark = "!unsafe " if "{" in text else ""
    return mark + '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


def write(directory: pathlib.Path, seed: str) -> None:
    """Write the app file, and what its container is to have."""
    choose = random.Random(seed)
    kinds = {kind: {f"{kind}_{i}": value(choose) for i in range(70)} for kind in ("env", "service", "secret")}
    longest = "".join(choose.choice("a$\"'#\n= é") for _character in range(LONGEST))
    for kind, values in kinds.items():
        values[f"{kind}_longest"] = longest.encode()[:LONGEST].decode(errors="ignore")
    kinds["secret"]["secret_nul"] = "a\0b"
    lines = ["values:", "  env:", *(f"    {name}: {quoted(text)}" for name, text in kinds["env"].items())]
    lines += ["  secrets:", *(f"    {name}: {quoted(text)}" for name, text in kinds["secret"].items())]
    lines += ["  services:", "    one:", "      image: python:3.13-slim-trixie", "      command: sleep infinity"]
    lines += ["      user: '1000'", "      stop_signal: SIGKILL", f"      secrets: [{', '.join(kinds['secret'])}]"]
    lines += ["      environment:"]
    lines += [f"        {name}: {quoted(text.replace('$', '$$'))}" for name, text in kinds["service"].items()]
    directory.joinpath("apps").mkdir(exist_ok=True)
    directory.joinpath("apps", "values.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    directory.joinpath("expected.json").write_text(json.dumps(kinds), encoding="utf-8")


def compare(directory: pathlib.Path) -> None:
    """Exit 1, with the names of those that differ."""
    kinds = json.loads(directory.joinpath("expected.json").read_text(encoding="utf-8"))
    wanted = {name: text for values in kinds.values() for name, text in values.items()}
    found = {name: base64.b64decode(text) for name, text in json.load(sys.stdin).items()}
    differing = [name for name, text in wanted.items() if found.get(name) != text.encode()]
    print(f"{len(wanted)} values, {len(differing)} differ: {differing}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        compare(pathlib.Path(sys.argv[2]))
