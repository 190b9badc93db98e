"""run, exec, logs and restart do what they say, on real containers, without the app files."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.server import Outside, Server
from tests.apps.scenario import Playbook

SHOP = ("-e", "app=shop")
WEB = (*SHOP, "-e", "service=web")
TOKEN = "not-for-the-eyes-of-anybody"


def test_run_has_image_environment_and_network_of_the_release(playbook: Playbook, server: Server) -> None:
    script = 'import os, urllib.request as u; print(len(os.environ["TOKEN"]), u.urlopen("http://web:8000").status)'
    before = server.containers()
    code, text = playbook.text("playbooks/run.yml", *WEB, "-e", f"command=python -c '{script}'")
    assert code == 0, text
    assert f"{len(TOKEN)} 200" in text
    assert TOKEN not in text
    assert server.containers() == before


def test_run_passes_on_what_is_said_and_how_it_ends(playbook: Playbook, server: Server) -> None:
    code, text = playbook.text("playbooks/run.yml", *WEB, "-e", "command=sh -c 'echo out; echo err >&2; exit 3'")
    assert code != 0
    assert "- out" in text
    assert "- err" in text
    assert "in service web ended with exit code 3." in text
    code, text = playbook.text(
        "playbooks/run.yml", *WEB, "-e", '{"command": ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]}',
        "-e", "time_limit=10",
    )  # fmt: skip
    assert code != 0
    assert "berth-run-" not in server("docker", "ps", "--all")


def test_no_secret_is_in_the_process_list_while_a_command_runs(playbook: Playbook, server: Server) -> None:
    server("sh", "-c", "'(for i in $(seq 40); do ps -eo args; sleep 0.2; done) >/tmp/processes 2>&1 &'")
    code, text = playbook.text("playbooks/run.yml", *WEB, "-e", "command=sleep 1", "-vvv")
    assert code == 0
    seen = server("cat", "/tmp/processes")
    assert "run-web" in seen
    assert TOKEN not in seen
    assert TOKEN not in text


def test_run_of_a_job(playbook: Playbook) -> None:
    code, text = playbook.text("playbooks/run.yml", *SHOP, "-e", "job=cleanup")
    assert code == 0
    assert "job-cleanup | cleaned by job" in text
    code, text = playbook.text("playbooks/run.yml", *SHOP, "-e", "job=failing")
    assert code != 0
    assert "job-failing | it went wrong" in text
    assert "ExecMainStatus=7" in text


def test_exec_is_in_the_running_container(playbook: Playbook, server: Server) -> None:
    code, text = playbook.text("playbooks/exec.yml", *WEB, "-e", "command=hostname")
    assert code == 0
    assert server.containers()[f"shop-web-{server.current('shop')}"][:12] in text
    code, text = playbook.text("playbooks/exec.yml", *WEB, "-e", "command=sh -c 'exit 5'")
    assert code != 0
    assert "ended with exit code 5" in text


def test_logs_are_of_one_app_and_service(playbook: Playbook, server: Server) -> None:
    code, text = playbook.text("playbooks/logs.yml", *SHOP, "-e", "service=worker", "-e", "since=2h")
    assert code == 0
    assert "worker | worker began" in text
    assert "web |" not in text
    server("docker", "exec", f"shop-web-{server.current('shop')}", "python", "-c",
           "'import urllib.request as u; u.urlopen(\"http://localhost:8000/?needle\")'")  # fmt: skip
    code, text = playbook.text("playbooks/logs.yml", *SHOP, "-e", "grep=needle", "-e", "lines=1")
    assert code == 0
    assert text.count("needle") == 1
    code, text = playbook.text("playbooks/logs.yml", "-e", "app=blog", "-e", "grep=needle")
    assert code == 0
    assert "needle" not in text


@pytest.mark.parametrize("service", ["web", "worker"])
def test_restart_of_one_service_leaves_the_others(
    playbook: Playbook, server: Server, outside: Outside, service: str
) -> None:
    def started() -> dict[str, str]:
        return {name: server("docker", "inspect", "--format", "{{.State.StartedAt}}", name) for name in before}

    before = server.containers()
    times = started()
    playbook("playbooks/restart.yml", *SHOP, "-e", f"service={service}", "--check")
    assert started() == times
    with ThreadPoolExecutor() as pool:
        restart = pool.submit(playbook, "playbooks/restart.yml", *SHOP, "-e", f"service={service}")
        seen = []
        while not restart.done():
            seen.append(outside.status("https://blog.berth.localhost/", "--insecure"))
            time.sleep(0.2)
        result = restart.result()
    assert set(seen) == {200}
    assert list(result.tasks) == ["Restart and wait until each is ready"]
    name = f"shop-{service}-{server.current('shop')}"
    assert {n for n, moment in started().items() if moment != times[n]} == {name}
    assert server.containers() == before
    assert outside.status("https://shop.berth.localhost/", "--insecure") == 200


CHECKED = {
    "run": ("-e", "service=web", "-e", "command=touch /data/trace"),
    "exec": ("-e", "service=web", "-e", "command=touch /data/trace"),
}


@pytest.mark.parametrize(("verb", "options"), CHECKED.items(), ids=CHECKED.keys())
def test_check_mode_tells_and_does_nothing(
    playbook: Playbook, server: Server, verb: str, options: tuple[str, ...]
) -> None:
    code, text = playbook.text(f"playbooks/{verb}.yml", *SHOP, *options, "--check")
    assert code == 0
    assert "Would run ['touch', '/data/trace']" in text
    assert "trace" not in server("ls", "/var/lib/docker/volumes/shop_data/_data")


WRONG = {
    "app": ("logs", ("-e", "app=shup"), "app: found 'shup', expected one of blog, shop"),
    "no app": ("restart", (), "app: found nothing, expected one of blog, shop"),
    "service": ("exec", (*SHOP, "-e", "service=wub", "-e", "command=ls"), "found 'wub', expected one of web, worker"),
    "no service": ("run", (*SHOP, "-e", "command=ls"), "service: found nothing, expected one of web, worker"),
    "job": ("run", (*SHOP, "-e", "job=x"), "app shop: job: found 'x', expected one of cleanup, failing"),
    "no command": ("run", WEB, "command: found nothing, expected a command"),
}


@pytest.mark.parametrize(("verb", "options", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_not_there_is_named(playbook: Playbook, verb: str, options: tuple[str, ...], said: str) -> None:
    code, text = playbook.text(f"playbooks/{verb}.yml", *options)
    assert code != 0
    assert said in text
