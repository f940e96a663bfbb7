"""`report metrics`, `report hands`, `report timeline`: on a dataset folder, or on bare tables.

`report engines`: what the two engines of `segment` cost and give, on a dataset folder.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    print_json,
    print_note,
    print_table,
    progress,
)

if TYPE_CHECKING:
    from handact.results import Clips, HandPairs, Sequences

__all__ = ["add_commands"]

TruthOption = Annotated[
    Path | None,
    typer.Option("--truth", metavar="FILE", help="Table of the truth, in place of a dataset."),
]
PredictedOption = Annotated[
    Path | None,
    typer.Option("--predicted", metavar="FILE", help="Table of the prediction, with --truth."),
]
BackgroundOption = Annotated[
    str, typer.Option("--background", metavar="NAME", help="Background class of bare tables.")
]
FramesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--frames", metavar="VIDEO=N,...", help="Frames of videos, where the last rows end before."
    ),
]
VideosOption = Annotated[
    Path | None,
    typer.Option("--videos", metavar="FILE", help="Table with the columns video,frames,fps."),
]
FpsOption = Annotated[
    float | None, typer.Option("--fps", min=0.001, help="Frames per second of bare tables.")
]
SplitOption = Annotated[
    Literal["train", "val", "test"], typer.Option("--split", help="Videos to report on.")
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings of `segment`, as TOML."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FOLDER", help="Where files go.", show_default="DATASET/report"
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    report = typer.Typer(no_args_is_help=True)
    report.command()(metrics)
    report.command()(hands)
    report.command()(timeline)
    report.command()(engines)
    app.add_typer(
        report, name="report", help="Figures, tables and pictures of how good predictions are."
    )


def metrics(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: PredictedOption = None,
    background: BackgroundOption = "background",
    frames: FramesOption = None,
    videos: VideosOption = None,
    fps: FpsOption = None,
    average: Annotated[
        Literal["pooled", "video"],
        typer.Option(help="F1 of pooled counts (MS-TCN), or its mean over videos (ED-TCN)."),
    ] = "pooled",
    include_background: Annotated[
        bool, typer.Option("--include-background", help="Count background in edit and F1.")
    ] = False,
    config: ConfigOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Frame accuracy, edit score and F1@{10,25,50} of long videos; per class; confusion.

    On a dataset also the accuracy on trimmed segments; tables and pictures go to DATASET/report.
    With --truth and --predicted, tables with the columns video,start_frame,end_frame,action are
    compared, and nothing is written unless -o FOLDER is given.
    """
    from handact.report import describe_sequences, state_sequences, write_metrics_report

    clips = None
    if _is_bare(truth, predicted):
        result = _read_sequences(truth, predicted, background, frames, videos, fps)
    else:
        result = _evaluate_sequences(dataset, run, split, config, device)
        clips = _evaluate_clips(dataset, run, split, device)
        output = output or dataset / "report"
    report = describe_sequences(
        result, clips, average=average, include_background=include_background
    )
    files = write_metrics_report(output, report, result) if output else []
    if json:
        print_json({key: value for key, value in report.items() if key != "confusion"})
    else:
        _print_summary(report)
        _print_classes(report)
        typer.echo(state_sequences(report))
    _name_files(files)


def hands(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "hands",
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: PredictedOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """F1 of hand positions within a distance T_L of 0.05, 0.1, 0.2 and 0.3, in total and per hand.

    On a dataset, the localiser of --run looks at the labelled frames of the split. With --truth
    and --predicted, two tables are compared: video,frame,left_x,left_y,right_x,right_y, the
    prediction with left_p and right_p too; only frames that the truth labels count.
    """
    from handact.report import describe_hands, state_hands, write_hands_report

    if _is_bare(truth, predicted):
        result = _read_hands(truth, predicted)
    else:
        result = _evaluate_hands(dataset, run, split, device)
        output = output or dataset / "report"
    report = describe_hands(result)
    files = write_hands_report(output, report, result) if output else []
    if json:
        print_json({key: value for key, value in report.items() if key != "variant"})
        print_note(state_hands(report))
    else:
        _print_hands(report)
        typer.echo(state_hands(report))
    _name_files(files)


def timeline(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    truth: TruthOption = None,
    predicted: PredictedOption = None,
    background: BackgroundOption = "background",
    frames: FramesOption = None,
    videos: VideosOption = None,
    fps: FpsOption = None,
    config: ConfigOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A picture (.png, .pdf, .svg), or a folder for timeline.png.",
            show_default="DATASET/report",
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Draw the prediction in class colours over the truth in grey, wrong frames black.

    Takes a dataset, or bare tables as `report metrics` does. Prints the path of the picture.
    """
    from handact.report import write_timeline

    if _is_bare(truth, predicted):
        if output is None:
            raise typer.BadParameter("bare tables need -o FILE.png, a place for the picture")
        path = _picture_path(output)
        result = _read_sequences(truth, predicted, background, frames, videos, fps)
    else:
        path = _picture_path(output or dataset / "report")
        result = _evaluate_sequences(dataset, run, split, config, device)
    write_timeline(path, result)
    typer.echo(path)


def engines(
    dataset: DatasetArgument = Path("."),
    run: RunOption = "action",
    split: SplitOption = "test",
    config: ConfigOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Compare the two engines of `segment` on one run: scores, agreement, frames per second.

    windows runs each window by itself, stream each frame once. Both segment the split's labelled
    videos anew, from decoding to cleaning, which takes its time.
    """
    from handact.config import SegmentConfig, read_config
    from handact.evaluation import evaluate_engines
    from handact.report import describe_engines, state_sequences, write_engines_report

    settings = read_config(SegmentConfig, config)
    with progress("both engines", "frames") as on_progress:
        results = evaluate_engines(
            dataset, run=run, split=split, device=device, config=settings, on_progress=on_progress
        )
    report = describe_engines(results)
    files = write_engines_report(output or dataset / "report", report)
    if json:
        print_json(report)
    else:
        _print_engines(report)
        typer.echo(state_sequences(report))
    _name_files(files)


# ------------------------------------------------------------------------------------------ inputs


def _is_bare(truth: Path | None, predicted: Path | None) -> bool:
    if (truth is None) != (predicted is None):
        raise typer.BadParameter("--truth and --predicted belong together")
    return truth is not None


def _read_sequences(
    truth: Path,
    predicted: Path,
    background: str,
    frames: list[str] | None,
    videos: Path | None,
    fps: float | None,
) -> "Sequences":
    from handact.report import read_sequences

    result = read_sequences(
        truth,
        predicted,
        background=background,
        frames=_parse_frames(frames or []),
        videos=videos,
        fps=fps,
    )
    _print_notes(result.notes)
    return result


def _parse_frames(values: Iterable[str]) -> dict[str, int]:
    frames = {}
    for value in values:
        for item in filter(None, value.split(",")):
            video, _, number = item.rpartition("=")
            if not (video and number.isdecimal() and int(number)):
                raise typer.BadParameter(f"--frames takes VIDEO=N,..., not {item!r}")
            frames[video.strip()] = int(number)
    return frames


def _read_hands(truth: Path, predicted: Path) -> "HandPairs":
    from handact.report import read_hand_pairs

    result = read_hand_pairs(truth, predicted)
    _print_notes(result.notes)
    return result


def _evaluate_sequences(
    dataset: Path, run: str, split: str, config: Path | None, device: str
) -> "Sequences":
    from handact.config import SegmentConfig, read_config
    from handact.evaluation import evaluate_sequences

    settings = read_config(SegmentConfig, config)
    with progress("segmenting", "frames") as on_progress:
        return evaluate_sequences(
            dataset, run=run, split=split, device=device, config=settings, on_progress=on_progress
        )


def _evaluate_clips(dataset: Path, run: str, split: str, device: str) -> "Clips":
    from handact.evaluation import evaluate_clips

    with progress("trimmed segments") as on_progress:
        return evaluate_clips(dataset, run=run, split=split, device=device, on_progress=on_progress)


def _evaluate_hands(dataset: Path, run: str, split: str, device: str) -> "HandPairs":
    from handact.evaluation import evaluate_hands

    with progress("hands", "frames") as on_progress:
        return evaluate_hands(dataset, run=run, split=split, device=device, on_progress=on_progress)


def _picture_path(output: Path) -> Path:
    from handact.plots import PICTURE_SUFFIXES

    if output.suffix.lower() in PICTURE_SUFFIXES:
        return output
    if output.suffix and not output.is_dir():
        raise typer.BadParameter(f"{output}: a picture ends in {', '.join(PICTURE_SUFFIXES)}")
    return output / "timeline.png"


# ----------------------------------------------------------------------------------------- outputs


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print_note(f"note: {note}")


def _name_files(files: Iterable[Path]) -> None:
    for file in files:
        print_note(f"wrote {file}")


def _print_summary(report: Mapping[str, Any]) -> None:
    usual, chance = report["baselines"]["most_frequent_class"], report["baselines"].get("chance")
    rows = [
        ("frame accuracy", report["frame_accuracy"], usual["frame_accuracy"], None),
        (
            "frame accuracy without background",
            report["frame_accuracy_without_background"],
            None,
            None,
        ),
        ("edit", report["edit"], None, None),
        *((f"F1@{k}", report[f"f1@{k}"], None, None) for k in ("10", "25", "50")),
        ("F1@50, mean of classes", report["macro_f1@50"], None, None),
    ]
    if report["segment_level"]:
        accuracy = report["segment_level"]["accuracy"]
        rows += [
            ("trimmed: accuracy", accuracy, usual["clip_accuracy"], chance["clip_accuracy"]),
            ("trimmed: F1, mean of classes", report["segment_level"]["macro_f1"], None, None),
        ]
    print_table(("percent", "prediction", "most frequent class", "chance"), rows)
    _print_boundaries(report["boundary_errors"])


def _print_boundaries(errors: Mapping[str, Any]) -> None:
    if not errors["start"]:
        return
    digits = 2 if errors["unit"] == "seconds" else 1
    rows = [
        (
            side,
            f"{errors[side]['mean']:+.{digits}f}",
            *(f"{errors[side][f'{key}_absolute']:.{digits}f}" for key in ("mean", "median", "p90")),
        )
        for side in ("start", "end")
    ]
    title = f"{errors['matched_segments']} matched segments (F1@50), too late by {errors['unit']}"
    print_table(("boundary", "mean", "mean size", "median size", "90 % within"), rows, title=title)


def _print_classes(report: Mapping[str, Any]) -> None:
    unit = report["variant"]["time_unit"]
    segment_level = (report["segment_level"] or {}).get("per_class", {})
    columns = ["class", "segments, true", "predicted", "precision", "recall", "F1@50", "frame F1"]
    columns += ["trimmed F1"] if segment_level else []
    columns += [f"mean {unit}, true", "predicted"]
    rows = []
    for name in report["classes"]:
        row, trimmed = report["per_class"].get(name), segment_level.get(name)
        if row is None:
            continue
        keys = ("support", "predicted", "precision", "recall", "f1@50", "frame_f1")
        cells = [name, *(row[key] for key in keys)]
        cells += [trimmed["f1"]] if segment_level else []
        rows.append([*cells, row["mean_duration"], row["predicted_mean_duration"]])
    print_table(columns, rows)


def _print_engines(report: Mapping[str, Any]) -> None:
    from handact.report import ENGINE_FIGURES

    columns = (*ENGINE_FIGURES, "frames_per_second")
    rows = [(engine, *(report[engine][c] for c in columns)) for engine in ("windows", "stream")]
    names = ("frame accuracy", "edit", "F1@10", "F1@25", "F1@50", "frames per second")
    print_table(("engine", *names), rows)
    typer.echo(
        f"The stream is {report['stream_speedup']:.1f} times faster; the engines agree on "
        f"{report['agreement']:.1f} % of the frames "
        f"({report['agreement_before_cleaning']:.1f} % before cleaning)."
    )


def _print_hands(report: Mapping[str, Any]) -> None:
    rows = [
        (
            f"F1@{key}",
            *(counts["f1"] for counts in (both, both["left"], both["right"])),
            *(both[count] for count in ("tp", "fp", "fn")),
        )
        for key, both in report.items()
        if key != "variant"
    ]
    print_table(("hands", "both", "left", "right", "tp", "fp", "fn"), rows)
