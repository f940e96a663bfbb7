"""`bench`."""

from pathlib import Path
from typing import Annotated

import typer

from handact.cli.console import DeviceOption, JsonOption, print_json, print_note, print_table

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(bench)


def bench(
    video: Annotated[
        Path | None,
        typer.Argument(metavar="[VIDEO]", help="To decode.", show_default="a 1080p one is drawn"),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="resnet18, resnet34, resnet50, resnet101 or mobilenet_v2.")
    ] = "resnet50",
    frames: Annotated[int, typer.Option(help="Frames that windows slide over.", min=16)] = 64,
    rounds: Annotated[int, typer.Option(help="How often each is measured.", min=1)] = 3,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the JSON here too.")
    ] = None,
    json: JsonOption = False,
    device: DeviceOption = "auto",
) -> None:
    """Measure how fast decoding, networks, engines and training are on this machine.

    Prints ratios first, then speeds, as the median over rounds with the least and the most. Takes
    some ten minutes on two cores with a ResNet-50, less with `--backbone resnet18` or a GPU.
    """
    from tempfile import TemporaryDirectory

    from handact.benchmark import Benchmark, run_benchmark
    from handact.config import ActionConfig, read_config
    from handact.device import pick_device
    from handact.files import write_json

    settings = Benchmark(
        action=read_config(ActionConfig, None, {"backbone": backbone}), frames=frames, rounds=rounds
    )
    with TemporaryDirectory() as folder:
        result = run_benchmark(
            Path(folder), settings, pick_device(device), video=video, log=print_note
        )
    if output:
        write_json(output, result)
    if json:
        print_json(result)
        return
    for title, key, digits in (("ratios", "ratios", 2), ("frames or clips a second", "speeds", 1)):
        rows = [
            (name, *(f"{spread[which]:.{digits}f}" for which in ("median", "min", "max")))
            for name, spread in result[key].items()
        ]
        print_table((title, "median", "min", "max"), rows)
    memory = ", ".join(f"{name} {mb:.0f} MB" for name, mb in result["peak_memory_mb"].items())
    machine = result["machine"]
    typer.echo(
        f"Peak memory: {memory}. {machine['cpus']} CPUs ({machine['threads']} threads), GPU "
        f"{machine['gpu']}, Python {machine['python']}, torch {machine['torch']}, handact "
        f"{machine['handact']}."
    )
