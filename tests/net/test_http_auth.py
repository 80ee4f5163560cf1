from __future__ import annotations

import hashlib
import re

import pytest

from monitorpy.errors import NetError
from monitorpy.net.http import fetch as net_fetch
from monitorpy.net.http_auth import DigestAuth


@pytest.fixture
def fetch(deadline):
    return lambda url, auth: net_fetch(url, auth=auth, deadline=deadline, phases={})


def guarded(reply, challenge, user="user", password="secret"):
    """A page that opens to a right digest of RFC 7616, 3.4.1, and to nothing else."""

    def page(head):
        sent = re.search(rb"\r\nAuthorization: Digest ([^\r]*)", head)
        if sent:
            given = {key: quoted or plain for key, quoted, plain in re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,]*))', sent[1].decode())}
            hashed = hashlib.sha256 if given.get("algorithm", "MD5").lower() == "sha-256" else hashlib.md5

            def hexed(*parts):
                return hashed(":".join(parts).encode()).hexdigest()

            one, two = hexed(user, given["realm"], password), hexed("GET", given["uri"])
            extra = (given["nc"], given["cnonce"], "auth") if "qop" in given else ()
            name = re.sub(r"\\(.)", r"\1", given["username"])
            if name == user and given["response"] == hexed(one, given["nonce"], *extra, two):
                return reply(200, b"welcome")
        return reply(401, b"who", f"WWW-Authenticate: {challenge}", reason="Unauthorized")

    return page


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r", nonce="n"',
        'Digest realm="r", nonce="n", qop="auth", algorithm=MD5',
        'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="o"',
    ],
)
@pytest.mark.parametrize("user", ["user", "jürgen", "日本", 'quo"te', "back\\slash"])
def test_it_opens_the_page(site, reply, fetch, challenge, user):
    server = site({"/": guarded(reply, challenge, user)})
    assert fetch(server.url, DigestAuth(user, "secret")).body == b"welcome"
    assert b"secret" not in b"".join(server.received)


def test_a_wrong_password_is_tried_once(site, reply, fetch):
    server = site({"/": guarded(reply, 'Digest realm="r", nonce="n", qop="auth"')})
    assert fetch(server.url, DigestAuth("user", "wrong")).status_code == 401
    assert len(server.received) == 2


def test_a_password_is_not_sent_where_basic_is_asked_for(site, reply, fetch):
    server = site({"/": guarded(reply, 'Basic realm="r"')})
    assert fetch(server.url, DigestAuth("user", "secret")).status_code == 401
    assert b"Authorization" not in b"".join(server.received)


@pytest.mark.parametrize(
    "challenge, text",
    [
        ('Digest nonce="n"', "it has no realm"),
        ('Digest realm="r"', "it has no nonce"),
        ('Digest realm="r", nonce="n", algorithm=SHA-3, qop="auth"', "it wants algorithm 'SHA-3', qop 'auth'"),
        ('Digest realm="r", nonce="n", qop="auth-int"', "it wants qop 'auth-int'"),
    ],
)
def test_challenges_that_cannot_be_answered(site, reply, fetch, challenge, text):
    with pytest.raises(NetError, match=f"the server's digest challenge cannot be answered: {text}") as caught:
        fetch(site({"/": guarded(reply, challenge)}).url, DigestAuth("user", "secret"))
    assert (caught.value.phase, caught.value.kind) == ("transfer", "protocol")
