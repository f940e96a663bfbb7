import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.cleaning import (
    LabelStatistics,
    OnlineCleaner,
    clean_cutoff,
    clean_online,
    clean_viterbi,
    count_transitions,
    cutoff_frames,
)
from handact.cleaning.viterbi import _decode, _Duration, _Model, _tabulate
from handact.labels import Segment


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
        ("baaaa", (5, 5, 5), "aaaaa"),
        ("aaaab", (5, 5, 5), "aaaaa"),
        ("bbaaaabb", (3, 8, 3), "bbaaaabb"),
        ("ab", (5, 5, 5), "bb"),
        ("b", (5, 5, 5), "b"),
        ("", (5, 5, 5), ""),
        ("aaaabbbcccc", (2, 2, 2), "aaaabbbcccc"),
    ],
    ids=[
        "joined where both sides agree", "long enough stays", "at the start", "at the end",
        "a quarter is enough at the ends",
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
        ends = (parts[0], parts[-1])
        short = [p for p in parts if p[1] - p[0] < cutoffs[p[2]] * (0.25 if p in ends else 1)]
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
    known = LabelStatistics({"a": [1.0, 2.0, 3.0], "b": []})
    frames = cutoff_frames(known, ("a", "b", "c"), 10.0, quantile=0.5)
    assert frames.tolist() == [20, 1, 1]
    assert cutoff_frames(known, ("a", "b"), 10.0, seconds=0.5).tolist() == [5, 5]


# ----------------------------------------------------------------------------------------- viterbi


def _random_model(rng: np.random.Generator, num_classes: int, reach: int) -> _Model:
    follows = rng.normal(0, 2, (num_classes, num_classes))
    follows[rng.random(follows.shape) < 0.2] = -np.inf
    np.fill_diagonal(follows, -np.inf)
    lasts = rng.normal(0, 2, (reach, num_classes))
    holds = np.sort(rng.normal(0, 2, (reach, num_classes)), axis=0)[::-1]
    return _Model(lasts, holds, -rng.exponential(1, num_classes), follows)


def _score(labels: tuple[int, ...], scores: np.ndarray, model: _Model) -> float:
    """The definition: frames, durations (at both ends: at least so long) and transitions."""
    bounds = [0, *(np.flatnonzero(np.diff(labels)) + 1), len(labels)]
    total = scores[np.arange(len(labels)), labels].sum()
    for a, b in itertools.pairwise(bounds):
        c, reach = labels[a], len(model.lasts)
        at_an_end = a == 0 or b == len(labels)
        table = model.holds if at_an_end else model.lasts
        alone = a == 0 and b == len(labels)
        if not alone:
            total += table[min(b - a, reach) - 1, c] + max(0, b - a - reach) * model.falls[c]
        if a:
            total += model.follows[labels[a - 1], c]
    return float(total)


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 8), reach=st.integers(2, 6))
def test_viterbi_is_as_good_as_the_best_of_all_segmentations(
    seed: int, number: int, reach: int
) -> None:
    rng = np.random.default_rng(seed)
    scores, model = rng.normal(0, 3, (number, 3)), _random_model(rng, 3, reach)
    best = max(_score(x, scores, model) for x in itertools.product(range(3), repeat=number))
    assert _score(tuple(_decode(scores, model)), scores, model) == pytest.approx(best)


def test_durations_add_up_to_one_and_hold_at_least_so_long() -> None:
    lasts, holds, falls = _tabulate([_Duration(2.0, 0.4), _Duration(3.0, 0.2)], 1, 1.0)
    tail = np.exp(lasts[-1] + falls) / (1 - np.exp(falls))
    np.testing.assert_allclose(np.exp(lasts).sum(0) + tail, 1)
    np.testing.assert_allclose(np.exp(lasts[4:]).sum(0) + tail, np.exp(holds[4]))
    assert np.exp(lasts).argmax(0) + 1 == pytest.approx(np.exp([2 - 0.16, 3 - 0.04]), abs=0.6)


CLASSES = ("none", "take", "put")
KNOWN = LabelStatistics(
    {"none": [0.5, 1.0], "take": [1.0, 1.2, 0.9], "put": [1.0, 1.1, 0.8]},
    {"take": {"put": 9, "none": 1}, "put": {"none": 10}, "none": {"take": 5, "put": 5}},
)


def _runs(labels: np.ndarray) -> list[tuple[int, int]]:
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    lengths = np.diff([*starts, len(labels)])
    return list(zip(labels[starts].tolist(), lengths.tolist(), strict=True))


def test_viterbi_takes_flicker_out_and_keeps_actions() -> None:
    truth = np.repeat([0, 1, 2, 0, 1, 2, 0], [8, 10, 11, 6, 9, 10, 7])
    rng = np.random.default_rng(0)
    seen = np.where(rng.random(len(truth)) < 0.2, rng.integers(0, 3, len(truth)), truth)
    rows = np.full((len(truth), 3), 0.2)
    rows[np.arange(len(truth)), seen] = 0.6
    assert len(_runs(seen)) > 14
    cleaned = clean_viterbi(rows, KNOWN, CLASSES, "none", 10.0)
    assert [c for c, _ in _runs(cleaned)] == [0, 1, 2, 0, 1, 2, 0]
    assert (cleaned == truth).mean() > 0.93


def test_viterbi_knows_what_follows_what() -> None:
    """After `take` comes `put`, whatever the frames say a little more loudly."""
    rows = np.array(
        [[0.02, 0.96, 0.02]] * 10 + [[0.36, 0.28, 0.36]] * 10 + [[0.96, 0.02, 0.02]] * 5
    )
    labels = clean_viterbi(rows, KNOWN, CLASSES, "none", 10.0)
    assert [c for c, _ in _runs(labels)] == [1, 2, 0]
    unordered = LabelStatistics(KNOWN.durations, {"take": {"none": 10}, "put": {"none": 10}})
    labels = clean_viterbi(rows, unordered, CLASSES, "none", 10.0)
    assert [c for c, _ in _runs(labels)] == [1, 0]


def test_viterbi_of_long_actions_lies_on_a_grid_and_of_no_frame_is_empty() -> None:
    known = LabelStatistics({"take": [300.0, 320.0, 280.0]})
    rows = np.repeat(
        [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]], [4000, 3005, 2000], axis=0
    )
    labels = clean_viterbi(rows, known, CLASSES, "none", 10.0)
    assert len(labels) == 9005
    (_, first), (c, second), _ = _runs(labels)
    assert c == 1
    assert abs(first - 4000) < 30
    assert abs(second - 3005) < 30
    assert len(clean_viterbi(rows[:0], known, CLASSES, "none", 10.0)) == 0


def test_transitions_are_counted_between_neighbours() -> None:
    videos = [
        [Segment(0, 5, "none"), Segment(5, 9, "take"), Segment(9, 12, "put")],
        [Segment(0, 3, "take"), Segment(3, 8, "put")],
    ]
    assert count_transitions(videos) == {"none": {"take": 1}, "take": {"put": 2}}


# ------------------------------------------------------------------------------------------ online


def _clean_online(labels: str, cutoffs: tuple[int, int, int]) -> str:
    rows = _probabilities(labels)
    return "".join("abc"[i] for i in clean_online(rows, np.array(cutoffs), 0))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("aaabaaaa", "aaaaaaaa"),
        ("aaabbbaa", "aaabbbaa"),
        ("bbbaa", "bbbaa"),
        ("bbcbbb", "aaabbb"),
        ("aabbccc", "aaaaccc"),
        ("aaabb", "aaaaa"),
        ("", ""),
    ],
    ids=[
        "what does not hold is not believed", "what holds counts from where it began",
        "at the start", "a break begins anew", "two short ones belong to what held before",
        "what has not held at the end", "no frame",
    ],
)  # fmt: skip
def test_online(labels: str, expected: str) -> None:
    assert _clean_online(labels, (1, 3, 3)) == expected


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), number=st.integers(0, 80))
def test_a_stream_is_cleaned_as_all_at_once_and_no_frame_waits_longer_than_told(
    seed: int, number: int
) -> None:
    rng = np.random.default_rng(seed)
    rows, cutoffs = rng.dirichlet(np.full(4, 0.3), size=number), rng.integers(1, 8, size=4)
    cleaner, told = OnlineCleaner(cutoffs, 1), []
    waited = 0
    for frame, row in enumerate(rows):
        told += [(began, cleaner.label)] if (began := cleaner.push(row)) is not None else []
        decided = len(told) and told[-1][0]
        assert decided <= cleaner.decided <= frame + 1
        waited = max(waited, frame - cleaner.decided)
    assert waited < max(1, cleaner.delay)
    changes = [(0, 1), *told]
    ends = [began for began, _ in changes[1:]] + [number]
    lengths = [end - began for (began, _), end in zip(changes, ends, strict=True)]
    streamed = np.repeat([label for _, label in changes], lengths)
    np.testing.assert_array_equal(clean_online(rows, cutoffs, 1), streamed)
    # The definition: what held for its cut-off counts, all else is of what held before.
    expected, label = [], 1
    for c, run in itertools.groupby(rows.argmax(1)):
        length = len(list(run))
        label = int(c) if length >= cutoffs[c] else label
        expected += [label] * length
    np.testing.assert_array_equal(streamed, expected)
