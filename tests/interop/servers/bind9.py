"""BIND: a zone that it signs, one that nobody signs, and one whose signatures have expired; over UDP, TCP, TLS and HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from monitorpy.lab.certificates import Certificates

from .program import HOST, Home, call, fill, find, free_port, home, running
from .zones import anchor, answer, zone

CONFIG = """
options {
  directory "@home@"; pid-file "@home@/named.pid"; session-keyfile "@home@/session.key"; lock-file none;
  listen-on port @port@ { @host@; };
  listen-on-v6 { none; };
  listen-on port @tls@ tls of-the-lab { @host@; };
  listen-on port @https@ tls of-the-lab http default { @host@; };
  recursion no; dnssec-validation no; empty-zones-enable no; notify no;
};
tls of-the-lab { cert-file "@chain@"; key-file "@key@"; };
controls { };
logging { channel errors { stderr; severity warning; }; category default { errors; }; };
dnssec-policy fast {
  keys { ksk lifetime unlimited algorithm ecdsap256sha256; zsk lifetime unlimited algorithm ecdsap256sha256; };
  nsec3param iterations 0 optout no salt-length 0;
};
zone "signed.test" { type primary; file "signed.test.zone"; dnssec-policy fast; inline-signing yes; };
zone "child.signed.test" { type primary; file "child.signed.test.zone"; };
zone "plain.test" { type primary; file "plain.test.zone"; };
zone "bogus.test" { type primary; file "bogus.test.zone.signed"; };
zone "stale.test" { type primary; file "stale.test.zone"; };
"""


@dataclass(frozen=True)
class Bind9:
    """Its ports; ``anchor`` is the trust anchor of signed.test and ``bogus_anchor`` that of bogus.test."""

    port: int
    tls: int
    https: int
    anchor: str
    bogus_anchor: str


@contextmanager
def bind9(certificates: Certificates, port: int) -> Iterator[Bind9]:
    program = find("named")
    with home("bind9") as place:
        for name, serial in {"signed": 1, "plain": 1, "bogus": 1, "stale": 2}.items():
            place.write(f"{name}.test.zone", zone(f"{name}.test.", serial))
        place.write("child.signed.test.zone", zone("child.signed.test."))
        _sign_long_ago(place)
        chain, key = place.copy(certificates.good.chain_file, certificates.good.key_file)
        ports = {"port": port, "tls": free_port(), "https": free_port()}
        place.write("named.conf", fill(CONFIG, home=place.path, host=HOST, chain=chain, key=key, **ports))
        command = [program, "-f", "-n", "1", "-c", str(place.path / "named.conf")]
        with running(command, place, lambda: _loaded(port)):
            yield Bind9(**ports, anchor=anchor("signed.test.", port), bogus_anchor=anchor("bogus.test.", port))


def _loaded(port: int) -> None:
    for name in ("signed.test", "plain.test", "bogus.test"):
        answer(name, "A", port)
    anchor("signed.test.", port)
    answer("signed.test", "NSEC3PARAM", port)  # the last that it does: the zone is signed through and through


def _sign_long_ago(place: Home) -> None:
    keygen = [find("dnssec-keygen"), "-q", "-a", "ECDSAP256SHA256"]
    for flags in ([], ["-f", "KSK"]):
        call([*keygen, *flags, "bogus.test"], place)
    keys = sorted(str(path.with_suffix("")) for path in place.path.glob("K*.key"))
    period = ["-s", "20250101000000", "-e", "20250201000000"]
    files = ["-o", "bogus.test", "-f", "bogus.test.zone.signed", "bogus.test.zone"]
    place.write("bogus.test.zone", zone("bogus.test.") + "".join(place.path.joinpath(f"{key}.key").read_text() for key in keys))
    call([find("dnssec-signzone"), "-P", "-q", *period, *files, *keys], place)
