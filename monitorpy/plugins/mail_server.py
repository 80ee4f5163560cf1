"""mail_server: see docs/plugins/mail_server/."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from time import perf_counter
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitorpy.core.fields import RegexField, ThresholdField
from monitorpy.core.plugin_base import PluginTemplate
from monitorpy.core.plugin_config import Port
from monitorpy.core.registry import register_plugin
from monitorpy.core.result import CheckResult, Failure
from monitorpy.core.tls_options import ExpiryOptions, ReachOptions, Text, VerifyOptions
from monitorpy.errors import ConfigError, ConfigIssue, NetError
from monitorpy.net.connect import Connection, connect
from monitorpy.net.dialogue import Dialogue
from monitorpy.net.mail.base import MailClient
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.pop3 import Pop3Client
from monitorpy.net.mail.smtp import SmtpClient
from monitorpy.net.tls import describe, presented_chain

PORTS = {  # without TLS, with STARTTLS, with TLS from the first byte on
    "smtp": {"plain": 25, "starttls": 587, "tls": 465},
    "imap": {"plain": 143, "starttls": 143, "tls": 993},
    "pop3": {"plain": 110, "starttls": 110, "tls": 995},
}


def _one_line(value: str) -> str:
    """Refuses what would end a command or header and begin another one."""
    if any(ord(char) < 32 or ord(char) == 127 for char in value):  # noqa: PLR2004 - the control characters
        raise ValueError("must not hold line breaks or other control characters")
    return value


def _secret_line(value: SecretStr) -> SecretStr:
    _one_line(value.get_secret_value())
    return value


def _mailbox(value: str) -> str:
    _one_line(value)
    if not value.isascii() or any(char in " <>" for char in value):
        raise ValueError(f"must be a bare address in ASCII such as monitor@example.org, not {value!r}")
    return value


Line = Annotated[Text, AfterValidator(_one_line)]
Mailbox = Annotated[Text, AfterValidator(_mailbox)]
Password = Annotated[SecretStr, Field(min_length=1), AfterValidator(_secret_line)]


@register_plugin("mail_server")
class MailServerPlugin(PluginTemplate):
    """An SMTP, IMAP or POP3 server: banner, capabilities, TLS, login, and delivery of a message."""

    cli_name = "mail"
    pins_address: ClassVar[bool] = True

    class Config(ReachOptions, VerifyOptions, ExpiryOptions):
        """What a check file may say."""

        hostname: Text = Field(description="Host name or IP address; with resolve_mx the mail domain.")
        protocol: Literal["smtp", "imap", "pop3"] = Field(description="What the server speaks.")
        port: Port | None = Field(
            None, description="TCP port (default 25, 143, 110; with use_tls 587, 143, 110; with use_ssl 465, 993, 995; with resolve_mx 25)."
        )
        use_ssl: bool = Field(default=False, description="TLS from the first byte on.")
        use_tls: bool = Field(default=False, description="STARTTLS (POP3: STLS); a server that refuses it is an error.")
        username: Line | None = Field(None, description="Log in with this name, in one attempt.")
        password: Password | None = Field(None, description="The password of username.")
        allow_plaintext_auth: bool = Field(default=False, description="Log in without TLS: the password can be read on the way.")
        banner: RegexField | None = Field(None, description="Regular expression to find in the first line of the server.")
        capabilities: Annotated[list[Line], Field(min_length=1)] | None = Field(
            None, description='Capabilities that must be offered, in any case: "SIZE", "AUTH PLAIN", "IDLE", "STARTTLS".'
        )
        max_response_time: ThresholdField | None = Field(
            None, description="Seconds for everything: a number (error above it), a range, or {warning, error}."
        )
        resolve_mx: bool = Field(default=False, description="Talk to the most preferred host in the MX records of the domain (smtp).")
        nameserver: Text | None = Field(None, description="Server to ask for MX records: address or address:port (default: the system's).")
        test_send: bool = Field(default=False, description="Send a message; the server must accept it (smtp).")
        from_email: Mailbox | None = Field(None, description="Sender of the test message.")
        to_email: Mailbox | None = Field(None, description="Recipient of the test message.")
        subject: Line = Field("MonitorPy test message", description="Subject of the test message.")
        message: Text = Field("Sent by MonitorPy to see whether mail is accepted.", description="Body of the test message.")

        @model_validator(mode="after")
        def _fits_together(self) -> Self:
            for problem in _problems(self, self.model_fields_set):
                raise ValueError(problem)
            return self

        @property
        def tls_mode(self) -> str:
            return "tls" if self.use_ssl else "starttls" if self.use_tls else "plain"

        @property
        def server_port(self) -> int:
            return self.port or PORTS[self.protocol]["plain" if self.resolve_mx and not self.use_ssl else self.tls_mode]

    settings: Config

    def get_host(self) -> str | None:
        """The host; None where only the MX records will tell it."""
        return None if self.config.get("resolve_mx") else super().get_host()

    def _execute_check(self) -> CheckResult:
        settings = self.settings
        if settings.username is not None and settings.tls_mode == "plain" and not settings.allow_plaintext_auth:
            refusal = "the password would travel in clear text: set use_ssl or use_tls, or allow_plaintext_auth: true"
            raise ConfigError(ConfigIssue((), refusal))
        self.phases |= {"dns": None, "connect": None, "tls": None, "first_byte": None, "transfer": None}
        started = perf_counter()
        raw: dict[str, Any] = {
            "host": settings.hostname,
            "port": settings.server_port,
            "protocol": settings.protocol,
            "banner": None,
            "capabilities": None,
            "tls": None,
            "certificate": None,
            "authenticated": None if settings.username is None else False,
            "mx": None,
            "delivered": False if settings.test_send else None,
        }
        try:
            if settings.resolve_mx:
                raw["host"] = self._most_preferred_mx(raw)
            failures = self._visit(raw["host"], raw)
        except NetError as error:
            return self.broken_result(error, perf_counter() - started, raw)
        seconds = perf_counter() - started
        limit = settings.max_response_time
        if limit and (slow := limit.failure("response_time", seconds, what="response time", unit=" s")):
            failures.append(slow)
        return self.judged_result(_success(raw), failures, seconds, raw)

    def _most_preferred_mx(self, raw: dict[str, Any]) -> str:
        from dns.rdatatype import MX

        from monitorpy.net import dnsquery  # here, because only this option needs dnspython

        settings = self.settings
        servers = [dnsquery.Server.parse(settings.nameserver)] if settings.nameserver else dnsquery.system_servers()
        answer = dnsquery.look_up_any(dnsquery.absolute_name(settings.hostname), servers, dnsquery.Question(MX, self.deadline))
        self.phases["dns"] = answer.seconds
        found = sorted((record.preference, record.exchange.to_text(omit_final_dot=True)) for record in answer.records)  # type: ignore[attr-defined]
        raw["mx"] = [{"preference": preference, "host": host} for preference, host in found]
        if not found:
            raise NetError(f"{settings.hostname} has no MX records ({answer.rcode} from {answer.server})", phase="dns", kind="resolve")
        if (host := found[0][1]) == ".":
            raise NetError(f"{settings.hostname} takes no mail: its MX record is the null MX", phase="dns", kind="resolve")
        return str(host)

    def _visit(self, host: str, raw: dict[str, Any]) -> list[Failure]:
        settings = self.settings
        looked_up = self.phases["dns"] or 0.0
        try:
            connection = connect(
                host, settings.server_port, self.deadline, family=settings.ip_family, address=self.address, phases=self.phases
            )
        finally:
            self.phases["dns"] = (self.phases["dns"] or 0.0) + looked_up if settings.resolve_mx else self.phases["dns"]
        with connection:
            if settings.use_ssl:
                connection.start_tls(self.settings.tls_settings(), host)
            client = _client(settings.protocol, connection)
            try:
                return list(self._talk(client, connection, host, raw))
            finally:
                raw |= {"banner": client.banner or None, "capabilities": client.capabilities if client.banner else None}
                raw |= _tls_facts(connection)

    def _talk(self, client: MailClient, connection: Connection, host: str, raw: dict[str, Any]) -> Iterator[Failure]:
        """The dialogue, from banner to goodbye; yields what was expected and is not so."""
        settings = self.settings
        client.greet()
        if settings.banner and not settings.banner.search(client.banner):
            wanted = settings.banner.pattern
            yield Failure(
                "banner", f"matches {wanted!r}", client.banner, message=f"expected a banner that matches {wanted!r}, got {client.banner!r}"
            )
        if settings.use_tls and (refusal := client.start_tls(self.settings.tls_settings(), host)):
            client.quit()
            yield Failure("tls", "STARTTLS", None, message=f"STARTTLS refused: {refusal}")
            return  # nothing else may be asked in clear text
        yield from self._missing_capabilities(client.capabilities)
        if certificate := _tls_facts(connection)["certificate"]:
            yield from settings.expiry_failures([certificate], "certificate.")
        yield from self._use(client, raw)
        client.quit()

    def _missing_capabilities(self, offered: list[str]) -> Iterator[Failure]:
        have = [*offered, "STARTTLS", "STLS"] if self.settings.use_tls else offered  # no longer offered, because it was taken
        missing = [wanted for wanted in self.settings.capabilities or [] if not any(_covers(one, wanted) for one in have)]
        if missing:
            message = f"missing capabilities: {', '.join(missing)}; offered: {', '.join(offered) or 'none'}"
            yield Failure("capabilities", f"contains {', '.join(missing)}", offered, message=message)

    def _use(self, client: MailClient, raw: dict[str, Any]) -> Iterator[Failure]:
        """Log in and send, where that is asked for."""
        settings = self.settings
        if settings.username is not None and settings.password is not None:
            refusal = client.login(settings.username, settings.password.get_secret_value())
            raw["authenticated"] = refusal is None
            if refusal is not None:
                yield Failure("authenticated", "true", False, message=f"login as {settings.username} refused: {refusal}")  # noqa: FBT003
                return
        if settings.test_send:
            assert isinstance(client, SmtpClient)  # the config says so
            sender, recipient = settings.from_email or "", settings.to_email or ""
            refusal = client.send(sender, recipient, _message(sender, recipient, settings.subject, settings.message))
            raw["delivered"] = refusal is None
            if refusal is not None:
                yield Failure("delivered", "true", False, message=f"test message refused: {refusal}")  # noqa: FBT003


def _problems(settings: MailServerPlugin.Config, given: set[str]) -> Iterator[str]:
    """What in the config contradicts itself, or would not be looked at."""
    if settings.use_ssl and settings.use_tls:
        yield "use_ssl (TLS from the first byte) and use_tls (STARTTLS) exclude one another"
    secure = settings.use_ssl or settings.use_tls
    if not secure and (
        unused := sorted({"warning_days", "critical_days"} & given)
    ):  # verify_ssl and ca_file may be defaults for all checks
        yield f"{' and '.join(unused)} without use_ssl or use_tls would not be looked at"
    if (settings.username is None) != (settings.password is None):
        yield "username and password belong together"
    yield from _smtp_problems(settings)


def _smtp_problems(settings: MailServerPlugin.Config) -> Iterator[str]:
    if settings.protocol != "smtp" and (settings.test_send or settings.resolve_mx):
        yield f"{'test_send' if settings.test_send else 'resolve_mx'} needs protocol smtp"
    if settings.test_send and (settings.from_email is None or settings.to_email is None):
        yield "test_send needs from_email and to_email"
    if settings.to_email is not None and not settings.test_send:
        yield "to_email without test_send: true: nothing would be sent"
    if settings.resolve_mx:
        from monitorpy.net.dnsquery import Server, absolute_name

        absolute_name(settings.hostname)
        if settings.nameserver is not None:
            Server.parse(settings.nameserver)


def _client(protocol: str, connection: Connection) -> MailClient:
    dialogue = Dialogue(connection)
    if protocol == "smtp":
        return SmtpClient(dialogue, str(connection.sock.getsockname()[0]))
    return ImapClient(dialogue) if protocol == "imap" else Pop3Client(dialogue)


def _tls_facts(connection: Connection) -> dict[str, Any]:
    sock = connection.tls
    if sock is None or sock.version() is None:  # no TLS, or the handshake failed
        return {"tls": None, "certificate": None}
    chain = presented_chain(sock)
    cipher = sock.cipher()
    return {
        "tls": {"protocol": sock.version(), "cipher": cipher[0] if cipher else None},
        "certificate": describe(chain[0]) if chain else None,
    }


def _covers(offered: str, wanted: str) -> bool:
    """Whether an offered capability ("AUTH PLAIN LOGIN", "AUTH=PLAIN") is the wanted one ("AUTH", "auth plain", "AUTH=PLAIN")."""
    have, want = (text.upper().replace("=", " ").split() for text in (offered, wanted))
    return have[:1] == want[:1] and set(want) <= set(have)


def _message(sender: str, recipient: str, subject: str, text: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])  # without a domain it would look up our own name
    message.set_content(text, cte="quoted-printable")
    return message.as_bytes()


def _success(raw: dict[str, Any]) -> str:
    done = [f"{raw['protocol']} server {raw['host']}:{raw['port']} answers"]
    done += [raw["tls"]["protocol"]] if raw["tls"] else []
    done += ["login accepted"] if raw["authenticated"] else []
    done += ["test message accepted"] if raw["delivered"] else []
    return ", ".join(done)
