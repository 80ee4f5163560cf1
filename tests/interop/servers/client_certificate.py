"""A certificate for a client; those of the lab are for servers, which nginx does not take from a client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from monitorpy.lab import certificates as lab


def client_certificate(authority: lab.Certificates) -> str:
    """The path of a file with the certificate of "interop client", its chain, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = authority.intermediate
    builder = (
        lab._builder(lab._name("interop client"), issuer.certificate.subject, key, now - timedelta(1), now + timedelta(30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    chain = [lab._signed(builder, key, issuer), issuer.certificate]
    path = Path(authority.folder, "client.pem")
    path.write_bytes(
        b"".join(each.public_bytes(Encoding.PEM) for each in chain) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return str(path)
