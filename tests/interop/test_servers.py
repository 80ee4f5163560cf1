"""How the servers here are found, started and ended."""

from __future__ import annotations

import pwd
import socket
from pathlib import Path

import pytest

from .servers import program


@pytest.fixture
def place():
    with program.home("test") as home:
        yield home


def is_alive(pid):
    return Path("/proc", pid).exists() and Path("/proc", pid, "stat").read_text().rpartition(") ")[2][0] != "Z"


@pytest.mark.parametrize("required", [False, True])
def test_a_program_that_is_missing(monkeypatch, tmp_path, required):
    monkeypatch.setattr(program, "PLACES", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MONITORPY_INTEROP", "required" if required else "")
    with pytest.raises(pytest.fail.Exception if required else pytest.skip.Exception, match="named is not installed: apt-get install bind9"):
        program.find("named")


def test_every_program_has_its_package():
    assert {"nginx", "knotd", "named", "unbound", "dovecot", "exim4", "tinyproxy", "danted"} <= program.packages().keys()


def test_ports_are_free_and_differ():
    ports = {program.free_port() for _ in range(20)}
    assert len(ports) == 20
    for port in ports:
        with socket.socket() as tcp:
            tcp.bind((program.HOST, port))


def test_a_server_that_ends_at_once(place):
    command = ["sh", "-c", "echo unknown option; exit 3"]
    with pytest.raises(pytest.fail.Exception) as told, program.running(command, place, lambda: 1 / 0):
        pass
    assert "it ended with code 3" in str(told.value)
    assert "unknown option" in str(told.value)


def test_a_server_that_never_answers(monkeypatch, place):
    monkeypatch.setattr(program, "PATIENCE", 0.5)
    with pytest.raises(pytest.fail.Exception) as told, program.running(["sleep", "300"], place, lambda: 1 / 0):
        pass
    assert "no answer from" in str(told.value)
    assert "division by zero" in str(told.value)


def test_what_a_server_has_started_ends_with_it_however_stubborn(monkeypatch, place):
    monkeypatch.setattr(program, "PATIENCE", 2)
    pids = place.path / "pids"
    command = ["sh", "-c", "trap '' TERM; sleep 300 & echo $$ $! > new; mv new pids; wait"]
    with program.running(command, place, pids.read_text):
        started = pids.read_text().split()
        assert all(map(is_alive, started))
        assert {Path("/proc", pid).stat().st_uid for pid in started} == {pwd.getpwnam(program.user()).pw_uid}
    program.eventually(lambda: not any(map(is_alive, started)))
