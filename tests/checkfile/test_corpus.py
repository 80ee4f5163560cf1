"""Every file in tests/data/checkfiles/invalid has its messages beside it, every one in valid loads.

To add a case: write NAME.yaml (or .json), run this module with MONITORPY_UPDATE_CORPUS=1, and read the NAME.txt that it wrote.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitorpy.checkfile import load
from monitorpy.errors import CheckFileError

DATA = Path(__file__).parents[1] / "data" / "checkfiles"
ENVIRONMENT = {"TOKEN": "s3cr3t-value", "EMPTY": "", "PORT": "70000", "WORD": "no", "HOST": "example.org"}


def files(kind):
    return sorted(path.name for path in (DATA / kind).iterdir() if path.suffix in {".yaml", ".json"})


@pytest.mark.parametrize("name", files("invalid"))
def test_invalid(name, monkeypatch):
    monkeypatch.chdir(DATA / "invalid")
    with pytest.raises(CheckFileError) as caught:
        load(name, environ=ENVIRONMENT)
    expected = Path(name).with_suffix(".txt")
    if os.environ.get("MONITORPY_UPDATE_CORPUS"):
        expected.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == expected.read_text(encoding="utf-8")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("name", files("valid"))
def test_valid(name, monkeypatch):
    monkeypatch.chdir(DATA / "valid")
    found = load(name, environ=ENVIRONMENT)
    shown = "".join(f"{check.source.file}:{check.source.line} {check.group or '-'} {check.id} {check.config!r}\n" for check in found.checks)
    expected = Path(name).with_suffix(".txt")
    if os.environ.get("MONITORPY_UPDATE_CORPUS"):
        expected.write_text(shown, encoding="utf-8")
    assert shown == expected.read_text(encoding="utf-8")


def test_the_corpus_is_there():
    assert len(files("invalid")) >= 40
    assert len(files("valid")) >= 3
