from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509

from monitorpy.lab.faults import SilentServer
from monitorpy.lab.tcp_server import HOST


class TlsServer(SilentServer):
    def __init__(self, context):
        super().__init__()
        self.tls = context


def handshake(certificate, context, name="localhost"):
    with (
        TlsServer(certificate.context) as server,
        socket.create_connection((HOST, server.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        return secure.getpeercert()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("kind", ["good", "expiring", "cross_signed"])
def test_a_client_of_the_authority_is_content(certificates, client_context, kind, name):
    assert handshake(getattr(certificates, kind), client_context, name)["subject"] == ((("commonName", "localhost"),),)


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("expired", "certificate has expired"),
        ("wrong_host", "Hostname mismatch"),
        ("incomplete", "unable to get local issuer certificate"),
        ("self_signed", "self-signed certificate"),
        ("expired_intermediate", "certificate has expired"),
    ],
)
def test_and_not_with_the_others(certificates, client_context, kind, reason):
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        handshake(getattr(certificates, kind), client_context)


def test_strict_verification_accepts_the_chain(certificates, client_context):
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert handshake(certificates.good, client_context)


@pytest.mark.parametrize("kind, days", [("good", 60), ("expiring", 20), ("expired", -3)])
def test_days_left_of_ninety(certificates, kind, days):
    leaf = getattr(certificates, kind).certificate
    left = (leaf.not_valid_after_utc - datetime.now(UTC)).total_seconds() / 86400
    assert days - 0.1 < left < days + 0.001
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 90


def test_one_of_your_own(certificates):
    made = certificates.issue("own", ["a.lab.test", "192.0.2.1"], days_left=1, lifetime=2)
    names = made.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.lab.test"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("192.0.2.1")]
    assert len(x509.load_pem_x509_certificates(made.chain_file.read_bytes())) == 2
    assert len(x509.load_pem_x509_certificates(certificates.incomplete.chain_file.read_bytes())) == 1


def test_an_authority_of_your_own(certificates):
    root = certificates.authority("Own", path_length=None, extensions=[(x509.PolicyConstraints(0, None), False)])
    below = certificates.authority("Below", root, days_left=-1, lifetime=2, key=root.key)
    assert below.certificate.issuer == root.certificate.subject
    assert below.certificate.public_key() == root.certificate.public_key()
    files = certificates.issue("below", issuer=below, send=[root.certificate])
    sent = x509.load_pem_x509_certificates(files.chain_file.read_bytes())
    assert sent == [files.certificate, root.certificate]
    files.certificate.verify_directly_issued_by(below.certificate)


def test_what_is_sent_along(certificates):
    old = x509.load_pem_x509_certificates(certificates.expired_intermediate.chain_file.read_bytes())[1]
    cross = x509.load_pem_x509_certificates(certificates.cross_signed.chain_file.read_bytes())[2]
    assert old.not_valid_after_utc < datetime.now(UTC)
    assert cross.not_valid_after_utc < datetime.now(UTC)
    assert (cross.subject, cross.public_key()) == (certificates.root.certificate.subject, certificates.root.certificate.public_key())


def test_one_for_a_client(certificates, client_context):
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.ca_file))  # it insists on the purpose
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
    client_context.load_cert_chain(certificates.client.chain_file, certificates.client.key_file)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, serving) * 3:
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert serving.getpeercert()["subject"] == ((("commonName", "client.lab.test"),),)
