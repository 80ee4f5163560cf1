"""What the clients of the three mail protocols have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from monitorpy.errors import NetError
from monitorpy.net.dialogue import Dialogue, as_text
from monitorpy.net.mail.sasl import Login
from monitorpy.net.tls import TlsSettings
from monitorpy.utils.masking import excerpt

MAX_LINES = 500
"""Lines that one reply may have."""

_SHOWN = 500
"""Characters of a refusal in a message; some servers tell a story and name a page."""


class MailClient(ABC):
    """A dialogue with a mail server, far enough to know that it works.

    Methods that ask the server for something return None, or its refusal as text: a refusal is an answer, to be judged.
    They raise NetError when no usable answer comes. Nothing that comes from a caller may hold CR or LF.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.banner = ""
        self.capabilities: list[str] = []

    @abstractmethod
    def greet(self) -> None:
        """Read the banner and ask for the capabilities."""

    @abstractmethod
    def ask_for_tls(self) -> str | None:
        """Ask for TLS; the handshake may begin then, with nothing said in between."""

    @abstractmethod
    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        """Turn to TLS, and ask for the capabilities again: those from before may be forged."""

    @abstractmethod
    def login(self, login: Login) -> str | None:
        """Log in, with one attempt."""

    @abstractmethod
    def quit(self) -> None:
        """Say goodbye; the answer is not waited for, it could only take time."""

    def mechanisms(self, keyword: str) -> list[str]:
        """The SASL mechanisms in capabilities such as ``AUTH PLAIN LOGIN`` and ``AUTH=PLAIN``."""
        words = [capability.upper().replace("=", " ").split() for capability in self.capabilities]
        return [name for found in words if found[:1] == [keyword] for name in found[1:]]

    def has(self, capability: str) -> bool:
        """Whether the server offers it; capabilities are written in any case."""
        return capability in map(str.upper, self.capabilities)

    def _send(self, line: str) -> None:
        self._dialogue.send(line.encode() + b"\r\n")

    def _line(self, waiting_for: str) -> str:
        return as_text(self._dialogue.read_line(waiting_for))

    def _refuse_early_answers(self, verb: str) -> None:
        """What stands there before it was asked for is no answer, however well it reads. NetError "protocol"."""
        if early := self._dialogue.pending:
            what = excerpt(as_text(early[:4_000]), 120)
            raise NetError(f"{self._dialogue.peer} sent {what!r} before {verb} was asked", phase="transfer", kind="protocol")

    def _no_service(self) -> NetError:
        message = f"{self._dialogue.peer} refuses service: {shown(self.banner)}"
        return NetError(message, phase="transfer", kind="protocol")

    def _strange(self, line: str, waiting_for: str) -> NetError:
        message = f"{self._dialogue.peer} sent {excerpt(line, 120)!r} for {waiting_for}"
        return NetError(message, phase="transfer", kind="protocol")


def shown(text: str) -> str:
    """What a server says, as much of it as fits into a message."""
    return text if len(text) <= _SHOWN else f"{excerpt(text, _SHOWN)}..."


def no_mechanism(offered: list[str], usable: Sequence[str]) -> str:
    """The refusal when the server offers no way to log in that would do."""
    return f"no usable way to log in is offered ({shown(', '.join(offered)) or 'none at all'}); usable: {', '.join(usable)}"
