"""The built-in plugins, one file each. A class is imported when it is first asked for: some need heavy libraries."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitorpy.plugins.dns_record import DnsRecordPlugin
    from monitorpy.plugins.grpc_health import GrpcHealthPlugin
    from monitorpy.plugins.mail_server import MailServerPlugin
    from monitorpy.plugins.ping import PingPlugin
    from monitorpy.plugins.sample_template import SampleMonitorPlugin
    from monitorpy.plugins.ssl_certificate import SslCertificatePlugin
    from monitorpy.plugins.tcp_port import TcpPortPlugin
    from monitorpy.plugins.udp import UdpPlugin
    from monitorpy.plugins.website_status import WebsiteStatusPlugin
    from monitorpy.plugins.websocket import WebsocketPlugin

_HOMES = {
    "DnsRecordPlugin": "dns_record",
    "GrpcHealthPlugin": "grpc_health",
    "MailServerPlugin": "mail_server",
    "PingPlugin": "ping",
    "SampleMonitorPlugin": "sample_template",
    "SslCertificatePlugin": "ssl_certificate",
    "TcpPortPlugin": "tcp_port",
    "UdpPlugin": "udp",
    "WebsiteStatusPlugin": "website_status",
    "WebsocketPlugin": "websocket",
}

__all__ = [
    "DnsRecordPlugin",
    "GrpcHealthPlugin",
    "MailServerPlugin",
    "PingPlugin",
    "SampleMonitorPlugin",
    "SslCertificatePlugin",
    "TcpPortPlugin",
    "UdpPlugin",
    "WebsiteStatusPlugin",
    "WebsocketPlugin",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
