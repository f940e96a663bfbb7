"""What can go wrong outside the program, as exceptions that a person can read.

    HandactError
    ├── ConfigError       a setting or an option
    ├── LabelError        a table of labels, or the dataset folder around it
    ├── VideoError        a video file
    ├── CheckpointError   a checkpoint, pretrained weights, or scores
    └── TrainingError     a training run that cannot start or go on

Wrong arguments from Python code raise `ValueError` or `TypeError` instead. The command line turns
a `HandactError` into one line on stderr and exit code 1; everything else is a bug and shows itself.
"""

__all__ = [
    "CheckpointError",
    "ConfigError",
    "HandactError",
    "LabelError",
    "TrainingError",
    "VideoError",
]


class HandactError(Exception):
    """Something outside the program is at fault.

    Args:
        message: What is wrong and where (file, row, frame), in one line without a full stop.
        hint: What to do about it, in one line.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(HandactError):
    """A setting is unknown, has the wrong type, or makes no sense."""


class LabelError(HandactError):
    """A table of labels or the dataset folder around it cannot be used as it is."""


class VideoError(HandactError):
    """A video cannot be read or written."""


class CheckpointError(HandactError):
    """A checkpoint, a file of pretrained weights or one of scores cannot be used."""


class TrainingError(HandactError):
    """A training run cannot start or go on."""
