"""A trickle of requests from outside while something is done to the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.acceptance.server import Server, lab

PER_SECOND = 5

# Ends when its stdin does. One connection a request, as a new user has it.
_SCRIPT = r"""
import http.client, json, socket, ssl, sys, threading, time
address, pause, urls = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
context, sent, failed = ssl.create_default_context(), 0, []
while not ended.wait(pause):
    host, _, path = urls[sent % len(urls)].partition("/")
    sent += 1
    try:
        link = http.client.HTTPSConnection(host, context=context, timeout=5)
        link.sock = context.wrap_socket(socket.create_connection((address, 443), 5), server_hostname=host)
        link.request("GET", "/" + path, headers={"Connection": "close"})
        status = link.getresponse().status
        link.close()
    except (OSError, http.client.HTTPException) as error:
        status = repr(error)
    if status != 200:
        failed.append([time.strftime("%H:%M:%S"), host + "/" + path, status])
print(json.dumps({"sent": sent, "failed": failed}))
"""


@dataclass
class Trickle:
    """How the requests went; known when the trickle has ended."""

    sent: int = 0
    failed: list[object] = field(default_factory=list)


@contextmanager
def trickle(server: Server, urls: Sequence[str]) -> Iterator[Trickle]:
    """Ask for the URLs (host and path) one after the other while the block runs."""
    command = ["docker", "exec", "--interactive", str(lab()["outside"]), "python3", "-c", _SCRIPT]
    said = Trickle()
    with subprocess.Popen(
        [*command, server.address, str(1 / PER_SECOND), *urls],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield said
        finally:
            out, _ = process.communicate(timeout=30)
    found = json.loads(out)
    said.sent, said.failed = found["sent"], found["failed"]
