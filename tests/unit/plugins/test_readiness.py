# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._readiness import Verdict, judge, wait_until_ready
from hypothesis import given
from hypothesis import strategies as st


def inspected(status: str, health: str | None = None, code: int = 0, restarts: int = 0) -> dict[str, t.Any]:
    state: dict[str, t.Any] = {"Status": status, "ExitCode": code}
    if health:
        state["Health"] = {"Status": health, "Log": [{"Output": "first"}, {"Output": "connection refused\n"}]}
    return {"State": state, "RestartCount": restarts}


JUDGED = {
    "running": (inspected("running"), False, "ready", "running"),
    "healthy": (inspected("running", "healthy"), False, "ready", "healthy"),
    "health check off": (inspected("running", "none"), False, "ready", "running"),
    "not healthy yet": (inspected("running", "starting"), False, "waiting", "has not passed yet"),
    "unhealthy": (inspected("running", "unhealthy"), False, "failed", "connection refused"),
    "unhealthy without a log": (
        {"State": {"Status": "running", "Health": {"Status": "unhealthy", "Log": None}}},
        False,
        "failed",
        "is unhealthy",
    ),
    "ended": (inspected("exited"), False, "failed", "exited with code 0"),
    "crashed": (inspected("exited", code=137), False, "failed", "exited with code 137"),
    "created": (inspected("created"), False, "waiting", "is created"),
    "restarting": (inspected("restarting", code=1, restarts=2), False, "waiting", "is restarting"),
    "restarting again and again": (inspected("restarting", code=1, restarts=3), False, "failed", "last exit code 1"),
    "running after restarts": (inspected("running", restarts=2), False, "ready", "running"),
    "running, but for the third time": (inspected("running", restarts=3), False, "failed", "restarted 3 times"),
    "paused": (inspected("paused"), False, "failed", "is paused"),
    "dead": (inspected("dead"), False, "failed", "is dead"),
    "one-shot ended well": (inspected("exited"), True, "ready", "exit code 0"),
    "one-shot ended well at last": (inspected("exited", restarts=5), True, "ready", "exit code 0"),
    "one-shot failed": (inspected("exited", code=1), True, "failed", "exited with code 1"),
    "one-shot still works": (inspected("running"), True, "waiting", "has not ended yet"),
    "one-shot with a health check": (inspected("running", "healthy"), True, "ready", "healthy"),
}


@pytest.mark.parametrize(("container", "one_shot", "state", "detail"), JUDGED.values(), ids=JUDGED.keys())
def test_judge(container: dict[str, t.Any], one_shot: bool, state: str, detail: str) -> None:
    verdict = judge(container, one_shot)
    assert verdict.state == state
    assert detail in verdict.detail


class Time:
    """A clock that only sleeping moves, and a look that follows a script of (until, verdict)."""

    def __init__(self, *script: tuple[float, Verdict], look_takes: float = 0.0) -> None:
        self.now = 100.0
        self.script = script
        self.look_takes = look_takes
        self.looks: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def look(self) -> dict[str, Verdict]:
        self.now += self.look_takes
        self.looks.append(self.now - 100)
        return {"web": next((v for until, v in self.script if self.now - 100 < until), self.script[-1][1])}

    def wait(self, timeout: float, settle: float = 1.0) -> dict[str, Verdict]:
        return wait_until_ready(self.look, timeout, self.sleep, self.clock, settle)

    @property
    def passed(self) -> float:
        return self.now - 100


FOREVER = 1e9
WAITING, FAILED = Verdict("waiting", "is created"), Verdict("failed", "exited")
RUNNING, HEALTHY = Verdict("ready", "running"), Verdict("ready", "healthy")


def test_healthy_is_ready_at_once() -> None:
    time = Time((FOREVER, HEALTHY))
    assert time.wait(30) == {}
    assert time.looks == [0]


def test_failure_is_told_at_once() -> None:
    time = Time((2, WAITING), (FOREVER, FAILED))
    assert time.wait(30) == {"web": FAILED}
    assert 2 <= time.passed < 3.1


def test_running_must_settle() -> None:
    time = Time((FOREVER, RUNNING))
    assert time.wait(30) == {}
    assert 1 <= time.passed < 2


def test_crash_while_settling_is_a_failure() -> None:
    assert Time((0.5, RUNNING), (FOREVER, FAILED)).wait(30) == {"web": FAILED}


def test_settling_starts_again_after_a_relapse() -> None:
    time = Time((0.9, RUNNING), (1.5, WAITING), (FOREVER, RUNNING))
    assert time.wait(30) == {}
    assert time.passed >= 2.5


def test_late_ones_are_named_when_the_time_is_over() -> None:
    assert Time((FOREVER, WAITING)).wait(5) == {"web": WAITING}


def test_nothing_to_wait_for() -> None:
    assert wait_until_ready(dict, 1, lambda _seconds: pytest.fail("slept"), lambda: 0.0) == {}


VERDICTS = st.sampled_from([WAITING, RUNNING, HEALTHY, FAILED])
SCRIPTS = st.lists(st.tuples(st.floats(0, 20), VERDICTS), min_size=1, max_size=6)


@given(script=SCRIPTS, timeout=st.floats(0, 15), settle=st.floats(0, 3))
def test_deadline_is_never_exceeded(script: list[tuple[float, Verdict]], timeout: float, settle: float) -> None:
    time = Time(*script)
    late = time.wait(timeout, settle)
    assert time.passed <= timeout + 0.011
    assert all(verdict.state != "ready" for verdict in late.values())


@given(timeout=st.floats(1, 60), look_takes=st.floats(0, 2))
def test_pauses_grow_but_never_above_a_second(timeout: float, look_takes: float) -> None:
    time = Time((FOREVER, WAITING), look_takes=look_takes)
    time.wait(timeout)
    gaps = [b - a - look_takes for a, b in zip(time.looks, time.looks[1:], strict=False)]
    assert all(gap <= 1.001 for gap in gaps)
    assert sorted(gaps[:-1]) == pytest.approx(gaps[:-1])


def test_service_that_never_settles_in_time_is_not_called_ready() -> None:
    """\"Running\" for half a second at the deadline proves nothing, and nothing is known against it either."""
    time = Time((9.5, WAITING), (FOREVER, RUNNING))
    time.wait(10)
    assert time.passed <= 10.011


@pytest.mark.parametrize(
    ("restarts", "before", "state"),
    [
        pytest.param(7, 7, "ready", id="none since"),
        pytest.param(9, 7, "ready", id="two since"),
        pytest.param(10, 7, "failed", id="three since"),
        pytest.param(3, 7, "failed", id="three since a restart by hand, which lets Docker count from 0"),
    ],
)
def test_restarts_count_from_when_the_waiting_began(restarts: int, before: int, state: str) -> None:
    assert judge(inspected("running", restarts=restarts), False, before).state == state
