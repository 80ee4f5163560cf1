"""Knot DNS: signs a zone as it loads it. On 127.0.0.2 it is the second name server of the zones that bind9 has on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .program import HOST, fill, find, free_port, home, running
from .zones import anchor, answer, zone

SECOND = "127.0.0.2"
CONFIG = """
server:
    rundir: "@home@"
    pidfile: "@home@/knot.pid"
    listen: [ @host@@@port@, @second@@@second_port@ ]
    tcp-workers: 1
    udp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: "@home@/db"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 4M
policy:
  - id: fast
    algorithm: ecdsap256sha256
    nsec3: on
template:
  - id: default
    storage: "@home@"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
zone:
  - domain: signed.test
    dnssec-signing: on
    dnssec-policy: fast
  - domain: child.signed.test
  - domain: plain.test
  - domain: stale.test
"""


@dataclass(frozen=True)
class Knot:
    """Its port on 127.0.0.1; ``second`` is that on 127.0.0.2; ``anchor`` is the trust anchor of signed.test."""

    port: int
    second: int
    anchor: str


@contextmanager
def knot(second: int) -> Iterator[Knot]:
    program = find("knotd")
    with home("knot") as place:
        for name in ("signed", "child.signed", "plain", "stale"):
            place.write(f"{name}.test.zone", zone(f"{name}.test."))
        place.path.joinpath("db").mkdir()
        port = free_port()
        config = place.write("knot.conf", fill(CONFIG, home=place.path, host=HOST, port=port, second=SECOND, second_port=second))
        with running([program, "-c", str(config)], place, lambda: _loaded(port)):
            yield Knot(port, second, anchor("signed.test.", port))


def _loaded(port: int) -> None:
    for name in ("signed.test", "plain.test", "stale.test"):
        answer(name, "A", port)
    anchor("signed.test.", port)
