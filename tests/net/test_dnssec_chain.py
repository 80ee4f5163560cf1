from __future__ import annotations

import functools

import dns.message
import dns.rcode
import pytest

from monitorpy.errors import NetError
from monitorpy.net.dnssec_anchors import parse_anchors
from monitorpy.net.dnssec_chain import Chain
from monitorpy.net.dnssec_signatures import Bogus, Insecure, NotSecure, Signed

BELOW = """
www     A     192.0.2.1
alias   CNAME www
*.wild  A     192.0.2.2
a.b.ent A     192.0.2.3
"""


NSEC3S = {"nsec": None, "nsec3": {}, "salted": {"salt": "ab", "iterations": 5}, "opt-out": {"opt_out": True}}


@functools.cache
def zones(dnssec, nsec3):
    def pair(number):
        return [dnssec.key(number=number), dnssec.key(flags=dnssec.ZSK, number=number)]

    signed = dnssec.Zone("signed.test.", BELOW, keys=pair(3), nsec3=NSEC3S[nsec3])
    unsigned = dnssec.Zone("unsigned.test.", "www A 192.0.2.4\n")
    test = dnssec.Zone("test.", "www.deep A 192.0.2.5\n", keys=pair(2), nsec3=NSEC3S[nsec3])
    test.delegate(signed)
    test.delegate(unsigned)
    return [dnssec.Zone(".", keys=pair(1)).delegate(test), test, signed, unsigned]


class Tree:
    """The root, test. and signed.test., with a KSK and a ZSK each; unsigned.test. is delegated without DS."""

    def __init__(self, dnssec, nsec3="nsec"):
        self.dnssec = dnssec
        self.root, self.test, self.signed, self.unsigned = (zone.copy() for zone in zones(dnssec, nsec3))
        self.world = dnssec.World(self.root, self.test, self.signed, self.unsigned)
        self.anchors = [self.root.anchor()]

    def chain(self, ask=None):
        return Chain(parse_anchors(self.anchors), ask or self.world.ask, "192.0.2.53", self.dnssec.NOW)

    def judge(self, owner="www.signed.test.", kind="A", ask=None):
        """The zone that vouches for what the world has there; the questions that were asked on the way are in ``asked``."""
        name, rdtype = self.dnssec.name(owner), self.dnssec.rdtype(kind)
        message = self.world.ask(name, rdtype)
        self.world.asked.clear()
        rrset = message.get_rrset(message.answer, name, 1, rdtype)
        return str(self.chain(ask).judge(Signed.of(message, message.answer, rrset))[0].name)

    def why(self, *what, error=Bogus, **how):
        with pytest.raises(NotSecure) as caught:
            self.judge(*what, **how)
        assert type(caught.value) is error, caught.value
        return str(caught.value)

    @property
    def asked(self):
        return [f"{name} {rdtype}" for name, rdtype in self.world.asked]


@pytest.fixture
def tree(dnssec):
    return Tree(dnssec)


def test_from_the_root_down(tree):
    assert tree.judge() == "signed.test."
    assert tree.asked == [". DNSKEY", "test. DS", "test. DNSKEY", "signed.test. DS", "signed.test. DNSKEY"]


def test_what_is_known_is_not_asked_again(tree, dnssec):
    chain = tree.chain()
    message = tree.world.ask(dnssec.name("www.signed.test."), dnssec.rdtype("A"))
    tree.world.asked.clear()
    for _ in range(3):
        chain.judge(Signed.of(message, message.answer, message.answer[0]))
    assert len(tree.asked) == 5


def test_neither_are_failures(tree, dnssec):
    tree.world.tamper.append(dnssec.without("DNSKEY", at="test."))
    chain = tree.chain()
    message = tree.world.ask(dnssec.name("www.signed.test."), dnssec.rdtype("A"))
    tree.world.asked.clear()
    for _ in range(3):
        with pytest.raises(Bogus):
            chain.judge(Signed.of(message, message.answer, message.answer[0]))
    assert tree.asked == [". DNSKEY", "test. DS", "test. DNSKEY"]


@pytest.mark.parametrize("as_ds", [True, False])
@pytest.mark.parametrize("zone", ["root", "test", "signed"])
def test_anchors(tree, zone, as_ds):
    tree.anchors = [getattr(tree, zone).anchor(as_ds=as_ds)]
    assert tree.judge() == "signed.test."
    assert len(tree.asked) == {"root": 5, "test": 3, "signed": 1}[zone]


def test_the_nearest_anchor_counts(tree, dnssec):
    tree.anchors = [tree.root.anchor(), tree.test.anchor()]
    assert str(tree.chain().anchor_above(dnssec.name("www.signed.test."))) == "test."
    assert tree.judge() == "signed.test."
    assert tree.asked[0] == "test. DNSKEY"


def test_no_anchor_above(tree):
    tree.anchors = [tree.signed.anchor()]
    assert tree.why("www.unsigned.test.", error=Insecure) == "no trust anchor is at or above www.unsigned.test"
    assert tree.why("signed.test.", "DS", error=Insecure) == "no trust anchor is at or above test"


def test_an_anchor_that_is_not_the_zones(tree, dnssec):
    other = dnssec.key(number=9)
    tree.anchors = [f". IN DNSKEY {other.dnskey}"]
    ours = ", ".join(f"key {tag} (ECDSAP256SHA256)" for tag in sorted(key.tag for key in tree.root.keys))
    reason = f"no DNSKEY of . matches the trust anchor (key {other.tag} (ECDSAP256SHA256)); it has "
    assert tree.why().startswith(reason)
    assert set(tree.why()[len(reason) :].split(", ")) == set(ours.split(", "))


@pytest.mark.parametrize("algorithm", ["RSASHA256", "RSASHA512", "ECDSAP384SHA384", "ED25519", "ED448"])
def test_algorithms(tree, dnssec, algorithm):
    tree.signed.keys = [dnssec.key(algorithm), dnssec.key(algorithm, dnssec.ZSK)]
    tree.signed.sign()
    tree.test.delegate(tree.signed)
    assert tree.judge() == "signed.test."


def test_one_key_for_all(tree, dnssec):
    tree.signed.keys = [dnssec.key(number=5)]
    tree.signed.sign()
    tree.test.delegate(tree.signed)
    assert tree.judge() == "signed.test."


@pytest.mark.parametrize("listed", [0, 1])
def test_rollover(tree, dnssec, listed):
    """Two keys sign the keys; the parent knows one of them."""
    tree.signed.keys += [dnssec.key(number=6)]
    tree.signed.sign()
    assert len(tree.signed.signatures[tree.signed.origin, dnssec.rdtype("DNSKEY")]) == 2
    tree.test.delegate(tree.signed, keys=[tree.signed.keys[0 if listed == 0 else -1]])
    assert tree.judge() == "signed.test."


def test_one_ds_too_many(tree, dnssec):
    """Of the next key, not yet published, or of one that the zone has given up."""
    tree.test.delegate(tree.signed, keys=[tree.signed.keys[0], dnssec.key(number=8)])
    assert tree.judge() == "signed.test."


@pytest.mark.parametrize("digest", ["SHA1", "SHA384"])
def test_digests(tree, digest):
    tree.test.delegate(tree.signed, digest)
    assert tree.judge() == "signed.test."


def test_the_keys_are_not_those_of_the_ds(tree, dnssec):
    other = dnssec.key(number=8)
    tree.test.delegate(tree.signed, keys=[other])
    assert tree.why().startswith(f"no DNSKEY of signed.test matches its DS in test (key {other.tag} (ECDSAP256SHA256)); it has key ")


def test_the_keys_are_not_signed_by_the_one_of_the_ds(tree, dnssec):
    tree.signed.resign("signed.test.", "DNSKEY", keys=[tree.signed.keys[1]])
    why = f"is by none of the keys of signed.test that are vouched for ({tree.signed.keys[0].tag})"
    assert tree.why() == f"the signature of signed.test DNSKEY by key {tree.signed.keys[1].tag} (ECDSAP256SHA256) {why}"


def test_no_keys(tree, dnssec):
    tree.world.tamper.append(dnssec.without("DNSKEY", "RRSIG:DNSKEY", at="signed.test."))
    tag = tree.signed.keys[0].tag
    assert tree.why() == f"signed.test has no DNSKEY records, though its DS in test names key {tag} (ECDSAP256SHA256)"


@pytest.mark.parametrize("kind, owner", [("DNSKEY", "signed.test."), ("DS", "signed.test."), ("DNSKEY", ".")])
def test_keys_and_ds_without_signature(tree, dnssec, kind, owner):
    tree.world.tamper.append(dnssec.without(f"RRSIG:{kind}", at=owner))
    above = {"DS": "test", "DNSKEY": owner.removesuffix(".") or "."}[kind]
    assert tree.why() == f"{owner.removesuffix('.') or '.'} {kind} is not signed, though {above} is"


@pytest.mark.parametrize(
    "zone, owner, kind", [("signed", "signed.test.", "DNSKEY"), ("test", "signed.test.", "DS"), ("root", "test.", "DS")]
)
def test_keys_and_ds_with_expired_signature(tree, dnssec, zone, owner, kind):
    getattr(tree, zone).resign(owner, kind, ends=dnssec.NOW - 2 * dnssec.DAY, begins=dnssec.NOW - 9 * dnssec.DAY)
    why = tree.why()
    assert why.startswith(f"the signature of {owner[:-1]} {kind} by key ")
    assert why.endswith("expired 2.0 days ago (2026-11-25 12:00 UTC)")


def test_unsupported_algorithm(tree, dnssec):
    tree.signed.keys = [dnssec.key().renumbered(200)]
    tree.signed.sign()
    tree.test.delegate(tree.signed)
    assert tree.why(error=Insecure) == "signed.test counts as unsigned: its DS in test has algorithm 200, which is not supported"


def test_unsupported_digest(tree, dnssec):
    tree.test.add("signed.test.", "DS", f"{tree.signed.keys[0].tag} 13 99 00")
    tree.test.sign()
    assert tree.why(error=Insecure) == "signed.test counts as unsigned: its DS in test has digest 99, which is not supported"


def test_a_supported_algorithm_beside_another_counts(tree, dnssec):
    """RFC 6840, 5.11: one path that holds is enough, and one that is there must hold."""
    tree.signed.keys += [dnssec.key(number=4).renumbered(200)]
    tree.signed.sign()
    tree.test.delegate(tree.signed, keys=[tree.signed.keys[0], tree.signed.keys[2]])
    assert tree.judge() == "signed.test."
    tree.world.tamper.append(dnssec.without("DNSKEY", at="signed.test."))
    assert "has no DNSKEY records" in tree.why()


@pytest.mark.parametrize("nsec3", ["nsec", "nsec3", "salted"])
def test_an_unsigned_delegation(dnssec, nsec3):
    tree = Tree(dnssec, nsec3)
    assert tree.why("www.unsigned.test.", error=Insecure) == "unsigned.test is not signed: test proves that there is no DS"
    assert tree.asked == [". DNSKEY", "test. DS", "test. DNSKEY", "unsigned.test. DS"]


def test_an_unsigned_delegation_of_a_zone_with_opt_out(dnssec):
    tree = Tree(dnssec, "opt-out")
    reason = "unsigned.test is not signed as far as one can tell: test leaves unsigned delegations out of its proofs (opt-out)"
    assert tree.why("www.unsigned.test.", error=Insecure) == reason
    assert tree.judge() == "signed.test."


@pytest.mark.parametrize("nsec3", ["nsec", "nsec3"])
def test_a_delegation_without_proof(dnssec, nsec3):
    """Anybody could leave a DS out."""
    tree = Tree(dnssec, nsec3)
    tree.world.tamper.append(dnssec.without("NSEC", "NSEC3"))
    reason = "test is signed, but neither has a DS of unsigned.test nor proves that there is none"
    assert tree.why("www.unsigned.test.") == reason
    tree.world.tamper.append(dnssec.without("DS", "RRSIG:DS", at="signed.test."))
    assert tree.why() == "test is signed, but neither has a DS of signed.test nor proves that there is none"


def test_a_ds_left_out_with_the_proof_of_another_name(tree, dnssec):
    """The NSEC of unsigned.test, well signed, is none of signed.test."""

    def replay(message):
        if message.question[0].name == tree.signed.origin and message.question[0].rdtype == dnssec.rdtype("DS"):
            message.answer.clear()
            message.authority[:] = tree.world.ask(tree.unsigned.origin, dnssec.rdtype("DS")).authority

    tree.world.tamper.append(replay)
    assert tree.why() == "test is signed, but neither has a DS of signed.test nor proves that there is none"


def test_a_ds_left_out_with_the_child_zones_own_proof(tree, dnssec):
    """At its apex a zone truly has no DS: only the parent's word counts (RFC 4035, 5.4)."""

    def child(message):
        if message.question[0].name == tree.signed.origin and message.question[0].rdtype == dnssec.rdtype("DS"):
            message.answer.clear()
            message.authority[:] = tree.world.ask(tree.signed.origin, dnssec.rdtype("TXT")).authority

    tree.world.tamper.append(child)
    assert "neither has a DS of signed.test nor proves" in tree.why()


def test_an_unsigned_proof(tree, dnssec):
    tree.world.tamper.append(dnssec.without("RRSIG:NSEC", at="unsigned.test."))
    assert tree.why("www.unsigned.test.") == "unsigned.test NSEC is not signed, though test is"


def test_an_expired_proof(tree, dnssec):
    tree.test.resign("unsigned.test.", "NSEC", ends=dnssec.NOW - dnssec.DAY, begins=dnssec.NOW - 2 * dnssec.DAY)
    assert "the signature of unsigned.test NSEC by key" in tree.why("www.unsigned.test.")


def test_not_signed_at_all(tree, dnssec):
    """The way goes down to the name: there could be an unsigned delegation, but there is none."""
    tree.world.tamper.append(dnssec.without("RRSIG:A"))
    assert tree.why() == "www.signed.test A is not signed, though signed.test is"
    assert tree.asked[5:] == ["www.signed.test. DS"]
    assert tree.why("a.b.ent.signed.test.") == "a.b.ent.signed.test A is not signed, though signed.test is"
    assert tree.asked[5:] == ["ent.signed.test. DS", "b.ent.signed.test. DS", "a.b.ent.signed.test. DS"]


def test_an_alias_is_no_zone(tree, dnssec):
    tree.world.tamper.append(dnssec.without("RRSIG:CNAME"))
    assert tree.why("alias.signed.test.", "CNAME") == "alias.signed.test CNAME is not signed, though signed.test is"


def test_below_a_name_that_does_not_exist_no_zone_begins(tree, dnssec):
    tree.world.tamper.append(dnssec.without("RRSIG:A"))
    assert tree.why("a.b.c.wild.signed.test.") == "a.b.c.wild.signed.test A is not signed, though signed.test is"
    assert tree.asked[-2:] == ["wild.signed.test. DS", "c.wild.signed.test. DS"]


def test_a_signature_that_does_not_hold(tree, dnssec):
    tree.signed.resign("www.signed.test.", "A", begins=dnssec.NOW + dnssec.DAY)
    assert tree.why().endswith("is not valid yet: it begins in 1.0 days (2026-11-28 12:00 UTC)")


@pytest.mark.parametrize("signer", ["test.", ".", "other.test.", "www.signed.test.", "x.www.signed.test."])
def test_signers_that_are_not_the_zone(tree, signer):
    tree.signed.resign("www.signed.test.", "A", signer=signer)
    zone = {"test.": "test", ".": "."}.get(signer, "signed.test")
    why = tree.why()
    if signer.removesuffix(".") != zone and signer != ".":
        assert why.endswith(f"is one of {signer[:-1]}, but the records belong to signed.test")
    else:
        assert "is by none of the keys of " + zone in why


def test_an_unsigned_zone_with_signatures_of_its_own(tree, dnssec):
    """Without a DS nobody vouches for them, even if they are wrong."""
    tree.unsigned.keys = [dnssec.key(number=7)]
    tree.unsigned.sign()
    tree.unsigned.resign("www.unsigned.test.", "A", ends=dnssec.NOW - dnssec.DAY)
    assert tree.why("www.unsigned.test.", error=Insecure) == "unsigned.test is not signed: test proves that there is no DS"


def test_signatures_of_somebody_above_do_not_hide_an_unsigned_delegation(tree):
    tree.unsigned.resign("www.unsigned.test.", "A", keys=tree.signed.keys, signer="test.")
    assert tree.why("www.unsigned.test.", error=Insecure) == "unsigned.test is not signed: test proves that there is no DS"


def test_ds_records_are_the_parents(tree):
    assert tree.judge("signed.test.", "DS") == "test."
    assert tree.judge("signed.test.", "DNSKEY") == "signed.test."


def test_a_server_that_does_not_answer(tree, dnssec):
    def ask(name, rdtype):
        raise NetError("no answer from 192.0.2.53 within 2 s", phase="first_byte", kind="timeout")

    assert tree.why(ask=ask) == "the DNSKEY records of . could not be had: no answer from 192.0.2.53 within 2 s"


def test_a_server_that_refuses(tree, dnssec):
    def refuse(message):
        message.answer.clear()
        message.set_rcode(dns.rcode.REFUSED)

    tree.world.tamper.append(lambda message: refuse(message) if message.question[0].rdtype == dnssec.rdtype("DS") else None)
    assert tree.why() == "the DS records of test could not be had: REFUSED from 192.0.2.53"


def test_a_name_of_many_labels(tree, dnssec):
    """Every label could be a zone; so many zones are nobody's."""
    deep = ".".join("x" * 70) + ".signed.test."
    tree.signed.add(deep, "A", "192.0.2.9")
    tree.signed.sign()
    assert tree.judge(deep) == "signed.test."
    assert len(tree.asked) == 5
    tree.world.tamper.append(dnssec.without("RRSIG:A"))
    assert tree.why(deep).endswith("could not be had: 64 questions have been asked already; given up")
    assert len(tree.asked) == 64


@pytest.mark.parametrize("nsec3", ["nsec", "nsec3"])
def test_proofs(dnssec, nsec3):
    tree = Tree(dnssec, nsec3)
    message = tree.world.ask(dnssec.name("nx.signed.test."), dnssec.rdtype("A"))
    zone, denial = tree.chain().denial(message, dnssec.name("nx.signed.test."), lambda zone, denial: (zone, denial))
    assert str(zone.name) == "signed.test."
    assert str(denial.encloser(dnssec.name("nx.signed.test.")).name) == "signed.test."
    tree.world.tamper.append(dnssec.without("NSEC", "NSEC3", "RRSIG:NSEC", "RRSIG:NSEC3"))
    message = tree.world.ask(dnssec.name("nx.signed.test."), dnssec.rdtype("A"))
    assert tree.chain().denial(message, dnssec.name("nx.signed.test."), lambda zone, denial: (str(zone.name), denial)) == (
        "signed.test.",
        None,
    )


@pytest.mark.parametrize("kind", ["SOA", "NSEC"])
def test_each_record_of_a_proof_must_be_signed_well(tree, dnssec, kind):
    tree.signed.resign("signed.test.", kind, ends=dnssec.NOW - dnssec.DAY)
    message = tree.world.ask(dnssec.name("0.signed.test."), dnssec.rdtype("A"))
    with pytest.raises(Bogus, match=f"the signature of signed.test {kind} by key .* expired 1.0 days ago"):
        tree.chain().denial(message, dnssec.name("0.signed.test."), lambda zone, denial: zone)


def test_the_soa_beside_a_proof_that_there_is_no_ds(tree, dnssec):
    """It says nothing about the delegation; other validators do not look at it either."""
    tree.world.tamper.append(dnssec.without("RRSIG:SOA"))
    assert tree.why("www.unsigned.test.", error=Insecure) == "unsigned.test is not signed: test proves that there is no DS"
    message = tree.world.ask(dnssec.name("nx.test."), dnssec.rdtype("A"))
    with pytest.raises(Bogus, match="test SOA is not signed, though test is"):
        tree.chain().denial(message, dnssec.name("nx.test."), lambda zone, denial: zone)


def test_proofs_of_other_zones_are_none_of_ours(tree, dnssec):
    """A resolver that follows an alias answers with the proofs of several zones."""
    message = tree.world.ask(dnssec.name("nx.signed.test."), dnssec.rdtype("A"))
    other = tree.world.ask(dnssec.name("nx.test."), dnssec.rdtype("A"))
    joined = dns.message.from_wire(message.to_wire())
    joined.authority[:0] = other.authority
    joined = dns.message.from_wire(joined.to_wire())
    for name, zone in (("nx.signed.test.", "signed.test."), ("nx.test.", "test.")):
        found, denial = tree.chain().denial(joined, dnssec.name(name), lambda zone, denial: (zone, denial))
        assert str(found.name) == zone
        assert denial.covers(dnssec.name(name))
        assert bool(denial.covers(dnssec.name("nx.signed.test."))) is (zone == "signed.test.")
