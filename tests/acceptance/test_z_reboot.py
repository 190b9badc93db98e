"""A reboot brings everything back without Ansible. Last, since other tests would find the server down."""

from __future__ import annotations

from tests.acceptance.server import DASHBOARD, HEALTH, Outside, Playbook, Server


def test_everything_comes_back_by_itself(server: Server, outside: Outside, playbook: Playbook) -> None:
    before = server.containers()
    server.reboot()
    seconds = outside.wait_for(HEALTH)
    outside.wait_for(f"https://{DASHBOARD}/healthz")
    print(f"\nserving {seconds:.1f} s after SSH answered again")
    assert server.containers() == before
    assert playbook("site.yml", "--check", "--diff").stats["changed"] == 0
