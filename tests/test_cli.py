from __future__ import annotations

import argparse
import io
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import monitorpy
from monitorpy import cli
from monitorpy.cli import build_parser, main
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult
from monitorpy.errors import CheckFileError, Issue, UsageError

HEAVY = {"pydantic", "requests", "yaml", "rich", "dns", "cryptography", "truststore", "jsonpath", "pytest", "http.client", "asyncio"}
FULL = Path("/dev/full")


@pytest.fixture
def ending(monkeypatch):
    """Makes the command ``schema`` end as the test says."""

    def make(act):
        monkeypatch.setattr("monitorpy.commands.listing.run_schema", act)

    return make


def raising(error):
    def act(_):
        raise error

    return act


def run_python(*arguments, env=None, stdout=subprocess.PIPE, text=True):
    environ = {**os.environ, **(env or {})}
    return subprocess.run(
        [sys.executable, *arguments], stdout=stdout, stderr=subprocess.PIPE, env=environ, text=text, timeout=60, check=False
    )


def test_help(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for command in ("batch", "validate", "demo", "list", "schema", "website", "ssl", "dns", "mail", "tcp", "sample"):
        assert f"\n    {command} " in out
    assert "exit codes: 0 success, 1 warning, 2 error, 3 could not check" in out


def test_nothing_asked_prints_help(capsys):
    assert main([]) == 3
    assert "usage: monitorpy" in capsys.readouterr().out


def test_arguments_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["monitorpy", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"monitorpy {monitorpy.__version__}\n"


@pytest.mark.parametrize("command", ["batch", "validate", "demo", "list", "schema"])
def test_help_of_commands(command, capsys):
    assert main([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: monitorpy {command} ")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["bacth", "x.yaml"], "there is no command 'bacth'; did you mean batch?"),
        (["zzzz"], "there is no command 'zzzz'; there are: batch, "),
        (["checks.yaml"], "there is no command 'checks.yaml'; did you mean: monitorpy batch checks.yaml"),
        (["--verzion"], "monitorpy: error: "),
        (["-"], "monitorpy: error: "),
        (["\udcff"], "there is no command"),
        (["batch"], "the following arguments are required: FILE"),
        (["batch", "x.yaml", "--fail-om", "error"], "there is no option --fail-om; did you mean --fail-on?"),
        (["batch", "x.yaml", "--fail-on", "info"], "invalid choice: 'info'"),
        (["validate", "x.yaml", "--no-secret"], "there is no option --no-secret; did you mean --no-secrets?"),
        (["list", "all"], "unexpected 'all'"),
        (["demo", "--dir"], "argument --dir: expected one argument"),
    ],
)
def test_usage_errors(argv, message, capsys):
    assert main(argv) == 3
    out, err = capsys.readouterr()
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_a_plugin_by_its_name(capsys):
    assert main(["tcp_port", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: monitorpy tcp_port HOST PORT ")


def test_files_may_come_after_options():
    args = build_parser(argv := ["batch", "a.yaml", "-q", "b.yaml", "--workers", "2", "-"]).parse_args(argv)
    assert args.files == ["a.yaml", "b.yaml", "-"]


def test_a_file_error_names_its_places(ending, capsys):
    ending(raising(CheckFileError([Issue("b.yaml", 2, 1, "::error::x"), Issue("a.yaml", 1, 1, "wrong")])))
    assert main(["schema"]) == 3
    assert capsys.readouterr().err == "a.yaml:1:1: wrong\nb.yaml:2:1: ::error::x\n"


def test_a_usage_error_names_the_program_and_is_no_command_to_a_ci(ending, capsys):
    ending(raising(UsageError("cannot\n::error::x")))
    assert main(["schema"]) == 3
    first, second = capsys.readouterr().err.splitlines()
    assert first == "monitorpy: cannot"
    assert not second.startswith("::")


def test_ctrl_c(ending, capsys):
    ending(raising(KeyboardInterrupt))
    assert main(["schema"]) == 130
    assert capsys.readouterr().err == "monitorpy: interrupted\n"


@pytest.mark.parametrize("crash", [ZeroDivisionError("oops"), PermissionError(13, "no")])
def test_our_own_mistakes_keep_their_traceback_and_are_no_warning(ending, capsys, crash):
    ending(raising(crash))
    assert main(["schema"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith(type(crash).__name__)


def test_closed_output(ending, monkeypatch):
    ending(lambda _: 1)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["schema"]) == 1


def test_output_without_a_character_set(ending, monkeypatch):
    ending(lambda _: sys.stdout.write("x") - 1)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["schema"]) == 0


def test_python_m_in_this_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["monitorpy", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("monitorpy", run_name="__main__")
    assert ended.value.code == 0
    assert runpy.run_module("monitorpy.__main__")["main"] is main
    capsys.readouterr()


class TestProcess:
    def test_python_m(self):
        ended = run_python("-m", "monitorpy", "list", "--json")
        assert ended.returncode == 0
        plugins = json.loads(ended.stdout)
        assert plugins["website_status"]["command"] == "website"
        assert plugins["website_status"]["required_config"] == ["url"]

    @pytest.mark.parametrize("argv", [["--help"], ["demo", "--help"], ["list", "--help"], ["nonsense"]])
    def test_help_is_lean(self, argv):
        code = f"import sys; from monitorpy.cli import main; main({argv!r}); print(*sys.modules, file=sys.stderr)"
        ended = run_python("-c", code)
        loaded = set(ended.stderr.split())
        assert "monitorpy.cli" in loaded
        assert loaded & HEAVY == set()

    def test_nobody_reads_on(self):
        code = "import os, sys; os.close(1); r, w = os.pipe(); os.close(r); os.dup2(w, 1); from monitorpy.cli import main; sys.exit(main(['schema']))"
        ended = run_python("-c", code)
        assert ended.returncode == 3
        assert ended.stderr == ""

    @pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this machine")
    def test_full_disk(self):
        with FULL.open("wb") as full:
            ended = run_python("-m", "monitorpy", "list", stdout=full)
        assert ended.returncode == 3
        assert ended.stderr == "monitorpy: the output cannot be written: No space left on device\n"

    def test_a_terminal_without_the_character(self):
        code = "import sys; from monitorpy.cli import main; sys.exit(main(['no\\u00e9', '\\u2026']))"
        ended = run_python("-c", code, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, text=False)
        assert ended.returncode == 3
        assert b"no\\xe9" in ended.stderr


class TestFull:
    """What test_full_disk sees from outside, in this process."""

    @pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), OSError(28, "No space left on device")])
    def test_output_cannot_be_written(self, ending, monkeypatch, error):
        left = []
        ending(raising(error))
        monkeypatch.setattr(cli, "_leave_stdout", lambda: left.append(True))
        assert main(["schema"]) == 3
        assert left

    def test_what_is_left_in_the_buffer_goes_nowhere(self, monkeypatch, tmp_path):
        with (tmp_path / "out").open("w") as file:
            monkeypatch.setattr(sys, "stdout", file)
            cli._leave_stdout()
            file.write("x")
            file.flush()
        assert (tmp_path / "out").read_text() == ""


class Found:
    """An entry point."""

    def __init__(self, name, thing):
        self.name = name
        self._thing = thing

    def load(self):
        if isinstance(self._thing, Exception):
            raise self._thing
        return self._thing


class TestOtherPackages:
    @pytest.fixture
    def installed(self, plugins, monkeypatch):
        class Theirs(PluginTemplate):
            """100 % theirs."""

            cli_name = "lamp"

            @classmethod
            def get_required_config(cls):
                return ["room"]

            def _execute_check(self):
                return self.success_result(f"{self.config['room']} is lit")

        class Homonym(Theirs):
            """Is called as one of ours."""

            cli_name = "website"

        class Greedy(Theirs):
            """Wants our names."""

            cli_name = "batch"

        points = [
            Found("lamp_status", Theirs),
            Found("greedy", Greedy),
            Found("validate", Homonym),
            Found("broken", ImportError("no module 100 %")),
        ]
        monkeypatch.setattr(plugins, "_entry_points", {point.name: point for point in points})

    @pytest.mark.usefixtures("installed")
    @pytest.mark.parametrize("command", ["lamp", "lamp_status"])
    def test_a_command_for_nothing(self, command, capsys):
        assert main([command, "kitchen"]) == 0
        assert capsys.readouterr().out.startswith("OK - kitchen is lit")

    @pytest.mark.usefixtures("installed")
    def test_ours_are_not_taken(self, capsys):
        assert main(["batch", "--help"]) == 0
        assert "Run the checks of check files" in capsys.readouterr().out
        assert main(["greedy", "hall"]) == 0
        assert main(["validate", "--help"]) == 0
        assert main(["--help"]) == 0
        assert " greedy " in capsys.readouterr().out

    @pytest.mark.usefixtures("installed")
    def test_help(self, capsys):
        assert main(["--help"]) == 0
        out = " ".join(capsys.readouterr().out.split())
        assert "lamp 100 % theirs." in out
        assert "broken does not load: ImportError: no module 100 %" in out

    @pytest.mark.usefixtures("installed")
    def test_a_broken_one(self, capsys):
        assert main(["broken", "x"]) == 3
        err = capsys.readouterr().err
        assert "the plugin 'broken' cannot be loaded: ImportError: no module 100 %" in err
        assert "Traceback" not in err

    def test_a_broken_one_of_ours_is_our_mistake(self, plugins, monkeypatch, capsys):
        def get(name):
            raise ImportError(name)

        monkeypatch.setattr(plugins, "get", get)
        assert main(["tcp", "--help"]) == 3
        assert capsys.readouterr().err.startswith("Traceback")

    def test_not_looked_for_without_need(self, plugins, monkeypatch, capsys):
        monkeypatch.setattr(plugins, "_found_entry_points", lambda: pytest.fail("looked for entry points"))
        assert main(["batch", "--help"]) == 0
        assert main(["tcp", "--help"]) == 0
        capsys.readouterr()

    def test_registered_here(self, plugins, capsys):
        @register_plugin("here")
        def here(config):
            return CheckResult.success("fine")

        assert main(["here"]) == 0
        capsys.readouterr()


def test_parsers_are_ours():
    parser = build_parser([])
    assert isinstance(parser, argparse.ArgumentParser)
    assert parser.allow_abbrev is False
