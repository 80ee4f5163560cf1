from __future__ import annotations

import os
import time

import pytest

from monitorpy.core.registry import registry, run_check


@pytest.fixture
def aged(tmp_path):
    """Makes a file of some size, written some seconds ago."""

    def make(age, size=10):
        path = tmp_path / "backup.dump"
        path.write_bytes(b"x" * size)
        written = time.time() - age
        os.utime(path, (written, written))
        return str(path)

    return make


def test_fresh_file_succeeds_and_shows_what_it_saw(aged):
    path = aged(5)
    result = run_check("sample_monitor", {"target": path, "threshold": 60})
    assert result.is_success(), result
    assert result.message == f"{path} is 5 s old, 10 bytes"
    assert result.raw_data["size"] == 10
    assert result.raw_data["age"] == pytest.approx(5, abs=1)
    assert result.raw_data["exists"] is True
    assert result.response_time > 0


def test_old_file_is_an_error_that_says_by_how_much(aged):
    path = aged(100)
    result = run_check("sample_monitor", {"target": path, "threshold": 60})
    assert result.is_error()
    assert result.message == f"{path} is 100 s old, 40 s above 60 s"


@pytest.mark.parametrize("age, status", [(10, "success"), (45, "warning"), (70, "error")])
def test_two_thresholds(aged, age, status):
    result = run_check("sample_monitor", {"target": aged(age), "threshold": 60, "warning_threshold": 30})
    assert result.status == status, result.message


def test_missing_file_is_never_green(tmp_path):
    result = run_check("sample_monitor", {"target": str(tmp_path / "none"), "threshold": 60})
    assert result.is_error()
    assert "No such file" in result.message
    assert result.raw_data == {"target": str(tmp_path / "none"), "exists": False}


def test_empty_file_is_an_error_unless_it_may_be(aged):
    path = aged(1, size=0)
    assert "has 0 bytes, expected at least 1" in run_check("sample_monitor", {"target": path, "threshold": 60}).message
    assert run_check("sample_monitor", {"target": path, "threshold": 60, "min_size": 0}).is_success()


def test_directory_is_no_file(tmp_path):
    result = run_check("sample_monitor", {"target": str(tmp_path), "threshold": 60})
    assert result.is_error()
    assert "not a regular file" in result.message


def test_file_from_the_future_is_not_fresh(aged):
    result = run_check("sample_monitor", {"target": aged(-3600), "threshold": 60})
    assert result.is_error()
    assert "in the future" in result.message


@pytest.mark.parametrize(
    "key, value",
    [
        ("target", ""),
        ("target", 5),
        ("target", "a\0b"),
        ("threshold", 0),
        ("threshold", "60"),
        ("threshold", True),
        ("threshold", float("nan")),
        ("warning_threshold", 61),
        ("warning_threshold", -1),
        ("min_size", -1),
        ("min_size", 1.5),
        ("min_size", True),
    ],
)
def test_refused_values_are_a_mistake_of_the_config(aged, key, value):
    result = run_check("sample_monitor", {"target": aged(1), "threshold": 60, key: value})
    assert result.is_error()
    assert result.fault == "config"
    assert result.message.startswith(f"{key}: invalid value {value!r}")


def test_missing_keys_are_all_named():
    result = run_check("sample_monitor", {})
    assert result.fault == "config"
    assert result.message == "missing required key 'target'; missing required key 'threshold'"


def test_declaration():
    cls = registry.get("sample_monitor")
    assert cls.__name__ == "SampleMonitorPlugin"
    assert cls.cli_name == "sample"
    assert cls.get_required_config() == ["target", "threshold"]
    assert cls.get_optional_config() == ["warning_threshold", "min_size"]
    assert cls({"target": "/x", "threshold": 1}).get_id() == "sample_monitor:/x"
