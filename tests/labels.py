"""Files of labels for tests, and what was read of them in short."""

from pathlib import Path

import numpy as np
import pandas as pd
from folders import VIDEOS

from handact.dataset import Dataset, plan_actions
from handact.dataset.importing import ActionPlan
from handact.formats.intervals import ActionOptions
from handact.labels import HAND_COLUMNS

__all__ = ["hand_rows", "named", "plan_text", "random_hands", "write_file"]


def write_file(path: Path, text: str | bytes) -> Path:
    """Write a file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def plan_text(
    dataset: Dataset, text: str | bytes, name: str = "v1.csv", **said: object
) -> ActionPlan:
    """Plan the import of a file of actions, beside the dataset."""
    path = write_file(dataset.root.parent / "labels" / name, text)
    return plan_actions(dataset, path, options=ActionOptions(**said))


def named(plan: ActionPlan, video: str = "v1") -> list[tuple[int, int, str]]:
    """Return start, end and action of each segment of a video."""
    return [(s.start_frame, s.end_frame, s.action) for s in plan.actions[video]]


def hand_rows(hands: pd.DataFrame) -> list[tuple[object, ...]]:
    """Return video, frame and positions, None where a hand is absent."""
    return [
        (video, frame, *(None if np.isnan(v) else round(v, 6) for v in values))
        for video, frame, *values in hands.itertuples(index=False)
    ]


def random_hands(seed: int) -> pd.DataFrame:
    """Return hands in half the frames of each video of the small dataset, some of them absent."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, frames in VIDEOS.items():
        for frame in sorted(rng.choice(frames, frames // 2, replace=False)):
            values = rng.random(4).round(5)
            values[:2] = np.nan if rng.random() < 0.4 else values[:2]
            values[2:] = np.nan if rng.random() < 0.4 else values[2:]
            rows.append((name, int(frame), *values))
    table = pd.DataFrame(rows, columns=list(HAND_COLUMNS))
    return table.sort_values(["video", "frame"], ignore_index=True)
