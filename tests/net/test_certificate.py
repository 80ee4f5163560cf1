from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from monitorpy.net.certificate import describe, issued, issuer_url


def der(issued):
    return issued[0].public_bytes(Encoding.DER)


def test_the_facts(authority):
    names = ("localhost", "127.0.0.1", "::1")
    issued = authority.issue("www.example.org", names=names, begins=-10, ends=12.5)
    facts = describe(der(issued))
    assert list(facts) == [
        "subject", "issuer", "sans", "serial_number", "not_before", "not_after", "days_remaining", "lifetime_days",
        "fingerprint_sha256", "key_type", "key_bits", "signature_algorithm",
    ]  # fmt: skip
    assert (facts["subject"], facts["issuer"]) == ("CN=www.example.org", "CN=Test CA")
    assert facts["sans"] == list(names)
    assert 12.4 < facts["days_remaining"] < 12.5
    assert facts["lifetime_days"] == 22.5
    assert facts["not_after"].endswith("+00:00")
    assert facts["not_after"] == issued[0].not_valid_after_utc.isoformat()
    assert int(facts["serial_number"], 16) == issued[0].serial_number
    assert len(facts["fingerprint_sha256"]) == 64
    assert (facts["key_type"], facts["key_bits"], facts["signature_algorithm"]) == ("EC", 256, "ecdsa-with-SHA256")


def test_days_remaining_are_negative_once_expired(authority):
    assert -3.1 < describe(der(authority.issue(ends=-3)))["days_remaining"] < -3


@pytest.mark.parametrize(
    "key, expected",
    [
        (rsa.generate_private_key(65537, 2048), ("RSA", 2048)),
        (ec.generate_private_key(ec.SECP384R1()), ("EC", 384)),
        (ed25519.Ed25519PrivateKey.generate(), ("Ed25519", None)),
    ],
)
def test_keys(authority, key, expected):
    facts = describe(der(authority.issue(key=key)))
    assert (facts["key_type"], facts["key_bits"]) == expected


def test_no_names(authority):
    assert describe(der(authority.issue(names=())))["sans"] == []


# OIDs in DER; the last byte of each is changed to one that nobody knows
EC_KEY, SECP256R1, ECDSA_SHA256 = (
    b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
)


@pytest.mark.parametrize("known", [EC_KEY, SECP256R1])
def test_a_key_of_an_unknown_type_is_no_crash(authority, known):
    facts = describe(der(authority.issue()).replace(known, known[:-1] + b"\x7f"))
    assert (facts["key_type"], facts["key_bits"]) == ("unknown", None)


def test_a_signature_of_an_unknown_type_is_shown_by_its_number(authority):
    facts = describe(der(authority.issue()).replace(ECDSA_SHA256, ECDSA_SHA256[:-1] + b"\x7f"))
    assert facts["signature_algorithm"] == "1.2.840.10045.4.3.127"


def test_names_that_do_not_parse(authority):
    changed = der(authority.issue()).replace(b"\x82\x09localhost", b"\x9f\x09localhost")
    assert describe(changed)["sans"] == []


def extended(*extensions, key=None, subject="leaf", issuer="leaf", by=None):
    """A certificate (DER) with these extensions, by its own key or by another one."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (issuer, subject)]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(*names, key.public_key(), 1, now, now + timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(by or key, SHA256()).public_bytes(Encoding.DER)


def test_names_of_every_kind():
    kinds = [
        x509.DNSName("a.test"),
        x509.DNSName("127.0.0.1"),
        x509.IPAddress(ip_address("::1")),
        x509.RFC822Name("b.test"),
        x509.UniformResourceIdentifier("c.test"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
    ]
    sans = describe(extended(x509.SubjectAlternativeName(kinds)))["sans"]
    assert sans == ["a.test", "DNS:127.0.0.1", "::1", "email:b.test", "URI:c.test"]


def test_names_may_be_shown():
    sans = describe(extended(x509.SubjectAlternativeName([x509.DNSName("a\x1b[31m\n.test")])))["sans"]
    assert sans == ["a\\x1b[31m\\n.test"]


def test_who_issued_it():
    key, other = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    authority = extended(key=key, subject="ca", issuer="ca")
    leaf = extended(issuer="ca", by=key)
    assert issued(leaf, authority)
    assert issued(authority, authority)
    assert not issued(authority, leaf)
    assert not issued(leaf, extended(subject="ca", issuer="ca"))  # another key
    assert not issued(leaf, extended(subject="other", issuer="other", key=key))  # another name
    assert not issued(leaf, extended(subject="ca", issuer="ca", key=other))  # a key of another kind


def test_where_a_signature_is_unknown_names_decide(authority):
    strange = der(authority.issue()).replace(ECDSA_SHA256, ECDSA_SHA256[:-1] + b"\x7f")
    assert issued(strange, authority.certificate.public_bytes(Encoding.DER))
    authority_with_a_strange_key = authority.certificate.public_bytes(Encoding.DER).replace(EC_KEY, EC_KEY[:-1] + b"\x7f")
    assert issued(der(authority.issue()), authority_with_a_strange_key)
    mixed = der(authority.issue()).replace(ECDSA_SHA256, ECDSA_SHA256[:-1] + b"\x7f", 1)  # within, and not without
    assert not issued(mixed, authority.certificate.public_bytes(Encoding.DER))


def test_the_issuer_url_is_that_of_the_authority_information_access():
    places = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in ((AuthorityInformationAccessOID.OCSP, "http://ocsp"), (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca"))
    ]
    assert issuer_url(extended()) is None
    assert issuer_url(extended(x509.AuthorityInformationAccess(places[:1]))) is None
    assert issuer_url(extended(x509.AuthorityInformationAccess(places))) == "http://ca"
    assert issuer_url(b"junk") is None
    for url in ("http://ca/\x1b[2J", "http://" + "x" * 500):
        place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))
        assert issuer_url(extended(x509.AuthorityInformationAccess([place]))) is None


def test_what_is_no_certificate():
    with pytest.raises(ValueError):  # noqa: PT011 - cryptography's text
        describe(b"junk")


def test_what_describe_returns_may_be_changed(authority):
    issued = authority.issue()
    describe(der(issued))["sans"].clear()
    assert describe(der(issued))["sans"]


def test_a_certificate_that_cryptography_reads(authority):
    assert x509.load_der_x509_certificate(der(authority.issue()))
