"""The database's image on a volume: made once and whole, its passwords those of the Secret, its data there after a restart."""

from __future__ import annotations

import contextlib

import pytest

from tests.cluster.kubectl import KubectlError, wait_until
from tests.cluster_images.pods import Pods

_BIN = "/usr/lib/postgresql/15/bin"
_DATA = "/var/lib/postgresql/data"
_FIRST = """it's "one" \\ word"""


def _secret(pods: Pods, password: str) -> None:
    data = {"postgres-password": password, "postgres-superuser-password": "of the superuser"}
    metadata = {"name": "database", "namespace": pods.namespace}
    pods.kubectl.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})


def _start(pods: Pods, command: tuple[str, ...] = ()) -> str:
    secret = ("/run/secrets/vedette", {"secret": {"secretName": "database"}})
    return pods.run("postgres", command, mounts=[(_DATA, {"emptyDir": {}}), secret], again=True)


def _ask(pods: Pods, question: str, password: str, role: str = "vedette", host: str = "127.0.0.1") -> str:
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    where = f"host={host} dbname=vedette user={role} password='{quoted}' connect_timeout=5"
    return pods.inside("postgres", f"{_BIN}/psql", where, "-Atc", question).strip()


def _wait(pods: Pods, password: str) -> None:
    wait_until("PostgreSQL", lambda: _ask(pods, "SELECT 1", password) == "1", 120)


def _restarts(pods: Pods) -> int:
    return int(pods.get("postgres")["status"]["containerStatuses"][0]["restartCount"])


def test_made_once_and_kept_over_a_crash_and_a_changed_password(pods: Pods) -> None:
    _secret(pods, _FIRST)
    _start(pods)
    _wait(pods, _FIRST)
    assert _ask(pods, "SELECT postgis_lib_version()", _FIRST).startswith("3.")
    assert _ask(pods, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", _FIRST) == "f"
    _ask(pods, "CREATE TABLE kept AS SELECT 42 AS answer", _FIRST)
    address = pods.get("postgres")["status"]["podIP"]
    assert _ask(pods, "SELECT answer FROM kept", _FIRST, host=address) == "42"
    with pytest.raises(KubectlError, match="password authentication failed"):
        _ask(pods, "SELECT 1", "wrong")
    with pytest.raises(KubectlError, match="no pg_hba"):
        _ask(pods, "SELECT 1", "of the superuser", role="postgres", host=address)
    assert _ask(pods, "SELECT 1", "of the superuser", role="postgres") == "1"

    _secret(pods, "second")
    mounted = "/run/secrets/vedette/postgres-password"
    wait_until("the new password in the pod", lambda: pods.inside("postgres", "/bin/cat", mounted) == "second", 150)
    before = _restarts(pods)
    with contextlib.suppress(KubectlError):  # what asks for the crash goes down with it
        pods.inside("postgres", f"{_BIN}/pg_ctl", "stop", "-D", f"{_DATA}/cluster", "-m", "immediate")
    wait_until("its restart", lambda: _restarts(pods) > before, 60)
    _wait(pods, "second")
    assert _ask(pods, "SELECT answer FROM kept", "second") == "42"
    with pytest.raises(KubectlError, match="password authentication failed"):
        _ask(pods, "SELECT 1", _FIRST)
    for word in (_FIRST, "second", "of the superuser"):
        assert word not in pods.printed("postgres")


def test_a_first_start_that_was_killed_is_begun_again(pods: Pods) -> None:
    _secret(pods, _FIRST)
    # As a kill leaves it: the folder begun, with what a cluster has, and the rename not done.
    half = f"mkdir {_DATA}/unfinished && echo 15 >{_DATA}/unfinished/PG_VERSION && exec /usr/local/bin/vedette-postgres"
    _start(pods, ("/bin/sh", "-c", f"[ -d {_DATA}/cluster ] || {{ {half}; }}; exec /usr/local/bin/vedette-postgres"))
    _wait(pods, _FIRST)
    assert _ask(pods, "SELECT postgis_lib_version()", _FIRST).startswith("3.")


@pytest.mark.parametrize("seconds", ["0.3", "1", "2", "3"])
def test_a_first_start_that_is_killed_half_way_comes_whole(seconds: str, pods: Pods) -> None:
    """The first start gets that long; the second finds what it left."""
    _secret(pods, _FIRST)
    first = (
        f"[ -e {_DATA}/tried ] || {{ : >{_DATA}/tried; /usr/local/bin/vedette-postgres & sleep {seconds}; exit 1; }}"
    )
    _start(pods, ("/bin/sh", "-c", f"{first}; exec /usr/local/bin/vedette-postgres"))
    wait_until("its restart", lambda: _restarts(pods) == 1, 60)
    _wait(pods, _FIRST)
    assert _ask(pods, "SELECT postgis_lib_version()", _FIRST).startswith("3.")


def test_without_its_secret_it_says_what_it_wants(pods: Pods) -> None:
    pods.run("postgres", mounts=[(_DATA, {"emptyDir": {}})])
    wait_until("its end", lambda: pods.get("postgres")["status"]["phase"] == "Failed", 60)
    assert "postgres-password cannot be read. Mount the Secret" in pods.printed("postgres")
