"""Who may ask: a token, the right Host and Origin, and requests of a sane size."""

import hmac
import os
import secrets
import stat
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "load_token"]

_MOST_BYTES = 1 << 20  # of a request: an edit of every segment of a long video is far smaller
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def load_token(path: Path) -> str:
    """Return the token of a dataset folder, which only its owner can read; made if need be.

    It outlives the server, so that a page that is open goes on working with the next one.
    """
    if _is_secret(path):
        token = path.read_text().strip()
        if len(token) >= 32:
            return token
    token = secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    return token


def _is_secret(path: Path) -> bool:
    """Tell whether a file is there that nobody else can read or may have made."""
    try:
        about = path.lstat()
    except OSError:
        return False
    is_own = not hasattr(os, "getuid") or (
        about.st_uid == os.getuid() and not about.st_mode & 0o077
    )
    return stat.S_ISREG(about.st_mode) and is_own


class Guard:
    """Stand before an application and refuse what its own page would not ask.

    A page of another site can make a browser ask for anything here, but it does not know the
    token, and its cookie is not sent along (SameSite). A name that another site points at this
    machine is refused by its Host, a request that changes something also by its Origin.

    Args:
        app: What is guarded.
        token: What the address that was printed holds.
        port: Of the server.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token, self._cookie = app, token, f"handact-{port}"
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        refusal = self._refuse(request)
        if refusal is not None:
            return await refusal(scope, receive, send)
        limited = _Limited(receive)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(k.lower().encode(), v.encode()) for k, v in _HEADERS.items()]
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        return await self._app(scope, limited, send_guarded)

    def _refuse(self, request: Request) -> Response | None:
        if request.headers.get("host") not in self._hosts:
            return _say(421, "this address is not the one that handact printed")
        origin = request.headers.get("origin")
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            return _say(403, "asked by the page of another site")
        if int(request.headers.get("content-length") or 0) > _MOST_BYTES:
            return _say(413, "the request is too large")
        if request.method == "GET" and "token" in request.query_params:
            return self._enter(request)
        if not self._knows(request):
            return _say(401, "open the address that handact printed: it holds the token")
        return None

    def _enter(self, request: Request) -> Response:
        """Turn the token of the address into a cookie, and out of sight."""
        if not self._matches(request.query_params["token"]):
            return _say(401, "the token of this address is not the present one")
        answer = RedirectResponse(request.url.path, 303)
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _knows(self, request: Request) -> bool:
        try:
            cookie = SimpleCookie(request.headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            cookie = None
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._matches(cookie.value if cookie else bearer)

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self._token.encode())


def _say(status: int, text: str) -> Response:
    if status == 401:
        return PlainTextResponse(f"{text}\n", status)
    return JSONResponse({"error": text, "hint": None}, status)


class TooLarge(Exception):
    """The body of a request has more bytes than it may."""


class _Limited:
    """Count what comes in without a length said before."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size = receive, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > _MOST_BYTES:
            raise TooLarge
        return message
