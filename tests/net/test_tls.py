from __future__ import annotations

import platform
import ssl
import sys

import pytest
import truststore  # noqa: F401 - before a test claims to run elsewhere

from monitorpy.errors import NetError
from monitorpy.net import tls
from monitorpy.net.connect import connect
from monitorpy.net.tls import TlsSettings, context, describe, leaf, presented_chain, trusted_path


@pytest.fixture(autouse=True)
def fresh():
    """Contexts are shared by the process; a test starts and leaves without them."""
    tls._shared.cache_clear()
    yield
    tls._shared.cache_clear()


@pytest.fixture
def handshake(serve, deadline):
    """Does one with a server that has that context; returns what ``look`` finds on the socket."""

    def shake(server_context, settings, host="localhost", look=lambda sock: sock.version()):
        server = serve(lambda connection, server: server.stopped.wait(20), server_context)
        with connect("127.0.0.1", server.port, deadline, phases={}) as connection:
            connection.start_tls(settings, host)
            return look(connection.sock)

    return shake


def test_settings_share_one_context(authority):
    settings = TlsSettings(ca_file=authority.ca_file)
    assert context(settings) is context(TlsSettings(ca_file=authority.ca_file))
    assert context(settings) is not context(TlsSettings(verify=False))


def test_a_private_ca_is_the_only_one(authority, handshake):
    settings = TlsSettings(ca_file=authority.ca_file)
    assert handshake(authority.context(), settings) == "TLSv1.3"
    assert len(context(settings).get_ca_certs()) == 1


def test_the_chain_and_its_description(authority, handshake):
    server = authority.context()
    (der,) = handshake(server, TlsSettings(ca_file=authority.ca_file), look=presented_chain)
    own = handshake(server, TlsSettings(ca_file=authority.ca_file), look=leaf)
    assert own["fingerprint_sha256"] == describe(der)["fingerprint_sha256"]
    assert describe(der)["subject"] == "CN=localhost"


def test_the_path_to_what_is_trusted(authority, handshake):
    settings = TlsSettings(ca_file=authority.ca_file)
    leaf, root = handshake(authority.context(), settings, look=lambda sock: trusted_path(sock, settings))
    assert (describe(leaf)["subject"], describe(root)["subject"]) == ("CN=localhost", "CN=Test CA")
    unverified = TlsSettings(verify=False)
    assert handshake(authority.context(), unverified, look=lambda sock: trusted_path(sock, unverified)) is None


def test_dates_need_not_be_checked(authority, handshake):
    late, foreign = authority.context(ends=-3.0), authority.context("other.pem", ends=-3.0, signed_by="self")
    settings = TlsSettings(ca_file=authority.ca_file, check_dates=False)
    assert handshake(late, settings) == "TLSv1.3"
    with pytest.raises(NetError, match="self-signed"):
        handshake(foreign, settings)


def test_a_host_is_not_named_by_the_common_name(authority, handshake):
    with pytest.raises(NetError, match="wrong host: not valid for 'localhost'"):
        handshake(authority.context(names=()), TlsSettings(ca_file=authority.ca_file))


@pytest.mark.parametrize("verify", [True, False])
def test_ciphers_without_a_certificate_are_never_offered(authority, handshake, verify):
    server = authority.context()
    server.set_ciphers("aNULL:ALL:@SECLEVEL=0")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    settings = TlsSettings(verify=verify, ca_file=authority.ca_file, min_version="1.0")
    assert handshake(server, settings, look=lambda sock: len(presented_chain(sock))) == 1
    server.set_ciphers("aNULL:@SECLEVEL=0")
    with pytest.raises(NetError, match="no cipher in common, no certificate"):
        handshake(server, settings)


def test_the_system_does_not_know_our_ca(authority, handshake):
    with pytest.raises(NetError, match="unknown issuer 'CN=Test CA'") as caught:
        handshake(authority.context(), TlsSettings())
    assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("tls", "tls", "target")


def test_certifi_does_not_know_our_ca(authority, handshake):
    with pytest.raises(NetError, match="unknown issuer"):
        handshake(authority.context(), TlsSettings(trust="certifi"))


def test_the_system_honours_ssl_cert_file(authority, handshake, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    assert handshake(authority.context(), TlsSettings()) == "TLSv1.3"


def test_a_folder_of_hashed_certificates_is_enough(monkeypatch, tmp_path):
    (tmp_path / "5ed36f99.0").write_text("")
    paths = ssl.DefaultVerifyPaths(None, str(tmp_path), "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert context(TlsSettings()).verify_mode is ssl.CERT_REQUIRED


def test_the_usual_places_are_searched(monkeypatch, authority, handshake):
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths(None, None, "", "", "", ""))
    monkeypatch.setattr(tls, "_BUNDLES", ("/nowhere/ca.pem", authority.ca_file))
    assert handshake(authority.context(), TlsSettings()) == "TLSv1.3"


def test_a_machine_without_roots_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: ssl.DefaultVerifyPaths(None, str(tmp_path), "", "", "", ""))
    monkeypatch.setattr(tls, "_BUNDLES", ())
    with pytest.raises(NetError, match="no CA certificates") as caught:
        context(TlsSettings())
    assert caught.value.fault == "environment"


@pytest.mark.parametrize(
    "what, text",
    [
        ({"ends": -3.0}, r"certificate of 127.0.0.1:\d+ is not valid: expired 3.0 days ago \(20"),
        ({"begins": 3.0}, "not yet valid, begins in 3.0 days"),
        ({"names": ("other.test",)}, r"wrong host: not valid for 'localhost' \(it is for other.test\)"),
        ({"signed_by": "self"}, "self-signed certificate"),
    ],
)
def test_what_is_wrong_with_a_certificate(authority, handshake, what, text):
    with pytest.raises(NetError, match=text) as caught:
        handshake(authority.context(**what), TlsSettings(ca_file=authority.ca_file))
    assert caught.value.kind == "tls"


def test_the_host_need_not_be_checked(authority, handshake):
    settings = TlsSettings(ca_file=authority.ca_file, check_hostname=False)
    assert handshake(authority.context(), settings, host="other.test") == "TLSv1.3"


def test_nothing_need_be_checked(authority, handshake):
    assert handshake(authority.context(ends=-3.0), TlsSettings(verify=False), host="other.test") == "TLSv1.3"


def test_alpn(authority, handshake):
    server = authority.context()
    server.set_alpn_protocols(["http/1.1"])
    settings = TlsSettings(verify=False, alpn=("http/1.1",))
    assert handshake(server, settings, look=lambda sock: sock.selected_alpn_protocol()) == "http/1.1"


def test_a_newer_version_than_the_server_has(authority, handshake):
    server = authority.context()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(server, TlsSettings(verify=False)) == "TLSv1.2"
    with pytest.raises(NetError, match="no version in common") as caught:
        handshake(server, TlsSettings(verify=False, min_version="1.3"))
    assert caught.value.kind == "tls"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_old_versions_are_spoken_when_asked_for(authority, handshake, version):
    server = authority.context()
    server.minimum_version = ssl.TLSVersion.TLSv1_1
    server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    assert handshake(server, TlsSettings(verify=False, min_version=version)) == "TLSv1.1"


@pytest.mark.parametrize("together", [True, False])
def test_a_client_certificate(authority, handshake, together):
    certificate, key = authority.issue("client")
    both, alone = authority.write("both.pem", certificate, key), authority.write("alone.pem", certificate)
    settings = TlsSettings(verify=False, client_cert=str(both if together else alone), client_key=None if together else str(both))
    server = authority.context()
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.ca_file)
    assert handshake(server, settings) == "TLSv1.3"


def test_a_client_certificate_that_is_missing(authority, handshake):
    server = authority.context()
    server.verify_mode = ssl.CERT_REQUIRED
    with pytest.raises(NetError, match="requires a client certificate"):
        handshake(server, TlsSettings(verify=False), look=lambda sock: sock.recv(1))


def test_files_that_cannot_be_used(authority, tmp_path, pem):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    certificate, key = authority.issue("client")
    alone = str(authority.write("alone.pem", certificate))
    _, other = authority.issue("other")
    other_key, locked = tmp_path / "other.key", tmp_path / "locked.key"
    other_key.write_bytes(pem(other))
    locked.write_bytes(pem(key, b"secret"))
    for settings, text in (
        (TlsSettings(ca_file="/nowhere/ca.pem"), "CA file /nowhere/ca.pem: No such file or directory"),
        (TlsSettings(ca_file="a\0b"), "CA file a\0b: embedded null byte"),
        (TlsSettings(ca_file=str(junk)), f"CA file {junk}: no certificate in it (PEM is expected)"),
        (
            TlsSettings(client_cert="/nowhere/c.pem", client_key=str(other_key)),
            "client certificate /nowhere/c.pem: No such file or directory",
        ),
        (TlsSettings(client_cert=alone, client_key="/nowhere/k.pem"), "client key /nowhere/k.pem: No such file or directory"),
        (
            TlsSettings(client_cert=alone, client_key=str(other_key)),
            f"client certificate {alone}: the key does not belong to the certificate",
        ),
        (
            TlsSettings(client_cert=alone, client_key=str(locked)),
            f"client key {locked}: it has a passphrase: store it without one",
        ),
        (TlsSettings(client_cert=alone), f"client certificate {alone}: certificate or key cannot be read (PEM is expected)"),
    ):
        with pytest.raises(NetError) as caught:
            context(settings)
        assert str(caught.value).startswith(text)
        assert (caught.value.phase, caught.value.kind, caught.value.fault) == ("tls", "config", "config")


def test_the_keychain_of_other_systems(authority, handshake, monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert context(TlsSettings()) is not context(TlsSettings())  # truststore's would make handshakes queue
    assert context(TlsSettings(ca_file=authority.ca_file)) is context(TlsSettings(ca_file=authority.ca_file))
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    assert handshake(authority.context(), TlsSettings(check_hostname=True)) == "TLSv1.3"
    assert handshake(authority.context(), TlsSettings(), look=lambda sock: trusted_path(sock, TlsSettings())) is None


def test_a_keychain_that_refuses(authority, handshake, monkeypatch):
    def refuse(sock, server_hostname):
        error = ssl.SSLCertVerificationError()
        error.verify_code, error.verify_message = -67843, "the keychain does not trust it"
        raise error

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    monkeypatch.setattr(sys.modules["truststore._api"], "_verify_peercerts", refuse)  # it closes the socket then
    with pytest.raises(NetError, match=r"is not valid: .*the keychain does not trust it"):
        handshake(authority.context(), TlsSettings())
