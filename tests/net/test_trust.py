"""Each way in which a chain can be wrong, served by a real server and judged as OpenSSL sees it."""

from __future__ import annotations

import ssl
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from monitorpy.errors import NetError
from monitorpy.lab.certificates import Certificates, Issuer
from monitorpy.net.chain import validity_flaws
from monitorpy.net.connect import connect
from monitorpy.net.presented import Presented
from monitorpy.net.tls import TlsSettings
from monitorpy.net.trust import ask, trust_flaw, unasked

UNKNOWN = (
    "unknown issuer 'CN=MonitorPy Lab {}': neither trusted here nor sent by the server (a missing intermediate or unknown authority{})"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def verdict(serve, deadline, lab):
    """The verdict on a server with that certificate; with several, one after the other, one for each connection."""

    def judge(*certificates, ca_file=None):
        served = [certificate.context for certificate in certificates]

        def talk(sock, server):
            context = served.pop(0) if len(served) > 1 else served[0]
            with context.wrap_socket(sock, server_side=True) as secure:
                secure.recv(1)

        port = serve(talk).port

        @contextmanager
        def shake(address, settings):
            with connect(address, port, deadline, phases={}) as connection:
                connection.start_tls(settings, "localhost")
                yield connection

        settings = TlsSettings(ca_file=str(ca_file or lab.ca_file), check_hostname=False, min_version="1.0")
        with shake("127.0.0.1", TlsSettings(verify=False, min_version="1.0")) as connection:
            presented = Presented.on(connection)
        return ask(presented, shake, settings)

    return judge


def texts(verdict):
    return [flaw.text for flaw in [*validity_flaws(verdict.chain), *verdict.flaws]]


def subjects(path):
    return [x509.load_der_x509_certificate(der).subject.rfc4514_string().removeprefix("CN=MonitorPy Lab ") for der in path]


def test_a_chain_that_is_trusted(verdict, lab):
    found = verdict(lab.good)
    assert (found.trusted, list(found.flaws)) == (True, [])
    assert subjects(found.path) == ["CN=localhost", "Intermediate", "Root"]
    assert [(link.part, link.at) for link in found.chain] == [
        ("leaf", "chain[0]"),
        ("intermediate", "chain[1]"),
        ("root", "verified_chain[2]"),
    ]


def test_nobody_is_asked(verdict, lab):
    found = unasked(verdict(lab.self_signed).presented)
    assert (found.trusted, list(found.flaws), subjects(found.path)) == (False, [], ["CN=localhost"])


def test_order_and_superfluous_certificates_do_no_harm(verdict, lab):
    stranger = lab.authority("Stranger").certificate
    mixed = lab.issue("mixed", send=[lab.root.certificate, stranger, lab.intermediate.certificate])
    found = verdict(mixed)
    assert found.trusted
    assert texts(found) == []
    assert [link.part for link in found.chain] == ["leaf", "root", "spare", "intermediate"]


def test_an_expired_leaf(verdict, lab):
    found = verdict(lab.expired)
    assert (found.trusted, list(found.flaws)) == (False, [])
    assert subjects(found.path) == ["CN=localhost", "Intermediate", "Root"]
    assert [text[:29] for text in texts(found)] == ["certificate expired 3.0 days "]


def test_an_expired_intermediate(verdict, lab):
    found = verdict(lab.expired_intermediate)
    (text,) = texts(found)
    assert text.startswith("intermediate certificate 'CN=MonitorPy Lab Old Intermediate' (number 2 of 2 sent) expired 2.0 days ago (")
    assert (found.trusted, list(found.flaws)) == (False, [])


def test_an_authority_that_begins_later(verdict, lab):
    early = lab.authority("Early", lab.root, days_left=370, lifetime=369)
    (text,) = texts(verdict(lab.issue("early", issuer=early)))
    assert text.startswith("intermediate certificate 'CN=Early' (number 2 of 2 sent) is not valid yet: it begins in 24.0 hours (")


def test_an_expired_root_that_is_trusted_here(verdict, lab, tmp_path):
    old = lab.authority("Old", days_left=-4, path_length=1)
    file = lab.store("old-root", old.key, old.certificate).chain_file
    (text,) = texts(verdict(lab.issue("of-old", issuer=old, send=[]), ca_file=file))
    assert text.startswith("root certificate 'CN=Old' (trusted here, not sent) expired 4.0 days ago (")


def test_an_expired_certificate_that_nobody_needs(verdict, lab):
    found = verdict(lab.cross_signed)
    assert found.trusted
    assert subjects(found.path) == ["CN=localhost", "Intermediate", "Root"]
    (flaw,) = validity_flaws(found.chain)
    assert flaw.severity == "warning"
    assert flaw.text.startswith("intermediate certificate 'CN=MonitorPy Lab Root' (number 3 of 3 sent) expired 30.0 days ago (")
    assert flaw.text.endswith("; no client needs it, so the server need not send it")


def test_an_expired_cross_signature_beside_a_valid_one(verdict, lab):
    """A path over either is possible; that over the expired one must not be taken (blackbox_exporter #340)."""
    renewed = lab.authority("MonitorPy Lab Intermediate", lab.root, key=lab.intermediate.key, days_left=-30)
    found = verdict(lab.issue("renewed", send=[renewed.certificate, lab.intermediate.certificate]))
    assert found.trusted
    assert [(link.part, link.at) for link in found.chain][:3] == [("leaf", "chain[0]"), ("spare", "chain[1]"), ("intermediate", "chain[2]")]
    assert [flaw.severity for flaw in validity_flaws(found.chain)] == ["warning"]


@pytest.mark.parametrize("days_left", [60, -3])
def test_what_dates_hide_is_found_too(verdict, lab, days_left):
    limit = x509.NameConstraints(permitted_subtrees=[x509.DNSName("lab.test")], excluded_subtrees=None)
    limited = lab.authority("Limited", lab.root, extensions=[(limit, True)])
    said = texts(verdict(lab.issue("outside", issuer=limited, days_left=days_left)))
    assert ["expired 3.0 days ago" in text for text in said] == ([True, False] if days_left < 0 else [False])
    assert "name constraints: an authority vouches for names that it may not vouch for (outside" in said[-1]
    assert said[-1].endswith("(sent: 'CN=localhost' <- 'CN=Limited')")


def test_names_that_are_excluded(verdict, lab):
    limit = x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=[x509.DNSName("localhost")])
    limited = lab.authority("Limited", lab.root, extensions=[(limit, True)])
    assert (
        "name constraints: an authority vouches for names that it may not vouch for (among"
        in texts(verdict(lab.issue("x", issuer=limited)))[0]
    )


def test_a_self_signed_one(verdict, lab):
    assert texts(verdict(lab.self_signed)) == ["self-signed certificate 'CN=localhost': nobody that is trusted here vouches for it"]
    found = verdict(lab.self_signed, ca_file=lab.self_signed.chain_file)
    assert (found.trusted, subjects(found.path)) == (True, ["CN=localhost"])


def test_an_issuer_that_is_trusted_itself(verdict, lab):
    file = lab.store("pinned", lab.intermediate.key, lab.intermediate.certificate).chain_file
    found = verdict(lab.incomplete, ca_file=file)
    assert (found.trusted, subjects(found.path)) == (True, ["CN=localhost", "Intermediate"])


def test_an_unknown_root_that_is_sent(verdict, lab):
    other = lab.authority("Other Root")
    assert texts(verdict(lab.issue("other", issuer=other))) == [
        "unknown issuer: the chain ends in 'CN=Other Root', which is not trusted here"
    ]


def aia(url):
    place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
    return [(x509.AuthorityInformationAccess([place]), False)]


def test_a_missing_intermediate(verdict, lab):
    assert texts(verdict(lab.incomplete)) == [UNKNOWN.format("Intermediate", "")]
    named = lab.issue("named", send_chain=False, extensions=aia("http://ca.test/i.crt"))
    assert texts(verdict(named)) == [
        "missing intermediate: the server did not send the certificate of 'CN=MonitorPy Lab Intermediate' (it is at http://ca.test/i.crt)"
    ]


def test_an_unknown_root_that_is_not_sent(verdict, lab, tmp_path):
    other = Certificates(tmp_path)
    assert texts(verdict(lab.good, ca_file=other.ca_file)) == [UNKNOWN.format("Root", "")]
    middle = lab.authority("Middle", lab.root, extensions=aia("http://ca.test/r.crt"))
    assert texts(verdict(lab.issue("m", issuer=middle), ca_file=other.ca_file)) == [
        UNKNOWN.format("Root", ", which would be at http://ca.test/r.crt")
    ]


@pytest.mark.parametrize("identified", [True, False])
def test_a_wrong_signature(verdict, lab, identified):
    """Of the intermediate that is sent; OpenSSL sees it by the key's identifier already, where there is one."""
    forger = lab.authority("MonitorPy Lab Intermediate", lab.root)
    forged = lab.issue("forged", issuer=forger, send=[lab.intermediate.certificate], extensions=[])
    if not identified:
        leaf = without_identifiers(lab, forger)
        forged = lab.store("forged", leaf[1], leaf[0], lab.intermediate.certificate)
    assert texts(verdict(forged)) == [
        "wrong signature: 'CN=localhost' is not signed by the 'CN=MonitorPy Lab Intermediate' that it names as its issuer, but by another key"
    ]


def without_identifiers(lab, issuer):
    key, like = ec.generate_private_key(ec.SECP256R1()), lab.good.certificate
    builder = x509.CertificateBuilder(
        issuer.certificate.subject, like.subject, key.public_key(), 9, like.not_valid_before_utc, like.not_valid_after_utc
    )
    return builder.sign(issuer.key, SHA256()), key


def test_a_root_that_did_not_sign(verdict, lab):
    forger = lab.authority("MonitorPy Lab Root")
    middle = lab.authority("Middle", forger)
    leaf, key = without_identifiers(lab, middle)
    unnamed = x509.CertificateBuilder(
        forger.certificate.subject,
        middle.certificate.subject,
        middle.key.public_key(),
        3,
        leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
    ).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    assert texts(verdict(lab.store("forged-root", key, leaf, unnamed.sign(forger.key, SHA256())))) == [
        "wrong signature: 'CN=Middle' is not signed by the 'CN=MonitorPy Lab Root' that it names as its issuer, but by another key"
    ]


def test_not_made_for_servers(verdict, lab):
    client = lab.issue("for-clients", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert "unsuitable purpose: it, or an authority of its chain, may not be used for TLS servers" in texts(verdict(client))[0]
    authority = lab.authority("localhost", lab.root)  # its key may sign, and nothing else
    assert "unsuitable purpose" in texts(verdict(lab.store("as-leaf", authority.key, authority.certificate)))[0]


def test_a_path_that_is_too_long(verdict, lab):
    below = lab.authority("Below", lab.intermediate)
    deep = lab.issue("deep", issuer=below, send=[below.certificate, lab.intermediate.certificate])
    assert "path length: an authority issued more levels of certificates than it may" in texts(verdict(deep))[0]


def test_an_issuer_that_is_no_authority(verdict, lab):
    leaf = lab.good
    key = leaf_key(leaf)
    below = lab.issue("below", issuer=Issuer(leaf.certificate, key), send=[leaf.certificate, lab.intermediate.certificate])
    assert "a certificate that is no authority (basic constraints) issued another one" in texts(verdict(below))[0]


def leaf_key(files):
    return load_pem_private_key(files.key_file.read_bytes(), None)


def test_a_critical_extension_that_nobody_knows(verdict, lab):
    strange = lab.issue("strange", extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)])
    assert "critical extension: a certificate demands something that is not understood here" in texts(verdict(strange))[0]


def test_a_server_that_is_not_always_the_same(verdict, lab):
    other = lab.issue("other-good")
    found = verdict(lab.self_signed, other)
    assert found.trusted
    assert found.presented.chain[0]["subject"] == "CN=localhost"
    (flaw,) = found.flaws
    assert (flaw.severity, flaw.path, flaw.actual) == ("warning", "chain", found.presented.chain[0]["fingerprint_sha256"])
    assert flaw.text.startswith("the server presented one certificate (")
    assert ": not all that answer at 127.0.0.1:" in flaw.text
    same_leaf = lab.store("bare", leaf_key(lab.good), lab.good.certificate)
    (found,) = verdict(same_leaf, lab.good).flaws
    assert found.text.startswith("the server presented one chain and then another: ")
    assert texts(verdict(lab.good, lab.self_signed))[0].startswith("self-signed certificate")


def test_a_third_handshake_that_fails_changes_nothing(serve, deadline, lab):
    server = serve(lambda sock, server: sock.recv(1), lab.expired.context)
    count = []

    @contextmanager
    def shake(address, settings):
        count.append(settings)
        if len(count) > 2:
            raise NetError("gone", phase="connect", kind="connect")
        with connect(address, server.port, deadline, phases={}) as connection:
            connection.start_tls(settings, "localhost")
            yield connection

    with shake("127.0.0.1", TlsSettings(verify=False)) as connection:
        presented = Presented.on(connection)
    found = ask(presented, shake, TlsSettings(ca_file=str(lab.ca_file)))
    assert (found.trusted, list(found.flaws), len(count)) == (False, [], 3)
    assert subjects(found.path) == ["CN=localhost", "Intermediate"]
    assert texts(found)[0].startswith("certificate expired 3.0 days ago")


def test_a_second_handshake_that_ends_in_another_way_is_no_verdict(lab, serve, deadline):
    @contextmanager
    def shake(address, settings):
        raise NetError("gone", phase="connect", kind="connect")
        yield

    with connect("127.0.0.1", serve(lambda s, _: s.recv(1), lab.good.context).port, deadline, phases={}) as connection:
        connection.start_tls(TlsSettings(verify=False), "localhost")
        presented = Presented.on(connection)
    with pytest.raises(NetError, match="gone"):
        ask(presented, shake, TlsSettings())


def test_dates_that_are_wrong_without_a_certificate_that_is_out_of_date_are_said(lab):
    """A clock between two looks, or a keychain with rules of its own."""
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message, error.chain = 10, "certificate has expired", []
    flaw = trust_flaw(error, [lab.good.certificate.public_bytes(Encoding.DER)])
    assert flaw.text == "the chain is not trusted: expired (sent: 'CN=localhost')"
    assert (flaw.path, flaw.expected, flaw.actual) == ("verified", "true", False)
