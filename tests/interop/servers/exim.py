"""Exim: SMTP with STARTTLS, with TLS from the start, and a submission port; delivers into the mailboxes that dovecot serves."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitorpy.lab.certificates import Certificates

from .program import HOST, Home, fill, find, free_port, group_id, home, running, user

CONFIG = """
primary_hostname = mail.test
exim_user = @user@
exim_group = @group@
deliver_drop_privilege
spool_directory = @home@/spool
log_file_path = @home@/log/%s
write_rejectlog = false
pid_file_path = @home@/exim.pid
never_users =
keep_environment =
host_lookup =
rfc1413_hosts =
rfc1413_query_timeout = 0s
daemon_smtp_ports = @smtp@ : @smtps@ : @submission@
tls_on_connect_ports = @smtps@
local_interfaces = <; @host@ ; 127.0.0.2
disable_ipv6 = true
tls_advertise_hosts = *
tls_certificate = @chain@
tls_privatekey = @key@
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept
message_size_limit = 1M

begin acl
check_mail:
  deny  message = 5.7.0 authentication required
        condition = ${if eq{$received_port}{@submission@}}
        !authenticated = *
  accept
check_rcpt:
  defer message = 4.2.0 greylisted, try again later
        local_parts = greylist
  deny  message = 5.1.1 no such user
        local_parts = nobody
  accept domains = site.test
  accept authenticated = *
  deny  message = 5.7.1 relay not permitted

begin routers
mailbox:
  driver = accept
  domains = site.test
  local_parts = alice
  transport = maildir
drop:
  driver = redirect
  data = :blackhole:

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = @mail@/$local_part_data
  user = @user@
  group = @group@

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if and{{eq{$auth2}{alice}}{eq{$auth3}{secret}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{alice}}{eq{$auth2}{secret}}}}
  server_set_id = $auth1
xoauth2:
  driver = plaintext
  public_name = XOAUTH2
  server_condition = ${if match{$auth1}{\\N^user=alice\\x01auth=Bearer good-token\\x01\\x01$\\N}}
  server_set_id = alice
"""


@dataclass(frozen=True)
class Exim:
    """Its ports, on 127.0.0.1 and 127.0.0.2. Log in as alice with "secret" or the token "good-token", under TLS only.

    Takes mail for site.test (greylist@ is put off, nobody@ is unknown), and for other domains from who has logged in.
    What is for alice@site.test goes to her mailbox, everything else away.
    """

    smtp: int
    smtps: int
    submission: int
    home: Home


@contextmanager
def exim(certificates: Certificates, mail: Path) -> Iterator[Exim]:
    program = find("exim4")
    with home("exim") as place:
        ports = {name: free_port() for name in ("smtp", "smtps", "submission")}
        chain, key = place.copy(certificates.good.chain_file, certificates.good.key_file)
        names = {"home": place.path, "host": HOST, "user": user(), "group": group_id(), "mail": mail}
        place.path.joinpath("spool").mkdir()
        config = place.write("exim.conf", fill(CONFIG, chain=chain, key=key, **names, **ports))
        with running([program, "-C", str(config), "-bdf"], place, lambda: [_greets(port) for port in (ports["smtp"], ports["submission"])]):
            yield Exim(**ports, home=place)


def _greets(port: int) -> None:
    with smtplib.SMTP(HOST, port, timeout=5) as client:
        assert client.ehlo()[0] == 250
