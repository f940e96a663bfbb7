"""Hands of YOLO and DeepLabCut."""

import builtins
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from folders import VIDEOS, make_dataset
from labels import hand_rows, write_file

from handact.dataset import Dataset, export_hands, hand_export, plan_hands, read_dataset
from handact.dataset.importing import import_hands
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.loading import load_yaml
from handact.formats.marks import HandOptions
from handact.labels import HAND_COLUMNS

SAMPLES = Path(__file__).parent / "samples"
FIRST_0 = HandOptions(first_frame=0)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _yolo(folder: Path, settings: str | None = "names: [left, right]\n", **labels: str) -> Path:
    """Make a folder; a label file is given by its name, with `__` for `/`."""
    if settings is not None:
        write_file(folder / "data.yaml", settings)
    for name, text in labels.items():
        write_file(folder / "labels" / f"{name.replace('__', '/')}.txt", text)
    return folder


# --------------------------------------------------------------------------------------------- YOLO


def test_yolo_poses_of_the_sample(dataset: Dataset) -> None:
    assert guess_format(SAMPLES / "yolo", "hands") == "yolo"
    plan = plan_hands(dataset, SAMPLES / "yolo")  # frame 0 proves where counting begins
    assert hand_rows(plan.hands) == [
        ("v1", 3, 0.45, 0.55, 0.75, 0.25),
        ("v1", 4, None, None, None, None),
        ("v2.cam", 0, None, None, 0.25, 0.5),
    ]
    assert plan.labels.rows == 4
    assert [str(p) for p in plan.labels.dropped] == [
        f"{plan.labels.file}: labels/train/v1_000003.txt:3: not a hand: screw"
    ]
    assert plan.labels.units.startswith("fractions of the picture")


@pytest.mark.trap("yolo: an empty file is a picture without hands, a missing one says nothing")
def test_yolo_empty_files_and_missing_ones(dataset: Dataset, tmp_path: Path) -> None:
    folder = _yolo(tmp_path / "y", v1_000003="0 .5 .5 .1 .1\n1 .7 .5 .1 .1\n", v1_000004="")
    for name in ("v1_000003.jpg", "v1_000004.jpg", "v1_000005.JPG", "v1_000006.png"):
        write_file(folder / "images" / name, "")
    plan = plan_hands(dataset, folder, options=FIRST_0)
    assert hand_rows(plan.hands) == [("v1", 3, 0.5, 0.5, 0.7, 0.5), ("v1", 4, *[None] * 4)]
    assert "2 pictures without a file of labels count as not labelled" in plan.labels.notes


@pytest.mark.trap("yolo: lines of segmentation and of turned boxes look like poses")
@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ("names: [left, right]", 7),  # a triangle
        ("names: [left, right]", 9),  # a turned box
        ("names: [left, right]", 13),
        ("names: [left, right]\nkpt_shape: [1, 3]", 7),
        ("names: [left, right]\nkpt_shape: [21, 3]", 67),
    ],
)
def test_yolo_segmentation_is_refused(
    dataset: Dataset, tmp_path: Path, settings: str, columns: int
) -> None:
    line = " ".join(["0", *["0.5"] * (columns - 1)])
    with pytest.raises(LabelError, match=rf"v1_000003\.txt:1: has {columns} columns") as caught:
        plan_hands(dataset, _yolo(tmp_path / "y", settings, v1_000003=line), options=FIRST_0)
    assert "segmentation" in (caught.value.hint or "")


@pytest.mark.trap("yolo: classes are numbers, named by a list, a mapping, another file or nobody")
@pytest.mark.parametrize(
    "settings",
    [
        "names: ['right', 'left']",
        "names: [ right,\n   left ]  # two",
        "names:\n- right\n- left\nnc: 2",
        "names:\n  - 'right'\n  - left",
        "names:\n  0: right\n  1: left",
        "names:\n  '0': right\n  1: \"left\"\n",
        "names: {0: right, 1: left}",
        "train: ../train # [\nroboflow:\n  names: a-b\n  license: BY 4.0\nnames: [right, left,]\n",
        "\ufeff%YAML 1.2\n---\nnames: [right, left]\n",
    ],
)
def test_yolo_names_of_classes(dataset: Dataset, tmp_path: Path, settings: str) -> None:
    folder = _yolo(tmp_path / "y", settings, v1_000003="1 .25 .5 .1 .1\n")
    hands = plan_hands(dataset, folder, options=FIRST_0).hands
    assert hand_rows(hands) == [("v1", 3, 0.25, 0.5, None, None)]


def test_yolo_names_in_another_file_or_said(dataset: Dataset, tmp_path: Path) -> None:
    folder = _yolo(tmp_path / "y", None, v1_000003="1 .25 .5 .1 .1\n0 .5 .5 .1 .1\n")
    with pytest.raises(LabelError, match="not found among its labels: 1, 0"):
        plan_hands(dataset, folder, options=FIRST_0)
    wanted = [("v1", 3, 0.25, 0.5, 0.5, 0.5)]
    said = HandOptions(sides={"0": "right", "1": "left"}, first_frame=0)
    assert hand_rows(plan_hands(dataset, folder, options=said).hands) == wanted
    write_file(folder / "data.yaml", "names: [A, B]")
    assert hand_rows(plan_hands(dataset, folder, options=said).hands) == wanted
    (folder / "data.yaml").unlink()
    write_file(folder / "labels" / "classes.txt", "R\nL\n")
    assert hand_rows(plan_hands(dataset, folder, options=FIRST_0).hands) == wanted


def test_yolo_layouts_of_other_programs(dataset: Dataset, tmp_path: Path) -> None:
    line = "0 .25 .5 .1 .1\n"
    roboflow = tmp_path / "roboflow"
    write_file(roboflow / "data.yaml", "names: ['left', 'right']")
    write_file(roboflow / "README.dataset.txt", "hands")
    name = "v2.cam_000007_jpg.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.txt"
    write_file(roboflow / "valid" / "labels" / name, line)
    hands = plan_hands(dataset, roboflow / "data.yaml", options=FIRST_0).hands
    assert hand_rows(hands) == [("v2.cam", 7, 0.25, 0.5, None, None)]
    cvat = tmp_path / "cvat"
    write_file(cvat / "obj.names", "left\nright\n")
    write_file(cvat / "train.txt", "data/obj_train_data/frame_000000.PNG\n")
    write_file(cvat / "obj_train_data" / "frame_000002.txt", line)
    with pytest.raises(LabelError, match="no video 'obj_train_data/frame_'") as caught:
        plan_hands(dataset, cvat, format="yolo", options=FIRST_0)
    assert "--video" in (caught.value.hint or "")
    options = HandOptions(first_frame=0, video="late")
    hands = plan_hands(dataset, cvat, format="yolo", options=options).hands
    assert hand_rows(hands) == [("late", 2, 0.25, 0.5, None, None)]
    nested = _yolo(tmp_path / "nested", train__v1__000003=line)
    assert plan_hands(dataset, nested, options=FIRST_0).hands["video"].tolist() == ["v1"]


@pytest.mark.trap("yolo: CVAT with a frame step gives the labels to names that no picture has")
def test_yolo_of_cvat_with_a_frame_step(dataset: Dataset, tmp_path: Path) -> None:
    folder = _yolo(tmp_path / "y", v1_000001="", v1_000002="", v1_000005="0 .5 .5 .1 .1\n")
    for name in ("v1_000001.jpg", "v1_000002.jpg"):
        write_file(folder / "images" / name, "")
    with pytest.raises(LabelError, match=r"the files of all 2 pictures are empty.*v1_000005\.txt"):
        plan_hands(dataset, folder, options=FIRST_0)


@pytest.mark.trap("yolo: predictions end in a score")
def test_yolo_predictions(dataset: Dataset, tmp_path: Path) -> None:
    lines = "0 .25 .5 .1 .1 .9\n0 .6 .5 .1 .1 .3\n1 .75 .5 .1 .1 .5\n"
    plan = plan_hands(dataset, _yolo(tmp_path / "y", v1_000003=lines), options=FIRST_0)
    assert hand_rows(plan.hands) == [("v1", 3, 0.25, 0.5, 0.75, 0.5)]
    assert "labels/v1_000003.txt:2: the score 0.3 is below 0.5" in plan.labels.dropped[0].reason
    pose = "names: [left, right]\nkpt_shape: [2, 3]"
    lines = "0 .25 .5 .1 .1 .2 .4 .9 .4 .6 .2 .95\n"
    plan = plan_hands(dataset, _yolo(tmp_path / "p", pose, v1_000003=lines), options=FIRST_0)
    assert hand_rows(plan.hands) == [("v1", 3, 0.2, 0.4, None, None)]


@pytest.mark.trap("yolo: key points that are not there stand at (0, 0) or below")
def test_yolo_points_that_are_not_there(dataset: Dataset, tmp_path: Path) -> None:
    settings = "names: [left, right]\nkpt_shape: [2, 2]"
    lines = "0 .25 .5 .1 .1 .2 .4 0 0\n1 .75 .5 .1 .1 -1 -1 0 0\n"
    hands = plan_hands(dataset, _yolo(tmp_path / "y", settings, v1_000003=lines), options=FIRST_0)
    assert hand_rows(hands.hands) == [("v1", 3, 0.2, 0.4, 0.75, 0.5)]


@pytest.mark.parametrize(
    ("settings", "line", "message"),
    [
        ("names: [left, right]", "0 .5 .5 .1", "has 4 columns, not the 5 of a box"),
        ("names: [left, right]", "0 640 420 80 60", "640 is not a fraction of the picture"),
        ("names: [left, right]", "2 .5 .5 .1 .1", "the class 2 is not among the names"),
        ("names: [left, right]", "0.5 .5 .5 .1 .1", "the class is not a whole number: 0.5"),
        ("names: [left, right]", "0 .5 .5 .1 x", "a column is not a number: 'x'"),
        ("names: [left, right]", "0 .5 .5 -.1 .1", "width or height is below 0"),
        ("names: [left, right]", "0 .5 .5 .1 .1 7", "its last column is no score from 0 to 1: 7"),
        ("names: left", "", "names is neither a list nor a mapping of names: 'left'"),
        ("names: *hands", "", "is not YAML: has aliases, which are not read"),
        ("names: [left, [right]]", "", "names is neither a list nor a mapping of names"),
        ("names: [left", "", "is not YAML: while parsing a flow sequence"),
        ("names:\n  left\n", "", "names is neither a list nor a mapping of names: 'left'"),
        ("names: {a: left}", "", "names is not a whole number"),
        ("names: [a]\nkpt_shape: 21", "", "kpt_shape is not a list of two numbers"),
        ("names: [a]\nkpt_shape: [21, 4]", "", "kpt_shape is not \\[points, 2 or 3\\]"),
        ("names: [a]\nkpt_shape: [99999999, 3]", "", "kpt_shape is not a whole number from 0"),
    ],
)
def test_bad_yolo_folders_are_refused(
    dataset: Dataset, tmp_path: Path, settings: str, line: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, _yolo(tmp_path / "y", settings, v1_000003=line), options=FIRST_0)


def test_what_is_no_yolo_folder_is_said(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such folder"):
        plan_hands(dataset, tmp_path / "none", format="yolo")
    with pytest.raises(LabelError, match="is not a folder") as caught:
        plan_hands(dataset, write_file(tmp_path / "a.txt", "0 .5 .5 .1 .1"), format="yolo")
    assert "labels/" in (caught.value.hint or "")
    with pytest.raises(LabelError, match="no file"):
        plan_hands(dataset, _yolo(tmp_path / "y"))


def test_yaml_makes_texts_and_nothing_else(tmp_path: Path) -> None:
    text = (
        "path: !!python/object/apply:os.system [touch x]\nnames: [a, 1, yes]\nkpt_shape: {a: 1}\n"
    )
    assert load_yaml(write_file(tmp_path / "a.yaml", text)) == {
        "path": ["touch x"],
        "names": ["a", "1", "yes"],
        "kpt_shape": {"a": "1"},
    }
    for text, message in (
        ("names: [a", r"a\.yaml: is not YAML: while parsing"),
        ("[" * 5000, r"a\.yaml: is not YAML"),
        ("- a\n", r"a\.yaml: does not hold names and values"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", r"a\.yaml: is not YAML: has aliases"),
        ("a" * 1_000_001, r"a\.yaml: is too long for a file of settings"),
    ):
        with pytest.raises(LabelError, match=message):
            load_yaml(write_file(tmp_path / "a.yaml", text))


def _random_hands(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for video, frames in VIDEOS.items():
        for frame in sorted(rng.choice(frames, 6, replace=False).tolist()):
            values = rng.random(4).round(int(rng.integers(1, 7)))
            values[:2][rng.random(2) < 0.1] = rng.choice([0.0, 1.0])
            for side in (0, 2):
                if rng.random() < 0.3:
                    values[side : side + 2] = np.nan
            rows.append((video, frame, *values))
    return pd.DataFrame(rows, columns=list(HAND_COLUMNS))


@pytest.mark.parametrize("format", ["yolo", "coco"])
@pytest.mark.parametrize("seed", range(8))
def test_written_hands_are_read_back_as_the_same_labels(
    dataset: Dataset, tmp_path: Path, format: str, seed: int
) -> None:
    cells = [",".join(map(str, row)) for row in _random_hands(seed).itertuples(index=False)]
    header = ",".join(HAND_COLUMNS) + "\n"
    table = write_file(tmp_path / "h.csv", header + "\n".join(cells).replace("nan", "") + "\n")
    import_hands(dataset, plan_hands(dataset, table))
    labelled = read_dataset(dataset.root)
    files = export_hands(hand_export(labelled), format)
    for name, text in files.items():
        write_file(tmp_path / "out" / name, text)
    only = tmp_path / "out" / next(iter(files)) if len(files) == 1 else tmp_path / "out"
    plan = plan_hands(labelled, only)
    assert (plan.same, plan.present) == (("late", "v1", "v2.cam"), ())
    assert hand_rows(plan.hands) == hand_rows(labelled.hands)


@pytest.mark.trap("yolo: a box at the edge stays in the picture and keeps its centre")
def test_written_boxes_stay_inside(dataset: Dataset, tmp_path: Path) -> None:
    row = "v1,3,0.01,0.5,1,0.99\n"
    dataset = read_dataset(make_dataset(tmp_path / "other", hands=row))
    files = export_hands(hand_export(dataset), "yolo")
    assert files[f"labels/{dataset.videos['v1'].split}/v1_000003.txt"] == (
        "0 0.01 0.5 0.02 0.1 0.01 0.5 2\n1 1 0.99 0 0.02 1 0.99 2\n"
    )
    settings = load_yaml(write_file(tmp_path / "d.yaml", files["data.yaml"]))
    assert {key: settings[key] for key in ("names", "kpt_shape", "first_frame")} == {
        "names": {"0": "left_hand", "1": "right_hand"},
        "kpt_shape": ["1", "3"],
        "first_frame": "0",
    }


# --------------------------------------------------------------------------------------- DeepLabCut

DLC = SAMPLES / "deeplabcut"
TRACKS = "DLC_resnet50_lineMay1shuffle1_{}"


@pytest.mark.trap("deeplabcut: blank positions are not labelled, blank rows say nothing")
def test_deeplabcut_labels(dataset: Dataset) -> None:
    path = DLC / "CollectedData_anna.csv"
    assert guess_format(path, "hands") == "deeplabcut"
    plan = plan_hands(dataset, path)
    assert hand_rows(plan.hands) == [
        ("v1", 3, 85 / 160, 0.5, 0.75, 0.75),
        ("v1", 7, 0.253125, round(24.25 / 96, 6), None, None),
        ("v1", 12, *[None] * 4),
    ]
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (6, "nothing is labelled in 'labeled-data/v1/img09.png'")
    ]
    assert plan.labels.rows == 4
    assert "body parts that are none of a hand, left out: nose" in plan.labels.notes
    assert "labels: left_wrist = left, left_index = left, right_hand = right" in plan.labels.notes


@pytest.mark.trap("deeplabcut: h5 is read without pandas, PyTables or unpickling")
def test_deeplabcut_h5_says_the_same(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = plan_hands(dataset, DLC / "CollectedData_anna.csv").hands
    imported = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        assert name != "tables"
        return imported(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(pickle, "loads", None)
    path = DLC / "CollectedData_anna.h5"
    assert guess_format(path, "hands") == "deeplabcut"
    assert hand_rows(plan_hands(dataset, path).hands) == hand_rows(wanted)


@pytest.mark.trap("deeplabcut: of tracks, what is unlikely is not visible")
def test_deeplabcut_tracks(dataset: Dataset) -> None:
    path = DLC / f"v2.cam{TRACKS.format(100000)}.h5"
    assert hand_rows(plan_hands(dataset, path).hands) == [
        ("v2.cam", 0, 0.1, 0.5, None, None),
        ("v2.cam", 1, 0.125, round(50 / 96, 6), round(125 / 160, 6), round(70 / 96, 6)),
        ("v2.cam", 2, *[None] * 4),
    ]
    sure = plan_hands(dataset, path, options=HandOptions(score=0.95)).hands
    assert sure["left_x"].isna().tolist() == [False, True, True]
    unsure = plan_hands(dataset, path, options=HandOptions(score=0)).hands
    assert unsure.notna().all(axis=None)


@pytest.mark.trap("deeplabcut: with individuals there is a fourth line")
def test_deeplabcut_individuals(dataset: Dataset, tmp_path: Path) -> None:
    path = DLC / f"late{TRACKS.format(200000)}_filtered.csv"
    hands = plan_hands(dataset, path).hands
    assert hands["video"].unique().tolist() == ["late"]
    assert hand_rows(hands)[:2] == [
        ("late", 0, 0.1, 0.5, None, None),
        ("late", 1, 0.125, round(50 / 96, 6), round(125 / 160, 6), round(70 / 96, 6)),
    ]
    # Of a second person in the picture, a left hand makes two.
    text = path.read_text().replace("\n1,20.0,50.0,0.9,125.0,70.0,0.8,,,", "\n1,2,5,1,7,7,1,9,9,1")
    plan = plan_hands(dataset, write_file(tmp_path / path.name, text))
    assert plan.hands["frame"].tolist() == [0, 2]
    assert "a second left hand, so frame 1 is left out" in plan.labels.dropped[0].reason
    # Individuals may be the hands.
    text = "scorer,a,a,a,a\nindividuals,left,left,right,right\nbodyparts,wrist,wrist,wrist,wrist\n"
    text += "coords,x,y,x,y\nlabeled-data/v1/img1.png,16,48,32,48\n"
    hands = plan_hands(dataset, write_file(tmp_path / "CollectedData_a.csv", text)).hands
    assert hand_rows(hands) == [("v1", 1, 0.1, 0.5, 0.2, 0.5)]


@pytest.mark.trap("deeplabcut: the index is a path in one column or three, or of Windows")
@pytest.mark.parametrize(
    ("index", "blanks"),
    [
        ("labeled-data/v1/img03.png", ""),
        ("labeled-data,v1,img03.png", ",,"),
        ("labeled-data\\v1\\img03.png", ""),
        ("C:\\dlc\\labeled-data\\v1\\img03.png", ""),
    ],
)
def test_deeplabcut_index(dataset: Dataset, tmp_path: Path, index: str, blanks: str) -> None:
    text = (
        f"scorer,{blanks}a,a,a,a\nbodyparts,{blanks}L,L,R,R\ncoords,{blanks}x,y,x,y\n"
        f"{index},16,48,,\n"
    )
    for changed in (text, text.replace(",", ";"), text.replace("\n", "\r\n")):
        path = write_file(tmp_path / "CollectedData_a.csv", changed)
        hands = plan_hands(dataset, path).hands
        assert hand_rows(hands) == [("v1", 3, 0.1, 0.5, None, None)]


@pytest.mark.trap("deeplabcut: frames count from 0 in names and in tracks")
def test_deeplabcut_counts_from_0(dataset: Dataset, tmp_path: Path) -> None:
    header = "scorer,a,a,a,a\nbodyparts,left_hand,left_hand,right_hand,right_hand\ncoords,x,y,x,y\n"
    path = write_file(
        tmp_path / "CollectedData_a.csv", header + "labeled-data/v1/img39.png,1,1,2,2\n"
    )
    assert plan_hands(dataset, path).hands["frame"].tolist() == [39]
    path.write_text(header + "labeled-data/v1/img40.png,1,1,2,2\n")
    with pytest.raises(LabelError, match="has no frame 40"):
        plan_hands(dataset, path)
    path = write_file(tmp_path / "v1a.csv", header + "0,1,1,2,2\n1,1,1,2,2\n")
    assert plan_hands(dataset, path).hands["frame"].tolist() == [0, 1]


def test_deeplabcut_body_parts_can_be_said(dataset: Dataset, tmp_path: Path) -> None:
    text = (
        "scorer,a,a,a,a,a,a\nbodyparts,A,A,left_elbow,left_elbow,B,B\ncoords,x,y,x,y,x,y\n"
        "labeled-data/v1/img3.png,16,48,80,48,32,48\n"
    )
    path = write_file(tmp_path / "CollectedData_a.csv", text)
    with pytest.raises(LabelError, match="not found among its labels: A, left_elbow, B"):
        plan_hands(dataset, path)
    plan = plan_hands(dataset, path, options=HandOptions(sides={"A": "left", "B": "right"}))
    assert hand_rows(plan.hands) == [("v1", 3, 0.1, 0.5, 0.2, 0.5)]
    plan = plan_hands(dataset, path, options=HandOptions(sides={"B": "right"}))
    assert hand_rows(plan.hands) == [("v1", 3, None, None, 0.2, 0.5)]
    assert "no label is a left hand, so it is absent in all pictures" in plan.labels.notes


def test_a_folder_of_deeplabcut_is_read_video_by_video(dataset: Dataset, tmp_path: Path) -> None:
    text = (DLC / "CollectedData_anna.csv").read_text()
    for video in ("v1", "late"):
        changed = text.replace("data,v1,", f"data,{video},")
        write_file(tmp_path / "labeled-data" / video / "CollectedData_anna.csv", changed)
    assert guess_format(tmp_path / "labeled-data", "hands") == "deeplabcut"
    hands = plan_hands(dataset, tmp_path / "labeled-data").hands
    assert hands["video"].tolist() == ["late"] * 3 + ["v1"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "does not begin with the lines scorer, bodyparts, coords"),
        ("scorer,a\ncoords,x\n0,1\n", "does not begin with the lines"),
        ("", "does not begin with the lines"),
        ("scorer,a,b\nbodyparts,L,L\ncoords,x,y\n0,1,1\n", "has 2 scorers: a, b"),
        ("scorer,a,a\nbodyparts,L,L\ncoords,x,z\n0,1,1\n", "does not expect the column 'L z'"),
        ("scorer,a,a\nbodyparts,L,L\ncoords,x,x\n0,1,1\n", "does not expect the column 'L x'"),
        ("scorer,a\nbodyparts,L\ncoords,x\n0,1\n", "the body part 'L' has no column x or y"),
        ("scorer,a,a\nbodyparts,L,L\ncoords,x,y\n0,1,q\n", ":4: y is not a number: 'q'"),
        ("scorer,a,a\nbodyparts,L,L\ncoords,x,y\n0,1,1,1\n", ":4: has 4 cells where"),
    ],
)
def test_bad_tables_of_deeplabcut_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, write_file(tmp_path / "v1.csv", text), format="deeplabcut")


class _Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("harm",)


def _table_h5(path: Path, names: object) -> Path:
    """Make a file in the layout "table" with pickled names of columns."""
    records = np.zeros(1, [("index", "<i8"), ("values_block_0", "<f8", (2,))])
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        table = group.create_dataset("table", data=records)
        data = names if isinstance(names, bytes) else pickle.dumps(names, 0)
        table.attrs["values_block_0_kind"] = np.bytes_(data)
    return path


@pytest.mark.trap("deeplabcut: no pickle in an h5 file makes anything but words")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (_Harmful(), "hold a pickled GLOBAL"),
        ([("a", "L", _Harmful()), ("a", "L", "y")], "hold a pickled GLOBAL"),
        (b"cos\nsystem\n(S'x'\ntR.", "hold a pickled GLOBAL"),
        (b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.", "but only 1 remain"),
        (b"(lp999999999999\n.", "hold a pickled PUT"),
        (b"]r\xff\xff\xff\x7f.", "hold a pickled LONG_BINPUT"),
        (b"(l", "cannot be read|damaged"),
        (b"g5\n.", "damaged"),
        ("word", "the names of columns are no list"),
        ([("a", "L", 1), ("a", "L", "y")], "the names of columns are no words"),
        ([("a", "L", "x")], "damaged"),
    ],
)
def test_pickles_in_h5_do_no_harm(
    dataset: Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    names: object,
    message: str,
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, _table_h5(tmp_path / "v1.h5", names))
    assert capsys.readouterr().out == ""


def test_tables_in_h5_are_read(dataset: Dataset, tmp_path: Path) -> None:
    names = [("v1", "left_hand", "x"), ("v1", "left_hand", "y")]
    sides = HandOptions(sides={"left_hand": "left"})
    plan = plan_hands(dataset, _table_h5(tmp_path / "v1.h5", names), options=sides, format="auto")
    assert hand_rows(plan.hands) == [("v1", 0, 0.0, 0.0, None, None)]


def test_h5_that_leads_elsewhere_or_nowhere_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    names = [("a", "left_hand", "x"), ("a", "left_hand", "y")]
    other = _table_h5(tmp_path / "other.h5", names)
    path = tmp_path / "v1.h5"
    with h5py.File(path, "w") as file:
        file["df_with_missing"] = h5py.ExternalLink(str(other), "/df_with_missing")
    with pytest.raises(LabelError, match="is not there, or a link to elsewhere"):
        plan_hands(dataset, path)
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = "frame_table"
        kind = np.dtype([("index", "<i8")])
        group.create_dataset("table", (4,), kind, external=[("/etc/passwd", 0, 32)])
    with pytest.raises(LabelError, match="table lies in another file"):
        plan_hands(dataset, path)
    with h5py.File(path, "w") as file:
        group = file.create_group("df")
        group.attrs["pandas_type"] = "frame_table"
        group.create_dataset("table", (10**9,), np.dtype([("index", "<i8")]), chunks=(1000,))
    with pytest.raises(LabelError, match="fits into memory"):
        plan_hands(dataset, path)
    with h5py.File(path, "w") as file:
        file.create_group("a").attrs["pandas_type"] = "series"
    with pytest.raises(LabelError, match="holds a 'series' of pandas"):
        plan_hands(dataset, path)
    with h5py.File(path, "w") as file:
        file.create_group("a")
    with pytest.raises(LabelError, match="holds 0 tables of pandas"):
        plan_hands(dataset, path)
    path.write_bytes((DLC / "CollectedData_anna.h5").read_bytes()[:5000])
    with pytest.raises(LabelError, match="is damaged"):
        plan_hands(dataset, path)


def test_h5_needs_h5py(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(LabelError, match="h5py is not installed") as caught:
        plan_hands(dataset, DLC / "CollectedData_anna.h5")
    assert "handact[h5]" in (caught.value.hint or "")
