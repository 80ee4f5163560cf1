"""Where a redirect leads, and what goes along (RFC 9110, 15.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urldefrag, urljoin, urlsplit

from requests import PreparedRequest, RequestException, Response
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar, get_cookie_header
from requests.hooks import default_hooks

from monitorpy.errors import NetError
from monitorpy.net.http_adapter import DEFAULT_PORTS, HttpOptions
from monitorpy.utils.masking import excerpt

_BODY_HEADERS = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding")
_PRIVATE = ("auth", "cookie", "token", "secret", "key", "password", "session", "signature", "credential")
_SHOWN = 200
"""Characters of a URL in a message."""

_Mark: TypeAlias = tuple[str | None, str, str]


class Redirects:
    """The redirects of one `fetch`: how many there were, the cookies they set, and which requests they came from."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._jar = RequestsCookieJar()
        self._asked: list[_Mark] = []

    def follow(self, response: Response) -> PreparedRequest:
        """The request that the redirect asks for.

        Raises NetError for one too many, one that asks again for what led here (a loop), one that the policy does not
        allow, and one to what is no website.
        """
        self._asked.append(_mark(response.request))
        if len(self._asked) > self._options.max_redirects:
            last = f"from {_short(response.request.url)} to {_short(response.headers['location'])}"
            raise _refused(f"more than {self._options.max_redirects} redirects, the last one {last}")
        request = _redirected(response)
        self._check_policy(response.request.url or "", request.url or "")
        _carry_cookies(response, request, self._jar)
        if (mark := _mark(request)) in self._asked:
            way = [url for _, url, _ in self._asked[self._asked.index(mark) :]]
            raise _refused(f"redirect loop: {_way([*way, mark[1]])}")
        return request

    def _check_policy(self, old: str, new: str) -> None:
        policy, before, after = self._options.redirect_policy, urlsplit(old), urlsplit(new)
        if policy == "same_host" and before.hostname != after.hostname:
            raise _refused(f"{_short(old)} redirects to another host, {_short(new)}")
        if policy == "https_only" and after.scheme != "https":
            raise _refused(f"{_short(old)} redirects to {_short(new)}, which is not https")


def _mark(request: PreparedRequest) -> _Mark:
    """What makes two requests the same; one with other cookies may be answered otherwise, and a login often is."""
    return request.method, urldefrag(request.url or "").url, str(request.headers.get("Cookie", ""))


def _way(urls: Sequence[str]) -> str:
    return " -> ".join(map(_short, urls))


def _short(url: str | None) -> str:
    return excerpt(url or "", _SHOWN)


def _refused(message: str) -> NetError:
    return NetError(message, phase="transfer", kind="protocol")


def _redirected(response: Response) -> PreparedRequest:
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
        raise _refused(f"{_short(old.url)} redirects to an invalid address, {_short(location)}: {_short(str(error))}") from error
    if urlsplit(request.url or "").scheme not in DEFAULT_PORTS:
        raise _refused(f"{_short(old.url)} redirects to {_short(location)}, which is not http or https")
    _change_method(request, response.status_code)
    if not same:
        _forget_credentials(request)
    return request


def _same_place(old: str, new: str) -> bool:
    """Whether credentials may go along: the same origin, or its step from http to https."""
    before, after = urlsplit(old), urlsplit(new)
    if before.hostname != after.hostname:
        return False
    origins = tuple((url.scheme, url.port or DEFAULT_PORTS.get(url.scheme)) for url in (before, after))
    return origins[0] == origins[1] or origins == (("http", 80), ("https", 443))


def is_private(header: str) -> bool:
    """Whether a header of that name sounds as if its value were for one server only."""
    return any(word in header.lower() for word in _PRIVATE)


def _change_method(request: PreparedRequest, status: int) -> None:
    method = request.method
    if (status == 303 and method not in {"GET", "HEAD"}) or (status in {301, 302} and method == "POST"):  # noqa: PLR2004
        request.method, request.body = "GET", None
        for name in _BODY_HEADERS:
            request.headers.pop(name, None)


def _forget_credentials(request: PreparedRequest) -> None:
    for name in filter(is_private, list(request.headers)):
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
