"""The web server of the pages: addresses, what they take and give, and how it starts and stops."""

import errno
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from handact.errors import ConfigError, HandactError
from handact.labelling import StaleEdit, UnreadableTable
from handact.web.actions import action_state, compare_tiers, edit_actions, step_actions
from handact.web.guard import Guard, TooLarge, load_token
from handact.web.hands import (
    edit_hands,
    guess_hands,
    hand_state,
    propose_frames,
    step_hands,
    sum_up,
)
from handact.web.pictures import Dropped
from handact.web.project import Project, Task
from handact.web.review import finish_review, list_reviews, show_review, study_tier

__all__ = ["PORT", "make_app", "serve"]

PORT = 8756
_TRIES = 20  # ports after the usual one, where that is taken
_STATIC = Path(__file__).parent / "static"
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_NEVER = {"Cache-Control": "no-store"}

View = Callable[[Project, Request, dict[str, Any]], Any]


def serve(
    root: Path,
    task: Task,
    *,
    port: int | None = None,
    on_ready: Callable[[str], None],
    log: Callable[[str], None],
) -> None:
    """Serve the pages of a dataset folder on 127.0.0.1 until Ctrl-C.

    Args:
        root: The dataset folder.
        task: What a person came for.
        port: To listen at; PORT if None, or one of the next that is free.
        on_ready: Called with the address of the page, which holds the token.
        log: Takes a line for people.

    Raises:
        HandactError: The folder is not in order, is worked on already, or the port is taken.
    """
    listener = _listen(port)
    with listener, _opened(root, task, log) as project:
        number = listener.getsockname()[1]
        token = load_token(project.dataset.cache / "label-token")
        app = Guard(make_app(project), token, number)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        # A page that still loads something when Ctrl-C comes is no error that a person can mend.
        logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
        on_ready(f"http://127.0.0.1:{number}/{task.view}?token={token}")
        server.run(sockets=[listener])


@contextmanager
def _opened(root: Path, task: Task, log: Callable[[str], None]) -> Iterator[Project]:
    project = Project(root, task, log)
    try:
        yield project
    finally:
        project.close()


def _listen(port: int | None) -> socket.socket:
    ports = [port] if port is not None else range(PORT, PORT + _TRIES)
    for number in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
            listener.listen()  # so that nobody is too early for the address that is printed
            return listener
        except OSError as error:
            listener.close()
            if error.errno == errno.EACCES:
                raise ConfigError(
                    f"port {number} needs more rights", "choose one above 1023"
                ) from error
            if error.errno != errno.EADDRINUSE:
                raise
    which = f"port {port} is" if port is not None else f"ports {ports[0]} to {ports[-1]} are"
    raise ConfigError(f"{which} taken", "`--port 0` takes any that is free")


def make_app(project: Project) -> Starlette:
    """Return the application, which believes whoever asks: `Guard` stands before it."""
    routes = [Route(f"/{view}", _page) for view in ("", "hands", "actions", "review")]
    routes += [
        Route(path, _endpoint(view), methods=[method]) for (method, path), view in _VIEWS.items()
    ]
    routes += [
        Route("/frames/{video}/{frame:int}.jpg", _frame),
        Route("/media/{video}", _media),
        Route("/api/videos/{video}/times", _times),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    handlers = {
        HandactError: _refuse,
        HTTPException: _refuse_http,
        IndexError: lambda request, error: _error(404, str(error)),
        TooLarge: lambda request, error: _error(413, "the request is too large"),
        OSError: lambda request, error: _error(503, str(error)),
        Dropped: lambda request, error: _error(503, "newer requests came before it"),
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.state.project = project
    return app


# ------------------------------------------------------------------------------------------- pages


def _page(request: Request) -> Response:
    return FileResponse(_STATIC / "index.html", headers=_NEVER)


def _frame(request: Request) -> Response:
    data = request.app.state.project.picture(_video(request), request.path_params["frame"])
    return Response(data, media_type="image/jpeg", headers=_FOR_EVER)


def _media(request: Request) -> Response:
    path = request.app.state.project.media(_video(request))
    if path is None:
        raise HTTPException(404, "a folder of pictures has no file to play")
    return FileResponse(path, headers=_NEVER)


def _times(request: Request) -> Response:
    edges = request.app.state.project.edges(_video(request)).astype("<f8")
    return Response(edges.tobytes(), media_type="application/octet-stream", headers=_NEVER)


def _video(request: Request) -> str:
    """Return the name of a video that there is: no path ever comes from an address."""
    name = request.path_params["video"]
    if name not in request.app.state.project.dataset.videos:
        raise HTTPException(404, f"there is no video {name!r}")
    return name


# --------------------------------------------------------------------------------------------- API


def _endpoint(view: View) -> Callable[[Request], Any]:
    """Give a function of the project, the request and its body an address."""

    async def endpoint(request: Request) -> Response:
        if "video" in request.path_params:
            _video(request)
        project = request.app.state.project
        if request.headers.get("x-dataset", project.id) != project.id:
            # The page of a dataset that was served at this address before.
            raise HTTPException(403, "another dataset is served at this address now")
        body = await _body(request) if request.method == "POST" else {}
        try:
            value = await run_in_threadpool(view, project, request, body)
        except StaleEdit as error:
            state = await run_in_threadpool(_present_state, project, request, body)
            return _error(409, error.message, error.hint, state=state)
        return JSONResponse(value, headers=_NEVER)

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return body


def _present_state(project: Project, request: Request, body: dict[str, Any]) -> Any:
    video = request.path_params.get("video")
    if video is None:
        return None
    if request.url.path.startswith("/api/hands/"):
        return hand_state(project, video)
    return action_state(project, video, body.get("tier", ""))


def _of(request: Request) -> str:
    return request.path_params["video"]


def _run(request: Request) -> str:
    return request.path_params["run"]


def _id(request: Request) -> str:
    """Return what tells a change that is sent again from a new one."""
    return request.headers.get("x-edit", "")[:100]


def _query(request: Request, name: str, default: str = "") -> str:
    return request.query_params.get(name, default)


def _rows(body: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    rows = body.get("remove", []), body.get("add", [])
    if not all(isinstance(its, list) for its in rows):
        raise HTTPException(400, "remove and add are lists of rows")
    return rows


def _tier(body: dict[str, Any]) -> str:
    tier = body.get("tier", "")
    if not isinstance(tier, str):
        raise HTTPException(400, "tier is a name")
    return tier


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = _query(request, name, str(default))
    if not text.isdecimal():
        raise HTTPException(400, f"{name} is a number")
    return min(int(text), most)


_VIEWS: dict[tuple[str, str], View] = {
    ("GET", "/api/project"): lambda p, r, b: p.describe(),
    ("POST", "/api/classes"): lambda p, r, b: p.add_class(b.get("name", "")),
    ("GET", "/api/versions"): lambda p, r, b: p.versions(),
    ("GET", "/api/videos/{video}"): lambda p, r, b: p.video(_of(r)),
    ("GET", "/api/videos/{video}/proxy"): lambda p, r, b: p.proxy_state(_of(r)),
    ("POST", "/api/videos/{video}/proxy"): lambda p, r, b: vars(p.start_proxy(_of(r))),
    ("GET", "/api/videos/{video}/motion"): lambda p, r, b: p.motion(_of(r)),
    ("POST", "/api/videos/{video}/motion"): lambda p, r, b: vars(p.start_motion(_of(r))),
    ("GET", "/api/actions/{video}"): lambda p, r, b: action_state(p, _of(r), _query(r, "tier")),
    ("POST", "/api/actions/{video}"): lambda p, r, b: edit_actions(
        p, _of(r), _tier(b), *_rows(b), _id(r)
    ),
    ("POST", "/api/actions/{video}/undo"): lambda p, r, b: step_actions(
        p, _of(r), _tier(b), "undo", _id(r)
    ),
    ("POST", "/api/actions/{video}/redo"): lambda p, r, b: step_actions(
        p, _of(r), _tier(b), "redo", _id(r)
    ),
    ("GET", "/api/agreement/{video}"): lambda p, r, b: compare_tiers(
        p, _of(r), _query(r, "a"), _query(r, "b")
    ),
    ("GET", "/api/hands/{video}"): lambda p, r, b: hand_state(p, _of(r)),
    ("POST", "/api/hands/{video}"): lambda p, r, b: edit_hands(p, _of(r), *_rows(b), _id(r)),
    ("POST", "/api/hands-undo"): lambda p, r, b: step_hands(p, "undo", _id(r)),
    ("POST", "/api/hands-redo"): lambda p, r, b: step_hands(p, "redo", _id(r)),
    ("GET", "/api/hands-progress"): lambda p, r, b: sum_up(p),
    ("GET", "/api/hands-queue"): lambda p, r, b: propose_frames(
        p, _number(r, "count", 40, 500), r.query_params.get("video")
    ),
    ("GET", "/api/hands/{video}/{frame:int}/guess"): lambda p, r, b: guess_hands(
        p, _of(r), r.path_params["frame"]
    ),
    ("GET", "/api/review/{run}"): lambda p, r, b: list_reviews(p, _run(r)),
    ("GET", "/api/review/{run}/{video}"): lambda p, r, b: show_review(p, _run(r), _of(r)),
    ("POST", "/api/review/{run}/{video}/finish"): lambda p, r, b: finish_review(
        p, _run(r), _of(r), _id(r)
    ),
    ("GET", "/api/timestudy/{video}"): lambda p, r, b: study_tier(
        p, _of(r), _query(r, "tier"), _query(r, "run") or None
    ),
}


# ------------------------------------------------------------------------------------------ errors


def _refuse(request: Request, error: HandactError) -> Response:
    # What a person can mend outside of the page is not the fault of the request: try again.
    status = 503 if isinstance(error, UnreadableTable) else 400
    return _error(status, error.message, error.hint)


def _refuse_http(request: Request, error: HTTPException) -> Response:
    return _error(error.status_code, error.detail)


def _error(status: int, message: str, hint: str | None = None, **more: Any) -> Response:
    return JSONResponse({"error": message, "hint": hint, **more}, status, headers=_NEVER)
