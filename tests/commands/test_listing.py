import json

from monitorpy.cli import main
from monitorpy.core.registry import BUILTINS, registry


def test_list_names_plugin_command_and_what_it_checks(told):
    code, out, _ = told("list")
    assert code == 0
    for name, builtin in BUILTINS.items():
        (line,) = [line for line in out.splitlines() if line.startswith(f"{name} ")]
        assert f"monitorpy {builtin.cli_name} " in line
        assert registry.get(name).get_description() in line


def test_plugins_of_others_are_listed_too(say, told):
    assert any(line.split()[:3] == ["say", "monitorpy", "say"] for line in told("list")[1].splitlines())


def test_list_as_json(told):
    entry = json.loads(told("list", "--json")[1])["tcp_port"]
    assert entry["required_config"] == ["host", "port"]
    assert "banner" in entry["optional_config"]
    assert entry["command"] == "tcp"


class Broken:
    def load(self):
        raise ImportError("no such module: 100%")


def test_a_broken_plugin_of_another_package_hides_no_other(told, monkeypatch):
    monkeypatch.setattr(registry, "_entry_points", {"broken": Broken()})
    code, out, err = told("list")
    assert code == 0
    assert "website_status" in out
    assert err == "monitorpy: the plugin 'broken' cannot be loaded: ImportError: no such module: 100%\n"


def test_a_broken_plugin_of_ours_is_our_crash(capsys, monkeypatch):
    monkeypatch.setattr(registry, "get", lambda name: 1 / 0)
    assert main(["list"]) == 3
    assert capsys.readouterr().err.startswith("Traceback")


def test_schema(told):
    code, out, _ = told("schema")
    assert code == 0
    assert "checks" in json.dumps(json.loads(out))


def test_an_installed_package_gets_its_command_and_help_for_nothing(start, tmp_path):
    assert start("say", "--config", "message=hello").communicate(timeout=20)[0].startswith("OK - hello | time=")
    out, _ = start("say", "--help").communicate(timeout=20)
    assert "usage: monitorpy say" in out
    assert "--timeout SECONDS" in out
    assert "say       Says what it is told." in start("--help").communicate(timeout=20)[0]
