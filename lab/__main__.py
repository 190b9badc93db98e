"""`python -m lab`: throwaway servers to try berth on. README.md beside this file tells more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from docker.errors import DockerException

from lab import acme, containers, engine, lifecycle, outside, servers
from lab.errors import LabError
from lab.images import IMAGES
from lab.progress import say
from lab.state import State


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, State())
    except LabError as error:
        say(f"lab: error: {error}")
    except DockerException as error:
        say(f"lab: error: the Docker engine answered: {error}")
    except KeyboardInterrupt:
        say("lab: interrupted")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    commands.add_parser("engine", help="make sure that a Docker engine answers; as root, install and start one")
    images = commands.add_parser("images", help="build what is missing: bases, stand-in images, the registry's content")
    images.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(IMAGES)}; all by default")
    up = commands.add_parser("up", help="bring up a server and what it needs")
    up.add_argument("name")
    up.add_argument("--publish", action="store_true", help="publish its ports 80 and 443 on 127.0.0.1")
    down = commands.add_parser("down", help="remove a server with its data")
    down.add_argument("name", nargs="?")
    down.add_argument("--all", action="store_true", help="every container of the lab and its network")
    down.add_argument("--purge", action="store_true", help="with --all: images, registry content and state too")
    commands.add_parser("status", help="list the lab's containers; exit code 1 when one is stopped")
    reboot = commands.add_parser("reboot", help="restart a server as a reboot does and wait for it")
    reboot.add_argument("name")
    execute = commands.add_parser("exec", help="run a command on a server: exec NAME -- COMMAND")
    execute.add_argument("name")
    execute.add_argument("argv", nargs=argparse.REMAINDER)
    out = commands.add_parser("outside", help="run a command on the outside host: outside -- COMMAND")
    out.add_argument("argv", nargs=argparse.REMAINDER)
    issuer = commands.add_parser("acme", help="an ACME server for tests")
    issuing = issuer.add_subparsers(dest="acme", required=True, metavar="COMMAND")
    issuer_up = issuing.add_parser("up", help="start it, finding HOSTs at the server NAME; print how it is reached")
    issuer_up.add_argument("name")
    issuer_up.add_argument("hosts", nargs="*", metavar="HOST")
    issuing.add_parser("stop", help="stop it; `up` starts it with nothing remembered")
    issuing.add_parser("down", help="remove it")
    return parser


def _run(options: argparse.Namespace, state: State) -> int:
    match options.command:
        case "engine":
            client = engine.ensure()
            say(f"lab: Docker engine {client.version()['Version']} answers")
        case "images":
            lifecycle.build(state, options.names)
        case "up":
            lifecycle.up(state, options.name, options.publish)
        case "down":
            _down(options, state)
        case "status":
            return lifecycle.status(state)
        case "reboot":
            servers.reboot(engine.connect(), options.name)
        case "exec":
            client = engine.connect()
            return containers.attach(client, servers.get(client, options.name), _command(options.argv))
        case "outside":
            client = engine.connect()
            return containers.attach(client, outside.get(client), _command(options.argv))
        case "acme":
            _acme(options, state)
    return 0


def _acme(options: argparse.Namespace, state: State) -> None:
    client = engine.connect()
    match options.acme:
        case "up":
            print(json.dumps(acme.up(client, state, options.name, options.hosts)))
        case "stop":
            acme.stop(client)
        case "down":
            acme.down(client)


def _down(options: argparse.Namespace, state: State) -> None:
    if bool(options.name) == options.all or (options.purge and not options.all):
        raise LabError("down: expected either a name or --all, and --purge only with --all.")
    if options.all:
        lifecycle.down_all(state, options.purge)
    else:
        lifecycle.down(state, options.name)


def _command(argv: list[str]) -> list[str]:
    command = argv[1:] if argv[:1] == ["--"] else argv
    if not command:
        raise LabError("no command: expected one after `--`.")
    return command


if __name__ == "__main__":
    sys.exit(main())
