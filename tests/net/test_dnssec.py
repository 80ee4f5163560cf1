"""Whole answers, from a server on loopback that knows a tree of signed zones."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import random
from datetime import UTC, datetime
from pathlib import Path

import dns.exception
import dns.message
import dns.rcode
import dns.rrset
import pytest

from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import SIGNABLE, Question, Server, look_up
from monitorpy.net.dnssec import Verdict, validate
from monitorpy.net.dnssec_anchors import parse_anchors
from monitorpy.net.dnsvalues import compared

SIGNED = """
www      A     192.0.2.1
www      A     192.0.2.2
big      TXT   "one {filler}" "two {filler}"
*.wild   A     192.0.2.3
sub.wild A     192.0.2.4
*.cname  CNAME www
a.b.ent  A     192.0.2.5
alias    CNAME www
chain    CNAME alias
there    CNAME www.other.test.
out      CNAME www.unsigned.test.
away     CNAME www.elsewhere.test.
gone     CNAME nx.other.test.
bare     CNAME www.other.test.
dname    DNAME other.test.
inner    DNAME ent
""".replace("{filler}", "x" * 230)
NSEC3S = {"nsec": None, "nsec3": {"salt": "ab", "iterations": 2}, "opt-out": {"opt_out": True}, "dear": {"iterations": 101}}
PLAIN = "www A 192.0.2.7\nback CNAME www.signed.test.\n"


@pytest.fixture(scope="module")
def server():
    path = Path(__file__).parents[1] / "plugins" / "servers_dns.py"
    spec = importlib.util.spec_from_file_location("monitorpy_tests_servers_dns_for_dnssec", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.running(module.DnsServer()) as running:
        yield running


@functools.cache
def zones(dnssec, nsec3):
    """All zones, from the root down; made once for each way to deny names."""
    how = NSEC3S[nsec3]
    signed = dnssec.Zone("signed.test.", SIGNED, keys=[dnssec.key(number=3), dnssec.key(flags=dnssec.ZSK, number=3)], nsec3=how)
    other = dnssec.Zone("other.test.", PLAIN, keys=[dnssec.key("ED25519", number=4)], nsec3=how)
    test = dnssec.Zone("test.", keys=[dnssec.key(number=2)], nsec3=how)
    root = dnssec.Zone(".", keys=[dnssec.key("ECDSAP384SHA384", number=1)])
    below = [signed, other, dnssec.Zone("unsigned.test.", PLAIN), dnssec.Zone("elsewhere.test.", PLAIN)]
    for child in below:
        test.delegate(child)
    return [root.delegate(test), test, *below]


class Resolver:
    """Looks up and validates, over the server."""

    def __init__(self, dnssec, server, nsec3):
        self.dnssec, self.server = dnssec, server
        self.root, self.test, self.signed, self.other, self.unsigned, self.elsewhere = (zone.copy() for zone in zones(dnssec, nsec3))
        self.world = dnssec.World(self.root, self.test, self.signed, self.other, self.unsigned, self.elsewhere)
        self.anchors = [self.root.anchor()]
        self.now = dnssec.NOW
        server.react = self.world.react

    def look_up(self, owner, rdtype="A"):
        question = Question(self.dnssec.rdtype(rdtype), Deadline(5), dnssec=True)
        return look_up(self.dnssec.name(owner), Server("127.0.0.1", self.server.port), question)

    def ask(self, name, rdtype):
        question = Question(rdtype, Deadline(5), dnssec=True)
        return dnsquery.ask(name, Server("127.0.0.1", self.server.port), question)[0]

    def judge(self, answer):
        return validate(answer, parse_anchors(self.anchors), self.ask, self.now)

    def __call__(self, owner, rdtype="A"):
        return self.judge(self.look_up(owner, rdtype))


@pytest.fixture(params=["nsec", "nsec3"])
def resolver(request, dnssec, server):
    yield Resolver(dnssec, server, request.param)
    server.react = None


@pytest.fixture
def plain(dnssec, server):
    """One with NSEC, where NSEC3 makes no difference."""
    yield Resolver(dnssec, server, "nsec")
    server.react = None


@pytest.fixture
def opt_out(dnssec, server):
    yield Resolver(dnssec, server, "opt-out")
    server.react = None


SECURE = [
    ("www.signed.test.", "A", "NOERROR"),
    ("WWW.Signed.TEST.", "A", "NOERROR"),
    ("big.signed.test.", "TXT", "NOERROR"),
    ("signed.test.", "SOA", "NOERROR"),
    ("signed.test.", "DNSKEY", "NOERROR"),
    ("signed.test.", "DS", "NOERROR"),
    (".", "NS", "NOERROR"),
    (".", "DS", "NODATA"),
    ("unsigned.test.", "DS", "NODATA"),
    ("www.signed.test.", "TXT", "NODATA"),
    ("www.signed.test.", "DS", "NODATA"),
    ("ent.signed.test.", "A", "NODATA"),
    ("b.ent.signed.test.", "A", "NODATA"),
    ("nx.signed.test.", "A", "NXDOMAIN"),
    ("a.b.nx.signed.test.", "DS", "NXDOMAIN"),
    ("x.www.signed.test.", "A", "NXDOMAIN"),
    ("nx.test.", "A", "NXDOMAIN"),
    ("nx.", "A", "NXDOMAIN"),
    ("x.wild.signed.test.", "A", "NOERROR"),
    ("x.y.wild.signed.test.", "A", "NOERROR"),
    ("*.wild.signed.test.", "A", "NOERROR"),
    ("x.wild.signed.test.", "TXT", "NODATA"),
    ("x.cname.signed.test.", "A", "NOERROR"),
    ("alias.signed.test.", "A", "NOERROR"),
    ("alias.signed.test.", "CNAME", "NOERROR"),
    ("chain.signed.test.", "A", "NOERROR"),
    ("alias.signed.test.", "TXT", "NODATA"),
    ("there.signed.test.", "A", "NOERROR"),
    ("there.signed.test.", "TXT", "NODATA"),
    ("gone.signed.test.", "A", "NXDOMAIN"),
    ("www.dname.signed.test.", "A", "NOERROR"),
    ("nx.dname.signed.test.", "A", "NXDOMAIN"),
    ("back.dname.signed.test.", "A", "NOERROR"),
    ("a.b.inner.signed.test.", "A", "NOERROR"),
    ("dname.signed.test.", "DNAME", "NOERROR"),
    ("dname.signed.test.", "A", "NODATA"),
]


@pytest.mark.parametrize("owner, rdtype, outcome", SECURE)
def test_secure(resolver, owner, rdtype, outcome):
    answer = resolver.look_up(owner, rdtype)
    assert answer.outcome == outcome
    assert answer.outcome in SIGNABLE
    verdict = resolver.judge(answer)
    assert verdict.status == "secure", verdict


def test_the_reason_names_the_zones(plain):
    assert plain("www.signed.test.") == Verdict("secure", "signed by signed.test; trusted from the anchor of . down")
    plain.anchors = [plain.test.anchor(as_ds=True)]
    assert plain("there.signed.test.") == Verdict("secure", "signed by signed.test and other.test; trusted from the anchor of test down")
    assert plain("signed.test.", "DS") == Verdict("secure", "signed by test; trusted from the anchor of test down")


def test_the_clock(plain, dnssec):
    plain.now = dnssec.NOW + 20 * dnssec.DAY
    assert plain("www.signed.test.").status == "bogus"
    plain.now = None
    for zone in (plain.signed, plain.test, plain.root):
        zone.begins, zone.ends = datetime.now(UTC) - dnssec.DAY, datetime.now(UTC) + dnssec.DAY
        zone.sign()
    assert plain("www.signed.test.").status == "secure"


@pytest.mark.parametrize(
    "owner, rdtype",
    [
        ("www.unsigned.test.", "A"),
        ("www.unsigned.test.", "TXT"),
        ("nx.unsigned.test.", "A"),
        ("unsigned.test.", "SOA"),
        ("out.signed.test.", "A"),
        ("back.unsigned.test.", "A"),
    ],
)
def test_insecure(resolver, owner, rdtype):
    assert resolver(owner, rdtype) == Verdict("insecure", "unsigned.test is not signed: test proves that there is no DS")


@pytest.mark.parametrize(
    "owner, rdtype, what",
    [
        ("nx.signed.test.", "A", "that nx.signed.test does not exist"),
        ("x.wild.signed.test.", "TXT", "that x.wild.signed.test has no TXT records"),
        ("x.wild.signed.test.", "A", "that there is no x.wild.signed.test besides *.wild.signed.test"),
    ],
)
def test_what_opt_out_leaves_open(opt_out, owner, rdtype, what):
    reason = f"{what} cannot be proven: signed.test leaves unsigned delegations out of its proofs (opt-out)"
    assert opt_out(owner, rdtype) == Verdict("insecure", reason)


@pytest.mark.parametrize(
    "owner, rdtype", [("www.signed.test.", "A"), ("www.signed.test.", "TXT"), ("ent.signed.test.", "A"), ("signed.test.", "DS")]
)
def test_what_opt_out_does_not_touch(opt_out, owner, rdtype):
    assert opt_out(owner, rdtype).status == "secure"


def test_too_many_iterations(dnssec, server):
    resolver = Resolver(dnssec, server, "dear")
    assert resolver("www.signed.test.").status == "secure"
    assert resolver("nx.signed.test.").status == "insecure"
    resolver.world.tamper.append(dnssec.without("RRSIG:NSEC3"))  # they count only if it is the zone that says so
    assert resolver("nx.signed.test.").status == "bogus"


@pytest.mark.parametrize(
    "owner, strip, reason",
    [
        ("www.signed.test.", "RRSIG:A", "www.signed.test A is not signed, though signed.test is"),
        ("alias.signed.test.", "RRSIG:A", "www.signed.test A is not signed, though signed.test is"),
        ("alias.signed.test.", "RRSIG:CNAME", "alias.signed.test CNAME is not signed, though signed.test is"),
        ("www.dname.signed.test.", "DNAME", "www.dname.signed.test CNAME is not signed, though signed.test is"),
        ("www.dname.signed.test.", "RRSIG:DNAME", "dname.signed.test DNAME is not signed, though signed.test is"),
        ("nx.signed.test.", "NSEC", "the proof that nx.signed.test does not exist is missing, though signed.test is signed"),
        ("nx.signed.test.", "RRSIG", "the proof that nx.signed.test does not exist is missing, though . is signed"),
        (
            "x.wild.signed.test.",
            "NSEC",
            "x.wild.signed.test A is made from *.wild.signed.test, but the proof that there is no x.wild.signed.test itself is missing",
        ),
    ],
)
def test_what_is_missing(plain, dnssec, owner, strip, reason):
    plain.world.tamper.append(dnssec.without(strip, at=None if strip != "RRSIG" else "signed.test."))
    verdict = plain(owner)
    assert verdict.status == "bogus"
    if strip != "RRSIG":
        assert verdict.reason == reason


def test_a_signature_of_each_kind_of_wrong(plain, dnssec):
    tag = plain.signed.keys[1].tag
    by = f"the signature of www.signed.test A by key {tag} (ECDSAP256SHA256)"
    where = dnssec.name("www.signed.test."), dnssec.rdtype("A")
    plain.signed.resign("www.signed.test.", "A", begins=dnssec.NOW - 9 * dnssec.DAY, ends=dnssec.NOW - dnssec.DAY * 3.2)
    assert plain("www.signed.test.").reason == f"{by} expired 3.2 days ago (2026-11-24 07:12 UTC)"
    plain.signed.resign("www.signed.test.", "A", begins=dnssec.NOW + dnssec.DAY / 2)
    assert plain("www.signed.test.").reason == f"{by} is not valid yet: it begins in 12.0 hours (2026-11-28 00:00 UTC)"
    plain.signed.resign("www.signed.test.", "A")
    plain.signed.signatures[where] = [dnssec.with_bad_bytes(plain.signed.signatures[where][0])]
    assert plain("www.signed.test.").reason == f"{by} does not verify: the data or the signature was changed"
    plain.signed.resign("www.signed.test.", "A")
    plain.signed.add("www.signed.test.", "A", "192.0.2.1", "192.0.2.66")
    assert plain("www.signed.test.").reason == f"{by} does not verify: the data or the signature was changed"


def test_one_record_more_or_less(plain, dnssec):
    for values in (["192.0.2.1"], ["192.0.2.1", "192.0.2.2", "192.0.2.3"]):
        plain.signed.add("www.signed.test.", "A", *values)
        assert plain("www.signed.test.").status == "bogus"


def test_the_worst_counts(plain, dnssec):
    """An unsigned zone on the way does not excuse a wrong signature further on."""
    assert plain("back.unsigned.test.").status == "insecure"
    plain.signed.resign("www.signed.test.", "A", ends=dnssec.NOW - dnssec.DAY)
    assert plain("back.unsigned.test.").status == "bogus"


def test_the_first_of_several_unsigned_zones_is_named(plain, dnssec):
    plain.unsigned.add("far.unsigned.test.", "CNAME", "www.elsewhere.test.")
    assert plain("far.unsigned.test.").reason.startswith("unsigned.test is not signed")
    assert plain("away.signed.test.").reason.startswith("elsewhere.test is not signed")


def replies_with(change):
    """A change of the answers to the one question that was put for the user, told by its name and type."""

    def tamper(message):
        question = message.question[0]
        if question.name.to_text() in change and question.rdtype == 1:
            change[question.name.to_text()](message)

    return tamper


@pytest.mark.parametrize("claim", ["NXDOMAIN", "NODATA"])
@pytest.mark.parametrize(
    "source", ["nx.signed.test.", "nx.other.test.", "x.www.signed.test.", "www.signed.test. TXT", "nx.test.", "unsigned.test. DS"]
)
def test_replayed_proofs(resolver, dnssec, claim, source):
    """Well signed proofs of other names, types and zones do not make a name vanish."""
    owner, _, rdtype = source.partition(" ")
    proof = resolver.world.ask(dnssec.name(owner), dnssec.rdtype(rdtype or "A"))

    def vanish(message):
        message.answer.clear()
        message.authority[:] = proof.authority
        message.set_rcode(dns.rcode.from_text(claim.replace("NODATA", "NOERROR")))

    resolver.world.tamper.append(replies_with({"www.signed.test.": vanish}))
    answer = resolver.look_up("www.signed.test.")
    assert answer.outcome == claim
    verdict = resolver.judge(answer)
    assert verdict.status == "bogus"
    what = "www.signed.test does not exist" if claim == "NXDOMAIN" else "www.signed.test has no A records"
    assert what in verdict.reason


def test_a_wildcard_in_place_of_a_name_that_exists(resolver, dnssec):
    """The wildcard's signature is good for sub.wild as well, but for the proof that must come with it."""
    wild = resolver.world.ask(dnssec.name("x.wild.signed.test."), dnssec.rdtype("A"))

    def replace(message):
        for rrset in wild.answer:
            rrset.name = dnssec.name("sub.wild.signed.test.")
        message.answer[:], message.authority[:] = wild.answer, wild.authority

    resolver.world.tamper.append(replies_with({"sub.wild.signed.test.": replace}))
    answer = resolver.look_up("sub.wild.signed.test.")
    assert [str(record) for record in answer.records] == ["192.0.2.3"]
    verdict = resolver.judge(answer)
    assert verdict.status == "bogus"
    assert "is made from *.wild.signed.test" in verdict.reason


def test_nodata_where_the_name_does_not_exist(resolver, dnssec):
    """The response code is not signed: the proof must be one of what it says."""
    for owner, rcode in (("nx.signed.test.", "NOERROR"), ("ent.signed.test.", "NXDOMAIN")):
        resolver.world.tamper[:] = [replies_with({owner: lambda message, rcode=rcode: message.set_rcode(dns.rcode.from_text(rcode))})]
        verdict = resolver(owner)
        assert verdict.status == "bogus"
        assert verdict.reason.startswith("the proof of signed.test does not show that ")


@pytest.mark.parametrize("target", ["www.signed.test.", "nx.other.test.", "www.elsewhere.test."])
def test_an_alias_that_its_dname_does_not_make(plain, dnssec, target):
    def change(message):
        for rrset in message.answer:
            if rrset.rdtype == dnssec.rdtype("CNAME"):
                rrset.clear()
                rrset.add(dns.rrset.from_text("x.", 300, "IN", "CNAME", target)[0])

    plain.world.tamper.append(replies_with({"www.dname.signed.test.": change}))
    verdict = plain("www.dname.signed.test.")
    assert verdict == Verdict("bogus", "www.dname.signed.test CNAME is not signed, though signed.test is")


@pytest.mark.parametrize("owner", ["other.test.", "dname.signed.test.", "x.dname.signed.test."])
def test_a_dname_that_is_not_of_a_name_above(plain, dnssec, owner):
    """It stands in the answer, but says nothing of the alias."""
    dname = plain.world.ask(dnssec.name("www.dname.signed.test."), dnssec.rdtype("A")).answer[:2]
    alias = dns.rrset.from_text(owner, 300, "IN", "CNAME", "www.other.test.")

    def change(message):
        message.answer[:] = [*dname, alias]

    plain.world.tamper.append(replies_with({owner: change}))
    assert plain(owner).status == "bogus"


def test_a_dname_that_makes_too_long_a_name(plain, dnssec):
    label = "x" * 60
    plain.signed.add("long.signed.test.", "DNAME", f"{label}.{label}.other.test.")
    plain.signed.sign()
    dname = plain.world.ask(dnssec.name("long.signed.test."), dnssec.rdtype("DNAME")).answer
    del plain.signed.sets[dnssec.name("long.signed.test."), dnssec.rdtype("DNAME")]
    owner = f"{label}.{label}.long.signed.test."

    def change(message):
        message.answer[:] = [*dname, dns.rrset.from_text(owner, 300, "IN", "CNAME", "www.other.test.")]

    plain.world.tamper.append(replies_with({owner: change}))
    assert plain(owner).status == "bogus"


def test_a_server_that_does_not_follow_aliases(plain, dnssec):
    """Each reply has its part, and each part is judged in the reply that it came in."""

    def cut(message):
        first = message.answer[0].name if message.answer else None
        message.answer[:] = [rrset for rrset in message.answer if rrset.name == first]

    plain.world.tamper.append(cut)
    answer = plain.look_up("chain.signed.test.")
    assert len(answer.earlier) == 2
    assert plain.judge(answer).status == "secure"
    plain.signed.resign("alias.signed.test.", "CNAME", ends=dnssec.NOW - dnssec.DAY)
    assert plain("chain.signed.test.").reason.startswith("the signature of alias.signed.test CNAME by key")


@pytest.mark.parametrize("bait", ["c A", "c CNAME"])
def test_what_was_used_is_what_is_judged(plain, dnssec, bait):
    """A first reply brings signed records that nobody asked for, a second one unsigned ones in their place, which are used."""
    plain.signed.add("a.signed.test.", "CNAME", "b.signed.test.")
    plain.signed.add("b.signed.test.", "CNAME", "c.signed.test.")
    plain.signed.add("c.signed.test.", *{"c A": ("A", "192.0.2.1"), "c CNAME": ("CNAME", "www.signed.test.")}[bait])
    plain.signed.sign()
    good = plain.world.ask(dnssec.name("c.signed.test."), dnssec.rdtype(bait[2:])).answer
    forged = {"c A": ("A", "192.0.2.66"), "c CNAME": ("CNAME", "www.other.test.")}[bait]

    def first(message):
        message.answer[:] = [rrset for rrset in message.answer if rrset.name.to_text().startswith("a.")] + good

    def second(message):
        message.answer[:] = [rrset for rrset in message.answer if rrset.name.to_text().startswith("b.")]
        message.answer.append(dns.rrset.from_text("c.signed.test.", 300, "IN", *forged))
        if bait == "c CNAME":
            message.answer += plain.world.ask(dnssec.name("www.other.test."), dnssec.rdtype("A")).answer

    assert plain("a.signed.test.").status == "secure"
    plain.world.tamper.append(replies_with({"a.signed.test.": first, "b.signed.test.": second}))
    answer = plain.look_up("a.signed.test.")
    assert [str(record) for record in answer.records] == ["192.0.2.66" if bait == "c A" else "192.0.2.7"]
    assert plain.judge(answer) == Verdict("bogus", f"c.signed.test {bait[2:]} is not signed, though signed.test is")


def test_a_resolver_that_knows_no_dnssec(plain, dnssec):
    plain.world.tamper.append(dnssec.without("RRSIG", "NSEC", "DS", "DNSKEY"))
    assert plain("www.signed.test.") == Verdict("bogus", ". has no DNSKEY records, though the trust anchor names " + root_key(plain))


def root_key(resolver):
    return f"key {resolver.root.keys[0].tag} (ECDSAP384SHA384)"


def test_a_silent_server(plain):
    answer = plain.look_up("www.signed.test.")

    def ask(name, rdtype):
        raise NetError("no answer from 127.0.0.1 over UDP within 2 s", phase="first_byte", kind="timeout")

    verdict = validate(answer, parse_anchors(plain.anchors), ask, plain.now)
    assert verdict == Verdict("bogus", "the DNSKEY records of . could not be had: no answer from 127.0.0.1 over UDP within 2 s")


CHANGED = [
    ("www.signed.test.", "A"),
    ("there.signed.test.", "A"),
    ("x.wild.signed.test.", "A"),
    ("nx.signed.test.", "A"),
    ("www.dname.signed.test.", "A"),
    ("www.signed.test.", "TXT"),
]


@pytest.mark.parametrize("question", CHANGED, ids=" ".join)
def test_changed_answers_are_never_secure(resolver, monkeypatch, question):
    """Bytes of the answer are changed at random: what is still called secure says what the zone says."""
    resolver.anchors = [resolver.signed.anchor(), resolver.other.anchor()]
    resolver.ask = functools.cache(resolver.ask)
    good = resolver.look_up(*question)
    wire = good.message.to_wire()
    dice = random.Random(str(question))
    judged = 0
    for _ in range(120):
        message = parsed(changed(wire, dice))
        if message is None:
            continue
        monkeypatch.setattr(dnsquery, "ask", lambda *what, message=message: (message, "udp"))
        with contextlib.suppress(NetError):
            answer = look_up(good.name, good.server, Question(good.rdtype, Deadline(5), dnssec=True))
            judged += answer.outcome in SIGNABLE
            if answer.outcome in SIGNABLE and resolver.judge(answer).status == "secure":
                assert (answer.outcome, answer.aliases) == (good.outcome, good.aliases)
                assert compared(answer.records).keys() == compared(good.records).keys()
    assert judged > 20


def changed(wire, dice):
    data = bytearray(wire)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        data[dice.randrange(2, len(data))] = dice.randrange(256)
    return bytes(data)


def parsed(wire):
    """The message, if it is one: what cannot be read is refused before anything is judged."""
    try:
        return dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
