"""`tune-cleaning`: the cleaning that serves best, chosen on the validation videos."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handact.config import SegmentConfig, format_toml
from handact.errors import ConfigError
from handact.evaluation import evaluate_cleanings
from handact.files import write_text
from handact.progress import Progress
from handact.report import MAIN_FIGURES, describe_sequences

__all__ = ["FIGURES", "METHODS", "Tried", "tune_cleaning", "write_choice"]

QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)
SECONDS = (0.2, 0.5, 1.0, 2.0)
METHODS = ("none", "cutoff", "viterbi")
WEIGHTS = (0.3, 1.0, 3.0, 10.0, 30.0)

FIGURES: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "mean": lambda figures: (figures["edit"] + figures["f1@50"]) / 2,
    "edit": lambda figures: figures["edit"],
    "f1@50": lambda figures: figures["f1@50"],
    "frame_accuracy": lambda figures: figures["frame_accuracy"],
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One way of cleaning and what it gives.

    Attributes:
        config: Settings of `segment`.
        figures: frame_accuracy, edit, f1@10, f1@25, f1@50; percent.
        num_videos: That they come from.
    """

    config: SegmentConfig
    figures: dict[str, float]
    num_videos: int


def tune_cleaning(
    root: Path,
    config: SegmentConfig,
    *,
    by: str = "mean",
    methods: tuple[str, ...] = METHODS,
    run: str = "action",
    split: str = "val",
    device: str = "auto",
    on_progress: Progress | None = None,
) -> list[Tried]:
    """Try settings of cleaning on the labelled videos of a split.

    Args:
        root: The dataset folder.
        config: Settings to begin with; all but the cleaning's stay.
        by: Key of FIGURES; mean is that of edit and F1@50.
        methods: Which ones to try: cutoff, viterbi, online, none.
        run: Name of the run folder, or its path.
        split: val, unless there is a reason.
        device: auto, cpu, cuda or cuda:N.
        on_progress: Told how many frames are segmented, of how many.

    Returns:
        What was tried, the best first; of equals, the one that comes first in `methods`. The
        settings as they were, `config`, are among it.

    Raises:
        HandactError: No checkpoint, no labelled video in the split, a video cannot be read.
    """
    if by not in FIGURES:
        raise ConfigError(f"--by {by}: no such figure", f"choose one of {', '.join(FIGURES)}")
    candidates = [c for method in methods for c in _candidates(config, method)]
    configs = list(dict.fromkeys([*candidates, config]))
    results = evaluate_cleanings(
        root, configs, run=run, split=split, device=device, on_progress=on_progress
    )
    tried = [
        Tried(c, _figures(describe_sequences(result)), len(result.truth))
        for c, result in zip(configs, results, strict=True)
    ]
    return sorted(tried, key=lambda one: -FIGURES[by](one.figures))


def _candidates(config: SegmentConfig, method: str) -> Iterator[SegmentConfig]:
    cleaned = replace(config, cleaning=method)
    if method == "none":
        yield cleaned
    elif method == "viterbi":
        yield from (replace(cleaned, viterbi_weight=weight) for weight in WEIGHTS)
    elif method in ("cutoff", "online"):
        for quantile in QUANTILES:
            yield replace(cleaned, cutoff_quantile=quantile, cutoff_seconds=None)
        yield from (replace(cleaned, cutoff_seconds=seconds) for seconds in SECONDS)
    else:
        raise ConfigError(f"no cleaning {method!r}", "choose of cutoff, viterbi, online, none")


def _figures(report: Mapping[str, Any]) -> dict[str, float]:
    return {key: report[key] for key in MAIN_FIGURES}


def write_choice(path: Path, config: SegmentConfig) -> None:
    """Write settings where `--config` finds them."""
    write_text(path, format_toml({"segment": config}))
