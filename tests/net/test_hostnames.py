from __future__ import annotations

import ssl
from contextlib import nullcontext, suppress

import pytest

from monitorpy.net.hostnames import address, common_name, covers

CASES = [
    (["a.test"], "a.test", True),
    (["A.Test"], "a.tesT", True),
    (["a.test"], "b.test", False),
    (["a.test"], "x.a.test", False),
    (["x.test", "a.test"], "a.test", True),
    (["*.a.test"], "x.a.test", True),
    (["*.A.test"], "X.a.test", True),
    (["*.a.test"], "xn--bcher-kva.a.test", True),
    (["*.a.test"], "a.test", False),
    (["*.a.test"], "x.y.a.test", False),
    (["*.test"], "a.test", False),
    (["*"], "test", False),
    (["x*.a.test"], "xy.a.test", False),
    (["x.*.test"], "x.a.test", False),
    (["a.test."], "a.test", False),
    (["xn--bcher-kva.test"], "xn--bcher-kva.test", True),
    (["127.0.0.1"], "127.0.0.1", True),
    (["127.0.0.1"], "127.0.0.2", False),
    (["::1"], "0:0:0:0:0:0:0:1", True),
    (["::1"], "::2", False),
    (["a.test"], "127.0.0.1", False),
    (["*.0.0.1"], "127.0.0.1", False),
    ([], "a.test", False),
    ([], "localhost", False),
]


@pytest.mark.parametrize("sans, host, covered", CASES)
def test_names_cover_hosts(sans, host, covered):
    assert covers(sans, host) is covered


@pytest.mark.parametrize("sans, host, covered", CASES)
def test_openssl_thinks_so_too(authority, sans, host, covered):
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.ca_file)
    context.hostname_checks_common_name = False
    client = context.wrap_bio(to_client, to_server, server_hostname=host)
    server = authority.context(names=sans).wrap_bio(to_server, to_client, server_side=True)
    with nullcontext() if covered else pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname mismatch|IP address mismatch"):
        for side in (client, server, client):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        assert client.getpeercert()


@pytest.mark.parametrize(
    "sans, host, covered",
    [
        (["a.test"], "a.test.", True),  # the root dot is ours, not the certificate's
        (["*.a.test"], ".a.test", False),
        (["xn--bcher-kva.test"], "bücher.test", True),
        (["a.test"], "ü" * 80 + ".test", False),
        (["DNS:127.0.0.1"], "127.0.0.1", False),
        (["email:a.test", "URI:a.test"], "a.test", False),
    ],
)
def test_names_as_we_write_them(sans, host, covered):
    assert covers(sans, host) is covered


def test_addresses():
    assert str(address("::1")) == "::1"
    assert address("1.2.3") is None


@pytest.mark.parametrize(
    "subject, name",
    [
        ("CN=a.test", "a.test"),
        ("O=Lab,CN=a.test,C=DE", "a.test"),
        ("O=x\\,CN=no", None),
        ("OU=CN,O=x", None),
        ("O=x+CN=a.test", "a.test"),
        ("CN=a\\,b+O=x", "a\\,b"),
        ("", None),
    ],
)
def test_common_names(subject, name):
    assert common_name(subject) == name
