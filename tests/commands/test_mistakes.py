"""Whatever a user gets wrong is a message and exit code 3, never a traceback; nothing is sent."""

import random
from pathlib import Path

import pytest

from monitorpy.cli import main

URL = "http://127.0.0.1:9/"
LINES = [
    [],
    ["--"],
    ["-"],
    [""],
    ["bach"],
    ["checks.yaml"],
    ["--nope"],
    ["batch"],
    ["batch", "--nope", "good.yaml"],
    ["batch", "gone.yaml"],
    ["batch", ""],
    ["batch", "x" * 300],
    ["batch", "empty"],
    ["batch", "*.nothing"],
    ["batch", "good.yaml", "-k"],
    ["batch", "good.yaml", "-k", "and"],
    ["batch", "good.yaml", "-k", "nothing"],
    ["batch", "good.yaml", "--tag", "nothing"],
    ["batch", "good.yaml", "--workers", "many"],
    ["batch", "good.yaml", "--workers", "9" * 5000],
    ["batch", "good.yaml", "--deadline", "-1"],
    ["batch", "good.yaml", "--json", "gone/x"],
    ["batch", "good.yaml", "--json", "-", "--ndjson", "-"],
    ["batch", "good.yaml", "--junit"],
    ["batch", "good.yaml", "gone.yaml"],
    ["batch", "fixture.yaml"],
    ["validate"],
    ["validate", "gone.yaml"],
    ["list", "extra"],
    ["schema", "--json"],
    ["demo", "--dir"],
    ["website"],
    ["website", "not a url"],
    ["website", "ftp://example.org"],
    ["website", URL, "extra"],
    ["website", URL, "--expected-statu", "200"],
    ["website", URL, "--expected-status", "9999"],
    ["website", URL, "--expected-status", ""],
    ["website", URL, "--expected-regex", "("],
    ["website", URL, "--headers", "Accept: text/html"],
    ["website", URL, "--headers", "a=1", "--headers", "a=2"],
    ["website", URL, "--expected-json", "=1"],
    ["website", URL, "--expected-json", "$[=1"],
    ["website", URL, "--max-response-time", "warning=fast"],
    ["website", URL, "--max-response-time", "soon=1"],
    ["website", URL, "--max-response-time", "warning=1,warning=2"],
    ["website", URL, "--auth-username", "me", "--auth-password", "hunter2"],
    ["website", URL, "--bearer", "env:NOT_SET_ANYWHERE"],
    ["website", URL, "--bearer", "file:gone.txt"],
    ["website", URL, "--bearer", "file:binary.yaml"],
    ["website", URL, "--timeout", "0"],
    ["website", URL, "--timeout", ".nan"],
    ["website", URL, "--retries", "-1"],
    ["website", URL, "--severity", "mild"],
    ["website", URL, "--body", "a", "--config-json", "1"],
    ["tcp", "127.0.0.1", "http"],
    ["tcp", "127.0.0.1", "99999"],
    ["tcp", "127.0.0.1"],
    ["mail", "127.0.0.1", "smpt"],
    ["dns", "example.org", "WHAT"],
    ["ssl", "127.0.0.1", "--warning-days", "soon"],
    ["sample", "x"],
]
FILES = {
    "nothing": b"",
    "null": b"null",
    "text": b"hello",
    "number": b"3",
    "no-checks": b"version: 1",
    "empty-list": b"checks: []",
    "wrong-version": b"version: 9\nchecks: [{id: a, plugin: tcp_port}]",
    "binary": bytes(range(256)) * 40,
    "garbage": random.Random(1).randbytes(100_000),
    "text-garbage": b"{[: - &a *b !!x \n\t" * 5000,
    "tab": b"checks:\n\t- id: a",
    "unclosed": b'checks: [{id: "a',
    "two-documents": b"checks: []\n---\nchecks: []",
    "alias-bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%b]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 108)),
    "self-reference": b"checks: &a [*a]",
    "deep": b"[" * 5000,
    "repeated": b"checks:\n- {id: a, id: b, plugin: tcp_port}",
    "unknown-plugin": b"checks:\n- {id: a, plugin: tpc_port}",
    "unknown-key": b"checks:\n- {id: a, plugin: tcp_port, confg: {host: a, port: 1}}",
    "norway": b"checks:\n- {id: a, plugin: tcp_port, config: {host: no, port: 1}}",
    "unset": b"checks:\n- {id: a, plugin: tcp_port, config: {host: '${NOT_SET_ANYWHERE}', port: 1}}",
    "needs-itself": b"checks:\n- {id: a, plugin: tcp_port, config: {host: a, port: 1}, needs: [a]}",
    "needs-nobody": b"checks:\n- {id: a, plugin: tcp_port, config: {host: a, port: 1}, needs: [b]}",
    "includes-itself": b"include: [bad.yaml]\nchecks:\n- {id: a, plugin: tcp_port, config: {host: a, port: 1}}",
    "merge-key": b"checks:\n- <<: {id: a}\n  plugin: tcp_port",
}


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("socket.socket.connect", None)
    monkeypatch.setattr("socket.getaddrinfo", None)
    Path("empty").mkdir()
    Path("good.yaml").write_text("checks: [{id: a, plugin: tcp_port, config: {host: 127.0.0.1, port: 9}}]")
    Path("fixture.yaml").write_text("checks: [{id: a, plugin: 'fixture:x'}]")
    Path("binary.yaml").write_bytes(b"\xff\xfe\0")


@pytest.mark.parametrize("argv", LINES, ids=lambda argv: " ".join(argv)[:60] or "nothing")
def test_command_lines(argv, capsys):
    assert main(argv) == 3
    out, err = capsys.readouterr()
    assert (err if argv else out).strip()
    assert "Traceback" not in out + err
    assert "hunter2" not in out + err


@pytest.mark.parametrize("command", ["batch", "validate"])
@pytest.mark.parametrize("name", FILES)
def test_files(name, command, capsys):
    Path("bad.yaml").write_bytes(FILES[name])
    assert main([command, "bad.yaml"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bad.yaml:")
    assert "Traceback" not in err
    line, column = err.split(":")[1:3]
    assert int(line) >= 1
    assert int(column) >= 1
