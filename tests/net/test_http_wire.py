from __future__ import annotations

import gzip
import zlib

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.http_wire import Answer, basic, request_bytes

LIMIT = 10_000


def packed(data):
    return gzip.compress(data, mtime=0)  # with a time in it, the ids of parametrized tests would differ from run to run


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.fixture
def read(serve, deadline):
    """What a client makes of these bytes: (answer, body, whether the body was cut)."""

    def answer(data, method="GET", limit=LIMIT):
        with connect("127.0.0.1", serve(data).port, deadline, phases={}) as connection:
            connection.sock.sendall(request_bytes(method, "/", "x", ()))
            with Answer(connection.sock, method) as received:
                return received, *received.read_body(limit)

    return answer


@pytest.fixture
def broken(read):
    """The error that these bytes end in."""

    def error(data, **how):
        with pytest.raises(NetError) as caught:
            read(data, **how)
        assert caught.value.fault == "target"
        return str(caught.value).partition(" ")[2], caught.value.phase, caught.value.kind

    return error


def test_basic():
    assert basic("jürgen", "p:w") == "Basic asO8cmdlbjpwOnc="


def test_request_bytes():
    headers = {"X-A": "ü", "X-B": b"raw"}.items()
    assert request_bytes("POST", "/p", "h:1", headers, b"body") == b"POST /p HTTP/1.1\r\nHost: h:1\r\nX-A: \xfc\r\nX-B: raw\r\n\r\nbody"
    assert request_bytes("GET", "/", "h", {"host": "other"}.items()) == b"GET / HTTP/1.1\r\nhost: other\r\n\r\n"


@pytest.mark.parametrize(
    "head, wire, body",
    [
        ("Content-Length: 5", b"hello", b"hello"),
        ("X: until the end", b"hello", b"hello"),
        ("Transfer-Encoding: chunked", b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
        ("Content-Encoding: gzip", packed(b"hello"), b"hello"),
        ("Transfer-Encoding: Chunked\r\nContent-Encoding: gzip", b"19\r\n" + packed(b"hello") + b"\r\n0\r\n\r\n", b"hello"),
        ("Content-Encoding: X-GZIP", packed(b"hel") + packed(b"lo"), b"hello"),
        ("Content-Encoding: gzip", packed(b"hello") + b"trailing junk", b"hello"),
        ("Content-Encoding: deflate", zlib.compress(b"hello"), b"hello"),
        ("Content-Encoding: deflate", raw_deflate(b"hello"), b"hello"),
        ("Content-Encoding: identity", b"hello", b"hello"),
        ("Content-Encoding: gzip", b"", b""),
        ("Content-Length: 0", b"", b""),
        ("Content-Length: 5\r\nContent-Length: 5", b"hello", b"hello"),
    ],
)
def test_bodies(read, head, wire, body):
    answer, *found = read(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + wire)
    assert (answer.status, answer.reason, *found) == (200, "OK", body, False)


def test_no_body_to_a_head_request(read):
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n", "HEAD")[1:] == (b"", False)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: </style.css>"])
@pytest.mark.parametrize("count", [1, 20])
def test_interim_answers_come_first(read, interim, count):
    assert read(b"HTTP/1.1 %s\r\n\r\n" % interim * count + b"HTTP/1.1 204 No Content\r\n\r\n")[0].status == 204


def test_another_protocol_is_an_answer(read):
    assert read(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")[0].status == 101


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body(read, status):
    data = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\nContent-Encoding: br\r\n\r\n" % status
    assert read(data)[1:] == (b"", False)


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_versions(read, version):
    answer, body, _ = read(f"HTTP/{version} 200\r\n\r\nhello".encode())
    assert (answer.version, answer.reason, body) == (10 if version == "1.0" else 11, "", b"hello")


def test_what_comes_after_the_body_is_left_alone(read, reply):
    assert read(reply(200, b"hello") + b"HTTP/1.1 500 No\r\n\r\n")[1:] == (b"hello", False)


def test_compressed_data_without_end_is_cut(read, reply):
    junk = packed(b"hello") + b"x" * 200_000
    assert read(reply(200, junk, "Content-Encoding: gzip"))[1:] == (b"hello", True)


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1])
def test_the_limit(read, reply, length):
    _, body, cut = read(reply(200, b"x" * length))
    assert (len(body), cut) == (LIMIT, length > LIMIT)


@pytest.mark.parametrize(
    "encoding, bomb",
    [
        ("gzip", packed(bytes(100_000_000))),
        ("gzip", packed(bytes(LIMIT - 1)) + packed(bytes(100_000_000))),
        ("deflate", zlib.compress(bytes(100_000_000))),
    ],
    ids=["gzip", "gzip of two members", "deflate"],
)
def test_the_limit_counts_after_decompression(read, reply, encoding, bomb):
    _, body, cut = read(reply(200, bomb, f"Content-Encoding: {encoding}"))
    assert (len(body), cut) == (LIMIT, True)


@pytest.mark.parametrize(
    "data, text",
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "did not answer in HTTP: its first line is 'SSH-2.0-OpenSSH_9.6\\r\\n'"),
        (b"HTTP/1.1 abc\r\n\r\n", "did not answer in HTTP: its first line is 'HTTP/1.1 abc\\r\\n'"),
        (b"HTTP/1.1 000 Nothing\r\n\r\n", "did not answer in HTTP: its first line is 'HTTP/1.1 000 Nothing\\r\\n'"),
        (b"<html>HTTP/0.9</html>", "did not answer in HTTP: its first line is '<html>HTTP/0.9</html>'"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 21, "did not answer in HTTP: got more than 20 interim answers (1xx)"),
        (b"HTTP/1.1 100 Continue\r\n", "closed the connection without an answer"),
        (b"HTTP/1.1 200 " + b"x" * 70_000, "did not answer in HTTP: got more than 65536 bytes when reading status line"),
        (b"HTTP/3.0 200 OK\r\n\r\n", "did not answer in HTTP: HTTP/3.0"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "did not answer in HTTP: got more than 100 headers"),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
            "did not answer in HTTP: got more than 65536 bytes when reading header line",
        ),
    ],
)
def test_what_is_no_answer(broken, data, text):
    kind = "reset" if text.startswith("closed") else "protocol"
    assert broken(data) == (text, "first_byte", kind)


@pytest.mark.parametrize(
    "head, wire, text",
    [
        ("", None, "closed the connection in the middle of the headers"),
        ("Content-Len", None, "closed the connection in the middle of the headers"),
        ("no colon here\r\nContent-Length: 5", b"hello", "sent a malformed header line"),
        ("Content-Length: 5\r\nContent-Length: 6", b"hello", "sent an invalid Content-Length: 5, 6"),
        ("Content-Length: -5", b"hello", "sent an invalid Content-Length: -5"),
        (f"Content-Length: {'1' * 20}", b"hello", f"sent an invalid Content-Length: {'1' * 20}"),
        ("Content-Length: 9", b"hello", "closed the connection 4 bytes before the end of the body"),
        ("Transfer-Encoding: chunked", b"5\r\nhel", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"xyz\r\n", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"-5\r\nhello", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"0x5\r\nhello\r\n0\r\n\r\n", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"0_5\r\nhello\r\n0\r\n\r\n", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"5;" + b"x" * 70_000, "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: chunked", b"3\r\nhelXX0\r\n\r\n", "broke off its answer after 0 bytes: the body is cut short, or its chunks are malformed"),
        ("Transfer-Encoding: gzip, chunked", b"", "cannot be read: its transfer encoding is 'gzip, chunked'"),
        ("Transfer-Encoding: chunked", b"1\r\nx\r\n0\r\n" + b"X: y\r\n" * 200, "broke off its answer after 0 bytes: got more than 100 headers"),
        ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip", b"3\r\nabc\r\n0\r\n\r\n", "sent a body that is not valid gzip"),
        ("Content-Encoding: gzip", b"not gzip", "sent a body that is not valid gzip"),
        ("Content-Encoding: gzip", packed(b"hello")[:-4], "sent gzip data that ends too early"),
    ],
)  # fmt: skip
def test_what_is_no_whole_answer(broken, head, wire, text):
    end = b"" if wire is None else b"\r\n\r\n" + wire
    assert broken(f"HTTP/1.1 200 OK\r\n{head}".encode() + end) == (text, "transfer", "protocol")


def test_an_encoding_that_nobody_asked_for(read, reply):
    with pytest.raises(NetError, match="cannot decode content encoding 'br'"):
        read(reply(200, b"x", "Content-Encoding: br"))


def test_a_reset_in_the_headers(serve, deadline, reset):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        reset(connection)

    with connect("127.0.0.1", serve(talk).port, deadline, phases={}) as connection:
        connection.sock.sendall(request_bytes("GET", "/", "x", ()))
        with pytest.raises(NetError, match="reset the connection"):
            Answer(connection.sock, "GET")
