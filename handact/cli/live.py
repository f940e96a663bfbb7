"""What `segment --live` does; `segment` reads its options."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handact.cli.console import print_note

if TYPE_CHECKING:
    from handact.config import SegmentConfig
    from handact.engine import ActionModel

__all__ = ["watch"]


def watch(
    source: str,
    model: "ActionModel",
    config: "SegmentConfig",
    *,
    output: Path | None,
    overlay: bool,
    window: bool,
    max_wait: float,
) -> None:
    """Print the events of a live source as JSON lines; with `output`, leave a table of actions."""
    from handact.files import check_writable
    from handact.live import segment_live
    from handact.video import LiveSource

    folder = output or Path(".")
    check_writable(folder)
    name = _name(source)

    drawn = folder / f"{name}.overlay.mp4" if overlay else None
    table = folder / f"{name}.segments.csv" if output else None
    segments: list[dict[str, Any]] = []

    def keep(segment: dict[str, Any]) -> None:
        segments.append(segment)
        if table is not None:  # at once: nobody knows how a session of hours will end
            _write_table(table, name, segments)

    try:
        with LiveSource(source, max_wait=max_wait) as frames:
            segment_live(
                frames,
                model,
                config,
                on_event=_print_event,
                on_segment=keep,
                overlay=drawn,
                window=window,
            )
    finally:  # also of a camera that was lost
        for path in (table, drawn):
            if path is not None and path.exists():
                print_note(f"wrote {path}")


def _name(source: str) -> str:
    """Name the outputs: a file by itself, what has no end by the time it began."""
    if Path(source).exists():
        return Path(source).stem
    return f"live-{datetime.now():%Y-%m-%dT%H-%M-%S}"


def _print_event(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


def _write_table(path: Path, name: str, segments: list[dict[str, Any]]) -> None:
    import pandas as pd

    from handact.outputs import write_segment_table

    table = pd.DataFrame(segments)
    table.insert(0, "video", name)
    write_segment_table(path, table)
