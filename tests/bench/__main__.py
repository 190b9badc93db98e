"""How long `site.yml` takes on a bare server, with images at hand, and on a finished one; and where the time goes.

Each figure is a median of whole runs over SSH against a lab server of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "demo"
SERVER = "bench"
APPS = 5
TASK = re.compile(r"^(?P<name>\S.*?) -+ (?P<seconds>[\d.]+)s$")


def lab(*arguments: str) -> None:
    """Run a command of the lab."""
    subprocess.run([sys.executable, "-m", "lab", *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def play(name: str, *options: str) -> tuple[float, str]:
    """Run a playbook against the server; return the seconds it took and its output."""
    env = {**os.environ, "BERTH_LAB_SERVER": SERVER, "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}
    started = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", str(INVENTORY), name, *options],
        check=False,
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stdout}")
    return time.monotonic() - started, done.stdout


def app_options(directory: Path, number: int) -> list[str]:
    """Write ``number`` apps into a directory, the demo's first; return the options that make a run use them."""
    demo = yaml.safe_load((INVENTORY / "apps" / "featuremodels.yml").read_text(encoding="utf-8"))
    demo["featuremodels"]["source"] = str((INVENTORY / "apps" / demo["featuremodels"]["source"]).resolve())
    apps = {**demo, **{f"small{index}": small_app(f"small{index}") for index in range(1, number)}}
    for name, app in apps.items():
        (directory / f"{name}.yml").write_text(yaml.safe_dump({name: app}), encoding="utf-8")
    return ["--extra-vars", f"app_directory={directory}"]


def small_app(name: str) -> dict[str, Any]:
    """Return an app of two services that uses what most apps use."""
    serve = {"image": "python:3.13-slim-trixie", "command": ["python", "-m", "http.server", "8000"]}
    return {
        "services": {"web": serve, "worker": serve},
        "routes": [{"hosts": [f"{name}.berth.localhost"], "service": "web", "port": 8000}],
        "postgres": {name: {"env": {"DATABASE_URL": "postgresql://{user}:{password}@{host}:{port}/{name}"}}},
        "redis": {"queue": {"maxmemory": "16mb", "env": {"REDIS_URL": "{url}"}}},
        "volumes": {"data": {"backup": "files"}},
    }


def measure_noop(runs: int, options: list[str]) -> tuple[list[float], str]:
    """Bring the server to where nothing is left to do; return the seconds of each further run and the last output."""
    play("site.yml", *options)
    figures, output = [], ""
    for _run in range(runs):
        seconds, output = play("site.yml", *options)
        if "changed=0" not in output:
            raise SystemExit(f"a run that has nothing to do changed something:\n{output}")
        figures.append(seconds)
        print(f"no-op run {seconds:.1f} s", flush=True)
    return figures, output


def slowest(output: str, count: int) -> list[str]:
    """Return the slowest tasks of a run as lines of a table."""
    tasks = [match for line in output.splitlines() if (match := TASK.match(line))]
    return [f"| {match['name']} | {float(match['seconds']):.2f} |" for match in tasks[:count]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--first", type=int, default=3, help="runs on a bare server")
    parser.add_argument(
        "--noop", type=int, default=5, help="runs on the finished server, after one that is not counted"
    )
    options = parser.parse_args()

    lab("up", SERVER)
    first, first_output = [], ""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as five:
        single, several = app_options(Path(one), 1), app_options(Path(five), APPS)
        play("playbooks/secrets.yml", *several)
        for _run in range(options.first):
            lab("down", SERVER)
            lab("up", SERVER)
            seconds, first_output = play("site.yml", *single)
            first.append(seconds)
            print(f"first run {seconds:.1f} s", flush=True)
        noop, output = measure_noop(options.noop, single)
        more, more_output = measure_noop(options.noop, several)
    lab("down", SERVER)

    print(f"\nmachine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| what | median | min | max | runs |")
    print("| --- | --- | --- | --- | --- |")
    rows = {"first run, bare server, images at hand": first, "no-op run, 1 app": noop, f"no-op run, {APPS} apps": more}
    for what, figures in rows.items():
        median = statistics.median(figures)
        print(f"| {what} | {median:.1f} s | {min(figures):.1f} s | {max(figures):.1f} s | {len(figures)} |")
    further = (statistics.median(more) - statistics.median(noop)) / (APPS - 1)
    print(f"\neach further app adds {further:.2f} s")
    for what, text in (("first run", first_output), ("no-op run", output), (f"run with {APPS} apps", more_output)):
        print(f"\n| slowest tasks of the last {what} | s |\n| --- | --- |")
        print("\n".join(slowest(text, 8)))


main()
