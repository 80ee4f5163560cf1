"""A throw-away certificate authority: root, intermediate and server certificates of every kind a check must tell apart."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOCAL = ("localhost", "127.0.0.1", "::1")
ELSEWHERE = ("elsewhere.lab.test",)


@dataclass(frozen=True)
class Issuer:
    """A certificate that signs others, with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


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
        context.load_cert_chain(self.chain_file, self.key_file)
        return context


class Certificates:
    """The authority: its files lie in ``folder``; ``ca_file`` is the root that a client must trust.

    The ready-made ones are for localhost and 127.0.0.1 (but ``wrong_host``) and have a lifetime of 90 days:
    ``good`` (60 days left), ``expiring`` (20 days left: a warning by the default thresholds), ``expired`` (3 days ago),
    ``incomplete`` (the server forgets the intermediate), ``self_signed``; ``client`` is for a client to show.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = _authority("MonitorPy Lab Root", None, path_length=1)
        self.intermediate = _authority("MonitorPy Lab Intermediate", self.root, path_length=0)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(_pem(self.root.certificate))

    def issue(
        self,
        name: str,
        hosts: Sequence[str] = LOCAL,
        *,
        days_left: float = 60,
        lifetime: float = 90,
        send_chain: bool = True,
        self_signed: bool = False,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> ServerCertificate:
        """A new certificate, of a server unless ``usage`` says otherwise, in the files ``NAME.pem`` and ``NAME.key``.

        Times are in days; ``days_left`` may be negative.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        until = datetime.now(UTC) + timedelta(days=days_left)
        subject = _name(hosts[0])
        builder = (
            _builder(
                subject, subject if self_signed else self.intermediate.certificate.subject, key, until - timedelta(days=lifetime), until
            )
            .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        certificate = _signed(builder, key, None if self_signed else self.intermediate)
        chain = [certificate, self.intermediate.certificate] if send_chain and not self_signed else [certificate]
        files = ServerCertificate(certificate, self.folder / f"{name}.pem", self.folder / f"{name}.key")
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
    def client(self) -> ServerCertificate:
        return self.issue("client", ("client.lab.test",), usage=ExtendedKeyUsageOID.CLIENT_AUTH)


def _authority(common_name: str, signer: Issuer | None, *, path_length: int) -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    subject = _name(common_name)
    issuer = signer.certificate.subject if signer else subject
    usage = x509.KeyUsage(
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
    builder = (
        _builder(subject, issuer, key, now - timedelta(days=365), now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
    )
    return Issuer(_signed(builder, key, signer), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, own_key: ec.EllipticCurvePrivateKey, signer: Issuer | None) -> x509.Certificate:
    key = signer.key if signer else own_key
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False).sign(key, SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
