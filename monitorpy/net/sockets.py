"""Sockets that a Deadline bounds: each operation gets the time that is left, and fails with a NetError.

The standard library's clients (http.client, smtplib, imaplib, poplib) work over them unchanged, and a peer that trickles one
byte at a time cannot outlive the deadline. They catch OSError only, so that a NetError passes through them.
"""

from __future__ import annotations

import errno
import socket
import ssl
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import net_error, overdue

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_LONGEST = 1e6
"""Seconds; poll() takes milliseconds in an int, and Deadline.never() has infinitely many."""


_EOF_HAS_REASON = ssl.OPENSSL_VERSION_INFO >= (3,)


class _Bounded(socket.socket):
    """What both kinds share. ``phase`` and ``peer`` go into errors; ``answered`` is when the first byte came (perf_counter)."""

    deadline: Deadline
    phase: str
    peer: str
    answered: float | None

    def bound(self, deadline: Deadline, peer: str, phase: str) -> None:
        self.deadline, self.peer, self.phase, self.answered = deadline, peer, phase, None

    def await_answer(self) -> None:
        """What is received next is the answer to what is sent now: see ``answered``."""
        self.phase, self.answered = "first_byte", None

    def _arm(self, phase: str) -> None:
        left = self.deadline.left()
        if left <= 0:
            raise overdue(phase, self.peer, self.deadline)
        super().settimeout(min(left, _LONGEST))

    def _fault(self, error: OSError, phase: str) -> NetError:
        return net_error(error, phase, self.peer, self.deadline)

    def _heard(self) -> None:
        self.answered = perf_counter()
        if self.phase == "first_byte":
            self.phase = "transfer"

    def settimeout(self, value: float | None) -> None:
        """Ignored, as clients set one of their own: the deadline rules."""


class DeadlineSocket(_Bounded):
    """A plain socket under a deadline."""

    def connect(self, address: Any) -> None:
        self._arm("connect")
        try:
            super().connect(address)
        except OSError as error:
            raise self._fault(error, "connect") from error

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        self._arm(self.phase)
        try:
            data = super().recv(bufsize, flags)
        except OSError as error:
            raise self._fault(error, self.phase) from error
        if self.answered is None:
            self._heard()
        return data

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        self._arm(self.phase)
        try:
            count = super().recv_into(buffer, nbytes, flags)
        except OSError as error:
            raise self._fault(error, self.phase) from error
        if self.answered is None:
            self._heard()
        return count

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        self._arm("send")
        try:
            return super().send(data, flags)
        except OSError as error:
            raise self._fault(error, "send") from error

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        self._arm("send")
        try:
            super().sendall(data, flags)
        except OSError as error:
            raise self._fault(error, "send") from error


class DeadlineSSLSocket(_Bounded, ssl.SSLSocket):
    """A TLS socket under a deadline; made by a context of `net.tls`, which sets it as ``sslsocket_class``."""

    def getpeername(self) -> Any:
        """The peer's address. While it is made, the ssl module asks for it, and would lose the socket of a peer that is gone."""
        try:
            return super().getpeername()
        except OSError as error:
            if hasattr(self, "_connected"):
                raise
            self.close()
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer") from error

    def do_handshake(self, block: bool = False) -> None:
        self._arm("tls")
        try:
            super().do_handshake(block)
        except OSError as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                error.chain = received_chain(self) if self._sslobj else []  # type: ignore[attr-defined]  # truststore closes it
            raise self._fault(error, "tls") from error

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - the name in ssl.SSLSocket; recv and recv_into end here
        self._arm(self.phase)
        got: Any
        try:
            got = super().read(len, buffer)
        except ssl.SSLEOFError as error:
            if _EOF_HAS_REASON and error.reason is None:  # SSL_read_ex reports a reset as an end, but without OpenSSL's reason
                raise self._fault(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), self.phase) from error
            got = b"" if buffer is None else 0  # closed without a word, as most servers do
        except OSError as error:
            raise self._fault(error, self.phase) from error
        if self.answered is None:
            self._heard()
        return got

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:  # sendall ends here too
        self._arm("send")
        try:
            return super().send(data, flags)
        except OSError as error:
            raise self._fault(error, "send") from error

    def last_word(self, seconds: float) -> bool:
        """End our side, and wait for what the peer has to say; False if it is silent for so long. Nothing can be sent after it.

        Only here does a peer's refusal of a client certificate come to light in TLS 1.3: it is a NetError. The end is that of TCP: with
        that of TLS, OpenSSL would no longer tell a refusal from a goodbye.
        """
        self.deadline, self.phase = Deadline(seconds).earlier(self.deadline), "tls"
        with suppress(OSError):  # the peer is gone already; what it said can still be read
            socket.socket.shutdown(self, socket.SHUT_WR)
        try:
            self.read(1)
        except NetError as error:
            if getattr(error.__cause__, "reason", None) == "TLSV1_ALERT_DECODE_ERROR":
                return True  # how OpenSSL 3 takes such an end
            if error.kind != "timeout":
                raise
            return False
        return True


def received_chain(sock: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the peer sent (DER), leaf first, verified or not."""
    return _chain(sock, "get_unverified_chain")


def verified_chain(sock: ssl.SSLSocket) -> list[bytes]:
    """The path that OpenSSL found (DER): from the leaf to what is trusted, which the peer need not have sent."""
    return _chain(sock, "get_verified_chain")


def _chain(sock: ssl.SSLSocket, which: str) -> list[bytes]:
    if hasattr(sock, which):  # Python 3.13+
        return list(getattr(sock, which)())
    import _ssl

    # the same private calls on 3.11 and 3.12 that truststore relies on; those branches are frozen
    chain = getattr(sock._sslobj, which)()  # type: ignore[attr-defined]  # noqa: SLF001
    return [certificate.public_bytes(_ssl.ENCODING_DER) for certificate in chain or ()]
