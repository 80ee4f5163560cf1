"""Runs what the documentation shows: every block of a page, in order, in an empty folder, with the lab's servers at hand.

- ``python``: executed; ``yaml``: loaded as a check file (a lone ``expect:`` gets a check around it, ``wrong.yaml`` is left to
  its command); ``json``, ``toml``, ``ini``: parsed.
- A block whose first line is a comment with a file name (``# checks.yaml``) is also written to that file.
- ``console``: each ``$ command`` is run and its output compared (``...`` stands for anything); ``$ echo $?`` shows the exit code.
  A command that names example.org or example.com, needs a place of the reader's, or runs the demo, is only checked for its options.
- ``bash``: commands to type, checked for their options only; so are those of the CI recipes.
- ``text``: nothing.

Ports: 8000 is the lab's web site, 8443 the same over TLS, 8444 with an expired certificate, 2525 SMTP, 5353 DNS (8853 over TLS,
8053 over HTTPS), 7000 a line server, 7001 a closed port, 7002 UDP, 50051 gRPC,
8765 WebSocket.
"""

from __future__ import annotations

import configparser
import contextlib
import doctest
import functools
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docs_servers
import pytest
import yaml
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser

from monitorpy.checkfile import load
from monitorpy.cli import build_parser, main
from monitorpy.core.registry import BUILTINS, registry
from monitorpy.lab.lab import Lab

ENVIRON = {
    "TARGET_HOST": "127.0.0.1",
    "SMTP_PASSWORD": "correct horse",
    "API_TOKEN": "t0ken-of-the-docs",
    "NO_COLOR": "1",
    "COLUMNS": "140",
}
PORTS = {
    "8000": "http",
    "8443": "https",
    "8444": "https_expired",
    "2525": "smtp",
    "5353": "dns",
    "8853": "dns_tls",
    "8053": "dns_https",
    "7000": "line",
    "7001": "closed",
    "7002": "udp",
}

EXTRA_PORTS = {"50051": docs_servers.grpc_port, "8765": docs_servers.websocket_port}

_FILE = re.compile(r"# ([\w./-]+\.(?:py|ya?ml|ini|toml|json|txt))\n")
_ELSEWHERE = re.compile(r"example\.(org|com|net)|/etc/|/path/|\bdemo\b|-n \d|--html=|dask:")
_OF_OTHERS = {"pip", "python", "python3", "git", "export", "cat", "source"}
_lab: list[Lab] = []


def lab() -> Lab:
    """The servers, started at first need and kept for the other pages."""
    if not _lab:
        _lab.append(Lab().__enter__())
    return _lab[0]


def close_lab() -> None:
    while _lab:
        _lab.pop().__exit__(None, None, None)


@functools.cache
def pytest_options() -> frozenset[str]:
    text = subprocess.run([sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True).stdout
    return frozenset(map(undashed, re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text)))


def undashed(option: str) -> str:
    """pytest's help names one spelling of --junit-xml and --junitxml."""
    return option[:2] + option[2:].replace("-", "")


def located(text: str) -> str:
    """The text with the documentation's ports replaced by those of the lab."""
    return re.sub(rf"\b({'|'.join([*PORTS, *EXTRA_PORTS])})\b", lambda m: str(_port(m[1])), text)


def _port(shown: str) -> int:
    return EXTRA_PORTS[shown]() if shown in EXTRA_PORTS else getattr(lab(), PORTS[shown]).port


def source_of(example: Example) -> str:
    """The block's text; written to the file that its first line names, if it names one."""
    text = located(str(example.parsed))
    if named := _FILE.match(text):
        path = Path(named[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return text


def python(example: Example) -> None:
    code = compile("\n" * (example.line + example.parsed.line_offset) + source_of(example), example.path, "exec", dont_inherit=True)
    if not _FILE.match(example.parsed):
        exec(code, example.namespace)


def yaml_block(example: Example) -> None:
    text = source_of(example)
    name = named[1] if (named := _FILE.match(text)) else "docs.yaml"
    if name.startswith((".github", ".gitlab")):
        for line in _lines_of(yaml.safe_load(text)):
            check_command(line)
        return
    if name.startswith("wrong"):
        return
    if text.startswith("expect:"):
        text = f"- id: example\n  plugin: website_status\n  config: {{url: 'http://127.0.0.1/'}}\n{_indented(text)}"
    assert load(name, text=text, fixture_problem=lambda name: None).checks


def _indented(text: str) -> str:
    return "".join(f"  {line}" for line in text.splitlines(keepends=True))


def _lines_of(recipe: Any) -> Iterator[str]:
    """The shell commands of a CI recipe."""
    if isinstance(recipe, Mapping):
        for key, value in recipe.items():
            if key in {"run", "script"}:
                yield from (value.strip().splitlines() if isinstance(value, str) else value)
            else:
                yield from _lines_of(value)
    elif isinstance(recipe, list):
        for value in recipe:
            yield from _lines_of(value)


def console(example: Example) -> None:
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", located(str(example.parsed)), re.MULTILINE)
    assert commands, "a console block starts with $"
    code = 0
    for command, expected in commands:
        if command == "echo $?":
            output: str | None = f"{code}\n"
        elif _ELSEWHERE.search(command):
            check_command(command)
            output = None
        else:
            code, output = run(command)
        if output is not None and expected:
            compare(command, expected, output)


def compare(command: str, expected: str, output: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    checker = doctest.OutputChecker()
    if not checker.check_output(expected, output, flags):
        raise AssertionError(f"$ {command}\n{checker.output_difference(doctest.Example('', expected), output, flags)}")


def run(command: str) -> tuple[int, str]:
    """Exit code and output; what is written to standard error comes after it."""
    command, _, piped = command.partition(" < ")
    program, *arguments = shlex.split(os.path.expandvars(command))
    if program == "cat":
        return 0, Path(arguments[0]).read_text(encoding="utf-8")
    if program == "pytest":
        environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments],
            capture_output=True,
            text=True,
            env=environ,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr
    assert program == "monitorpy", f"what is {program}?"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err, _stdin(piped):
        code = main(arguments)
    return code, out.getvalue() + err.getvalue()


@contextlib.contextmanager
def _stdin(path: str) -> Iterator[None]:
    before = sys.stdin
    with io.TextIOWrapper(io.BytesIO(Path(path).read_bytes() if path else b"")) as file:
        sys.stdin = file
        try:
            yield
        finally:
            sys.stdin = before


def check_command(line: str) -> None:
    """Whether the options of each command in a line exist."""
    for part in re.split(r"&&|\||;", line.partition(" #")[0]):
        words = shlex.split(re.split(" [<>] ", part)[0])
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        if not words:
            continue
        program, *arguments = words
        program = program.rpartition("/")[2]
        options = [a.partition("=")[0] for a in arguments if a.startswith("-") and a != "-"]
        if program == "pytest":
            unknown = [o for o in options if undashed(o) not in pytest_options() and o.rstrip("0123456789") not in pytest_options()]
            assert not unknown, f"pytest has no {' '.join(unknown)}"
        elif program == "monitorpy":
            check_monitorpy(arguments)
        else:
            assert program in _OF_OTHERS, f"what is {program}?"


def check_monitorpy(arguments: list[str]) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as told:
        try:
            build_parser(arguments).parse_args(arguments)
        except SystemExit:
            raise AssertionError(told.getvalue()) from None


def bash(example: Example) -> None:
    for line in str(example.parsed).replace("\\\n", " ").splitlines():
        if not line.startswith("#"):
            check_command(line)


def toml(example: Example) -> None:
    tomllib.loads(source_of(example))


def ini(example: Example) -> None:
    configparser.ConfigParser().read_string(source_of(example))


def json_block(example: Example) -> None:
    json.loads(source_of(example))


LANGUAGES = {
    "python": python,
    "yaml": yaml_block,
    "json": json_block,
    "toml": toml,
    "ini": ini,
    "console": console,
    "bash": bash,
    "text": lambda example: None,
}


SYBIL = Sybil(parsers=[CodeBlockParser(language, evaluator) for language, evaluator in LANGUAGES.items()])


def failures_of(path: Path, environ: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    """Every example of the page that does not do what the page says, with its line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if (fence := re.match(r"```(\w+)$", line)) and fence[1] not in LANGUAGES:
            yield f"{path}:{number}: a block of code is one of {', '.join(LANGUAGES)}, not {fence[1]}"
    document = SYBIL.parse(path)
    environ.chdir(folder)
    for name, value in {**ENVIRON, **lab().environ()}.items():
        environ.setenv(name, value)
    for builtin in BUILTINS:
        registry.get(builtin)  # before the registry is put back: a module is imported once
    environ.setattr(registry, "_plugins", registry.plugins)
    for example in document.examples():
        try:
            example.evaluate()
        except Exception as wrong:  # noqa: BLE001 - each example is told, whatever is wrong with it
            told = isinstance(wrong, AssertionError) and str(wrong)
            yield f"{path}:{example.line}: {told or ''.join(traceback.format_exception(wrong))}"
