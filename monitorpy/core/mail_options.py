"""Parts of the Configs of checks on mail servers. Importing this module imports pydantic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitorpy.core.plugin_config import ConfigSection, Port
from monitorpy.core.tls_options import Text, VerifyOptions
from monitorpy.net.mail.delivery import Mailbox
from monitorpy.net.mail.sasl import PASSWORDS, TOKENS, Login, Mechanism

TlsMode = Literal["plain", "starttls", "tls"]

PORTS: dict[str, dict[TlsMode, int]] = {
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


def _token(value: SecretStr) -> SecretStr:
    if any(not "!" <= char <= "~" for char in value.get_secret_value()):
        raise ValueError("must be printable ASCII without spaces (RFC 6750, 2.1), and without the word Bearer")
    return value


def _address(value: str) -> str:
    """A bare address in ASCII; a domain in other letters is turned into the form in which it travels ("xn--...")."""
    if _one_line(value).lower() == "postmaster":  # RFC 5321, 4.1.1.3
        return value
    local, _, domain = value.rpartition("@")
    if not local or not domain or any(char in " <>,;" for char in value):
        raise ValueError(f"must be one bare address such as monitor@example.org, not {value!r}")
    if not local.isascii():
        raise ValueError(f"must have ASCII letters only before the @ (SMTPUTF8 is not supported), not {value!r}")
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        raise ValueError(f"must have a valid domain, not {domain!r}") from None


Line = Annotated[Text, AfterValidator(_one_line)]
MailAddress = Annotated[Text, AfterValidator(_address)]
Password = Annotated[SecretStr, Field(min_length=1), AfterValidator(_secret_line)]
Token = Annotated[SecretStr, Field(min_length=1), AfterValidator(_token)]


class AccountOptions(ConfigSection):
    """How to secure the connection to a mail server, and as whom to log in."""

    use_ssl: bool = Field(default=False, description="TLS from the first byte on.")
    use_tls: bool = Field(default=False, description="STARTTLS (POP3: STLS); a server that refuses it is an error.")
    server_name: Text | None = Field(None, description="Name for SNI and the certificate (default: the host).")
    username: Line | None = Field(None, description="Log in with this name, in one attempt.")
    password: Password | None = Field(None, description="The password of username.")
    access_token: Token | None = Field(None, description="An OAuth 2.0 access token of username, instead of a password.")
    auth_mechanism: Mechanism | None = Field(
        None, description="The only SASL mechanism to log in with (default: the best one that the server offers)."
    )
    allow_plaintext_auth: bool = Field(default=False, description="Log in without TLS: the password or token can be read on the way.")

    @property
    def tls_mode(self) -> TlsMode:
        return "tls" if self.use_ssl else "starttls" if self.use_tls else "plain"

    @property
    def login(self) -> Login | None:
        """The login that is asked for."""
        secret = self.access_token or self.password
        if self.username is None or secret is None:
            return None
        return Login(self.username, secret.get_secret_value(), token=self.access_token is not None, mechanism=self.auth_mechanism)

    @property
    def exposes_login(self) -> bool:
        """Whether what opens the account would travel in clear text. CRAM-MD5 sends a digest."""
        safe = self.tls_mode != "plain" or self.allow_plaintext_auth or self.auth_mechanism == "CRAM-MD5"
        return self.login is not None and not safe

    def account_problems(self, given: set[str]) -> Iterator[str]:
        """What contradicts itself, or would not be looked at; ``given`` are the keys that were written."""
        if self.use_ssl and self.use_tls:
            yield "use_ssl (TLS from the first byte) and use_tls (STARTTLS) exclude one another"
        # verify_ssl, ca_file and trust may be defaults for all checks
        unused = sorted({"warning_days", "critical_days", "server_name", "client_cert", "client_key"} & given)
        if self.tls_mode == "plain" and unused:
            yield f"{' and '.join(unused)} without use_ssl or use_tls would not be looked at"
        if self.password is not None and self.access_token is not None:
            yield "password and access_token exclude one another"
        if (self.username is None) != (self.password is None and self.access_token is None):
            yield "username and password (or access_token) belong together"
        if self.auth_mechanism and self.login is None:
            yield "auth_mechanism without username would not be looked at"
        if self.auth_mechanism in TOKENS and self.password is not None:
            yield f"{self.auth_mechanism} needs access_token, not password"
        if self.auth_mechanism in PASSWORDS and self.access_token is not None:
            yield f"{self.auth_mechanism} needs password, not access_token"


class ConfirmOptions(VerifyOptions, AccountOptions):
    """Where to look for a test message that was accepted, over IMAP."""

    hostname: Text = Field(description="Host name or IP address of the IMAP server.")
    port: Port | None = Field(None, description="TCP port (default 143; with use_ssl 993).")
    mailbox: Line = Field("INBOX", description="The mailbox in which the message must appear.")
    delete: bool = Field(default=False, description="Delete the message when it was found.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = list(self.account_problems(self.model_fields_set))
        if not problems and self.login is None:
            problems.append("needs username, and password or access_token")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def place(self) -> Mailbox:
        """The mailbox, for `net.mail.delivery`."""
        assert self.login is not None  # the validator says so
        return Mailbox(
            host=self.hostname,
            port=self.port or PORTS["imap"][self.tls_mode],
            login=self.login,
            tls=None if self.tls_mode == "plain" else self.tls_settings(),
            starttls=self.use_tls,
            server_name=self.server_name or self.hostname,
            name=self.mailbox,
            delete=self.delete,
        )
