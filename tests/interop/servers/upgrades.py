"""Servers that speak in clear text until they are asked for TLS: vsftpd, PostgreSQL, OpenLDAP and Prosody. Each gives its port by protocol."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitorpy.lab.certificates import Certificates

from .program import HOST, Home, call, fill, find, free_port, home, running

VSFTPD = """
listen=YES
listen_address=@host@
listen_port=@port@
background=NO
run_as_launching_user=YES
anonymous_enable=YES
local_enable=NO
no_anon_password=YES
secure_chroot_dir=@home@/empty
ssl_enable=YES
allow_anon_ssl=YES
ssl_tlsv1=YES
require_ssl_reuse=NO
ssl_ciphers=HIGH
rsa_cert_file=@chain@
rsa_private_key_file=@key@
"""
SLAPD = """
include /etc/ldap/schema/core.schema
pidfile @home@/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile @chain@
TLSCertificateKeyFile @key@
database mdb
suffix dc=lab,dc=test
directory @home@/db
maxsize 1048576
"""
PROSODY = """
run_as_root = false
daemonize = false
pidfile = "@home@/prosody.pid"
data_path = "@home@/data"
modules_enabled = { "tls", "saslauth", "disco", "s2s" }
modules_disabled = { "http", "https", "admin_shell" }
interfaces = { "@host@" }
c2s_ports = { @port@ }
s2s_ports = { @servers@ }
c2s_require_encryption = true
authentication = "internal_hashed"
log = { warn = "*console" }
ssl = { key = "@key@", certificate = "@chain@" }
VirtualHost "localhost"
"""
BIND, BOUND = bytes.fromhex("300c020101600702010304008000"), bytes.fromhex("300c02010161070a010004000400")
"""An anonymous bind of LDAP, and its success."""
SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])
"""The question of PostgreSQL's clients, to be answered with S."""
STREAM = b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


@contextmanager
def ftp(certificates: Certificates) -> Iterator[dict[str, int]]:
    program = find("vsftpd")
    with home("vsftpd") as place:
        port = free_port()
        place.path.joinpath("empty").mkdir()
        config = place.write("vsftpd.conf", fill(VSFTPD, port=port, **_common(place, certificates)))
        with running([program, str(config)], place, lambda: _says(port, b"220")):
            yield {"ftp": port}


@contextmanager
def ldap(certificates: Certificates) -> Iterator[dict[str, int]]:
    program = find("slapd")
    with home("slapd") as place:
        port = free_port()
        place.path.joinpath("db").mkdir()
        config = place.write("slapd.conf", fill(SLAPD, **_common(place, certificates)))
        with running([program, "-d", "0", "-h", f"ldap://{HOST}:{port}", "-f", str(config)], place, lambda: _says(port, BOUND, BIND)):
            yield {"ldap": port}


@contextmanager
def postgres(certificates: Certificates) -> Iterator[dict[str, int]]:
    initdb = find("initdb")
    with home("postgres") as place:
        port = free_port()
        names = _common(place, certificates)
        names["key"].chmod(0o600)
        data = str(place.path / "data")
        call([initdb, "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"], place)
        options = {"ssl": "on", "ssl_cert_file": names["chain"], "ssl_key_file": names["key"], "fsync": "off", "shared_buffers": "16MB"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [
            str(Path(initdb).resolve().with_name("postgres")),
            "-D",
            data,
            "-h",
            HOST,
            "-p",
            str(port),
            "-k",
            str(place.path),
            *settings,
        ]
        with running(command, place, lambda: _says(port, b"S", SSL_REQUEST)):
            yield {"postgres": port}


@contextmanager
def xmpp(certificates: Certificates) -> Iterator[dict[str, int]]:
    """The port for clients and that for servers."""
    program = find("prosody")
    with home("prosody") as place:
        port, servers = free_port(), free_port()
        place.path.joinpath("data").mkdir()
        config = place.write("prosody.cfg.lua", fill(PROSODY, port=port, servers=servers, **_common(place, certificates)))
        with running([program, "--config", str(config), "-F"], place, lambda: [_says(each, b"<?xml", STREAM) for each in (port, servers)]):
            yield {"xmpp": port, "xmpp-server": servers}


def _common(place: Home, certificates: Certificates) -> dict[str, Path]:
    chain, key = place.copy(certificates.good.chain_file, certificates.good.key_file)
    return {"home": place.path, "host": Path(HOST), "chain": chain, "key": key}


def _says(port: int, start: bytes, send: bytes = b"") -> None:
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.settimeout(5)
        connection.sendall(send)
        said = connection.recv(1000)
    assert said.startswith(start), said
