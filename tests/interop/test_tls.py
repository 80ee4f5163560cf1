"""ssl_certificate against nginx, and by STARTTLS against the servers of each protocol."""

from __future__ import annotations

import hashlib
import re
from contextlib import ExitStack

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from monitorpy.core.registry import run_check

from .servers import upgrades


@pytest.fixture
def certificate_at(certificates):
    """Runs ssl_certificate at a port."""

    def run(port, **config):
        base = {"hostname": "localhost", "port": port, "ca_file": str(certificates.ca_file), "timeout": 5}
        return run_check("ssl_certificate", base | config)

    return run


def test_a_good_one(certificate_at, nginx, certificates):
    result = certificate_at(nginx.tls["good"])
    assert result.is_success(), result.message
    assert result.message.startswith("certificate of localhost is valid for 60.0 days (until ")
    data = result.raw_data
    assert (data["protocol"], data["verified"], data["verify_error"]) == ("TLSv1.3", True, None)
    assert [each["subject"] for each in data["chain"]] == ["CN=localhost", "CN=MonitorPy Lab Intermediate"]
    assert set(data["sans"]) >= {"localhost", "127.0.0.1"}
    assert {phase for phase, seconds in result.phases.items() if seconds is not None} == {"dns", "connect", "tls"}
    digest = hashlib.sha256(certificates.good.certificate.public_bytes(Encoding.DER)).hexdigest()
    assert certificate_at(nginx.tls["good"], fingerprint=digest, sans=["localhost"]).is_success()
    other = certificate_at(nginx.tls["good"], fingerprint=digest.translate(str.maketrans("01", "10")))
    assert other.is_error()
    assert "fingerprint" in other.message


@pytest.mark.parametrize(
    "kind, status, message",
    [
        ("expiring", "warning", r"certificate expires in 20\.0 days \(.* UTC\), warning below 30 days"),
        ("expired", "error", r"certificate expired 3\.0 days ago \(.* UTC\)"),
        ("wrong_host", "error", r"wrong host: the certificate is not for localhost but for elsewhere\.lab\.test"),
        ("incomplete", "error", r"unknown issuer 'CN=MonitorPy Lab Intermediate': neither trusted here nor sent by the server .*"),
        ("self_signed", "error", r"self-signed certificate 'CN=localhost': nobody that is trusted here vouches for it"),
    ],
)
def test_a_bad_one(certificate_at, nginx, kind, status, message):
    result = certificate_at(nginx.tls[kind])
    assert (result.status, result.fault) == (status, "target" if status == "error" else None)
    assert re.fullmatch(message, result.message), result.message
    assert result.raw_data["chain"][0]["subject"] in {"CN=localhost", "CN=elsewhere.lab.test"}  # evidence, however bad it is
    assert result.raw_data["verified"] is (status == "warning")


def test_what_is_not_asked_for_is_not_judged(certificate_at, nginx):
    for kind in ("incomplete", "self_signed"):
        result = certificate_at(nginx.tls[kind], check_chain=False)
        assert result.is_success(), result.message
        assert result.raw_data["verified"] is None
    assert certificate_at(nginx.tls["wrong_host"], verify_hostname=False).is_success()
    assert certificate_at(nginx.tls["wrong_host"], server_name="elsewhere.lab.test").is_success()
    assert certificate_at(nginx.tls["expired"], check_chain=False, verify_hostname=False).is_error()


def test_days(certificate_at, nginx):
    assert certificate_at(nginx.tls["expiring"], warning_days=15, critical_days=10).is_success()
    assert certificate_at(nginx.tls["expiring"], warning_days="30%", critical_days="25%").is_error()


def test_an_authority_that_is_not_trusted(certificate_at, nginx):
    result = certificate_at(nginx.tls["good"], ca_file=None)
    assert result.is_error()
    assert result.message.startswith("unknown issuer 'CN=MonitorPy Lab Root': ")
    assert (result.raw_data["verified"], result.raw_data["verify_error"]) == (False, result.message)


def test_an_old_protocol(certificate_at, nginx):
    result = certificate_at(nginx.old)
    assert result.is_error()
    assert result.message == "old protocol: the server offers TLSv1.1 at best, expected TLS 1.2 or newer"
    assert result.raw_data["protocol"] == "TLSv1.1"
    assert certificate_at(nginx.old, min_version="1.1").is_success()
    assert certificate_at(nginx.tls["good"], min_version="1.3").is_success()


def test_a_client_certificate(certificate_at, nginx, certificates):
    own = {"client_cert": str(certificates.client.chain_file), "client_key": str(certificates.client.key_file)}
    result = certificate_at(nginx.mtls, **own)
    assert result.is_success(), result.message


def test_no_tls_there(certificate_at, nginx):
    result = certificate_at(nginx.http)
    assert (result.status, result.kind) == ("error", "tls")
    assert result.message == f"localhost (127.0.0.1:{nginx.http}) does not speak TLS here (its answer is no TLS record)"
    assert result.raw_data.get("chain") is None


@pytest.fixture(scope="session")
def upgraded(request, certificates):
    """The port at which a protocol begins in clear text, by its name; the servers that no other test needs start when asked for."""
    started = {}

    def port(protocol):
        if protocol in {"imap", "pop3"}:
            return getattr(request.getfixturevalue("dovecot"), protocol)
        if protocol == "smtp":
            return request.getfixturevalue("exim").smtp
        if protocol not in started:
            started.update(stack.enter_context(getattr(upgrades, protocol.partition("-")[0])(certificates)))
        return started[protocol]

    with ExitStack() as stack:
        yield port


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3", "ftp", "postgres", "ldap", "xmpp", "xmpp-server"])
class TestStartTls:
    def test_good(self, certificate_at, upgraded, protocol):
        result = certificate_at(upgraded(protocol), starttls=protocol)
        assert result.is_success(), result.message
        assert result.message.startswith("certificate of localhost is valid for 60.0 days (until ")
        assert len(result.raw_data["chain"]) == 2
        assert result.raw_data["verified"] is True

    def test_all_that_is_wrong_is_told(self, certificate_at, upgraded, protocol):
        result = certificate_at(
            upgraded(protocol), starttls=protocol, ca_file=None, sans=["elsewhere.test"], critical_days=70, warning_days=80
        )
        assert result.is_error()
        assert len(result.failures) == 3
        assert "unknown issuer 'CN=MonitorPy Lab Root'" in result.message

    def test_without_it(self, certificate_at, upgraded, protocol):
        result = certificate_at(upgraded(protocol))
        assert result.is_error()
        assert result.kind in {"tls", "reset"}
        assert f"localhost (127.0.0.1:{upgraded(protocol)})" in result.message


def test_another_protocol_than_the_server_speaks(certificate_at, dovecot):
    result = certificate_at(dovecot.imap, starttls="smtp")
    assert (result.status, result.kind) == ("error", "protocol")
    assert result.message.startswith(f"localhost (127.0.0.1:{dovecot.imap}) sent '* OK [CAPABILITY IMAP4rev1 ")


def test_asked_for_where_tls_has_begun_already(certificate_at, dovecot):
    result = certificate_at(dovecot.imaps, starttls="imap", timeout=1)
    assert (result.status, result.kind) == ("error", "timeout")
    assert certificate_at(dovecot.imaps).is_success()


def test_a_domain_that_an_xmpp_server_does_not_serve(certificate_at, upgraded):
    port = upgraded("xmpp")
    result = certificate_at(port, starttls="xmpp", server_name="elsewhere.test")
    assert (result.status, result.kind) == ("error", "protocol")
    assert result.message == f"localhost (127.0.0.1:{port}) refuses STARTTLS: the stream ends with host-unknown"
