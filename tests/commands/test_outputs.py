import io
import os
import sys
from pathlib import Path

import pytest

from monitorpy.commands.outputs import Output, refuse_clashes
from monitorpy.errors import UsageError

FULL = Path("/dev/full")


def test_the_file_is_empty_at_once_and_closed_at_the_end(tmp_path):
    path = tmp_path / "r.json"
    path.write_text("of an earlier run")
    with Output("--json", str(path)) as output:
        assert path.read_text() == ""
        output.write("ä\n")
        assert path.read_bytes() == "ä\n".encode()
    with pytest.raises(ValueError, match="closed"):
        output.write("x")


@pytest.mark.parametrize("name", ["", ".", "gone/r.json", "x" * 300, "\0"])
def test_what_cannot_be_opened(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^--json: '.*' cannot be written: \S"):
        Output("--json", name)


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
def test_a_full_disk():
    with Output("--json", str(FULL)) as output, pytest.raises(UsageError, match="'/dev/full' cannot be written: No space left"):
        output.write("x")


def test_standard_output_stays_open_and_takes_xml_in_any_character_set(monkeypatch):
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="latin-1"))
    with Output("--junit", "-") as output:
        output.write("<a>\u2603ä</a>")
    assert data.getvalue() == b"<a>&#9731;&#228;</a>"
    assert not sys.stdout.closed


def test_what_goes_wrong_on_standard_output_is_for_main(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        with pytest.raises(BrokenPipeError):
            Output("--json", "-").write("x\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"--json": "-", "--junit": "-"}, "--junit: standard output is that of --json already"),
        ({"--json": "r", "--junit": "./r"}, "--junit: ./r is that of --json already"),
        ({"--json": "checks.yaml"}, "--json: checks.yaml is the check file checks.yaml already"),
    ],
)
def test_clashes(tmp_path, monkeypatch, outputs, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        refuse_clashes(outputs, ["checks.yaml"])
    assert str(refused.value) == message


def test_no_clashes():
    refuse_clashes({"--json": os.devnull, "--junit": os.devnull, "--ndjson": "\0"}, ["<stdin>"])
