from __future__ import annotations

from monitorpy.errors import CheckFileError, ConfigError, ConfigIssue, Issue, MissingExtraError, MonitorPyError, NetError


def test_an_issue_reads_as_compilers_write_it():
    assert str(Issue("checks.yaml", 3, 5, "unknown key 'x'")) == "checks.yaml:3:5: unknown key 'x'"


def test_a_check_file_error_has_every_issue_once_in_order():
    late, early = Issue("a.yaml", 9, 1, "late"), Issue("a.yaml", 2, 1, "early")
    error = CheckFileError([late, early, late])
    assert error.issues == [early, late]
    assert str(error) == "a.yaml:2:1: early\na.yaml:9:1: late"


def test_a_config_error_is_a_value_error_with_every_reason():
    error = ConfigError(ConfigIssue(("port",), "must be an integer"), ConfigIssue(("x",), "unknown key 'x'", on_key=True))
    assert isinstance(error, ValueError)
    assert str(error) == "port: must be an integer; unknown key 'x'"


def test_a_missing_extra_names_the_command():
    assert str(MissingExtraError("grpc_health", "grpc")) == "grpc_health needs an optional package: pip install 'monitorpy[grpc]'"


def test_a_net_error_carries_its_facts():
    error = NetError("refused", phase="connect", kind="connect")
    assert isinstance(error, MonitorPyError)
    assert (error.phase, error.kind, error.fault) == ("connect", "connect", "target")
