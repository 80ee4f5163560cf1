from __future__ import annotations

import pytest

from monitorpy.net.received import as_hex, as_text, bytes_before, hex_bytes, in_hex, quoted, secret_bytes
from monitorpy.utils.masking import Masker, active_masker


@pytest.fixture
def secrets():
    def hide(*values):
        active_masker.set(Masker(values))

    before = active_masker.set(Masker())
    yield hide
    active_masker.reset(before)


def test_as_text():
    assert as_text(b"gr\xc3\xbcn \xff") == "grün \\xff"


@pytest.mark.parametrize("data", [b"", b"abc", "grün €".encode(), b"\xffa\xc3", b"a\xe2\x82b\xf0\x9f\x98\x80c"])
def test_bytes_before_is_the_inverse_of_as_text(data):
    text = as_text(data)
    assert bytes_before(data, 0) == 0
    assert bytes_before(data, len(text)) == bytes_before(data, len(text) + 5) == len(data)
    for size in range(len(data)):
        if (start := as_text(data[:size])) and text.startswith(start):
            assert bytes_before(data, len(start)) == size


def test_a_byte_counts_when_part_of_its_escape_does():
    assert [bytes_before(b"\xffab", n) for n in range(7)] == [0, 1, 1, 1, 1, 2, 3]


def test_hex_bytes():
    assert hex_bytes("00 fF\n0a") == b"\x00\xff\x0a"
    assert hex_bytes("0") is None
    assert hex_bytes("xy") is None
    assert hex_bytes(" ") == b""


def test_as_hex_hides_secrets(secrets):
    assert as_hex(b"key\x00") == "6b657900"
    secrets("key", "deadbeef", "0102")
    assert as_hex(b"key\x00") == b"***\x00".hex()
    assert as_hex(b"\xde\xad\xbe\xef!") == b"***!".hex()
    assert as_hex(b"\x01\x02") == "0102"  # too short to be told from other bytes


def test_secret_bytes():
    assert secret_bytes("deadbeef") == b"\xde\xad\xbe\xef"
    assert secret_bytes("0102") is None
    assert secret_bytes("correct horse") is None


def test_quoted():
    assert quoted(b"a\r\n") == r"'a\r\n'"
    assert quoted(b"x" * 81) == f"'{'x' * 80}...'"


def test_in_hex():
    assert in_hex(b"") == "no bytes"
    assert in_hex(b"\x00\xff") == "00 ff"
    assert in_hex(b"\x01" * 40) == " ".join(["01"] * 40)
    assert in_hex(bytearray(b"\x01" * 41)) == f"{' '.join(['01'] * 40)} ... (41 bytes)"
