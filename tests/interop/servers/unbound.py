"""Unbound: a resolver before bind9 that validates what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .bind9 import Bind9
from .program import HOST, fill, find, free_port, home, running
from .zones import answer

CONFIG = """
server:
  interface: @host@@@port@
  directory: "@home@"
  pidfile: "@home@/unbound.pid"
  username: ""
  chroot: ""
  use-syslog: no
  logfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "validator iterator"
  trust-anchor-file: "@home@/anchors"
  local-zone: "test." nodefault
  num-threads: 1
  msg-cache-size: 1m
  rrset-cache-size: 1m
remote-control:
  control-enable: no
"""
STUB = """
stub-zone:
  name: @name@
  stub-addr: @host@@@port@
"""


@dataclass(frozen=True)
class Unbound:
    port: int


@contextmanager
def unbound(behind: Bind9) -> Iterator[Unbound]:
    program = find("unbound")
    with home("unbound") as place:
        port = free_port()
        stubs = [fill(STUB, name=name, host=HOST, port=behind.port) for name in ("signed.test", "plain.test", "bogus.test")]
        place.write("anchors", f"{behind.anchor}\n{behind.bogus_anchor}\n")
        config = place.write("unbound.conf", fill(CONFIG, home=place.path, host=HOST, port=port) + "".join(stubs))
        with running([program, "-d", "-p", "-c", str(config)], place, lambda: answer("signed.test", "A", port)):
            yield Unbound(port)
