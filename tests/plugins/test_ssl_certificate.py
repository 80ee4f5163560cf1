from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from monitorpy.core.execution import execute
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.lab.certificates import Certificates, _authority
from monitorpy.lab.faults import SilentServer
from monitorpy.lab.smtp_server import SmtpServer
from monitorpy.lab.tcp_server import TcpServer
from monitorpy.net.deadline import Deadline
from monitorpy.plugins.ssl_certificate import SslCertificatePlugin

OBSERVED = {
    "host", "port", "address", "protocol", "cipher", "subject", "issuer", "sans", "serial_number", "fingerprint_sha256", "not_before",
    "not_after", "days_remaining", "lifetime_days", "verified", "verify_error", "chain",
}  # fmt: skip
OF_CHAIN = {"subject", "issuer", "not_after", "days_remaining", "key_type", "key_bits", "signature_algorithm"}


class TlsServer(TcpServer):
    """Shakes hands and waits for the client to go."""

    def handle(self, sock):
        sock.recv(100)


class PlainServer(TcpServer):
    def handle(self, sock):
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        sock.recv(100)


class StartTlsServer(TcpServer):
    """IMAP or POP3, as far as STARTTLS."""

    def __init__(self, context, banner, replies):
        super().__init__()
        self.context, self.banner, self.replies = context, banner, replies

    def handle(self, sock):
        sock.sendall(self.banner)
        if self.converse(sock):
            with self.secured(sock, self.context) as secure:
                self.converse(secure)

    def converse(self, sock):
        """Whether the client has asked for TLS; not, when it has gone."""
        while line := sock.recv(1000):
            word = next(word for word in self.replies if word in line)
            sock.sendall(self.replies[word].replace(b"TAG", line.split()[0]))
            if word in {b"STARTTLS", b"STLS"}:
                return True
        return False


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve():
    """Starts a server for a certificate (or a context) and gives its port."""
    running = []

    def start(certificate):
        server = TlsServer(tls=getattr(certificate, "context", certificate))
        running.append(server.__enter__())
        return server.port

    yield start
    for server in running:
        server.close()


@pytest.fixture
def check(certificates, serve):
    """The result for a server with that certificate, trusting the lab's authority."""

    def run(certificate, **config):
        config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "port": serve(certificate)} | config
        return run_check("ssl_certificate", config)

    return run


@pytest.fixture
def custom(tmp_path):
    """A server context with a certificate of any kind, signed by an issuer (certificate, key) or by itself."""

    def make(key, issuer=None, send=(), *, aia=None):
        now = datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "custom")])
        builder = x509.CertificateBuilder(
            issuer[0].subject if issuer else name, name, key.public_key(), 12345, now - timedelta(days=30), now + timedelta(days=60)
        ).add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        if aia:
            place = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia))
            builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
        certificate = builder.sign(issuer[1] if issuer else key, SHA256())
        pem = tmp_path / "custom.pem"
        parts = [c.public_bytes(Encoding.PEM) for c in (certificate, *send)]
        pem.write_bytes(b"".join([*parts, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())]))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(pem)
        return context

    return make


def test_every_address_of_the_host(certificates, serve):
    config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "port": serve(certificates.good)}
    result = execute(CheckSpec("a", "ssl_certificate", config, addresses="all"))
    assert [(a["address"], a["status"]) for a in result.raw_data["addresses"]] == [("127.0.0.1", "success")]


def test_a_good_certificate_passes_with_all_the_evidence(certificates, check):
    result = check(certificates.good)
    assert (result.status, result.fault, result.failures) == ("success", None, ())
    assert result.message.startswith("certificate of localhost is valid for 60.0 days (until ")
    assert result.message.endswith("UTC), TLSv1.3")
    raw = result.raw_data
    assert raw.keys() == OBSERVED
    assert (raw["host"], raw["address"], raw["verified"], raw["verify_error"]) == ("localhost", "127.0.0.1", True, None)
    assert raw["sans"] == ["localhost", "127.0.0.1", "::1"]
    assert 59.9 < raw["days_remaining"] < 60
    assert raw["lifetime_days"] == pytest.approx(90)
    assert [c.keys() for c in raw["chain"]] == [OF_CHAIN, OF_CHAIN]
    assert result.phases.keys() == {"dns", "connect", "tls"}
    assert None not in result.phases.values()
    assert 0 < result.response_time < 10
    assert result.target == f"localhost:{raw['port']}"


@pytest.mark.parametrize(
    "case",
    [
        (20, 90, {}, "warning", "expires in 20.0 days ("),
        (20, 90, {}, "warning", "warning below 30 days"),
        (10, 90, {}, "error", "error below 14 days"),
        (31, 90, {}, "success", ""),
        (29.9999, 365, {}, "warning", "expires in 29.99"),
        (14.9, 90, {"warning_days": 15}, "warning", "warning below 15 days"),
        (15.1, 90, {"warning_days": 15}, "success", ""),
        (7.6, 90, {"warning_days": 8}, "warning", "warning below 8 days"),
        (3.9, 90, {"warning_days": 8}, "error", "error below 4 days"),
        (19, 90, {"warning_days": 30, "critical_days": 20}, "error", "error below 20 days"),
        (25, 90, {"critical_days": 26}, "error", "error below 26 days"),
        (1, 90, {"warning_days": 0, "critical_days": 0}, "success", ""),
        (2.1, 6, {}, "success", ""),
        (1.9, 6, {}, "warning", "expires in 1.9 days"),
        (0.9, 6, {}, "error", "expires in 21.6 hours"),
        (0.01, 6, {}, "error", "expires in 14 minutes"),
        (2.9, 6, {"warning_days": "50%"}, "warning", "warning below 3 days"),
        (3.1, 6, {"warning_days": "50%"}, "success", ""),
        (1.4, 6, {"warning_days": "50%", "critical_days": "25%"}, "error", "error below 1.5 days"),
        (5.9, 6, {"warning_days": "100%", "critical_days": "33.3%"}, "warning", "warning below 6 days"),
    ],
)
def test_expiry_is_a_duration(certificates, check, case):
    days_left, lifetime, config, status, said = case
    result = check(certificates.issue("timed", days_left=days_left, lifetime=lifetime), **config)
    assert result.status == status
    assert said in result.message
    assert result.raw_data["verified"] is True
    if status != "success":
        (failure,) = result.failures
        assert (failure.path, failure.severity) == ("days_remaining", status)
        assert failure.actual == result.raw_data["days_remaining"]


def test_an_expired_certificate_says_by_how_much(certificates, check):
    result = check(certificates.expired)
    assert (result.status, result.fault, result.kind) == ("error", "target", "expectation")
    assert result.message.startswith("certificate expired 3.0 days ago (")
    assert [f.path for f in result.failures] == ["days_remaining"]
    assert (result.raw_data["verified"], result.raw_data["verify_error"]) == (False, result.message)
    assert result.raw_data["days_remaining"] == pytest.approx(-3, abs=0.01)


def test_one_that_is_not_valid_yet_says_when_it_will_be(certificates, check):
    result = check(certificates.issue("early", days_left=92, lifetime=90))
    assert result.status == "error"
    assert result.message.startswith("certificate is not valid yet: it begins in 2.0 days (")
    assert [f.path for f in result.failures] == ["not_before"]
    assert result.raw_data["verified"] is False


def test_a_wrong_host_says_which_names_it_has(certificates, check):
    result = check(certificates.wrong_host)
    assert result.message == "wrong host: the certificate is not for localhost but for elsewhere.lab.test"
    assert (result.failures[0].path, result.raw_data["verified"]) == ("sans", False)
    assert check(certificates.wrong_host, verify_hostname=False).status == "success"
    assert check(certificates.wrong_host, server_name="elsewhere.lab.test").status == "success"
    assert check(certificates.good, hostname="127.0.0.1").status == "success"


def test_self_signed(certificates, check):
    result = check(certificates.self_signed)
    assert result.message == "self-signed certificate 'CN=localhost': nobody that is trusted here vouches for it"
    assert result.raw_data["verify_error"] == result.message
    unchecked = check(certificates.self_signed, check_chain=False)
    assert (unchecked.status, unchecked.raw_data["verified"], unchecked.raw_data["verify_error"]) == ("success", None, None)
    pinned = check(certificates.self_signed, ca_file=str(certificates.self_signed.chain_file))
    assert (pinned.status, pinned.raw_data["verified"]) == ("success", True)


def test_an_authority_that_is_not_trusted(certificates, check, tmp_path):
    other = Certificates(tmp_path)
    result = check(certificates.good, ca_file=str(other.ca_file))
    assert result.message == (
        "unknown issuer 'CN=MonitorPy Lab Root': neither trusted here nor sent by the server (a missing intermediate or unknown authority)"
    )
    assert (result.failures[0].path, result.failures[0].actual) == ("verified", False)
    assert check(certificates.good, ca_file=None).status == "error"  # the system does not know it either


def test_an_unknown_root_that_is_sent_along(custom, check):
    other = _authority("Other Root", None, path_length=1)
    sent = custom(ec.generate_private_key(ec.SECP256R1()), (other.certificate, other.key), [other.certificate])
    assert check(sent).message == "unknown issuer: the chain ends in 'CN=Other Root', which is not trusted here"


def test_a_forged_issuer(custom, check):
    forger = _authority("MonitorPy Lab Root", None, path_length=1)
    result = check(custom(ec.generate_private_key(ec.SECP256R1()), (forger.certificate, forger.key)))
    assert result.message == "a certificate of the chain is not signed by the issuer that it names (wrong signature)"


def test_a_missing_intermediate(certificates, check, custom):
    assert "unknown issuer 'CN=MonitorPy Lab Intermediate': neither trusted here nor sent" in check(certificates.incomplete).message
    issuer = (certificates.intermediate.certificate, certificates.intermediate.key)
    incomplete = custom(ec.generate_private_key(ec.SECP256R1()), issuer, aia="http://ca.test/i.crt")
    assert check(incomplete).message == (
        "an intermediate certificate is missing: the server did not send that of 'CN=MonitorPy Lab Intermediate' (it is at http://ca.test/i.crt)"
    )


def test_everything_that_is_wrong_is_said(certificates, check):
    result = check(certificates.issue("awful", ["a.test", "b.test"], days_left=-1, self_signed=True))
    assert [f.path for f in result.failures] == ["days_remaining", "verified", "sans"]
    assert "expired 1.0 days ago" in result.message
    assert "self-signed" in result.message
    assert "not for localhost but for a.test, b.test" in result.message


def test_an_expired_intermediate_is_judged_too(custom, check, certificates):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    old = (
        x509.CertificateBuilder(
            certificates.root.certificate.subject,
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old")]),
            key.public_key(),
            7,
            now - timedelta(days=30),
            now - timedelta(days=2),
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(certificates.root.key, SHA256())
    )
    result = check(custom(ec.generate_private_key(ec.SECP256R1()), (old, key), [old]))
    assert result.message.startswith("certificate 'CN=Old' (number 2 of 2 sent) expired 2.0 days ago (")
    assert [f.path for f in result.failures] == ["chain[1].days_remaining"]
    assert result.raw_data["verified"] is False


def test_a_weak_key(custom, check, certificates):
    weak = rsa.generate_private_key(65537, 1024)
    issuer = (certificates.root.certificate, certificates.root.key)
    result = check(custom(weak, issuer))
    assert result.message == "certificate has a weak key: RSA with 1024 bits, expected at least 2048"
    assert (result.failures[0].path, result.failures[0].actual) == ("chain[0].key_bits", 1024)
    assert result.raw_data["verified"] is True


def test_an_old_protocol(certificates, check):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert check(context).status == "success"
    result = check(context, min_version="1.3")
    assert result.message == "old protocol: the server offers TLSv1.2 at best, expected TLS 1.3 or newer"
    assert result.failures[0].actual == "TLSv1.2"


def test_fingerprint_and_names(certificates, check):
    found = check(certificates.good).raw_data["fingerprint_sha256"]
    colons = ":".join(found[i : i + 2] for i in range(0, 64, 2)).upper()
    assert check(certificates.good, fingerprint=colons, sans=["LOCALHOST", "127.0.0.1"]).status == "success"
    result = check(certificates.good, fingerprint="0" * 64, sans=["localhost", "other.test"])
    assert [f.path for f in result.failures] == ["fingerprint_sha256", "sans"]
    assert "the certificate is not for other.test but for localhost, 127.0.0.1, ::1" in result.message
    wild = certificates.issue("wild", ["localhost", "*.lab.test"])
    assert check(wild, sans=["*.lab.test", "a.lab.test"]).status == "success"


def test_client_certificate(certificates, check):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
    context.load_verify_locations(certificates.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the refusal comes within the handshake
    files = {"client_cert": str(certificates.self_signed.chain_file), "client_key": str(certificates.self_signed.key_file)}
    refused = check(context, **files)
    assert (refused.status, refused.fault) == ("error", "target")
    assert check(context).status == "error"


def test_starttls_smtp(certificates):
    config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "starttls": "smtp"}
    with SmtpServer(starttls=certificates.good.context) as server:
        result = run_check("ssl_certificate", config | {"port": server.port})
        assert (result.status, result.raw_data["verified"]) == ("success", True)
    with SmtpServer(starttls=certificates.expired.context) as server:
        assert "expired 3.0 days ago" in run_check("ssl_certificate", config | {"port": server.port}).message
    with SmtpServer() as server:
        result = run_check("ssl_certificate", config | {"port": server.port})
        assert (result.status, result.fault, result.kind) == ("error", "target", "protocol")
        assert "refuses STARTTLS" in result.message


@pytest.mark.parametrize(
    "protocol, banner, replies",
    [
        ("imap", b"* OK hello\r\n", {b"STARTTLS": b"TAG OK go\r\n", b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK\r\n"}),
        ("pop3", b"+OK hello\r\n", {b"STLS": b"+OK go\r\n", b"CAPA": b"+OK\r\nSTLS\r\n.\r\n"}),
    ],
)
def test_starttls_imap_and_pop3(certificates, protocol, banner, replies):
    config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "starttls": protocol}
    with StartTlsServer(certificates.good.context, banner, replies) as server:
        result = run_check("ssl_certificate", config | {"port": server.port})
    assert (result.status, result.message[:28]) == ("success", "certificate of localhost is ")


def test_a_closed_port(closed_port):
    result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": closed_port})
    assert (result.status, result.fault, result.kind) == ("error", "target", "connect")
    assert result.phases["tls"] is None


@pytest.fixture
def closed_port():
    import socket

    with socket.socket() as sock:  # bound, but nobody listens
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def test_a_silent_server_ends_at_the_deadline(ms):
    with SilentServer() as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port}, deadline=Deadline(150 * ms))
    assert (result.status, result.fault, result.kind) == ("error", "target", "timeout")
    assert result.response_time < 5


def test_a_server_that_speaks_no_tls():
    with PlainServer() as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port})
    assert (result.status, result.fault, result.kind) == ("error", "target", "tls")
    assert "does not speak TLS" in result.message


def test_a_server_that_is_gone_at_the_second_handshake_is_no_success(certificates):
    class OnceOnly(TlsServer):
        def secured(self, sock, context):
            if self.accepted > 1:
                raise OSError
            return super().secured(sock, context)

    with OnceOnly(tls=certificates.good.context) as server:
        config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "port": server.port}
        result = run_check("ssl_certificate", config)
    assert (result.status, result.kind) == ("error", "reset")


def test_a_server_without_a_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("aNULL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsServer(tls=context) as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port})
    assert (result.status, result.kind) == ("error", "protocol")
    assert "sent no certificate" in result.message


def test_a_certificate_that_cannot_be_read(certificates, check, monkeypatch):
    def refuse(der):
        raise ValueError("no such thing")

    monkeypatch.setattr("monitorpy.plugins.ssl_certificate.describe", refuse)  # no server can be made to send one
    result = check(certificates.good)
    assert (result.status, result.fault, result.kind) == ("error", "target", "protocol")
    assert result.message.endswith("cannot be read: no such thing")


def test_the_address_can_be_pinned(certificates, serve):
    config = {"hostname": "localhost", "ca_file": str(certificates.ca_file), "port": serve(certificates.good)}
    result = run_check("ssl_certificate", config, address="127.0.0.1")
    assert (result.status, result.raw_data["address"]) == ("success", "127.0.0.1")


def test_a_missing_ca_file_is_a_mistake_of_the_config(certificates, check):
    result = check(certificates.good, ca_file="/nowhere/ca.pem")
    assert (result.status, result.fault) == ("error", "config")
    assert "/nowhere/ca.pem" in result.message


@pytest.mark.parametrize(
    "config, loc, reason",
    [
        ({"hostname": ""}, ("hostname",), "must not be empty"),
        ({"hostname": "https://x"}, ("hostname",), "not a URL"),
        ({"hostname": "x y"}, ("hostname",), "not a URL"),
        ({"hostname": "x:443"}, ("hostname",), "the port goes into port"),
        ({"hostname": "[::1]"}, ("hostname",), "no brackets"),
        ({"port": 0}, ("port",), "at least 1"),
        ({"warning_days": "30"}, ("warning_days",), "number of days"),
        ({"warning_days": -1}, ("warning_days",), "number of days"),
        ({"warning_days": True}, ("warning_days",), "number of days"),
        ({"warning_days": "101%"}, ("warning_days",), "number of days"),
        ({"warning_days": float("nan")}, ("warning_days",), "number of days"),
        ({"warning_days": 5, "critical_days": 10}, ("critical_days",), "could never be seen"),
        ({"warning_days": "5%", "critical_days": "10%"}, ("critical_days",), "could never be seen"),
        ({"fingerprint": "abc"}, ("fingerprint",), "64 hexadecimal"),
        ({"sans": []}, ("sans",), "must not be empty"),
        ({"client_key": "k.pem"}, ("client_key",), "which is missing"),
        ({"starttls": "ftp"}, ("starttls",), "must be 'smtp', 'imap' or 'pop3'"),
        ({"min_version": "1.4"}, ("min_version",), "must be '1.0'"),
        ({"hostnme": "x"}, ("hostnme",), "did you mean 'hostname'"),
    ],
)
def test_mistakes_in_the_config(config, loc, reason):
    issues = registry.get_plugin("ssl_certificate", {"hostname": "x"} | config).config_issues()
    assert [i.loc for i in issues] == [loc]
    assert reason in issues[0].message


def test_defaults_and_mixed_limits():
    def limits(lifetime, **config):
        return SslCertificatePlugin({"hostname": "x", **config}).settings.day_limits(lifetime)

    assert limits(90, warning_days="10%", critical_days=30) == (9, 30)
    assert limits(90) == (30, 14)
    assert limits(6) == (2, 1)
    assert SslCertificatePlugin({"hostname": "x", "client_cert": "c", "client_key": "k"}).config_issues() == []
    schema = SslCertificatePlugin.Config.model_json_schema()
    assert schema["required"] == ["hostname"]
    assert all(field.description for field in SslCertificatePlugin.Config.model_fields.values())
