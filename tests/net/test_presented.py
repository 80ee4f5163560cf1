from __future__ import annotations

import ssl

import pytest

from monitorpy.errors import NetError
from monitorpy.net.connect import connect
from monitorpy.net.presented import Presented, entry
from monitorpy.net.tls import TlsSettings


@pytest.fixture
def connected(serve, deadline, authority):
    with connect("127.0.0.1", serve(lambda sock, server: sock.recv(1), authority.context()).port, deadline, phases={}) as connection:
        yield connection


def test_the_evidence(connected):
    connected.start_tls(TlsSettings(verify=False), "localhost")
    presented = Presented.on(connected)
    observed = presented.observation("localhost")
    assert list(observed) == [
        "host", "port", "address", "protocol", "cipher", "subject", "issuer", "sans", "serial_number", "fingerprint_sha256", "not_before",
        "not_after", "days_remaining", "lifetime_days", "chain",
    ]  # fmt: skip
    assert (observed["address"], observed["port"], observed["protocol"]) == ("127.0.0.1", connected.port, "TLSv1.3")
    assert observed["cipher"].startswith("TLS_")
    assert observed["chain"] == [entry(presented.chain[0])]
    assert list(observed["chain"][0]) == [
        "subject", "issuer", "not_before", "not_after", "days_remaining", "key_type", "key_bits", "signature_algorithm",
        "fingerprint_sha256",
    ]  # fmt: skip


def test_no_certificate(connected):
    with pytest.raises(NetError, match=r"127\.0\.0\.1:\d+ sent no certificate") as caught:
        Presented.on(connected)
    assert (caught.value.phase, caught.value.kind) == ("tls", "protocol")


def test_a_chain_that_cannot_be_read(connected):
    connected.start_tls(TlsSettings(verify=False), "localhost")
    presented = Presented.on(connected)
    with pytest.raises(NetError, match=r"certificate 2 of 2 that 127\.0\.0\.1:\d+ sent cannot be read: ") as caught:
        presented.with_chain([presented.ders[0], b"junk"])
    assert caught.value.kind == "protocol"


def test_what_came_before_the_handshake_broke_off(serve, deadline, authority):
    context = authority.context()
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2
    with connect("127.0.0.1", serve(lambda sock, server: None, context).port, deadline, phases={}) as connection:
        with pytest.raises(NetError, match="it wants a client certificate"):
            connection.start_tls(TlsSettings(verify=False), "localhost")
        observed = Presented.on(connection).observation("localhost")
    assert (observed["subject"], observed["protocol"], observed["cipher"]) == ("CN=localhost", None, None)
