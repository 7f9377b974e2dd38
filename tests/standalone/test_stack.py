"""The whole appliance, as people start it: by the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from appliance.standalone import local, status
from appliance.standalone.layout import DataFolder
from appliance.standalone.status import PartState
from tests.conftest import Stack
from tests.servers import private_environment, temporary_folder
from tests.standalone.supervised import left_of, until

pytestmark = pytest.mark.stack

PARTS = ["postgres", "nats", "store", "api", "media-1", "detector-1"]


def _status(stack: Stack) -> status.Status:
    found = status.read(DataFolder.of(stack.data))
    assert found is not None
    return found


def _part(stack: Stack, name: str) -> status.PartStatus:
    [found] = [part for part in _status(stack).parts if part.name == name]
    return found


def test_every_part_is_ready(stack: Stack) -> None:
    answer = stack.vedette("status", "--json")
    assert answer.returncode == 0
    told = json.loads(answer.stdout)
    assert told["running"]
    assert told["ready"]
    assert {part["name"]: part["state"] for part in told["parts"]} == dict.fromkeys(PARTS, "ready")
    assert httpx.get(f"{stack.url}/readyz").status_code == 200


def test_status_for_people(stack: Stack) -> None:
    lines = stack.vedette("status").stdout.splitlines()
    assert lines[0] == f"Vedette is at {stack.url}, its data in {stack.data}"
    assert lines[1].split() == ["PART", "STATE", "PID", "PORT", "UPTIME", "RESTARTS", "MEMORY"]
    assert [line.split()[0] for line in lines[2:]] == PARTS


def test_the_token_and_the_link_open_and_nothing_else_does(stack: Stack) -> None:
    assert (stack.data / "token").stat().st_mode & 0o777 == 0o600
    bearer = {"Authorization": f"Bearer {stack.token}"}
    assert httpx.get(f"{stack.url}/api/datasets").status_code == 401
    assert httpx.get(f"{stack.url}/api/datasets", headers=bearer).status_code == 200
    found = local.find(stack.data)
    assert found is not None
    assert (found.url, found.token) == (stack.url, stack.token)
    assert local.find(stack.data.parent / "elsewhere") is None


def test_secrets_are_in_no_command_line_and_no_log(stack: Stack) -> None:
    secrets = [path.read_text() for path in (stack.data / "secrets").iterdir()] + [stack.token, stack.link[-20:]]
    family = psutil.Process(_status(stack).supervisor).children(recursive=True)
    texts = [" ".join(process.cmdline()) for process in family]
    texts += [path.read_text(errors="replace") for path in (stack.data / "logs").iterdir()]
    assert len(texts) > 10
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    family = psutil.Process(_status(stack).supervisor).children(recursive=True)
    listening = {c.laddr.ip for process in family for c in process.net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("name", PARTS)
def test_any_part_that_is_killed_comes_back(stack: Stack, name: str) -> None:
    before = _part(stack, name)
    psutil.Process(before.process_id).kill()

    def back() -> bool:
        after = _part(stack, name)
        return after.state is PartState.READY and after.process_id not in {None, before.process_id}

    until(back, 120)
    bearer = {"Authorization": f"Bearer {stack.token}"}
    until(lambda: httpx.get(f"{stack.url}/readyz").status_code == 200, 60)
    assert httpx.get(f"{stack.url}/api/datasets", headers=bearer).status_code == 200


@pytest.mark.parametrize(("origin", "allowed"), [("its own", True), ("http://elsewhere.test", False)])
def test_only_the_page_may_upload_to_the_store(stack: Stack, origin: str, allowed: bool) -> None:
    origin = stack.url if origin == "its own" else origin
    port = _part(stack, "store").ports[0]
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(f"http://127.0.0.1:{port}/vedette/items/a?partNumber=1", headers=asked)
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


def test_logs(stack: Stack) -> None:
    assert "api starts" in stack.vedette("logs", "api", "-n", "1000").stdout
    every = stack.vedette("logs", "-n", "5").stdout
    assert {line.split()[0] for line in every.splitlines()} == {*PARTS, "supervisor"}
    wrong = stack.vedette("logs", "nonsense")
    assert wrong.returncode == 2
    assert "There is no part 'nonsense'" in wrong.stderr


def test_a_second_up_is_refused(stack: Stack) -> None:
    for arguments in (["up"], ["up", "--detach"]):
        answer = stack.vedette(*arguments)
        assert answer.returncode == 2
        assert f"Vedette already runs on {stack.data}" in answer.stderr
        assert "Traceback" not in answer.stderr


@pytest.fixture(scope="module")
def stopped() -> Iterator[dict[str, str]]:
    with temporary_folder() as folder:
        yield {**private_environment(), "VEDETTE_DATA": str(folder / "data")}


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)


def test_nothing_runs(stopped: dict[str, str]) -> None:
    answer = _run(stopped, "status")
    assert (answer.returncode, answer.stdout) == (3, f"No Vedette runs on {stopped['VEDETTE_DATA']}.\n")
    assert json.loads(_run(stopped, "status", "--json").stdout)["running"] is False
    down = _run(stopped, "down")
    assert (down.returncode, down.stdout) == (0, f"No Vedette runs on {stopped['VEDETTE_DATA']}.\n")


def test_up_down_and_up_again(stopped: dict[str, str]) -> None:
    """The link and the token of the first start; the data and the address at the second; Ctrl-C at the end."""
    data = DataFolder.of(Path(stopped["VEDETTE_DATA"]))
    first = _run(stopped, "up", "--detach", "--media-workers", "0", "--detector-workers", "0")
    assert first.returncode == 0, first.stderr
    url = first.stdout.splitlines()[0].rsplit(" ", 1)[1]
    bearer = {"Authorization": f"Bearer {data.token.read_text()}"}
    made = httpx.post(f"{url}/api/datasets", json={"name": "kept"}, headers=bearer)
    assert made.is_success, made.text
    assert _run(stopped, "down").returncode == 0
    assert left_of(data) == []
    assert not data.status.exists()
    command = [sys.executable, "-m", "appliance.cli.main", "up", "--media-workers", "0", "--detector-workers", "0"]
    begun = time.monotonic()
    with subprocess.Popen(command, env=stopped, stdout=subprocess.PIPE, start_new_session=True, text=True) as second:
        try:
            assert second.stdout is not None
            assert second.stdout.readline() == f"Vedette is at {url}\n"
            link = second.stdout.readline().rsplit(" ", 1)[1].strip()
            assert link.startswith(f"{url}/sign-in#link=")
            assert link not in first.stdout
            print(f"second start: {time.monotonic() - begun:.1f} s")
            listed = httpx.get(f"{url}/api/datasets", headers=bearer).json()
            assert [dataset["name"] for dataset in listed["items"]] == ["kept"]
        finally:
            os.killpg(second.pid, signal.SIGINT)
        assert second.wait(60) == 0
    assert left_of(data) == []


def test_a_port_that_is_taken(stopped: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = _run(stopped, "up", "--detach", "--port", port)
    assert answer.returncode == 2
    assert f"Port {port} is taken by another program." in answer.stderr
