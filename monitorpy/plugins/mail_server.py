"""mail_server: see docs/plugins/mail_server/."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from monitorpy.core.fields import RegexField
from monitorpy.core.mail_options import PORTS, AccountOptions, ConfirmOptions, Line, MailAddress
from monitorpy.core.plugin_base import Endpoint, PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.time_options import TimeOptions
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import ConfigError, ConfigIssue, NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail.base import MailClient, shown
from monitorpy.net.mail.delivery import confirm
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.message import Message
from monitorpy.net.mail.pop3 import Pop3Client
from monitorpy.net.mail.smtp import SmtpClient
from monitorpy.net.tls import leaf


@dataclass(frozen=True, slots=True)
class Exchanger(Endpoint):
    """A mail exchanger of the domain, what its name is an alias of, and all (preference, host) in the MX records.

    ``unknown`` stands for addresses that it may have, too: why nobody could tell them.
    """

    alias_of: str | None = None
    mx: tuple[tuple[int, str], ...] = ()
    unknown: NetError | None = None


@register_plugin("mail_server")
class MailServerPlugin(PluginTemplate):
    """An SMTP, IMAP or POP3 server: banner, capabilities, TLS, login, and delivery of a message."""

    cli_name = "mail"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions, AccountOptions, TimeOptions):
        """What a check file may say."""

        hostname: Text = Field(description="Host name or IP address; with resolve_mx the mail domain.")
        protocol: Literal["smtp", "imap", "pop3"] = Field(description="What the server speaks.")
        port: Port | None = Field(
            None, description="TCP port (default 25, 143, 110; with use_tls 587, 143, 110; with use_ssl 465, 993, 995; with resolve_mx 25)."
        )
        banner: RegexField | None = Field(None, description="Regular expression to find in the first line of the server.")
        capabilities: Annotated[list[Line], Field(min_length=1)] | None = Field(
            None, description='Capabilities that must be offered, in any case: "SIZE", "AUTH PLAIN", "IDLE", "STARTTLS".'
        )
        resolve_mx: bool = Field(
            default=False,
            description="Talk to the most preferred host in the MX records of the domain, with addresses: all to every one (smtp).",
        )
        nameserver: Text | None = Field(
            None,
            description="Server to ask for MX records and the addresses of their hosts: address or address:port (default: the system's).",
        )
        test_send: bool = Field(default=False, description="Send a message; the server must accept it (smtp).")
        from_email: MailAddress | None = Field(None, description="Sender of the test message.")
        to_email: MailAddress | None = Field(None, description="Recipient of the test message.")
        subject: Line = Field("MonitorPy test message", description="Subject of the test message.")
        message: Text = Field("Sent by MonitorPy to see whether mail is accepted.", description="Body of the test message.")
        confirm_imap: ConfirmOptions | None = Field(
            None, description="Where the test message must appear within the timeout: an IMAP server, a login and a mailbox."
        )

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            if problems := [*self.account_problems(self.model_fields_set), *_problems(self, self.model_fields_set)]:
                raise ValueError("; ".join(problems))
            return self

        @property
        def server_port(self) -> int:
            return self.port or PORTS[self.protocol]["plain" if self.resolve_mx and not self.use_ssl else self.tls_mode]

    settings: Config

    def get_host(self) -> str | None:
        """The host; None where only the MX records will tell it."""
        return None if self.config.get("resolve_mx") else super().get_host()

    def endpoints(self) -> list[Endpoint]:
        """The addresses of the host; with resolve_mx, of every host in the MX records."""
        return list(self._exchangers(every=True)) if self.settings.resolve_mx else super().endpoints()

    def get_secrets(self) -> set[str]:
        """What SASL makes of them, too: user and password in one base64 text, which a server may echo."""
        secrets = super().get_secrets()
        if self.settings is not None:
            for login in (self.settings.login, self.settings.confirm_imap and self.settings.confirm_imap.login):
                secrets |= login.travelling_forms() if login else set()
        return secrets

    def _execute_check(self) -> CheckResult:
        settings = self.settings
        for what, account in (("", settings), ("confirm_imap: ", settings.confirm_imap)):
            if account and account.exposes_login:
                refusal = f"{what}the password would travel in clear text: set use_ssl or use_tls, or allow_plaintext_auth: true"
                raise ConfigError(ConfigIssue((), refusal))
        self.phases |= {"dns": None, "connect": None, "tls": None, "first_byte": None, "transfer": None}
        started = perf_counter()
        raw = self._nothing_yet()
        try:
            failures = list(self._observe(raw))
        except NetError as error:
            return self.broken_result(error, perf_counter() - started, raw)
        seconds = perf_counter() - started
        failures += settings.slow_failures(seconds)
        return self.judged_result(_success(raw), failures, seconds, raw)

    def _nothing_yet(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "host": settings.hostname,
            "port": settings.server_port,
            "address": self.address,
            "protocol": settings.protocol,
            "banner": None,
            "capabilities": None,
            "tls": None,
            "certificate": None,
            "authenticated": None if settings.login is None else False,
            "mx": None,
            "delivered": False if settings.test_send else None,
            "confirmed_after": None,
        }

    def _observe(self, raw: dict[str, Any]) -> Iterator[Failure]:
        """Everything, from the name to the message in its mailbox; yields what was expected and is not so."""
        settings = self.settings
        host, address = settings.hostname, self.address
        if settings.resolve_mx:
            chosen = self._chosen_exchanger(raw)
            host, address = str(chosen.host), address or chosen.address
            if chosen.alias_of:
                text = f"the MX record names {host}, an alias (CNAME) of {chosen.alias_of}, which RFC 2181, 10.3 forbids"
                yield Failure("mx", "no alias", host, "warning", text)
        message = None
        if settings.test_send and settings.from_email and settings.to_email:
            message = Message(settings.from_email, settings.to_email, settings.subject, settings.message)
        yield from self._visit(host, address, message, raw)
        if message and raw["delivered"] and settings.confirm_imap:
            yield from self._confirm(message, settings.confirm_imap, raw)

    def _chosen_exchanger(self, raw: dict[str, Any]) -> Exchanger:
        """The one of `endpoints` that we were made for, or the most preferred one."""
        from monitorpy.net.mail.exchangers import require_name

        started = perf_counter()
        try:
            chosen = self.endpoint if isinstance(self.endpoint, Exchanger) else next(self._exchangers(every=False))
        finally:
            self.phases["dns"] = perf_counter() - started
        host = str(chosen.host)
        raw |= {"host": host, "mx": [{"preference": preference, "host": name} for preference, name in chosen.mx]}
        require_name(host)
        if chosen.unknown:
            raise chosen.unknown
        return chosen

    def _exchangers(self, *, every: bool) -> Iterator[Exchanger]:
        """The hosts in the MX records, the most preferred one first, with each address; without one where it is not known."""
        from monitorpy.net.mail.exchangers import MailDomain  # here, because only this option needs dnspython

        settings = self.settings
        domain = MailDomain(settings.hostname, settings.nameserver, self.deadline, settings.ip_family)
        records = tuple(domain.records())
        hosts = list(dict.fromkeys(host for _, host in records))
        for place in domain.places(hosts if every else hosts[:1]):
            for address in place.addresses or (None,):
                yield Exchanger(place.host, address, place.alias_of, records)
            if place.unknown and every:
                yield Exchanger(place.host, None, place.alias_of, records, place.unknown)

    def _visit(self, host: str, address: str | None, message: Message | None, raw: dict[str, Any]) -> Iterator[Failure]:
        settings = self.settings
        looked_up = self.phases["dns"]
        try:
            connection = connect(host, settings.server_port, self.deadline, family=settings.ip_family, address=address, phases=self.phases)
        finally:
            if looked_up is not None:
                self.phases["dns"] = (self.phases["dns"] or 0.0) + looked_up
        with connection:
            raw["address"] = connection.address
            if settings.use_ssl:
                connection.start_tls(settings.tls_settings(), settings.server_name or host)
            client = _client(settings.protocol, connection)
            try:
                yield from self._talk(client, connection, host, message, raw)
            finally:
                raw |= {"banner": client.banner or None, "capabilities": client.capabilities if client.banner else None}
                raw |= _tls_facts(connection)
            with suppress(NetError):  # everything is said; how it takes our leave does not matter
                client.quit()

    def _talk(
        self, client: MailClient, connection: Connection, host: str, message: Message | None, raw: dict[str, Any]
    ) -> Iterator[Failure]:
        """The dialogue, from the banner on; yields what was expected and is not so."""
        settings = self.settings
        client.greet()
        if settings.banner and not settings.banner.search(client.banner):
            wanted = f"matches {settings.banner.pattern!r}"
            yield Failure("banner", wanted, client.banner, message=f"expected a banner that {wanted}, got {shown(client.banner)!r}")
        if settings.use_tls and (refusal := client.start_tls(settings.tls_settings(), settings.server_name or host)):
            yield Failure("tls", "STARTTLS", None, message=f"STARTTLS refused: {refusal}")
            return  # nothing else may be asked in clear text
        if certificate := _tls_facts(connection)["certificate"]:
            yield from settings.expiry_failures([certificate], "certificate.")
        missing = self._missing(client.capabilities)
        yield from self._use(client, message, raw)
        if missing and raw["authenticated"] and isinstance(client, ImapClient):
            client.add_capabilities()
            missing = self._missing(client.capabilities)
        if missing:
            text = f"missing capabilities: {', '.join(missing)}; offered: {shown(', '.join(client.capabilities)) or 'none'}"
            yield Failure("capabilities", f"contains {', '.join(missing)}", client.capabilities, message=text)

    def _missing(self, offered: list[str]) -> list[str]:
        have = [*offered, "STARTTLS", "STLS"] if self.settings.use_tls else offered  # no longer offered, because it was taken
        return [wanted for wanted in self.settings.capabilities or [] if not any(_covers(one, wanted) for one in have)]

    def _use(self, client: MailClient, message: Message | None, raw: dict[str, Any]) -> Iterator[Failure]:
        """Log in and send, where that is asked for."""
        login = self.settings.login
        if login is not None:
            refusal = client.login(login)
            raw["authenticated"] = refusal is None
            if refusal is not None:
                yield Failure("authenticated", "true", False, message=f"login as {login.username} refused: {refusal}")  # noqa: FBT003
                return
        if message:
            assert isinstance(client, SmtpClient)  # the config says so
            refusal = client.send(message.sender, message.recipient, bytes(message))
            raw["delivered"] = refusal is None
            if refusal is not None:
                yield Failure("delivered", "true", False, message=f"test message refused: {refusal}")  # noqa: FBT003

    def _confirm(self, message: Message, options: ConfirmOptions, raw: dict[str, Any]) -> Iterator[Failure]:
        """Look for the message that was accepted: without it, nothing was delivered."""
        raw["delivered"] = False
        delivery = confirm(message.message_id, options.place, self.deadline, self.settings.ip_family)
        raw |= {"delivered": delivery.seconds is not None, "confirmed_after": delivery.seconds}
        if delivery.seconds is None:
            text = f"test message accepted, but not confirmed: {delivery.problem}"
            yield Failure("delivered", "true", False, message=text)  # noqa: FBT003
        elif delivery.problem:
            yield Failure("delivered", "deleted when it was found", True, "warning", delivery.problem)  # noqa: FBT003


def _problems(settings: MailServerPlugin.Config, given: set[str]) -> Iterator[str]:
    """What contradicts itself, or would not be looked at, beyond the account."""
    needs_smtp = [key for key in ("test_send", "resolve_mx") if getattr(settings, key)]
    if settings.protocol != "smtp" and needs_smtp:
        yield f"{' and '.join(needs_smtp)} needs protocol smtp"
    if settings.test_send and (settings.from_email is None or settings.to_email is None):
        yield "test_send needs from_email and to_email"
    of_message = [key for key in ("from_email", "to_email", "subject", "message", "confirm_imap") if key in given]
    if not settings.test_send and of_message:
        yield f"{' and '.join(of_message)} without test_send: true: nothing would be sent"
    if settings.resolve_mx:
        yield from _mx_problems(settings.hostname, settings.nameserver)
    elif settings.nameserver is not None:
        yield "nameserver without resolve_mx: true would not be looked at"


def _mx_problems(domain: str, nameserver: str | None) -> Iterator[str]:
    from monitorpy.net.dnsquery import Server, absolute_name
    from monitorpy.net.mail.exchangers import is_address

    if is_address(domain):
        yield f"resolve_mx needs a mail domain, {domain} is an IP address"
    if "://" in (nameserver or ""):
        yield f"nameserver must be an address or address:port, not {nameserver!r}"
    try:
        absolute_name(domain)
        Server.parse(nameserver or "127.0.0.1")
    except ValueError as wrong:
        yield str(wrong)


def _client(protocol: str, connection: Connection) -> MailClient:
    dialogue = Dialogue(connection)
    if protocol == "smtp":
        return SmtpClient(dialogue, str(connection.sock.getsockname()[0]))
    return ImapClient(dialogue) if protocol == "imap" else Pop3Client(dialogue)


def _tls_facts(connection: Connection) -> dict[str, Any]:
    sock = connection.tls
    if sock is None or sock.version() is None:  # no TLS, or the handshake failed
        return {"tls": None, "certificate": None}
    cipher = sock.cipher()
    return {
        "tls": {"protocol": sock.version(), "cipher": cipher[0] if cipher else None},
        "certificate": leaf(sock),
    }


def _covers(offered: str, wanted: str) -> bool:
    """Whether an offered capability ("AUTH PLAIN LOGIN", "AUTH=PLAIN") is the wanted one ("AUTH", "auth plain", "AUTH=PLAIN")."""
    have, want = (text.upper().replace("=", " ").split() for text in (offered, wanted))
    return have[:1] == want[:1] and set(want) <= set(have)


def _success(raw: dict[str, Any]) -> str:
    host = f"[{raw['host']}]" if ":" in raw["host"] else raw["host"]
    done = [f"{raw['protocol']} server {host}:{raw['port']} answers"]
    done += [raw["tls"]["protocol"]] if raw["tls"] else []
    done += ["login accepted"] if raw["authenticated"] else []
    if raw["confirmed_after"] is not None:
        done.append(f"test message delivered after {raw['confirmed_after']:.3g} s")
    elif raw["delivered"]:
        done.append("test message accepted")
    return ", ".join(done)
