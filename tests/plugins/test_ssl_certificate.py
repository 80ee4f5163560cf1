from __future__ import annotations

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from monitorpy.core.execution import execute
from monitorpy.core.registry import registry, run_check
from monitorpy.core.spec import CheckSpec
from monitorpy.lab.certificates import Certificates
from monitorpy.lab.faults import ResettingServer, SilentServer, TricklingServer
from monitorpy.lab.smtp_server import SmtpServer
from monitorpy.lab.tcp_server import TcpServer
from monitorpy.net import tls
from monitorpy.net.deadline import Deadline
from monitorpy.plugins.ssl_certificate import SslCertificatePlugin

SHA256_RSA, SHA1_RSA = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
OBSERVED = {
    "host", "port", "address", "protocol", "cipher", "subject", "issuer", "sans", "serial_number", "fingerprint_sha256", "not_before",
    "not_after", "days_remaining", "lifetime_days", "verified", "verify_error", "chain", "verified_chain",
}  # fmt: skip
OF_CHAIN = {
    "subject", "issuer", "not_before", "not_after", "days_remaining", "key_type", "key_bits", "signature_algorithm", "fingerprint_sha256",
}  # fmt: skip


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
    assert [c.keys() for c in raw["verified_chain"]] == [OF_CHAIN] * 3
    assert [c["subject"] for c in raw["verified_chain"]] == ["CN=localhost", "CN=MonitorPy Lab Intermediate", "CN=MonitorPy Lab Root"]
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
    assert unchecked.raw_data["verified_chain"] is None
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


def test_everything_that_is_wrong_is_said(certificates, check):
    result = check(certificates.issue("awful", ["a.test", "b.test"], days_left=-1, self_signed=True))
    assert [f.path for f in result.failures] == ["days_remaining", "verified", "sans"]
    assert "expired 1.0 days ago" in result.message
    assert "self-signed" in result.message
    assert "not for localhost but for a.test, b.test" in result.message


def test_an_expired_intermediate_is_judged_too(check, certificates):
    result = check(certificates.expired_intermediate)
    assert result.message.startswith(
        "intermediate certificate 'CN=MonitorPy Lab Old Intermediate' (number 2 of 2 sent) expired 2.0 days ago ("
    )
    assert [f.path for f in result.failures] == ["chain[1].days_remaining"]
    assert (result.raw_data["verified"], result.raw_data["verified_chain"]) == (False, None)
    assert check(certificates.expired_intermediate, check_chain=False).status == "error"


def test_an_intermediate_that_is_about_to_expire(check, certificates):
    ends = [certificates.authority(f"Ends {days}", certificates.root, days_left=days, lifetime=3650) for days in (31, 29, 13)]
    assert [check(certificates.issue("under", issuer=issuer)).status for issuer in ends] == ["success", "warning", "error"]
    soon = certificates.issue("short-lived", days_left=5, lifetime=6, issuer=ends[1])
    result = check(soon, warning_days="33%")
    assert (result.status, [f.path for f in result.failures]) == ("warning", ["chain[1].days_remaining"])
    assert "intermediate certificate 'CN=Ends 29' (number 2 of 2 sent) expires in 29.0 days (" in result.message


def test_a_root_that_is_about_to_expire(check, certificates):
    old = certificates.authority("Old Root", days_left=5)
    file = str(certificates.store("old-root", old.key, old.certificate).chain_file)
    for sent, path in (([], "verified_chain[1].days_remaining"), ([old.certificate], "chain[1].days_remaining")):
        result = check(certificates.issue("under-old", issuer=old, send=sent), ca_file=file)
        assert (result.status, [f.path for f in result.failures]) == ("warning", [path])
        assert "root certificate 'CN=Old Root' (" in result.message
        assert result.raw_data["verified"] is True


def test_an_expired_certificate_that_no_client_needs(check, certificates):
    result = check(certificates.cross_signed)
    assert (result.status, result.raw_data["verified"], result.raw_data["verify_error"]) == ("warning", True, None)
    (failure,) = result.failures
    assert (failure.path, failure.severity) == ("chain[2].days_remaining", "warning")
    assert "expired 30.0 days ago (" in result.message
    assert result.message.endswith("; no client needs it, so the server need not send it")


def test_a_weak_key(check, certificates):
    result = check(certificates.issue("weak", key=rsa.generate_private_key(65537, 1024)))
    assert result.message == "certificate has a weak key: RSA with 1024 bits, expected at least 2048"
    assert (result.failures[0].path, result.failures[0].actual) == ("chain[0].key_bits", 1024)
    assert result.raw_data["verified"] is True


def signed_again(certificate, signer, change, algorithm=SHA256):
    """The certificate with another content, signed again; of an RSA key of 2048 bits."""
    tbs = change(certificate.tbs_certificate_bytes)
    end = change(certificate.public_bytes(Encoding.DER)[4 + len(certificate.tbs_certificate_bytes) : -256])
    body = tbs + end + signer.sign(tbs, PKCS1v15(), algorithm())
    return b"\x30\x82" + len(body).to_bytes(2) + body


def serving(tmp_path, key, *ders):
    """A server's context with certificates that may be strange."""
    pem = tmp_path / "strange.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    pem.write_text("".join(map(ssl.DER_cert_to_PEM_cert, ders)) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(pem)
    return context


@pytest.fixture(scope="module")
def rsa_authority(certificates):
    key = rsa.generate_private_key(65537, 2048)
    return certificates.authority("RSA", certificates.root, key=key)


def test_a_weak_signature(check, certificates, rsa_authority, tmp_path):
    key = rsa.generate_private_key(65537, 2048)
    good = certificates.issue("sha256", key=key, issuer=rsa_authority)
    weak = signed_again(good.certificate, rsa_authority.key, lambda der: der.replace(SHA256_RSA, SHA1_RSA), SHA1)
    result = check(serving(tmp_path, key, weak, rsa_authority.certificate.public_bytes(Encoding.DER)))
    assert result.message == "certificate has a weak signature: sha1WithRSAEncryption"
    assert (result.failures[0].path, result.raw_data["verified"]) == ("chain[0].signature_algorithm", True)


def test_a_certificate_that_cannot_be_read(check, certificates, rsa_authority, tmp_path):
    """OpenSSL is content with a length that is written in more bytes than it takes."""
    key = rsa.generate_private_key(65537, 2048)
    good = certificates.issue("long", key=key, issuer=rsa_authority).certificate
    strange = signed_again(
        good, rsa_authority.key, lambda der: der.replace(b"\x30\x82", b"\x30\x83\0", 1) if der[0] == 0x30 and der[1] == 0x82 else der
    )
    result = check(serving(tmp_path, key, strange, rsa_authority.certificate.public_bytes(Encoding.DER)))
    assert (result.status, result.fault, result.kind) == ("error", "target", "protocol")
    assert "certificate 1 of 2 that localhost (127.0.0.1:" in result.message
    assert " sent cannot be read: " in result.message


def test_an_enormous_key(check, certificates):
    """Its primes are those of the 8192-bit groups of RFC 3526 and RFC 7919: to find two such takes minutes."""
    scale = 1 << 8062 + 64
    e, term, n = 0, scale, 0
    while term:
        e, n = e + term, n + 1
        term //= n
    pi = 4 * (4 * arctan(5, scale) - arctan(239, scale))
    primes = [2**8192 - 2**8128 - 1 + 2**64 * ((number >> 64) + more) for number, more in ((pi, 4743158), (e, 10965728))]
    p, q = sorted(primes, reverse=True)
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    key = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key(unsafe_skip_rsa_key_validation=True)
    result = check(certificates.issue("enormous", key=key))
    assert (result.status, result.raw_data["chain"][0]["key_bits"]) == ("success", 16384)


def arctan(x, scale):
    """Of 1/x, times scale."""
    total, term, n = 0, scale // x, 1
    while term:
        total += term // n if n % 4 == 1 else -(term // n)
        term, n = term // (x * x), n + 2
    return total


def test_a_very_long_chain(check, certificates):
    spare = [certificates.authority(f"Spare {n}", days_left=-n - 1, key=certificates.root.key).certificate for n in range(150)]
    result = check(certificates.issue("many", send=[certificates.intermediate.certificate, *spare]))
    assert result.status == "warning"
    assert len(result.failures) == 21
    assert result.message.endswith("; and 130 flaws more")
    assert len(result.raw_data["chain"]) == 152
    too_many = check(certificates.issue("too-many", send=spare * 3))
    assert (too_many.status, too_many.kind) == ("error", "tls")
    assert "more than is allowed in one message of the handshake" in too_many.message


def test_many_certificates_that_are_needed_or_not(check, certificates):
    stranger = [certificates.authority(f"Expired {n}", days_left=-1).certificate for n in range(30)]
    result = check(certificates.issue("awful-many", send=stranger, self_signed=True, days_left=-1))
    assert (result.status, result.failures[-1].severity) == ("error", "error")  # the last of all is that it is self-signed


def test_an_old_protocol(certificates, check):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert check(context).status == "success"
    result = check(context, min_version="1.3")
    assert result.message == "old protocol: the server offers TLSv1.2 at best, expected TLS 1.3 or newer"
    assert result.failures[0].actual == "TLSv1.2"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_a_server_of_the_past_shows_its_certificate_all_the_same(certificates, check, newest):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = newest
    context.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
    result = check(context)
    name = "TLSv1" if newest is ssl.TLSVersion.TLSv1 else "TLSv1.1"
    assert result.message == f"old protocol: the server offers {name} at best, expected TLS 1.2 or newer"
    assert (result.raw_data["protocol"], result.raw_data["verified"], len(result.raw_data["chain"])) == (name, True, 2)
    assert check(context, min_version="1.0").status == "success"


def test_fingerprint_and_names(certificates, check):
    found = check(certificates.good).raw_data["fingerprint_sha256"]
    colons = ":".join(found[i : i + 2] for i in range(0, 64, 2)).upper()
    assert check(certificates.good, fingerprint=colons, sans=["LOCALHOST", "127.0.0.1"]).status == "success"
    result = check(certificates.good, fingerprint="0" * 64, sans=["localhost", "other.test"])
    assert [f.path for f in result.failures] == ["fingerprint_sha256", "sans"]
    assert "the certificate is not for other.test but for localhost, 127.0.0.1, ::1" in result.message
    wild = certificates.issue("wild", ["localhost", "*.lab.test"])
    assert check(wild, sans=["*.lab.test", "a.lab.test"]).status == "success"


@pytest.fixture
def picky(certificates):
    """A server that requires a client certificate of the lab's authority."""

    def make(newest):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.good.chain_file, certificates.good.key_file)
        context.load_verify_locations(certificates.ca_file)
        context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, newest
        return context

    return make


def shown(files):
    return {"client_cert": str(files.chain_file), "client_key": str(files.key_file)}


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_client_certificate(certificates, check, picky, newest):
    accepted = check(picky(newest), **shown(certificates.client))
    assert (accepted.status, accepted.raw_data["verified"]) == ("success", True)
    refused = check(picky(newest), **shown(certificates.self_signed))
    assert (refused.status, refused.fault, refused.kind) == ("error", "target", "tls")
    assert refused.message.endswith("refused the client certificate: unknown issuer")
    assert refused.raw_data["subject"] == "CN=localhost"  # evidence all the same
    assert (refused.raw_data["verified"], refused.raw_data["phase"]) == (None, "tls")


def test_a_client_certificate_that_is_not_given(certificates, check, picky):
    """In TLS 1.3 the server's certificate is judged as any other; in TLS 1.2 there is no handshake without one, but evidence."""
    assert check(picky(ssl.TLSVersion.TLSv1_3)).status == "success"
    old = check(picky(ssl.TLSVersion.TLSv1_2))
    assert (old.status, old.kind, old.raw_data["protocol"], len(old.raw_data["chain"])) == ("error", "tls", None, 2)
    assert "it wants a client certificate" in old.message


def test_a_server_that_does_not_say_what_it_thinks_of_a_client_certificate(certificates, monkeypatch, ms):
    class Silent(TlsServer):
        def handle(self, sock):
            self.closing.wait(20)

    monkeypatch.setattr("monitorpy.plugins.ssl_certificate._PATIENCE", 100 * ms)
    with Silent(tls=certificates.good.context) as server:
        config = {"hostname": "localhost", "ip_family": "ipv4", "ca_file": str(certificates.ca_file), "port": server.port}
        result = run_check("ssl_certificate", config | shown(certificates.client))
    assert result.status == "warning"
    assert f"did not say within {100 * ms:g} s whether it accepts the client certificate" in result.message


def test_the_name_decides_which_certificate_is_shown(certificates, check):
    default, other = certificates.issue("default").context, certificates.issue("other", ["other.test"]).context

    def choose(sock, name, _):
        sock.context = other if name == "other.test" else default

    default.sni_callback = choose
    assert check(default).status == "success"
    named = check(default, server_name="other.test")
    assert (named.status, named.raw_data["sans"]) == ("success", ["other.test"])


def test_whom_to_trust(certificates, check, monkeypatch, tmp_path):
    monkeypatch.setattr("certifi.where", lambda: str(certificates.ca_file))
    tls._shared.cache_clear()
    assert check(certificates.good, ca_file=None, trust="certifi").status == "success"
    system = check(certificates.good, ca_file=None, trust="system")
    assert "unknown issuer 'CN=MonitorPy Lab Root'" in system.message
    monkeypatch.setattr("certifi.where", lambda: str(Certificates(tmp_path).ca_file))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    tls._shared.cache_clear()
    assert "unknown issuer" in check(certificates.good, ca_file=None, trust="certifi").message
    assert check(certificates.good, ca_file=None).status == "success"
    tls._shared.cache_clear()


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


def test_a_handshake_that_trickles(certificates, ms):
    """The first bytes of a real one, again and again: a record without end."""
    with TricklingServer(b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc\x03\x03" * 3000, interval=2 * ms) as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port}, deadline=Deadline(200 * ms))
    assert (result.status, result.kind) == ("error", "timeout")
    assert "no TLS handshake with 127.0.0.1:" in result.message
    assert result.response_time < 600 * ms


@pytest.mark.parametrize(
    "said, kind, text",
    [
        (b"\x15\x03\x03\x00\x02\x02\x28", "tls", "refused the TLS handshake"),
        (b"\x15\x03\x03\x00\x02\x02\x70", "tls", "does not know the host name that was asked for (SNI)"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "tls", "no version in common"),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x46", "reset", "closed the connection during the TLS handshake"),  # within its ServerHello
        (b"", "reset", "closed the connection during the TLS handshake"),
        (b"220 mail ESMTP\r\n", "tls", "does not speak TLS here"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "tls", "does not speak TLS here"),
        (b"\x00" * 100, "tls", "does not speak TLS here"),
    ],
)
def test_a_server_that_says_something_else(said, kind, text):
    class Says(TcpServer):
        def handle(self, sock):
            sock.recv(10_000)
            sock.sendall(said)
            sock.shutdown(1)
            sock.recv(100)

    with Says() as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port})
    assert (result.status, result.fault, result.kind) == ("error", "target", kind)
    assert f"127.0.0.1:{server.port}" in result.message
    assert text in result.message


@pytest.mark.parametrize("after_request", [True, False])
def test_a_server_that_resets(after_request):
    with ResettingServer(after_request=after_request) as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port})
    assert (result.status, result.fault, result.kind) == ("error", "target", "reset")


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
    assert (result.raw_data["subject"], result.raw_data["verified"]) == ("CN=localhost", None)


def test_a_server_without_a_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("aNULL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsServer(tls=context) as server:
        result = run_check("ssl_certificate", {"hostname": "127.0.0.1", "port": server.port})
    assert (result.status, result.kind) == ("error", "tls")
    assert "(no cipher in common, no certificate, or it wants a client certificate)" in result.message


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
        ({"starttls": "mysql"}, ("starttls",), "must be 'smtp', 'imap', 'pop3', 'ftp', 'postgres', 'ldap', 'xmpp' or 'xmpp-server'"),
        ({"min_version": "1.4"}, ("min_version",), "must be '1.0'"),
        ({"hostnme": "x"}, ("hostnme",), "did you mean 'hostname'"),
    ],
)
def test_mistakes_in_the_config(config, loc, reason):
    issues = registry.get_plugin("ssl_certificate", {"hostname": "x"} | config).config_issues()
    assert [i.loc for i in issues] == [loc]
    assert reason in issues[0].message


def test_defaults_and_mixed_limits():
    def limits(lifetime, *, leaf=True, **config):
        return SslCertificatePlugin({"hostname": "x", **config}).settings.day_limits(lifetime, leaf=leaf)

    assert limits(90, warning_days="10%", critical_days=30) == (9, 30)
    assert limits(90) == (30, 14)
    assert limits(47) == (pytest.approx(47 / 3), pytest.approx(47 / 6))
    assert limits(6) == (2, 1)
    assert limits(3650, leaf=False) == (30, 14)
    assert limits(3650, leaf=False, warning_days="33%", critical_days="10%") == (30, 14)
    assert limits(3650, leaf=False, warning_days=60) == (60, 14)
    assert SslCertificatePlugin({"hostname": "x", "client_cert": "c", "client_key": "k"}).config_issues() == []
    schema = SslCertificatePlugin.Config.model_json_schema()
    assert schema["required"] == ["hostname"]
    assert all(field.description for field in SslCertificatePlugin.Config.model_fields.values())
