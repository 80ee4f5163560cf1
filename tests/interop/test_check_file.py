"""One check file against all of the servers, run by `monitorpy batch` and by pytest: the same verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

CHECKS = """
defaults:
  timeout: 10
  config:
    website_status: {{ca_file: "{ca}"}}
    ssl_certificate: {{ca_file: "{ca}"}}
    mail_server: {{ca_file: "{ca}", ip_family: ipv4}}
checks:
  - {{id: site, plugin: website_status, config: {{url: "https://localhost:{https}/", expected_content: "Welcome to the lab"}}}}
  - {{id: down, plugin: website_status, config: {{url: "http://localhost:{http}/status/503"}}}}
  - {{id: certificate, plugin: ssl_certificate, config: {{hostname: localhost, port: {https}}}}}
  - {{id: expiring, plugin: ssl_certificate, config: {{hostname: localhost, port: {expiring}}}}}
  - {{id: expired, plugin: ssl_certificate, config: {{hostname: localhost, port: {expired}}}}}
  - {{id: name, plugin: dns_record, config: {{domain: signed.test, record_type: A, nameserver: "127.0.0.1:{dns}", check_dnssec: true, trust_anchor: "{anchor}"}}}}
  - {{id: bogus, plugin: dns_record, config: {{domain: bogus.test, record_type: A, nameserver: "127.0.0.1:{resolver}"}}}}
  - id: mail
    needs: [name]
    plugin: mail_server
    addresses: all
    config: {{hostname: plain.test, protocol: smtp, port: {smtp}, resolve_mx: true, nameserver: "127.0.0.1:{dns}", use_tls: true, server_name: localhost}}
  - id: half
    plugin: mail_server
    addresses: all
    config: {{hostname: half.plain.test, protocol: smtp, port: {smtp}, resolve_mx: true, nameserver: "127.0.0.1:{dns}", use_tls: true, server_name: localhost}}
  - {{id: mailbox, plugin: mail_server, config: {{hostname: localhost, protocol: imap, port: {imap}, use_tls: true, username: alice, password: "${{secret:MAIL_PASSWORD}}"}}}}
  - {{id: port, plugin: tcp_port, config: {{host: localhost, port: {smtp}, banner: "^220 "}}}}
  - {{id: after, needs: [bogus], plugin: tcp_port, config: {{host: localhost, port: {smtp}}}}}
"""
SERVERS = ("certificates", "nginx", "bind9", "unbound", "exim", "dovecot")
VERDICTS = {
    "site": "success",
    "down": "error",
    "certificate": "success",
    "expiring": "warning",
    "expired": "error",
    "name": "success",
    "bogus": "error",
    "mail": "success",
    "half": "error",
    "mailbox": "success",
    "port": "success",
    "after": "error",
}


@pytest.fixture
def run(request, tmp_path):
    """Runs a program of this environment beside the check file."""
    certificates, nginx, bind9, unbound, exim, dovecot = map(request.getfixturevalue, SERVERS)
    text = CHECKS.format(
        ca=certificates.ca_file,
        http=nginx.http,
        https=nginx.tls["good"],
        expiring=nginx.tls["expiring"],
        expired=nginx.tls["expired"],
        dns=bind9.port,
        resolver=unbound.port,
        anchor=bind9.anchor,
        smtp=exim.smtp,
        imap=dovecot.imap,
    )
    tmp_path.joinpath("checks.yaml").write_text(text, encoding="utf-8")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}

    def call(*command):
        command = [sys.executable, "-m", *command]
        return subprocess.run(
            command, cwd=tmp_path, env={**environ, "MAIL_PASSWORD": "secret"}, capture_output=True, text=True, check=False, timeout=120
        )

    return call


def verdicts(results):
    return {result["id"]: result["status"] for result in results}


def test_batch(run):
    ended = run("monitorpy", "batch", "checks.yaml", "--json", "-")
    results = json.loads(ended.stdout)["results"]
    assert verdicts(results) == VERDICTS
    assert ended.returncode == 2
    told = {result["id"]: result for result in results}
    assert told["down"]["message"] == "expected status 2xx, got 503 Service Temporarily Unavailable"
    assert told["after"]["fault"] == "blocked"
    places = {place["address"]: place["status"] for place in told["mail"]["raw_data"]["addresses"]}
    assert set(places.values()) == {"success"}
    assert len(places) == 2
    assert sorted(place["status"] for place in told["half"]["raw_data"]["addresses"]) == ["error", "success"]
    assert "secret" not in ended.stdout.replace("secrets", "")


def test_pytest(run, tmp_path):
    ended = run("pytest", "-p", "no:cacheprovider", "--monitorpy=checks.yaml", "--monitorpy-json=results.json")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    results = json.loads(tmp_path.joinpath("results.json").read_text(encoding="utf-8"))["results"]
    assert verdicts(results) == VERDICTS
    assert "4 failed, 6 passed, 1 skipped, 1 xfailed" in ended.stdout.replace("=", "")
