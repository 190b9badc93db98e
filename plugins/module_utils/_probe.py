# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a new release's services what Traefik will ask them, before any request is led to them."""

from __future__ import annotations

import http.client
import time
import typing as t

from ansible_collections.berth.server.plugins.module_utils._release import ReleaseError


def probe_routes(
    routes: t.Sequence[t.Mapping[str, t.Any]], addresses: t.Mapping[str, t.Sequence[str]], timeout: float
) -> None:
    """Wait until every container of a route's service answers well; raise ReleaseError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    for route, address in [(r, address) for r in routes for address in addresses[r["service"]]]:
        while problem := probe(address, route["port"], route["health"], route["hosts"][0]):
            if time.monotonic() > deadline:
                url = f"http://{address}:{route['port']}{route['health']}"
                raise ReleaseError(f"service {route['service']}: {url}: {problem}")
            time.sleep(0.2)


def probe(address: str, port: int, path: str, host: str) -> str:
    """Ask a service as Traefik would; return what is wrong, if anything: a status of 400 or more, for ``/`` of 500."""
    limit = 500 if path == "/" else 400
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        status = connection.getresponse().status
        return "" if status < limit else f"answered {status}, expected a status below {limit}"
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
