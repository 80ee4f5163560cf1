"""What a TLS server presented to one connection: the evidence, to be judged afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection
from monitorpy.net.tls import describe, presented_chain

_OF_CHAIN = (
    "subject", "issuer", "not_before", "not_after", "days_remaining", "key_type", "key_bits", "signature_algorithm", "fingerprint_sha256",
)  # fmt: skip
_OF_LEAF = (
    "subject", "issuer", "sans", "serial_number", "fingerprint_sha256", "not_before", "not_after", "days_remaining", "lifetime_days",
)  # fmt: skip


@dataclass(frozen=True)
class Presented:
    """The certificates that were sent, the leaf first: ``ders`` and ``chain`` (see `describe`); ``protocol`` is "TLSv1.3".

    ``protocol`` and ``cipher`` are empty where the handshake did not end.
    """

    peer: str
    address: str
    port: int
    protocol: str
    cipher: str
    ders: list[bytes]
    chain: list[dict[str, Any]]

    @classmethod
    def on(cls, connection: Connection) -> Self:
        """What came on that connection. Raises NetError if there is no certificate in it, or one that cannot be read."""
        sock = connection.tls
        ders = presented_chain(sock) if sock else []
        protocol = (sock.version() if sock else "") or ""
        cipher = sock.cipher()[0] if sock and protocol else ""  # type: ignore[index]  # there is one after the handshake
        if not ders:
            raise NetError(f"{connection.sock.peer} sent no certificate ({cipher})", phase="tls", kind="protocol")
        bare = cls(connection.sock.peer, connection.address, connection.port, protocol, cipher, [], [])
        return bare.with_chain(ders)

    def with_chain(self, ders: list[bytes]) -> Self:
        """The same with another chain. Raises NetError for one that cannot be read."""
        return replace(self, ders=ders, chain=[self._read(der, index + 1, len(ders)) for index, der in enumerate(ders)])

    def observation(self, host: str) -> dict[str, Any]:
        """For the raw data of a check."""
        return {
            "host": host,
            "port": self.port,
            "address": self.address,
            "protocol": self.protocol or None,
            "cipher": self.cipher or None,
            **{key: self.chain[0][key] for key in _OF_LEAF},
            "chain": [entry(certificate) for certificate in self.chain],
        }

    def _read(self, der: bytes, number: int, count: int) -> dict[str, Any]:
        try:
            return describe(der)
        except ValueError as error:
            message = f"certificate {number} of {count} that {self.peer} sent cannot be read: {error}"
            raise NetError(message, phase="tls", kind="protocol") from error


def entry(certificate: dict[str, Any]) -> dict[str, Any]:
    """A certificate as one of a chain in an observation."""
    return {key: certificate[key] for key in _OF_CHAIN}
