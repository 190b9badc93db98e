"""One line per phase with the time that it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_print_lock = threading.Lock()


def say(line: str) -> None:
    """Print one line at once; images are built by several threads."""
    with _print_lock:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Say that ``name`` was done and how long it took; a failure is said too and passes on."""
    started = time.monotonic()
    say(f"lab: {name} ...")
    try:
        yield
    except BaseException:
        say(f"lab: {name}: failed after {time.monotonic() - started:.1f} s")
        raise
    say(f"lab: {name}: {time.monotonic() - started:.1f} s")
