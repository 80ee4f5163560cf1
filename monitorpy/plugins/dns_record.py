"""dns_record: see docs/plugins/dns_record/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.reversename
from pydantic import Field, ValidationInfo, field_validator, model_validator

from monitorpy.core.dns_fields import DohPathField, NameField, NameServerField, RcodeField, RecordTypeField, TrustAnchorField
from monitorpy.core.dns_judgement import Wanted, propagation_failures, serial_failures, success_message
from monitorpy.core.fields import ThresholdField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import PluginConfig, Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import Text, VerifyOptions
from monitorpy.errors import NetError
from monitorpy.net import dnsquery
from monitorpy.net.deadline import Deadline
from monitorpy.net.dnsquery import SIGNABLE, Answer, Question, Server, absolute_name
from monitorpy.net.dnstransport import DOH_PATH, PORTS, Transport
from monitorpy.net.dnsvalues import parse_values, shown
from monitorpy.net.dnszone import Authority, authorities, find_zone, soa_serial

if TYPE_CHECKING:
    from monitorpy.net.dnssec_anchors import Anchors

PUBLIC_RESOLVERS = ("1.1.1.1", "8.8.8.8", "9.9.9.9", "208.67.222.222")
"""Cloudflare, Google, Quad9, OpenDNS: asked by check_propagation where no resolvers are given."""

_SHARE = 0.8
"""Share of the remaining time that side questions have: a silent resolver must not take the whole check with it."""
_OTHER_FAMILY = " (ip_family: ipv4 or ipv6 asks the addresses of one family only)"


@register_plugin("dns_record")
class DnsRecordPlugin(PluginTemplate):
    """DNS records of a name, compared as a whole set."""

    cli_name = "dns"
    pins_address: ClassVar[bool] = True

    class Config(VerifyOptions, PluginConfig):
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
            None, description="Server to ask: address, name, either with :port, or an https:// URL (default: the system's)."
        )
        port: Port | None = Field(
            None, description="Port of name servers that are given without one (default: 53; with tls 853, with https 443)."
        )
        transport: Transport = Field(
            "udp", description="udp turns to TCP when the answer is truncated; tls is DNS over TLS, https is DNS over HTTPS."
        )
        server_name: Text | None = Field(
            None, description="Name of the nameserver in its certificate, for SNI and as host of HTTPS (default: as nameserver has it)."
        )
        doh_path: DohPathField = Field(DOH_PATH, description="Path of DNS over HTTPS, where the server is not given as a URL.")
        ip_family: Literal["any", "ipv4", "ipv6"] = Field(
            "any", description="Address family of name servers given by name, and of those of the zone."
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
        soa_serial_in_sync: bool = Field(
            default=False, description="Every address of every name server of the zone must have the zone's newest SOA serial."
        )
        check_dnssec: bool = Field(
            default=False, description="The answer must be secure (DNSSEC); validated here, from the trust anchor down to the name."
        )
        trust_anchor: TrustAnchorField | None = Field(
            None, description="DNSKEY or DS records as in a zone file, to trust instead of the root's, which IANA publishes."
        )
        check_propagation: bool = Field(default=False, description="Ask the resolvers too, and compare what they say.")
        resolvers: Annotated[list[NameServerField], Field(min_length=1)] = Field(
            list(PUBLIC_RESOLVERS), description="Resolvers of check_propagation: as nameserver."
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
            if self.server_name and self.transport not in {"tls", "https"}:
                raise ValueError("server_name without transport: tls or https would not be looked at")
            self._fits_https()
            self._fits_dnssec()
            return self

        def _fits_https(self) -> None:
            urls = [text for text in (self.nameserver or "", *self.resolvers) if "://" in text]
            if self.transport != "https" and (urls or "doh_path" in self.model_fields_set):
                raise ValueError(f"{urls[0] if urls else 'doh_path'} needs transport: https")
            if "doh_path" in self.model_fields_set and "://" in (self.nameserver or ""):
                raise ValueError("doh_path would not be looked at: the nameserver is a URL and has a path of its own")

        def _fits_dnssec(self) -> None:
            if not self.check_dnssec:
                if self.trust_anchor is not None:
                    raise ValueError("trust_anchor without check_dnssec: true would not be looked at")
                return
            if self.rcode not in SIGNABLE or self.record_type == "RRSIG":
                what = "RRSIG records are signatures" if self.record_type == "RRSIG" else f"rcode {self.rcode} is no answer"
                raise ValueError(f"check_dnssec needs something that is signed: {what}")
            self.anchors()

        def anchors(self) -> Anchors:
            """The trust anchors of check_dnssec. ValueError if none of them is at or above the name."""
            from monitorpy.net.dnssec_anchors import anchors_for  # here, because it takes cryptography

            return anchors_for(self.name(), self.rdtype(), self.trust_anchor)

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

        def default_port(self) -> int:
            """The port of name servers that are given without one."""
            return self.port or PORTS[self.transport]

        def asks_each(self) -> bool:
            """Whether each name server of the zone must answer with authority."""
            return self.check_authoritative and not self.nameserver

        def asks_authorities(self) -> bool:
            """Whether the name servers of the zone must be found."""
            return self.soa_serial_in_sync or self.asks_each()

        def expected(self) -> dict[bytes, str]:
            """The expected values as {what is compared: zone-file text}; empty for none."""
            return parse_values(self.rdtype(), self.expected_value)

    settings: Config

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._unseen: list[Failure] = []

    def get_host(self) -> str | None:
        """The name server, which is the machine that the check talks to; None for the system's."""
        given = self.config.get("nameserver")
        try:
            return Server.parse(given).host if isinstance(given, str) else None
        except ValueError:  # the config is refused anyway
            return None

    def _execute_check(self) -> CheckResult:
        settings = self.settings
        self.phases |= {"dns": None, "connect": None, "tls": None, "first_byte": None, "transfer": None}
        answer = self._look_up()
        raw = {
            "name": shown(answer.name),
            "record_type": settings.record_type,
            "values": sorted(record.to_text() for record in answer.records),
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
        failures = list(self._wanted().failures(answer))
        if settings.check_authoritative and settings.nameserver and not answer.authoritative:
            message = f"{answer.server} does not answer with authority (AA) for {shown(answer.name)}"
            failures.append(Failure("authoritative", "true", False, message=message))  # noqa: FBT003 - what was found
        if settings.asks_authorities():
            failures += self._ask_authorities(answer, raw)
        if settings.check_dnssec and answer.outcome in SIGNABLE:
            failures += self._not_secure(answer, raw)
        if settings.check_propagation:
            failures += self._not_propagated(answer, raw)
        result = self.judged_result(success_message(answer, secure=settings.check_dnssec), failures, answer.seconds, raw)
        unseen = failures and all(failure in self._unseen for failure in failures)
        return result.changed(fault="environment", kind="environment") if unseen else result

    def _look_up(self) -> Answer:
        given = self.settings.nameserver
        servers = [self._server(given)] if given else map(self._over_transport, dnsquery.system_servers(self.settings.default_port()))
        question = replace(self._question(self.deadline, pinned=True), dnssec=self.settings.check_dnssec)
        return dnsquery.look_up_any(self.settings.name(), servers, question, self.phases)

    def _server(self, text: str) -> Server:
        return self._over_transport(Server.parse(text, self.settings.default_port()))

    def _over_transport(self, server: Server) -> Server:
        settings = self.settings
        return replace(server, path=server.path or settings.doh_path) if settings.transport == "https" else server

    def _question(self, deadline: Deadline, *, pinned: bool = False) -> Question:
        """``pinned`` to the nameserver: its address, and the name it goes by."""
        settings = self.settings
        question = Question(settings.rdtype(), deadline, settings.transport, family=settings.ip_family, tls=settings.tls_settings())
        return replace(question, address=self.address, server_name=settings.server_name) if pinned else question

    def _wanted(self) -> Wanted:
        settings = self.settings
        return Wanted(settings.rcode, settings.expected(), settings.match, settings.ttl)

    def _not_secure(self, answer: Answer, raw: dict[str, Any]) -> Iterator[Failure]:
        """What DNSSEC has against the answer. All that it takes is asked of the server that gave the answer."""
        from monitorpy.net.dnssec import validate  # here, because it takes cryptography

        question = replace(self._question(self._side_deadline(), pinned=True), dnssec=True)

        def ask(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message:
            return dnsquery.ask(name, answer.server, replace(question, rdtype=rdtype))[0]

        verdict = validate(answer, self.settings.anchors(), ask)
        raw["dnssec"] = asdict(verdict)
        if verdict.status != "secure":
            yield Failure("dnssec.status", "secure", verdict.status, message=f"{verdict.status} (DNSSEC): {verdict.reason}")

    def _ask_authorities(self, answer: Answer, raw: dict[str, Any]) -> Iterator[Failure]:
        """What every name server of the zone says: about the name, judged as the answer itself is, and about the zone's serial."""
        settings = self.settings
        path = "authoritative" if settings.asks_each() else "soa_serials"
        try:
            zone, places = self._authorities(answer)
        except NetError as error:
            yield self._not_seen(path, "the name servers of the zone", error)
            return
        for lame in (place for place in places if place.address is None):
            yield Failure(path, "an address", None, message=f"name server {lame.name} of {shown(zone)} has no address: {lame.problem}")
        transport: Transport = "tcp" if settings.transport == "tcp" else "udp"  # TLS and HTTPS are for resolvers
        port = settings.default_port() if settings.transport == transport else PORTS[transport]
        servers = {f"{one.name} ({Server(one.address, port)})": Server(one.address, port) for one in places if one.address}
        question = Question(settings.rdtype(), self._side_deadline(), transport, recurse=False)
        if settings.asks_each():
            yield from self._not_authoritative(answer, servers, question, raw)
        if settings.soa_serial_in_sync:
            raw["soa_serials"] = dict.fromkeys([str(place) for place in places if not place.address])
            yield from self._not_in_sync(zone, servers, question, raw["soa_serials"])

    def _authorities(self, answer: Answer) -> tuple[dns.name.Name, list[Authority]]:
        """The zone that holds the name, and its name servers. NetError if they cannot be found."""
        question = self._question(self._side_deadline(), pinned=True)

        def ask(name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Answer:
            return dnsquery.look_up(name, answer.server, replace(question, rdtype=rdtype))

        above = answer.rdtype == dns.rdatatype.DS and answer.name != dns.name.root  # what is in the parent's zone
        zone = find_zone(answer.name.parent() if above else answer.name, ask)
        return zone, authorities(zone, ask, question.deadline, self.settings.ip_family)

    def _not_authoritative(self, answer: Answer, servers: dict[str, Server], question: Question, raw: dict[str, Any]) -> Iterator[Failure]:
        answers = dnsquery.in_parallel([partial(dnsquery.look_up, answer.name, server, question) for server in servers.values()])
        raw["authoritative"] = bool(answers) and all(isinstance(found, Answer) and found.authoritative for found in answers)
        for who, found in zip(servers, answers, strict=True):
            if isinstance(found, NetError):
                yield self._not_seen("authoritative", f"authoritative server {who}", found)
            else:
                yield from self._wanted().authority_failures(answer, who, found)

    def _not_in_sync(
        self, zone: dns.name.Name, servers: dict[str, Server], question: Question, serials: dict[str, int | None]
    ) -> Iterator[Failure]:
        found = dnsquery.in_parallel([partial(soa_serial, zone, server, question) for server in servers.values()])
        for who, serial in zip(servers, found, strict=True):
            serials[who] = None if isinstance(serial, NetError) else serial
            if isinstance(serial, NetError):
                yield self._not_seen("soa_serials", f"no serial from {who}", serial)
        yield from serial_failures(shown(zone), serials)

    def _not_propagated(self, answer: Answer, raw: dict[str, Any]) -> Iterator[Failure]:
        servers = list(map(self._server, self.settings.resolvers))
        question = self._question(self._side_deadline())
        found = dnsquery.in_parallel([partial(dnsquery.look_up, answer.name, server, question) for server in servers])
        rows = [self._wanted().resolver_row(str(server), one, answer) for server, one in zip(servers, found, strict=True)]
        percent = 100 * sum(row["ok"] for row in rows) / len(rows)
        raw["propagation"] = {"percent": percent, "resolvers": rows}
        yield from propagation_failures(rows, percent, self.settings.propagation_threshold)

    def _not_seen(self, path: str, who: str, error: NetError) -> Failure:
        """The failure of a server that gave no answer; noted if this machine is to blame."""
        own = error.fault == "environment"
        failure = Failure(path, "an answer", str(error), message=f"{who}: {error}" + (_OTHER_FAMILY if own else ""))
        self._unseen += [failure] if own else []
        return failure

    def _side_deadline(self) -> Deadline:
        return Deadline(self.deadline.left() * _SHARE)
