"""Real servers, each started when a test first asks for it and kept for the others. See servers/program.py."""

from __future__ import annotations

import pytest

from monitorpy.lab.certificates import Certificates

from .servers import bind9, dovecot, exim, knot, nginx, program, proxies, unbound


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session", name="nginx")
def nginx_fixture(certificates):
    with nginx.nginx(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def authority_port():
    """Of bind9 on 127.0.0.1, and of knot on 127.0.0.2."""
    return program.free_port()


@pytest.fixture(scope="session", name="bind9")
def bind9_fixture(certificates, authority_port):
    with bind9.bind9(certificates, authority_port) as server:
        yield server


@pytest.fixture(scope="session", name="knot")
def knot_fixture(authority_port):
    with knot.knot(authority_port) as server:
        yield server


@pytest.fixture(scope="session", name="unbound")
def unbound_fixture(bind9):
    with unbound.unbound(bind9) as server:
        yield server


@pytest.fixture(scope="session", name="dovecot")
def dovecot_fixture(certificates):
    with dovecot.dovecot(certificates) as server:
        yield server


@pytest.fixture(scope="session", name="exim")
def exim_fixture(certificates, dovecot):
    with exim.exim(certificates, dovecot.mail) as server:
        yield server


@pytest.fixture(scope="session")
def tinyproxy():
    with proxies.tinyproxy() as server:
        yield server


@pytest.fixture(scope="session")
def dante():
    with proxies.dante() as server:
        yield server
