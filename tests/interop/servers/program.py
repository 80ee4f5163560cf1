"""A real server as a foreground process: found, started in a folder of its own, asked until it answers, and gone in the end."""

from __future__ import annotations

import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

HOST = "127.0.0.1"
PATIENCE = 20.0 * float(os.environ.get("MONITORPY_TEST_TIME_FACTOR", "1"))
"""Seconds for a server to answer, and for it to end."""
PLACES = ["/usr/sbin", "/usr/local/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
"""Where servers are on Debian, beyond the PATH of an ordinary user."""


def packages() -> dict[str, str]:
    """The package of each program."""
    lines = Path(__file__).with_name("..").resolve().joinpath("packages.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if not line.startswith("#"))


def find(program: str) -> str:
    """The program's path. Without it the test is skipped, or it fails where the environment has MONITORPY_INTEROP=required."""
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))
    if path is None:
        refuse(f"{program} is not installed: apt-get install {packages()[program]}")
    return path


def refuse(reason: str) -> None:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("MONITORPY_INTEROP") == "required":
        pytest.fail(f"{reason} (MONITORPY_INTEROP=required)", pytrace=False)
    pytest.skip(reason)


_ports = itertools.count(os.getpid() * 61)


def free_port() -> int:
    """A port on which nobody is, over TCP and UDP, and outside of the range that clients and other tests get theirs from.

    Each process has a stretch of its own, so that two that look at the same time do not find the same one.
    """
    for number in _ports:
        port = 10_240 + number % 20_000
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, suppress(OSError):
            tcp.bind((HOST, port))
            udp.bind((HOST, port))
            return port
    raise AssertionError("endless")


def fill(template: str, **values: object) -> str:
    """The template with each ``@name@`` replaced; all of them must be known."""
    return re.sub(r"@(\w+)@", lambda found: str(values[found[1]]), template)


class Home:
    """A server's own folder: its configuration, what it writes, and in ``log`` what it says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "log"
        self.log.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def copy(self, *files: Path) -> list[Path]:
        """A key belongs to the one who reads it."""
        return [Path(shutil.copy(file, self.path)) for file in files]

    def said(self) -> str:
        """All logs, one after the other."""
        logs = (path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.log.rglob("*")) if path.is_file())
        return "\n".join(logs)


@contextmanager
def home(name: str) -> Iterator[Home]:
    """Not below pytest's own folders: they are closed to the user that servers run as."""
    with tempfile.TemporaryDirectory(prefix=f"monitorpy-{name}-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Home(Path(folder))


def user() -> str:
    """Who servers run as: nobody instead of root."""
    return pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() else "nobody"


def group_id() -> int:
    return pwd.getpwnam(user()).pw_gid


def hand_over(path: Path) -> None:
    """Give the folder to the user that servers run as."""
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            os.chown(each, pwd.getpwnam(user()).pw_uid, group_id())


def call(command: list[str], home: Home) -> None:
    """A program that prepares something, as the user of the server."""
    hand_over(home.path)
    done = subprocess.run(_as_user(command), cwd=home.path, env=_environ(home), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)


@contextmanager
def running(command: list[str], home: Home, answers: Callable[[], object]) -> Iterator[None]:
    """The server, from its first answer to its end: ``answers`` raises anything until there is one. An open port is not enough."""
    hand_over(home.path)
    with home.log.joinpath("output").open("wb") as output:
        process = subprocess.Popen(
            _as_user(command),
            cwd=home.path,
            env=_environ(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for pytest, which then ends it
        )
    try:
        _wait(process, answers, home)
        yield
    finally:
        _end(process)


def eventually(holds: Callable[[], object]) -> None:
    """For what servers do in their own time: write their logs, end."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


def _as_user(command: list[str]) -> list[str]:
    """Without a way back to root (exim4 has the setuid bit), and not longer than we live: a worker of xdist can be killed."""
    prefix = [find("setpriv"), "--no-new-privs", "--pdeathsig=TERM"]
    if os.geteuid() == 0:
        prefix += [f"--reuid={user()}", f"--regid={group_id()}", "--clear-groups"]
    return [*prefix, *command]


def _environ(home: Home) -> dict[str, str]:
    return {"PATH": os.pathsep.join([os.defpath, *PLACES]), "HOME": str(home.path), "LC_ALL": "C.UTF-8"}


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], object], home: Home) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            answers()
        except Exception as error:  # noqa: BLE001 - whatever a server that is not there yet may cause
            problem = repr(error)
        else:
            return
        with suppress(subprocess.TimeoutExpired):
            problem = f"it ended with code {process.wait(0.02)}"
        if process.returncode is not None or time.monotonic() > until:
            command = " ".join(map(str, process.args))
            pytest.fail(f"no answer from {command}\n{problem}\nIts log:\n{home.said()}", pytrace=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """All of its group; those that do not hear, after a while, too."""
    for way in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, way)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE / 4)
