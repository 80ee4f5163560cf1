"""Dovecot 2.3: IMAP and POP3, with STARTTLS and with TLS from the start, and alice's mailbox."""

from __future__ import annotations

import grp
import imaplib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitorpy.lab.certificates import Certificates

from .program import HOST, Home, fill, find, free_port, group_id, home, refuse, running, user

OTHER = "127.0.0.2"
CONFIG = """
base_dir = @home@/base
state_dir = @home@/state
log_path = /dev/stderr
auth_verbose = yes
default_login_user = @user@
default_internal_user = @user@
default_internal_group = @group@
protocols = imap pop3
listen = @host@ @other@
ssl = required
ssl_cert = <@chain@
ssl_key = <@key@
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:@mail@/%n
mail_uid = @user@
mail_gid = @group@
passdb {
  driver = passwd-file
  args = scheme=PLAIN @home@/users
}
userdb {
  driver = static
  args = uid=@user@ gid=@group@ home=@mail@/%n
}
service imap-login {
  chroot =
  inet_listener imap {
    port = @imap@
  }
  inet_listener imaps {
    port = @imaps@
    ssl = yes
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = @pop3@
  }
  inet_listener pop3s {
    port = @pop3s@
    ssl = yes
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty { # else the second wrong password of an address waits for seconds
    mode = 0
  }
}
service stats {
  chroot =
}
"""
WELCOME = "From: lab@mail.test\nSubject: welcome\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n\nhello\n"


@dataclass(frozen=True)
class Dovecot:
    """Its ports, on 127.0.0.1 and 127.0.0.2; ``mail`` has a Maildir for each user. Log in as alice with "secret".

    A client that comes from the address it goes to counts as secured: it is on 127.0.0.2 that LOGINDISABLED can be seen.
    """

    imap: int
    imaps: int
    pop3: int
    pop3s: int
    mail: Path
    home: Home


@contextmanager
def dovecot(certificates: Certificates) -> Iterator[Dovecot]:
    program = find("dovecot")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    if not version.startswith("2.3."):
        refuse(f"dovecot {version.strip()} has another configuration than 2.3, which is what these tests know")
    with home("dovecot") as place:
        ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        server = Dovecot(**ports, mail=place.path / "mail", home=place)
        for folder in ("new", "cur", "tmp"):
            server.mail.joinpath("alice", folder).mkdir(parents=True)
        place.write("mail/alice/new/1.welcome", WELCOME)
        place.write("users", "alice:{PLAIN}secret\n")
        chain, key = place.copy(certificates.good.chain_file, certificates.good.key_file)
        names = {
            "home": place.path,
            "mail": server.mail,
            "host": HOST,
            "other": OTHER,
            "user": user(),
            "group": grp.getgrgid(group_id()).gr_name,
        }
        config = place.write("dovecot.conf", fill(CONFIG, chain=chain, key=key, **names, **ports))
        context = ssl.create_default_context(cafile=certificates.ca_file)
        with running([program, "-F", "-c", str(config)], place, lambda: _lets_in(server, context)):
            yield server


def _lets_in(server: Dovecot, context: ssl.SSLContext) -> None:
    with imaplib.IMAP4_SSL(HOST, server.imaps, ssl_context=context, timeout=5) as client:
        client.login("alice", "secret")
