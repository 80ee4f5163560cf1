from __future__ import annotations

import os

import pytest

from monitorpy.checkfile import files
from monitorpy.checkfile.files import UnreadableError, checked, decoded, read_text
from monitorpy.checkfile.nodes import column_of, line_of


def refused(call, *args):
    with pytest.raises(UnreadableError) as caught:
        call(*args)
    return str(caught.value), line_of(caught.value.where), column_of(caught.value.where)


def test_text(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    assert read_text(str(path)) == "a: é\n"


def test_missing(tmp_path):
    assert refused(read_text, str(tmp_path / "none.yaml")) == ("no such file", 1, 1)


def test_directory(tmp_path):
    assert refused(read_text, str(tmp_path)) == ("this is a directory, not a check file", 1, 1)


def test_unreadable(tmp_path, monkeypatch):
    assert refused(read_text, str(tmp_path / ("x" * 300)))[0] == "the file cannot be read: File name too long"
    assert refused(read_text, "a\0b")[0].startswith("the file cannot be read: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "a.yaml"
    path.touch(mode=0)
    assert refused(read_text, str(path)) == ("the file cannot be read: Permission denied", 1, 1)


def test_too_large(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    assert refused(decoded, b"x" * 11)[0] == "the file is larger than 10 MB: split it and use include"
    assert refused(checked, "x" * 11)[0] == "the file is larger than 10 MB: split it and use include"
    assert decoded(b"x" * 10) == "x" * 10


def test_positions_of_bad_bytes():
    assert refused(decoded, b"\xef\xbb\xbfa\nb\xff") == ("byte 0xff is not UTF-8: save the file as UTF-8 text", 2, 2)
    assert refused(checked, "a\n\x1b")[1:] == (2, 1)
    assert refused(checked, "a\0") == ("the character U+0000: this is a binary file, not YAML", 1, 2)
    assert refused(checked, "a\udcff")[0].startswith("the character U+DCFF is not allowed in YAML")


def test_bytes_order_mark_of_a_text():
    assert checked("\ufeffa") == "a"
