import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.cleaning import clean_cutoff, cutoff_frames


def _probabilities(labels: str, sure: float = 0.9) -> np.ndarray:
    """Return (N, 3) that say `labels`, a text such as "aabbb"."""
    index = np.array(["abc".index(c) for c in labels], dtype=int)
    rows = np.full((len(labels), 3), (1 - sure) / 2)
    rows[np.arange(len(labels)), index] = sure
    return rows


def _clean(labels: str, cutoffs: tuple[int, int, int]) -> str:
    return "".join("abc"[i] for i in clean_cutoff(_probabilities(labels), np.array(cutoffs)))


@pytest.mark.parametrize(
    ("labels", "cutoffs", "expected"),
    [
        ("aaaabaaaa", (2, 2, 2), "aaaaaaaaa"),
        ("aaaabbaaaa", (2, 2, 2), "aaaabbaaaa"),
        ("baaaa", (2, 2, 2), "aaaaa"),
        ("aaaab", (2, 2, 2), "aaaaa"),
        ("ab", (5, 5, 5), "bb"),
        ("b", (5, 5, 5), "b"),
        ("", (5, 5, 5), ""),
        ("aaaabbbcccc", (2, 2, 2), "aaaabbbcccc"),
    ],
    ids=[
        "joined where both sides agree", "long enough stays", "at the start", "at the end",
        "two short ones: the earlier goes first", "only one segment", "no frame",
        "nothing short",
    ],
)  # fmt: skip
def test_cutoff(labels: str, cutoffs: tuple[int, int, int], expected: str) -> None:
    assert _clean(labels, cutoffs) == expected


def test_a_segment_between_two_others_is_divided_where_they_are_likeliest() -> None:
    """aaaa bbb cccc, where the first of b's frames looks like a and the others like c."""
    rows = _probabilities("aaaabbbcccc")
    rows[4] = [0.4, 0.5, 0.1]
    rows[5:7] = [0.1, 0.5, 0.4]
    assert clean_cutoff(rows, np.array([1, 5, 1])).tolist() == [0] * 5 + [2] * 6


def _slow_cutoff(rows: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """The definition, word by word, over lists that are rebuilt at every step."""
    labels = rows.argmax(1)
    bounds = [0, *(np.flatnonzero(np.diff(labels)) + 1), len(labels)]
    parts = [[a, b, int(labels[a])] for a, b in itertools.pairwise(bounds)]
    while True:
        short = [p for p in parts if p[1] - p[0] < cutoffs[p[2]]]
        if not short or len(parts) == 1:
            break
        part = min(short, key=lambda p: (p[1] - p[0], p[0]))
        i = parts.index(part)
        left = parts[i - 1] if i else None
        right = parts[i + 1] if i + 1 < len(parts) else None
        if left is None:
            right[0] = part[0]
        elif right is None:
            left[1] = part[1]
        elif left[2] == right[2]:
            left[1] = right[1]
            parts.remove(right)
        else:
            logs = np.log(rows)
            cuts = range(part[0], part[1] + 1)
            gain = [
                logs[part[0] : m, left[2]].sum() + logs[m : part[1], right[2]].sum() for m in cuts
            ]
            left[1] = right[0] = part[0] + int(np.argmax(np.round(gain, 9)))
        parts.remove(part)
    return np.concatenate([[label] * (b - a) for a, b, label in parts])


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 80))
def test_equal_to_the_definition(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(4, 0.7), size=number) * 0.999 + 0.00025
    cutoffs = rng.integers(1, 8, size=4)
    cleaned = clean_cutoff(rows, cutoffs)
    np.testing.assert_array_equal(cleaned, _slow_cutoff(rows, cutoffs))
    assert cleaned.tolist() == clean_cutoff(rows, cutoffs).tolist()


def test_cutoffs_are_learnt_from_durations() -> None:
    durations = {"a": [1.0, 2.0, 3.0], "b": []}
    frames = cutoff_frames(durations, ("a", "b", "c"), 10.0, quantile=0.5)
    assert frames.tolist() == [20, 1, 1]
    assert cutoff_frames(durations, ("a", "b"), 10.0, seconds=0.5).tolist() == [5, 5]
