"""What is wrong with DNS answers, measured by what a check expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dns.rdatatype

from monitorpy.core.ranges import Threshold
from monitorpy.core.result import Failure
from monitorpy.errors import NetError
from monitorpy.net.dnsquery import Answer
from monitorpy.net.dnsvalues import compared, listed, shown
from monitorpy.net.dnszone import behind, newest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must say. ``expected`` are values as `parse_values` gives them, empty for any; ``match`` is how to compare."""

    rcode: str
    expected: Mapping[bytes, str]
    match: str
    ttl: Threshold | None

    def failures(self, answer: Answer) -> Iterator[Failure]:
        """The TTL and the values are only judged where there are records."""
        if answer.outcome != self.rcode:
            yield Failure("rcode", self.rcode, answer.outcome, message=_rcode_message(answer, self.rcode))
        elif answer.records and self.rcode != "NOERROR":
            found = sorted(compared(answer.records).values())
            text = f"{answer.server} answers {self.rcode}, as expected, but with records: {listed(found)}"
            yield Failure("values", "no records", found, message=text)
        elif answer.records:
            yield from self.value_failures(compared(answer.records))
            if self.ttl and answer.ttl is not None and (failure := self.ttl.failure("ttl", answer.ttl, unit=" s")):
                yield failure

    def value_failures(self, values: Mapping[bytes, str]) -> Iterator[Failure]:
        """At most one, about all the values."""
        if not self.expected:
            return
        missing = [text for key, text in self.expected.items() if key not in values]
        present = [text for key, text in self.expected.items() if key in values]
        surplus = [text for key, text in values.items() if key not in self.expected]
        found, wanted = sorted(values.values()), listed(self.expected.values())
        if self.match == "excludes" and present:
            yield Failure("values", f"none of {wanted}", found, message=f"unwanted {listed(present)} in {listed(found)}")
        elif self.match == "contains" and missing:
            message = f"expected {wanted} among the values, missing {listed(missing)}, got {listed(found)}"
            yield Failure("values", f"contains {wanted}", found, message=message)
        elif self.match == "exact" and (missing or surplus):
            parts = [f"missing {listed(missing)}"] if missing else []
            parts += [f"unexpected {listed(surplus)}"] if surplus else []
            yield Failure(
                "values", f"exactly {wanted}", found, message=f"expected exactly {wanted}, got {listed(found)} ({', '.join(parts)})"
            )

    def authority_failures(self, answer: Answer, who: str, found: Answer) -> Iterator[Failure]:
        """What is wrong with what a name server of the zone says, where ``answer`` is what the world sees."""
        if not found.authoritative:
            yield Failure("authoritative", "true", False, message=f"{who} does not answer with authority (AA)")  # noqa: FBT003
        elif found.aliases and not found.records and found.rcode == "NOERROR":  # the end of the alias is in a zone of others
            if found.aliases != answer.aliases[: len(found.aliases)]:
                said, seen = (" -> ".join(map(shown, one.aliases)) or "no alias" for one in (found, answer))
                yield Failure("aliases", seen, said, message=f"authoritative server {who}: alias of {said}, expected {seen}")
        else:
            for failure in self.failures(found):
                yield replace(failure, message=f"authoritative server {who}: {failure}")

    def resolver_row(self, resolver: str, found: Answer | NetError, answer: Answer) -> dict[str, Any]:
        """What one resolver says; ok if it meets what is expected, or has what ``answer`` has where no value is expected."""
        if isinstance(found, NetError):
            return {"resolver": resolver, "ok": False, "rcode": None, "values": [], "error": str(found)}
        values = compared(found.records)
        same = not list(self.value_failures(values)) if self.expected else values.keys() == compared(answer.records).keys()
        ok = same and found.outcome == self.rcode
        return {"resolver": resolver, "ok": ok, "rcode": found.rcode, "values": sorted(values.values()), "error": None}


def propagation_failures(rows: list[dict[str, Any]], percent: float, threshold: float) -> Iterator[Failure]:
    """One, if fewer percent of the resolvers than the threshold are ok; ``rows`` as `Wanted.resolver_row` makes them."""
    if percent < threshold:
        bad = [row for row in rows if not row["ok"]]
        told = "; ".join(f"{row['resolver']}: {row['error'] or listed(row['values']) or row['rcode']}" for row in bad)
        head = f"propagated to {percent:.0f} % of the resolvers ({len(rows) - len(bad)} of {len(rows)}), expected {threshold:g} %"
        yield Failure("propagation.percent", f">= {threshold:g}", percent, message=f"{head} ({told})")


def serial_failures(zone: str, serials: Mapping[str, int | None]) -> Iterator[Failure]:
    """Each server whose copy of the zone is behind the newest; None stands for those that told no serial."""
    known = {who: serial for who, serial in serials.items() if serial is not None}
    if known:
        latest = newest(known.values())
        ahead = listed(who for who, serial in known.items() if serial == latest)
        for who, serial in known.items():
            if serial != latest:
                message = f"{who} has serial {serial} of {zone}, {behind(serial, latest)} behind {latest} of {ahead}"
                yield Failure("soa_serials", str(latest), serial, message=message)


def success_message(answer: Answer, *, secure: bool = False) -> str:
    """The answer in a line; ``secure`` if that has been found out."""
    alias = f" (alias of {shown(answer.aliases[-1])})" if answer.aliases else ""
    values = listed(sorted(compared(answer.records).values()))
    said = f"{values} (ttl {answer.ttl} s)" if answer.records else f"{answer.outcome}, as expected"
    return f"{shown(answer.name)} {_type(answer)}{alias}: {said}{', secure (DNSSEC)' if secure else ''}"


def _rcode_message(answer: Answer, wanted: str) -> str:
    name, rdtype = shown(answer.aliases[-1] if answer.aliases else answer.name), _type(answer)
    meaning = {
        "NXDOMAIN": f"{name} does not exist",
        "NODATA": f"{name} exists but has no {rdtype} records",
        "NOERROR": f"{name} has {rdtype} records: {listed(sorted(compared(answer.records).values()))}",
        "REFERRAL": f"it only names other servers to ask for {name}",
    }.get(answer.outcome, f"{answer.server} has no answer for {name}")
    alias = f" ({shown(answer.name)} is an alias of it)" if answer.aliases else ""
    reason = f"; it says: {answer.reason}" if answer.reason else ""
    return f"expected {wanted}, got {answer.outcome} from {answer.server}: {meaning}{alias}{reason}"


def _type(answer: Answer) -> str:
    return dns.rdatatype.to_text(answer.rdtype)
