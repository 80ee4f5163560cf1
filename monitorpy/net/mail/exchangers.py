"""The hosts that take mail for a domain (RFC 5321, 5.1), and where they are. Importing this module imports dnspython."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from dns.rdatatype import AAAA, MX, A, RdataType

from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.resolve import Family, resolve

MAX_HOSTS = 50
"""MX records that a domain may have; who has more is not looked at."""

_RECORDS: dict[Family, tuple[RdataType, ...]] = {"any": (A, AAAA), "ipv4": (A,), "ipv6": (AAAA,)}
_SETTLED = {"NOERROR", "NXDOMAIN"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exchanger is: its addresses, as far as they are known, and what its name is an alias of.

    ``unknown`` is why the addresses of one family could not be had, though those of the other were.
    """

    host: str
    addresses: tuple[str, ...]
    alias_of: str | None
    unknown: NetError | None = None


class MailDomain:
    """The mail exchangers of a domain, as ``nameserver`` tells them, or the servers of this machine.

    ``nameserver`` is also asked for the addresses of the hosts; those that it does not know the system resolves.
    """

    def __init__(self, name: str, nameserver: str | None, deadline: Deadline, family: Family = "any") -> None:
        self.name = name
        self._own = nameserver is not None
        self._servers = [dnsquery.Server.parse(nameserver)] if nameserver else dnsquery.system_servers()
        self._deadline = deadline
        self._family: Family = family

    def records(self) -> list[tuple[int, str]]:
        """Preference and host of each MX record, the most preferred first, equal ones by name. NetError where no mail can be brought.

        A domain without MX records gets its mail at its own addresses (RFC 5321, 5.1), but one that lost them is not well: it is an error.
        """
        answer = self._ask(self.name, MX, self._deadline)
        if answer.rcode not in _SETTLED:
            raise _unresolved(f"the MX records of {self.name} cannot be looked up: {answer.rcode} from {answer.server}")
        texts = [(record.preference, record.exchange.to_text(omit_final_dot=True)) for record in answer.records]  # type: ignore[attr-defined]
        found = sorted(set(texts), key=lambda record: (record[0], record[1].lower()))
        if not found:
            raise _unresolved(f"{self.name} has no MX records ({answer.rcode} from {answer.server})")
        if len(found) > MAX_HOSTS:
            raise _unresolved(f"{self.name} has {len(found)} MX records; more than {MAX_HOSTS} are not looked at")
        if any(host == "." for _, host in found):
            beside = "" if len(found) == 1 else ", beside others, which RFC 7505 forbids"
            raise _unresolved(f"{self.name} takes no mail: it has the null MX{beside}")
        return found

    def places(self, hosts: list[str]) -> list[Place]:
        """Where the hosts are, looked up side by side."""
        with ThreadPoolExecutor(len(hosts), "monitorpy-mx") as pool:
            return list(pool.map(self.place, hosts))

    def place(self, host: str) -> Place:
        """Where a host is; without addresses if they cannot be found in half of the time that is left: who connects will say why."""
        deadline = Deadline(self._deadline.left() / 2)
        kinds = _RECORDS[self._family]
        found = dnsquery.in_parallel([partial(self._ask, host, kind, deadline) for kind in kinds])
        answers = [answer for answer in found if not isinstance(answer, NetError)]
        alias = next((answer.aliases[-1].to_text(omit_final_dot=True) for answer in answers if answer.aliases), None)
        # name servers rotate them: in order, the same one is tried each time
        known = [sorted(record.address for record in answer.records) for answer in answers]  # type: ignore[attr-defined]
        addresses = list(chain.from_iterable(known)) if self._own else []
        unknown = next(filter(None, map(_problem, kinds, found)), None) if addresses else None
        if not addresses:
            try:
                addresses = [address.host for address in resolve(host, 0, deadline, self._family)]
            except NetError:
                addresses = []
        return Place(host, tuple(dict.fromkeys(addresses)), alias, unknown)

    def _ask(self, name: str, rdtype: RdataType, deadline: Deadline) -> dnsquery.Answer:
        return dnsquery.look_up_any(dnsquery.absolute_name(name), self._servers, dnsquery.Question(rdtype, deadline))


def _problem(kind: RdataType, found: dnsquery.Answer | NetError) -> NetError | None:
    """Why it is not known what records of that type there are; that there are none is known, too."""
    if isinstance(found, NetError):
        return NetError(f"the {kind.name} records cannot be looked up: {found}", phase="dns", kind=found.kind, fault=found.fault)
    if found.rcode not in _SETTLED:
        return _unresolved(f"the {kind.name} records cannot be looked up: {found.rcode} from {found.server}")
    return None


def require_name(host: str) -> None:
    """NetError for an IP address in place of a name: other mail servers would ask for the address of "192.0.2.1." and find none."""
    if is_address(host):
        raise _unresolved(f"the MX record names {host}: it must name a host, not an IP address (RFC 5321, 5.1)")


def is_address(text: str) -> bool:
    """Whether the system would take the text for an address, and not look it up."""
    try:
        socket.inet_aton(text)
    except OSError:
        return ":" in text
    return True


def _unresolved(message: str) -> NetError:
    return NetError(message, phase="dns", kind="resolve")
