from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dns.message
import dns.rrset
import pytest

from monitorpy.net.dnssec_signatures import Bogus, Signed, Work, Zone, described, is_zone_key, verify


@pytest.fixture
def zone(dnssec):
    """A zone with a key for its keys and one for the rest."""
    text = "www A 192.0.2.1\nwww A 192.0.2.2\n*.wild A 192.0.2.3\n"
    return dnssec.Zone("signed.test.", text, keys=[dnssec.key(), dnssec.key(flags=dnssec.ZSK)])


@pytest.fixture
def judged(dnssec, zone):
    """Verifies what the zone has at a name now."""

    def run(owner="www.signed.test.", kind="A", *, shown_as=None, keys=None, now=None, work=None):
        rrset = zone.sets[dnssec.name(owner), dnssec.rdtype(kind)].copy()
        signatures = zone.signatures.get((rrset.name, rrset.rdtype), ())
        rrset.name = dnssec.name(shown_as or owner)
        trusted = Zone(zone.origin, tuple(key.dnskey for key in keys or zone.keys))
        return verify(Signed(rrset, tuple(signatures)), trusted, now or dnssec.NOW, work or Work())

    return run


def refused(judged, **how):
    with pytest.raises(Bogus) as caught:
        judged(**how)
    assert caught.value.status == "bogus"
    return str(caught.value)


ALGORITHMS = ["RSASHA1", "RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm(dnssec, algorithm):
    key = dnssec.key(algorithm)
    zone = dnssec.Zone("signed.test.", "www A 192.0.2.1\n", keys=[key])
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    trusted = Zone(zone.origin, (key.dnskey,))
    good = Signed(zone.sets[where], tuple(zone.signatures[where]))
    assert verify(good, trusted, dnssec.NOW, Work()).key_tag == key.tag
    for bad in (
        Signed(dns.rrset.from_text(where[0], 300, "IN", "A", "192.0.2.9"), good.signatures),
        Signed(good.rrset, (dnssec.with_bad_bytes(good.signatures[0]),)),
        Signed(good.rrset, (good.signatures[0].replace(signature=b"short"),)),
        Signed(good.rrset, (good.signatures[0].replace(original_ttl=301),)),
    ):
        with pytest.raises(Bogus) as caught:
            verify(bad, trusted, dnssec.NOW, Work())
        by = f"key {key.tag} ({algorithm})"
        assert str(caught.value) == f"the signature of www.signed.test A by {by} does not verify: the data or the signature was changed"


def test_the_signature_that_holds(dnssec, zone, judged):
    assert judged().key_tag == zone.keys[1].tag
    assert judged("signed.test.", "DNSKEY").key_tag == zone.keys[0].tag


def test_one_that_holds_is_enough(dnssec, zone, judged):
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    (good,) = zone.signatures[where]
    zone.signatures[where] = [dnssec.with_bad_bytes(good), good.replace(signer=dnssec.name("other.test.")), good]
    assert judged() == good


def test_not_signed(dnssec, zone, judged):
    del zone.signatures[dnssec.name("www.signed.test."), dnssec.rdtype("A")]
    assert refused(judged) == "www.signed.test A is not signed, though signed.test is"


@pytest.mark.parametrize(
    "validity, reason",
    [
        ((-10, -3.25), "expired 3.2 days ago (2026-11-24 06:00 UTC)"),
        ((-10, -0.25), "expired 6.0 hours ago (2026-11-27 06:00 UTC)"),
        ((3.5, 10), "is not valid yet: it begins in 3.5 days (2026-12-01 00:00 UTC)"),
    ],
)
def test_out_of_date(dnssec, zone, judged, validity, reason):
    begins, ends = (dnssec.NOW + days * dnssec.DAY for days in validity)
    zone.resign("www.signed.test.", "A", begins=begins, ends=ends)
    by = f"key {zone.keys[1].tag} (ECDSAP256SHA256)"
    assert refused(judged) == f"the signature of www.signed.test A by {by} {reason}"


def test_the_first_and_the_last_second_count(dnssec, zone, judged):
    zone.resign("www.signed.test.", "A", begins=dnssec.NOW, ends=dnssec.NOW)
    assert judged()
    assert "expired" in refused(judged, now=dnssec.NOW + timedelta(seconds=1))
    assert "not valid yet" in refused(judged, now=dnssec.NOW - timedelta(seconds=1))


def test_times_are_compared_as_serial_numbers(dnssec, zone, judged):
    """The 32 bits of seconds begin anew on 7 February 2106."""
    late = datetime(2106, 2, 7, 12, tzinfo=UTC)
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    zone.signatures[where] = [zone.signatures[where][0].replace(inception=2**32 - 200_000, expiration=2**32 - 100_000)]
    assert "expired" in refused(judged, now=late)
    assert "expired 1.8 days ago (2106-02-06 02:41 UTC)" in refused(judged, now=datetime(2106, 2, 7, 22, 30, tzinfo=UTC))
    zone.signatures[where] = [zone.signatures[where][0].replace(inception=3600, expiration=7200)]
    assert "is not valid yet: it begins in" in refused(judged, now=late - dnssec.DAY)


def test_another_key(dnssec, zone, judged):
    other = dnssec.key(number=7)
    tag = zone.keys[1].tag
    reason = f"the signature of www.signed.test A by key {tag} (ECDSAP256SHA256) is by none of the keys of signed.test that are vouched for"
    assert refused(judged, keys=[other]) == f"{reason} ({other.tag})"
    imposter = dnssec.Key(other.private, other.dnskey)
    forged = imposter.sign(zone.sets[dnssec.name("www.signed.test."), dnssec.rdtype("A")], "signed.test.", zone.begins, zone.ends)
    zone.signatures[dnssec.name("www.signed.test."), dnssec.rdtype("A")] = [forged.replace(key_tag=tag)]
    assert "does not verify" in refused(judged)


@pytest.mark.parametrize("signer", ["test.", "other.test.", "www.signed.test."])
def test_another_signer(dnssec, zone, judged, signer):
    zone.resign("www.signed.test.", "A", signer=signer)
    reason = f"is one of {signer[:-1]}, but the records belong to signed.test"
    assert refused(judged).endswith(reason)


def test_a_name_elsewhere(judged):
    assert refused(judged, shown_as="www.other.test.").endswith("is one of signed.test, but the records belong to signed.test")


def test_labels(dnssec, zone, judged):
    assert refused(judged, shown_as="signed.test.").endswith("is for a name of 3 labels, but the name has 2")


def test_wildcards(dnssec, zone, judged):
    wild = dnssec.name("*.wild.signed.test.")
    own = judged("*.wild.signed.test.")
    made = judged("*.wild.signed.test.", shown_as="a.b.wild.signed.test.")
    assert made == own
    rrset = zone.sets[wild, dnssec.rdtype("A")].copy()
    assert not Signed(rrset, (own,)).expanded(own)
    rrset.name = dnssec.name("a.wild.signed.test.")
    assert Signed(rrset, (own,)).expanded(own)


def test_what_proves_something_is_never_made_from_a_wildcard(judged):
    """The NSEC of the wildcard would be one of any name: CVE-2017-15105."""
    assert judged("*.wild.signed.test.", "NSEC")
    reason = refused(judged, owner="*.wild.signed.test.", kind="NSEC", shown_as="www.wild.signed.test.")
    assert reason.endswith("is one of a wildcard, which such records cannot be made from")


def test_an_algorithm_that_is_not_supported(dnssec, zone, judged):
    zone.resign("www.signed.test.", "A", keys=[dnssec.key().renumbered(200)])
    assert refused(judged).endswith("(200) is of an algorithm that is not supported")


@pytest.mark.parametrize("key", [b"", b"\0", b"\x01\x03", b"\xff" * 64, b"\0" * 64])
@pytest.mark.parametrize("algorithm", [8, 13, 15])
def test_keys_that_are_none(dnssec, zone, judged, algorithm, key):
    broken = dnssec.Key(None, zone.keys[1].dnskey.replace(key=key, algorithm=algorithm))
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    zone.signatures[where] = [zone.signatures[where][0].replace(algorithm=algorithm, key_tag=broken.tag)]
    assert "does not verify" in refused(judged, keys=[broken])


def test_several_reasons(dnssec, zone, judged):
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    (good,) = zone.signatures[where]
    bad = dnssec.with_bad_bytes(good)
    zone.signatures[where] = [bad, bad, good.replace(expiration=good.inception)]
    first, second = refused(judged).split("; ")
    assert "does not verify" in first
    assert "expired" in second
    zone.signatures[where] = [good.replace(signer=dnssec.name(f"{letter}.test.")) for letter in "abcde"]
    assert refused(judged).endswith("; ... (5 signatures)")
    assert refused(judged).count("belong to") == 3


def test_key_trap(dnssec, zone, judged):
    """Many signatures, and many keys of one tag, would have to be tried with one another."""
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    (good,) = zone.signatures[where]
    zone.signatures[where] = [good.replace(signature=bytes([number]) * 64) for number in range(30)]
    assert refused(judged) == "www.signed.test A has more than 16 signatures and keys to try; given up"
    assert refused(judged, work=Work(5)) == "it takes too many signatures and keys to judge the answer; given up"


def test_work_is_for_all():
    work = Work(2)
    work.spend()
    work.spend()
    with pytest.raises(Bogus):
        work.spend()


@pytest.mark.parametrize(
    "flags, protocol, good",
    [(256, 3, True), (257, 3, True), (0, 3, False), (1, 3, False), (257, 2, False), (385, 3, False), (384, 3, False)],
)
def test_keys_of_zones(dnssec, flags, protocol, good):
    assert is_zone_key(dnssec.key().dnskey.replace(flags=flags, protocol=protocol)) is good


def test_what_a_message_has(dnssec, zone):
    world = dnssec.World(zone)
    message = world.ask(dnssec.name("www.signed.test."), dnssec.rdtype("A"))
    rrset = message.answer[0]
    signed = Signed.of(message, message.answer, rrset)
    assert signed.title == "www.signed.test A"
    assert [signature.key_tag for signature in signed.signatures] == [zone.keys[1].tag]
    assert signed.by(zone.origin)
    assert not signed.by(rrset.name)
    bare = dns.message.make_response(dns.message.make_query(rrset.name, "A"))
    assert not Signed.of(bare, bare.answer, rrset).signatures


def test_described():
    assert described(13, 5) == "key 5 (ECDSAP256SHA256)"
    assert described(200, 5) == "key 5 (200)"
