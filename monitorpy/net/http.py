"""HTTP for checks: `fetch` one URL through requests and our adapter. Importing this module imports requests."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.auth import AuthBase
from requests.hooks import default_hooks, dispatch_hook

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.http_adapter import DEFAULT_PORTS, PHASES, DirectAdapter, Hop, HttpOptions
from monitorpy.net.http_redirect import Redirects

__all__ = ["Exchange", "Hop", "HttpOptions", "fetch"]

_DEFAULT_HEADERS = {"User-Agent": "MonitorPy", "Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Connection": "close"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a `fetch`.

    ``url`` is the last one asked, ``headers`` have lower-case names and repeated ones joined by commas, ``repeated`` has those
    one by one. ``body`` is decompressed and ``truncated`` when longer than the limit. ``certificate`` is the leaf (DER) of the
    last connection. ``redirects`` are the hops that led elsewhere, ``hops`` all of them. ``seconds`` is the time of everything.
    """

    url: str
    status_code: int
    reason: str
    headers: dict[str, str]
    repeated: dict[str, list[str]]
    body: bytes
    truncated: bool
    http_version: str
    address: str
    certificate: bytes | None
    redirects: tuple[Hop, ...]
    hops: tuple[Hop, ...]
    seconds: float


def fetch(
    url: str,
    *,
    deadline: Deadline,
    phases: MutableMapping[str, float | None],
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    auth: AuthBase | None = None,
    options: HttpOptions = HttpOptions(),  # noqa: B008 - frozen
) -> Exchange:
    """Ask for a URL and follow redirects; every hop over a new connection, all of it within the deadline.

    ``phases`` gets the seconds of each phase, summed over the hops, also when the exchange breaks off. Raises NetError: any status is
    an answer, but none that is cut short, malformed or where redirects may not lead. Credentials stay with the host they were given for.
    """
    for phase in PHASES:
        phases.setdefault(phase)
    started = perf_counter()
    adapter = DirectAdapter(options, deadline, phases)
    request = _prepared(method, url, {**_DEFAULT_HEADERS, **(headers or {})}, body, auth)
    way: Redirects | None = None
    redirects: list[Hop] = []
    while True:
        response = dispatch_hook("response", request.hooks, adapter.send(request))
        if not adapter.leads_elsewhere(response):
            return _exchange(response, adapter.hops, redirects, perf_counter() - started)
        redirects.append(adapter.hops[-1])
        way = way or Redirects(options)
        request = way.follow(response)


def _prepared(method: str, url: str, headers: Mapping[str, str], body: bytes | None, auth: AuthBase | None) -> PreparedRequest:
    """What requests would prepare, step by step: without a session, cookies and the environment."""
    request = PreparedRequest()
    try:
        request.prepare_method(method)
        request.prepare_url(url, None)
        request.prepare_headers(headers)
        request.prepare_body(body, None)
        request.hooks = default_hooks()
        if auth:
            request.prepare_auth(auth)
        if urlsplit(request.url or "").scheme not in DEFAULT_PORTS:
            raise ValueError("only http and https can be asked")  # noqa: TRY301 - one place makes the error
    except (RequestException, ValueError) as error:
        raise NetError(f"cannot ask for {url}: {error}", phase="dns", kind="config", fault="config") from error
    return request


def _exchange(response: Response, hops: list[Hop], redirects: list[Hop], seconds: float) -> Exchange:
    last = hops[-1]
    return Exchange(
        url=last.url,
        status_code=response.status_code,
        reason=response.reason,
        headers={name.lower(): value for name, value in response.headers.items()},
        repeated=last.repeated,
        body=response.content,
        truncated=last.truncated,
        http_version=last.http_version,
        address=last.address,
        certificate=last.certificate,
        redirects=tuple(redirects),
        hops=tuple(hops),
        seconds=seconds,
    )
