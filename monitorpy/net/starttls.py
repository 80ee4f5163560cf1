"""TLS in the middle of a conversation: how each protocol asks for it, in one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.sax.saxutils import quoteattr

from monitorpy.errors import NetError
from monitorpy.net.connect import Connection
from monitorpy.net.dialogue import LIMIT, Dialogue, as_text
from monitorpy.net.mail.base import MAX_LINES, MailClient, shown
from monitorpy.net.mail.imap import ImapClient
from monitorpy.net.mail.pop3 import Pop3Client
from monitorpy.net.mail.smtp import SmtpClient
from monitorpy.net.tls import TlsSettings
from monitorpy.utils.masking import excerpt

StartTls: TypeAlias = Literal["smtp", "imap", "pop3", "ftp", "postgres", "ldap", "xmpp", "xmpp-server"]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """How a protocol comes to TLS: its port, and what asks for it.

    ``ask`` takes the dialogue, the connection under it, and the host's name; it returns None for the go-ahead, or the server's
    refusal. It leaves in the dialogue what the server sent after its go-ahead, which is nothing.
    """

    port: int
    ask: Callable[[Dialogue, Connection, str], str | None]


def start_tls(protocol: StartTls, connection: Connection, settings: TlsSettings, server_hostname: str) -> None:
    """Ask for TLS as the protocol does, on a fresh connection, and do the handshake; nothing is said after it.

    ``server_hostname`` is sent as SNI and compared with the certificate. Raises NetError: of kind "protocol" with the server's words
    if it refuses, or if it has sent more in clear text than its go-ahead.
    """
    dialogue = Dialogue(connection)
    if (refusal := UPGRADES[protocol].ask(dialogue, connection, server_hostname)) is not None:
        raise NetError(f"{dialogue.peer} refuses STARTTLS: {refusal}", phase="tls", kind="protocol")
    dialogue.start_tls(settings, server_hostname)


def _mail(client: Callable[[Dialogue, Connection], MailClient]) -> Callable[[Dialogue, Connection, str], str | None]:
    def ask(dialogue: Dialogue, connection: Connection, _: str) -> str | None:
        speaker = client(dialogue, connection)
        speaker.greet()
        return speaker.ask_for_tls()

    return ask


def _ftp(dialogue: Dialogue, _: Connection, _name: str) -> str | None:
    """AUTH TLS (RFC 4217, 4)."""
    code, text = _ftp_reply(dialogue, "the banner")
    if code == "120":  # not yet (RFC 959, 5.4)
        code, text = _ftp_reply(dialogue, "the banner")
    if code != "220":
        raise NetError(f"{dialogue.peer} refuses service: {shown(text)}", phase="transfer", kind="protocol")
    if early := dialogue.pending:
        raise _strange(dialogue, early, "nothing, before AUTH was asked")
    dialogue.send(b"AUTH TLS\r\n")
    code, text = _ftp_reply(dialogue, "the answer to AUTH TLS")
    return None if code == "234" else shown(text)


def _ftp_reply(dialogue: Dialogue, waiting_for: str) -> tuple[str, str]:
    """The code of a reply, and all of it as text; the last line of several has the code and a space (RFC 959, 4.2)."""
    lines: list[str] = []
    while len(lines) < MAX_LINES:
        line = dialogue.read_line(waiting_for)
        lines.append(as_text(line))
        if not re.match(rb"[1-5][0-9]{2}(?:[ -]|$)", line) and len(lines) == 1:
            raise _strange(dialogue, line, waiting_for)
        if lines[-1][:3] == lines[0][:3] and lines[-1][3:4] in {"", " "}:
            return lines[0][:3], " ".join(lines)
    raise NetError(f"{dialogue.peer} sent {MAX_LINES} lines without an end for {waiting_for}", phase="transfer", kind="protocol")


_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


def _postgres(dialogue: Dialogue, _: Connection, _name: str) -> str | None:
    """SSLRequest, answered by one byte (PostgreSQL's protocol, 55.2.11); more than that byte is an attack (CVE-2021-23222)."""
    dialogue.send(_SSL_REQUEST)
    answer = dialogue.read_exactly(1, "the answer to SSLRequest")
    if answer == b"S":
        return None
    if answer == b"N":
        return "the server does not do TLS (answer N)"
    if answer == b"E":
        return _postgres_error(dialogue)
    raise _strange(dialogue, answer + dialogue.take(), "the answer to SSLRequest")


def _postgres_error(dialogue: Dialogue) -> str:
    """The severity and message of an ErrorResponse; from before protocol 3 it is a text."""
    size = dialogue.read_exactly(4, "an error")
    if (length := int.from_bytes(size)) > LIMIT:
        return shown(as_text(size + dialogue.take()).rstrip("\0\n"))
    fields = dialogue.read_exactly(max(0, length - 4), "an error").split(b"\0")
    texts = {field[:1]: as_text(field[1:]) for field in fields}
    return shown(f"{texts.get(b'S', 'ERROR')}: {texts.get(b'M', 'no reason given')}")


_START_TLS_OID = b"1.3.6.1.4.1.1466.20037"
_EXTENDED_REQUEST, _EXTENDED_RESPONSE, _SEQUENCE = 0x77, 0x78, 0x30
_RESULTS = {1: "operations error", 2: "protocol error", 8: "strong authentication required", 52: "unavailable", 53: "unwilling to perform"}


def _ldap(dialogue: Dialogue, _: Connection, _name: str) -> str | None:
    """The extended operation StartTLS (RFC 4511, 4.14) as message 1."""
    request = _tlv(_EXTENDED_REQUEST, _tlv(0x80, _START_TLS_OID))
    dialogue.send(_tlv(_SEQUENCE, _tlv(0x02, b"\1") + request))
    message = _ldap_message(dialogue)
    try:
        number, rest = _untlv(message)[1:]
        tag, response = _untlv(rest)[:2]
        code, rest = _untlv(response)[1:]
        rest = _untlv(rest)[2]  # after the matched DN
        words = _untlv(rest)[1]
    except ValueError:
        raise _strange(dialogue, message, "the answer to StartTLS") from None
    if tag != _EXTENDED_RESPONSE or number not in {b"\1", b"\0"}:  # 0: a notice of disconnection (RFC 4511, 4.4.1)
        raise _strange(dialogue, message, "the answer to StartTLS")
    result = int.from_bytes(code)
    if result == 0 and number == b"\1":
        return None
    return shown(f"{_RESULTS.get(result, 'result')} ({result}): {as_text(words) or 'no reason given'}")


def _ldap_message(dialogue: Dialogue) -> bytes:
    """The content of the next LDAPMessage; BER with definite lengths only (RFC 4511, 5.1)."""
    waiting_for = "the answer to StartTLS"
    start = dialogue.read_exactly(2, waiting_for)
    tag, length = start
    if tag != _SEQUENCE:
        raise _strange(dialogue, start + dialogue.take(), waiting_for)
    if length >= 0x80:  # noqa: PLR2004 - so many bytes of length follow
        length = int.from_bytes(dialogue.read_exactly(length & 0x7F, waiting_for))
    if length > LIMIT:
        raise NetError(f"{dialogue.peer} announced more than {LIMIT} bytes for {waiting_for}", phase="transfer", kind="protocol")
    return dialogue.read_exactly(length, waiting_for)


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value  # ours are short


def _untlv(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, value, and what comes after. Raises ValueError for what is cut off."""
    if len(data) < 2:  # noqa: PLR2004 - tag and length
        raise ValueError
    tag, length, begin = data[0], data[1], 2
    if length >= 0x80:  # noqa: PLR2004 - so many bytes of length follow
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin])
    if len(data) < begin + length:
        raise ValueError
    return tag, data[begin : begin + length], data[begin + length :]


_NAME = r"(?:[\w.-]{1,60}:)?"
_FEATURES = re.compile(
    rf"</{_NAME}(?:features|error|stream)\s*>|<{_NAME}features(?:\s[^<>]*)?/>"
    r"|<!|\A\s*[^\s<]"  # what no XMPP server may send (RFC 6120, 11.1), and what is no XML
)
_OFFER = re.compile(rf"<{_NAME}starttls\s[^<>]*urn:ietf:params:xml:ns:xmpp-tls")
_PROCEED = re.compile(rf"<{_NAME}proceed(?:\s[^<>]*)?/>|</{_NAME}proceed\s*>")
_ANSWER = re.compile(rf"{_PROCEED.pattern}|<{_NAME}failure(?:\s[^<>]*)?/>|</{_NAME}(?:failure|error|stream)\s*>|<!|\A\s*[^\s<]")
_CONDITION = re.compile(r"<(?!text\s)([\w-]{1,60})\s[^<>]*urn:ietf:params:xml:ns:xmpp-streams")


def _xmpp(namespace: str) -> Callable[[Dialogue, Connection, str], str | None]:
    """STARTTLS (RFC 6120, 5.4). Nothing is parsed as XML, so that nothing can be expanded: a few tags are looked for."""

    def ask(dialogue: Dialogue, _: Connection, name: str) -> str | None:
        to = quoteattr(name.rstrip("."))
        head = f"<stream:stream to={to} version='1.0' xml:lang='en' xmlns='{namespace}' xmlns:stream='http://etherx.jabber.org/streams'>"
        dialogue.send(f"<?xml version='1.0'?>{head}".encode())
        found = dialogue.read_until(_FEATURES, "the features of the stream")
        text = as_text(dialogue.take())
        if _no_xmpp(found[0]):
            raise _strange(dialogue, text.encode(), "the features of the stream")
        if not _OFFER.search(text):
            conditions = ", ".join(_CONDITION.findall(text))
            return f"the stream ends with {conditions}" if conditions else "it is not among the features of the stream"
        if early := text[found.end() :].strip():
            raise _strange(dialogue, early.encode(), "nothing, before STARTTLS was asked")
        dialogue.send(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        return _xmpp_verdict(dialogue)

    return ask


def _xmpp_verdict(dialogue: Dialogue) -> str | None:
    found = dialogue.read_until(_ANSWER, "the answer to STARTTLS")
    text = as_text(dialogue.pending)
    if _no_xmpp(found[0]):
        raise _strange(dialogue, text.encode(), "the answer to STARTTLS")
    if not _PROCEED.fullmatch(found[0]):
        return shown(text)
    if found.end() == len(text):
        dialogue.take()
    return None


def _no_xmpp(found: str) -> bool:
    return found == "<!" or not found.startswith("<")


def _strange(dialogue: Dialogue, data: bytes, waiting_for: str) -> NetError:
    what = excerpt(as_text(data[:4_000]), 120)
    return NetError(f"{dialogue.peer} sent {what!r} for {waiting_for}", phase="transfer", kind="protocol")


UPGRADES: Mapping[StartTls, Upgrade] = {
    "smtp": Upgrade(25, _mail(lambda dialogue, connection: SmtpClient(dialogue, connection.sock.getsockname()[0]))),
    "imap": Upgrade(143, _mail(lambda dialogue, _: ImapClient(dialogue))),
    "pop3": Upgrade(110, _mail(lambda dialogue, _: Pop3Client(dialogue))),
    "ftp": Upgrade(21, _ftp),
    "postgres": Upgrade(5432, _postgres),
    "ldap": Upgrade(389, _ldap),
    "xmpp": Upgrade(5222, _xmpp("jabber:client")),
    "xmpp-server": Upgrade(5269, _xmpp("jabber:server")),
}
