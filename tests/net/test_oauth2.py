from __future__ import annotations

import json
from time import monotonic
from urllib.parse import parse_qs

import pytest

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.http import HttpOptions
from monitorpy.net.oauth2 import ClientCredentials
from monitorpy.utils.masking import Masker, active_masker


@pytest.fixture
def ask(deadline):
    """The token that a server gives."""

    def fetch(url, deadline=deadline, **more):
        credentials = ClientCredentials(**{"token_url": url, "client_id": "me", "client_secret": "open sesame", **more})
        return credentials.fetch_token(deadline, HttpOptions())

    return fetch


@pytest.fixture
def answering(site, reply):
    """A token server with one answer."""

    def start(answer, status=200, *headers):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return site({"/": reply(status, body, *(headers or ("Content-Type: application/json",)), reason="Said")})

    return start


TOKEN = {"access_token": "t0ken", "token_type": "bearer", "expires_in": 60}


def test_a_token(answering, ask):
    server = answering(TOKEN)
    token, exchange = ask(server.url, scope="read write", audience="https://api.test/")
    assert (token, exchange.status_code) == ("t0ken", 200)
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert b"Authorization: Basic bWU6b3BlbitzZXNhbWU=" in head
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "scope": ["read write"], "audience": ["https://api.test/"]}


def test_credentials_in_the_body(answering, ask):
    server = answering({"access_token": "t0ken"})
    assert ask(server.url, in_body=True)[0] == "t0ken"
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert b"Authorization" not in head
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "client_id": ["me"], "client_secret": ["open sesame"]}


def test_what_travels_as_basic_authentication_is_encoded_before():
    credentials = ClientCredentials("https://x/", "a:b", "ü %")
    assert credentials.authorization == "Basic YSUzQWI6JUMzJUJDKyUyNQ=="
    assert "ü" not in repr(credentials)


@pytest.mark.parametrize(
    "answer, status, text",
    [
        ({"error": "invalid_client", "error_description": 'no "such"\nclient'}, 401, r'401 Said: "invalid_client" ("no \"such\"\nclient")'),
        ({"error": "invalid_scope"}, 400, '400 Said: "invalid_scope"'),
        ({"error": {"code": 1}}, 400, "400 Said"),
        (b"<html>", 503, "503 Said"),
        (TOKEN, 201, "201 Said"),
        (TOKEN, 302, "302 Said"),
        (b"<html>", 200, "the answer is no JSON object"),
        ([], 200, "the answer is no JSON object"),
        ({**TOKEN, "more": "x" * 70_000}, 200, "the answer is no JSON object"),
        ({}, 200, "the answer has no access_token that could be sent"),
        ({"error": "slow_down"}, 200, 'the answer has no access_token that could be sent: "slow_down"'),
        ({"access_token": 5}, 200, "the answer has no access_token that could be sent"),
        ({"access_token": "a b\r\nX: y"}, 200, "the answer has no access_token that could be sent"),
        ({"access_token": "t", "token_type": "mac"}, 200, 'the token is of type "mac", not Bearer'),
        ({"access_token": "t", "token_type": None}, 200, 'the token is of type "None", not Bearer'),
    ],
)
def test_no_token(answering, ask, answer, status, text):
    server = answering(answer, status, "Content-Type: application/json", "Location: /elsewhere")
    with pytest.raises(NetError) as caught:
        ask(server.url)
    assert str(caught.value) == f"the token request to {server.url} failed: {text}"
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("transfer", "protocol", "target")
    assert len(server.received) == 1


def test_an_echoed_secret_is_masked(answering, ask):
    server = answering({"error": "open sesame is wrong"}, 400)
    token = active_masker.set(Masker({"open sesame"}))
    try:
        with pytest.raises(NetError, match=r'"\*\*\* is wrong"'):
            ask(server.url)
    finally:
        active_masker.reset(token)


def test_nobody_there(closed_port, ask):
    with pytest.raises(NetError, match=rf"the token request to http://127.0.0.1:{closed_port} failed: 127\S+ refused") as caught:
        ask(f"http://127.0.0.1:{closed_port}")
    assert (caught.value.phase, caught.value.kind) == ("connect", "connect")


def test_a_token_server_that_trickles(serve, ask, ms):
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not server.stopped.wait(0.02):
            connection.sendall(b" ")

    started = monotonic()
    with pytest.raises(NetError, match=r"the token request to \S+ failed: no complete answer from") as caught:
        ask(serve(talk).url, deadline=Deadline(200 * ms))
    assert caught.value.kind == "timeout"
    assert monotonic() - started < 200 * ms + 1
