"""Write docs/reference/ from what the code says: roles' argument_specs and the schema of app files.

``--check`` writes nothing and exits 1 when a page is stale.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
GENERATED = "<!-- Written by scripts/reference.py; change what it reads instead. -->"
MODULE_UTILS = "ansible_collections.berth.server.plugins.module_utils"

# What each key of an app file means. The schema says types, defaults and choices.
APP_KEYS: dict[str, dict[str, str]] = {
    "APP": {
        "version": "Given: a run deploys exactly this version. Absent: a run keeps the version that was deployed last. "
        "`${VERSION}` stands for it in services and in the release command.",
        "source": "Directory of the source where Ansible runs, relative to the directory of the app files. "
        "`build`, mounts and `env_file` in services are relative to it, and `compose` is.",
        "compose": "Compose files in `source`, merged as Compose's `-f` does. What of them berth refuses stands below.",
        "profiles": "Compose profiles to switch on. A service whose profiles are all off is no part of the release.",
        "services": "Name -> service in the Compose specification's own words, with either `image` or `build`. They "
        "are merged over those of the compose files, and `null` removes a key or a service of theirs. What is refused "
        "stands below.",
        "env": "Variables of every service, taken literally. They win over what compose files and `env_file` say. "
        "`env` of `postgres` and `redis` wins over them, and the `environment` of a service here over all.",
        "secrets": "Name -> value. Services get one as a file by Compose's `secrets: [name]`, under `/run/secrets/`. "
        "They win over a compose file's.",
        "release_command": "A command that runs once for each new release, before its services start.",
        "routes": "Which hosts and paths lead to which service.",
        "postgres": "Name -> database of the app. Its owner is a role of the same name, with the secret "
        "`<app>/postgres/<name>` as password.",
        "redis": "Name -> Redis instance of the app's own, with the secret `<app>/redis/<name>` as password.",
        "volumes": "Name -> volume. Docker knows it as `<app>_<name>`; all releases share it.",
        "jobs": "Name -> command that runs at times of its own, in the release that serves then. Its systemd units are "
        "`berth-<app>-<name>`.",
        "exclusive": "Services that must never run twice: the old release's are stopped before the new release starts.",
        "drain": "How long containers of the old release may take to end after SIGTERM, which they get once Traefik "
        "sends requests to the new release.",
        "egress": "`false`: the app's containers are on no network with a way out.",
    },
    "RELEASE_COMMAND": {
        "service": "The service whose image, environment and networks it runs with.",
        "command": "The command, a word an entry.",
        "timeout": "A command that takes longer is ended, and the release fails.",
    },
    "JOB": {
        "service": "The service whose image, environment, networks and volumes it runs with.",
        "command": "The command, a word an entry.",
        "schedule": "When: a time like `03:15`, or a calendar expression of systemd, like `Mon..Fri 03:15` or "
        "`hourly`. The server's time zone holds unless it ends with another.",
        "timeout": "A job that takes longer is ended, and has failed.",
        "environment": "Variables beside those of the service, over which they win.",
    },
    "ROUTE": {
        "hosts": "Host names.",
        "redirect_from": "Hosts that are redirected, permanently, to the first of `hosts`.",
        "path": "`/api` means `/api` and everything below `/api/`.",
        "service": "The service that answers.",
        "port": "The port that the service listens on. It is not published.",
        "health": "Path that is asked before a new release gets requests. The answer's status must be below 400; "
        "for `/`, below 500.",
        "rate_limit": "How many requests a client may send. Traefik answers more with status 429.",
        "middlewares": "Name -> middleware in Traefik's own words, for this route.",
    },
    "RATE_LIMIT": {
        "average": "Requests in each `period`, on average.",
        "burst": "Requests at once.",
        "period": "The time that `average` counts for.",
    },
    "POSTGRES": {
        "instance": "The instance that it is in, one of `postgres_instances`.",
        "extensions": "Extensions to create in it. The instance's `packages` must bring them. `vector=0.8.0` "
        "brings an extension to that version; without one it stays as it is.",
        "import": "A dump of `pg_dump`, plain or custom, also packed by gzip, that a new database starts with. "
        "Relative to the directory of the app files.",
        "import_from": "Where the dump is: where Ansible runs, or on the server.",
        "services": "Services that reach the instance and get `env`. Absent: all.",
        "env": "Variables. `{user}`, `{password}`, `{host}`, `{port}`, `{name}` and `{url}` are filled in, and with "
        "`{password_file}` and `{url_file}` the path of a file that holds the value.",
    },
    "REDIS": {
        "maxmemory": "Redis' `maxmemory`, at least `1mb`. The container's own limit follows from it.",
        "policy": "Redis' `maxmemory-policy`.",
        "persistence": "`aof`: an append-only file. `none`: a restart empties it.",
        "parameters": "More of `redis.conf`, in Redis' own words. A list is a parameter that is said several times.",
        "services": "Services that reach the instance and get `env`. Absent: all.",
        "env": "Variables. `{user}`, `{password}`, `{host}`, `{port}` and `{url}` are filled in, and with "
        "`{password_file}` and `{url_file}` the path of a file that holds the value.",
    },
    "VOLUME": {
        "backup": "How it is to be backed up. It must be said, and nothing reads it yet.",
        "files": "The database files in it, for `sqlite` and `duckdb`. Nothing reads it yet.",
    },
}
SECTIONS = {
    "APP": "An app",
    "RELEASE_COMMAND": "release_command",
    "JOB": "An entry of jobs",
    "ROUTE": "An entry of routes",
    "RATE_LIMIT": "rate_limit of a route",
    "POSTGRES": "An entry of postgres",
    "REDIS": "An entry of redis",
    "VOLUME": "An entry of volumes",
}
APP_INTRODUCTION = """\
# App files

Each file in the inventory's `apps/` maps the name of an app to these keys. An unknown key, a wrong type or a name that
does not exist is reported before anything on the server changes, all mistakes at once. Durations are numbers with `ms`,
`s`, `m` or `h`. [README.md](../../README.md) explains an example."""
SERVICES_INTRODUCTION = """\
## services

A service has the keys of the Compose specification. Without a word about it, it gets `restart: unless-stopped` and
`security_opt: ["no-new-privileges:true"]`; one that another waits for with `service_completed_successfully` gets
`restart: "no"`. Other services are reached by their names, on one network for all of the release. In the app file
only `${VERSION}` is filled in; `$$` is a dollar sign. In compose files `${NAME}` and its forms are filled in from
`.env` beside the first of them and, in `environment`, `configs` and `secrets`, from `env`; never from the shell. Mounts
name volumes of the app, are of type `tmpfs`, or are read-only paths of the source, of which a release gets a copy.
`develop`, `pull_policy`, `attach` and keys that begin with `x-` are left out.
[Deploy the compose file you have](../how-to/deploy-a-compose-file.md) says more. Refused are:"""


def type_of(options: Mapping[str, Any]) -> str:
    """Return an option's type as its reader sees it."""
    kind = str(options.get("type", "str"))
    return f"{kind} of {options['elements']}" if "elements" in options else kind


def default_of(options: Mapping[str, Any]) -> str:
    """Return what holds when nothing is said."""
    if options.get("required"):
        return "required"
    value = options.get("default")
    return "" if value is None else f"`{value if isinstance(value, str) and value else json.dumps(value)}`"


def description_of(options: Mapping[str, Any]) -> str:
    """Return an option's description as Markdown."""
    given = options.get("description", "")
    text = " ".join([given] if isinstance(given, str) else given)
    return re.sub(r"\b[A-Z]\(([^()]*)\)", lambda match: f"`{match[1].split('#')[0]}`", text)


def rows(options: Mapping[str, Mapping[str, Any]], prefix: str = "") -> Iterator[str]:
    """Yield a table row an option, nested ones after the one that holds them."""
    for name, option in options.items():
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        cells = [f"`{prefix}{name}`", type_of(option), default_of(option), description_of(option) + choices]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from rows(option.get("options", {}), f"{prefix}{name}[].")


def table(options: Mapping[str, Mapping[str, Any]], first: str) -> str:
    """Return a Markdown table of options."""
    return "\n".join([f"| {first} | type | default | meaning |", "| --- | --- | --- | --- |", *rows(options)])


def roles_page() -> str:
    """Return the page about the roles' variables."""
    parts = [GENERATED, "# Roles and their variables"]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        name = path.parts[-3]
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]
        parts += [f"## {name}", f"{spec['short_description']}. {description_of(spec)}"]
        parts += [f"More: [roles/{name}](../../roles/{name}/README.md)"]
        parts += [table(spec["options"], "variable")]
    return "\n\n".join(parts) + "\n"


def app_page() -> str:
    """Return the page about app files."""
    schema = _import("_app_schema")
    checks = _import("_service_checks")
    parts = [GENERATED, APP_INTRODUCTION]
    for name, title in SECTIONS.items():
        spec = getattr(schema, name)
        meanings = APP_KEYS[name]
        if missing := spec.keys() ^ meanings.keys():
            raise ValueError(f"{__file__}: APP_KEYS[{name!r}] and the schema differ in {', '.join(sorted(missing))}")
        described = {key: {**options, "description": meanings[key]} for key, options in spec.items()}
        parts += [f"## {title}", table(described, "key")]
    refused = [f"- `{key}`: {reason}" for key, reason in checks.REFUSED.items()]
    refused += [f"- labels that begin with `{prefix}`: {reason}" for prefix, reason in checks.OWNED_LABELS.items()]
    for key, allowed in checks.NAMESPACES.items():
        words = [*(["service:<name>"] if key in checks.SHAREABLE else []), *allowed]
        refused.append(
            f"- `{key}`: " + (f"anything but {', '.join(f'`{word}`' for word in words)}" if words else "any")
        )
    parts += [SERVICES_INTRODUCTION, "\n".join(refused)]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[Path, str]:
    """Return path -> content of every generated page."""
    directory = ROOT / "docs" / "reference"
    return {directory / "roles.md": roles_page(), directory / "app.md": app_page()}


def stale() -> list[Path]:
    """Return the pages that are not what the code says."""
    return [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    if parser.parse_args().check:
        found = stale()
        for path in found:
            print(f"{path.relative_to(ROOT)} is stale; run: python scripts/reference.py")
        return 1 if found else 0
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _import(name: str) -> Any:
    """Import a module of the collection under the name that it is always imported by."""
    collections = str(ROOT / ".ansible" / "collections")
    if collections not in sys.path:
        sys.path.insert(0, collections)
    return importlib.import_module(f"{MODULE_UTILS}.{name}")


if __name__ == "__main__":
    sys.exit(main())
