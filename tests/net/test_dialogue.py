from __future__ import annotations

import importlib.util
import re
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.deadline import Deadline
from monitorpy.net.dialogue import LIMIT, LINE_LIMIT, Dialogue
from monitorpy.net.received import in_hex
from monitorpy.net.tls import TlsSettings


@pytest.fixture(scope="module")
def scripts():
    path = Path(__file__).parents[1] / "plugins" / "servers_tcp.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_tcp_for_net", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def talk(scripts, ms):
    """A Dialogue with a server that runs the script."""
    with ExitStack() as stack:

        def start(script, *, seconds=2000 * ms, **more):
            server = stack.enter_context(scripts.running(script))
            connection = stack.enter_context(connect("127.0.0.1", server.port, Deadline(seconds), phases={}))
            dialogue = Dialogue(connection, **more)
            dialogue.connection = connection
            return dialogue

        yield start


def test_lines(talk, scripts):
    dialogue = talk(scripts.saying(b"one\r\ntwo\nrest"))
    assert dialogue.read_line() == b"one"
    assert dialogue.read_line() == b"two"
    assert dialogue.read_exactly(4) == b"rest"
    assert set(dialogue.connection.phases) >= {"first_byte", "transfer"}


def test_pattern_stays_pending(talk, scripts):
    dialogue = talk(scripts.saying("grün: 12;".encode()))
    assert dialogue.read_until(re.compile(r"(\d+);"), "a number")[1] == "12"
    assert dialogue.take() == "grün: 12;".encode()
    assert dialogue.pending == b""


def test_send_and_read_exactly(talk, scripts):
    dialogue = talk(scripts.echoing)
    dialogue.send(b"abcdef")
    assert dialogue.read_exactly(4) == b"abcd"
    assert dialogue.read_exactly(2) == b"ef"


def test_closed(talk, scripts):
    dialogue = talk(scripts.closing_after(b"abc"))
    with pytest.raises(NetError, match=r"closed the connection before the banner came \(got 'abc'\)") as caught:
        dialogue.read_line("the banner")
    assert (caught.value.kind, caught.value.phase) == ("reset", "transfer")


@pytest.fixture
def reset(talk, scripts):
    """A Dialogue whose server resets the connection: when it is there, not while it is made."""

    def script(sock):
        sock.recv(10)
        scripts.resetting(sock)

    dialogue = talk(script)
    dialogue.send(b"now")
    return dialogue


def test_reset(reset):
    with pytest.raises(NetError) as caught:
        reset.read_line("the banner")
    assert caught.value.kind == "reset"


def test_silence(talk, scripts, ms):
    dialogue = talk(scripts.silent, seconds=100 * ms)
    with pytest.raises(NetError, match=r"the banner did not come from 127\.0\.0\.1:\d+ within") as caught:
        dialogue.read_line("the banner")
    assert (caught.value.kind, caught.value.phase) == ("timeout", "first_byte")


def test_trickling(talk, scripts, ms):
    started = time.monotonic()
    dialogue = talk(scripts.trickling(10 * ms), seconds=200 * ms)
    with pytest.raises(NetError, match="the banner did not come"):
        dialogue.read_line("the banner")
    assert time.monotonic() - started < 200 * ms + 1


def test_line_without_end(talk, scripts):
    with pytest.raises(NetError, match=rf"sent {LINE_LIMIT} bytes without the banner \(got 'x{{80}}\.\.\.'\)") as caught:
        talk(scripts.flooding(b"x")).read_line("the banner")
    assert caught.value.kind == "protocol"


def test_line_that_is_too_long(talk, scripts):
    dialogue = talk(scripts.saying(b"!" + b"x" * (LINE_LIMIT + 5) + b"\n"))
    dialogue.read_until(re.compile("\n"), "an end")
    with pytest.raises(NetError, match="bytes without the banner"):
        dialogue.read_line("the banner")


def test_pattern_that_never_comes(talk, scripts):
    with pytest.raises(NetError, match=f"sent {LIMIT} bytes without it"):
        talk(scripts.flooding(b"spam")).read_until(re.compile("never"), "it")
    with pytest.raises(NetError, match="sent 100 bytes without it"):
        talk(scripts.flooding(b"spam"), limit=100).read_until(re.compile("never"), "it")


def test_data_before_tls_is_refused(talk, scripts):
    dialogue = talk(scripts.saying(b"220 go\r\n220 forged\r\n"))
    dialogue.read_until(re.compile("forged"), "it")
    assert dialogue.read_line() == b"220 go"
    with pytest.raises(NetError, match="sent data in clear text after it agreed to TLS") as caught:
        dialogue.start_tls(TlsSettings(verify=False), "localhost")
    assert caught.value.phase == "tls"


def test_tls_handshake_is_started(talk, scripts):
    dialogue = talk(scripts.closing_after(b""))
    with pytest.raises(NetError) as caught:
        dialogue.start_tls(TlsSettings(verify=False), "localhost")
    assert caught.value.phase == "tls"


def test_whatever_finds_it(talk, scripts):
    dialogue = talk(scripts.saying(b"\x00\x01\x02end"))
    assert dialogue.read_for(lambda data: data.find(b"end") if b"end" in data else None, "the end") == 3
    assert dialogue.take(3) == b"\x00\x01\x02"
    assert dialogue.pending == b"end"


def test_what_came_is_shown_as_one_likes(talk, scripts):
    dialogue = talk(scripts.closing_after(b"\x00\x01"))
    dialogue.shown = in_hex
    with pytest.raises(NetError, match=r"came \(got 00 01\)"):
        dialogue.read_exactly(3, "it")


def test_half_close(talk):
    def script(sock):
        asked = b""
        while data := sock.recv(100):
            asked += data
        sock.sendall(b"got " + asked)

    dialogue = talk(script)
    dialogue.send(b"all")
    dialogue.half_close()
    assert dialogue.read_exactly(7) == b"got all"


def test_half_close_of_what_is_closed(reset):
    with pytest.raises(NetError):
        reset.read_line()
    with pytest.raises(NetError, match="while sending") as caught:
        reset.half_close()
    assert (caught.value.phase, caught.value.kind) == ("send", "reset")
