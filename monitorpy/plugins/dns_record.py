"""dns_record: see docs/plugins/dns_record/. DNSSEC, SOA serials in sync and DNS over TLS or HTTPS are not in it yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import dns.exception
import dns.name
import dns.rdatatype
import dns.reversename
from pydantic import Field, ValidationInfo, field_validator, model_validator

from monitorpy.core.dns_fields import NameField, NameServerField, RcodeField, RecordTypeField
from monitorpy.core.fields import ThresholdField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import PluginConfig, Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import Text
from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import Answer, Question, Server, absolute_name
from monitorpy.net.dnsvalues import compared, listed, parse_values, shown
from monitorpy.net.dnszone import zone_servers

PUBLIC_RESOLVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9", "208.67.222.222")
"""Cloudflare, Google, Quad9, OpenDNS: asked by check_propagation where no resolvers are given."""

_SHARE = 0.8
"""Share of the remaining time that side questions have: a silent resolver must not take the whole check with it."""


@register_plugin("dns_record")
class DnsRecordPlugin(PluginTemplate):
    """DNS records of a name, compared as a whole set."""

    cli_name = "dns"
    pins_address: ClassVar[bool] = True

    class Config(PluginConfig):
        """What a check file may say."""

        domain: NameField = Field(description="Name to look up, absolute with or without its final dot; with PTR also an IP address.")
        record_type: RecordTypeField = Field(description="Type of the records: A, AAAA, CNAME, MX, NS, TXT, SOA, SRV, CAA, PTR, TLSA, ...")
        expected_value: Text | Annotated[list[Text], Field(min_length=1)] | None = Field(
            None, description='One value or a list, each as in a zone file ("10 mail.example.org."); TXT with or without quotes.'
        )
        match: Literal["exact", "contains", "excludes"] = Field(
            "exact",
            description="exact: the expected values are all there are; contains: they are among the values; excludes: none of them is.",
        )
        subdomain: Text | None = Field(None, description="Put before the domain: www with example.org asks for www.example.org.")
        nameserver: NameServerField | None = Field(
            None, description="Server to ask: address, name, or either with :port (default: the system's)."
        )
        port: Port = Field(53, description="Port of the name servers that are given without one.")
        transport: Literal["udp", "tcp"] = Field("udp", description="udp turns to TCP when the answer is truncated.")
        ip_family: Literal["any", "ipv4", "ipv6"] = Field(
            "any", description="Address family by which a name server given by name is reached."
        )
        rcode: RcodeField = Field(
            "NOERROR", description="Response code to expect. NOERROR wants records; NODATA is NOERROR without records of this type."
        )
        ttl: ThresholdField | None = Field(
            None, description='Seconds that the answer may live: a number (error above it), a range "300:86400", or {warning, error}.'
        )
        check_authoritative: bool = Field(
            default=False,
            description="The nameserver must answer with authority (AA); where none is given, each name server of the zone must.",
        )
        check_propagation: bool = Field(default=False, description="Ask the resolvers too, and compare what they say.")
        resolvers: Annotated[list[NameServerField], Field(min_length=1)] = Field(
            list(PUBLIC_RESOLVERS), description="Resolvers of check_propagation: addresses, with or without a port."
        )
        propagation_threshold: Annotated[float, Field(gt=0, le=100)] = Field(
            80, description="Percent of the resolvers that must have the values; fewer is an error."
        )

        @field_validator("expected_value")
        @classmethod
        def _values_are_records(cls, value: str | list[str] | None, info: ValidationInfo) -> str | list[str] | None:
            if "record_type" in info.data:
                parse_values(dns.rdatatype.from_text(info.data["record_type"]), value)
            return value

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            self.name()
            given = self.model_fields_set
            if "match" in given and self.expected_value is None:
                raise ValueError("match needs an expected_value to compare with")
            if self.rcode != "NOERROR" and (self.expected_value is not None or self.ttl is not None):
                raise ValueError(f"expected_value and ttl need records, and rcode {self.rcode} has none")
            if unused := sorted({"resolvers", "propagation_threshold"} & given if not self.check_propagation else ()):
                raise ValueError(f"{' and '.join(unused)} without check_propagation: true would not be looked at")
            return self

        def name(self) -> dns.name.Name:
            """The name to ask for. ValueError if it is too long."""
            if self.record_type == "PTR" and self.subdomain is None:
                try:
                    return dns.reversename.from_address(self.domain)
                except dns.exception.DNSException:
                    pass  # no address: a name such as 1.2.0.192.in-addr.arpa
            return absolute_name(self.domain if self.subdomain is None else f"{self.subdomain}.{self.domain}")

        def rdtype(self) -> dns.rdatatype.RdataType:
            return dns.rdatatype.from_text(self.record_type)

        def expected(self) -> dict[bytes, str]:
            """The expected values as {what is compared: zone-file text}; empty for none."""
            return parse_values(self.rdtype(), self.expected_value)

    settings: Config

    def get_host(self) -> str | None:
        """The name server, which is the machine that the check talks to; None for the system's."""
        given = self.config.get("nameserver")
        try:
            return Server.parse(given).host if isinstance(given, str) else None
        except ValueError:  # the config is refused anyway
            return None

    def _execute_check(self) -> CheckResult:
        settings = self.settings
        self.phases |= {"dns": None, "connect": None, "first_byte": None, "transfer": None}
        answer = self._look_up()
        values = compared(answer.records)
        raw = {
            "name": shown(answer.name),
            "record_type": settings.record_type,
            "values": sorted(values.values()),
            "ttl": answer.ttl,
            "rcode": answer.rcode,
            "authoritative": answer.authoritative,
            "nameserver": str(answer.server),
            "transport": answer.transport,
            "aliases": [shown(alias) for alias in answer.aliases],
            "dnssec": None,
            "propagation": None,
            "soa_serials": None,
        }
        failures = list(self._failures(answer, values))
        if settings.check_authoritative:
            failures += self._not_authoritative(answer, raw)
        if settings.check_propagation:
            failures += self._not_propagated(answer, raw)
        return self.judged_result(_success(answer, raw), failures, answer.seconds, raw)

    def _look_up(self) -> Answer:
        given = self.settings.nameserver
        servers = [Server.parse(given, self.settings.port)] if given else dnsquery.system_servers(self.settings.port)
        return dnsquery.look_up_any(self.settings.name(), servers, self._question(self.deadline, self.address), self.phases)

    def _question(self, deadline: Deadline, address: str | None = None) -> Question:
        settings = self.settings
        return Question(settings.rdtype(), deadline, settings.transport, family=settings.ip_family, address=address)

    def _failures(self, answer: Answer, values: dict[bytes, str]) -> Iterator[Failure]:
        """What is wrong with one answer; the TTL and the values are only judged where there are records."""
        wanted, got = self.settings.rcode, _outcome(answer)
        if got != wanted:
            yield Failure("rcode", wanted, got, message=_rcode_message(answer, wanted, got))
        elif answer.records:
            yield from self._value_failures(values)
            if self.settings.ttl and answer.ttl is not None and (failure := self.settings.ttl.failure("ttl", answer.ttl, unit=" s")):
                yield failure

    def _value_failures(self, values: dict[bytes, str]) -> Iterator[Failure]:
        expected, match = self.settings.expected(), self.settings.match
        missing = [text for key, text in expected.items() if key not in values]
        present = [text for key, text in expected.items() if key in values]
        surplus = [text for key, text in values.items() if key not in expected]
        found = sorted(values.values())
        if not expected:
            return
        if match == "excludes" and present:
            yield Failure("values", f"none of {listed(expected.values())}", found, message=f"unwanted {listed(present)} in {listed(found)}")
        elif match == "contains" and missing:
            message = f"expected {listed(expected.values())} among the values, missing {listed(missing)}, got {listed(found)}"
            yield Failure("values", f"contains {listed(expected.values())}", found, message=message)
        elif match == "exact" and (missing or surplus):
            parts = [f"missing {listed(missing)}"] if missing else []
            parts += [f"unexpected {listed(surplus)}"] if surplus else []
            message = f"expected exactly {listed(expected.values())}, got {listed(found)} ({', '.join(parts)})"
            yield Failure("values", f"exactly {listed(expected.values())}", found, message=message)

    def _not_authoritative(self, answer: Answer, raw: dict[str, Any]) -> Iterator[Failure]:
        """The AA flag of the given name server's answer; or of every name server of the zone, judged as the answer itself is."""
        if self.settings.nameserver:
            if not answer.authoritative:
                message = f"{answer.server} does not answer with authority (AA) for {shown(answer.name)}"
                yield Failure("authoritative", "true", False, message=message)  # noqa: FBT003 - what was found
            return
        servers = self._zone_servers(answer)
        question = Question(self.settings.rdtype(), self._side_deadline(), self.settings.transport, recurse=False)
        answers = dnsquery.in_parallel([partial(dnsquery.look_up, answer.name, server, question) for server, _ in servers])
        raw["authoritative"] = all(isinstance(found, Answer) and found.authoritative for found in answers)
        for (server, name), found in zip(servers, answers, strict=True):
            who = f"{name} ({server})"
            if isinstance(found, NetError):
                yield Failure("authoritative", "an answer", str(found), message=f"authoritative server {who}: {found}")
            elif not found.authoritative:
                yield Failure("authoritative", "true", False, message=f"{who} does not answer with authority (AA)")  # noqa: FBT003
            else:
                for failure in self._failures(found, compared(found.records)):
                    yield Failure(
                        failure.path, failure.expected, failure.actual, failure.severity, f"authoritative server {who}: {failure}"
                    )

    def _zone_servers(self, answer: Answer) -> list[tuple[Server, str]]:
        """The name servers of the zone that holds the name, with their names. NetError if they cannot be found."""
        question = Question(dns.rdatatype.NS, self._side_deadline(), self.settings.transport)

        def ask(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Answer:
            return dnsquery.look_up(name, answer.server, replace(question, rdtype=rdtype))

        return [(Server(address, self.settings.port), name) for name, address in zone_servers(answer.name, ask)]

    def _not_propagated(self, answer: Answer, raw: dict[str, Any]) -> Iterator[Failure]:
        settings = self.settings
        servers = [Server.parse(text, settings.port) for text in settings.resolvers]
        question = self._question(self._side_deadline())
        found = dnsquery.in_parallel([partial(dnsquery.look_up, answer.name, server, question) for server in servers])
        rows = [self._resolver_row(server, one, answer) for server, one in zip(servers, found, strict=True)]
        good = sum(row["ok"] for row in rows)
        percent = 100 * good / len(rows)
        raw["propagation"] = {"percent": percent, "resolvers": rows}
        wanted = settings.propagation_threshold
        if percent < wanted:
            bad = "; ".join(f"{row['resolver']}: {row['error'] or listed(row['values']) or row['rcode']}" for row in rows if not row["ok"])
            message = f"propagated to {percent:.0f} % of the resolvers ({good} of {len(rows)}), expected {wanted:g} % ({bad})"
            yield Failure("propagation.percent", f">= {wanted:g}", percent, message=message)

    def _resolver_row(self, server: Server, found: Answer | NetError, answer: Answer) -> dict[str, Any]:
        """What one resolver says; ok if it meets what is expected, or has what the answer has where no value is expected."""
        if isinstance(found, NetError):
            return {"resolver": str(server), "ok": False, "rcode": None, "values": [], "error": str(found)}
        values = compared(found.records)
        ok = _outcome(found) == self.settings.rcode
        if ok and self.settings.expected_value is not None:
            ok = not list(self._value_failures(values))
        elif ok:
            ok = values.keys() == compared(answer.records).keys()
        return {"resolver": str(server), "ok": ok, "rcode": found.rcode, "values": sorted(values.values()), "error": None}

    def _side_deadline(self) -> Deadline:
        return Deadline(self.deadline.left() * _SHARE)


def _outcome(answer: Answer) -> str:
    """The rcode, with NODATA told apart from NOERROR."""
    return "NODATA" if answer.rcode == "NOERROR" and not answer.records else answer.rcode


def _rcode_message(answer: Answer, wanted: str, got: str) -> str:
    name, rdtype = shown(answer.aliases[-1] if answer.aliases else answer.name), _type(answer)
    meaning = {
        "NXDOMAIN": f"{name} does not exist",
        "NODATA": f"{name} exists but has no {rdtype} records",
        "NOERROR": f"{name} has {rdtype} records: {listed(sorted(compared(answer.records).values()))}",
    }.get(got, f"{answer.server} has no answer for {name}")
    alias = f" ({shown(answer.name)} is an alias of it)" if answer.aliases else ""
    return f"expected {wanted}, got {got} from {answer.server}: {meaning}{alias}"


def _type(answer: Answer) -> str:
    return dns.rdatatype.to_text(answer.rdtype)


def _success(answer: Answer, raw: dict[str, Any]) -> str:
    alias = f" (alias of {raw['aliases'][-1]})" if raw["aliases"] else ""
    head = f"{raw['name']} {raw['record_type']}{alias}: "
    return head + (f"{listed(raw['values'])} (ttl {answer.ttl} s)" if answer.records else f"{_outcome(answer)}, as expected")
