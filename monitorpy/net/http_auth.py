"""Digest authentication (RFC 7616): what requests has, without its gaps."""

from __future__ import annotations

from requests.auth import HTTPDigestAuth

from monitorpy.errors import NetError


class DigestAuth(HTTPDigestAuth):
    """Answers one challenge; where requests would give up silently or crash on what a server sends, the error says so."""

    username: str
    password: str

    def build_digest_header(self, method: str, url: str) -> str:
        """The header, its text as latin-1 stands for the bytes: the name is sent in UTF-8, as it is hashed."""
        try:
            header = super().build_digest_header(method, url)
        except KeyError as missing:
            raise _unanswerable(f"it has no {missing.args[0]}") from missing
        if header is None:
            challenge = self._thread_local.chal
            wants = ", ".join(f"{key} {challenge[key]!r:.80}" for key in ("algorithm", "qop") if key in challenge)
            raise _unanswerable(f"it wants {wants}")
        name = self.username.replace("\\", r"\\").replace('"', r"\"").encode().decode("latin-1")
        return header.replace(f'username="{self.username}"', f'username="{name}"', 1)


def _unanswerable(why: str) -> NetError:
    return NetError(f"the server's digest challenge cannot be answered: {why}", phase="transfer", kind="protocol")
