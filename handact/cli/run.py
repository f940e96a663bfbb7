"""`train-hands`, `align`, `train-action`, `segment`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from handact.cli.console import (
    ConfigOption,
    DatasetArgument,
    DeviceOption,
    RunOption,
    SetOption,
    find_share,
    print_error,
    print_note,
    print_table,
    progress,
)

__all__ = ["add_commands"]

ResumeOption = Annotated[bool, typer.Option("--resume", help="Insist on going on with the run.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Start again, whatever the run folder holds.")
]
EpochsOption = Annotated[int | None, typer.Option(help="Passes over the training data.")]
BatchOption = Annotated[int | None, typer.Option(help="Samples in a training step.")]
RateOption = Annotated[float | None, typer.Option(help="Learning rate at the start.")]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        metavar="imagenet|k400|none|FILE|RUN",
        help="Where the weights start; k400: Kinetics-400, for a ResNet-50 of train-action.",
    ),
]
SeedOption = Annotated[int | None, typer.Option(help="Of everything that is drawn.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(train_hands)
    app.command()(align)
    app.command()(train_action)
    app.command()(segment)


def train_hands(
    dataset: DatasetArgument = Path("."),
    config: ConfigOption = None,
    run: RunOption = "hands",
    epochs: EpochsOption = None,
    batch_size: BatchOption = None,
    learning_rate: RateOption = None,
    weights: WeightsOption = None,
    seed: SeedOption = None,
    set_: SetOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Train the hand localiser on the frames of hands.csv.

    The settings default to the paper's recipe. A run that was stopped goes on when the command is
    given again. Prints the run folder.
    """
    from handact.config import HandsConfig, parse_assignments, read_config
    from handact.training.hands import train_hands

    settings = read_config(
        HandsConfig,
        config,
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weights": weights,
            "seed": seed,
            **parse_assignments(HandsConfig, set_ or []),
        },
    )
    with (
        progress("labelled frames", "videos") as on_read,
        progress("weights", "MB") as on_weights,
        progress("train-hands", "epochs") as on_progress,
    ):
        folder = train_hands(
            dataset,
            settings,
            run=run,
            device=device,
            resume=resume,
            overwrite=overwrite,
            on_progress=on_progress,
            on_read_progress=on_read,
            on_weights_progress=on_weights,
            log=print_note,
        )
    _name_run(folder)


def align(
    dataset: DatasetArgument = Path("."),
    config: ConfigOption = None,
    set_: SetOption = None,
    hands_run: Annotated[str, typer.Option(help="Run whose localiser finds the hands.")] = "hands",
    no_hands: Annotated[bool, typer.Option("--no-hands", help="Cache the frames alone.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make every cache again.")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Find the hands in every video and cache what training reads.

    Leaves a hand track per video in runs/align and the frames with their cut-outs in cache/aligned.
    Videos whose cache is up to date are passed over.
    """
    from handact.align import align_dataset, load_localizer, write_tracks
    from handact.config import AlignConfig, parse_assignments, read_config
    from handact.dataset import read_dataset
    from handact.device import pick_device

    settings = read_config(AlignConfig, config, parse_assignments(AlignConfig, set_ or []))
    data = read_dataset(dataset)
    where = pick_device(device)
    localizer = None if no_hands else load_localizer(data.run(hands_run) / "best.pt", where)
    rows: list[tuple[Any, ...]] = []
    with progress("align", "frames") as on_progress:
        caches = align_dataset(
            data,
            list(data.videos.values()),
            settings,
            localizer,
            rebuild=rebuild,
            on_video=lambda video, stale: rows.append((video.name, "new" if stale else "kept")),
            on_progress=on_progress,
        )
    write_tracks(data, caches, settings)
    shares = [caches[name].boxes[..., 2].astype(bool).mean(0) * 100 for name, _ in rows]
    print_table(
        ("video", "frames", "left hand %", "right hand %", "cache"),
        [
            (name, caches[name].num_frames, float(left), float(right), state)
            for (name, state), (left, right) in zip(rows, shares, strict=True)
        ],
    )


def train_action(
    dataset: DatasetArgument = Path("."),
    config: ConfigOption = None,
    run: RunOption = "action",
    hands_run: Annotated[str, typer.Option(help="Run whose localiser finds the hands.")] = "hands",
    backbone: Annotated[
        str | None, typer.Option(help="resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.")
    ] = None,
    hands: Annotated[
        str | None, typer.Option(help="aligned, unaligned, pooled, only or none.")
    ] = None,
    shift: Annotated[
        str | None, typer.Option(help="tsm, causal (from the past alone) or none (TSN).")
    ] = None,
    sampling: Annotated[str | None, typer.Option(help="surround or dense.")] = None,
    clip_len: Annotated[int | None, typer.Option(help="T, frames of a clip.")] = None,
    frame_stride: Annotated[int | None, typer.Option(help="Frames between two of a clip.")] = None,
    context: Annotated[
        int | None,
        typer.Option(
            help="Frames seen beyond either end of a clip, for `segment --engine stream`."
        ),
    ] = None,
    epochs: EpochsOption = None,
    batch_size: BatchOption = None,
    learning_rate: RateOption = None,
    weights: WeightsOption = None,
    seed: SeedOption = None,
    set_: SetOption = None,
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Train the action network on the segments of actions.csv.

    The settings default to the paper's recipe. Videos that are not aligned yet are aligned first.
    A run that was stopped goes on when the command is given again. Prints the run folder.
    """
    from handact.config import ActionConfig, parse_assignments, read_align_config, read_config
    from handact.training.action import train_action

    settings = read_config(
        ActionConfig,
        config,
        {
            "backbone": backbone,
            "hands": hands,
            "shift": shift,
            "sampling": sampling,
            "clip_len": clip_len,
            "frame_stride": frame_stride,
            "context": context,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weights": weights,
            "seed": seed,
            **parse_assignments(ActionConfig, set_ or []),
        },
    )
    with (
        progress("weights", "MB") as on_weights,
        progress("align", "frames") as on_align,
        progress("train-action", "steps") as on_progress,
    ):
        folder = train_action(
            dataset,
            settings,
            read_align_config(dataset, config),
            run=run,
            hands_run=hands_run,
            device=device,
            resume=resume,
            overwrite=overwrite,
            on_progress=on_progress,
            on_align_progress=on_align,
            on_weights_progress=on_weights,
            log=print_note,
        )
    _name_run(folder)


def segment(
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VIDEO",
            help="Video files, folders of frames, or names of videos of the dataset.",
            show_default="the dataset's test videos",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="Action checkpoint, or what `export network` made of one.",
            show_default="DATASET/runs/RUN/best.pt",
        ),
    ] = None,
    dataset: Annotated[Path, typer.Option(help="The dataset folder.")] = Path("."),
    run: RunOption = "action",
    runtime: Annotated[
        str,
        typer.Option(
            help="torch, or onnx: runs what `export network` made, by default "
            "DATASET/runs/RUN/best.onnx. auto: by the ending of --checkpoint."
        ),
    ] = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for what comes out.",
            show_default="DATASET/runs/RUN/segments, or this folder with --checkpoint",
        ),
    ] = None,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write the video with hands and labels drawn in.")
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="windows (each by itself), stream (each frame once), or auto: what the network "
            "was trained for."
        ),
    ] = None,
    window_stride: Annotated[
        int | None, typer.Option(help="Frames between windows, of the windows engine.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Windows, or their frames, run at once.")
    ] = None,
    cleaning: Annotated[str | None, typer.Option(help="cutoff, viterbi, online or none.")] = None,
    live: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Number of a camera, address of a stream (rtsp://, http://), or a file at its "
            "own rate, in place of VIDEO: prints events as JSON lines. Needs a causal network.",
        ),
    ] = None,
    window: Annotated[bool, typer.Option("--window", help="With --live: show it, q ends.")] = False,
    max_wait: Annotated[
        float,
        typer.Option(min=0, help="With --live: seconds until a waiting frame is dropped."),
    ] = 1.0,
    decoder: Annotated[str, typer.Option(help="av or decord.")] = "av",
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="Frame rate, for folders of pictures.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Only every N-th video, from the I-th (0 is the first): for several jobs.",
            show_default="what torchrun says, else all",
        ),
    ] = None,
    config: ConfigOption = None,
    set_: SetOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Turn videos into timed segments.

    Writes NAME.segments.csv, NAME.scores.npz and NAME.timeline.png for each video, and prints the
    paths of the tables. Scores that are up to date are used again, so that cleaning anew is quick.
    With --live, actions are told while they happen, and a table is left with --output alone.
    """
    from handact.cli.live import watch
    from handact.config import SegmentConfig, parse_assignments, read_config
    from handact.dataset import run_folder
    from handact.distributed import wait_for_all
    from handact.segment import load_model, segment_videos

    if live is None and window:
        raise typer.BadParameter("--window belongs to --live")
    settings = read_config(
        SegmentConfig,
        config,
        {
            "engine": engine,
            "window_stride": window_stride,
            "batch_size": batch_size,
            "cleaning": cleaning,
            **parse_assignments(SegmentConfig, set_ or []),
        },
    )
    if live is not None:
        _refuse_beside_live(
            {
                "VIDEO": videos,
                "--cleaning": cleaning if cleaning != "online" else None,
                "--engine": engine,
                "--window-stride": window_stride,
                "--batch-size": batch_size,
                "--fps": fps,
                "--share": share,
            }
        )
        if not live:
            raise typer.BadParameter("--live names a camera, an address or a file")
        model = load_model(checkpoint, dataset, run_folder(dataset, run), runtime, device)
        watch(
            live, model, settings, output=output, overlay=overlay, window=window, max_wait=max_wait
        )
        return
    with progress("segment", "frames") as on_progress, progress("overlay", "frames") as on_overlay:
        results = segment_videos(
            videos or [],
            settings,
            checkpoint=checkpoint,
            dataset=dataset,
            run=run,
            output=output,
            runtime=runtime,
            overlay=overlay,
            decoder=decoder,
            fps=fps,
            share=find_share(share),
            device=device,
            on_progress=on_progress,
            on_overlay_progress=on_overlay,
            log=print_note,
        )
    for result in results:
        if result.table:
            typer.echo(result.table)
    damaged = [f"{result.name}: {result.damage}" for result in results if result.damage]
    for message in damaged:
        print_error(message, "what could be read was segmented")
    if share is None:
        wait_for_all()  # torchrun ends all processes when one of them fails
    if damaged:
        raise typer.Exit(1)


def _refuse_beside_live(given: dict[str, object]) -> None:
    for option, value in given.items():
        if value:
            raise typer.BadParameter(f"{option} does not go with --live, which is cleaned online")


def _name_run(folder: Path) -> None:
    from handact.distributed import launched_processes

    if launched_processes().is_main:
        typer.echo(folder)
