from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from monitorpy.lab.certificates import Certificates
from monitorpy.net.certificate import describe
from monitorpy.net.chain import days, host_flaw, links, quoted, sent_path, stamp, strength_flaws, validity_flaws

FAR = 1000


def certificate(subject="CN=leaf", issuer="CN=ca", begins=-10, ends=FAR, **more):
    now = datetime.now(UTC)
    return {
        "subject": subject,
        "issuer": issuer,
        "sans": ["leaf.test"],
        "not_before": (now + timedelta(days=begins)).isoformat(timespec="seconds"),
        "not_after": (now + timedelta(days=ends)).isoformat(timespec="seconds"),
        "days_remaining": float(ends),
        "key_type": "EC",
        "key_bits": 256,
        "signature_algorithm": "ecdsa-with-SHA256",
        "fingerprint_sha256": f"{subject}{issuer}{begins}{ends}",
    } | more


LEAF, MIDDLE, ROOT = certificate(issuer="CN=m"), certificate("CN=m", "CN=r"), certificate("CN=r", "CN=r")


def placed(sent, path=None):
    return [(link.part, link.name, link.at) for link in links(sent, path)]


def test_all_that_was_sent_is_needed_where_no_path_is_known():
    assert placed([LEAF, MIDDLE, ROOT]) == [
        ("leaf", "certificate", "chain[0]"),
        ("intermediate", "intermediate certificate 'CN=m' (number 2 of 3 sent)", "chain[1]"),
        ("root", "root certificate 'CN=r' (number 3 of 3 sent)", "chain[2]"),
    ]
    assert placed([ROOT]) == [("leaf", "certificate", "chain[0]")]


def test_what_is_not_on_the_path_is_spare_and_what_was_not_sent_is_added():
    other = certificate("CN=o", "CN=p")
    assert placed([LEAF, other, MIDDLE], [LEAF, MIDDLE, ROOT]) == [
        ("leaf", "certificate", "chain[0]"),
        ("spare", "intermediate certificate 'CN=o' (number 2 of 3 sent)", "chain[1]"),
        ("intermediate", "intermediate certificate 'CN=m' (number 3 of 3 sent)", "chain[2]"),
        ("root", "root certificate 'CN=r' (trusted here, not sent)", "verified_chain[2]"),
    ]


def test_one_that_is_sent_twice_counts_once():
    assert [at for _, _, at in placed([LEAF, LEAF, MIDDLE, MIDDLE], [LEAF, MIDDLE])] == ["chain[0]", "chain[2]"]


def test_places_in_the_observation():
    leaf, middle = links([LEAF, MIDDLE])
    assert [leaf.place(key) for key in ("days_remaining", "not_before", "key_bits")] == [
        "days_remaining",
        "not_before",
        "chain[0].key_bits",
    ]
    assert middle.place("not_before") == "chain[1].not_before"


def test_validity_of_every_certificate():
    found = list(validity_flaws(links([certificate(), certificate(ends=-2), certificate(begins=0.5), certificate(ends=-0.01)])))
    assert [f.path for f in found] == ["chain[1].days_remaining", "chain[2].not_before", "chain[3].days_remaining"]
    assert found[0].text.startswith("intermediate certificate 'CN=leaf' (number 2 of 4 sent) expired 2.0 days ago (")
    assert "is not valid yet: it begins in 12.0 hours (" in found[1].text
    assert "expired 14 minutes ago" in found[2].text
    assert {f.severity for f in found} == {"error"}
    assert next(validity_flaws(links([certificate(ends=-1)]))).text.startswith("certificate expired 1.0 days ago (")


def test_what_nobody_needs_is_a_warning_at_most():
    old = certificate("CN=r", "CN=old", ends=-30, key_type="RSA", key_bits=1024, signature_algorithm="md5WithRSAEncryption")
    chain = links([LEAF, MIDDLE, old], [LEAF, MIDDLE, ROOT])
    found = [*validity_flaws(chain), *strength_flaws(chain)]
    assert [(f.severity, f.path) for f in found] == [
        ("warning", "chain[2].days_remaining"),
        ("warning", "chain[2].key_bits"),
        ("warning", "chain[2].signature_algorithm"),
    ]
    assert found[0].text.startswith("intermediate certificate 'CN=r' (number 3 of 3 sent) expired 30.0 days ago (")
    assert found[0].text.endswith("; no client needs it, so the server need not send it")


@pytest.mark.parametrize(
    "more, weak",
    [
        ({}, None),
        ({"key_type": "RSA", "key_bits": 2048, "signature_algorithm": "sha256WithRSAEncryption"}, None),
        ({"key_type": "RSA", "key_bits": 2047}, "key_bits"),
        ({"key_type": "RSA", "key_bits": 16384}, None),
        ({"key_type": "EC", "key_bits": 224}, None),
        ({"key_type": "EC", "key_bits": 192}, "key_bits"),
        ({"key_type": "DSA", "key_bits": 1024}, "key_bits"),
        ({"key_type": "Ed25519", "key_bits": None, "signature_algorithm": "ed25519"}, None),
        ({"key_type": "unknown", "key_bits": 1}, None),
        ({"signature_algorithm": "sha1WithRSAEncryption"}, "signature_algorithm"),
        ({"signature_algorithm": "md5WithRSAEncryption"}, "signature_algorithm"),
        ({"signature_algorithm": "ecdsa-with-SHA1"}, "signature_algorithm"),
        ({"signature_algorithm": "dsa-with-sha1"}, "signature_algorithm"),
        ({"signature_algorithm": "sha-1WithRSA"}, "signature_algorithm"),
        ({"signature_algorithm": "RSASSA-PSS"}, None),
        ({"signature_algorithm": "sha384WithRSAEncryption"}, None),
    ],
)
def test_strength(more, weak):
    found = [f.path for f in strength_flaws(links([certificate(ends=1), certificate(**more)]))]
    assert found == ([f"chain[1].{weak}"] if weak else [])


def test_the_signature_of_a_root_does_not_count_but_that_of_a_self_signed_leaf_does():
    root = certificate("CN=r", "CN=r", signature_algorithm="sha1WithRSAEncryption")
    assert list(strength_flaws(links([LEAF, root]))) == []
    assert [f.text for f in strength_flaws(links([root]))] == ["certificate has a weak signature: sha1WithRSAEncryption"]


@pytest.mark.parametrize(
    "more, host, said",
    [
        ({}, "a.test", "the certificate is not for a.test but for leaf.test"),
        ({"sans": ["x.test"] * 100}, "a.test", "the certificate is not for a.test but for x.test, "),
        ({"sans": []}, "a.test", "the certificate names no host, so not a.test"),
        ({"sans": [], "subject": "CN=*.a.test"}, "b.a.test", "has b.a.test as its common name only, where no client looks any more"),
        ({"sans": [], "subject": "CN=10.0.0.1"}, "10.0.0.1", "the certificate names no host, so not 10.0.0.1"),
        ({"sans": ["DNS:10.0.0.1"]}, "10.0.0.1", "(the address 10.0.0.1 is named as if it were a host, which no client accepts)"),
    ],
)
def test_a_wrong_host(more, host, said):
    flaw = host_flaw(certificate(**more), host)
    assert flaw.text.startswith("wrong host: ")
    assert said in flaw.text
    assert len(flaw.text) < 450
    assert (flaw.path, flaw.expected, flaw.severity) == ("sans", f"a name for {host}", "error")
    assert host_flaw(certificate(), "leaf.test") is None


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def subjects(*chain):
    path = sent_path([c.public_bytes(Encoding.DER) for c in chain])
    return [describe(der)["subject"].removeprefix("CN=MonitorPy Lab ") for der in path]


def test_the_path_leads_by_names_and_signatures_in_any_order(lab):
    leaf, middle, root = lab.good.certificate, lab.intermediate.certificate, lab.root.certificate
    assert subjects(leaf) == ["CN=localhost"]
    assert subjects(leaf, middle, root) == ["CN=localhost", "Intermediate", "Root"]
    assert subjects(leaf, root, middle) == ["CN=localhost", "Intermediate", "Root"]
    impostor = lab.authority("MonitorPy Lab Intermediate", lab.root).certificate
    assert subjects(leaf, impostor) == ["CN=localhost"]
    assert subjects(leaf, impostor, middle) == ["CN=localhost", "Intermediate"]


def test_of_two_ways_the_one_that_is_valid_now_is_taken(lab):
    old = lab.authority("MonitorPy Lab Intermediate", lab.root, key=lab.intermediate.key, days_left=-1)
    leaf, middle = lab.good.certificate, lab.intermediate.certificate
    for sent in ([leaf, old.certificate, middle], [leaf, middle, old.certificate]):
        path = sent_path([c.public_bytes(Encoding.DER) for c in sent])
        assert path[1] == middle.public_bytes(Encoding.DER)


def test_a_path_without_end_is_cut(lab):
    issuer, sent = lab.root, [lab.good.certificate]
    above = [
        lab.authority("MonitorPy Lab Intermediate", lab.root, key=lab.intermediate.key, days_left=n, lifetime=n).certificate
        for n in range(1, 30)
    ]
    assert len(subjects(*sent, *above)) == 2
    chain = [lab.authority("0", issuer)]
    for n in range(1, 30):
        chain.append(lab.authority(str(n), chain[-1]))
    assert len(subjects(lab.issue("deep", issuer=chain[-1]).certificate, *(c.certificate for c in reversed(chain)))) == 20


def test_what_a_certificate_says_is_shown_as_far_as_it_fits():
    assert quoted("CN=a\n") == "'CN=a\\n'"
    assert quoted("x" * 201) == f"'{'x' * 200}...'"
    assert len(links([LEAF, certificate("CN=" + "x" * 5000)])[1].name) < 300


def test_words():
    assert [days(v) for v in (12.34, 1, 0.5, 0.02)] == ["12.3 days", "1.0 days", "12.0 hours", "29 minutes"]
    assert [days(v, unlike=30) for v in (29.9, 29.99)] == ["29.9 days", "29.99 days"]
    assert days(29.99999, unlike=30) == "29.999990 days"
    assert stamp("2026-12-05T12:00:00+02:00") == "2026-12-05 10:00 UTC"
