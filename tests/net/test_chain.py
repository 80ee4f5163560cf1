from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from monitorpy.net import chain as judge
from monitorpy.net.chain import covers, days, host_flaw, issuer_url, place, stamp, strength_flaws, trust_flaw, validity_flaws

FAR = 1000


def certificate(subject="CN=leaf", issuer="CN=ca", begins=-10, ends=FAR, **more):
    now = datetime.now(UTC)
    return {
        "subject": subject,
        "issuer": issuer,
        "sans": ["leaf.test"],
        "not_before": (now + timedelta(days=begins)).isoformat(timespec="seconds"),
        "not_after": (now + timedelta(days=ends)).isoformat(timespec="seconds"),
        "days_remaining": float(ends),
        "key_type": "EC",
        "key_bits": 256,
        "signature_algorithm": "ecdsa-with-SHA256",
    } | more


@pytest.mark.parametrize(
    "sans, host, covered",
    [
        (["a.test"], "a.test", True),
        (["A.Test."], "a.tesT", True),
        (["a.test"], "a.test.", True),
        (["*.a.test"], "x.a.test", True),
        (["*.a.test"], "a.test", False),
        (["*.a.test"], "x.y.a.test", False),
        (["*.a.test"], ".a.test", False),
        (["*.test"], "a.test", False),
        (["*"], "test", False),
        (["x*.a.test"], "xy.a.test", False),
        (["xn--bcher-kva.test"], "bücher.test", True),
        (["a.test"], "ü" * 80 + ".test", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["*.0.0.1"], "127.0.0.1", False),
        (["::1"], "0:0:0:0:0:0:0:1", True),
        (["a.test"], "127.0.0.1", False),
        ([], "a.test", False),
    ],
)
def test_names_cover_hosts(sans, host, covered):
    assert covers(sans, host) is covered


def test_a_certificate_without_names_is_for_no_host():
    assert host_flaw(certificate(), "leaf.test") is None
    assert host_flaw(certificate(sans=[]), "a.test").text == "wrong host: the certificate names no host, so not a.test"
    assert host_flaw(certificate(), "a.test").text == "wrong host: the certificate is not for a.test but for leaf.test"


def test_validity_of_every_certificate():
    found = list(validity_flaws([certificate(), certificate(ends=-2), certificate(begins=0.5), certificate(ends=-0.01)]))
    assert [f.path for f in found] == ["chain[1].days_remaining", "chain[2].not_before", "chain[3].days_remaining"]
    assert "(number 2 of 4 sent) expired 2.0 days ago (" in found[0].text
    assert "is not valid yet: it begins in 12.0 hours (" in found[1].text
    assert "expired 14 minutes ago" in found[2].text


@pytest.mark.parametrize(
    "more, weak",
    [
        ({}, None),
        ({"key_type": "RSA", "key_bits": 2048, "signature_algorithm": "sha256WithRSAEncryption"}, None),
        ({"key_type": "RSA", "key_bits": 2047}, "key_bits"),
        ({"key_type": "EC", "key_bits": 192}, "key_bits"),
        ({"key_type": "DSA", "key_bits": 1024}, "key_bits"),
        ({"key_type": "Ed25519", "key_bits": None, "signature_algorithm": "ed25519"}, None),
        ({"key_type": "unknown", "key_bits": 1}, None),
        ({"signature_algorithm": "sha1WithRSAEncryption"}, "signature_algorithm"),
        ({"signature_algorithm": "md5WithRSAEncryption"}, "signature_algorithm"),
        ({"signature_algorithm": "ecdsa-with-SHA1"}, "signature_algorithm"),
        ({"signature_algorithm": "dsa-with-sha1"}, "signature_algorithm"),
        ({"signature_algorithm": "sha-1WithRSA"}, "signature_algorithm"),
        ({"signature_algorithm": "RSASSA-PSS"}, None),
        ({"signature_algorithm": "sha384WithRSAEncryption"}, None),
    ],
)
def test_strength(more, weak):
    found = [f.path for f in strength_flaws([certificate(), certificate(**more)])]
    assert found == ([f"chain[1].{weak}"] if weak else [])


def test_the_signature_of_a_root_does_not_count_but_that_of_a_self_signed_leaf_does():
    root = certificate("CN=r", "CN=r", signature_algorithm="sha1WithRSAEncryption")
    assert list(strength_flaws([certificate(), root])) == []
    assert [f.text for f in strength_flaws([root])] == ["certificate has a weak signature: sha1WithRSAEncryption"]


def refusal(code, message="what OpenSSL says"):
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message, error.chain = code, message, []
    return error


CHAIN = [certificate("CN=leaf", "CN=a"), certificate("CN=b", "CN=root"), certificate("CN=a", "CN=b")]


@pytest.mark.parametrize(
    "code, chain, urls, said",
    [
        (18, CHAIN, [None] * 3, "self-signed certificate 'CN=leaf'"),
        (19, CHAIN, [None] * 3, "the chain ends in 'CN=root'"),
        (20, CHAIN, [None] * 3, "unknown issuer 'CN=root': neither trusted here nor sent"),
        (
            21,
            [CHAIN[0]],
            ["http://a"],
            "an intermediate certificate is missing: the server did not send that of 'CN=a' (it is at http://a)",
        ),
        (20, CHAIN, ["http://a", "http://root", "http://b"], "did not send that of 'CN=root' (it is at http://root)"),
        (2, [certificate("CN=x", "CN=x")], [None], "unknown issuer 'CN=x'"),
        (7, CHAIN, [None] * 3, "wrong signature"),
        (26, CHAIN, [None] * 3, "the chain is not trusted: what OpenSSL says"),
        (10, CHAIN, [None] * 3, "the chain is not trusted: expired"),
    ],
)
def test_distrust(code, chain, urls, said):
    flaw = trust_flaw(refusal(code), chain, urls)
    assert said in flaw.text
    assert (flaw.path, flaw.expected, flaw.actual) == ("verified", "true", False)


def test_dates_that_are_said_already_are_not_said_twice():
    assert trust_flaw(refusal(10), [certificate(ends=-1)], [None]) is None
    assert trust_flaw(refusal(9), [certificate(begins=1)], [None]) is None
    assert trust_flaw(refusal(20), [certificate(ends=-1)], [None]) is not None


def test_the_issuer_url_is_that_of_the_authority_information_access():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
    now = datetime.now(UTC)
    plain = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    places = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in ((AuthorityInformationAccessOID.OCSP, "http://ocsp"), (AuthorityInformationAccessOID.CA_ISSUERS, "http://ca"))
    ]

    def url(builder):
        return issuer_url(builder.sign(key, SHA256()).public_bytes(Encoding.DER))

    assert url(plain) is None
    assert url(plain.add_extension(x509.AuthorityInformationAccess(places[:1]), critical=False)) is None
    assert url(plain.add_extension(x509.AuthorityInformationAccess(places), critical=False)) == "http://ca"
    assert issuer_url(b"junk") is None


def test_words():
    assert [days(v) for v in (12.34, 1, 0.5, 0.02)] == ["12.3 days", "1.0 days", "12.0 hours", "29 minutes"]
    assert [days(v, unlike=30) for v in (29.9, 29.99)] == ["29.9 days", "29.99 days"]
    assert days(29.99999, unlike=30) == "29.999990 days"
    assert stamp("2026-12-05T12:00:00+02:00") == "2026-12-05 10:00 UTC"
    assert (place(0, "days_remaining"), place(0, "key_bits"), place(2, "not_before")) == (
        "days_remaining",
        "chain[0].key_bits",
        "chain[2].not_before",
    )
    assert judge.name(CHAIN, 0) == "certificate"
