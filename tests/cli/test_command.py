"""The command itself: quick to start, helpful, and never a traceback."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from appliance.cli import exit_codes, main
from appliance.cli.lazy import Noun, Table, Verb, load
from appliance.contracts.errors import Code, Reason
from tests.servers import private_environment


def vedette(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance.cli.main", *arguments],
        env=private_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def verbs(table: Table, path: str = "") -> Iterator[tuple[str, Verb]]:
    for name, entry in table.items():
        if isinstance(entry, Noun):
            yield from verbs(entry.verbs, f"{path}{name} ")
        else:
            yield f"{path}{name}", entry


ALL = dict(verbs(main.TABLE))


def test_help_imports_nothing_of_the_appliance() -> None:
    heavy = "torch", "rasterio", "fastapi", "numpy", "httpx", "pydantic", "appliance.contracts"
    code = (
        "import sys; from appliance.cli.main import run; code = run(['--help']);"
        f"print(code, [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "0 []"
    assert "dataset" in done.stdout


def test_help_comes_at_once() -> None:
    """Processor time, so that a busy machine does not count: 0.2 s here, of which the interpreter takes 0.02."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert vedette("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.4


@pytest.mark.parametrize("words", ALL)
def test_every_verb_can_be_loaded_and_explains_itself(words: str) -> None:
    command = load(words, ALL[words])
    assert command.help
    names = [option for param in command.params for option in param.opts]
    assert len(names) == len(set(names)), "an option is there twice"
    assert ("--json" in names) or not ALL[words].connects


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["itm"], 2, "Did you mean 'item'?"),
        (["dataset", "lst"], 2, "Did you mean 'list'?"),
        (["item", "push", "--dataset", "x"], 2, "files"),
        (["item", "push", "/nowhere/scene.tif", "--dataset", "x"], 2, "There is no file /nowhere/scene.tif."),
        (["dataset", "create", "No Spaces", "--url", "http://127.0.0.1:9"], 2, "'No Spaces' is no name of a dataset"),
        (["run", "cancel", "seven", "--url", "http://127.0.0.1:9"], 2, "'seven' is no identifier of a run."),
        (["dataset", "list", "--url", "http://127.0.0.1:9"], 3, "Nothing answers at http://127.0.0.1:9."),
        (["detector", "apply", "/nowhere"], 2, "/nowhere is not a model package folder."),
        (["detector", "apply"], 2, "Give exactly one of PACKAGE and -f FILE."),
        (["detector", "apply", "demo", "-f", "x.yaml"], 2, "Give exactly one of PACKAGE and -f FILE."),
        (["detector", "apply", "-f", "/nowhere.yaml"], 2, "/nowhere.yaml cannot be read: No such file or directory."),
        (["detector", "apply", "-f", "x.yaml", "--subscribe", "port"], 2, "--subscribe does not go with -f."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(arguments: list[str], code: int, says: str) -> None:
    done = vedette(*arguments, VEDETTE_TOKEN="a-token", VEDETTE_DATA="/nowhere")
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_an_address_or_a_token_it_says_how_to_get_one() -> None:
    nowhere = vedette("dataset", "list", VEDETTE_DATA="/nowhere")
    assert nowhere.returncode == exit_codes.UNREACHABLE
    assert "vedette up" in nowhere.stderr
    no_token = vedette("dataset", "list", "--url", "http://127.0.0.1:9", VEDETTE_DATA="/nowhere")
    assert no_token.returncode == exit_codes.NOT_ALLOWED
    assert "VEDETTE_TOKEN" in no_token.stderr


def test_a_closed_pipe_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m appliance.cli.main --help | true", shell=True, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr


def test_codes_of_reasons() -> None:
    def code(code: Code) -> int:
        return exit_codes.of(Reason(code=code, message="x"))

    assert code(Code.TRUNCATED) == code(Code.CONFLICT) == 2
    assert code(Code.STORE) == code(Code.UNAVAILABLE) == 3
    assert code(Code.UNAUTHENTICATED) == 4
    assert code(Code.INTERNAL) == 1


class _Strange(BaseHTTPRequestHandler):
    """Answers as some other program would."""

    def do_GET(self) -> None:
        self.send_response(500 if self.path.startswith("/api/workers") else 200)
        self.end_headers()
        self.wfile.write(b"<html>a router's configuration page</html>")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def stranger() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Strange)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_is_no_vedette_is_said_to_be_none(stranger: str) -> None:
    done = vedette("dataset", "list", "--url", stranger, VEDETTE_TOKEN="x")
    assert done.returncode == exit_codes.UNEXPECTED
    assert "answered something unknown" in done.stderr
    broken = vedette("worker", "list", "--url", stranger, VEDETTE_TOKEN="x")
    assert broken.returncode == exit_codes.UNREACHABLE
    assert "was answered with 500" in broken.stderr
    assert "Traceback" not in done.stderr + broken.stderr
