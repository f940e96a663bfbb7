"""`handact doctor`: is everything there, and can this video be read?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handact.cli.console import JsonOption, print_json, print_note, print_table, progress

if TYPE_CHECKING:
    from handact.video import VideoIndex

__all__ = ["add_commands"]

PACKAGES = (
    "torch", "torchvision", "numpy", "pandas", "av", "decord", "opencv-python-headless",
    "matplotlib", "typer", "rich",
)  # fmt: skip


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this file to `app`."""
    app.command()(doctor)


def doctor(
    video: Annotated[
        Path | None,
        typer.Argument(metavar="[VIDEO]", help="A video file or a folder of pictures to look at."),
    ] = None,
    fps: Annotated[
        float, typer.Option(help="Frame rate of a folder of pictures.", min=0.001)
    ] = 30.0,
    num_random: Annotated[
        int, typer.Option("--random", help="Random frames that each reader is asked for.", min=1)
    ] = 32,
    timeout: Annotated[
        float, typer.Option(help="Seconds that each of the other readers may take.", min=1)
    ] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Show versions, decoders, GPU and what is missing; with VIDEO, how well it can be read."""
    if video is None:
        _show_machine(as_json)
    else:
        _show_video(video, fps, num_random, timeout, as_json)


def _show_machine(as_json: bool) -> None:
    facts, missing = _inspect_machine()
    if as_json:
        print_json(facts | {"missing": missing})
        return
    print_table(("", "found"), ((name, value) for name, value in facts.items()), left=2)
    if missing:
        print_table(("missing", "how to get it"), missing.items(), left=2)
    else:
        print_note("nothing is missing")


def _inspect_machine() -> tuple[dict[str, str | None], dict[str, str]]:
    """Return what is there, by name (None: not there), and how to get what is missing."""
    import os
    import platform

    from handact import __version__

    facts: dict[str, str | None] = {
        "handact": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpus": str(_count_cpus() or os.cpu_count()),
    }
    missing: dict[str, str] = {}
    for package in PACKAGES:
        facts[package] = _find_version(package)
        if facts[package] is None:
            missing[package] = _how_to_get(package)
    for add in (_inspect_decoder, _inspect_gpu):
        add(facts, missing)
    return facts, missing


def _count_cpus() -> int | None:
    import os

    # A container or a queue often grants fewer than the machine has.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else None


def _find_version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    # OpenCV comes under several names; any of them serves.
    names = ("opencv-python-headless", "opencv-python", "opencv-contrib-python")
    for name in names if package.startswith("opencv") else (package,):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _how_to_get(package: str) -> str:
    if package == "decord":
        return "optional: pip install decord (wheels for Linux on x86-64 and Windows only)"
    return f"pip install {package}"


def _inspect_decoder(facts: dict[str, str | None], missing: dict[str, str]) -> None:
    try:
        import av
    except (ImportError, OSError) as error:
        facts["ffmpeg in av"] = None
        missing["ffmpeg in av"] = f"pip install --force-reinstall av ({error})"
        return
    facts["ffmpeg in av"] = getattr(av, "ffmpeg_version_info", None) or ", ".join(
        f"{name} {'.'.join(map(str, number))}"
        for name, number in av.library_versions.items()
        if name in ("libavcodec", "libavformat")
    )
    facts["h264 encoder"] = "libx264" if "libx264" in av.codecs_available else None
    if facts["h264 encoder"] is None:
        missing["h264 encoder"] = "pip install --force-reinstall av (its own wheel has it)"


def _inspect_gpu(facts: dict[str, str | None], missing: dict[str, str]) -> None:
    facts["gpu"] = None
    try:
        import torch
    except (ImportError, OSError) as error:
        missing["torch"] = f"pip install --force-reinstall torch ({error})"
        return
    if torch.cuda.is_available():
        devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        facts["gpu"] = ", ".join(f"{d.name} ({d.total_memory / 2**30:.0f} GiB)" for d in devices)
    elif torch.version.cuda is None:
        missing["gpu"] = "optional: this torch is for CPUs; see pytorch.org for one with CUDA"
    else:
        missing["gpu"] = "optional: torch finds no GPU; nvidia-smi shows whether the driver does"


def _show_video(video: Path, fps: float, num_random: int, timeout: float, as_json: bool) -> None:
    from dataclasses import asdict

    from handact.video import scan_video
    from handact.video.comparison import compare_readers

    with progress("decoding", "frames") as update:
        index = scan_video(video, fps=fps, on_progress=update)
    with progress("comparing", "frames") as update:
        results = compare_readers(index, num_random=num_random, timeout=timeout, on_progress=update)
    facts = _describe_video(index)
    if as_json:
        print_json(facts | {"readers": [asdict(result) for result in results]})
        return
    rows = [(name, "; ".join(v) if isinstance(v, list) else v) for name, v in facts.items()]
    print_table(("", str(video)), [row for row in rows if row[1] not in ("", None)], left=2)
    print_table(
        ("reader", "frames", f"wrong of {results[1].asked}", "ms in order", "ms random", "note"),
        [(r.reader, r.frames, r.wrong, r.ms_in_order, r.ms_random, r.note or "") for r in results],
    )
    if index.problem():
        print_note(f"{video}: {index.problem()}")


def _describe_video(index: "VideoIndex") -> dict[str, Any]:
    return {
        "frames": index.num_frames,
        "fps": round(index.fps, 4),
        "seconds": round(index.duration, 4),
        "width": index.width,
        "height": index.height,
        "variable_rate": index.variable_rate,
        "damaged": index.damaged,
        "cut_off": index.cut_off,
        "problem": index.problem(),
        "warnings": list(index.warnings),
    }
