"""Run the phases of `make test` in two lanes side by side: what needs a lab server, and what does not.

A phase writes to .cache/test/<phase>.log, which is printed when the phase ends. The static lane goes on after a
failure, so that all findings are seen; the lab lane stops, since each of its phases builds on the one before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOGS = Path(".cache/test")
PYTEST = ("pytest", "--cov", "--cov-report=term:skip-covered")


@dataclass
class Phase:
    """One command. ``result`` is None until it ran."""

    name: str
    command: Sequence[str]
    result: int | None = None
    seconds: float = 0.0


@dataclass
class Lane:
    """Phases that run one after the other."""

    phases: list[Phase]
    stop_on_failure: bool
    log: threading.Lock = field(repr=False)

    def run(self) -> None:
        """Run the phases; print what each said when it ended."""
        for phase in self.phases:
            with self.log:
                print(f"==> {phase.name} started", flush=True)
            output = run_phase(phase)
            with self.log:
                sys.stdout.buffer.write(b"\n" + output + b"\n")
                print(f"==> {describe(phase)}", flush=True)
            if phase.result and self.stop_on_failure:
                return


def run_phase(phase: Phase) -> bytes:
    """Run one phase and return its output."""
    log = LOGS / f"{phase.name.replace(' ', '-')}.log"
    started = time.monotonic()
    with log.open("wb") as stream:
        phase.result = subprocess.run(
            phase.command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False
        ).returncode
    phase.seconds = time.monotonic() - started
    return log.read_bytes()


def describe(phase: Phase) -> str:
    """Return a line such as ``lint ok 0:12``."""
    if phase.result is None:
        return f"{phase.name:<20} not run"
    outcome = "ok" if phase.result == 0 else f"failed ({phase.result})"
    minutes, seconds = divmod(round(phase.seconds), 60)
    return f"{phase.name:<20} {outcome:<12} {minutes}:{seconds:02}"


def scenarios(full: bool) -> list[str]:
    """Return the Molecule scenarios to run: the quick ones, the others when ``full``, and the one with everything."""
    found = {path.parent.name for path in Path("molecule").glob("*/molecule.yml")}
    quick = ["stack", "changes"]
    return [*quick, *(sorted(found - {*quick, "default"}) if full else []), "default"]


def main() -> int:
    """Run both lanes; return 0 when every phase succeeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="every scenario, and the long acceptance tests")
    full = parser.parse_args().full
    if full:
        os.environ["BERTH_ACCEPTANCE"] = "full"
    if not sys.stdout.isatty():
        os.environ["NO_COLOR"] = "1"
    LOGS.mkdir(parents=True, exist_ok=True)

    lock = threading.Lock()
    static = [
        Phase("lint", ["scripts/lint.sh"]),
        Phase("unit", PYTEST),
        Phase("sanity", ["scripts/sanity.sh"]),
        Phase("archive", ["scripts/check_archive.sh"]),
    ]
    lab = [
        Phase("engine", [sys.executable, "-m", "lab", "engine"]),
        Phase("images", [sys.executable, "-m", "lab", "images"]),
        *(Phase(f"molecule {name}", ["molecule", "test", "--scenario-name", name]) for name in scenarios(full)),
    ]
    lanes = [Lane(static, stop_on_failure=False, log=lock), Lane(lab, stop_on_failure=True, log=lock)]

    started = time.monotonic()
    threads = [threading.Thread(target=lane.run) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    print(f"\nphases ({(time.monotonic() - started) / 60:.1f} min)")
    phases = [phase for lane in lanes for phase in lane.phases]
    for phase in phases:
        print(f"  {describe(phase)}")
    return 0 if all(phase.result == 0 for phase in phases) else 1


if __name__ == "__main__":
    sys.exit(main())
