"""Counts of right and wrong, and the scores they give; all scores are percent."""

from dataclasses import dataclass

__all__ = ["Counts", "f1", "percent"]


def percent(part: int, whole: int) -> float:
    """Return 100 · part / whole; 0 where `whole` is 0."""
    return 100.0 * part / whole if whole else 0.0


def f1(tp: int, fp: int, fn: int) -> float:
    """Return the F1 score in percent; 0 when all counts are 0, as MS-TCN has it."""
    return percent(2 * tp, 2 * tp + fp + fn)


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives; scores of 0/0 are 0."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Percent of what was predicted that is right."""
        return percent(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Percent of what is there that was found."""
        return percent(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, percent."""
        return f1(self.tp, self.fp, self.fn)
