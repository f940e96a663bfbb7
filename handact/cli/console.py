"""What the commands share to talk to people: tables, progress, errors, common options.

The only file that imports rich; it does so inside its functions, which keeps `--help` quick.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from handact.progress import Progress

__all__ = [
    "ConfigOption",
    "DatasetArgument",
    "DeviceOption",
    "JsonOption",
    "RunOption",
    "SetOption",
    "find_share",
    "parse_share",
    "print_error",
    "print_json",
    "print_note",
    "print_table",
    "progress",
]

DatasetArgument = Annotated[
    Path,
    typer.Argument(metavar="DATASET", help="The dataset folder.", show_default="this folder"),
]
RunOption = Annotated[
    str, typer.Option("--run", help="Name of the folder below runs/, or its path.")
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.", show_default="auto")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings, as TOML.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting; may be repeated."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def parse_share(text: str, option: str) -> tuple[int, int]:
    """Return I and N of an option that takes I/N, I from 0.

    Raises:
        typer.BadParameter: It is no such thing.
    """
    index, _, number = text.partition("/")
    if not (index.isdecimal() and number.isdecimal() and int(index) < int(number)):
        raise typer.BadParameter(f"{option} takes I/N with I from 0 to N - 1, not {text!r}")
    return int(index), int(number)


def find_share(text: str | None) -> tuple[int, int]:
    """Return I and N of `--share`, or what `torchrun` says: the rank, and how many there are."""
    if text is not None:
        return parse_share(text, "--share")
    from handact.distributed import launched_processes

    processes = launched_processes()
    return processes.rank, processes.number


def print_error(message: str, hint: str | None = None) -> None:
    """Print one line that begins with `error:`, and the hint below it, to stderr."""
    _print_labelled("error", "red", message)
    if hint:
        _print_labelled("hint", "cyan", hint)


def print_note(message: str) -> None:
    """Print a line that is not data to stderr."""
    print(message, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print one JSON value to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    left: int = 1,
) -> None:
    """Print a table to stdout: the first `left` columns flush left, numbers flush right.

    Cells are text already, except floats, which get one decimal, and None, which becomes a dash.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    # A pipe has no width: wrapping there would break lines that a program reads.
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=200)
    console.print(table)


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Progress]:
    """Show how far work has come: a bar on a terminal, a plain line now and then elsewhere."""
    if sys.stderr.isatty():
        with _bar(what, unit) as update:
            yield update
    else:
        yield _Lines(what, unit)


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task(what, total=None)

    def update(done: int, total: int | None) -> None:
        # Two bars cannot share a terminal: each begins with its work, and ends with it.
        ended = total is not None and done >= total
        if not ended and not bar.live.is_started:
            bar.start()
        bar.update(task, completed=done, total=total)
        if ended:
            bar.stop()

    try:
        yield update
    finally:
        bar.stop()


class _Lines:
    """Progress for logs: the first step, the last, and one line every ten seconds between."""

    def __init__(self, what: str, unit: str) -> None:
        self.what, self.unit = what, unit
        self.printed_at = float("-inf")

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if done != total and now - self.printed_at < 10:
            return
        self.printed_at = now
        of = "" if total is None else f"/{total}"
        print_note(f"{self.what}: {done}{of} {self.unit}".rstrip())


def _print_labelled(label: str, colour: str, message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble((f"{label}: ", f"bold {colour}"), " ".join(message.splitlines()))
    Console(stderr=True, soft_wrap=True, highlight=False).print(line)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
