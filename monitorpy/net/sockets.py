"""Sockets that a Deadline bounds: each operation gets the time that is left, and fails with a NetError.

The standard library's clients (http.client, smtplib, imaplib, poplib) work over them unchanged, and a peer that trickles one
byte at a time cannot outlive the deadline. They catch OSError only, so that a NetError passes through them.
"""

from __future__ import annotations

import errno
import socket
import ssl
from time import perf_counter
from typing import TYPE_CHECKING, Any

from monitorpy.net.deadline import Deadline
from monitorpy.net.faults import net_error, overdue

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from monitorpy.errors import NetError

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

    def do_handshake(self, block: bool = False) -> None:
        self._arm("tls")
        try:
            super().do_handshake(block)
        except OSError as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                error.chain = received_chain(self)  # type: ignore[attr-defined]
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


def received_chain(sock: ssl.SSLSocket) -> list[bytes]:
    """The certificates that the peer sent (DER), leaf first, verified or not."""
    if hasattr(sock, "get_unverified_chain"):  # Python 3.13+
        return list(sock.get_unverified_chain())
    import _ssl

    # the same private call on 3.11 and 3.12 that truststore relies on; those branches are frozen
    chain = sock._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
    return [certificate.public_bytes(_ssl.ENCODING_DER) for certificate in chain or ()]
