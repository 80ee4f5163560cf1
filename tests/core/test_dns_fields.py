from __future__ import annotations

from typing import Any

import pytest

from monitorpy.core.dns_fields import DohPathField, NameField, NameServerField, RcodeField, RecordTypeField, TrustAnchorField
from monitorpy.core.plugin_config import PluginConfig, parse_config
from monitorpy.errors import ConfigError

DS = "example.org. DS 1 13 2 " + "00" * 32


class Sample(PluginConfig):
    name: NameField = "example.org"
    record_type: RecordTypeField = "A"
    server: NameServerField = "192.0.2.1"
    path: DohPathField = "/dns-query"
    rcode: RcodeField = "NOERROR"
    anchor: TrustAnchorField | None = None


def parsed(**config: Any) -> Sample:
    return parse_config(Sample, config)


@pytest.mark.parametrize("name", ["example.org", "example.org.", "_25._tcp.mail.example.org", "grün.example", ".", "*.example.org"])
def test_names(name):
    assert parsed(name=name).name == name


@pytest.mark.parametrize("text, rdtype", [("mx", "MX"), ("TYPE65280", "TYPE65280"), ("TYPE16", "TXT")])
def test_record_types(text, rdtype):
    assert parsed(record_type=text).record_type == rdtype


@pytest.mark.parametrize("server", ["192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53", "ns1.example.org", "https://dns.example.org/q"])
def test_servers(server):
    assert parsed(server=server).server == server


def test_paths():
    assert parsed(path="/q?key=1").path == "/q?key=1"


@pytest.mark.parametrize("anchor", [DS, [DS], [f"{DS}\n{DS}", "example.net. IN 300 DNSKEY 257 3 13 AAAA"]])
def test_trust_anchors(anchor):
    assert parsed(anchor=anchor).anchor == anchor


@pytest.mark.parametrize(
    "config, message",
    [
        ({"name": "a..b"}, "name: 'a..b' is no domain name: "),
        ({"name": ""}, "name: must not be empty"),
        ({"record_type": "NOPE"}, "record_type: must be a DNS record type such as A or MX, not 'NOPE'"),
        ({"record_type": "TYPE99999"}, "record_type: must be a DNS record type such as A or MX, not 'TYPE99999'"),
        ({"record_type": "ANY"}, "record_type: ANY asks for no records of its own; give the type of record to look for"),
        ({"server": "a:b"}, "server: must be an address, address:port, [IPv6]:port or https://address/path, not 'a:b'"),
        ({"path": "dns-query"}, "path: must be the path of a URL, such as /dns-query, not 'dns-query'"),
        ({"path": "/dns query"}, "path: must be the path of a URL"),
        ({"path": "/grün"}, "path: must be the path of a URL"),
        ({"path": "/a\nb"}, "path: must be the path of a URL"),
        ({"rcode": "NXDOMIAN"}, "did you mean 'NXDOMAIN'?"),
        ({"anchor": "example.org"}, "'example.org' is no DNSKEY or DS record as in a zone file: "),
        ({"anchor": [DS, "example.org. A 192.0.2.1"]}, "'example.org. A 192.0.2.1' cannot be trusted: it is no DNSKEY or DS record"),
        ({"anchor": []}, "anchor: "),
        ({"anchor": ""}, "must not be empty"),
    ],
)
def test_refused(config, message):
    with pytest.raises(ConfigError) as caught:
        parsed(**config)
    assert message in str(caught.value)
