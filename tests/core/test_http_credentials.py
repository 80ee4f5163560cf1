from __future__ import annotations

import pytest
from requests.auth import HTTPBasicAuth

from monitorpy.core.http_credentials import CredentialOptions, header_secrets
from monitorpy.core.plugin_config import parse_config, secret_values
from monitorpy.net.http_auth import DigestAuth

HTTP, HTTPS = "http://h/", "https://h/"
BASIC = {"auth_username": "user", "auth_password": "secret"}
OAUTH2 = {"token_url": "https://t/", "client_id": "me", "client_secret": "secret"}
PROXY = {"proxy": "http://p:3128", "proxy_username": "user", "proxy_password": "secret"}


def mistakes(config, url=HTTPS, headers=()):
    options, headers = parse_config(CredentialOptions, config), dict.fromkeys(headers, "x")
    return [*options.credential_mistakes(headers), *filter(None, [options.clear_text(url, headers)])]


@pytest.mark.parametrize(
    "config, url, headers",
    [
        ({}, HTTP, ["Accept"]),
        (BASIC, HTTPS, ["Cookie"]),
        ({**BASIC, "digest": True, "auth_username": "a:b"}, HTTP, []),
        ({"bearer": "t"}, HTTPS, []),
        ({"oauth2": OAUTH2}, HTTPS, []),
        ({**BASIC, "allow_plaintext_auth": True}, HTTP, []),
        ({"oauth2": {**OAUTH2, "token_url": "http://t/"}, "allow_plaintext_auth": True}, HTTP, []),
        ({"proxy": "http://p"}, HTTP, []),
        (PROXY, HTTP, []),
        ({"proxy": "http://user:secret@p:3128"}, HTTP, []),
        ({**PROXY, "proxy": "socks5://p", "proxy_username": "a:b" * 85, "allow_plaintext_auth": True}, HTTP, []),
        ({}, HTTPS, ["authorization"]),
    ],
)
def test_what_fits_together(config, url, headers):
    assert mistakes(config, url, headers) == []


@pytest.mark.parametrize(
    "config, url, headers, text",
    [
        ({"auth_username": "user"}, HTTPS, [], "auth_username and auth_password need each other"),
        ({"auth_password": "secret"}, HTTPS, [], "auth_username and auth_password need each other"),
        ({"proxy": "http://p", "proxy_username": "user"}, HTTPS, [], "proxy_username and proxy_password need each other"),
        ({"digest": True}, HTTPS, [], "digest needs auth_username and auth_password"),
        ({**BASIC, "auth_username": "a:b"}, HTTPS, [], "auth_username must not have a colon"),
        ({**BASIC, "bearer": "t"}, HTTPS, [], "auth_username, bearer, oauth2 and an Authorization header exclude one another"),
        ({"bearer": "t", "oauth2": OAUTH2}, HTTPS, [], "exclude one another"),
        ({"oauth2": OAUTH2}, HTTPS, ["AUTHORIZATION"], "exclude one another"),
        ({"bearer": "t\n"}, HTTPS, [], "bearer must be a token of printable ASCII characters"),
        ({}, HTTPS, ["Proxy-Authorization"], "a Proxy-Authorization header would reach the target"),
        ({"proxy_username": "user", "proxy_password": "secret"}, HTTPS, [], "proxy_username and proxy_password need a proxy"),
        ({**PROXY, "proxy_username": "a:b"}, HTTPS, [], "proxy_username must not have a colon"),
        ({**PROXY, "proxy": "socks5h://p", "proxy_password": "ü" * 128}, HTTPS, [], "SOCKS takes no more than 255 bytes"),
        (BASIC, HTTP, [], "credentials would be sent in clear text: use https, or set allow_plaintext_auth: true"),
        ({"bearer": "t"}, HTTP, [], "credentials would be sent in clear text"),
        ({"oauth2": OAUTH2}, HTTP, [], "credentials would be sent in clear text"),
        ({}, HTTP, ["Cookie"], "credentials would be sent in clear text"),
        ({"oauth2": {**OAUTH2, "token_url": "http://t/"}}, HTTPS, [], "oauth2.client_secret would be sent in clear text"),
        ({**PROXY, "proxy": "http://me:secret@p"}, HTTPS, [], "proxy_username and the user name in proxy exclude one another"),
        ({"proxy": "http://a%3Ab:secret@p"}, HTTPS, [], "proxy_username must not have a colon"),
    ],
)
def test_what_does_not(config, url, headers, text):
    told = mistakes(config, url, headers)
    assert text in told[0]
    assert "secret" not in told[0].replace("client_secret", "")


def test_for_the_net():
    empty = parse_config(CredentialOptions, {})
    assert (empty.authentication(), empty.client_credentials(), empty.proxy_server(), list(empty.encoded_secrets())) == (None,) * 3 + ([],)

    given = parse_config(CredentialOptions, {**BASIC, **PROXY, "oauth2": {**OAUTH2, "auth_style": "body", "scope": "read"}})
    assert given.authentication() == HTTPBasicAuth(b"user", b"secret")
    credentials = given.client_credentials()
    assert (credentials.token_url, credentials.client_secret, credentials.scope, credentials.in_body) == (
        "https://t/",
        "secret",
        "read",
        True,
    )
    assert given.proxy_server().headers == {"Proxy-Authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert list(given.encoded_secrets()) == ["secret", "dXNlcjpzZWNyZXQ=", "dXNlcjpzZWNyZXQ=", "bWU6c2VjcmV0"]
    assert set(secret_values(given)) == {"secret"}

    digest = parse_config(CredentialOptions, {**BASIC, "digest": True, "proxy": "socks5h://p"})
    assert isinstance(digest.authentication(), DigestAuth)
    assert (digest.proxy_server().port, digest.proxy_server().username) == (1080, None)


def test_a_proxy_with_its_account_in_the_url():
    given = parse_config(CredentialOptions, {"proxy": "socks5h://me:se%40cret@[::1]:1081"})
    proxy = given.proxy_server()
    assert (proxy.scheme, proxy.host, proxy.port, proxy.username, proxy.password) == ("socks5h", "::1", 1081, "me", "se@cret")
    assert "se@cret" in set(given.encoded_secrets())


@pytest.mark.parametrize(
    "headers, secrets",
    [
        ({"Authorization": "Bearer abcd-1234"}, ["abcd-1234"]),
        ({"authorization": "abcd-1234"}, ["abcd-1234"]),
        ({"X-API-Key": "abcd-1234", "Accept": "application/json"}, ["abcd-1234"]),
        ({"Cookie": "lang=en; session=abcd=1234; id=12345678"}, ["abcd=1234", "12345678"]),
        ({"X-Token-Type": "short"}, []),
    ],
)
def test_tokens_in_headers(headers, secrets):
    assert list(header_secrets(headers)) == secrets
