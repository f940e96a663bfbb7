"""Metrics against stored golden cases, published figures, and slow independent implementations."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.formats.tables import write_actions
from handact.labels import runs, segments_from_frames
from handact.metrics import (
    HAND_THRESHOLDS,
    OVERLAPS,
    Counts,
    Intervals,
    boundary_errors,
    clip_metrics,
    confusion_matrix,
    edit_score,
    f1,
    frame_accuracy,
    hand_counts,
    hand_errors,
    match_intervals,
    segment_counts,
    sequence_metrics,
)
from handact.report.reading import read_sequences

GOLDEN = Path(__file__).parent / "golden"
SHARED = Path(
    os.environ.get("HANDACT_SHARED", Path(__file__).resolve().parents[1].parent / "shared")
)
CLASSES = ["background", *(f"a{i}" for i in range(1, 8))]

labels = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=12).map(
    lambda runs: np.repeat([c for c, _ in runs], [n for _, n in runs])
)
pairs = st.tuples(labels, labels).map(lambda ab: [x[: min(map(len, ab))] for x in ab])


def frames(runs: list) -> np.ndarray:
    return np.concatenate([np.full(n, CLASSES.index(name)) for name, n in runs])


def golden_videos() -> list[dict]:
    return json.loads((GOLDEN / "segments.json").read_text())["videos"]


# ---------------------------------------------------------------------------------------- golden


def test_golden_videos_one_by_one() -> None:
    videos = golden_videos()
    assert len(videos) == 60
    for video in videos:
        truth, predicted = frames(video["truth"]), frames(video["predicted"])
        assert edit_score(truth, predicted, 0) == pytest.approx(video["edit"], abs=1e-6)
        for iou in OVERLAPS:
            total = segment_counts(truth, predicted, iou, 0).total
            assert [total.tp, total.fp, total.fn] == video[f"counts@{100 * iou:.0f}"]


def test_golden_videos_pooled() -> None:
    golden = json.loads((GOLDEN / "segments.json").read_text())
    truth = {str(i): frames(v["truth"]) for i, v in enumerate(golden["videos"])}
    predicted = {str(i): frames(v["predicted"]) for i, v in enumerate(golden["videos"])}
    result = sequence_metrics(truth, predicted, CLASSES, background="background")
    for key, value in golden["pooled"].items():
        assert result[key] == pytest.approx(value, abs=1e-6), key


def test_golden_hands() -> None:
    golden = json.loads((GOLDEN / "hands.json").read_text())
    truth = [[[h["present"], h["x"], h["y"]] for h in frame] for frame in golden["frames"]]
    predicted = [
        [[h["p_hat"], h["x_hat"], h["y_hat"]] for h in frame] for frame in golden["frames"]
    ]
    for threshold in HAND_THRESHOLDS:
        counts = hand_counts(np.array(truth), np.array(predicted), threshold)
        expected = golden["expected"][f"{threshold:g}"]
        assert counts.f1 == pytest.approx(expected["f1"], abs=1e-6)
        assert counts.total == Counts(expected["tp"], expected["fp"], expected["fn"])


@pytest.mark.skipif(
    not (SHARED / "data/tcn_predictions").exists(),
    reason=f"no published predictions under {SHARED}",
)
@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        # F1@10, F1@25, F1@50, edit, frame accuracy. F1 is averaged over videos; the background, 0,
        # is left out of F1 and edit. The first three of 50Salads/mid, and GTEA/video_tCNN, are what
        # the paper prints, too.
        ("50Salads/mid/mid_video_ED-TCN_L2_C15", [68.0, 63.9, 52.6, 59.8, 64.7]),
        ("50Salads/mid/mid_video_DilatedTCN_B3_L5", [52.2, 47.6, 37.4, 43.1, 59.3]),
        ("50Salads/mid/mid_video_tCNN_C36", [55.9, 49.6, 37.1, 46.0, 59.5]),
        ("50Salads/mid/mid_video_SVM", [28.7, 22.7, 15.4, 21.4, 54.9]),
        ("50Salads/eval/eval_video_ED-TCN_L2_C18", [76.5, 73.8, 64.5, 72.3, 73.4]),
        ("50Salads/eval/eval_video_DilatedTCN_L5_B2", [55.8, 52.3, 44.3, 46.9, 71.1]),
        ("50Salads/eval/eval_video_tCNN_C36", [61.7, 57.4, 47.3, 52.9, 71.3]),
        ("50Salads/eval/eval_video_SVM", [39.0, 33.6, 25.6, 28.9, 68.1]),
        ("GTEA/video_ED-TCN_L2_C25", [73.2, 68.5, 55.6, 69.9, 63.7]),
        ("GTEA/video_DilatedTCN_L5_B2", [60.9, 54.7, 40.2, 52.9, 61.3]),
        ("GTEA/video_tCNN_C30", [58.7, 54.4, 41.9, 54.0, 60.6]),
        ("GTEA/video_SVM", [44.2, 38.2, 28.0, 35.7, 53.7]),
        ("JIGSAWS/video_ED-TCN_L2_C20", [90.0, 88.3, 80.5, 84.4, 81.2]),
        ("JIGSAWS/sensors_ED-TCN_L2_C15", [90.3, 88.6, 81.3, 85.0, 82.8]),
        ("MERL/ED-TCN_L2_C3", [75.0, 73.2, 61.9, 65.2, 77.2]),
        ("MERL/DilatedTCN_B1_L3", [62.3, 59.5, 49.2, 52.0, 75.5]),
    ],
)
def test_published_predictions_of_the_ed_tcn_paper(
    tmp_path: Path, folder: str, expected: list[float]
) -> None:
    """Their arrays are imported as the tables that `report metrics` takes."""
    arrays = read_ed_tcn(SHARED / "data/tcn_predictions/predictions" / folder)
    classes = [str(i) for i in range(1 + max(x.max() for a in arrays for x in a.values()))]
    for name, labels in zip(("truth.csv", "predicted.csv"), arrays, strict=True):
        write_actions(
            tmp_path / name, {v: segments_from_frames(x, classes) for v, x in labels.items()}
        )
    sequences = read_sequences(tmp_path / "truth.csv", tmp_path / "predicted.csv", background="0")
    assert sum(map(len, sequences.truth.values())) == sum(map(len, arrays[0].values()))

    def score(average: str) -> list[float]:
        result = sequence_metrics(
            sequences.truth, sequences.predicted, sequences.classes, background="0", average=average
        )
        keys = ("f1@10", "f1@25", "f1@50", "edit", "frame_accuracy")
        return [round(result[key], 1) for key in keys]

    assert score("video") == expected
    if folder.startswith("50Salads/mid/mid_video_ED"):
        assert score("pooled")[:3] == [67.1, 63.0, 51.9]


def read_ed_tcn(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return truth and prediction of each video, from cells or from the rows of one array."""
    from scipy.io import loadmat

    truth, predicted = {}, {}
    for path in sorted(folder.glob("*.mat")):
        cells = loadmat(path)
        pairs = zip(cells["Y"], cells["P"], strict=True)
        if cells["Y"].dtype == object:
            pairs = zip(cells["Y"].ravel(), cells["P"].ravel(), strict=True)
        for i, (y, p) in enumerate(pairs):
            truth[f"{path.stem}-{i}"] = y.ravel().astype(int)
            predicted[f"{path.stem}-{i}"] = p.ravel().astype(int)
    return truth, predicted


# ----------------------------------------------------------------------------------------- hands


def hand(p: float, x: float = 0.5, y: float = 0.5) -> list:
    return [p, x, y]


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        (hand(1), hand(0.9), Counts(1, 0, 0)),
        (hand(1), hand(0.9, 0.5, 0.62), Counts(0, 1, 0)),  # in the wrong place: not missed too
        (hand(1), hand(0.5), Counts(0, 0, 1)),  # exactly 0.5 is not predicted
        (hand(1), hand(0.9, 0.625), Counts(0, 1, 0)),  # exactly T_L is not below T_L
        (hand(0), hand(0.9), Counts(0, 1, 0)),
        (hand(0), hand(0.1), Counts(0, 0, 0)),
        (hand(0, np.nan, np.nan), hand(0.9), Counts(0, 1, 0)),
        (hand(0, np.nan, np.nan), hand(0, np.nan, np.nan), Counts(0, 0, 0)),
    ],
)
def test_hand_counts(true: list, predicted: list, expected: Counts) -> None:
    nothing = hand(0)
    threshold = 0.125 if predicted[1] == 0.625 else 0.1
    counts = hand_counts(np.array([[true, nothing]]), np.array([[predicted, nothing]]), threshold)
    assert (counts.left, counts.right) == (expected, Counts())
    assert counts.total == expected


def test_hands_do_not_swap_sides() -> None:
    truth = np.array([[hand(1, 0.2), hand(1, 0.8)]])
    counts = hand_counts(truth, truth[:, ::-1], 0.3)
    assert counts.total == Counts(0, 2, 0)


def test_hand_counts_of_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.random((2, 40, 2, 3))
    parts = hand_counts(truth[:15], predicted[:15], 0.3) + hand_counts(
        truth[15:], predicted[15:], 0.3
    )
    assert parts == hand_counts(truth, predicted, 0.3)
    assert np.isfinite(hand_errors(truth, predicted)).sum() <= 80


def test_hands_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        hand_counts(np.zeros((3, 2, 3)), np.zeros((3, 6)), 0.1)


def test_no_counts_give_zero() -> None:
    assert f1(0, 0, 0) == 0
    assert hand_counts(np.zeros((0, 2, 3)), np.zeros((0, 2, 3)), 0.1).f1 == 0


# ------------------------------------------------------------------------------------- sequences


def slow_counts(truth: np.ndarray, predicted: np.ndarray, iou: float, bg: int) -> list[int]:
    """MS-TCN's f_score, written again with plain loops over frames."""

    def segments(x: np.ndarray) -> list[tuple]:
        out, start = [], 0
        for i in range(1, len(x) + 1):
            if i == len(x) or x[i] != x[start]:
                out.append((int(x[start]), set(range(start, i))))
                start = i
        return [s for s in out if s[0] != bg]

    true, used, tp, fp = segments(truth), set(), 0, 0
    for label, span in segments(predicted):
        scores = [len(span & s) / len(span | s) * (name == label) for name, s in true] or [0.0]
        best = int(np.argmax(scores))
        if scores[best] >= iou and best not in used:
            used.add(best)
            tp += 1
        else:
            fp += 1
    return [tp, fp, len(true) - tp]


@settings(max_examples=150, deadline=None)
@given(pairs, st.sampled_from(OVERLAPS))
def test_segment_counts_are_ms_tcns(pair: list[np.ndarray], iou: float) -> None:
    total = segment_counts(*pair, iou, 0).total
    assert [total.tp, total.fp, total.fn] == slow_counts(*pair, iou, 0)


@settings(max_examples=150, deadline=None)
@given(pairs, st.sampled_from([0.05, *OVERLAPS]))
def test_optimal_count_is_a_maximum_matching(pair: list[np.ndarray], iou: float) -> None:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    def spans(x: np.ndarray) -> list[tuple]:
        edges = [0, *(np.flatnonzero(np.diff(x)) + 1), len(x)]
        runs = pairwise(edges)
        return [(int(x[a]), set(range(a, b))) for a, b in runs if x[a] != 0]

    edges = [
        [name == label and len(s & t) / len(s | t) >= iou for name, t in spans(pair[0])]
        for label, s in spans(pair[1])
    ]
    best = 0
    if edges and edges[0]:
        best = int((maximum_bipartite_matching(csr_matrix(np.array(edges))) >= 0).sum())
    counts = segment_counts(*pair, iou, 0)
    assert counts.optimal_tp == best >= counts.total.tp
    assert counts.optimal_f1 >= counts.total.f1


@settings(max_examples=100, deadline=None)
@given(pairs)
def test_edit_score_is_levenshtein(pair: list[np.ndarray]) -> None:
    a, b = ([int(x[0]), *x[1:][np.diff(x) != 0].tolist()] for x in pair)
    table = np.zeros((len(a) + 1, len(b) + 1))
    table[:, 0], table[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            step = table[i, j] + (a[i] != b[j])
            table[i + 1, j + 1] = min(table[i, j + 1] + 1, table[i + 1, j] + 1, step)
    assert edit_score(*pair) == pytest.approx(100 * (1 - table[-1, -1] / max(len(a), len(b))))


@settings(max_examples=50, deadline=None)
@given(pairs, st.permutations(range(4)))
def test_names_of_classes_do_not_matter(pair: list[np.ndarray], order: list[int]) -> None:
    renamed = [np.array(order)[x] for x in pair]
    assert edit_score(*pair, 0) == edit_score(*renamed, order[0])
    total = segment_counts(*pair, 0.25, 0).total
    assert total == segment_counts(*renamed, 0.25, order[0]).total


def test_edit_score_without_segments() -> None:
    nothing, something = np.zeros(5, int), np.array([0, 1, 1, 0, 0])
    assert edit_score(nothing, nothing, 0) == 100
    assert edit_score(something, nothing, 0) == 0
    assert edit_score(nothing, something, 0) == 0
    assert edit_score(np.zeros(0), np.zeros(0)) == 100


def test_an_action_on_both_sides_of_background_is_two_segments() -> None:
    truth = np.array([1, 1, 0, 0, 1, 1])
    assert segment_counts(truth, truth, 0.5, 0).total == Counts(2, 0, 0)
    assert segment_counts(truth, truth, 0.5, None).total == Counts(3, 0, 0)


def test_a_second_prediction_does_not_fall_back_but_the_optimum_does() -> None:
    truth = np.array([1] * 20 + [0] + [1] * 5 + [2] * 4)
    predicted = np.array([1] * 6 + [0] + [1] * 19 + [2] * 4)
    # Both predicted 1s: the long one meets two true ones, and its best is the one already taken.
    counts = segment_counts(truth, predicted, 0.25, 0)
    assert counts.by_class == {1: Counts(1, 1, 1), 2: Counts(1, 0, 0)}
    assert counts.optimal_tp == 3


def test_predictions_without_truth_are_false_positives() -> None:
    counts = segment_counts(np.zeros(6, int), np.array([0, 1, 1, 2, 2, 0]), 0.1, 0)
    assert counts.by_class == {1: Counts(0, 1, 0), 2: Counts(0, 1, 0)}


@pytest.mark.parametrize("iou", [0, 1.5, -0.1])
def test_an_impossible_overlap_is_refused(iou: float) -> None:
    with pytest.raises(ValueError, match="iou"):
        segment_counts(np.ones(3), np.ones(3), iou)


def test_intervals_in_seconds_match_as_segments_do() -> None:
    true = Intervals(np.array(["a", "b", "a"]), np.array([0, 0.4, 2]), np.array([0.4, 1.6, 2.5]))
    guessed = Intervals(
        np.array(["b", "b", "a"]), np.array([0, 0.9, 2.1]), np.array([0.9, 1.6, 2.6])
    )
    assert match_intervals(true, guessed) == [(1, 1), (2, 2)]
    assert match_intervals(true, guessed, 0.3) == [(1, 0), (2, 2)]  # the first come takes it
    none = Intervals(*np.zeros((3, 0)))
    assert match_intervals(none, guessed) == match_intervals(true, none) == []


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([], []), ([7], [(0, 1)]), (["a", "a", "b", "a"], [(0, 2), (2, 3), (3, 4)])],
)
def test_runs_of_equal_labels(labels: list, expected: list[tuple[int, int]]) -> None:
    assert list(zip(*runs(np.array(labels)), strict=True)) == expected


def test_boundary_errors_are_signed() -> None:
    truth = np.array([0, 0, 1, 1, 1, 1, 0, 0, 2, 2])
    predicted = np.array([0, 1, 1, 1, 1, 0, 0, 0, 0, 2])
    assert boundary_errors(truth, predicted, 0.5, 0).tolist() == [[-1, -1], [1, 0]]
    assert boundary_errors(truth, predicted, 0.9, 0).shape == (0, 2)


def test_frame_accuracy_and_confusion() -> None:
    truth, predicted = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    assert frame_accuracy(truth, predicted) == 75
    assert frame_accuracy(truth[:0], truth[:0]) == 0
    assert confusion_matrix(truth, predicted, 3).tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    with pytest.raises(ValueError, match="4 and 3"):
        frame_accuracy(truth, predicted[:3])


def test_clip_metrics() -> None:
    result = clip_metrics(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["a", "b", "c"])
    assert result["accuracy"] == 75
    assert result["per_class"]["a"] == {
        "precision": 100, "recall": 50, "f1": pytest.approx(200 / 3), "support": 2, "predicted": 1,
    }  # fmt: skip
    assert result["per_class"]["c"]["f1"] is None
    assert result["macro_f1"] == pytest.approx((200 / 3 + 80) / 2)


def test_sequence_metrics_variants() -> None:
    truth = {"v": np.repeat([0, 1, 0, 2], 5), "w": np.repeat([1, 0], 10), "x": np.zeros(10, int)}
    predicted = {"v": truth["v"], "w": np.repeat([0, 0], 10), "x": truth["x"]}
    names = ["idle", "one", "two", "three"]
    pooled = sequence_metrics(truth, predicted, names, background="idle")
    assert pooled["frame_accuracy"] == 80
    assert pooled["frame_accuracy_without_background"] == 50
    assert pooled["edit"] == pytest.approx((100 + 0 + 100) / 3)
    assert pooled["f1@50"] == pytest.approx(80)
    assert pooled["per_class"].keys() == {"one", "two", "three"}
    assert pooled["per_class"]["one"]["support"] == 2
    assert pooled["per_class"]["three"]["f1@50"] is None
    assert pooled["macro_f1@50"] == pytest.approx((200 / 3 + 100) / 2)
    assert pooled["variant"]["num_videos"] == 3
    assert not pooled["variant"]["background_in_edit_and_f1"]
    by_video = sequence_metrics(truth, predicted, names, background="idle", average="video")
    assert by_video["f1@50"] == 50  # the video without segments has no F1
    assert by_video["frame_accuracy"] == pytest.approx((100 + 50 + 100) / 3)
    paper = sequence_metrics(truth, predicted, names, background="idle", include_background=True)
    assert "idle" in paper["per_class"]
    # 4 + 2 + 1 true segments, 4 + 1 + 1 predicted; the long false one meets its half at 0.5
    assert paper["f1@50"] == pytest.approx(f1(6, 0, 1))


def test_times_in_seconds_where_the_rate_is_known() -> None:
    truth, predicted = {"v": np.repeat([0, 1, 0], 30)}, {"v": np.repeat([0, 1, 0], [33, 30, 27])}
    seconds = sequence_metrics(truth, predicted, ["b", "a"], background="b", fps={"v": 30.0})
    assert seconds["boundary_errors"]["start"]["mean"] == pytest.approx(0.1)
    assert seconds["per_class"]["a"]["mean_duration"] == 1
    frames_ = sequence_metrics(truth, predicted, ["b", "a"], background="b")
    assert frames_["boundary_errors"]["unit"] == "frames"
    assert frames_["boundary_errors"]["end"]["p90_absolute"] == 3
    json.dumps([seconds, frames_])


def test_sequence_metrics_refuse_other_videos() -> None:
    with pytest.raises(ValueError, match="same videos"):
        sequence_metrics({"a": np.zeros(3)}, {"b": np.zeros(3)}, ["x"], background="x")
    with pytest.raises(ValueError, match="same videos"):
        sequence_metrics({}, {}, ["x"], background="x")


def test_ten_thousand_segments_are_quick() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 20, 10_000)
    assert segment_counts(truth, truth, 0.5, 0).total.fp == 0
    assert 0 < edit_score(truth[:3000], rng.integers(0, 20, 3000), 0) < 100
