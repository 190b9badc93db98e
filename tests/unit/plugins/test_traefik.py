# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import types

import pytest
from ansible_collections.berth.server.plugins.module_utils import _traefik
from ansible_collections.berth.server.plugins.module_utils._docker import Docker
from ansible_collections.berth.server.plugins.module_utils._routes import route_file
from ansible_collections.berth.server.plugins.module_utils._traefik import TraefikError

from tests.unit.plugins.builders import resolved_app

WANTED = route_file(resolved_app(), {"web": "10.0.0.2"}, "websecure", {})
FOLLOWED = {
    "routers": {f"{n}@file": {"status": "enabled", **r} for n, r in WANTED["http"]["routers"].items()},
    "services": {f"{n}@file": s for n, s in WANTED["http"]["services"].items()},
}


class Api:
    """Traefik's API: nothing of the app at first, then all of it."""

    def __init__(self, after: float) -> None:
        self.after = after
        self.asked: list[list[str]] = []

    def __call__(self, argv: list[str]) -> tuple[int, str, str]:
        if argv[0] == "docker":
            return 0, "4242\n", ""
        self.asked.append(argv)
        return 0, json.dumps(FOLLOWED if len(self.asked) > self.after else {}), ""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(_traefik, "time", types.SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))


def test_api_is_asked_inside_the_containers_network() -> None:
    api = Api(0)
    assert _traefik.rawdata(Docker(api), api, "traefik") == FOLLOWED
    assert api.asked[0][:4] == ["nsenter", "--target", "4242", "--net"]
    assert api.asked[0][-1] == "http://127.0.0.1:8080/api/rawdata"


def test_silent_api_is_an_error() -> None:
    def run(argv: list[str]) -> tuple[int, str, str]:
        return (0, "1", "") if argv[0] == "docker" else (7, "", "Connection refused\n")

    with pytest.raises(TraefikError, match=r"Traefik \(traefik\) does not answer .*: Connection refused"):
        _traefik.rawdata(Docker(run), run, "traefik")


def test_wait_ends_as_soon_as_it_follows() -> None:
    api = Api(3)
    _traefik.wait_until_followed(Docker(api), api, "traefik", "shop", WANTED)
    assert len(api.asked) == 4


def test_wait_ends_with_what_differs() -> None:
    api = Api(1e9)
    with pytest.raises(TraefikError, match="routes of app shop after 2 s: router shop-0 is not there; service shop-0"):
        _traefik.wait_until_followed(Docker(api), api, "traefik", "shop", WANTED, timeout=2)
    assert 15 < len(api.asked) < 30
