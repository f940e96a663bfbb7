"""The labelling server as a process of its own, asked by hand or by a browser."""

import json
import os
import shutil
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest

__all__ = ["Answer", "Server", "find_browser"]


class Answer:
    """What the server answered."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """`handact label` or `review` on a dataset, until the block ends.

    Args:
        arguments: Of handact, such as ("label", "actions", folder).
        port: 0 takes any that is free.
    """

    def __init__(self, *arguments: str | Path, port: int = 0) -> None:
        self.arguments, self.port = [str(a) for a in arguments], port

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "handact", *self.arguments, "--no-open"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError(self.process.communicate()[1])
        parts = urlsplit(self.address)
        self.port, self.token = parts.port, parse_qs(parts.query)["token"][0]
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> str:
        """End it as Ctrl-C does, and return what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            said = self.process.communicate(timeout=30)[1]
        except ValueError:  # stopped before
            said = ""
        return said

    def kill(self) -> None:
        """End it at once: nothing is finished."""
        self.process.kill()
        self.process.communicate()

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        with_token: bool = True,
    ) -> Answer:
        """Ask for a path as it stands; a body makes it a POST, bytes are sent as they are."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Authorization": f"Bearer {self.token}"} if with_token else {}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.putrequest(
            method or ("GET" if body is None else "POST"), path, skip_host="Host" in (headers or {})
        )
        for name, value in (sent | (headers or {})).items():
            connection.putheader(name, value)
        if data is not None and "Transfer-Encoding" not in (headers or {}):
            connection.putheader("Content-Length", (headers or {}).get("Length", str(len(data))))
        connection.endheaders()
        try:
            if data:
                connection.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was read
        answer = connection.getresponse()
        try:
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def find_browser() -> str:
    """Return the path of a Chromium or Chrome, or skip the test with a reason.

    HANDACT_REQUIRE_BROWSER makes that a failure.
    """
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        if os.environ.get("HANDACT_REQUIRE_BROWSER"):
            pytest.fail("HANDACT_REQUIRE_BROWSER is set, and there is no Chromium")
        pytest.skip("needs Chromium or Chrome, and here is none")
    return path
