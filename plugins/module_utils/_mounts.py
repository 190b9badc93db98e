# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a service is given: configs, secrets, and what it mounts of the app's source."""

from __future__ import annotations

import base64
import dataclasses
import pathlib
import typing as t

from ansible_collections.berth.server.plugins.module_utils._app_schema import Problems
from ansible_collections.berth.server.plugins.module_utils._canonical import content_hash
from ansible_collections.berth.server.plugins.module_utils._compose import unknown_variables
from ansible_collections.berth.server.plugins.module_utils._reading import Reading, mapping, word
from ansible_collections.berth.server.plugins.module_utils._source import SourceError, content_digest

# Where a release finds them, as seen from its own directory: files of its own, and content that releases share.
PRIVATE = "private"
SHARED = "../../files"
LARGEST = 1024 * 1024
SECRET_DIRECTORY = "/run/secrets"
DEFAULT_MODE = 0o444  # the image's user, whoever it is; on the server their directory is root's alone


@dataclasses.dataclass
class Given:
    """``definition``: the service with mounts alone. ``files``: content for a release. ``shared``: paths to bring."""

    definition: dict[str, t.Any]
    files: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    shared: list[dict[str, str]] = dataclasses.field(default_factory=list)

    def add(self, service: str, name: str, target: str, content: t.Mapping[str, str], **owner: str) -> None:
        """Give the service a file of its own with this content."""
        path = f"{PRIVATE}/{service}/{name}-{content_hash([name, target])[:8]}"
        self.files.append({"path": path, "mode": f"{DEFAULT_MODE:04o}", **content, **owner})
        self.mount(f"./{path}", target)

    def mount(self, source: str, target: str) -> None:
        """Mount a path, to be read alone."""
        # Docker would make a directory of what is gone, and then mount that.
        how = {"read_only": True, "bind": {"create_host_path": False}}
        mount = {"type": "bind", "source": source, "target": target, **how}
        self.definition["volumes"] = [*(self.definition.get("volumes") or []), mount]


def give(
    app: str,
    service: str,
    definition: t.Mapping[str, t.Any],
    secrets: t.Mapping[str, t.Any],
    reading: Reading,
    problems: Problems,
) -> Given:
    """Turn a service's configs, secrets and mounts of the source into mounts of files on the server.

    ``secrets``: those of the app file, which win over a compose file's of the same name.
    """
    given = Given({k: v for k, v in definition.items() if k not in ("configs", "secrets", "volumes")})
    volumes = definition.get("volumes")
    for i, mount in enumerate(volumes if isinstance(volumes, list) else ()):
        if isinstance(mount, t.Mapping) and mount.get("type") == "bind":
            _give_path(app, f"volumes[{i}]", service, mount, given, reading, problems)
        else:
            given.definition.setdefault("volumes", []).append(mount)
    for kind in ("configs", "secrets"):
        entries = definition.get(kind) or []
        if not isinstance(entries, list):
            problems.add(app, reading.at(service, kind), type(entries).__name__, "a list")
            continue
        values = {name: {"literal": word(value)} for name, value in secrets.items()} if kind == "secrets" else {}
        for i, entry in enumerate(entries):
            key = reading.at(service, f"{kind}[{i}]")
            name = str(mapping(entry).get("source", ""))
            known = {**reading.top[kind], **values}
            if name not in known:
                problems.add(app, key, name, reading.one_of(kind.removesuffix("s"), known, None))
            elif content := values.get(name) or _content(app, kind, name, reading, problems):
                target = str(mapping(entry).get("target") or name)
                folder = SECRET_DIRECTORY if kind == "secrets" else ""
                owner = _owner(app, key, entry, problems)
                given.add(service, name, target if target[:1] == "/" else f"{folder}/{target}", content, **owner)
    return given


def _give_path(
    app: str,
    place: str,
    service: str,
    mount: t.Mapping[str, t.Any],
    given: Given,
    reading: Reading,
    problems: Problems,
) -> None:
    """Bring a file or directory of the source to the server, where it is known by its content."""
    key, hint = reading.at(service, place), reading.hint(service, "volumes")
    path = pathlib.Path(str(mount.get("source")))
    if path.name == "docker.sock":
        expected = "no Docker socket; who has it is root on the server"
        problems.add(app, key, str(path), expected + hint)
    elif reading.source is None:
        expected = "a volume of the app, or source in the app file and a path inside it"
        problems.add(app, key, str(mount.get("source")), expected)
    elif not path.resolve().is_relative_to(reading.source.resolve()):
        problems.add(app, key, str(path), f"a volume, or a path inside the source {reading.source.resolve()}{hint}")
    elif str(mount.get("read_only", False)).lower() != "true":
        expected = (
            f"':ro' behind {mount.get('target')}: a release gets a copy; what a service writes belongs in a volume"
        )
        problems.add(app, key, f"{path}, writable", expected + hint)
    elif not path.exists():
        problems.add(app, key, str(path), "a file or directory that is there")
    else:
        try:
            digest = content_digest(path.resolve())
        except (SourceError, OSError) as error:
            problems.messages.append(f"app {app}: {key}: {error}")
            return
        given.shared.append({"context": str(path.resolve()), "digest": digest})
        below = "" if path.is_dir() else f"/{path.resolve().name}"
        given.mount(f"{SHARED}/{digest}/content{below}", str(mount.get("target")))


def _content(app: str, kind: str, name: str, reading: Reading, problems: Problems) -> dict[str, str]:
    """Return the content of a config or secret of a compose file: literal text, Compose's words, or base64."""
    definition, key = mapping(reading.top[kind][name]), f"{kind}.{name}"
    if "content" in definition:
        text = str(definition["content"])
        if unknown := sorted(unknown_variables(text, ["VERSION"])):
            shown = ", ".join(n if n == "$" else "${" + n + "}" for n in unknown)
            problems.add(app, f"{key}.content", shown, "a value in .env or in env of the app, or $$ for a dollar sign")
        return {"compose": text}
    if "environment" in definition:
        variable = str(definition["environment"])
        if variable in reading.variables:
            return {"literal": reading.variables[variable]}
        problems.add(app, f"{key}.environment", variable, "a variable with a value in .env or in env of the app")
        return {}
    if not isinstance(definition.get("file"), str) or reading.source is None:
        advice = f"; 'secrets: {{{name}: ...}}' in the app file gives its value" * (kind == "secrets")
        problems.add(app, key, ", ".join(definition) or "nothing", f"file, content or environment{advice}")
        return {}
    path = pathlib.Path(definition["file"])
    if not path.resolve().is_relative_to(reading.source.resolve()):
        problems.add(app, f"{key}.file", str(path), f"a path inside the source {reading.source.resolve()}")
    elif not path.is_file():
        problems.add(app, f"{key}.file", str(path), "a file that is there")
    elif path.stat().st_size > LARGEST:
        problems.add(app, f"{key}.file", f"{path.stat().st_size} bytes", "at most 1 MiB; mount larger files read-only")
    else:
        content = path.read_bytes()
        try:
            return {"literal": content.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(content).decode()}
    return {}


def _owner(app: str, key: str, entry: t.Any, problems: Problems) -> dict[str, str]:
    """Return owner, group and mode as the long form says them; Compose itself cannot set them."""
    found = {}
    for name, option in (("owner", "uid"), ("group", "gid")):
        if option in mapping(entry):
            found[name] = str(entry[option])
            if not found[name].isdecimal():
                problems.add(app, f"{key}.{option}", entry[option], "a number")
    mode = mapping(entry).get("mode")
    if mode is not None:
        # YAML reads 0440 as a number, a variable gives it as text.
        number = int(mode, 8) if isinstance(mode, str) and mode.strip("01234567") == "" and mode else mode
        if isinstance(number, int) and 0 <= number <= 0o777:
            found["mode"] = f"{number:04o}"
        else:
            problems.add(app, f"{key}.mode", mode, "an octal number like 0440")
    return found
