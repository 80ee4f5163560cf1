from __future__ import annotations

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

from monitorpy.net.dnsvalues import compared, listed, parse_values, shown

DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KEY = "AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTdtWsuxKbWIy87UOoJTwkUs7lBu+Upr1gsNrut79ryra+bSRGQ"


def same(rdtype: str, held: str, written: str) -> bool:
    """Whether a record on the wire, given as zone-file text, is what a check file has written."""
    number = dns.rdatatype.from_text(rdtype)
    sent = dns.rdata.from_text(dns.rdataclass.IN, number, held, origin=dns.name.root, relativize=False)
    wire = sent.to_wire()
    received = dns.rdata.from_wire(dns.rdataclass.IN, number, wire, 0, len(wire))
    return compared([received]).keys() == parse_values(number, written).keys()


@pytest.mark.parametrize(
    "rdtype, held, written",
    [
        ("A", "192.0.2.1", r"\# 4 c0000201"),
        ("AAAA", "2001:db8::1", "2001:0DB8:0:0::0001"),
        ("AAAA", "::ffff:192.0.2.1", "::FFFF:c000:201"),
        ("AFSDB", "1 afs.example.test.", "1 AFS.Example.test"),
        ("AMTRELAY", "10 0 3 relay.example.test.", "10 0 3 Relay.EXAMPLE.test."),
        ("APL", "1:192.0.2.0/24 !2:2001:db8::/32", "1:192.0.2.0/24 !2:2001:DB8::/32"),
        ("AVC", '"app-name:x"', "app-name:x"),
        ("CAA", '0 issue "ca.example.net"', "0 issue ca.example.net"),
        ("CDNSKEY", f"257 3 13 {KEY}", f"257 3 13 {KEY[:40]} {KEY[40:]}"),
        ("CDS", f"12345 13 2 {DIGEST}", f"12345 13 2 {DIGEST.upper()}"),
        ("CDS", "0 0 0 00", "0 0 0 00"),
        ("CERT", f"PKIX 12345 RSASHA256 {KEY}", f"1 12345 8 {KEY}"),
        ("CNAME", "www.example.test.", "WWW.example.TEST"),
        ("CSYNC", "12345 3 A NS AAAA", "12345 3 AAAA NS A"),
        ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", "AAIBY2/AuCccgoJbsaxc Qc9TUapptP69lOjxfNuVAA2kjEA="),
        ("DLV", f"12345 13 2 {DIGEST}", f"12345 13 2 {DIGEST.upper()}"),
        ("DNAME", "example.test.", "EXAMPLE.test"),
        ("DNSKEY", f"256 3 8 {KEY}", f"256 3 RSASHA256 {KEY[:7]} {KEY[7:]}"),
        ("DS", f"60485 5 1 {DIGEST[:40]}", f"60485 RSASHA1 1 {DIGEST[:20].upper()} {DIGEST[20:40]}"),
        ("EUI48", "00-00-5e-00-53-2a", "00-00-5E-00-53-2A"),
        ("EUI64", "00-00-5e-ef-10-00-00-2a", "00-00-5E-EF-10-00-00-2A"),
        ("GPOS", "-32.6882 116.8652 10.0", '"-32.6882" "116.8652" "10.0"'),
        ("HINFO", '"PC" "Linux"', "PC Linux"),
        (
            "HIP",
            f"2 200100107b1a74df365639cc39f1d578 {KEY} rvs.example.test.",
            f"2 200100107B1A74DF365639CC39F1D578 {KEY} RVS.Example.test.",
        ),
        ("HTTPS", "1 svc.example.test. alpn=h2,h3 port=8443", "1 SVC.Example.test port=8443 alpn=h2,h3"),
        ("HTTPS", '1 . alpn="h2"', "1 . alpn=h2"),
        ("IPSECKEY", f"10 3 2 gw.example.test. {KEY}", f"10 3 2 GW.example.test. {KEY}"),
        ("ISDN", '"150862028003217" "004"', "150862028003217 004"),
        ("KX", "10 kx.example.test.", "10 KX.example.test"),
        ("L32", "10 10.1.2.0", "10 10.1.2.0"),
        ("L64", "10 2001:0db8:1140:1000", "10 2001:0DB8:1140:1000"),
        ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m", "52 22 23 N 4 53 32 E -2m 1m 10000m 10m"),
        ("LP", "10 l64.example.test.", "10 L64.example.test."),
        ("MX", "10 Mail.Example.test.", "10 mail.example.TEST"),
        ("MX", "0 .", "0 ."),
        ("NAPTR", '100 10 "U" "E2U+sip" "!^.*$!sip:a@example.test!" .', '100 10 "U" "E2U+sip" "!^.*$!sip:a@example.test!" .'),
        ("NAPTR", '100 10 "S" "SIP+D2U" "" _sip._udp.example.test.', "100 10 S SIP+D2U '' _SIP._udp.example.test.".replace("''", '""')),
        ("NID", "10 0014:4fff:ff20:ee64", "10 0014:4FFF:FF20:EE64"),
        ("NINFO", '"ready"', "ready"),
        ("NS", "ns1.example.test.", "NS1.example.test"),
        ("NSAP", "0x47000580005a0000000001e133ffffff00016100", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00"),
        ("NSAP-PTR", "foo.example.test.", "FOO.example.test"),
        ("NSEC", "host.example.test. A MX RRSIG NSEC", "Host.example.test. MX A NSEC RRSIG"),
        ("NSEC3", "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG", "1 1 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S RRSIG A"),
        ("NSEC3PARAM", "1 0 0 -", "1 0 0 -"),
        ("NSEC3PARAM", "1 0 12 aabbccdd", "1 0 12 AABBCCDD"),
        ("OPENPGPKEY", KEY, f"{KEY[:30]} {KEY[30:]}"),
        ("PTR", "www.example.test.", "www.EXAMPLE.test"),
        ("PX", "10 a.example.test. b.example.test.", "10 A.example.test B.example.test"),
        ("RESINFO", '"qnamemin" "exterr=15-17"', '"qnamemin" "exterr=15-17"'),
        ("RP", "admin.example.test. txt.example.test.", "Admin.example.test TXT.example.test"),
        (
            "RRSIG",
            f"A 13 3 300 20260101000000 20250101000000 1234 example.test. {KEY}",
            f"A 13 3 300 20260101000000 20250101000000 1234 Example.TEST. {KEY[:9]} {KEY[9:]}",
        ),
        ("RT", "2 relay.example.test.", "2 Relay.example.test"),
        ("SMIMEA", f"3 1 1 {DIGEST}", f"3 1 1 {DIGEST.upper()}"),
        ("SOA", "a.test. b.test. 1 2 3 4 5", "A.test b.test 1 2 3 4 5"),
        ("SOA", "a.test. b.test. 1 2 3 4 5", " a.test. b.test. ( 1 ; serial\n 2 3 4 5 )\n"),
        ("SOA", "a.test. b.test. 1 7200 3600 1209600 300", "a.test b.test 1 2h 1h 2w 5m"),
        ("SPF", '"v=spf1 -all"', "v=spf1 -all"),
        ("SRV", "0 5 5060 sip.example.test.", "0 5 5060 SIP.example.test"),
        ("SSHFP", f"4 2 {DIGEST}", f"4 2 {DIGEST[:32].upper()} {DIGEST[32:]}"),
        (
            "SVCB",
            "1 svc.example.test. key667=hello mandatory=alpn,port alpn=h2 port=1",
            "1 svc.example.test. port=1 alpn=h2 mandatory=port,alpn key667=hello",
        ),
        ("SVCB", "0 Svc.example.test.", "0 svc.example.test"),
        ("TLSA", f"3 1 1 {DIGEST}", f"3 1 1 {DIGEST[:32].upper()} {DIGEST[32:].upper()}"),
        ("TXT", '"v=spf1 -all"', "v=spf1 -all"),
        ("TXT", '"v=spf1 -all"', '"v=spf1 -all"'),
        ("TXT", '"v=DKIM1; p=abc" "def"', "v=DKIM1; p=abcdef"),
        ("TXT", '"abcdef"', '"abc" "def"'),
        ("TXT", '"say \\"hi\\" \\\\"', 'say "hi" \\'),
        ("TXT", '"a\\; b"', "a; b"),
        ("TXT", '"gr\\195\\188n"', "grün"),
        ("TXT", '"gr\\195\\188n"', '"grün"'),
        ("TXT", '"\\255\\000"', '"\\255\\000"'),
        ("TXT", '"\\255"', r"\# 2 01 FF"),
        ("TXT", '""', '""'),
        ("TXT", '"@"', "@"),
        ("TXT", '" x "', " x \n"),
        ("TXT", f'"{"x" * 255}" "{"x" * 45}"', "x" * 300),
        ("TYPE65534", r"\# 5 0d6c0c0000", r"\# 5 0D6C 0C0000"),
        ("TYPE65534", r"\# 0", r"\# 0"),
        ("URI", '10 1 "https://example.test/Path"', "10 1 https://example.test/Path"),
        ("WKS", "192.0.2.1 6 25 80", "192.0.2.1 tcp 80 25"),
        ("WALLET", '"BTC" "abc"', '"BTC" "abc"'),
        ("X25", '"311061700956"', "311061700956"),
        ("ZONEMD", f"2018031500 1 1 {DIGEST}{DIGEST[:32]}", f"2018031500 1 1 {(DIGEST + DIGEST[:32]).upper()}"),
    ],
)
def test_records_that_mean_the_same(rdtype, held, written):
    assert same(rdtype, held, written)


@pytest.mark.parametrize(
    "rdtype, held, written",
    [
        ("BRID", KEY, f"{KEY[:30]} {KEY[30:]}"),
        ("DSYNC", "CDS NOTIFY 5300 scanner.example.test.", "CDS NOTIFY 5300 Scanner.Example.test"),
        ("HHIT", KEY, f"{KEY[:30]} {KEY[30:]}"),
        ("KEY", f"512 255 1 {KEY}", f"512 255 1 {KEY[:9]} {KEY[9:]}"),
        (
            "SIG",
            f"A 13 3 300 20260101000000 20250101000000 1234 example.test. {KEY}",
            f"A 13 3 300 20260101000000 20250101000000 1234 Example.TEST. {KEY}",
        ),
    ],
)
def test_records_of_types_that_an_older_dnspython_does_not_know(rdtype, held, written):
    known = dns.rdatatype.RdataType.__members__.get(rdtype, 65534)
    if dns.rdata.get_rdata_class(dns.rdataclass.IN, known) is dns.rdata.GenericRdata:
        pytest.skip(f"this dnspython does not know {rdtype}")
    assert same(rdtype, held, written)


@pytest.mark.parametrize(
    "rdtype, held, written",
    [
        ("CAA", '0 issue "CA.example.net"', '0 issue "ca.example.net"'),
        ("MX", "10 mail.example.test.", "20 mail.example.test."),
        ("TXT", '"v=spf1 -all"', "v=spf1 -ALL"),
        ("TXT", '"a b"', "a  b"),
        ("TXT", '"a" " b"', '"ab"'),
        ("HTTPS", "1 . alpn=h2,h3", "1 . alpn=h3,h2"),
        ("URI", '10 1 "https://example.test/Path"', '10 1 "https://example.test/path"'),
        ("DNSKEY", f"256 3 8 {KEY}", f"256 3 8 {KEY.lower()}"),
        ("NS", "ns1.example.test.", "ns1"),
    ],
)
def test_records_that_differ(rdtype, held, written):
    assert not same(rdtype, held, written)


@pytest.mark.parametrize(
    "rdtype, values, message",
    [
        ("A", "999.0.2.1", "'999.0.2.1' is no A record: "),
        ("A", "\N{SUPERSCRIPT ONE}92.0.2.1", "is no A record: "),
        ("MX", "mail.example.test", "'mail.example.test' is no MX record: "),
        ("MX", "10 a..b", "'10 a..b' is no MX record: "),
        ("MX", "10 @", "'10 @': @ is a name that only its zone file knows; write it in full"),
        ("TXT", '"open', "is no TXT record: "),
        ("TXT", f'"{"x" * 256}"', "is no TXT record: "),
        ("TXT", "\ud800", "is no TXT record: "),
        ("TYPE65534", "0d6c", "is no TYPE65534 record: "),
        ("A", "192.0.2.1\n192.0.2.2", "would not be looked at as a whole: there is more than one line: write a list"),
        ("CAA", "0 issue le.org; x", "would not be looked at as a whole: what follows ; is a comment: put the text in quotes"),
        ("A", ["192.0.2.1", "192.0.2.1"], "'192.0.2.1' is the same record as another of the list (192.0.2.1)"),
        ("MX", ["10 mail.test.", "10 MAIL.test"], "'10 MAIL.test' is the same record as another of the list (10 mail.test.)"),
    ],
)
def test_what_is_no_record(rdtype, values, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        parse_values(dns.rdatatype.from_text(rdtype), values)
    assert message in str(caught.value)


def test_texts_are_those_of_a_zone_file():
    assert parse_values(dns.rdatatype.TXT, ['say "hi"', "x" * 256]) == {
        b'say "hi"': '"say \\"hi\\""',
        b"x" * 256: f'"{"x" * 255}" "x"',
    }
    assert parse_values(dns.rdatatype.MX, "10 Mail.test") == {b"\x00\x0a\x04mail\x04test\x00": "10 Mail.test."}
    assert parse_values(dns.rdatatype.MX, None) == {}


def test_listed():
    assert listed([]) == ""
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefgh") == "a, b, c, d, e, ... (8 values)"


def test_shown():
    assert shown(dns.name.from_text("www.example.test.")) == "www.example.test"
    assert shown(dns.name.root) == "."
