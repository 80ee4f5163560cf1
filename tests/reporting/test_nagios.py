import pytest

from monitorpy.core.result import CheckResult
from monitorpy.reporting.nagios import nagios_line, nagios_word


@pytest.mark.parametrize(
    ("status", "fault", "expected"),
    [
        ("success", None, "OK"),
        ("warning", None, "WARNING"),
        ("warning", "environment", "WARNING"),
        ("error", "target", "CRITICAL"),
        ("error", None, "CRITICAL"),
        ("error", "config", "UNKNOWN"),
        ("error", "plugin", "UNKNOWN"),
        ("error", "environment", "UNKNOWN"),
        ("error", "not_run", "UNKNOWN"),
        ("error", "blocked", "UNKNOWN"),
    ],
)
def test_words(status, fault, expected):
    assert nagios_word(CheckResult(status, "x", fault=fault)) == expected


def test_line_with_performance_data():
    result = CheckResult("success", "200 OK in 131 ms", 0.131, phases={"dns": 0.001, "tls": None, "first_byte": 0.1})
    assert nagios_line(result) == "OK - 200 OK in 131 ms | time=0.131000s;;;0 dns=0.001000s;;;0 first_byte=0.100000s;;;0"


def test_the_message_can_neither_begin_performance_data_nor_another_line():
    text = nagios_line(CheckResult("error", "a|time=0\nb\x1b[31m\r", fault="target"))
    assert text == "CRITICAL - a¦time=0\\nb\\x1b[31m\\r | time=0.000000s;;;0"


@pytest.mark.parametrize(("name", "label"), [("queue", "queue"), ("two words", "'two words'"), ("it's=1|2", "it_s_1_2"), ("a\nb", "a\\nb")])
def test_labels(name, label):
    assert f" {label}=1.000000s;;;0" in nagios_line(CheckResult("success", "x", phases={name: 1.0}))


def test_a_time_that_is_no_number_is_left_out():
    assert nagios_line(CheckResult("success", "x", phases={"a": float("nan")})) == "OK - x | time=0.000000s;;;0"
