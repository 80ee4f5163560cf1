from __future__ import annotations

import dns.name
import dns.rdatatype
import pytest

from monitorpy.net.dnssec_anchors import ROOT_ANCHORS, anchors_for, holder_of, named, parse_anchors, supported, unsupported, vouched_for
from monitorpy.net.dnssec_signatures import Bogus, Work

ROOT_KEYS = (
    ". IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU= ; keytag 20326",
    ". IN DNSKEY 257 3 8 AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc= ; keytag 38696",
)
"""KSK-2017 and KSK-2024 themselves, from another source: Debian's dns-root-data."""
DIGEST = "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE" + "00" * 12


def test_the_root():
    anchors = parse_anchors(ROOT_ANCHORS)
    assert list(anchors) == [dns.name.root]
    assert named(anchors[dns.name.root]) == "key 20326 (RSASHA256), key 38696 (RSASHA256)"
    keys = parse_anchors(ROOT_KEYS)[dns.name.root]
    assert named(keys) == named(anchors[dns.name.root])
    assert vouched_for(dns.name.root, keys, anchors[dns.name.root], Work()) == keys


def test_lines_of_a_zone_file():
    text = f"""
    ; keys of two zones
    signed.test.        DS 1 13 2 {DIGEST}
    signed.test. 300 IN DS ( 2 13 2
                             {DIGEST} ) ; the next one
    other.test          IN DS 3 13 2 {DIGEST}
    """
    anchors = parse_anchors([text.replace("\n    ", "\n"), f"SIGNED.test. DS 4 13 2 {DIGEST}"])
    assert {str(zone): [anchor.key_tag for anchor in found] for zone, found in anchors.items()} == {
        "signed.test.": [1, 2, 4],
        "other.test.": [3],
    }


@pytest.mark.parametrize(
    "text, reason",
    [
        ("signed.test. DS 1 13 2 XYZ", "is no DNSKEY or DS record as in a zone file: "),
        ("signed.test.", "is no DNSKEY or DS record as in a zone file: "),
        ("20326 8 2 E06D", "is no DNSKEY or DS record as in a zone file: "),
        ("signed.test. DNSKEY 257 3 13 A", "is no DNSKEY or DS record as in a zone file: "),
        ("signed.test. CH DS 1 13 2 00", "is no DNSKEY or DS record as in a zone file: "),
        ("$INCLUDE /etc/passwd", "is no DNSKEY or DS record as in a zone file: "),
        ("\udcff. DS 1 13 2 00", "is no DNSKEY or DS record as in a zone file: "),
        ("", "has no DNSKEY or DS record"),
        ("; a comment", "has no DNSKEY or DS record"),
        ("signed.test. A 192.0.2.1", "cannot be trusted: it is no DNSKEY or DS record"),
        ("signed.test. CDS 1 13 2 " + DIGEST, "cannot be trusted: it is no DNSKEY or DS record"),
        ("signed.test. CDNSKEY 257 3 13 AAAA", "cannot be trusted: it is no DNSKEY or DS record"),
        ("signed.test. DNSKEY 0 3 13 AAAA", "cannot be trusted: it is no key for zones (flags 257 or 256, protocol 3), or it is revoked"),
        ("signed.test. DNSKEY 385 3 13 AAAA", "cannot be trusted: it is no key for zones (flags 257 or 256, protocol 3), or it is revoked"),
        ("signed.test. DNSKEY 257 3 1 AAAA", "cannot be trusted: algorithm RSAMD5 is not supported"),
        ("signed.test. DS 1 200 2 " + DIGEST, "cannot be trusted: algorithm 200 is not supported"),
        ("signed.test. DS 1 12 3 " + DIGEST, "cannot be trusted: algorithm ECCGOST and digest 3 is not supported"),
    ],
)
def test_refused(text, reason):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at
        parse_anchors([text])
    assert str(caught.value).startswith(f"{text!r} {reason}")


def test_supported():
    (good, other, digest) = parse_anchors([f"x. DS 1 13 2 {DIGEST}", f"x. DS 1 13 1 {DIGEST[:40]}", f"x. DS 1 8 4 {DIGEST}{'00' * 16}"])[
        dns.name.from_text("x.")
    ]
    assert supported(good)
    assert supported(other)
    assert supported(digest)
    assert unsupported([good.replace(algorithm=200), good.replace(digest_type=9), good]) == "algorithm 200 and digest 9"


class TestVouchedFor:
    @pytest.fixture
    def vouched(self, dnssec):
        self.keys = [dnssec.key(), dnssec.key(number=1), dnssec.key(flags=dnssec.ZSK)]
        self.zone = dnssec.name("signed.test.")

        def run(*anchors, zone=self.zone, keys=None, work=None):
            found = vouched_for(zone, [key.dnskey for key in keys or self.keys], anchors, work or Work())
            return [key.tag for key in self.keys for each in found if each == key.dnskey]

        return run

    @pytest.mark.parametrize("digest", ["SHA1", "SHA256", "SHA384"])
    def test_a_digest(self, vouched, digest):
        assert vouched(self.keys[0].ds(self.zone, digest)) == [self.keys[0].tag]

    def test_a_key(self, vouched):
        assert vouched(self.keys[2].dnskey) == [self.keys[2].tag]

    def test_several(self, vouched):
        assert vouched(self.keys[0].ds(self.zone), self.keys[1].dnskey) == [self.keys[0].tag, self.keys[1].tag]

    def test_the_name_is_part_of_the_digest(self, vouched, dnssec):
        assert vouched(self.keys[0].ds(self.zone), zone=dnssec.name("other.test.")) == []
        assert vouched(self.keys[0].ds(dnssec.name("SIGNED.Test."))) == [self.keys[0].tag]

    def test_another_digest(self, vouched):
        good = self.keys[0].ds(self.zone)
        assert vouched(good.replace(digest=bytes(32))) == []
        assert vouched(good.replace(key_tag=good.key_tag ^ 1)) == []
        assert vouched(good.replace(algorithm=14)) == []

    def test_what_is_not_supported_counts_for_nothing(self, vouched):
        good = self.keys[0].ds(self.zone)
        assert vouched(good.replace(digest_type=3)) == []
        assert vouched(good.replace(digest_type=3), self.keys[1].ds(self.zone)) == [self.keys[1].tag]

    def test_sha1_counts_only_where_there_is_nothing_better(self, vouched):
        assert vouched(self.keys[0].ds(self.zone, "SHA1"), self.keys[1].ds(self.zone)) == [self.keys[1].tag]
        assert vouched(self.keys[0].ds(self.zone, "SHA1"), self.keys[1].dnskey) == [self.keys[1].tag]

    def test_keys_that_may_not_sign(self, vouched, dnssec):
        revoked = dnssec.Key(None, self.keys[0].dnskey.replace(flags=385))
        self.keys.append(revoked)
        assert vouched(revoked.dnskey) == []
        assert vouched(revoked.ds(self.zone)) == []

    def test_work_is_bounded(self, vouched):
        with pytest.raises(Bogus, match="too many"):
            vouched(*[self.keys[0].ds(self.zone).replace(digest=bytes([number]) * 32) for number in range(9)], work=Work(8))


def test_named_of_keys(dnssec):
    keys = [dnssec.key().dnskey, dnssec.key("ED25519").dnskey]
    assert named(keys) == ", ".join(
        sorted(f"key {dnssec.Key(None, key).tag} ({kind})" for key, kind in zip(keys, ["ECDSAP256SHA256", "ED25519"], strict=True))
    )
    assert keys[0].rdtype == dns.rdatatype.DNSKEY


def test_the_zone_that_holds_a_name(dnssec):
    assert holder_of(dnssec.name("a.test."), dnssec.rdtype("A")) == dnssec.name("a.test.")
    assert holder_of(dnssec.name("a.test."), dnssec.rdtype("DS")) == dnssec.name("test.")
    assert holder_of(dnssec.name("."), dnssec.rdtype("DS")) == dnssec.name(".")


@pytest.mark.parametrize(
    "name, rdtype, zones, problem",
    [
        ("signed.test.", "A", ["signed.test."], None),
        ("a.b.signed.test.", "A", ["SIGNED.test."], None),
        ("a.signed.test.", "A", ["other.test.", "test."], None),
        ("signed.test.", "DS", ["test."], None),
        (".", "DS", ["."], None),
        ("test.", "A", ["signed.test."], "the trust anchor is for signed.test, which is not at or above test"),
        ("a.test.", "A", ["b.test.", "c.test."], "the trust anchor is for b.test and c.test, which is not at or above a.test"),
        ("signed.test.", "DS", ["signed.test."], "the trust anchor is for signed.test, which is not above signed.test"),
    ],
)
def test_anchors_for(dnssec, name, rdtype, zones, problem):
    given = [f"{zone} DS 1 13 2 {DIGEST}" for zone in zones]
    question = dnssec.name(name), dnssec.rdtype(rdtype)
    if problem is None:
        assert anchors_for(*question, given) == parse_anchors(given)
    else:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at
            anchors_for(*question, given)
        assert str(caught.value) == problem


def test_anchors_for_as_a_text_or_of_the_root(dnssec):
    question = dnssec.name("a.signed.test."), dnssec.rdtype("A")
    assert anchors_for(*question, f"signed.test. DS 1 13 2 {DIGEST}") == parse_anchors([f"signed.test. DS 1 13 2 {DIGEST}"])
    assert anchors_for(*question, None) == parse_anchors(ROOT_ANCHORS)
