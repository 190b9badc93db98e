# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When is a container ready? ``docker compose up --wait`` hangs on services that end, so berth judges by itself."""

from __future__ import annotations

import dataclasses
import time
import typing as t

# A container that restarted this often will not come up by waiting; fewer may be a service that waits for another.
RESTART_LIMIT = 3


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``ready``, ``waiting`` or ``failed``, and what was found."""

    state: t.Literal["ready", "waiting", "failed"]
    detail: str


def judge(container: t.Mapping[str, t.Any], one_shot: bool, restarts_before: int = 0) -> Verdict:
    """Judge one container from its ``docker inspect``: running and healthy, or ended well if it is meant to end.

    ``restarts_before``: how often it had restarted when the waiting began; Docker counts over its whole life.
    """
    state = container["State"]
    status = state["Status"]
    restarts = container.get("RestartCount", 0)
    # A restart by hand lets Docker count from 0 again.
    restarts -= restarts_before if restarts >= restarts_before else 0
    if status == "exited":
        code = state.get("ExitCode", 0)
        if one_shot and code == 0:
            return Verdict("ready", "ended with exit code 0")
        return Verdict("failed", f"exited with code {code}")
    if restarts >= RESTART_LIMIT:
        return Verdict("failed", f"restarted {restarts} times, last exit code {state.get('ExitCode')}")
    if status != "running":
        return Verdict("waiting" if status in ("created", "restarting") else "failed", f"is {status}")
    if one_shot and "Health" not in state:
        return Verdict("waiting", "has not ended yet")
    health = state.get("Health", {}).get("Status", "none")
    if health in ("healthy", "none"):
        return Verdict("ready", "running" if health == "none" else "healthy")
    if health == "unhealthy":
        log = state["Health"].get("Log") or [{}]
        return Verdict("failed", f"is unhealthy; its check said: {(log[-1].get('Output') or '').strip()[-500:]}")
    return Verdict("waiting", "its health check has not passed yet")


def wait_until_ready(
    look: t.Callable[[], t.Mapping[str, Verdict]],
    timeout: float,
    sleep: t.Callable[[float], None] = time.sleep,
    clock: t.Callable[[], float] = time.monotonic,
    settle: float = 1.0,
) -> dict[str, Verdict]:
    """Poll until every name is ready and has been so for ``settle`` seconds; return the names that are not.

    Returns at once when one has failed, and at the latest after ``timeout`` seconds.
    """
    deadline = clock() + timeout
    pause = 0.1
    ready_since: float | None = None
    while True:
        verdicts = look()
        late = {name: verdict for name, verdict in verdicts.items() if verdict.state != "ready"}
        now = clock()
        if not late:
            # Without a health check "running" may mean "about to exit"; a healthy one has proven itself.
            if ready_since is None:
                ready_since = now
            if now - ready_since >= settle or all(v.detail != "running" for v in verdicts.values()):
                return {}
        else:
            ready_since = None
            if any(verdict.state == "failed" for verdict in late.values()):
                return late
        if now >= deadline:
            return late
        sleep(min(pause, max(deadline - now, 0.01)))
        pause = min(pause * 1.3, 1.0)
