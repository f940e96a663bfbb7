"""label hands, label actions, review: the pages for a person's browser."""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from handact.cli.console import DatasetArgument, print_note

if TYPE_CHECKING:
    from handact.dataset import Dataset
    from handact.web.project import Task

__all__ = ["add_commands"]

PortOption = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="To listen at.", show_default="8756, or the next one that is free"
    ),
]
OpenOption = Annotated[
    bool, typer.Option("--open/--no-open", help="Open the page in a browser on this machine.")
]
VideoOption = Annotated[
    str | None, typer.Option("--video", metavar="NAME", help="The video to begin with.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    label = typer.Typer(
        name="label", no_args_is_help=True, help="Label hands or actions in the browser."
    )
    label.command("hands")(_label_hands)
    label.command("actions")(_label_actions)
    app.add_typer(label)
    app.command()(review)


def _label_hands(
    dataset: DatasetArgument = Path("."),
    video: VideoOption = None,
    run: Annotated[str, typer.Option(help="Run whose localiser proposes and guesses.")] = "hands",
    port: PortOption = None,
    open_: OpenOption = True,
) -> None:
    """Say where the hands are, frame by frame, in the browser.

    Proposes frames: spread over videos and time first; where a localiser is trained, those where
    it is unsure or contradicts its own track. Labels go to hands.csv at once.
    """
    from handact.web.project import Task

    _serve(dataset, Task("hands", video=video, hands_run=run), port, open_)


def _label_actions(
    dataset: DatasetArgument = Path("."),
    video: VideoOption = None,
    annotator: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Label beside others, in DATASET/annotators/NAME.csv.",
            show_default="the dataset's own actions.csv",
        ),
    ] = None,
    port: PortOption = None,
    open_: OpenOption = True,
) -> None:
    """Say which action goes from where to where, in the browser.

    Labels go to actions.csv at once; those of an --annotator to a table of their own, and the page
    shows how far two of them agree.
    """
    from handact.errors import ConfigError
    from handact.web.project import Task

    if annotator is not None and (not annotator.isidentifier() or annotator == "review"):
        raise ConfigError(
            f"--annotator {annotator!r}: a name is made of letters, digits and _, without blanks"
        )
    _serve(dataset, Task("actions", annotator=annotator or "", video=video), port, open_)


def review(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="VIDEO|RUN",
            help="A video of the dataset, a run with predictions, or a dataset folder.",
            show_default="the run `action`",
        ),
    ] = None,
    dataset: Annotated[Path, typer.Option(help="The dataset folder.")] = Path("."),
    run: Annotated[str, typer.Option("--run", help="Whose predictions of VIDEO.")] = "action",
    port: PortOption = None,
    open_: OpenOption = True,
) -> None:
    """Correct predictions in the browser: the most doubtful, or the most wrong, first.

    What a person says is kept in review.csv and stands whatever is predicted later. A video that is
    finished has its labels in actions.csv, where `train-action` takes them up.
    """
    from handact.dataset import read_dataset
    from handact.web.project import Task

    if what is not None and (Path(what) / "dataset.toml").is_file():
        dataset, what = Path(what), None
    data = read_dataset(dataset, with_labels=False)
    video, run = _find_predictions(data, what, run)
    _serve(dataset, Task("review", run=run, video=video), port, open_)


def _find_predictions(data: "Dataset", what: str | None, run: str) -> tuple[str | None, str]:
    """Return the video and the run that a person means."""
    from handact.errors import LabelError
    from handact.labelling import predicted_videos

    by_path = {video.path.resolve(): video.name for video in data.videos.values()}
    video = what if what in data.videos else by_path.get(Path(what or "").resolve())
    if what is not None and video is None:
        if (data.runs / what).is_dir() and Path(what).name == what:
            run = what
        elif Path(what).is_file():
            raise LabelError(
                f"{what}: is no video of this dataset",
                f"take it in: `handact init {data.root.name} {shlex.quote(what)}`; then segment it",
            )
        else:
            raise LabelError(f"{what}: neither a video of the dataset nor a run of it")
    there = predicted_videos(data.runs / run)
    run_option = "" if run == "action" else f" --run {run}"
    if not there or (video is not None and video not in there):
        about = f" of {video!r}" if video else ""
        raise LabelError(
            f"the run {run!r} has no predictions{about}",
            f"make them: `handact segment {shlex.quote(video or 'VIDEO')}{run_option}`",
        )
    return video, run


def _serve(dataset: Path, task: "Task", port: int | None, open_: bool) -> None:
    from handact.dataset import read_dataset
    from handact.errors import LabelError
    from handact.web.server import serve

    videos = read_dataset(dataset, with_labels=False).videos
    if task.video is not None and task.video not in videos:
        raise LabelError(f"no video {task.video!r}", f"videos are: {', '.join(videos)}")

    def on_ready(address: str) -> None:
        typer.echo(address)
        print_note("every change is saved at once; Ctrl-C ends")
        number = urlsplit(address).port
        print_note(f"from another machine: ssh -L {number}:127.0.0.1:{number} THIS-MACHINE first")
        if open_ and _has_screen():
            typer.launch(address)

    with suppress(KeyboardInterrupt):  # the usual end, which has saved everything
        serve(dataset, task, port=port, on_ready=on_ready, log=print_note)


def _has_screen() -> bool:
    import os
    import sys

    is_linux = sys.platform.startswith("linux")
    return not is_linux or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
