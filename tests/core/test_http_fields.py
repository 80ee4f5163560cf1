from __future__ import annotations

import pytest

from monitorpy.core import http_fields
from monitorpy.core.http_fields import (
    HeaderName,
    HeadersField,
    JsonSchemaField,
    MethodField,
    OAuth2Options,
    PhaseLimits,
    ProxyField,
    TextMatch,
    Texts,
    UrlField,
    carries_credentials,
    url_of,
)
from monitorpy.core.plugin_config import ConfigSection, parse_config
from monitorpy.errors import ConfigError


class Section(ConfigSection):
    url: UrlField | None = None
    method: MethodField | None = None
    name: HeaderName | None = None
    headers: HeadersField | None = None
    texts: Texts | None = None
    proxy: ProxyField | None = None
    json_schema: JsonSchemaField | None = None
    match: TextMatch | None = None
    limits: PhaseLimits | None = None
    oauth2: OAuth2Options | None = None


@pytest.mark.parametrize(
    "given, kept",
    [
        ({"url": "http://h"}, "http://h"),
        ({"url": "https://[::1]:8443/a?b=c#d"}, "https://[::1]:8443/a?b=c#d"),
        ({"url": "http://h/user@example.org"}, "http://h/user@example.org"),
        ({"url": "http://müller.example/"}, "http://müller.example/"),
        ({"method": "put"}, "PUT"),
        ({"method": "M-SEARCH"}, "M-SEARCH"),
        ({"name": "X-Served-By"}, "X-Served-By"),
        ({"headers": {"X": "ü", "Y": ""}}, {"X": "ü", "Y": ""}),
        ({"texts": "a"}, "a"),
        ({"texts": ["a", "b"]}, ["a", "b"]),
        ({"proxy": "http://p:3128/"}, "http://p:3128/"),
        ({"proxy": "socks5h://[::1]"}, "socks5h://[::1]"),
    ],
)
def test_what_is_accepted(given, kept):
    assert getattr(parse_config(Section, given), *given) == kept


@pytest.mark.parametrize(
    "given, text",
    [
        ({"url": "example.org"}, "must be a URL such as https://example.org/, not 'example.org'"),
        ({"url": "ftp://example.org"}, "must be a URL such as"),
        ({"url": "http://"}, "must be a URL such as"),
        ({"url": "http://h:0/"}, "must be a URL such as"),
        ({"url": "http://h:port/"}, "is not a URL: Port could not be cast"),
        ({"url": "http://h/a b"}, "without spaces and control characters"),
        ({"url": "http://h/\n"}, "without spaces and control characters"),
        ({"url": "http://user:hunter2@h/"}, "must not carry credentials: use auth_username and auth_password"),
        ({"url": "http://@h/"}, "must not carry credentials"),
        ({"method": "GE T"}, "must be an HTTP method such as GET or POST, not 'GE T'"),
        ({"method": "connect"}, "must be an HTTP method"),
        ({"name": "a:"}, "'a:' is not a header name"),
        ({"headers": {"a b": "c"}}, "'a b' is not a header name"),
        ({"headers": {"a": "b\r\nc: d"}}, "must not have line ends"),
        ({"headers": {"a": " b"}}, "nor spaces around it"),
        ({"headers": {"a": "€"}}, "characters that a header cannot carry"),
        ({"texts": []}, "must not be empty"),
        ({"texts": ""}, "must not be empty"),
        ({"proxy": "https://p"}, "must be a URL such as http://127.0.0.1:3128 or socks5h://127.0.0.1:1080, not 'https'"),
        ({"proxy": "socks4://p"}, "must be a URL such as http://127.0.0.1:3128 or socks5h://127.0.0.1:1080, not 'socks4'"),
        ({"proxy": "proxy"}, "not a text without a scheme"),
        ({"proxy": "http://"}, "must be a URL such as"),
        ({"proxy": "http://hunter2@p"}, "must have both a user name and a password before the @"),
        ({"proxy": "http://me:hunter2@"}, "must be a URL such as"),
        ({"proxy": "http://me:hunter2@hunter2@p"}, "must have both a user name and a password before the @"),
        ({"proxy": "http://p/path"}, "must have a host and a port only"),
        ({"json_schema": {}}, "json_schema: is not a JSON Schema: it asserts nothing"),
        ({"json_schema": 5}, "must be a JSON Schema (a mapping)"),
        ({"match": {"matches": "("}}, "is not a regular expression"),
        ({"limits": {}}, "must have one of dns, connect, tls, first_byte, transfer"),
        ({"limits": {"dns": 1, "tls": None}}, "has no limit for tls"),
        ({"limits": {"dnss": 1}}, "unknown key 'dnss'; did you mean 'dns'?"),
        ({"limits": {"dns": "x"}}, "must be a number"),
        ({"oauth2": {"token_url": "https://me:hunter2@t/"}}, "must not carry credentials: use client_id and client_secret"),
        ({"oauth2": {"token_url": "https://t/"}}, "missing required key 'client_id'"),
        ({"oauth2": {"token_url": "https://t/", "client_id": "i", "client_secret": 12}}, "must be text: quote it"),
    ],
)
def test_what_is_refused(given, text):
    with pytest.raises(ConfigError) as refused:
        parse_config(Section, given)
    assert text in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_sections():
    section = parse_config(Section, {"limits": {"tls": 1}, "match": {"matches": "a"}, "json_schema": {"type": "string"}})
    assert (section.limits.tls.judge(2), section.limits.dns) == ("error", None)
    assert section.match.matches.search("cab")
    assert Section.model_json_schema()["properties"]["json_schema"]["anyOf"][:2] == [{"type": "object"}, {"type": "string", "minLength": 1}]


def test_the_schemes_of_proxies_are_those_of_net():
    from monitorpy.net.proxy import PORTS

    assert set(http_fields.PROXIES) == set(PORTS)


@pytest.mark.parametrize(
    "schemes, example",
    [(("ws", "wss"), "wss://example.org/"), (("socks5",), "socks5://127.0.0.1:1080"), (("ftp",), "ftp://example.org/")],
)
def test_urls_of_other_schemes(schemes, example):
    check = url_of(*schemes, credentials="the keys of our own")
    assert check(example) == example
    with pytest.raises(ValueError, match=f"must be a URL such as {example}, not 'http://h/'"):
        check("http://h/")
    with pytest.raises(ValueError, match="use the keys of our own"):
        check(f"{schemes[0]}://user:hunter2@h")


@pytest.mark.parametrize("headers, told", [({"Accept": "x"}, False), ({"COOKIE": "x"}, True), (["authorization"], True), ((), False)])
def test_headers_that_tell_who_asks(headers, told):
    assert carries_credentials(headers) is told
