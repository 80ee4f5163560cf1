from __future__ import annotations

import pytest
from pydantic import BaseModel

from monitorpy.core.mail_options import AccountOptions, ConfirmOptions, MailAddress
from monitorpy.core.plugin_config import parse_config
from monitorpy.errors import ConfigError
from monitorpy.net.mail.sasl import Login
from monitorpy.net.tls import TlsSettings


def account(**config):
    return parse_config(AccountOptions, config)


def problems(**config):
    return list(account(**config).account_problems(set(config)))


class One(BaseModel):
    address: MailAddress


@pytest.mark.parametrize(
    "given, travels",
    [
        ("monitor@example.org", "monitor@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("Postmaster", "Postmaster"),
        ('"a@b"@[192.0.2.1]', '"a@b"@[192.0.2.1]'),
    ],
)
def test_addresses(given, travels):
    assert One(address=given).address == travels


@pytest.mark.parametrize(
    "given, message",
    [
        ("monitor", "must be one bare address"),
        ("@example.org", "must be one bare address"),
        ("a@", "must be one bare address"),
        ("a@b.test,c@d.test", "must be one bare address"),
        ("Al <a@b.test>", "must be one bare address"),
        ("grün@b.test", "SMTPUTF8 is not supported"),
        ("a@" + "ü" * 80, "must have a valid domain"),
        ("a@b\r\nDATA", "must not hold line breaks"),
    ],
)
def test_addresses_refused(given, message):
    with pytest.raises(ValueError, match=message):
        One(address=given)


@pytest.mark.parametrize("config, mode", [({}, "plain"), ({"use_tls": True}, "starttls"), ({"use_ssl": True}, "tls")])
def test_login(config, mode):
    given = account(username="a", password="b", auth_mechanism="LOGIN", **config)
    assert given.tls_mode == mode
    assert given.login == Login("a", "b", mechanism="LOGIN")
    assert account(username="a", access_token="b").login == Login("a", "b", token=True)
    assert account(username="a").login is None
    assert account(password="a").login is None


@pytest.mark.parametrize(
    "config, exposed",
    [
        ({}, True),
        ({"use_tls": True}, False),
        ({"use_ssl": True}, False),
        ({"allow_plaintext_auth": True}, False),
        ({"auth_mechanism": "CRAM-MD5"}, False),
        ({"auth_mechanism": "PLAIN"}, True),
    ],
)
def test_what_travels_in_clear_text(config, exposed):
    assert account(username="a", password="b", **config).exposes_login is exposed
    assert account(**config).exposes_login is False


@pytest.mark.parametrize(
    "config, told",
    [
        ({"username": "a", "password": "b"}, []),
        ({"use_tls": True, "server_name": "x"}, []),
        ({"use_ssl": True, "use_tls": True}, ["use_ssl (TLS from the first byte) and use_tls (STARTTLS) exclude one another"]),
        ({"server_name": "x"}, ["server_name without use_ssl or use_tls would not be looked at"]),
        ({"username": "a"}, ["username and password (or access_token) belong together"]),
        ({"access_token": "a"}, ["username and password (or access_token) belong together"]),
        ({"username": "a", "password": "b", "access_token": "c"}, ["password and access_token exclude one another"]),
        ({"auth_mechanism": "PLAIN"}, ["auth_mechanism without username would not be looked at"]),
        ({"username": "a", "password": "b", "auth_mechanism": "OAUTHBEARER"}, ["OAUTHBEARER needs access_token, not password"]),
        ({"username": "a", "access_token": "b", "auth_mechanism": "CRAM-MD5"}, ["CRAM-MD5 needs password, not access_token"]),
    ],
)
def test_problems(config, told):
    assert problems(**config) == told


@pytest.mark.parametrize("secret", [{"password": "geheim\nQUIT"}, {"access_token": "geheim geheim"}, {"access_token": "geheim\1"}])
def test_a_refused_secret_is_not_shown(secret):
    with pytest.raises(ConfigError) as refused:
        account(username="a", **secret)
    assert "geheim" not in str(refused.value)


def test_where_to_look():
    login = {"hostname": "imap.test", "username": "a", "password": "b"}
    plain = parse_config(ConfirmOptions, login).place
    assert (plain.host, plain.port, plain.tls, plain.server_name, plain.name) == ("imap.test", 143, None, "imap.test", "INBOX")
    more = {"use_ssl": True, "server_name": "x.test", "mailbox": "Probes", "delete": True, "ca_file": "ca.pem"}
    safe = parse_config(ConfirmOptions, {**login, **more}).place
    assert (safe.port, safe.tls, safe.starttls) == (993, TlsSettings(ca_file="ca.pem"), False)
    assert (safe.server_name, safe.name, safe.delete, safe.login) == ("x.test", "Probes", True, Login("a", "b"))
    assert parse_config(ConfirmOptions, {**login, "use_tls": True, "port": 1143}).place.port == 1143


@pytest.mark.parametrize(
    "config, message",
    [
        ({}, "needs username, and password or access_token"),
        ({"client_cert": "c.pem", "username": "a"}, "client_cert without use_ssl or use_tls would not be looked at; username and password"),
        ({"timeout": 5}, "unknown key 'timeout'"),
    ],
)
def test_where_to_look_refused(config, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(ConfirmOptions, {"hostname": "imap.test", **config})
