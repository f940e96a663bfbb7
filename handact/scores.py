"""NAME.scores.npz: what the networks said of every frame, from which cleaning can start again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from handact import __version__
from handact.cleaning import LabelStatistics
from handact.errors import CheckpointError
from handact.files import atomic_path
from handact.labels import frame_edges

__all__ = ["Scores", "read_scores"]

SCORES_FORMAT = 3


@dataclass(frozen=True)
class Scores:
    """What the networks say of each frame of a video.

    Attributes:
        probabilities: (N, K) float32, class probabilities.
        seconds: (N,) time of each frame.
        hands: (N, 2, 3) float32 P, x, y of the left and right hand; NaN positions where absent.
        classes: K class names.
        background: One of them.
        statistics: Of the labels that the network was trained on, for cleaning.
        fps: Frames a second.
        made_by: Video, checkpoint and settings that they come from.
        damage: What was wrong with the video, in words; empty where nothing was.
    """

    probabilities: np.ndarray
    seconds: np.ndarray
    hands: np.ndarray
    classes: tuple[str, ...]
    background: str
    statistics: LabelStatistics
    fps: float
    made_by: dict[str, Any]
    damage: str

    @property
    def edges(self) -> np.ndarray:
        """When each frame begins and the last one ends: (N + 1,) seconds."""
        return frame_edges(self.seconds, self.fps)

    def save(self, path: Path) -> None:
        """Write NAME.scores.npz, whole or not at all."""
        about = {
            "format": SCORES_FORMAT,
            "classes": self.classes,
            "background": self.background,
            "statistics": asdict(self.statistics),
            "fps": self.fps,
            "made_by": self.made_by,
            "damage": self.damage,
        }
        with atomic_path(path) as temporary:
            np.savez(
                temporary,
                probabilities=self.probabilities,
                seconds=self.seconds,
                hands=self.hands,
                about=np.array(json.dumps(about)),
            )

    @classmethod
    def load(cls, path: Path) -> "Scores":
        """Read NAME.scores.npz.

        Raises:
            OSError, ValueError, KeyError: It is not there, or is no such file.
            CheckpointError: It is newer than this program.
        """
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
            version = about.pop("format")
            if version > SCORES_FORMAT:
                raise CheckpointError(
                    f"{path}: scores of a newer handact than this {__version__}",
                    "update handact, or choose another folder with `--output`",
                )
            if version < SCORES_FORMAT:
                raise ValueError(f"{path}: scores of an older version")
            about["classes"] = tuple(about["classes"])
            about["statistics"] = LabelStatistics(**about["statistics"])
            names = ("probabilities", "seconds", "hands")
            return cls(**{name: arrays[name] for name in names}, **about)


def read_scores(path: Path) -> Scores:
    """Read NAME.scores.npz that a person named.

    Raises:
        CheckpointError: It is no such file, or of another version.
        OSError: It cannot be read.
    """
    try:
        return Scores.load(path)
    except (ValueError, KeyError, TypeError, BadZipFile, EOFError) as error:
        raise CheckpointError(
            f"{path}: not scores of this handact",
            "`handact segment VIDEO` writes NAME.scores.npz",
        ) from error
