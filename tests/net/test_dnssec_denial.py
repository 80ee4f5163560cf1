from __future__ import annotations

import functools

import dns.rrset
import pytest

from monitorpy.net.dnssec_denial import (
    MAX_ITERATIONS,
    Covered,
    Encloser,
    Nsec3Denial,
    NsecDenial,
    delegation,
    no_closer_name,
    no_name,
    no_type,
    wildcard_below,
)
from monitorpy.net.dnssec_signatures import Insecure

TEXT = """
www        A     192.0.2.1
a.b.ent    A     192.0.2.2
*.wild     A     192.0.2.3
sub.wild   A     192.0.2.4
alias      CNAME www
dname      DNAME other.test.
cut        NS    ns.cut
ns.cut     A     192.0.2.5
safe       NS    ns.safe
safe       DS    1 13 2 0000000000000000000000000000000000000000000000000000000000000000
zzz        A     192.0.2.6
"""
NSEC3S = {"plain": {}, "salted": {"salt": "aabbcc", "iterations": 7}, "opt-out": {"opt_out": True}}


@pytest.fixture(params=["nsec", *NSEC3S])
def kind(request):
    return request.param


@functools.cache
def whole(dnssec, kind):
    return dnssec.Zone("signed.test.", TEXT, keys=[dnssec.key()], nsec3=NSEC3S.get(kind))


@pytest.fixture
def zone(dnssec, kind):
    return whole(dnssec, kind).copy()


def made(dnssec, zone, *owners, **changes):
    """A denial of the records that are at these names, or of all."""
    found = [rrset for (owner, rdtype), rrset in zone.sets.items() if rdtype in {dnssec.rdtype("NSEC"), dnssec.rdtype("NSEC3")}]
    if owners:
        wanted = [owner_of(dnssec, zone, owner) for owner in owners]
        found = [rrset for rrset in found if rrset.name in wanted]
        assert len(found) == len(owners)
    if changes:
        found = [dns.rrset.from_rdata(rrset.name, 60, *(record.replace(**changes) for record in rrset)) for rrset in found]
    return NsecDenial(found) if zone.nsec3 is None else Nsec3Denial(zone.origin, found)


def owner_of(dnssec, zone, owner):
    name = dnssec.name(f"{owner}.signed.test." if owner else "signed.test.")
    return name if zone.nsec3 is None else dnssec.name(f"{zone.hash(name)}.signed.test.")


@pytest.fixture
def says(dnssec, zone):
    """Asks all records of the zone about a name of it."""
    denial = made(dnssec, zone)

    def run(question, owner, *more):
        return question(denial, dnssec.name(f"{owner}.signed.test." if owner else "signed.test."), *more)

    return run


def but_for_opt_out(kind, value="proven"):
    return "opt-out" if kind == "opt-out" else value


@pytest.mark.parametrize("owner", ["nx", "a.nx", "x.www", "b.a.b.ent", "x.ent", "zzzz", "0", "x.sub.wild", "x.alias", "*", "*.www"])
def test_no_such_name(says, kind, owner):
    assert says(no_name, owner) == but_for_opt_out(kind)


@pytest.mark.parametrize(
    "owner", ["", "www", "ent", "b.ent", "a.b.ent", "x.wild", "x.y.wild", "*.wild", "wild", "alias", "dname", "cut", "safe"]
)
def test_names_that_exist(says, kind, owner):
    assert says(no_name, owner) == ("opt-out" if (owner, kind) == ("cut", "opt-out") else None)


@pytest.mark.parametrize("owner", ["x.cut", "ns.cut", "x.safe", "a.b.safe", "x.dname", "a.b.dname"])
def test_a_zone_says_nothing_of_what_is_below_a_delegation_or_dname(dnssec, zone, kind, owner):
    """RFC 6840, 4.1: else a parent's records would deny all names of a child zone."""
    denial, name = made(dnssec, zone), dnssec.name(f"{owner}.signed.test.")
    if (kind, owner.split(".")[-1]) == ("opt-out", "cut"):  # nothing is said of that delegation, and nothing proven about names below
        assert no_name(denial, name) == "opt-out"
        return
    assert no_name(denial, name) is None
    assert no_type(denial, name, dnssec.rdtype("A")) is None
    if zone.nsec3 is None:
        assert no_closer_name(denial, name, 2) is None
        assert delegation(denial, name) is None


@pytest.mark.parametrize(
    "owner, rdtype, absent",
    [
        ("www", "TXT", True),
        ("www", "A", False),
        ("", "A", True),
        ("", "SOA", False),
        ("ent", "A", True),
        ("b.ent", "A", True),
        ("wild", "A", True),
        ("alias", "A", False),
        ("alias", "CNAME", False),
        ("dname", "A", True),
        ("safe", "A", False),
        ("safe", "DS", False),
        ("safe", "NS", False),
        ("www", "DS", True),
        ("", "DS", False),
        ("x.wild", "A", False),
    ],
)
def test_no_such_type(dnssec, says, owner, rdtype, absent):
    assert says(no_type, owner, dnssec.rdtype(rdtype)) == ("proven" if absent else None)


def test_no_such_type_at_a_wildcard(dnssec, says, kind):
    assert says(no_type, "x.wild", dnssec.rdtype("TXT")) == but_for_opt_out(kind)
    assert says(no_type, "nx", dnssec.rdtype("TXT")) is None  # there is no wildcard


def test_no_ds_at_a_delegation(dnssec, says, kind):
    assert says(no_type, "cut", dnssec.rdtype("DS")) == but_for_opt_out(kind)
    assert says(no_type, "cut", dnssec.rdtype("A")) is None


def test_the_root_has_no_parent_to_have_its_ds(dnssec):
    root = dnssec.Zone(".", keys=[dnssec.key()])
    denial = NsecDenial([root.sets[dnssec.name("."), dnssec.rdtype("NSEC")]])
    assert no_type(denial, dnssec.name("."), dnssec.rdtype("DS")) == "proven"


@pytest.mark.parametrize("owner", ["x.wild", "x.y.wild"])
def test_nothing_closer_than_the_wildcard(says, kind, owner):
    assert says(no_closer_name, owner, 3) == but_for_opt_out(kind)


@pytest.mark.parametrize("owner", ["sub.wild", "x.sub.wild"])
def test_something_closer_than_the_wildcard(says, owner):
    """RFC 4592, 3.3.1: a name that exists stops the wildcard for all below it."""
    assert says(no_closer_name, owner, 3) is None


def test_something_below_a_name_that_only_has_names_below(says):
    assert says(no_closer_name, "x.b.ent", 2) is None


@pytest.mark.parametrize(
    "owner, found",
    [("www", "no cut"), ("ent", "no cut"), ("alias", "no cut"), ("dname", "no cut"), ("safe", None), ("", None), ("x.safe", None)],
)
def test_delegations(says, owner, found):
    assert says(delegation, owner) == found


def test_delegations_that_are_none(says, kind):
    assert says(delegation, "nx") == but_for_opt_out(kind, "no name")
    assert says(delegation, "cut") == but_for_opt_out(kind, "unsigned")


def test_the_right_records_are_needed(dnssec, zone, kind):
    """What is true, but not proven by these records."""
    denial = made(dnssec, zone, "www")
    for owner in ["ent", "nx", "b.ent"]:
        name = dnssec.name(f"{owner}.signed.test.")
        assert no_type(denial, name, dnssec.rdtype("A")) is None
        assert no_name(denial, name) is None
    assert denial.encloser(dnssec.name("nx.signed.test.")) is None
    assert no_type(denial, dnssec.name("www.signed.test."), dnssec.rdtype("TXT")) == "proven"


def test_the_wildcard_must_be_denied_too(dnssec):
    plain = dnssec.Zone("signed.test.", "a A 192.0.2.1\nb A 192.0.2.2\n", keys=[dnssec.key()])
    name = dnssec.name("aa.signed.test.")
    assert no_name(made(dnssec, plain, "a"), name) is None
    assert no_name(made(dnssec, plain, "a", ""), name) == "proven"


def test_the_only_name_of_a_zone(dnssec, kind):
    zone = dnssec.Zone("signed.test.", keys=[dnssec.key()], nsec3=NSEC3S.get(kind))
    for known in [known for known in zone.sets if known[0] != zone.origin]:
        del zone.sets[known]
    zone.sign()
    denial = made(dnssec, zone)
    assert no_name(denial, dnssec.name("nx.signed.test.")) == but_for_opt_out(kind)
    assert no_name(denial, zone.origin) is None


def test_the_wildcard_below_the_root(dnssec):
    assert wildcard_below(dnssec.name(".")) == dnssec.name("*.")


class TestNsec3:
    @pytest.fixture
    def zone(self, dnssec):
        return dnssec.Zone("signed.test.", TEXT, keys=[dnssec.key()], nsec3={"iterations": 1})

    def test_too_many_iterations(self, dnssec):
        good = dnssec.Zone("signed.test.", TEXT, keys=[dnssec.key()], nsec3={"iterations": MAX_ITERATIONS})
        assert no_name(made(dnssec, good), dnssec.name("nx.signed.test.")) == "proven"
        bad = dnssec.Zone("signed.test.", TEXT, keys=[dnssec.key()], nsec3={"iterations": MAX_ITERATIONS + 1})
        with pytest.raises(Insecure) as caught:
            made(dnssec, bad)
        assert str(caught.value).startswith("signed.test counts as unsigned: its NSEC3 records are hashed 101 times more")

    @pytest.mark.parametrize("changes", [{"algorithm": 2}, {"flags": 2}, {"flags": 3}, {"next": b"short"}])
    def test_unknown_ones_are_ignored(self, dnssec, zone, changes):
        """Even their iterations: only what is used can be too expensive."""
        denial = made(dnssec, zone, iterations=5000, **changes)
        assert denial.types_at(dnssec.name("www.signed.test.")) is None
        assert no_name(denial, dnssec.name("nx.signed.test.")) is None

    def test_others_than_the_first_are_ignored(self, dnssec, zone):
        name = dnssec.name("www.signed.test.")
        first = zone.sets[owner_of(dnssec, zone, ""), dnssec.rdtype("NSEC3")]
        www = zone.sets[owner_of(dnssec, zone, "www"), dnssec.rdtype("NSEC3")]
        assert Nsec3Denial(zone.origin, [first, www]).types_at(name) is not None
        salted = dns.rrset.from_rdata(first.name, 60, first[0].replace(salt=b"x"))
        assert Nsec3Denial(zone.origin, [salted, www]).types_at(name) is None

    @pytest.mark.parametrize(
        "owner", ["www.signed.test.", "!!!.signed.test.", "AAAA.signed.test.", ".", "signed.test.", "deep.{}", "{}other."]
    )
    def test_owners_that_are_no_hash_of_this_zone(self, dnssec, zone, owner):
        rrset = zone.sets[owner_of(dnssec, zone, "www"), dnssec.rdtype("NSEC3")].copy()
        assert Nsec3Denial(zone.origin, [rrset]).types_at(dnssec.name("www.signed.test.")) is not None
        rrset.name = dnssec.name(owner.format(rrset.name))
        assert Nsec3Denial(zone.origin, [rrset]).types_at(dnssec.name("www.signed.test.")) is None

    def test_the_encloser_alone_proves_nothing(self, dnssec, zone):
        name = dnssec.name("nx.signed.test.")
        assert made(dnssec, zone, "").encloser(name) is None
        assert made(dnssec, zone).encloser(name) == Encloser(zone.origin, opt_out=False)
        assert made(dnssec, zone).covers(name) == Covered(opt_out=False)
        assert made(dnssec, zone, "").encloser(zone.origin) is None
