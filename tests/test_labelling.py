"""Labels changed edit by edit: undo, the write-ahead file, proposals, drafts of a review."""

import errno
import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from folders import VIDEOS, make_dataset, predict
from hypothesis import given, settings
from hypothesis import strategies as st

from handact.dataset import read_dataset
from handact.errors import LabelError
from handact.formats.tables import read_actions, read_hands
from handact.labelling import (
    Edit,
    LabelStore,
    Prediction,
    StaleEdit,
    UnreadableTable,
    fill_gaps,
    find_places,
    guess_between,
    read_predictions,
    spread_frames,
)
from handact.labelling.scout import doubt_of
from handact.labels import Segment, frames_from_segments


def open_store(root: Path, said: list[str] | None = None) -> LabelStore:
    return LabelStore(read_dataset(root), (said if said is not None else []).append)


def put(store: LabelStore, *rows: tuple, table: str = "actions", video: str = "v1") -> None:
    store.edit(Edit(table, video, (), rows))


def crash(store: LabelStore) -> None:
    """Leave a store as a killed process does: nothing more is written, the lock is gone."""
    if store._timer is not None:
        store._timer.cancel()
    store._journal.close()


# ----------------------------------------------------------------------------------------- editing


def test_an_edit_is_in_the_table_after_saving(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (0, 10, "take"), (10, 20, "turn screw"))
    put(store, (3, 0.25, 0.5, None, None), table="hands")
    store.close()
    assert read_actions(root / "actions.csv") == {
        "v1": [Segment(0, 10, "take"), Segment(10, 20, "turn screw")]
    }
    hands = read_hands(root / "hands.csv")
    assert hands.iloc[0, :4].tolist() == ["v1", 3, 0.25, 0.5]
    assert hands.iloc[0, 4:].isna().all()


def test_undo_goes_back_over_a_restart(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (0, 10, "take"))
    put(store, (20, 30, "take"))
    store.edit(Edit("actions", "v1", ((0, 10, "take"),), ((0, 12, "turn screw"),)))
    store.undo("actions", "v1")
    store.close()
    store = open_store(root)
    assert store.count_steps("actions", "v1") == (2, 1)
    assert store.rows("actions", "v1") == [(0, 10, "take"), (20, 30, "take")]
    store.redo("actions", "v1")
    assert store.rows("actions", "v1")[0] == (0, 12, "turn screw")
    for _ in range(3):
        store.undo("actions", "v1")
    assert store.rows("actions", "v1") == []
    assert store.undo("actions", "v1") is None
    store.close()
    assert read_actions(root / "actions.csv") == {}


def test_hands_have_one_undo_over_all_videos(tmp_path: Path) -> None:
    store = open_store(make_dataset(tmp_path))
    put(store, (3, 0.25, 0.5, None, None), table="hands")
    put(store, (4, 0.25, 0.5, None, None), table="hands", video="late")
    assert store.undo("hands", "v1").video == "late"
    assert store.undo("hands", "v1").video == "v1"
    store.close()


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ((5, 15, "take"), StaleEdit),
        ((35, 41, "take"), LabelError),
        ((7, 7, "take"), LabelError),
        ((-1, 3, "take"), LabelError),
        ((30, 31, ""), LabelError),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    tmp_path: Path, row: tuple, error: type[Exception]
) -> None:
    store = open_store(make_dataset(tmp_path, actions="v1,0,10,take\n"))
    with pytest.raises(error):
        put(store, row)
    assert store.rows("actions", "v1") == [(0, 10, "take")]
    assert (tmp_path / "line" / "edits.jsonl").read_bytes() == b""
    store.close()


@pytest.mark.parametrize(
    "row", [(40, 0.5, 0.5, None, None), (1, 0.5, None, None, None), (1, 1.5, 0.5, None, None)]
)
def test_hands_that_make_no_sense_are_refused(tmp_path: Path, row: tuple) -> None:
    store = open_store(make_dataset(tmp_path))
    with pytest.raises(LabelError):
        put(store, row, table="hands")
    store.close()


def test_an_edit_of_what_another_tab_changed_is_stale(tmp_path: Path) -> None:
    store = open_store(make_dataset(tmp_path, actions="v1,0,10,take\n"))
    store.edit(Edit("actions", "v1", ((0, 10, "take"),), ((0, 8, "take"),)))
    with pytest.raises(StaleEdit):
        store.edit(Edit("actions", "v1", ((0, 10, "take"),), ((0, 12, "take"),)))
    put(store, (20, 30, "take"))  # elsewhere in the video nobody is in the way
    assert store.rows("actions", "v1") == [(0, 8, "take"), (20, 30, "take")]
    store.close()


def test_an_edit_that_is_sent_again_is_done_once(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    edit = Edit("actions", "v1", (), ((0, 10, "take"),))
    store.edit(edit, "a")
    store.edit(edit, "a")
    put(store, (20, 30, "take"))
    store.undo("actions", "v1", "b")
    crash(store)
    store = open_store(root)
    store.undo("actions", "v1", "b")
    store.edit(edit, "a")
    assert store.rows("actions", "v1") == [(0, 10, "take")]
    store.close()


# -------------------------------------------------------------------------------- the write-ahead


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    root, said = make_dataset(tmp_path, actions="v1,0,10,take\n"), []
    store = open_store(root)
    put(store, (20, 30, "take"))
    store.undo("actions", "v1")
    put(store, (12, 15, "turn screw"))
    put(store, (3, 0.25, 0.5, None, None), table="hands")
    crash(store)
    assert len(read_actions(root / "actions.csv")["v1"]) == 1
    open_store(root, said).close()
    assert read_actions(root / "actions.csv")["v1"][1] == Segment(12, 15, "turn screw")
    assert len(read_hands(root / "hands.csv")) == 1
    assert said == ["taking up 4 changes that had not been saved yet"]


def test_killed_between_the_table_and_the_mark_nothing_is_done_twice(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    store = open_store(root)
    store.edit(Edit("actions", "v1", ((0, 10, "take"),), ((0, 12, "take"),)))
    for name in list(store._tables):
        assert store._try_to_write(name) is None
    crash(store)
    store = open_store(root)
    assert store.rows("actions", "v1") == [(0, 12, "take")]
    store.undo("actions", "v1")
    assert store.rows("actions", "v1") == [(0, 10, "take")]
    store.close()


def test_half_a_line_was_promised_to_nobody(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (0, 10, "take"))
    crash(store)
    with (root / "edits.jsonl").open("ab") as file:
        file.write(b'{"do": {"table": "actions", "vid')
    store = open_store(root)
    assert store.rows("actions", "v1") == [(0, 10, "take")]
    put(store, (20, 30, "take"))
    store.close()
    for line in (root / "edits.jsonl").read_text().splitlines():
        assert json.loads(line)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "edits.jsonl").write_text('{"saved": true}\nnonsense\n')
    with pytest.raises(LabelError, match=r"edits\.jsonl:2: is no line of edits"):
        open_store(root)


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    with pytest.raises(LabelError, match="another `handact label`"):
        open_store(root)
    store.close()
    open_store(root).close()


def test_a_table_that_another_program_writes_is_read_again(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    store = open_store(root)
    put(store, (20, 30, "take"))
    (root / "actions.csv").write_text(
        "video,start_frame,end_frame,action\nv1,0,5,turn screw\nlate,0,3,take\n"
    )
    assert store.rows("actions", "v1") == [(0, 5, "turn screw"), (20, 30, "take")]
    assert store.rows("actions", "late") == [(0, 3, "take")]
    assert store.versions()["actions", "late"] == 1
    store.close()
    assert len(read_actions(root / "actions.csv")["v1"]) == 2


def test_columns_and_rows_of_others_stay(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "actions.csv").write_text(
        "video,start_frame,end_frame,action,note\nv1,0,10.0,take,good\nlate,0,3,take,late\n"
    )
    (root / "hands.csv").write_text(
        "video;frame;left_x;left_y;right_x;right_y;note\n"
        "v1;0;0,50;0,12345678;;NA;good\nv1;1;0,1;0,1;;;gone\n"
    )
    store = open_store(root)
    put(store, (20, 30, "take"))
    (row, other) = store.rows("hands", "v1")
    assert row == (0, 0.5, 0.123457, None, None)
    store.edit(Edit("hands", "v1", (other,), ((2, 0.25, 0.25, None, None),)))
    store.close()
    assert (root / "actions.csv").read_text().splitlines()[1:] == [
        "v1,0,10.0,take,good",
        "v1,20,30,take,",
        "late,0,3,take,late",
    ]
    assert (root / "hands.csv").read_text().splitlines()[1:] == [
        'v1,0,"0,50","0,12345678",,NA,good',
        "v1,2,0.25,0.25,,,",
    ]


def test_a_table_in_disorder_holds_up_nothing_else(tmp_path: Path) -> None:
    root, said = make_dataset(tmp_path, actions="v1,0,10,take\n"), []
    store = open_store(root, said)
    put(store, (20, 30, "take"))
    text = (root / "actions.csv").read_text()
    (root / "actions.csv").write_text(text + "v1,x,3,take\n")
    with pytest.raises(UnreadableTable, match="start_frame is not a whole number"):
        put(store, (32, 33, "take"))
    put(store, (3, 0.25, 0.5, None, None), table="hands")
    assert store.versions()["hands", "v1"] == 1
    with pytest.raises(UnreadableTable):
        store.save()
    assert len(read_hands(root / "hands.csv")) == 1
    (root / "actions.csv").write_text(text)
    put(store, (32, 33, "take"))
    store.close()
    assert len(read_actions(root / "actions.csv")["v1"]) == 3


def test_what_cannot_be_undone_any_more_is_not_in_the_way(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (0, 10, "take"))
    put(store, (20, 30, "take"))
    store.save()
    (root / "actions.csv").write_text("video,start_frame,end_frame,action\nv1,0,10,take\n")
    with pytest.raises(StaleEdit):
        store.undo("actions", "v1")
    crash(store)
    store = open_store(root)
    assert store.count_steps("actions", "v1") == (1, 0)
    store.undo("actions", "v1")
    assert store.rows("actions", "v1") == []
    store.close()


def test_undo_passes_over_a_video_that_has_left_the_dataset(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (3, 0.25, 0.5, None, None), table="hands")
    put(store, (3, 0.25, 0.5, None, None), table="hands", video="late")
    store.close()
    for name in ("videos.csv", "hands.csv"):
        lines = (root / name).read_text().splitlines(keepends=True)
        (root / name).write_text("".join(line for line in lines if not line.startswith("late")))
    store = open_store(root)
    assert store.undo("hands", "").video == "v1"
    assert store.undo("hands", "") is None
    store.close()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_dataset(tmp_path)
    store = open_store(root)
    put(store, (0, 10, "take"))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            put(store, (20, 30, "take"))
    assert store.rows("actions", "v1") == [(0, 10, "take")]
    put(store, (20, 30, "take"))
    crash(store)
    assert (root / "edits.jsonl").read_text().count('"do"') == 2
    open_store(root).close()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_order_of_edits_undos_and_kills_ends_as_if_unbroken(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = make_dataset(tmp_path_factory.mktemp("any"))
    stores = [open_store(root)]
    try:
        expected = edit_at_random(stores, root, data)
    finally:
        stores[-1].close()  # also where hypothesis gives an example up
    rows = [(s.start_frame, s.end_frame, s.action) for s in read_dataset(root).actions["v1"]]
    assert rows == expected


def edit_at_random(stores: list[LabelStore], root: Path, data: st.DataObject) -> list[tuple]:
    """Edit, undo, redo, save and kill in any order, and return the rows as they have to be."""
    expected, done, undone = [], [], []

    def overlapping(row: tuple) -> list[tuple]:
        return [r for r in expected if r[0] < row[1] and row[0] < r[1]]

    for _ in range(data.draw(st.integers(1, 12))):
        store = stores[-1]
        what = data.draw(st.sampled_from(("edit", "edit", "edit", "undo", "redo", "save", "kill")))
        if what == "edit":
            start = data.draw(st.integers(0, 38))
            row = (start, data.draw(st.integers(start + 1, 40)), "take")
            store.edit(Edit("actions", "v1", tuple(overlapping(row)), (row,)))
            done.append(expected)
            undone.clear()
            expected = sorted([r for r in expected if r not in overlapping(row)] + [row])
        elif what in ("undo", "redo"):
            there, other = (done, undone) if what == "undo" else (undone, done)
            assert (getattr(store, what)("actions", "v1") is None) == (not there)
            if there:
                other.append(expected)
                expected = there.pop()
        elif what == "save":
            store.save()
        else:
            crash(store)
            stores.append(open_store(root))
        assert stores[-1].rows("actions", "v1") == expected
    return expected


# -------------------------------------------------------------------------------------- proposals


def test_proposals_are_spread_over_videos_and_time() -> None:
    apart = dict.fromkeys(VIDEOS, 3)
    frames = spread_frames(VIDEOS, {"v1": [0, 20]}, 6, apart=apart)
    assert frames[:2] == [("v2.cam", 15), ("late", 10)]
    assert {video for video, _ in frames} == set(VIDEOS)
    everything = spread_frames(VIDEOS, {}, 1000, apart=dict.fromkeys(VIDEOS, 1))
    assert len(set(everything)) == sum(VIDEOS.values())
    kept = spread_frames(VIDEOS, {}, 1000, apart=apart)
    by_video = sorted(frame for video, frame in kept if video == "v1")
    assert min(np.diff(by_video)) >= 3


def test_a_guess_lies_on_the_way_between_labels() -> None:
    rows = [(10, 0.0, 0.5, None, None), (20, 1.0, 0.5, 0.25, 0.25)]
    assert guess_between(rows, 15, 30) == [0.5, 0.5, None, None]
    assert guess_between(rows, 15, 5) is None
    assert guess_between(rows, 10, 30) is None
    assert guess_between(rows, 5, 30) is None
    assert guess_between(rows, 25, 30) is None
    assert guess_between([], 5, 30) is None


def test_doubt_is_about_probability_and_track() -> None:
    def hands(x: float, p: float = 1.0) -> np.ndarray:
        return np.array([[p, x, 0.5], [0.0, 0.5, 0.5]])

    assert doubt_of(hands(0.4), hands(0.5), hands(0.6))[0] == pytest.approx(0)
    assert doubt_of(hands(0.4), hands(0.5, 0.6), hands(0.6)) == (
        pytest.approx(0.8),
        "the localiser is unsure",
    )
    assert doubt_of(hands(0.4), hands(0.9), hands(0.6)) == (
        pytest.approx(4),
        "contradicts its track",
    )


# ------------------------------------------------------------------------------------------ review


def test_a_draft_stands_whatever_is_predicted_later(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    own = [Segment(5, 15, "turn screw"), Segment(15, 20, "background")]
    for rows in ("v1,0,40,0,2,take,0.5\n", "v1,0,30,0,1.5,turn screw,0.9\nv1,30,99,1.5,5,take,1\n"):
        predict(root, "v1", rows)
        segments = [p.segment for p in read_predictions(root / "runs" / "action", "v1")]
        filled = fill_gaps(own, segments, 40, "background")
        labels = frames_from_segments(
            filled, 40, ("background", "take", "turn screw"), "background"
        )
        assert labels[5:15].tolist() == [2] * 10
        assert labels[15:20].tolist() == [0] * 5
        assert filled[-1].end_frame == 40


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=8, unique=True), st.data())
def test_gaps_are_filled_frame_by_frame(cuts: list[int], data: st.DataObject) -> None:
    cuts = sorted(cuts)
    classes = ("background", "a", "b")
    own = [
        Segment(s, e, data.draw(st.sampled_from(classes)))
        for s, e in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    predicted = [Segment(0, 20, "a"), Segment(20, 23, "background"), Segment(23, 60, "b")]
    filled = fill_gaps(own, predicted, 50, "background")
    expected = frames_from_segments(predicted, 50, classes, "background")
    for segment in own:
        expected[segment.start_frame : segment.end_frame] = classes.index(segment.action)
    assert frames_from_segments(filled, 50, classes, "background").tolist() == expected.tolist()
    assert all(a.end_frame <= b.start_frame for a, b in pairwise(filled))


def test_the_least_sure_comes_first_and_of_labelled_videos_the_most_wrong() -> None:
    classes = ("background", "a", "b")
    predicted = [
        Prediction(Segment(0, 10, "a"), 0.8),
        Prediction(Segment(10, 20, "b"), 0.4),
        Prediction(Segment(20, 30, "a"), 0.99),
    ]
    places = find_places(predicted, None, 30, classes, "background")
    assert [(p.start_frame, p.kind) for p in places] == [(10, "doubtful"), (0, "doubtful")]
    truth = [Segment(0, 10, "a"), Segment(10, 30, "a")]
    (place,) = find_places(predicted, truth, 30, classes, "background")
    assert (place.kind, place.other, place.action) == ("partly wrong", "a", "b")
    assert place.text == "a partly wrong: 10 frames are called b"


def test_a_video_without_predictions_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(LabelError) as caught:
        read_predictions(tmp_path, "v1")
    assert caught.value.hint == "`handact segment v1` makes the predictions"
