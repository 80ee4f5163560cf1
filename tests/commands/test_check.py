from __future__ import annotations

import json
import socket

import pytest

from monitorpy.cli import main
from monitorpy.commands import check as command
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure, Run
from monitorpy.lab.http_server import HttpServer


@pytest.fixture
def closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it
        yield sock.getsockname()[1]


@pytest.fixture(scope="module")
def site():
    with HttpServer() as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def answering(plugins):
    """Registers a plugin ``dice`` that returns what the test says; ``seen`` collects its configs."""

    def register(result, name="dice"):
        seen = []

        @register_plugin(name)
        class Dice(PluginTemplate):
            """Rolls a dice."""

            @classmethod
            def get_required_config(cls):
                return ["sides"]

            @classmethod
            def get_optional_config(cls):
                return ["timeout"]

            def _execute_check(self):
                seen.append(self.config)
                if isinstance(result, BaseException):
                    raise result
                return result

        return seen

    return register


def test_ok(site, capsys):
    assert main(["website", f"{site}/", "--expected-status", "200"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("OK - 200 OK in ")
    assert " | time=0." in out
    assert "connect=0." in out
    assert out.count("\n") == 1
    assert err == ""


def test_by_the_name_of_the_plugin(site, capsys):
    assert main(["website_status", "--url", f"{site}/"]) == 0
    assert capsys.readouterr().out.startswith("OK")


def test_error_lists_every_failure(site, capsys):
    assert main(["website", f"{site}/unavailable", "--expected-status", "200", "--expected-content", "nowhere"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("CRITICAL - expected status 200, got 503 Service Unavailable")
    assert "  status_code" in lines
    assert "    - expected: 200" in lines


def test_warning(site, capsys):
    assert main(["website", f"{site}/slow?seconds=0.05", "--max-response-time", "warning=0.01,error=9"]) == 1
    assert capsys.readouterr().out.startswith("WARNING - response time ")


def test_severity(closed_port, capsys):
    assert main(["tcp", "127.0.0.1", str(closed_port), "--severity", "warning"]) == 1
    assert capsys.readouterr().out.startswith("WARNING - ")


def test_retries_and_addresses(closed_port, capsys):
    assert main(["tcp", "127.0.0.1", str(closed_port), "--retries", "1", "--addresses", "all", "--json"]) == 2
    result = json.loads(capsys.readouterr().out)
    assert result["attempts"] == 2
    assert result["raw_data"]["addresses"][0]["address"] == "127.0.0.1"


def test_json_is_the_whole_result(site, capsys):
    assert main(["website", f"{site}/health", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == list(CheckResult.success("x").to_dict())
    assert result["plugin"] == "website_status"
    assert result["raw_data"]["json"]["queue"]["depth"] == 42


def test_verbose_shows_config_and_observation(site, capsys):
    assert main(["website", f"{site}/health", "-v"]) == 0
    out = capsys.readouterr().out
    assert f"    url: {site}/health" in out
    assert '"status_code": 200' in out


def test_secret_never_shows(site, capsys, monkeypatch):
    monkeypatch.setenv("PASSWORD", "correct horse")
    arguments = ["website", f"{site}/private", "--auth-username", "demo", "--auth-password", "env:PASSWORD"]
    assert main([*arguments, "--allow-plaintext-auth", "-v"]) == 0
    assert main([*arguments, "--expected-content", "nowhere"]) in {2, 3}
    out, err = capsys.readouterr()
    assert "correct horse" not in out + err


@pytest.mark.parametrize(
    "argv, message",
    [
        (["tcp", "127.0.0.1", "99999"], "monitorpy: --port: must be at most 65535"),
        (["tcp", "127.0.0.1", "http"], "monitorpy: --port: must be an integer, not text\n"),
        (["website", "not a url"], "monitorpy: --url: "),
        (["website", "http://x/", "--expected-status", "9"], "--expected-status: a status has three digits"),
        (["website", "http://x/", "--expected-regex", "("], "--expected-regex: "),
        (["website", "http://x/", "--auth-password", "secret"], "--auth-password takes env:NAME or file:PATH"),
        (["tcp", "x", "80", "--timeout", "0"], "argument --timeout: must be a number of seconds above 0"),
        (["tcp", "x", "80", "--timeout", "nan"], "argument --timeout: must be"),
        (["tcp", "x", "80", "--timeout", "true"], "argument --timeout: must be"),
        (["tcp", "x", "80", "--retries", "-1"], "argument --retries: "),
        (["tcp", "x", "80", "--retries", "1000"], "argument --retries: must be a number from 0 to 100"),
        (["tcp", "x"], "the following arguments are required: PORT"),
        (["tcp", "x", "80", "90"], "unexpected '90'"),
        (["website", "http://x/", "--expected-statsu", "200"], "there is no option --expected-statsu; did you mean --expected-status?"),
        (["website", "http://x/", "--zzz=1"], "there is no option --zzz; see monitorpy website --help"),
        (["dns", "example.org", "NOTATYPE"], "--record-type: "),
    ],
)
def test_a_users_mistake(argv, message, capsys):
    assert main(argv) == 3
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""
    assert "Traceback" not in err


def test_all_mistakes_at_once(capsys):
    assert main(["tcp", "", "0", "--max-response-time", "x"]) == 3
    err = capsys.readouterr().err
    assert [line.partition(": ")[0] for line in err.removeprefix("monitorpy: ").splitlines()] == ["--host", "--port", "--max-response-time"]


def test_a_mistake_of_the_whole_config(capsys):
    assert main(["website", "http://127.0.0.1/", "--client-key", "key.pem"]) == 3
    assert "client_cert" in capsys.readouterr().err


def test_own_plugin(answering, capsys):
    seen = answering(CheckResult.success("rolled 3", 0.25))
    assert main(["dice", "6"]) == 0
    assert capsys.readouterr().out == "OK - rolled 3 | time=0.250000s;;;0\n"
    assert seen == [{"sides": 6}]


def test_timeout_reaches_the_config_of_a_plugin_that_knows_it(answering):
    seen = answering(CheckResult.success("rolled 3"))
    assert main(["dice", "6", "--timeout", "2.5"]) == 0
    assert seen == [{"sides": 6, "timeout": 2.5}]


def test_timeout_does_not_reach_another_config(plugins):
    seen = []

    @register_plugin("free")
    def free(config):
        seen.append(config)
        return CheckResult.success("fine")

    assert main(["free", "--config", "a=1", "--timeout", "2"]) == 0
    assert seen == [{"a": 1}]


@pytest.mark.parametrize("result", [RuntimeError("broken"), None, CheckResult.error("no way", fault="environment")])
def test_what_was_not_judged_is_unknown(answering, capsys, result):
    answering(result)
    assert main(["dice", "6"]) == 3
    assert capsys.readouterr().out.startswith("UNKNOWN - ")


def test_a_peer_cannot_command_terminal_or_ci(answering, capsys):
    message = "first\n::error file=x::y\n  ::warning::z\n\x1b[31mred | ##vso[task.complete]"
    answering(CheckResult.error(message, failures=(Failure("a", "b\n::set-output::", "\x1b]0;x\x07 | y=1"),)))
    assert main(["dice", "6"]) == 2
    out = capsys.readouterr().out
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "##vso[" not in out
    assert out.count("|") == 1


def test_ctrl_c(monkeypatch, capsys):
    monkeypatch.setattr(command, "run_batch", lambda specs, **_: Run((), 0.0, interrupted=True))
    assert main(["tcp", "127.0.0.1", "1"]) == 130
    assert capsys.readouterr().err == "monitorpy: interrupted\n"


def test_help(capsys):
    assert main(["tcp", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: monitorpy tcp HOST PORT [options]\n")
    assert r'Example: monitorpy tcp db.example.org 6379 --send "PING\r\n" --expect +PONG' in out
    assert "docs/plugins/tcp_port/configuration.md" in out


def test_help_of_another_plugin(answering, capsys):
    answering(CheckResult.success("x"))
    assert main(["dice", "--help"]) == 0
    out = capsys.readouterr().out
    assert "Rolls a dice." in out
    assert "Example: monitorpy dice SIDES" in out
    assert "docs/plugins" not in out


@pytest.mark.parametrize("name", command._EXAMPLES)
def test_examples_are_right(name, monkeypatch):
    import shlex

    from monitorpy.cli import build_parser
    from monitorpy.commands.flags import config_from
    from monitorpy.core.registry import registry

    monkeypatch.setenv("SMTP_PASSWORD", "x")
    argv = shlex.split(command._EXAMPLES[name])
    args = build_parser(argv).parse_args(argv)
    plugin = registry.get(name)
    assert plugin(config_from(plugin, args).config).validate_config()
