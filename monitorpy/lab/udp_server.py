"""A server of datagrams that knows a little of some protocols, and ones that misbehave in one way each."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterable
from typing import Self

from monitorpy.lab.tcp_server import HOST

_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP begins to count, to 1970 (RFC 5905, 6)."""
_NTP_CLIENT = 3
_SIP_COPIED = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")


class UdpServer:
    """Answers on 127.0.0.1, any free port, from when it is entered: NTP, SIP's OPTIONS, ``PING``; anything else comes back as it is.

    Subclasses say what to `answer`. ``asked`` counts datagrams.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.closing = threading.Event()
        self._socket = _bound()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name=f"{type(self).__name__}:{self.port}", daemon=True)

    def answer(self, question: bytes) -> Iterable[bytes]:
        """The datagrams to send back."""
        if len(question) == struct.calcsize(_NTP) and question[0] & 7 == _NTP_CLIENT:
            yield _ntp(question)
        elif question.startswith(b"OPTIONS "):
            yield _sip(question)
        else:
            yield b"PONG" if question.strip() == b"PING" else question

    def reply(self, answer: bytes, client: tuple[str, int]) -> None:
        self._socket.sendto(answer, client)

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(65_535)
            if self.closing.is_set():
                return
            self.asked += 1
            for answer in self.answer(question):
                with contextlib.suppress(OSError):  # the client has gone
                    self.reply(answer, client)

    def close(self) -> None:
        self.closing.set()
        if self._thread.is_alive():
            with _bound() as waker:  # closing the socket would not wake recvfrom()
                waker.sendto(b"", (HOST, self.port))
            self._thread.join(1)
        self._socket.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class SilentUdpServer(UdpServer):
    """Takes datagrams and never answers."""

    def answer(self, question: bytes) -> Iterable[bytes]:  # noqa: ARG002 - whatever it is
        return ()


class StrayUdpServer(UdpServer):
    """Answers from another port than the one that was asked, as a broken NAT does."""

    def reply(self, answer: bytes, client: tuple[str, int]) -> None:
        with _bound() as other:
            other.sendto(answer, client)


class NoisyUdpServer(UdpServer):
    """Sends ``noise`` and an empty datagram before each answer."""

    noise = b"\x00\xff?"

    def answer(self, question: bytes) -> Iterable[bytes]:
        return (self.noise, b"", *super().answer(question))


class DrippingUdpServer(UdpServer):
    """Sends ``noise``, and nothing else, every ``interval`` seconds, without end: no timeout per datagram ever ends it."""

    def __init__(self, noise: bytes = b"?", interval: float = 0.02) -> None:
        super().__init__()
        self.noise = noise
        self.interval = interval

    def answer(self, question: bytes) -> Iterable[bytes]:  # noqa: ARG002 - whatever it is
        while not self.closing.wait(self.interval):
            yield self.noise


_NTP = "!BBbbII4sQ8sQQ"


def _ntp(question: bytes) -> bytes:
    """A server's answer (RFC 5905, 7.3): no leap second, version as asked, stratum 2."""
    now = int((time.time() + _NTP_EPOCH) * 2**32)
    version = question[0] & 0b111000
    return struct.pack(_NTP, version | 4, 2, 6, -20, 0, 0, b"LAB\0", now, question[40:48], now, now)


def _sip(question: bytes) -> bytes:
    """200 OK with what an answer repeats of its request (RFC 3261, 8.2.6.2)."""
    lines = question.split(b"\r\n")
    copied = [line for line in lines if line.lower().startswith(_SIP_COPIED)]
    return b"\r\n".join([b"SIP/2.0 200 OK", *copied, b"Allow: OPTIONS", b"Content-Length: 0", b"", b""])


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock
