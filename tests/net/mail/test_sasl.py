from __future__ import annotations

import base64
import json

import pytest

from monitorpy.net.mail import sasl
from monitorpy.net.mail.sasl import PASSWORDS, TOKENS, Exchange, Login

ALICE = Login("alice", "grün")
BEARER = Login("a=b,c@lab.test", "t0ken", token=True)


def reason(told):
    return base64.b64encode(told if isinstance(told, bytes) else json.dumps(told).encode()).decode()


def first(mechanism, login):
    word, response = Exchange(mechanism, login).opening(1000).split(" ")
    assert word == mechanism
    return base64.b64decode(response)


@pytest.mark.parametrize(
    "offered, among, chosen",
    [
        (["login", "CRAM-MD5", "plain"], PASSWORDS, "PLAIN"),
        (["CRAM-MD5", "LOGIN"], PASSWORDS, "LOGIN"),
        (["CRAM-MD5", "GSSAPI"], PASSWORDS, "CRAM-MD5"),
        (["GSSAPI", "XOAUTH2"], PASSWORDS, None),
        (["PLAIN", "oauthbearer", "xoauth2"], TOKENS, "XOAUTH2"),
        (["PLAIN"], TOKENS, None),
    ],
)
def test_choice(offered, among, chosen):
    assert sasl.choose(offered, among) == chosen


def test_login():
    assert (ALICE.usable, ALICE.takes_commands) == (PASSWORDS, True)
    assert (BEARER.usable, BEARER.takes_commands) == (TOKENS, False)
    forced = Login("alice", "x", mechanism="LOGIN")
    assert (forced.usable, forced.takes_commands) == (("LOGIN",), False)
    assert "grün" not in repr(ALICE)


def test_first_responses():
    assert first("PLAIN", ALICE) == b"\0alice\0gr\xc3\xbcn"
    assert first("XOAUTH2", BEARER) == b"user=a=b,c@lab.test\1auth=Bearer t0ken\1\1"
    assert first("OAUTHBEARER", BEARER) == b"n,a=a=3Db=2Cc@lab.test,\1auth=Bearer t0ken\1\1"


def test_xoauth2_is_the_example_that_google_gives():
    given = "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    login = Login("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", token=True)
    assert Exchange("XOAUTH2", login).opening(1000) == f"XOAUTH2 {given}"


def test_a_long_first_response_waits_to_be_asked_for():
    exchange = Exchange("PLAIN", ALICE)
    assert exchange.opening(15) == "PLAIN"
    assert base64.b64decode(exchange.respond("")) == b"\0alice\0gr\xc3\xbcn"
    assert Exchange("PLAIN", ALICE).opening(16) == "PLAIN AGFsaWNlAGdyw7xu"


def test_login_has_two_steps():
    exchange = Exchange("LOGIN", Login("alice", "secret"))
    assert exchange.opening(1000) == "LOGIN"
    assert exchange.respond("VXNlcm5hbWU6") == sasl.encode(b"alice")
    assert exchange.respond("UGFzc3dvcmQ6") == sasl.encode(b"secret")
    assert exchange.respond("bW9yZQ==") is None
    assert exchange.verdict("235 ok", good=True) is None


def test_cram_md5_is_the_example_of_rfc_2195():
    exchange = Exchange("CRAM-MD5", Login("tim", "tanstaaftanstaaf"))
    challenge = sasl.encode(b"<1896.697170952@postoffice.reston.mci.net>")
    assert exchange.opening(1000) == "CRAM-MD5"
    assert exchange.respond(challenge) == sasl.encode(b"tim b913a602c7eda7a495b4e6e7334d3890")


def test_a_consent_before_the_secret_was_seen_is_none():
    assert Exchange("LOGIN", ALICE).verdict("235 ok", good=True) == "235 ok (before it saw the password)"
    assert Exchange("XOAUTH2", BEARER).verdict("OK", good=True) == "OK (before it saw the token)"
    assert Exchange("LOGIN", ALICE).verdict("535 no", good=False) == "535 no"


@pytest.mark.parametrize(
    "told, said",
    [
        ({"status": "401", "schemes": "bearer"}, "status '401'"),
        ({"status": 400}, "status 400"),
        ({"status": "x\n\x1b[31m" + "y" * 100}, "status 'x\\n\\x1b[31m" + "y" * 48),
        ({"status": ["401"]}, "no status"),
        (["401"], "no status"),
        (b"\xff", "none that can be read"),
        (b"[" * 100_000, "none that can be read"),
        (b"", "none that can be read"),
    ],
)
@pytest.mark.parametrize("mechanism, empty", [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")])
def test_the_reason_of_a_refused_token_is_told(mechanism, empty, told, said):
    exchange = Exchange(mechanism, BEARER)
    exchange.opening(1000)
    assert exchange.respond(reason(told)) == empty
    assert exchange.respond(reason(told)) is None  # once: an endless row of challenges is not answered
    assert exchange.verdict("535 no", good=False) == f"535 no (the server's reason: {said})"
    assert exchange.verdict("235 yes", good=True) is not None


def test_no_reason_where_there_is_no_token():
    exchange = Exchange("PLAIN", ALICE)
    exchange.opening(1000)
    assert exchange.respond(reason({"status": "401"})) is None


def test_forms_in_which_secrets_travel():
    assert Login("alice", "secret").travelling_forms() == {"AGFsaWNlAHNlY3JldA=="}
    forms = {base64.b64decode(form) for form in BEARER.travelling_forms()}
    assert forms == {b"user=a=b,c@lab.test\1auth=Bearer t0ken\1\1", b"n,a=a=3Db=2Cc@lab.test,\1auth=Bearer t0ken\1\1"}


def test_base64():
    assert sasl.encode(b"abc") == "YWJj"
    assert sasl.decode("YWJj") == b"abc"
    assert sasl.decode("no base64!") == b""
    assert sasl.decode("grün") == b""
