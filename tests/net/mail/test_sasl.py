from __future__ import annotations

from monitorpy.net.mail import sasl


def test_plain_is_preferred():
    assert sasl.choose(["login", "CRAM-MD5", "plain"]) == "PLAIN"
    assert sasl.choose(["CRAM-MD5", "LOGIN"]) == "LOGIN"
    assert sasl.choose(["CRAM-MD5", "GSSAPI"]) == "CRAM-MD5"
    assert sasl.choose(["GSSAPI"]) is None
    assert sasl.choose(["LOGIN"], ("PLAIN",)) is None


def test_plain():
    (step,) = sasl.steps("PLAIN", "alice", "grün")
    assert step(b"") == b"\0alice\0gr\xc3\xbcn"


def test_login():
    user, password = sasl.steps("LOGIN", "alice", "secret")
    assert (user(b"Username:"), password(b"Password:")) == (b"alice", b"secret")


def test_cram_md5_is_the_example_of_rfc_2195():
    (step,) = sasl.steps("CRAM-MD5", "tim", "tanstaaftanstaaf")
    assert step(b"<1896.697170952@postoffice.reston.mci.net>") == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_base64():
    assert sasl.encode(b"abc") == "YWJj"
    assert sasl.decode("YWJj") == b"abc"
    assert sasl.decode("no base64!") == b""
    assert sasl.decode("grün") == b""
