"""HTTP for checks: `fetch` one URL through requests and our adapter. Importing this module imports requests."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urldefrag, urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.auth import AuthBase
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar, get_cookie_header
from requests.hooks import default_hooks, dispatch_hook

from monitorpy.errors import NetError
from monitorpy.net.deadline import Deadline
from monitorpy.net.http_adapter import DEFAULT_PORTS, PHASES, DirectAdapter, Hop, HttpOptions

__all__ = ["Exchange", "Hop", "HttpOptions", "fetch"]

_DEFAULT_HEADERS = {"User-Agent": "MonitorPy", "Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Connection": "close"}
_BODY_HEADERS = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding")
_PRIVATE = ("auth", "cookie", "token", "secret", "key", "password", "session", "signature", "credential")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a `fetch`.

    ``url`` is the last one asked, ``headers`` have lower-case names and repeated ones joined by commas, ``body`` is decompressed and
    ``truncated`` when longer than the limit. ``certificate`` is the leaf (DER) of the last connection. ``redirects`` are the
    hops that led elsewhere, ``hops`` all of them. ``seconds`` is the time of everything.
    """

    url: str
    status_code: int
    reason: str
    headers: dict[str, str]
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
    an answer, but none that is cut short, malformed or beyond ``max_redirects`` is. Credentials stay with the host they were given for.
    """
    for phase in PHASES:
        phases.setdefault(phase)
    started = perf_counter()
    adapter = DirectAdapter(options, deadline, phases)
    request = _prepared(method, url, {**_DEFAULT_HEADERS, **(headers or {})}, body, auth)
    redirects: list[Hop] = []
    jar = RequestsCookieJar()
    while True:
        response = dispatch_hook("response", request.hooks, adapter.send(request))
        if not adapter.leads_elsewhere(response):
            return _exchange(response, adapter.hops, redirects, perf_counter() - started)
        redirects.append(adapter.hops[-1])
        if len(redirects) > options.max_redirects:
            message = f"more than {options.max_redirects} redirects, the last one from {request.url} to {response.headers['location']}"
            raise NetError(message, phase="transfer", kind="protocol")
        request = _redirected(response, jar)


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
        if urlsplit(request.url or "").scheme not in {"http", "https"}:
            raise ValueError("only http and https can be asked")  # noqa: TRY301 - one place makes the error
    except (RequestException, ValueError) as error:
        raise NetError(f"cannot ask for {url}: {error}", phase="dns", kind="config", fault="config") from error
    return request


def _redirected(response: Response, jar: RequestsCookieJar) -> PreparedRequest:
    """The request that a redirect asks for (RFC 9110, 15.4)."""
    old = response.request
    location = response.headers["location"].encode("latin-1").decode("utf-8", "backslashreplace")
    request = old.copy()
    try:
        url = urljoin(old.url or "", location)
        if "#" not in url and (fragment := urldefrag(old.url or "").fragment):
            url = f"{url}#{fragment}"
        request.prepare_url(url, None)
        same = _same_place(old.url or "", request.url or "")
    except (RequestException, ValueError) as error:
        raise NetError(f"{old.url} redirects to an invalid address, {location}: {error}", phase="transfer", kind="protocol") from error
    if urlsplit(request.url or "").scheme not in {"http", "https"}:
        raise NetError(f"{old.url} redirects to {location}, which is not http or https", phase="transfer", kind="protocol")
    _change_method(request, response.status_code)
    if not same:
        _forget_credentials(request)
    _carry_cookies(response, request, jar)
    return request


def _same_place(old: str, new: str) -> bool:
    """Whether credentials may go along: the same origin, or its step from http to https."""
    before, after = urlsplit(old), urlsplit(new)
    if before.hostname != after.hostname:
        return False
    origins = tuple((url.scheme, url.port or DEFAULT_PORTS.get(url.scheme)) for url in (before, after))
    return origins[0] == origins[1] or origins == (("http", 80), ("https", 443))


def _change_method(request: PreparedRequest, status: int) -> None:
    method = request.method
    if (status == 303 and method not in {"GET", "HEAD"}) or (status in {301, 302} and method == "POST"):  # noqa: PLR2004
        request.method, request.body = "GET", None
        for name in _BODY_HEADERS:
            request.headers.pop(name, None)


def _forget_credentials(request: PreparedRequest) -> None:
    for name in [name for name in request.headers if any(word in name.lower() for word in _PRIVATE)]:
        del request.headers[name]
    request.headers.pop("Host", None)
    request.hooks = default_hooks()  # digest authentication listens there


def _carry_cookies(response: Response, request: PreparedRequest, jar: RequestsCookieJar) -> None:
    """Cookies that the answer sets go along with the redirect, as in a browser: a login that sets one would go in circles."""
    message = response.raw.msg
    if "set-cookie" in message:
        jar.extract_cookies(MockResponse(message), MockRequest(response.request))  # type: ignore[arg-type]
    if len(jar):
        own = str(request.headers.pop("Cookie", ""))
        names = set(jar.keys())
        kept = [pair for pair in own.split("; ") if pair and pair.partition("=")[0] not in names]
        if cookies := "; ".join([*kept, *filter(None, [get_cookie_header(jar, request)])]):
            request.headers["Cookie"] = cookies


def _exchange(response: Response, hops: list[Hop], redirects: list[Hop], seconds: float) -> Exchange:
    last = hops[-1]
    return Exchange(
        url=last.url,
        status_code=response.status_code,
        reason=response.reason,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=response.content,
        truncated=last.truncated,
        http_version=last.http_version,
        address=last.address,
        certificate=last.certificate,
        redirects=tuple(redirects),
        hops=tuple(hops),
        seconds=seconds,
    )
