from __future__ import annotations

from monitorpy.net.mail import sasl
from monitorpy.net.mail.base import MAX_LINES, MailClient, no_mechanism, shown
from monitorpy.net.tls import TlsSettings


class Pop3Client(MailClient):
    """POP3 (RFC 1939) with CAPA and STLS (RFC 2449, RFC 2595), AUTH (RFC 5034) or USER and PASS."""

    def greet(self) -> None:
        self.banner = self._line("the banner")
        if self.banner.upper().startswith("-ERR"):
            raise self._no_service()
        if not _good(self.banner):
            raise self._strange(self.banner, "the banner")
        self._ask_capabilities()

    def ask_for_tls(self) -> str | None:
        reply = self._command("STLS")
        return None if _good(reply) else shown(reply)

    def start_tls(self, settings: TlsSettings, server_hostname: str) -> str | None:
        if refusal := self.ask_for_tls():
            return refusal
        self._dialogue.start_tls(settings, server_hostname)
        self._ask_capabilities()
        return None

    def login(self, login: sasl.Login) -> str | None:
        offered = self.mechanisms("SASL")
        mechanism = sasl.choose(offered, login.usable)
        if login.takes_commands and mechanism != "PLAIN" and (self.has("USER") or not offered):
            return self._user_and_pass(login)
        if mechanism is None:
            return no_mechanism(offered, login.usable)
        exchange = sasl.Exchange(mechanism, login)
        reply = self._command(f"AUTH {exchange.opening(room=0)}")  # with the response it may have 255 bytes (RFC 5034, 4): few do
        while f"{reply} ".startswith("+ ") and (answer := exchange.respond(reply[1:].strip())) is not None:
            reply = self._command(answer, "AUTH")
        return exchange.verdict(shown(reply), good=_good(reply))

    def quit(self) -> None:
        self._send("QUIT")

    def _user_and_pass(self, login: sasl.Login) -> str | None:
        for command in (f"USER {login.username}", f"PASS {login.secret}"):
            if not _good(reply := self._command(command)):
                return shown(reply)
        return None

    def _ask_capabilities(self) -> None:
        self.capabilities = []
        if not _good(self._command("CAPA")):
            return  # an old server: it has none to name
        for _ in range(MAX_LINES):
            line = self._line("the end of the answer to CAPA")
            if line == ".":
                return
            self.capabilities.append(line)
        raise self._strange(f"{MAX_LINES} lines without an end", "the answer to CAPA")

    def _command(self, command: str, verb: str = "") -> str:
        verb = verb or command.partition(" ")[0]
        self._refuse_early_answers(verb)
        self._send(command)
        line = self._line(f"the answer to {verb}")
        if not line.startswith(("+", "-ERR")):
            raise self._strange(line, f"the answer to {verb}")
        return line


def _good(reply: str) -> bool:
    return reply.upper().split(" ", 1)[0] == "+OK"
