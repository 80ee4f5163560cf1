from __future__ import annotations

import ssl

import pytest

from monitorpy.lab.certificates import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def client_context(certificates) -> ssl.SSLContext:
    """For a client that trusts the throw-away authority."""
    return ssl.create_default_context(cafile=str(certificates.ca_file))
