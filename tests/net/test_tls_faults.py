from __future__ import annotations

import ssl

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from monitorpy.net.tls_faults import tls_error, verify_text


def tls(reason):
    error = ssl.SSLError(1, f"[SSL: {reason}] some words (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    "error, text, kind, fault",
    [
        (tls("WRONG_VERSION_NUMBER"), "db:1 does not speak TLS here (its answer is no TLS record)", "tls", "target"),
        (tls("NO_CIPHERS_AVAILABLE"), "no cipher is left to offer to db:1", "tls", "environment"),
        (tls("BRAND_NEW_REASON"), "TLS error from db:1: brand new reason", "tls", "target"),
        (ssl.SSLError("bare"), "TLS error from db:1: ('bare',)", "tls", "target"),
        (ssl.SSLEOFError(8, "EOF"), "db:1 closed the connection during the TLS handshake", "reset", "target"),
    ],
)
def test_reasons(error, text, kind, fault):
    found = tls_error(error, "tls", "db:1")
    assert (str(found), found.phase, found.kind, found.fault) == (text, "tls", kind, fault)


def test_an_end_after_the_handshake():
    assert str(tls_error(ssl.SSLZeroReturnError(6, "closed"), "transfer", "db:1")) == "db:1 closed the connection"


def unverified(code, message, chain=None):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    if chain is not None:
        error.chain = chain
    return error


@pytest.fixture
def chain(authority):
    return lambda **what: [certificate.public_bytes(Encoding.DER) for certificate in (authority.issue(**what)[0], authority.certificate)]


def test_expired_by_how_much(chain):
    text = verify_text(unverified(10, "certificate has expired", chain(ends=-3.0)))
    assert text.startswith("expired 3.0 days ago (20")
    assert text.endswith(" UTC)")
    assert verify_text(unverified(10, "certificate has expired", chain(ends=-1 / 48))).startswith("expired 30 minutes ago (")


def test_expired_without_the_certificate_at_hand():
    assert verify_text(unverified(10, "certificate has expired")) == "expired"
    assert verify_text(unverified(10, "certificate has expired", [b"junk"])) == "expired"


def test_the_certificate_out_of_date_is_the_one_that_is_dated(chain):
    good, _ = chain()
    bad, _ = chain(ends=-5.0)
    text = verify_text(unverified(10, "certificate has expired", [good, bad]))
    assert text.startswith("intermediate certificate 'CN=localhost' expired 5.0 days ago")


def test_the_certificate_out_of_date_may_be_one_of_ours(chain):
    hint = "(a certificate that was not sent, but is trusted here)"
    assert verify_text(unverified(10, "certificate has expired", chain())) == f"expired {hint}"
    assert verify_text(unverified(9, "certificate is not yet valid", chain())) == f"not yet valid {hint}"


def test_not_yet_valid(chain):
    assert verify_text(unverified(9, "x", chain(begins=2.0))).startswith("not yet valid, begins in 2.0 days (")
    assert verify_text(unverified(9, "x")) == "not yet valid"


def test_unknown_issuer(chain):
    hint = "(not trusted, or an intermediate certificate is missing)"
    assert verify_text(unverified(20, "x", chain())) == f"unknown issuer 'CN=Test CA' {hint}"
    assert verify_text(unverified(20, "x")) == f"unknown issuer {hint}"


def test_wrong_host(chain):
    message = "Hostname mismatch, certificate is not valid for 'other.test'."
    assert verify_text(unverified(62, message, chain())) == "wrong host: not valid for 'other.test' (it is for localhost, 127.0.0.1)"
    assert verify_text(unverified(62, message)) == "wrong host: not valid for 'other.test'"


def test_others():
    assert verify_text(unverified(18, "self-signed certificate")) == "self-signed certificate"
    assert verify_text(unverified(26, "unsuitable certificate purpose")).startswith("unsuitable purpose: ")
    assert verify_text(unverified(51, "unsupported name constraint type")) == "unsupported name constraint type"
    assert "certificate verify failed" in str(tls_error(unverified(0, ""), "tls", "db:1"))
