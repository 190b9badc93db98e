# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as people have them, with an app file beside them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from tests.unit.plugins.builders import app_problems, resolve_apps

Files = dict[str, str]


class Source:
    """An app's source, and what becomes of it."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        root.joinpath("src").mkdir()

    def write(self, files: t.Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.root / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def problems(self, app: str = "", **keys: t.Any) -> list[str]:
        return app_problems({"shop": self._app(app, keys)}, str(self.root), ["main"])

    def resolve(self, app: str = "", **keys: t.Any) -> dict[str, t.Any]:
        """Return the app's services, with what they are given under ``env`` and ``files``."""
        assert self.problems(app, **keys) == []
        secrets = {"shop/redis/queue": "p/w", "shop/postgres/shop": "pw"}
        found = resolve_apps({"shop": self._app(app, keys)}, secrets, str(self.root))
        (self.app,) = found["apps"]
        for name, service in self.app["services"].items():
            given = found["environments"]["shop"][name]
            service["env"] = {**given.get("file", {}), **given["literal"], **given["compose"]}
            service["files"] = given.get("files", [])
        return dict(self.app["services"])

    def _app(self, app: str, keys: dict[str, t.Any]) -> dict[str, t.Any]:
        return {"source": "src", "compose": "compose.yml", **(yaml.safe_load(app) or {}), **keys}


@pytest.fixture
def source(tmp_path: pathlib.Path) -> Source:
    return Source(tmp_path)


def services(text: str) -> Files:
    return {"compose.yml": "services:\n" + "\n".join("  " + line for line in text.strip("\n").splitlines())}


def test_app_file_wins_and_null_removes(source: Source) -> None:
    source.write(
        services("""
web: {image: "web:1", ports: ["80:80"], command: [a], environment: {A: file, B: file, C: file}, depends_on: [db, job]}
job: {image: "job:1"}
db: {image: "postgres:17", ports: ["5432:5432"]}
""")
    )
    found = source.resolve("""
services:
  db:
  web: {ports: null, command: [b], environment: {A: app, C: null}}
env: {B: app}
""")
    assert list(found) == ["web", "job"]
    assert (found["web"]["command"], found["web"]["env"]) == (["b"], {"A": "app", "B": "app"})
    assert list(found["web"]["depends_on"]) == ["job"]
    assert "ports" not in found["web"]


def test_services_alone_need_no_compose_file(source: Source) -> None:
    assert list(source.resolve("{services: {web: {image: x}}}", compose=[])) == ["web"]


def test_variables_of_files_come_from_env_and_dotenv_and_stay_apart(source: Source) -> None:
    source.write({".env": "TAG=1\nNAME=dotenv\n", "a.env": "FROM_A=${TAG}\nBOTH=a\nDOLLAR='$$'\n"})
    source.write(
        services("""
web:
  image: "web:${TAG}-${MISSING:-x}"
  env_file: [a.env]
  environment: [NAME, "BOTH=${NAME}", "KEY=${KEY:?}", "OTHER=${OTHER}", PASSED]
""")
    )
    found = source.resolve("""
env: {NAME: app, KEY: "a$b", OTHER: given}
redis: {queue: {env: {PASSED: "{url}"}}}
""")["web"]
    assert found["image"] == "web:1-x"
    assert found["env"] == {
        "FROM_A": "1",
        "DOLLAR": "$$$$",
        "NAME": "app",
        "BOTH": "app",
        "KEY": "a$b",
        "OTHER": "given",
        "PASSED": "redis://shop:p%2Fw@redis-shop-queue:6379/0",
    }


def test_env_of_the_app_is_not_written_where_all_can_read_it(source: Source) -> None:
    source.write(services("""web: {image: x, command: "serve --key ${KEY}", labels: {a: "${KEY:-none}"}}"""))
    (message,) = source.problems("{env: {KEY: hunter2}}")
    assert message.startswith("app shop: compose.yml: services.web.command: found '${KEY}', expected a value in .env")
    assert "hunter2" not in message


def test_several_files_are_merged(source: Source) -> None:
    source.write(services("web: {image: a, ports: ['80:80'], environment: {A: 1, B: 1}, volumes: ['v:/x']}"))
    source.write({"more/prod.yml": "services: {web: {ports: !reset [], environment: {B: 2}, volumes: ['./c:/c:ro']}}"})
    source.write({"c/f": "x"})
    found = source.resolve("{volumes: {v: {backup: none}}}", compose=["compose.yml", "more/prod.yml"])["web"]
    assert found["env"] == {"A": "1", "B": "2"}
    assert [m if isinstance(m, str) else m["target"] for m in found["volumes"]] == ["v:/x", "/c"]
    assert "ports" not in found


def test_include_has_its_own_directory_and_variables(source: Source) -> None:
    source.write({"compose.yml": "include: [sub/compose.yml, {path: [other.yml], env_file: o.env}]\nservices: {}"})
    source.write({".env": "OUTER=outer\n", "o.env": "O=o\n", "sub/.env": "INNER=inner\nOUTER=lost\n"})
    source.write({"sub/compose.yml": "services: {aa: {image: '${INNER}-${OUTER}', env_file: a.env}}"})
    source.write({"sub/a.env": "A=1\n", "other.yml": "services: {bb: {image: '${O}'}}"})
    found = source.resolve()
    assert (found["aa"]["image"], found["aa"]["env"], found["bb"]["image"]) == ("inner-outer", {"A": "1"}, "o")


def test_extends_of_the_same_and_another_file(source: Source) -> None:
    source.write({"base/base.yml": "services: {idle: {build: app, command: sleep, env_file: b.env, cap_add: [a]}}"})
    source.write({"base/b.env": "B=1\n", "base/app/Dockerfile": "FROM x"})
    source.write(
        services("""
one: {extends: {file: base/base.yml, service: idle}, cap_add: [b]}
two: {extends: one, command: run}
""")
    )
    found = source.resolve("{services: {three: {extends: two, tty: true}}}")
    assert found["two"]["env"] == {"B": "1"}
    assert (found["two"]["command"], found["two"]["cap_add"]) == ("run", ["a", "b"])
    assert found["two"]["build"]["context"] == str(source.root / "src/base/app")
    assert (found["three"]["command"], found["three"]["tty"]) == ("run", True)


def test_an_image_that_another_service_builds_is_built(source: Source) -> None:
    source.write({"app/Dockerfile": "FROM x"})
    source.write(
        services("""
one: {image: app, build: {context: app, args: {V: "${VERSION}", D: "$$"}}}
two: {image: app}
three: {image: app}
""")
    )
    found = source.resolve("{version: '2', services: {three: {image: 'other:1'}}}")
    builds = source.app["builds"]
    assert builds["one"]["image"] == builds["two"]["image"]
    assert builds["one"]["args"] == {"V": "2", "D": "$"}
    assert "image" not in found["one"]
    assert found["three"]["image"] == "other:1"


def test_profiles(source: Source) -> None:
    source.write(
        services("""
web: {image: x, depends_on: {tool: {condition: service_started, required: false}}}
debug: {image: x, profiles: [debug, more]}
tool: {image: "x:${NOPE:?}", profiles: [tools], ports: ["1:1"]}
""")
    )
    assert list(source.resolve()) == ["web"]
    assert source.app["services"]["web"]["depends_on"] == {}
    assert list(source.resolve("{profiles: [debug]}")) == ["web", "debug"]
    assert "profiles" not in source.app["services"]["debug"]


def test_networks_and_links_become_names_on_the_releases_network(source: Source) -> None:
    source.write(
        {
            "compose.yml": """
services:
  web: {image: x, networks: {a: {aliases: [www]}, b: }}
  db: {image: x}
  use: {image: x, links: ["db:sql", web]}
networks: {a: {}, b: {driver: bridge}}
"""
        }
    )
    found = source.resolve()
    assert found["web"]["networks"] == {"default": {"aliases": ["www"]}}
    assert found["db"]["networks"] == {"default": {"aliases": ["sql"]}}
    assert "networks" not in found["use"]
    assert list(found["use"]["depends_on"]) == ["db", "web"]


def test_files_that_services_are_given(source: Source) -> None:
    source.write({"s.txt": "from file", "b.bin": b"\xff\x00", "d/in/a": "x", "d/.git/config": "x", "one": "1"})
    source.write(
        {
            "compose.yml": """
services:
  web:
    image: x
    configs: [inline, {source: file, target: /etc/f, uid: 5, gid: "6", mode: 0440}]
    secrets: [own, bin, {source: variable, target: v, mode: "0400"}]
    volumes: ["./d:/d:ro", {type: bind, source: ./one, target: /one, read_only: true}, {type: tmpfs, target: /t}]
configs: {inline: {content: "a ${K} ${VERSION} $$"}, file: {file: s.txt}}
secrets: {own: {external: true}, bin: {file: b.bin}, variable: {environment: K}}
"""
        }
    )
    found = source.resolve("{env: {K: v}, secrets: {own: 5}, version: '1'}")["web"]
    files = [{k: v for k, v in file.items() if k != "path"} for file in found["files"]]
    assert files == [
        {"mode": "0444", "compose": "a v ${VERSION} $$"},
        {"mode": "0440", "literal": "from file", "owner": "5", "group": "6"},
        {"mode": "0444", "literal": "5"},
        {"mode": "0444", "base64": "/wA="},
        {"mode": "0400", "literal": "v"},
    ]
    assert [m["target"] for m in found["volumes"]] == [
        "/d",
        "/one",
        "/t",
        "/inline",
        "/etc/f",
        "/run/secrets/own",
        "/run/secrets/bin",
        "/run/secrets/v",
    ]
    assert all(m["read_only"] for m in found["volumes"] if m["type"] == "bind")
    assert [m["context"] for m in source.app["mounts"]] == [str(source.root / f"src/{name}") for name in ("d", "one")]
    assert "secrets" not in found


def test_files_of_instances(source: Source) -> None:
    source.write(services("web: {image: x}\nother: {image: x}"))
    found = source.resolve("""
postgres: {shop: {services: [web], env: {PW_FILE: "{password_file}", URL: "{url}"}}}
redis: {queue: {services: [web], env: {URL_FILE: "{url_file}"}}}
""")
    assert found["web"]["env"] == {
        "PW_FILE": "/run/secrets/postgres-shop-password",
        "URL": "postgresql://shop:pw@postgres-main:5432/shop",
        "URL_FILE": "/run/secrets/redis-queue-url",
    }
    assert [f["literal"] for f in found["web"]["files"]] == ["pw", "redis://shop:p%2Fw@redis-shop-queue:6379/0"]
    assert found["other"]["files"] == []


def test_networks_of_instances_are_joined_by_whose_network_it_is(source: Source) -> None:
    source.write(
        services(
            "web: {image: x}\nbeside: {image: x, network_mode: 'service:web'}\nalone: {image: x, network_mode: none}"
        )
    )
    source.resolve("{redis: {queue: {services: [beside, alone]}}}")
    assert source.app["joins"] == {"web": ["redis-shop-queue"], "beside": [], "alone": []}


WRONG: dict[str, tuple[Files, str, str]] = {
    "no such file": ({}, "", "compose: found '{src}/compose.yml', expected a file that is there"),
    "no YAML": ({"compose.yml": "a: ["}, "", 'compose.yml: found "expected the node'),
    "a list": ({"compose.yml": "[a]"}, "", "compose.yml: found 'list', expected a mapping with services"),
    "not UTF-8": ({"compose.yml": "\udcff"}, "", "compose: found '{src}/compose.yml (UnicodeDecodeError)'"),
    "unknown key": ({"compose.yml": "servces: {}"}, "", "compose.yml: found 'servces', expected one of the keys"),
    "services that are a list": ({"compose.yml": "services: []"}, "", "compose.yml: services: found 'list'"),
    "outside": ({}, "{compose: ../a.yml}", "compose: found '{root}/a.yml', expected a path inside the source {src}"),
    "ports": (
        services("web: {image: x, ports: ['80:80']}"),
        "",
        "compose.yml: services.web.ports: found ['80:80'], expected no published port; use routes; "
        "'ports: null' under services.web of the app file leaves it out",
    ),
    "Traefik's labels": (
        services("web: {image: x, labels: [traefik.enable=true]}"),
        "",
        "compose.yml: services.web.labels: found 'traefik.enable', expected no label for Traefik",
    ),
    "unknown variable": (
        services("web: {image: 'x:${TAG}'}"),
        "",
        "compose.yml: services.web.image: found '${TAG}', expected a value in .env",
    ),
    "variable that must be given": (
        services("web: {image: x, environment: {A: '${KEY:?give it}'}}"),
        "",
        "compose.yml: services.web.environment.A: found '${KEY:?give it}', expected a value in .env or in env",
    ),
    "variable from the shell": (
        services("web: {image: x, environment: [HOME]}"),
        "",
        "compose.yml: services.web.environment.HOME: found 'no value', expected a value in .env or in env",
    ),
    "variable that is a list": (
        services("web: {image: x, environment: {A: [1]}}"),
        "",
        "compose.yml: services.web.environment.A: found 'list'",
    ),
    "argument from the shell": (
        {**services("web: {build: {context: ., args: [A]}}"), "Dockerfile": "FROM x"},
        "",
        "compose.yml: services.web.build.args.A: found 'no value', expected a value",
    ),
    "no environment file": (
        services("web: {image: x, env_file: a.env}"),
        "",
        "compose.yml: services.web.env_file: found '{src}/a.env', expected a file that is there",
    ),
    "mistake in an environment file": (
        {**services("web: {image: x, env_file: a.env}"), "a.env": "?\n"},
        "",
        "a.env: line 1: expected a line NAME=value",
    ),
    "writable mount": (
        {**services("web: {image: x, volumes: ['./a:/a']}"), "a": ""},
        "",
        "compose.yml: services.web.volumes[0]: found '{src}/a, writable', expected ':ro' behind /a",
    ),
    "mount from outside": (
        services("web: {image: x, volumes: ['../b:/b:ro']}"),
        "",
        "compose.yml: services.web.volumes[0]: found '{root}/b', expected a volume, or a path inside",
    ),
    "mount of nothing": (
        services("web: {image: x, volumes: ['./b:/b:ro']}"),
        "",
        "compose.yml: services.web.volumes[0]: found '{src}/b', expected a file or directory that is there",
    ),
    "undeclared volume": (
        services("web: {image: x, volumes: ['data:/d']}"),
        "",
        "compose.yml: services.web.volumes[0]: found 'data:/d', expected a volume, of which there is none",
    ),
    "volume of somebody else": (
        {"compose.yml": "services: {web: {image: x, volumes: ['v:/v']}}\nvolumes: {v: {external: true}}"},
        "{volumes: {v: {backup: none}}}",
        "volumes.v: found 'external', expected a volume that berth makes",
    ),
    "external network": (
        {"compose.yml": "services: {web: {image: x, networks: [p]}}\nnetworks: {p: {external: true}}"},
        "",
        "compose.yml: services.web.networks: found 'p, which is external', expected no external network",
    ),
    "internal network": (
        {"compose.yml": "services: {web: {image: x, networks: [p]}}\nnetworks: {p: {internal: true}}"},
        "",
        "compose.yml: services.web.networks: found 'p, which is internal', expected 'egress: false'",
    ),
    "dependency whose profile is off": (
        services("web: {image: x, depends_on: [tool]}\ntool: {image: x, profiles: [tools]}"),
        "",
        "compose.yml: services.web.depends_on: found 'tool', expected a service (web); its profile is off, "
        "profiles: [tools] switches it on",
    ),
    "route to a service whose profile is off": (
        services("web: {image: x}\ntool: {image: x, profiles: [tools]}"),
        "{routes: [{hosts: [a.b], service: tool, port: 1}]}",
        "routes[0].service: found 'tool', expected a service (web); its profile is off, profiles: [tools]",
    ),
    "unknown profile": (
        services("web: {image: x}\ntool: {image: x, profiles: [tools]}"),
        "{profiles: [tool]}",
        "profiles: found 'tool', expected a profile of a service (tools)",
    ),
    "service in two included files": (
        {
            "compose.yml": "include: [a.yml, b.yml]",
            "a.yml": "services: {web: {image: x}}",
            "b.yml": "services: {web: {image: y}}",
        },
        "",
        "compose.yml: include: found 'web', expected a service that no other included file has",
    ),
    "include of itself": (
        {"compose.yml": "include: [a.yml]", "a.yml": "include: [compose.yml]\nservices: {web: {image: x}}"},
        "",
        "a.yml: include: found 'itself', expected a list of other files",
    ),
    "include of nothing": (
        {"compose.yml": "include: [{a: b}]\nservices: {web: {image: x}}"},
        "",
        "compose.yml: include: found 'dict', expected a list of other files",
    ),
    "extends in a circle": (
        services("a: {image: x, extends: b}\nb: {extends: a}"),
        "",
        "compose.yml: services.b.extends: found 'a', expected a service that does not extend this one",
    ),
    "extends of no service": (
        {**services("a: {image: x, extends: {file: b.yml, service: c}}"), "b.yml": "services: {d: {image: x}}"},
        "",
        "compose.yml: services.a.extends: found 'c', expected a service of b.yml (d)",
    ),
    "config without content": (
        {"compose.yml": "services: {web: {image: x, configs: [c]}}\nconfigs: {c: {external: true}}"},
        "",
        "configs.c: found 'external', expected file, content or environment",
    ),
    "external secret": (
        {"compose.yml": "services: {web: {image: x, secrets: [c]}}\nsecrets: {c: {external: true}}"},
        "",
        "secrets.c: found 'external', expected file, content or environment; 'secrets: {c: ...}' in the app file",
    ),
    "secret of a variable without a value": (
        {"compose.yml": "services: {web: {image: x, secrets: [c]}}\nsecrets: {c: {environment: K}}"},
        "",
        "secrets.c.environment: found 'K', expected a variable with a value",
    ),
    "config with an unknown variable": (
        {"compose.yml": "services: {web: {image: x, configs: [c]}}\nconfigs: {c: {content: 'a ${K}'}}"},
        "",
        "configs.c.content: found '${K}', expected a value in .env or in env",
    ),
    "file that is not there": (
        {"compose.yml": "services: {web: {image: x, configs: [c]}}\nconfigs: {c: {file: c}}"},
        "",
        "configs.c.file: found '{src}/c', expected a file that is there",
    ),
    "file from outside": (
        {"compose.yml": "services: {web: {image: x, configs: [c]}}\nconfigs: {c: {file: ../c}}"},
        "",
        "configs.c.file: found '{root}/c', expected a path inside the source",
    ),
    "file that is too large": (
        {
            "compose.yml": "services: {web: {image: x, configs: [c]}}\nconfigs: {c: {file: c}}",
            "c": "x" * (1024 * 1024 + 1),
        },
        "",
        "configs.c.file: found '1048577 bytes', expected at most 1 MiB",
    ),
}


@pytest.mark.parametrize(("files", "app", "message"), WRONG.values(), ids=WRONG.keys())
def test_mistake_is_reported_with_file_service_and_key(source: Source, files: Files, app: str, message: str) -> None:
    source.write({name: text.encode("utf-8", "surrogateescape") for name, text in files.items()})
    wanted = message.replace("{src}", str(source.root / "src")).replace("{root}", str(source.root))
    messages = source.problems(app)
    assert any(found.startswith(f"app shop: {wanted}") for found in messages), messages


def test_all_mistakes_of_all_files_at_once(source: Source) -> None:
    source.write({**services("web: {image: 'x:${A}', ports: ['1:1'], env_file: no.env}"), "b.yml": "servces: {}"})
    messages = source.problems("{services: {web: {container_name: x}}}", compose=["compose.yml", "b.yml"])
    assert len(messages) == 5


def test_values_of_variables_are_not_shown(source: Source) -> None:
    source.write({"a.env": "A=hunter2$NOPE\n", ".env": "B=hunter2\n"})
    source.write(services("web: {image: x, env_file: a.env, environment: {C: '${B}$', D: 'a'}}"))
    messages = source.problems('{secrets: {k: [hunter2]}, env: {E: {a: hunter2}, F: "hunter2\\0"}}')
    assert len(messages) == 5
    assert "hunter2" not in str(messages)


def test_volumes_from_are_the_same_mounts(source: Source) -> None:
    source.write({"conf": "x"})
    source.write(
        services("""
web: {image: x, volumes: ["up:/up", "./conf:/conf:ro", {type: volume, source: up, target: /too}]}
same: {image: x, volumes_from: [web], volumes: ["other:/up"]}
read: {image: x, volumes_from: ["same:ro"]}
""")
    )
    found = source.resolve("{volumes: {up: {backup: none}, other: {backup: none}}}")
    volumes = {n: [m for m in s["volumes"] if isinstance(m, str) or m["type"] == "volume"] for n, s in found.items()}
    too = {"type": "volume", "source": "up", "target": "/too"}
    assert volumes["same"] == ["other:/up", too]
    assert volumes["read"] == ["other:/up:ro", {**too, "read_only": True}]
    assert all(len(service["volumes"]) == 3 and "volumes_from" not in service for service in found.values())


def test_the_example_of_the_documentation_is_right() -> None:
    root = pathlib.Path(__file__).resolve().parents[3]
    text = (root / "docs/how-to/deploy-a-compose-file.md").read_text(encoding="utf-8")
    apps = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    directory = str(root / "inventories/demo/apps")
    assert app_problems(apps, directory, ["main"]) == []
    names = ("postgres/featuremodels", "redis/queue")
    resolved = resolve_apps(apps, {f"featuremodels/{name}": "x" for name in names}, directory)
    (app,) = resolved["apps"]
    assert list(app["services"]) == ["prestart", "backend", "worker", "beat", "frontend"]
    assert {app["builds"][s]["image"] for s in ("prestart", "backend", "worker", "beat")} == {
        app["builds"]["beat"]["image"]
    }
    environment = resolved["environments"]["featuremodels"]["backend"]
    assert environment["literal"]["DATABASE_URL"] == (
        "postgresql+psycopg://featuremodels:x@postgres-main:5432/featuremodels"
    )
