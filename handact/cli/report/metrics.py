"""`report metrics`: how good the labels of long videos and of trimmed segments are."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from handact.cli.console import (
    DatasetArgument,
    DeviceOption,
    JsonOption,
    RunOption,
    print_json,
    print_table,
    progress,
)
from handact.cli.report.inputs import (
    BackgroundOption,
    ConfigOption,
    FpsOption,
    FramesOption,
    OutputOption,
    PredictedOption,
    SplitOption,
    TruthOption,
    VideosOption,
    evaluate_sequences,
    is_bare,
    name_files,
    read_sequences,
)

if TYPE_CHECKING:
    from handact.results import Clips


__all__ = ["metrics"]


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
    if is_bare(truth, predicted):
        result = read_sequences(truth, predicted, background, frames, videos, fps)
    else:
        result = evaluate_sequences(dataset, run, split, config, device)
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
    name_files(files)


def _evaluate_clips(dataset: Path, run: str, split: str, device: str) -> "Clips":
    from handact.evaluation import evaluate_clips

    with progress("trimmed segments") as on_progress:
        return evaluate_clips(dataset, run=run, split=split, device=device, on_progress=on_progress)


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
