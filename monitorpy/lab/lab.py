"""All servers of the lab at once, and what a check file needs to know of them."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from monitorpy.lab.certificates import Certificates, ServerCertificate
from monitorpy.lab.dns_server import DnsServer
from monitorpy.lab.faults import ClosedPort, JunkServer, ResettingServer, SilentServer, TricklingServer
from monitorpy.lab.http_server import HttpServer
from monitorpy.lab.line_server import LineServer
from monitorpy.lab.smtp_server import SmtpServer
from monitorpy.lab.udp_server import UdpServer

USER = "demo"
PASSWORD = "correct horse"  # noqa: S105 - opens nothing but the lab


class Lab:
    """Starts every server; all are gone, and the certificates with them, when the context ends."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:  # if one does not start, end those that did
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="monitorpy-lab-")))
            certificates = self.certificates = Certificates(folder)
            self.http = stack.enter_context(HttpServer(user=USER, password=PASSWORD))
            self.https = self._https(stack, certificates.good)
            self.https_expiring = self._https(stack, certificates.expiring)
            self.https_expired = self._https(stack, certificates.expired)
            self.https_wrong_host = self._https(stack, certificates.wrong_host)
            self.https_incomplete = self._https(stack, certificates.incomplete)
            self.dns = stack.enter_context(DnsServer())
            self.dns_tls = stack.enter_context(self.dns.over_tls(certificates.good.context))
            self.dns_https = stack.enter_context(self.dns.over_https(certificates.good.context))
            self.smtp = stack.enter_context(SmtpServer(starttls=certificates.good.context, users={USER: PASSWORD}))
            self.smtps = stack.enter_context(SmtpServer(tls=certificates.good.context, users={USER: PASSWORD}))
            self.line = stack.enter_context(LineServer())
            self.udp = stack.enter_context(UdpServer())
            self.silent = stack.enter_context(SilentServer())
            self.trickling = stack.enter_context(TricklingServer())
            self.resetting = stack.enter_context(ResettingServer())
            self.junk = stack.enter_context(JunkServer())
            self.closed = stack.enter_context(ClosedPort())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @property
    def variables(self) -> dict[str, str | int]:
        """The environment variables of the demo's check file: a port each, the CA's file, the password."""
        return {
            "LAB_HTTP": self.http.port,
            "LAB_HTTPS": self.https.port,
            "LAB_HTTPS_EXPIRING": self.https_expiring.port,
            "LAB_HTTPS_EXPIRED": self.https_expired.port,
            "LAB_HTTPS_WRONG_HOST": self.https_wrong_host.port,
            "LAB_HTTPS_INCOMPLETE": self.https_incomplete.port,
            "LAB_DNS": self.dns.port,
            "LAB_DNS_TLS": self.dns_tls.port,
            "LAB_DNS_HTTPS": self.dns_https.port,
            "LAB_SMTP": self.smtp.port,
            "LAB_SMTPS": self.smtps.port,
            "LAB_LINE": self.line.port,
            "LAB_UDP": self.udp.port,
            "LAB_SILENT": self.silent.port,
            "LAB_TRICKLING": self.trickling.port,
            "LAB_RESETTING": self.resetting.port,
            "LAB_JUNK": self.junk.port,
            "LAB_CLOSED": self.closed.port,
            "LAB_CA": str(self.certificates.ca_file),
            "LAB_PASSWORD": PASSWORD,
        }

    def environ(self) -> dict[str, str]:
        """The variables as text, for a subprocess."""
        return {name: str(value) for name, value in self.variables.items()}

    @staticmethod
    def _https(stack: ExitStack, certificate: ServerCertificate) -> HttpServer:
        return stack.enter_context(HttpServer(tls=certificate.context, user=USER, password=PASSWORD))
