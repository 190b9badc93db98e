# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack's running services have read and run with, noted beside its files, and how they are asked."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.berth.server.plugins.module_utils import _files
from ansible_collections.berth.server.plugins.module_utils._docker import SERVICE_LABEL, Docker
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Probe


@dataclasses.dataclass(frozen=True)
class State:
    """Path -> hash of the content that was read; service -> what its probe said then."""

    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    probes: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, path: str) -> State:
        """Return what was noted. A damaged record only means that readers are told once more."""
        found = _files.read_file(path)
        try:
            known = json.loads(found.content) if found else {}
            return cls(dict(known.get("files", {})), dict(known.get("probes", {})))
        except (ValueError, TypeError, AttributeError):
            return cls()

    def write(self, path: str) -> None:
        """Note it. What probes say is nobody else's business."""
        _files.write_atomically(path, json.dumps(dataclasses.asdict(self), indent=1) + "\n", mode=0o600)


def ask(docker: Docker, probes: t.Iterable[Probe], containers: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Return service -> what its probe says, of those that run and are not just starting."""
    running = {c["Config"]["Labels"][SERVICE_LABEL]: c["Id"] for c in containers if _can_answer(c["State"])}
    return {p.service: docker.answer(running[p.service], p.command) for p in probes if p.service in running}


def _can_answer(state: t.Mapping[str, t.Any]) -> bool:
    health = (state.get("Health") or {}).get("Status")
    return state["Status"] == "running" and health in (None, "", "none", "healthy")
