import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.cleaning import (
    LabelStatistics,
    OnlineCleaner,
    clean_cutoff,
    clean_labels,
    clean_online,
    clean_viterbi,
    count_transitions,
    cutoff_seconds,
)
from handact.cleaning.viterbi import _decode, _Duration, _Model, _tabulate
from handact.config import SegmentConfig
from handact.labels import Segment


def _probabilities(labels: str, sure: float = 0.9) -> np.ndarray:
    """Return (N, 3) that say `labels`, a text such as "aabbb"."""
    index = np.array(["abc".index(c) for c in labels], dtype=int)
    rows = np.full((len(labels), 3), (1 - sure) / 2)
    rows[np.arange(len(labels)), index] = sure
    return rows


def _edges(number: int, fps: float = 1.0) -> np.ndarray:
    return np.arange(number + 1) / fps


def _cutoff(rows: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Clean at one frame a second, so that cut-offs are frames."""
    return clean_cutoff(rows, _edges(len(rows)), cutoffs)


def _clean(labels: str, cutoffs: tuple[int, int, int]) -> str:
    return "".join("abc"[i] for i in _cutoff(_probabilities(labels), np.array(cutoffs)))


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
    assert _cutoff(rows, np.array([1, 5, 1])).tolist() == [0] * 5 + [2] * 6


def _slow_cutoff(rows: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """The definition, word by word, over lists that are rebuilt at every step."""
    labels = rows.argmax(1)
    bounds = [0, *(np.flatnonzero(np.diff(labels)) + 1), len(labels)]
    parts = [[a, b, int(labels[a])] for a, b in itertools.pairwise(bounds)]
    while True:
        ends = (parts[0], parts[-1])
        least = {id(p): (cutoffs[p[2]] - 0.5) * (0.25 if p in ends else 1) for p in parts}
        short = [p for p in parts if p[1] - p[0] < least[id(p)]]
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
    cleaned = _cutoff(rows, cutoffs)
    np.testing.assert_array_equal(cleaned, _slow_cutoff(rows, cutoffs))
    assert cleaned.tolist() == _cutoff(rows, cutoffs).tolist()


def test_cutoffs_are_learnt_from_durations() -> None:
    known = LabelStatistics({"a": [1.0, 2.0, 3.0], "b": []})
    assert cutoff_seconds(known, ("a", "b", "c"), quantile=0.5).tolist() == [2, 0, 0]
    assert cutoff_seconds(known, ("a", "b"), seconds=0.5).tolist() == [0.5, 0.5]


# First 30 frames a second, then 10: a glitch of 16 quick frames, an action of 10 slow ones.
UNEVEN = np.repeat([0, 1, 0, 1, 0], [60, 16, 60, 10, 30])
UNEVEN_EDGES = np.cumsum([0.0, *np.repeat([1 / 30, 0.1], [136, 40])])


@pytest.mark.parametrize("clean", ["cutoff", "online"])
def test_what_counts_is_how_long_and_not_how_many_frames(clean: str) -> None:
    rows = np.where(UNEVEN[:, None] == [0, 1], 0.9, 0.1)
    config = SegmentConfig(cleaning=clean, cutoff_seconds=0.7)
    labels = clean_labels(rows, UNEVEN_EDGES, LabelStatistics(), ("none", "take"), "none", config)
    np.testing.assert_array_equal(labels, np.repeat([0, 1, 0], [136, 10, 30]))


def test_viterbi_gives_uneven_frames_their_own_labels() -> None:
    rows = np.where(UNEVEN[:, None] == [0, 1], 0.9, 0.1)
    known = LabelStatistics({"none": [1.0, 2.0], "take": [0.5, 1.0]})
    for weight in (0.0, 1.0):
        labels = clean_viterbi(rows, UNEVEN_EDGES, known, ("none", "take"), "none", weight=weight)
        np.testing.assert_array_equal(labels, UNEVEN)


@pytest.mark.parametrize("clean", ["cutoff", "online"])
def test_a_hole_in_a_video_makes_nothing_last_longer(clean: str) -> None:
    """A glitch of 0.4 s, of which the last frame comes before two minutes without any."""
    rows = np.where(np.repeat([0, 1, 0], [30, 4, 30])[:, None] == [0, 1], 0.9, 0.1)
    edges = _edges(64, 10.0)
    edges[34:] += 120
    config = SegmentConfig(cleaning=clean, cutoff_seconds=1.6)
    known = LabelStatistics()
    assert not clean_labels(rows, edges, known, ("none", "take"), "none", config).any()


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


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("spreads", [(0.4, 0.2), (2.5, 0.2)])
def test_durations_add_up_to_one_and_hold_at_least_so_long(
    step: int, spreads: tuple[float, float]
) -> None:
    lasts, holds, falls = _tabulate([_Duration(3.0, spreads[0]), _Duration(4.0, spreads[1])], step)
    assert len(lasts) <= 600
    assert (falls < 0).all()
    tail = np.exp(lasts[-1] + falls) / -np.expm1(falls)
    np.testing.assert_allclose(np.exp(lasts).sum(0) + tail, 1)
    np.testing.assert_allclose(np.exp(lasts[4:]).sum(0) + tail, np.exp(holds[4]))
    modes = np.exp([3 - spreads[0] ** 2, 4 - spreads[1] ** 2])
    assert (np.exp(lasts).argmax(0) + 1) * step == pytest.approx(modes, abs=step)


CLASSES = ("none", "take", "put")
KNOWN = LabelStatistics(
    {"none": [0.5, 1.0], "take": [1.0, 1.2, 0.9], "put": [1.0, 1.1, 0.8]},
    {"take": {"put": 9, "none": 1}, "put": {"none": 10}, "none": {"take": 5, "put": 5}},
)


def _viterbi(
    rows: np.ndarray, known: LabelStatistics, *, fps: float = 10.0, weight: float = 1.0
) -> np.ndarray:
    return clean_viterbi(rows, _edges(len(rows), fps), known, CLASSES, "none", weight=weight)


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
    cleaned = _viterbi(rows, KNOWN)
    assert [c for c, _ in _runs(cleaned)] == [0, 1, 2, 0, 1, 2, 0]
    assert (cleaned == truth).mean() > 0.93


def test_viterbi_knows_what_follows_what() -> None:
    """After `take` comes `put`, whatever the frames say a little more loudly."""
    rows = np.array(
        [[0.02, 0.96, 0.02]] * 10 + [[0.36, 0.28, 0.36]] * 10 + [[0.96, 0.02, 0.02]] * 5
    )
    labels = _viterbi(rows, KNOWN)
    assert [c for c, _ in _runs(labels)] == [1, 2, 0]
    unordered = LabelStatistics(KNOWN.durations, {"take": {"none": 10}, "put": {"none": 10}})
    labels = _viterbi(rows, unordered)
    assert [c for c, _ in _runs(labels)] == [1, 0]


def test_viterbi_of_long_actions_lies_on_a_grid_and_of_no_frame_is_empty() -> None:
    known = LabelStatistics({name: [300.0, 320.0, 280.0] for name in CLASSES})
    kinds = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]])
    rows = np.repeat(kinds, [4000, 3005, 2000], axis=0)
    labels = _viterbi(rows, known)
    assert len(labels) == 9005
    (_, first), (c, second), _ = _runs(labels)
    assert c == 1
    assert abs(first - 4000) < 30
    assert abs(second - 3005) < 30
    assert len(_viterbi(rows[:0], known)) == 0


@pytest.mark.parametrize("weight", [0.0, 1e-9, 1.0, 3.0])
def test_a_class_that_lasts_anything_leaves_short_ones_alone(weight: float) -> None:
    """Background of a third of a second to five minutes, actions of one second."""
    rng = np.random.default_rng(0)
    known = LabelStatistics(
        {"none": [0.3, 2.0, 30.0, 300.0], "take": list(rng.normal(1, 0.1, 20))},
        {"none": {"take": 20}, "take": {"none": 20}},
    )
    truth = np.concatenate([np.repeat([0, 1], [int(n), 30]) for n in rng.integers(20, 900, 19)])
    rows = np.where(truth[:, None] == [0, 1, 2], 0.9, 0.05)
    labels = _viterbi(rows, known, fps=30.0, weight=weight)
    assert sum(c == 1 for c, _ in _runs(labels)) == 19
    assert (labels != truth).mean() < 0.01


def test_transitions_are_counted_between_neighbours() -> None:
    videos = [
        [Segment(0, 5, "none"), Segment(5, 9, "take"), Segment(9, 12, "put")],
        [Segment(0, 3, "take"), Segment(3, 8, "put")],
    ]
    assert count_transitions(videos) == {"none": {"take": 1}, "take": {"put": 2}}


# ------------------------------------------------------------------------------------------ online


def _online(rows: np.ndarray, cutoffs: np.ndarray, background: int = 0) -> np.ndarray:
    return clean_online(rows, _edges(len(rows)), cutoffs, background)


def _clean_online(labels: str, cutoffs: tuple[int, int, int]) -> str:
    return "".join("abc"[i] for i in _online(_probabilities(labels), np.array(cutoffs)))


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
    cleaner, told = OnlineCleaner(cutoffs, 1, 1.0), []
    waited = 0
    for frame, row in enumerate(rows):
        if (began := cleaner.push(row, float(frame))) is not None:
            told.append((began, cleaner.label))
        decided = len(told) and told[-1][0]
        assert decided <= cleaner.decided <= frame + 1
        waited = max(waited, frame - cleaner.decided)
    assert waited < cutoffs.max()
    changes = [(0, 1), *told]
    ends = [began for began, _ in changes[1:]] + [number]
    lengths = [end - began for (began, _), end in zip(changes, ends, strict=True)]
    streamed = np.repeat([label for _, label in changes], lengths)
    np.testing.assert_array_equal(_online(rows, cutoffs, 1), streamed)
    # The definition: what held for its cut-off counts, all else is of what held before.
    expected, label = [], 1
    for c, run in itertools.groupby(rows.argmax(1)):
        length = len(list(run))
        label = int(c) if length >= cutoffs[c] else label
        expected += [label] * length
    np.testing.assert_array_equal(streamed, expected)


def test_one_picture_after_many_lost_ones_is_not_believed() -> None:
    cleaner = OnlineCleaner(np.array([0.0, 1.0]), 0, 0.1)
    rows = {0: np.array([0.9, 0.1]), 1: np.array([0.1, 0.9])}
    assert [cleaner.push(rows[c], t) for c, t in [(0, 0.0), (1, 2.0), (0, 2.1)]] == [None] * 3
    assert cleaner.label == 0
    # After a pause of an hour, too, it must hold for as long as ever.
    assert [cleaner.push(rows[1], t) for t in (2.2, 3600.0)] == [None, 3]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_no_frame_waits_longer_than_the_longest_cutoff_and_a_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([0.05, 0.1, 0.3], 80))
    cutoffs = rng.uniform(0, 2, 3)
    cleaner, waiting = OnlineCleaner(cutoffs, 0, 0.1), {}
    rows = rng.dirichlet(np.full(3, 0.3), 80)
    for frame, seconds in enumerate(times):
        row, waiting[frame] = rows[frame], seconds
        cleaner.push(row, seconds)
        step = seconds - times[max(0, frame - 1)]
        for decided in [f for f in waiting if f < cleaner.decided]:
            assert seconds - waiting.pop(decided) <= cutoffs.max() + step
