from __future__ import annotations

import pytest

from monitorpy.core.http_fields import HeaderName, HeadersField, MethodField, Texts, UrlField, carries_credentials, url_of
from monitorpy.core.plugin_config import ConfigSection, parse_config
from monitorpy.errors import ConfigError


class Section(ConfigSection):
    url: UrlField | None = None
    method: MethodField | None = None
    name: HeaderName | None = None
    headers: HeadersField | None = None
    texts: Texts | None = None


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
        ({"url": "http://user:secret@h/"}, "must not carry credentials: use auth_username and auth_password"),
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
    ],
)
def test_what_is_refused(given, text):
    with pytest.raises(ConfigError) as refused:
        parse_config(Section, given)
    assert text in str(refused.value)
    assert "secret" not in str(refused.value)


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
        check(f"{schemes[0]}://user:secret@h")


@pytest.mark.parametrize("headers, told", [({"Accept": "x"}, False), ({"COOKIE": "x"}, True), (["authorization"], True), ((), False)])
def test_headers_that_tell_who_asks(headers, told):
    assert carries_credentials(headers) is told
