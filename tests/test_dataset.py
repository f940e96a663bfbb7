"""The dataset folder: reading it strictly, making it, splitting it."""

import errno
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from folders import LATE_TICKS, VIDEOS, make_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import damage, make_picture_folder, make_video

from handact.dataset import (
    assign_folds,
    assign_splits,
    create_dataset,
    find_videos,
    fold_groups,
    read_dataset,
    read_groups,
    split_frames,
    split_groups,
    video_index,
    write_splits,
)
from handact.dataset.creating import name_videos
from handact.errors import LabelError, VideoError
from handact.labels import Segment


def _text_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files}


def test_create_counts_frames_by_decoding_and_reads_back(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path))
    assert {video.name: video.frames for video in dataset.videos.values()} == VIDEOS
    assert dataset.classes == ("background", "take", "turn screw")
    assert (dataset.name, dataset.background) == ("line", "background")
    video = dataset.videos["v1"]
    assert (video.split, video.fps, video.width, video.height) == ("train", 20.0, 160, 96)
    assert video.path == dataset.root / "videos" / "v1.mp4"
    assert dataset.actions == {name: [] for name in dataset.videos}
    assert len(dataset.hands) == 0
    assert dataset.hands["left_x"].dtype == float


def test_paths_are_relative_inside_the_folder_and_absolute_outside(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    outside = shutil.copy(root / "videos" / "v1.mp4", tmp_path / "other.mp4")
    create_dataset(root, [outside], split="test")
    rows = (root / "videos.csv").read_text().splitlines()
    assert "v1,videos/v1.mp4,train,20,40,160,96" in rows
    assert f"other,{outside},test,20,40,160,96" in rows
    moved = tmp_path / "moved"
    root.rename(moved)
    assert read_dataset(moved).videos["v1"].path == moved / "videos" / "v1.mp4"


def test_adding_keeps_rows_and_further_columns_and_skips_what_is_there(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    path = root / "videos.csv"
    path.write_text("\n".join(f"{row},cam 1" for row in path.read_text().splitlines()))
    path.write_text(path.read_text().replace("height,cam 1", "height,Camera"))
    before = path.read_text()
    create_dataset(root, [root / "videos"])
    assert path.read_text() == before
    (root / "videos" / "sub").mkdir()
    shutil.copy(root / "videos" / "v1.mp4", root / "videos" / "sub" / "v1.mp4")
    dataset = create_dataset(root, [root / "videos"], classes=["put"])
    assert path.read_text().startswith(before)
    assert list(dataset.videos)[-1] == "sub_v1"
    assert dataset.classes == ("background", "take", "turn screw", "put")


def test_a_damaged_video_is_refused_and_nothing_written(tmp_path: Path) -> None:
    good, bad = make_video(tmp_path / "good.mp4", 20), make_video(tmp_path / "bad.mp4", 40)
    damage(bad, [20])
    before = _text_of(tmp_path)
    with pytest.raises(VideoError, match=r"bad\.mp4: 1 damaged packet skipped") as caught:
        create_dataset(tmp_path / "line", [good, bad])
    assert "--allow-damaged" in (caught.value.hint or "")
    assert _text_of(tmp_path) == before
    assert not (tmp_path / "line").exists()
    dataset = create_dataset(tmp_path / "line", [good, bad], allow_damaged=True)
    assert dataset.videos["bad"].frames < 40
    assert video_index(dataset, dataset.videos["bad"]).problem()


def test_every_unusable_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello")
    with pytest.raises(VideoError, match=r"empty\.mp4: .*; .*text\.mp4: "):
        create_dataset(tmp_path / "line", [tmp_path / "empty.mp4", tmp_path / "text.mp4"])


def test_a_folder_of_pictures_is_one_video(tmp_path: Path) -> None:
    pictures = make_picture_folder(tmp_path / "pictures", 12)
    with pytest.raises(VideoError, match="no frame rate"):
        create_dataset(tmp_path / "line", [pictures])
    dataset = create_dataset(tmp_path / "line", [pictures], fps=25)
    video = dataset.videos["pictures"]
    assert (video.frames, video.fps) == (12, 25.0)
    assert video_index(dataset, video).num_frames == 12


def test_another_name_for_a_dataset_that_is_there_is_refused(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with pytest.raises(LabelError, match="name is 'line', not 'other'"):
        create_dataset(root, [root / "videos"], name="other")
    with pytest.raises(LabelError, match="background is 'background', not 'idle'"):
        create_dataset(root, [root / "videos"], background="idle")
    with pytest.raises(LabelError, match="unknown split 'dev'"):
        create_dataset(root, [root / "videos"], split="dev")


def test_a_folder_that_cannot_be_written_is_found_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, *_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(PermissionError) as caught:
        create_dataset(tmp_path / "line", [tmp_path / "v.mp4"])
    assert caught.value.errno == errno.EACCES
    assert caught.value.filename == str(tmp_path)


def test_find_videos_orders_naturally_and_leaves_out_what_is_hidden(tmp_path: Path) -> None:
    for name in ("v10.mp4", "v2.MP4", "notes.txt", ".hidden.mp4", "runs/old.mp4", "b/c.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_videos([tmp_path, tmp_path / "v10.mp4"], skipped=(tmp_path / "runs",))
    assert [str(path.relative_to(tmp_path)) for path in found] == ["v2.MP4", "v10.mp4", "b/c.mkv"]
    (tmp_path / "none").mkdir()
    with pytest.raises(LabelError, match="none: has no video in it"):
        find_videos([tmp_path / "none"])
    with pytest.raises(LabelError, match="no such file or folder"):
        find_videos([tmp_path / "nowhere"])


def test_names_are_unique_whatever_the_case() -> None:
    paths = [Path(p) for p in ("/a/v.mp4", "/b/v.mp4", "/b/V.mkv", "/c/x.mp4", "/c/a_v.mp4")]
    names = name_videos(paths, taken=("x",))
    assert list(names.values()) == ["a_v", "b_v", "b_V_2", "c_x", "c_a_v"]


def test_the_index_is_kept_and_made_anew_when_the_video_changed(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    dataset = read_dataset(root)
    video = dataset.videos["late"]
    index = video_index(dataset, video)
    np.testing.assert_allclose(index.seconds * 1000, LATE_TICKS)
    kept = root / "cache" / "index" / "late.npz"
    assert kept.exists()
    make_video(video.path, 7, fps=10)
    assert video_index(dataset, video).num_frames == 7
    kept.write_bytes(b"rubbish")
    assert video_index(dataset, video).num_frames == 7


def test_labels_are_read_in_order(tmp_path: Path) -> None:
    root = make_dataset(
        tmp_path,
        actions="v1,20,30,turn screw\nv1,0,10,take\n",
        hands="v1,5,,,0.5,0.25\nlate,3,0.1,0.2,,\nv1,4,,,,\n",
    )
    dataset = read_dataset(root)
    assert dataset.actions["v1"] == [Segment(0, 10, "take"), Segment(20, 30, "turn screw")]
    assert dataset.actions["late"] == []
    assert dataset.hands[["video", "frame"]].values.tolist() == [["late", 3], ["v1", 4], ["v1", 5]]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ("v1,0,10,grab\n", "actions.csv:2: unknown class 'grab'"),
        ("v9,0,10,take\n", "actions.csv:2: no video 'v9' in videos.csv"),
        ("v1,0,10,take\n\nv1,30,41,take\n", "actions.csv:4: end_frame 41 is beyond the end"),
        ("v1,0,10,take\nv1,9,12,take\n", "actions.csv:3: 'take' .* overlaps 'take' .* in row 2"),
        ("v1,-1,10,take\n", "actions.csv:2: start_frame -1 is negative"),
        ("v1,10,10,take\n", "actions.csv:2: end_frame 10 is not after start_frame 10"),
        ("v1,ten,10,take\n", "actions.csv:2: start_frame is not a whole number: 'ten'"),
        ("v1,0,1.5,take\n", "actions.csv:2: end_frame is not a whole number: '1.5'"),
        ("v1,0,10,\n", "actions.csv:2: action is empty"),
        ("v1,0,10,take,9\n", "actions.csv:2: has 5 cells where the header has 4"),
    ],
)
def test_bad_actions_are_named_by_file_and_row(tmp_path: Path, actions: str, message: str) -> None:
    root = make_dataset(tmp_path, actions=actions)
    with pytest.raises(LabelError, match=message):
        read_dataset(root)


@pytest.mark.parametrize(
    ("hands", "message"),
    [
        ("v1,1,320,200,,\n", "hands.csv:2: left_x 320 looks like pixels"),
        ("v1,1,,,0.5,1.2\n", r"hands.csv:2: right_y 1\.2 is outside 0\.\.1"),
        ("v1,1,0.5,,,\n", "hands.csv:2: only one of left_x and left_y is there"),
        ("v1,-3,,,,\n", "hands.csv:2: frame -3 is negative"),
        ("v1,40,,,,\n", "hands.csv:2: frame 40 is beyond the end of video 'v1'.* 40 frames"),
        ("v1,1,,,,\nv1,1,,,,\n", "hands.csv:3: frame 1 of video 'v1' stands in row 2 already"),
        ("v1,1,a,0.5,,\n", "hands.csv:2: left_x is not a number: 'a'"),
        ("v9,1,,,,\n", "hands.csv:2: no video 'v9' in videos.csv"),
    ],
)
def test_bad_hands_are_named_by_file_and_row(tmp_path: Path, hands: str, message: str) -> None:
    root = make_dataset(tmp_path, hands=hands)
    with pytest.raises(LabelError, match=message):
        read_dataset(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("v1,", "late,", "videos.csv:[34]: video 'late' stands in row [23] already"),
        (",train,", ",dev,", "videos.csv:2: unknown split 'dev'"),
        ("videos/v1.mp4", "videos/v7.mp4", "videos.csv:3: no file .*v7.mp4"),
        (",20,40,", ",,40,", "videos.csv:3: fps is not above 0: ''"),
        (",20,40,", ",20,x,", "videos.csv:3: frames is not a whole number: 'x'"),
        ("v1,", "a/b,", "videos.csv:3: video 'a/b' is not a name"),
        ("width,", "breadth,", "videos.csv: has no column width"),
    ],
)
def test_bad_videos_are_named_by_row(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = make_dataset(tmp_path)
    path = root / "videos.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LabelError, match=message):
        read_dataset(root)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('classes = ["background", "take", "take"]', "class 'take' is there twice"),
        ('classes = ["take"]', "background 'background' is not one of the classes"),
        ('classes = "take"', "classes is not a list of strings"),
        ('clases = ["take"]', "unknown key 'clases'"),
        ("classes = [", "dataset.toml:?[0-9]*: is not TOML"),
    ],
)
def test_a_bad_settings_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    root = make_dataset(tmp_path)
    (root / "dataset.toml").write_text(text)
    with pytest.raises(LabelError, match=message):
        read_dataset(root)


def test_overlaps_are_resolved_when_asked_for(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,30,take\nv1,10,20,turn screw\n")
    assert read_dataset(root, overlap="first").actions["v1"] == [Segment(0, 30, "take")]
    assert read_dataset(root, overlap="last").actions["v1"] == [
        Segment(0, 10, "take"),
        Segment(10, 20, "turn screw"),
        Segment(20, 30, "take"),
    ]


def test_what_is_no_dataset_folder_is_said_with_a_hint(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "not a dataset"), (tmp_path / "none", "no such folder")):
        with pytest.raises(LabelError, match=message) as caught:
            read_dataset(path)
        assert "handact init" in (caught.value.hint or "")


def test_in_split_names_the_table_when_it_is_empty(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path))
    assert len(dataset.in_split("train")) == 3
    with pytest.raises(LabelError, match=r"videos\.csv: no video is in the split 'val'") as caught:
        dataset.in_split("val")
    assert "handact split" in (caught.value.hint or "")


def test_splits_are_written_and_all_else_stays(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    before = (root / "videos.csv").read_text()
    dataset = read_dataset(root)
    groups = {"v1": "a", "v2.cam": "a", "late": "b"}
    after = assign_splits(dataset, groups, (0.7, 0.0, 0.3), seed=1)
    assert after.videos["late"].split == "test"
    assert read_dataset(root).videos == after.videos
    write_splits(after, dict.fromkeys(after.videos, "train"))
    assert (root / "videos.csv").read_text() == before
    with pytest.raises(LabelError, match="2 groups cannot fill the splits train, val, test"):
        assign_splits(dataset, groups, (0.4, 0.3, 0.3))


def test_each_video_is_tested_on_in_one_fold_and_groups_stay_together(tmp_path: Path) -> None:
    groups = {f"v{i}": f"g{i % 11}" for i in range(40)}
    folds = fold_groups(groups, 3, seed=0)
    assert sorted(Counter(folds.values()).values()) == [12, 14, 14]
    assert all(len({folds[v] for v in groups if groups[v] == g}) == 1 for g in groups.values())
    assert folds != fold_groups(groups, 3, seed=1)
    with pytest.raises(ValueError, match="11 groups cannot fill 12 folds"):
        fold_groups(groups, 12, seed=0)

    dataset = read_dataset(make_dataset(tmp_path))
    groups = {"v1": "a", "v2.cam": "a", "late": "b"}
    tested = [assign_folds(dataset, groups, (i, 2)).videos["late"].split for i in range(2)]
    assert tested == ["train", "test"]
    for fold, val in (((0, 1), 0.0), ((0, 2), 1.0)):
        with pytest.raises(LabelError, match="leaves nothing to train on"):
            assign_folds(dataset, groups, fold, val)


def test_groups_are_read_from_a_table(tmp_path: Path) -> None:
    dataset = read_dataset(make_dataset(tmp_path))
    table = tmp_path / "groups.csv"
    table.write_text("file,Place\nv1.mp4,1\nvideos/v2.cam.mp4,1\nlate,2\nelsewhere.mp4,3\n")
    assert read_groups(table, "place", dataset) == {"v1": "1", "v2.cam": "1", "late": "2"}
    table.write_text("file,place\nv1.mp4,1\nv1.mp4,2\n")
    with pytest.raises(LabelError, match=r"groups\.csv:3: 'v1' is in group '1' already"):
        read_groups(table, "place", dataset)
    table.write_text("file,place\nv1.mp4,1\n")
    with pytest.raises(LabelError, match=r"has no row for video '.*' and 1 others"):
        read_groups(table, "place", dataset)


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=3, max_size=12),
    test=st.floats(0.05, 0.5),
    seed=st.integers(0, 9),
)
def test_groups_stay_together_and_no_subset_comes_closer(
    sizes: list[int], test: float, seed: int
) -> None:
    groups = {f"{g}-{i}": str(g) for g, size in enumerate(sizes) for i in range(size)}
    splits = split_groups(groups, (1 - test, 0.0, test), seed)
    assert splits == split_groups(groups, (1 - test, 0.0, test), seed)
    assert all(splits[a] == splits[f"{groups[a]}-0"] for a in groups)
    sums = {0}
    for size in sizes:
        sums |= {s + size for s in sums}
    target = test * len(groups)
    best = min(abs(s - target) for s in sums - {0, sum(sizes)})
    assert abs(Counter(splits.values())["test"] - target) == pytest.approx(best)


def test_splits_without_groups_differ_by_seed() -> None:
    groups = {str(i): str(i) for i in range(50)}
    splits = [split_groups(groups, (0.7, 0.1, 0.2), seed) for seed in range(2)]
    assert [Counter(s.values()) for s in splits] == [{"train": 35, "test": 10, "val": 5}] * 2
    assert splits[0] != splits[1]
    with pytest.raises(ValueError, match="add up to 1"):
        split_groups(groups, (0.7, 0.1, 0.1), 0)


def test_frames_are_split_by_the_fractions() -> None:
    splits = split_frames(6450, (4531 / 6450, 0.0, 1919 / 6450), 0)
    assert Counter(splits.tolist()) == {"train": 4531, "test": 1919}
    assert (splits == split_frames(6450, (4531 / 6450, 0.0, 1919 / 6450), 0)).all()
    assert len(split_frames(0, (0.8, 0.1, 0.1), 0)) == 0
