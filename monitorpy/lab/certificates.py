"""A throw-away certificate authority: root, intermediate and server certificates of every kind a check must tell apart."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension: TypeAlias = tuple[x509.ExtensionType, bool]
"""An extension, and whether it is critical."""

LOCAL = ("localhost", "127.0.0.1", "::1")
ELSEWHERE = ("elsewhere.lab.test",)


@dataclass(frozen=True)
class Issuer:
    """A certificate that signs others, with its key."""

    certificate: x509.Certificate
    key: Key


@dataclass(frozen=True)
class ServerCertificate:
    """A leaf and its key as files; ``chain_file`` holds what the server sends, the leaf first."""

    certificate: x509.Certificate
    chain_file: Path
    key_file: Path

    @cached_property
    def context(self) -> ssl.SSLContext:
        """For the server's side of a handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or OpenSSL refuses to serve a weak one
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


class Certificates:
    """The authority: its files lie in ``folder``; ``ca_file`` is the root that a client must trust.

    The ready-made ones are for localhost and 127.0.0.1 (but ``wrong_host``) and have a lifetime of 90 days:
    ``good`` (60 days left), ``expiring`` (20 days left: a warning by the default thresholds), ``expired`` (3 days ago),
    ``incomplete`` (the server forgets the intermediate), ``self_signed``, ``expired_intermediate`` (which expired 2 days ago),
    ``cross_signed`` (the root is also sent as certified by another, and that certificate expired 30 days ago: no client needs it);
    ``client`` is for a client to show.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self.authority("MonitorPy Lab Root", path_length=1)
        self.intermediate = self.authority("MonitorPy Lab Intermediate", self.root)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(_pem(self.root.certificate))

    def authority(
        self,
        common_name: str,
        signer: Issuer | None = None,
        *,
        days_left: float = 3650,
        lifetime: float = 4015,
        path_length: int | None = 0,
        key: Key | None = None,
        extensions: Sequence[Extension] = (),
    ) -> Issuer:
        """A new authority, signed by itself or by another; it may have the key of one that exists."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        rights = (x509.BasicConstraints(ca=True, path_length=path_length), True), (_SIGNS, True)
        certificate = _certify(common_name, key, signer, days_left, lifetime, [*rights, *extensions])
        return Issuer(certificate, key)

    def issue(
        self,
        name: str,
        hosts: Sequence[str] = LOCAL,
        *,
        days_left: float = 60,
        lifetime: float = 90,
        issuer: Issuer | None = None,
        send: Sequence[x509.Certificate] | None = None,
        send_chain: bool = True,
        self_signed: bool = False,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        key: Key | None = None,
        extensions: Sequence[Extension] = (),
    ) -> ServerCertificate:
        """A new certificate, of a server unless ``usage`` says otherwise, in the files ``NAME.pem`` and ``NAME.key``.

        Times are in days; ``days_left`` may be negative. Without ``issuer`` the intermediate signs it; ``send`` is what a server sends
        besides the leaf (default: the issuer's certificate, unless ``send_chain`` is false).
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        issuer = issuer or self.intermediate
        purpose = (
            (x509.SubjectAlternativeName([_alternative(host) for host in hosts]), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage([usage]), False),
        )
        leaf = _certify(hosts[0], key, None if self_signed else issuer, days_left, lifetime, [*purpose, *extensions])
        if send is None:
            send = [issuer.certificate] if send_chain and not self_signed else []
        return self.store(name, key, leaf, *send)

    def store(self, name: str, key: Key, *chain: x509.Certificate) -> ServerCertificate:
        """Any chain, the leaf first, and the leaf's key in the files ``NAME.pem`` and ``NAME.key``."""
        files = ServerCertificate(chain[0], self.folder / f"{name}.pem", self.folder / f"{name}.key")
        files.chain_file.write_bytes(b"".join(map(_pem, chain)))
        files.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    @cached_property
    def good(self) -> ServerCertificate:
        return self.issue("good")

    @cached_property
    def expiring(self) -> ServerCertificate:
        return self.issue("expiring", days_left=20)

    @cached_property
    def expired(self) -> ServerCertificate:
        return self.issue("expired", days_left=-3)

    @cached_property
    def wrong_host(self) -> ServerCertificate:
        return self.issue("wrong_host", ELSEWHERE)

    @cached_property
    def incomplete(self) -> ServerCertificate:
        return self.issue("incomplete", send_chain=False)

    @cached_property
    def self_signed(self) -> ServerCertificate:
        return self.issue("self_signed", self_signed=True)

    @cached_property
    def expired_intermediate(self) -> ServerCertificate:
        old = self.authority("MonitorPy Lab Old Intermediate", self.root, days_left=-2, lifetime=365)
        return self.issue("expired_intermediate", issuer=old)

    @cached_property
    def cross_signed(self) -> ServerCertificate:
        old = self.authority("MonitorPy Lab Old Root", path_length=2)
        cross = self.authority("MonitorPy Lab Root", old, key=self.root.key, days_left=-30, path_length=1)
        return self.issue("cross_signed", send=[self.intermediate.certificate, cross.certificate])

    @cached_property
    def client(self) -> ServerCertificate:
        return self.issue("client", ("client.lab.test",), usage=ExtendedKeyUsageOID.CLIENT_AUTH)


_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _certify(  # noqa: PLR0917 - private: what a certificate is made of
    common_name: str, key: Key, signer: Issuer | None, days_left: float, lifetime: float, extensions: Sequence[Extension]
) -> x509.Certificate:
    subject = _name(common_name)
    end = datetime.now(UTC) + timedelta(days=days_left)
    signing = signer.key if signer else key
    identifiers = (
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), False),
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=lifetime))
        .not_valid_after(end)
    )
    for extension, critical in [*identifiers, *extensions]:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing, SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
