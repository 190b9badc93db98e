# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine in memory that answers the docker and Compose commands that plugins use, and Traefik's API."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import yaml

# Commands that change nothing.
READS = (
    "ps",
    "container",
    "image inspect",
    "network ls",
    "network inspect",
    "version",
    "inspect",
    "logs",
    "exec",
    "info",
)
COMPOSE_READS = ("config", "logs")


def image_id(reference: str) -> str:
    """Return the id that an image gets when it is pulled or built."""
    return "sha256:" + hashlib.sha256(reference.encode()).hexdigest()


class Engine:
    """A Docker engine in memory. ``run`` takes argv; ``commands`` keeps those that change something."""

    def __init__(self) -> None:
        self.images: dict[str, str] = {}
        self.registry: set[str] = set()
        self.containers: dict[str, dict[str, t.Any]] = {}
        self.networks = {"bridge": "id-bridge"}
        self.subnet = "10.0.0.0/24"
        self.failures: dict[str, str] = {}  # start of a command -> what it says on stderr
        self.states: dict[str, dict[str, t.Any]] = {}  # image id, or "restarted" for once -> state of containers
        self.dynamic: pathlib.Path | None = None  # Traefik's directory
        self.traefik_says = ""  # instead of what it does
        self.answers: dict[str, str] = {}  # start of a command in a container -> what it says
        self.trial_log = ""  # what a throwaway Traefik says of its files
        self.trials: dict[str, pathlib.Path] = {}  # each one's name -> what it reads
        self.commands: list[str] = []

    def run(self, argv: list[str]) -> tuple[int, str, str]:
        """Run a command as ``AnsibleModule.run_command`` does."""
        if argv[0] == "timeout":
            argv = argv[argv.index("docker") :]
        if argv[0] == "nsenter" and argv[2] in self.trials:
            return 0, json.dumps(self._rawdata(self.trials[argv[2]])), ""
        if argv[0] == "nsenter":
            return 0, self.traefik_says or json.dumps(self._rawdata(self.dynamic)), ""
        project, files, words = "", [], argv[1:]
        if words[:2] == ["compose", "--project-name"]:
            project, words = words[2], words[3:]
            while words[0].startswith("--"):
                files += [words[1]] if words[0] == "--file" else []
                words = words[2:]
            words = ["compose", *words]
        text = " ".join(words)
        if "berth-trial" in text:
            return self._trial(words)
        if not text.startswith(READS) and not text.startswith(tuple(f"compose {w}" for w in COMPOSE_READS)):
            self.commands.append(text)
        for start, message in self.failures.items():
            if text.startswith(start):
                return 1, "", message
        if project:
            return self._compose(project, files, words[1:])
        return getattr(self, "_" + words[0])(words[1:])  # type: ignore[no-any-return]

    def add(self, project: str, service: str, **changes: t.Any) -> dict[str, t.Any]:
        """Put a container there; return it as ``docker inspect`` shows it."""
        container: dict[str, t.Any] = {
            "Id": f"{service}#{len(self.commands)}",
            "Name": f"/{project}-{service}",
            "Config": {
                "Labels": {
                    "com.docker.compose.project": project,
                    "com.docker.compose.service": service,
                    "com.docker.compose.oneoff": "False",
                }
            },
            "State": {"Status": "running", "Health": {"Status": "healthy"}},
            "NetworkSettings": {"Networks": {}},
            **changes,
        }
        self.containers[container["Id"]] = container
        return container

    def services(self) -> list[str]:
        """Return the service of every container."""
        return sorted(c["Config"]["Labels"]["com.docker.compose.service"] for c in self.containers.values())

    def _compose(self, project: str, files: list[str], words: list[str]) -> tuple[int, str, str]:
        if words[0] in ("logs", "run"):
            return self._logs(words)
        if words[0] == "down":
            for found in self._matching([f"label=com.docker.compose.project={project}"]):
                del self.containers[found["Id"]]
            self.networks.pop(f"{project}_default", None)
            return 0, "", ""
        wanted = yaml.safe_load(pathlib.Path(files[0]).read_text(encoding="utf-8"))
        if words[0] == "config":
            return 0, "\n".join(wanted["services"]), ""
        if words[0] == "create":
            made = [
                key for key, options in (wanted.get("networks") or {}).items() if not (options or {}).get("external")
            ]
            self.networks.update({f"{project}_{key}": f"id-{project}_{key}" for key in made})
            return 0, "", ""
        for service in [word for word in words[1:] if not word.startswith("--")]:
            self._up(project, service, wanted["services"][service], wanted.get("networks") or {})
        return 0, "", ""

    def _up(self, project: str, service: str, definition: dict[str, t.Any], networks: dict[str, t.Any]) -> None:
        for found in self._matching([f"label=com.docker.compose.project={project}"]):
            if found["Config"]["Labels"]["com.docker.compose.service"] == service:
                del self.containers[found["Id"]]
        container = self.add(project, service)
        container["Config"]["Labels"].update(definition.get("labels") or {})
        container["State"] = self.states.get(self.images[definition["image"]], container["State"])
        container["Name"] = "/" + definition.get("container_name", container["Name"])
        joined = definition.get("networks") or ["default"]
        for key in joined:
            options = (joined[key] if isinstance(joined, dict) else None) or {}
            name = (networks.get(key) or {}).get("name") or f"{project}_{key}"
            container["NetworkSettings"]["Networks"][name] = {
                "NetworkID": self.networks.setdefault(name, f"id-{name}"),
                "IPAMConfig": {"IPv4Address": options.get("ipv4_address")},
                "Aliases": options.get("aliases"),
            }

    def _matching(self, filters: list[str]) -> list[dict[str, t.Any]]:
        found = list(self.containers.values())
        for kind, _equals, value in (text.partition("=") for text in filters):
            if kind == "network":
                found = [c for c in found if value in c["NetworkSettings"]["Networks"]]
                continue
            if kind == "id":
                found = [c for c in found if c["Id"] == value]
                continue
            label, equals, wanted = value.partition("=")
            found = [
                c
                for c in found
                if (c["Config"]["Labels"].get(label) == wanted if equals else label in c["Config"]["Labels"])
            ]
        return found

    def _ps(self, words: list[str]) -> tuple[int, str, str]:
        filters = [words[i + 1] for i, word in enumerate(words) if word == "--filter"]
        return 0, "\n".join(c["Id"] for c in self._matching(filters)), ""

    def _container(self, words: list[str]) -> tuple[int, str, str]:
        return 0, json.dumps([self.containers[name] for name in words[1:] if name in self.containers]), ""

    def _image(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "rm":
            del self.images[words[1]]
            return 0, "", ""
        known = {**self.images, **{found: found for found in self.images.values()}}
        found = [{"Id": known[name]} for name in words[1:] if name in known]
        return int(len(found) < len(words) - 1), json.dumps(found), ""

    def _network(self, words: list[str]) -> tuple[int, str, str]:
        if words[0] == "inspect":
            return 0, self.subnet + "\n", ""
        if words[0] == "rm":
            self.networks.pop(words[1], None)
            return 0, "", ""
        shape = "{found}\n" if "--quiet" in words else "{name}\t{found}\n"
        return 0, "".join(shape.format(name=name, found=found) for name, found in self.networks.items()), ""

    def _pull(self, words: list[str]) -> tuple[int, str, str]:
        if words[-1] not in self.registry:
            return 1, "", f"manifest for {words[-1]} not found"
        self.images[words[-1]] = image_id(words[-1])
        return 0, "", ""

    def _build(self, words: list[str]) -> tuple[int, str, str]:
        tag = words[words.index("--tag") + 1]
        self.images[tag] = image_id(tag)
        return 0, "", ""

    def _tag(self, words: list[str]) -> tuple[int, str, str]:
        self.images[words[1]] = words[0]
        return 0, "", ""

    def _rm(self, words: list[str]) -> tuple[int, str, str]:
        for name in words:
            self.containers.pop(name, None)
        return 0, "", ""

    def _start(self, words: list[str]) -> tuple[int, str, str]:
        self.containers[words[-1]]["State"] = {"Status": "running", "Health": {"Status": "healthy"}}
        return 0, "", ""

    _unpause = _start

    def _restart(self, words: list[str]) -> tuple[int, str, str]:
        self._start(words)
        self.containers[words[-1]]["State"].update(self.states.pop("restarted", {}))
        return 0, "", ""

    def _stop(self, words: list[str]) -> tuple[int, str, str]:
        for name in set(words) & self.containers.keys():
            self.containers[name]["State"] = {"Status": "exited", "ExitCode": 0}
        return 0, "", ""

    def _done(self, _words: list[str]) -> tuple[int, str, str]:
        return 0, "", ""

    _kill = _volume = _run = _done

    def _exec(self, words: list[str]) -> tuple[int, str, str]:
        command = " ".join(words[1:])
        said = next((text for start, text in self.answers.items() if command.startswith(start)), None)
        return (1, "", "no such command") if said is None else (0, said + "\n", "")

    def _version(self, _words: list[str]) -> tuple[int, str, str]:
        return 0, "26.1.5\n", ""

    def _logs(self, _words: list[str]) -> tuple[int, str, str]:
        return 0, "a line of its log\n", ""

    def _inspect(self, _words: list[str]) -> tuple[int, str, str]:
        return 0, "4242\n", ""

    def _trial(self, words: list[str]) -> tuple[int, str, str]:
        """Run a throwaway Traefik, whose process has its name for a number."""
        if words[0] == "run":
            place = next(w for w in words if ":/etc/traefik/dynamic" in w).partition(":")[0]
            self.trials[words[words.index("--name") + 1]] = pathlib.Path(place)
        elif words[0] == "inspect":
            return 0, "true\n" if "Running" in words[2] else f"{words[-1]}\n", ""
        elif words[0] == "logs":
            return 0, self.trial_log, ""
        return 0, "", ""

    def _rawdata(self, dynamic: pathlib.Path | None) -> dict[str, t.Any]:
        data: dict[str, t.Any] = {"routers": {}, "services": {}}
        for path in dynamic.glob("*.yml") if dynamic else ():
            for kind, items in yaml.safe_load(path.read_text(encoding="utf-8"))["http"].items():
                for name, item in items.items():
                    data.setdefault(kind, {})[f"{name}@file"] = {"status": "enabled", **item}
        return data
