# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of a route, against a server on the loopback."""

from __future__ import annotations

import http.server
import threading
import typing as t

import pytest
from ansible_collections.berth.server.plugins.module_utils._probe import probe, probe_routes
from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError

from tests.unit.plugins.builders import route


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /<status> with that status where the host is right."""

    def do_GET(self) -> None:
        if self.path == "/garbage":
            self.wfile.write(b"not HTTP at all\r\n\r\n")
            return
        wanted = int(self.path.strip("/") or 404)
        self.send_response(wanted if self.headers["Host"] == "shop.example.com" else 421)
        self.end_headers()

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002 - http.server's name
        pass


@pytest.fixture(scope="module")
def port() -> t.Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/200", ""),
        ("/301", ""),
        ("/404", "answered 404, expected a status below 400"),
        ("/503", "answered 503, expected a status below 400"),
        ("/", ""),
        ("/garbage", "BadStatusLine: not HTTP at all"),
    ],
    ids=["fine", "redirect", "not found", "unavailable", "any page will do at the root", "no HTTP"],
)
def test_probe(port: int, path: str, problem: str) -> None:
    assert probe("127.0.0.1", port, path, "shop.example.com").strip() == problem


def test_routes_are_probed_at_their_services_addresses(port: int) -> None:
    addresses = {"web": ["127.0.0.1"]}
    probe_routes([route(port=port), route(port=port, health="/200")], addresses, 5)
    with pytest.raises(ReleaseError, match=rf"service web: http://127.0.0.1:{port}/503: answered 503"):
        probe_routes([route(port=port), route(port=port, health="/503")], addresses, 0)


def test_probe_of_nothing() -> None:
    assert "ConnectionRefusedError" in probe("127.0.0.1", 1, "/", "shop.example.com")
