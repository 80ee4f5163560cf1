"""nginx: the pages of the lab's web site, and every kind of certificate."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from monitorpy.lab.certificates import Certificates
from monitorpy.lab.http_server import PAGE

from .program import HOST, Home, fill, find, free_port, home, running

KINDS = ("good", "expiring", "expired", "wrong_host", "incomplete", "self_signed")
STATUSES = (200, 204, 404, 410, 418, 429, 500, 503)
CONFIG = """
daemon off;
pid nginx.pid;
worker_processes 1;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log log/access;
  default_type text/plain;
  ssl_protocols TLSv1.2 TLSv1.3;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server {
    listen @host@:@http@;
    listen @host@:@good@ ssl http2;
    @certificate_good@
    root www;
    location = / { try_files /index.html =404; default_type text/html; charset utf-8; add_header X-Frame-Options DENY; }
    location = /health { try_files /health.json =404; default_type application/json; }
    location = /redirect { return 302 /; }
    location = /redirect-loop { return 302 /redirect-loop; }
    location = /to-http { return 302 http://localhost:@http@/; }
    location = /echo { return 200 "$request_method $content_type $content_length\\n"; }
    location = /token { if ($http_authorization != "Bearer good-token") { return 401; } return 200 "welcome\\n"; }
    location = /oauth/token {
      default_type application/json;
      if ($http_authorization != "Basic @client@") { return 401 '{"error": "invalid_client"}'; }
      return 200 '{"access_token": "good-token", "token_type": "Bearer"}';
    }
    location = /private { try_files /index.html =404; auth_basic "lab"; auth_basic_user_file htpasswd; }
    location = /bad-gateway { proxy_pass http://@host@:1; }
    location = /drip { try_files /big =404; limit_rate 20k; }
    location = /packed { try_files /big =404; gzip on; gzip_types text/plain; }
    @statuses@
  }
  @others@
  server { listen @host@:@old@ ssl; ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0; @certificate_good@ return 200; }
  server {
    listen @host@:@mtls@ ssl;
    @certificate_good@
    ssl_client_certificate @ca_file@;
    ssl_verify_client on;
    ssl_verify_depth 2;
    location / { return 200 "hello $ssl_client_s_dn\\n"; }
  }
}
"""


@dataclass(frozen=True)
class Nginx:
    """Its ports: ``http``, ``tls`` by kind of certificate, ``old`` with TLS 1.1 only, ``mtls`` that wants a client certificate."""

    http: int
    tls: dict[str, int]
    old: int
    mtls: int
    home: Home


@contextmanager
def nginx(certificates: Certificates) -> Iterator[Nginx]:
    program = find("nginx")
    with home("nginx") as place:
        server = Nginx(free_port(), {kind: free_port() for kind in KINDS}, free_port(), free_port(), place)
        _write(server, certificates)
        command = [program, "-p", f"{place.path}/", "-c", "nginx.conf", "-e", "stderr"]
        with running(command, place, lambda: _serves(server.http)):
            yield server


def _serves(port: int) -> None:
    with urllib.request.urlopen(f"http://{HOST}:{port}/", timeout=5) as page:
        page.read()


def _write(server: Nginx, certificates: Certificates) -> None:
    place = server.home
    for name, text in {
        "www/index.html": PAGE,
        "www/health.json": '{"status": "ok", "queue": {"depth": 42}}\n',
        "www/big": "All work and no play.\n" * 100_000,
        "htpasswd": "demo:{PLAIN}correct horse\n",
    }.items():
        place.write(name, text)
    place.path.joinpath("tmp").mkdir()
    used = {kind: place.copy((made := getattr(certificates, kind)).chain_file, made.key_file) for kind in KINDS}
    said = {kind: f"ssl_certificate {chain}; ssl_certificate_key {key};" for kind, (chain, key) in used.items()}
    others = [f"server {{ listen {HOST}:{server.tls[kind]} ssl; {said[kind]} return 200 'of {kind}'; }}" for kind in KINDS[1:]]
    statuses = [f"location = /status/{code} {{ return {code} 'this is {code}'; }}" for code in STATUSES]
    [ca_file] = place.copy(certificates.ca_file)
    ports = {"http": server.http, "good": server.tls["good"], "old": server.old, "mtls": server.mtls}
    parts = {
        "certificate_good": said["good"],
        "others": "\n".join(others),
        "statuses": "\n".join(statuses),
        "ca_file": ca_file,
        "client": b64encode(b"app:secret").decode(),
    }
    place.write("nginx.conf", fill(CONFIG, host=HOST, **ports, **parts))
