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
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "demo"
SERVER = "bench"
TASK = re.compile(r"^(?P<name>\S.*?) -+ (?P<seconds>[\d.]+)s$")


def lab(*arguments: str) -> None:
    """Run a command of the lab."""
    subprocess.run([sys.executable, "-m", "lab", *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def play(name: str) -> tuple[float, str]:
    """Run a playbook against the server; return the seconds it took and its output."""
    env = {**os.environ, "BERTH_LAB_SERVER": SERVER, "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks"}
    started = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", str(INVENTORY), name],
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
    play("playbooks/secrets.yml")
    first, noop, output, first_output = [], [], "", ""
    for _run in range(options.first):
        lab("down", SERVER)
        lab("up", SERVER)
        seconds, first_output = play("site.yml")
        first.append(seconds)
        print(f"first run {seconds:.1f} s", flush=True)
    play("site.yml")
    for _run in range(options.noop):
        seconds, output = play("site.yml")
        if "changed=0" not in output:
            raise SystemExit(f"a run that has nothing to do changed something:\n{output}")
        noop.append(seconds)
        print(f"no-op run {seconds:.1f} s", flush=True)
    lab("down", SERVER)

    print(f"\nmachine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n| what | median | min | max | runs |")
    print("| --- | --- | --- | --- | --- |")
    for what, figures in (("first run, bare server, images at hand", first), ("no-op run, 1 app", noop)):
        median = statistics.median(figures)
        print(f"| {what} | {median:.1f} s | {min(figures):.1f} s | {max(figures):.1f} s | {len(figures)} |")
    for what, text in (("first run", first_output), ("no-op run", output)):
        print(f"\n| slowest tasks of the last {what} | s |\n| --- | --- |")
        print("\n".join(slowest(text, 8)))


main()
