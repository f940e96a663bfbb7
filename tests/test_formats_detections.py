"""Hands of MediaPipe, of the 100DOH detector, of COCO and of tables."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folders import LATE_TICKS, make_dataset
from labels import hand_rows, write_file

from handact.dataset import Dataset, plan_hands, read_dataset
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.marks import HandOptions
from handact.formats.outgoing import image_name
from handact.formats.videos import Video

SAMPLES = Path(__file__).parent / "samples"
FIRST_0 = HandOptions(first_frame=0)
TASKS = {"Left": "left", "Right": "right"}
SOLUTIONS = {"Left": "right", "Right": "left"}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


# ---------------------------------------------------------------------------------------- MediaPipe


def _points(x: float, y: float) -> list[tuple[float, float, float]]:
    """Return 21 landmarks; those of the palm lie around (x, y), fingers reach far to one side."""
    palm = {0: (0, 0.04), 5: (-0.02, -0.01), 9: (-0.01, -0.01), 13: (0.01, -0.01)}
    palm[17] = (0.02, -0.01)
    shifts = [palm.get(i, (-0.2, 0.1)) for i in range(21)]
    return [(x + dx, y + dy, 5.0) for dx, dy in shifts]


def _cells(x: float, y: float) -> str:
    return ",".join(f"{v:.6f}" for point in _points(x, y) for v in point)


XYZ = ",".join(f"{axis}{i}" for i in range(21) for axis in "xyz")


@pytest.mark.trap("mediapipe: which hand is called Left depends on how it was run")
def test_mediapipe_asks_which_hand_is_which(dataset: Dataset) -> None:
    path = SAMPLES / "mediapipe" / "v1.csv"
    assert guess_format(path, "hands") == "mediapipe"
    with pytest.raises(LabelError, match="depends on how MediaPipe was run") as caught:
        plan_hands(dataset, path)
    hint = caught.value.hint or ""
    assert '--map "Left=left,Right=right"` for the Tasks API' in hint
    assert '--map "Left=right,Right=left"` for the old Solutions API' in hint


@pytest.mark.trap("mediapipe: the old Solutions API swaps hands of a video that is not mirrored")
@pytest.mark.parametrize(("sides", "left"), [(TASKS, 0.25), (SOLUTIONS, 0.75)])
def test_mediapipe_hands_are_taken_as_said(
    dataset: Dataset, sides: Mapping[str, str], left: float
) -> None:
    plan = plan_hands(dataset, SAMPLES / "mediapipe" / "v1.csv", options=HandOptions(sides=sides))
    assert hand_rows(plan.hands)[0] == ("v1", 0, left, 0.5, 1 - left, 0.5)


@pytest.mark.trap("mediapipe: two hands of a frame may both be Left")
def test_mediapipe_scores_and_two_left_hands(dataset: Dataset) -> None:
    options = HandOptions(sides=TASKS)
    plan = plan_hands(dataset, SAMPLES / "mediapipe" / "v1.csv", options=options)
    assert hand_rows(plan.hands)[1:] == [("v1", 1, None, None, 0.7, 0.55)]
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [
        (4, "the score 0.41 is below 0.5"),
        (7, "a second left hand, so frame 2 is left out"),
    ]
    assert plan.labels.units.startswith("fractions of the picture; the mean of the landmarks 0, 5")


@pytest.mark.trap("mediapipe: a hand that is not there is filled with zeros")
def test_mediapipe_rows_of_both_hands(dataset: Dataset) -> None:
    path = SAMPLES / "mediapipe" / "late.csv"
    assert guess_format(path, "hands") == "mediapipe"
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS)).hands
    assert hand_rows(hands) == [
        ("late", 0, 0.25, 0.5, None, None),
        ("late", 1, None, None, 0.75, 0.5),
        ("late", 19, 0.25, 0.5, 0.75, 0.5),
    ]


FINGERS = ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
NAMES = ["WRIST", *(f"THUMB_{joint}" for joint in ("CMC", "MCP", "IP", "TIP"))]
NAMES += [f"{finger}_{joint}" for finger in FINGERS for joint in ("MCP", "PIP", "DIP", "TIP")]


@pytest.mark.trap("mediapipe: columns are called in many ways")
@pytest.mark.parametrize(
    "column",
    [
        "{axis}{i}", "{axis}_{i}", "{i}_{axis}", "{axis}{one}", "landmark_{i}_{axis}",
        "hand_landmark_{i}_{axis}", "lm{i}_{axis}", "{name}_{axis}", "{AXIS}_{name}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", ["", "left_{}", "Left_{}", "{}_left", "left_hand_{}"])
def test_mediapipe_columns(dataset: Dataset, tmp_path: Path, column: str, side: str) -> None:
    names = [
        (side or "{}").format(column.format(axis=a, AXIS=a.upper(), i=i, one=i + 1, name=NAMES[i]))
        for i in range(21)
        for a in "xyz"
    ]
    header, first = ("frame,pose_x0", "0,9") if side else ("frame,handedness,nx0", "0,Left,9")
    text = f"{header},{','.join(names)}\n{first},{_cells(0.25, 0.5)}\n"
    path = write_file(tmp_path / "v1.csv", text)
    assert guess_format(path, "hands") == "mediapipe"
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS)).hands
    assert hand_rows(hands) == [("v1", 0, 0.25, 0.5, None, None)]


@pytest.mark.parametrize("landmarks", ["number", "one", "name"])
def test_mediapipe_rows_of_landmarks(dataset: Dataset, tmp_path: Path, landmarks: str) -> None:
    lines = ["Frame,hand_id,Hand,Landmark,X,Y,Z"]
    for frame, hand, name, x in ((0, 0, "Left", 0.25), (0, 1, "Right", 0.75), (3, 0, "Left", 0.3)):
        for i, (px, py, pz) in enumerate(_points(x, 0.5)):
            label = {"number": i, "one": i + 1, "name": NAMES[i]}[landmarks]
            lines.append(f"{frame},{hand},{name},{label},{px:.6f},{py:.6f},{pz}")
    # A second one of the same name, without a number of its own.
    lines += [line for line in lines if line.startswith("3,")]
    path = write_file(tmp_path / "v1.csv", "\n".join(lines) + "\n")
    assert guess_format(path, "hands") == "mediapipe"
    plan = plan_hands(dataset, path, options=HandOptions(sides=TASKS))
    assert hand_rows(plan.hands) == [("v1", 0, 0.25, 0.5, 0.75, 0.5)]
    assert "a second left hand" in plan.labels.dropped[0].reason


def test_mediapipe_holistic_has_faces_as_well(dataset: Dataset, tmp_path: Path) -> None:
    lines = ["frame,row_id,type,landmark_index,x,y,z", "0,0-face-467,face,467,0.5,0.5,0"]
    lines += [f"0,0-left_hand-{i},left_hand,{i},,," for i in range(21)]
    lines += [f"0,x,right_hand,{i},{x},{y},0" for i, (x, y, _) in enumerate(_points(0.75, 0.5))]
    path = write_file(tmp_path / "v1.csv", "\n".join(lines) + "\n")
    with pytest.raises(LabelError, match="which hand is meant") as caught:
        plan_hands(dataset, path)
    assert '--map "left_hand=left,right_hand=right"' in (caught.value.hint or "")
    sides = {"left_hand": "left", "right_hand": "right"}
    hands = plan_hands(dataset, path, options=HandOptions(sides=sides)).hands
    assert hand_rows(hands) == [("v1", 0, None, None, 0.75, 0.5)]


@pytest.mark.trap("mediapipe: times are milliseconds")
def test_mediapipe_times(dataset: Dataset, tmp_path: Path) -> None:
    def plan(column: str, times: list[str]) -> list[int]:
        lines = [f"{column},handedness,{XYZ}", *(f"{t},Left,{_cells(0.25, 0.5)}" for t in times)]
        path = write_file(tmp_path / "late.csv", "\n".join(lines) + "\n")
        options = HandOptions(sides=TASKS)
        return plan_hands(dataset, path, options=options).hands["frame"].tolist()

    frames = [0, 3, 4, 7, 19]
    times = [LATE_TICKS[i] for i in frames]
    assert plan("timestamp_ms", [f"{t}" for t in times]) == frames
    assert plan("timestamp", [f"{t}" for t in times]) == frames
    assert plan("timestamp_ms", [f"{t - 0.9:.3f}".replace("-", "") for t in times]) == frames
    assert plan("time_s", [f"{t / 1000:.2f}" for t in times]) == frames
    with pytest.raises(LabelError, match="whether time is in seconds or in milliseconds") as caught:
        plan("time", ["0.5"])
    assert "timestamp_ms" in (caught.value.hint or "")
    with pytest.raises(LabelError, match=r"late\.csv:2: timestamp is that of a clock"):
        plan("timestamp", ["1705000000000"])
    with pytest.raises(LabelError, match="is not within video 'late'"):
        plan("timestamp", ["9000"])


@pytest.mark.trap("mediapipe: frames count from 0 or from 1")
def test_mediapipe_first_frame(dataset: Dataset, tmp_path: Path) -> None:
    def text(*frames: str) -> str:
        lines = [f"video,frame_id,hand,{XYZ}"]
        return "\n".join([*lines, *(f"v1.mp4,{f},Left,{_cells(0.25, 0.5)}" for f in frames)]) + "\n"

    path = write_file(tmp_path / "landmarks.csv", text("1", "2"))
    with pytest.raises(LabelError, match="whether frames count from 0 or from 1"):
        plan_hands(dataset, path, options=HandOptions(sides=TASKS))
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS, first_frame=1)).hands
    assert hands["frame"].tolist() == [0, 1]
    path.write_text(text("1", "40"))
    assert plan_hands(dataset, path, options=HandOptions(sides=TASKS)).hands["frame"].max() == 39
    path.write_text(text("v1_000007.jpg", "v1_000008.jpg"))
    options = HandOptions(sides=TASKS, first_frame=0)
    assert plan_hands(dataset, path, options=options).hands["frame"].tolist() == [7, 8]


@pytest.mark.trap("mediapipe: landmarks may lie outside of the picture, and z is no position")
def test_mediapipe_outside(dataset: Dataset, tmp_path: Path) -> None:
    path = write_file(tmp_path / "v1.csv", f"frame,hand,{XYZ}\n0,Left,{_cells(0.05, 0.99)}\n")
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS)).hands
    assert hand_rows(hands) == [("v1", 0, 0.05, 0.99, None, None)]
    path.write_text(f"frame,hand,{XYZ}\n0,Left,{_cells(0.5, 1.1)}\n")
    with pytest.raises(LabelError, match="is outside the picture"):
        plan_hands(dataset, path, options=HandOptions(sides=TASKS))


@pytest.mark.trap("mediapipe: world landmarks and those relative to the wrist are no positions")
def test_mediapipe_other_landmarks(dataset: Dataset, tmp_path: Path) -> None:
    path = write_file(tmp_path / "v1.csv", f"frame,hand,{XYZ}\n0,Left,{_cells(0, 0)}\n")
    with pytest.raises(LabelError, match="world landmarks") as caught:
        plan_hands(dataset, path, options=HandOptions(sides=TASKS))
    assert "hand_world_landmarks" in (caught.value.hint or "")
    cells = ",".join(["0,0,0", *[".3,.2,0"] * 20])
    path.write_text(f"frame,hand,{XYZ}\n0,Left,{cells}\n")
    with pytest.raises(LabelError, match="relative to the wrist"):
        plan_hands(dataset, path, options=HandOptions(sides=TASKS))


def test_mediapipe_pixels(dataset: Dataset, tmp_path: Path) -> None:
    cells = ",".join("40,24,0" for _ in range(21))
    path = write_file(tmp_path / "v1.csv", f"frame,hand,{XYZ}\n0,Left,{cells}\n")
    with pytest.raises(LabelError, match=r"v1\.csv:2: 40 looks like pixels") as caught:
        plan_hands(dataset, path, options=HandOptions(sides=TASKS))
    assert "--pixels" in (caught.value.hint or "")
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS, pixels=True)).hands
    assert hand_rows(hands) == [("v1", 0, 0.25, 0.25, None, None)]


@pytest.mark.trap("mediapipe: points of the palm that are missing are not averaged")
def test_mediapipe_empty_cells(dataset: Dataset, tmp_path: Path) -> None:
    cells = _cells(0.25, 0.5).split(",")
    cells[:2] = "", "nan"
    both = ",".join([""] * 63)
    text = f"frame,hand,{XYZ}\n0,Left,{','.join(cells)}\n1,Left,{both}\n"
    path = write_file(tmp_path / "v1.csv", text)
    hands = plan_hands(dataset, path, options=HandOptions(sides=TASKS)).hands
    assert hand_rows(hands) == [("v1", 0, 0.25, 0.49, None, None), ("v1", 1, *[None] * 4)]


def test_a_folder_of_mediapipe_is_read_video_by_video(dataset: Dataset) -> None:
    hands = plan_hands(
        dataset, SAMPLES / "mediapipe", format="mediapipe", options=HandOptions(sides=TASKS)
    ).hands
    assert hands["video"].value_counts().to_dict() == {"late": 3, "v1": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,hand,x,y\n0,Left,1,1\n", "has no columns of the landmarks 0, 5, 9, 13, 17"),
        ("frame,hand,landmark,x,y\n0,Left,22,1,1\n", ":2: is not one of the 21 landmarks: '22'"),
        ("frame,hand,landmark,x,y\n0,Left,heel,1,1\n", "not one of the 21 landmarks: 'heel'"),
        ("frame,landmark,x,y\n0,1,1,1\n", "has no column that says which hand"),
        (f"hand,{XYZ}\nLeft,{_cells(0.5, 0.5)}\n", "has no column of frames"),
        (f"frame,{XYZ}\n0,{_cells(0.5, 0.5)}\n", "has no column that says which hand"),
        (f"frame,hand,x_0,{XYZ}\n0,L,0,{_cells(0.5, 0.5)}\n", "x_0 and x0 are the same landmark"),
        (f"frame,hand,{XYZ}\n0.5,Left,{_cells(0.5, 0.5)}\n", ":2: the frame is not a whole number"),
        (f"frame,hand,{XYZ}\n0,A,{_cells(0.5, 0.5)}\n", "which hand is meant by A depends"),
    ],
)
def test_bad_tables_of_mediapipe_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, write_file(tmp_path / "v1.csv", text), format="mediapipe")


# ------------------------------------------------------------------------------------------- 100DOH

LEFT = [60, 38, 100, 58, 0.99, 3, 0.012, 0.6, -0.8, 0]
RIGHT = [110, 60, 130, 84, 0.91, 0, 0, 0, 0, 1]
UNSURE = [10, 10, 30, 30, 0.3, 0, 0, 0, 0, 1]
WANTED = ("v1", 3, 0.5, 0.5, 0.75, 0.75)


@pytest.mark.trap("100doh: a row is two corners, score, state, offset to the object, and side")
@pytest.mark.parametrize("name", ["detections.csv", "detections.json"])
def test_100doh_files(dataset: Dataset, name: str) -> None:
    path = SAMPLES / "100doh" / name
    assert guess_format(path, "hands") == "100doh"
    plan = plan_hands(dataset, path)  # frame 0 proves where counting begins
    assert hand_rows(plan.hands) == [("v1", 0, *[None] * 4), WANTED]
    assert "the score 0.3 is below 0.5" in plan.labels.dropped[0].reason
    sure = plan_hands(dataset, path, options=HandOptions(score=0.95)).hands
    assert hand_rows(sure)[1] == (*WANTED[:4], None, None)


@pytest.mark.parametrize(
    "data",
    [
        [{"image": "v1_000003.jpg", "hand_dets": [LEFT, RIGHT], "obj_dets": [UNSURE]}],
        {"file_name": "v1_000003.jpg", "hand_det": [LEFT, RIGHT], "obj_det": "none"},
        {"frames/v1/000003.jpg": {"hand_dets": [LEFT, RIGHT]}},
        {"v1_000003.jpg": [RIGHT, LEFT]},
    ],
)
def test_100doh_json(dataset: Dataset, tmp_path: Path, data: object) -> None:
    path = write_file(tmp_path / "a.json", json.dumps(data))
    assert guess_format(path, "hands") == "100doh"
    assert hand_rows(plan_hands(dataset, path, options=FIRST_0).hands) == [WANTED]


def test_100doh_folders(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "npy" / "v1").mkdir(parents=True)
    np.save(tmp_path / "npy" / "v1" / "000003.npy", np.array([LEFT, RIGHT], np.float32))
    np.save(tmp_path / "npy" / "v1" / "000004.npy", np.zeros((0, 10), np.float32))
    assert guess_format(tmp_path / "npy", "hands") == "100doh"
    hands = plan_hands(dataset, tmp_path / "npy", options=FIRST_0).hands
    assert hand_rows(hands) == [WANTED, ("v1", 4, *[None] * 4)]
    one = plan_hands(dataset, SAMPLES / "100doh" / "v1_000003.npy", options=FIRST_0).hands
    assert hand_rows(one) == [WANTED]
    folder = tmp_path / "json"
    write_file(
        folder / "v1_000003.json", json.dumps({"hand_det": [LEFT, RIGHT], "obj_det": "none"})
    )
    write_file(folder / "v1_000004.json", json.dumps({"hand_det": "none", "obj_det": "none"}))
    assert guess_format(folder, "hands") == "100doh"
    hands = plan_hands(dataset, folder, options=FIRST_0).hands
    assert hand_rows(hands) == [WANTED, ("v1", 4, *[None] * 4)]


@pytest.mark.parametrize(
    "text",
    [
        "v1_000003.jpg,{0}\nv1_000003.jpg,{1}\n",
        "v1,3,{0}\nv1,3,{1}\n",
        "Video,Frame,X1,Y1,X2,Y2,Score,State,Mag,dx,dy,Side\nv1,3,{0}\nv1,3,{1}\n",
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_100doh_tables(dataset: Dataset, tmp_path: Path, text: str, separator: str) -> None:
    rows = (",".join(map(str, row)) for row in (LEFT, RIGHT))
    text = text.format(*rows).replace(",", separator)
    text = text.replace("0.99", "0,99") if separator == ";" else text
    path = write_file(tmp_path / "a.csv", text)
    assert hand_rows(plan_hands(dataset, path, format="100doh", options=FIRST_0).hands) == [WANTED]


@pytest.mark.trap("100doh: boxes of EPIC-KITCHENS are fractions")
def test_100doh_fractions(dataset: Dataset, tmp_path: Path) -> None:
    row = [0.4, 0.4, 0.6, 0.6, 0.9, 0, 0, 0, 0, 0]
    path = write_file(tmp_path / "a.json", json.dumps({"v1_000003.jpg": [row]}))
    plan = plan_hands(dataset, path, options=FIRST_0)
    assert hand_rows(plan.hands) == [("v1", 3, 0.5, 0.5, None, None)]
    assert plan.labels.units == "fractions of the picture; centres of boxes"


@pytest.mark.trap("100doh: pickles of EPIC-KITCHENS are refused, not read")
def test_100doh_pickles(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "P01_01.pkl"
    path.write_bytes(pickle.dumps([1]))
    assert guess_format(path, "hands") == "100doh"
    with pytest.raises(LabelError, match="is a pickle, which can run any program") as caught:
        plan_hands(dataset, path)
    assert "count frames from 1" in (caught.value.hint or "")
    np.save(tmp_path / "v1_000003.npy", np.array(None, object), allow_pickle=True)
    with pytest.raises(LabelError, match=r"v1_000003\.npy: is no array of numbers") as caught:
        plan_hands(dataset, tmp_path / "v1_000003.npy")
    assert "(0, 10)" in (caught.value.hint or "")


def test_arrays_that_promise_more_than_there_is_are_refused(
    dataset: Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "v1_000003.npy"
    np.save(path, np.array([LEFT]))
    path.write_bytes(path.read_bytes().replace(b"(1, 10), ", b"(10**9,10)"))
    with pytest.raises(LabelError, match="is no array of numbers"):
        plan_hands(dataset, path)
    np.save(path, np.array([LEFT]))
    path.write_bytes(path.read_bytes().replace(b"(1, 10), }   ", b"(99999999,10)}"))
    with pytest.raises(LabelError, match="is no array of numbers"):
        plan_hands(dataset, path)
    np.save(path, np.zeros((2, 5)))
    with pytest.raises(LabelError, match="is not a list of 10 numbers"):
        plan_hands(dataset, path)
    np.save(path, np.zeros(10))
    with pytest.raises(LabelError, match=r"is no array of shape \(hands, 10\) but of \(10,\)"):
        plan_hands(dataset, path)


@pytest.mark.trap("100doh: two hands of one side leave the frame out")
def test_100doh_two_left_hands(dataset: Dataset, tmp_path: Path) -> None:
    data = {"v1_000003.jpg": [LEFT, [*RIGHT[:-1], 0]], "v1_000004.jpg": [RIGHT]}
    path = write_file(tmp_path / "a.json", json.dumps(data))
    assert plan_hands(dataset, path, options=FIRST_0).hands["frame"].tolist() == [4]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [LEFT[:9]]}, "image a, row 1: is not a list of 10 numbers"),
        ({"a": [[*LEFT[:9], 2]]}, "side is neither 0, left, nor 1, right: 2"),
        ({"a": [[*LEFT[:4], 7, *LEFT[5:]]]}, "score is not within 0..1: 7"),
        ({"a": [[60, 38, 40, 20, *LEFT[4:]]]}, r"\(40, 20\) is not below and right of \(60, 38\)"),
        ({"a": [["x", *LEFT[1:]]]}, "x1 is not a number: 'x'"),
        ({"a": 5}, "is not a list of detections"),
        ({"a": {}}, "has no list 'hand_dets'"),
        ([{"hand_dets": []}, {"hand_dets": []}], "entry 1: has no 'image'"),
        ([5], "entry 1: is not an object"),
        (5, "entry 1: is not an object"),
    ],
)
def test_bad_detections_are_refused(
    dataset: Dataset, tmp_path: Path, data: object, message: str
) -> None:
    path = write_file(tmp_path / "a.json", json.dumps(data))
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, path, format="100doh", options=FIRST_0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no columns x1,y1,x2,y2,score,side"),
        ("a,b,c\n", "has no columns x1,y1,x2,y2,score,side; its first line is: a,b,c"),
        ("x1,y1,x2,y2,score,side\n1,1,2,2,1,0\n", "has no column of pictures"),
        ("image,x1,y1,x2,y2,score,side\na,1,1,2,2,1,0,5\n", ":2: has 8 cells where others have 7"),
        ("image,x1,y1,x2,y2,score,side\na,1,,2,2,1,0\n", ":2: y1 is not a number: ''"),
    ],
)
def test_bad_tables_of_detections_are_refused(
    dataset: Dataset, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, write_file(tmp_path / "a.csv", text), format="100doh")


# --------------------------------------------------------------------------------------------- COCO


def _coco(path: Path, annotations: list[dict[str, Any]], **changes: Any) -> Path:
    data = {
        "images": [
            {"id": 7, "file_name": "v1_000003.jpg", "width": 320, "height": 192},
            {"id": 3, "file_name": "v1_000007.jpg", "width": 320, "height": 192},
        ],
        "categories": [{"id": 90, "name": "left_hand"}, {"id": 5, "name": "right_hand"}],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 90, **entry}
            for i, entry in enumerate(annotations)
        ],
    }
    return write_file(path, json.dumps(data | changes))


def _coco_rows(dataset: Dataset, path: Path) -> list[tuple[object, ...]]:
    return hand_rows(plan_hands(dataset, path, options=FIRST_0).hands)


@pytest.mark.trap("coco: a box is a corner and a size, v = 0 is no point at (0, 0)")
def test_coco_sample(dataset: Dataset) -> None:
    path = SAMPLES / "coco" / "hands.json"
    assert guess_format(path, "hands") == "coco"
    assert hand_rows(plan_hands(dataset, path).hands) == [("v1", 0, *[None] * 4), WANTED]


@pytest.mark.trap("coco: ids of images and categories are no numbers of frames and no order")
def test_coco_ids(dataset: Dataset, tmp_path: Path) -> None:
    annotations = [
        {"image_id": 3, "bbox": [0, 0, 64, 96]},
        {"image_id": 7, "category_id": 5, "bbox": [240, 96, 64, 96]},
    ]
    assert _coco_rows(dataset, _coco(tmp_path / "c.json", annotations)) == [
        ("v1", 3, None, None, 0.85, 0.75),
        ("v1", 7, 0.1, 0.25, None, None),
    ]


@pytest.mark.trap("coco: CVAT with a frame step numbers images and annotations differently")
def test_coco_of_cvat_with_a_frame_step(dataset: Dataset, tmp_path: Path) -> None:
    annotations = [{"image_id": 7, "bbox": [0, 0, 9, 9]}, {"image_id": 35, "bbox": [0, 0, 9, 9]}]
    path = _coco(tmp_path / "c.json", annotations)
    with pytest.raises(LabelError, match="annotation 1: is of an image 35 that is not there"):
        plan_hands(dataset, path, options=FIRST_0)


@pytest.mark.trap("coco: some programs write corners in place of sizes")
def test_coco_corners(dataset: Dataset, tmp_path: Path) -> None:
    corners = [{"bbox": [10, 10, 50, 40]}, {"category_id": 5, "bbox": [180, 70, 300, 140]}]
    path = _coco(tmp_path / "c.json", corners)
    with pytest.raises(LabelError, match="annotation 1: .* looks like two corners") as caught:
        plan_hands(dataset, path, options=FIRST_0)
    assert "[x, y, width, height]" in (caught.value.hint or "")
    # One that is wider than high in the other corner cannot be of corners.
    sizes = [{"bbox": [10, 10, 50, 40]}, {"category_id": 5, "bbox": [250, 100, 120, 60]}]
    assert _coco_rows(dataset, _coco(path, sizes)) == [
        ("v1", 3, round(35 / 320, 6), 0.15625, 0.96875, round(130 / 192, 6)),
        ("v1", 7, *[None] * 4),
    ]


@pytest.mark.trap("coco: of a crowd, nobody says where the hand is")
def test_coco_crowds(dataset: Dataset, tmp_path: Path) -> None:
    crowd = {"iscrowd": 1, "bbox": [0, 0, 9, 9], "segmentation": {"counts": [9], "size": [3, 3]}}
    path = _coco(tmp_path / "c.json", [crowd, {"category_id": 5, "bbox": [240, 96, 64, 96]}])
    plan = plan_hands(dataset, path, options=FIRST_0)
    assert hand_rows(plan.hands) == [("v1", 7, *[None] * 4)]
    assert "annotation 0, a crowd: a left hand without a position" in plan.labels.dropped[0].reason
    path = _coco(path, [crowd, {"bbox": [240, 96, 64, 96]}])
    plan = plan_hands(dataset, path, options=FIRST_0)
    assert hand_rows(plan.hands)[0] == ("v1", 3, 0.85, 0.75, None, None)
    assert plan.labels.dropped[0].reason == "annotation 0: is a crowd"


@pytest.mark.trap("coco: a hand without box and points leaves the frame out")
@pytest.mark.parametrize("entry", [{}, {"bbox": [0, 0, 0, 0]}, {"keypoints": [0, 0, 0]}])
def test_coco_hands_without_a_place(dataset: Dataset, tmp_path: Path, entry: dict) -> None:
    plan = plan_hands(dataset, _coco(tmp_path / "c.json", [entry]), options=FIRST_0)
    assert plan.hands["frame"].tolist() == [7]
    assert "a left hand without a position" in plan.labels.dropped[0].reason


def _person(**hands: Any) -> dict[str, Any]:
    none = {"box": [0, 0, 0, 0], "valid": False, "kpts": [0.0] * 63}
    parts = {hand: none | hands.get(hand, {}) for hand in ("lefthand", "righthand")}
    flat = {f"{hand}_{key}": value for hand, part in parts.items() for key, value in part.items()}
    return {"category_id": 1, "bbox": [10, 10, 300, 180], "keypoints": [9, 9, 2] * 17, **flat}


PERSON = {"categories": [{"id": 1, "name": "person"}]}
PALM = [c for x, y, _ in _points(0.25, 0.5) for c in (x * 320, y * 192, 0.9)]


@pytest.mark.trap("coco-wholebody: hands that are not valid are filled with zeros")
def test_coco_wholebody_sample(dataset: Dataset) -> None:
    plan = plan_hands(dataset, SAMPLES / "coco" / "wholebody.json")
    assert hand_rows(plan.hands) == [("v1", 0, 0.25, 0.5, None, None)]
    assert plan.labels.format == "COCO-WholeBody"


@pytest.mark.trap("coco-wholebody: v is a score, boxes are a corner and a size")
def test_coco_wholebody_points(dataset: Dataset, tmp_path: Path) -> None:
    wrist_unseen = [*PALM]
    wrist_unseen[:3] = 0, 0, 0
    box = {"valid": True, "box": [240, 96, 64, 96]}
    person = _person(lefthand={"valid": True, "kpts": wrist_unseen}, righthand=box)
    path = _coco(tmp_path / "c.json", [person], **PERSON)
    assert _coco_rows(dataset, path)[0] == ("v1", 3, 0.25, 0.49, 0.85, 0.75)


def test_coco_wholebody_without_the_flag(dataset: Dataset, tmp_path: Path) -> None:
    person = _person(lefthand={"kpts": PALM})
    del person["lefthand_valid"], person["righthand_valid"]
    path = _coco(tmp_path / "c.json", [person], **PERSON)
    assert _coco_rows(dataset, path)[0] == ("v1", 3, 0.25, 0.5, None, None)


@pytest.mark.trap("coco-wholebody: two persons have two left hands")
def test_coco_wholebody_two_persons(dataset: Dataset, tmp_path: Path) -> None:
    person = _person(lefthand={"valid": True, "kpts": PALM})
    plan = plan_hands(
        dataset, _coco(tmp_path / "c.json", [person, person], **PERSON), options=FIRST_0
    )
    assert plan.hands["frame"].tolist() == [7]
    assert "a second left hand, so frame 3 is left out" in plan.labels.dropped[0].reason


# ------------------------------------------------------------------------------------------- tables


def _table(path: Path, text: str) -> Path:
    return write_file(path, text)


@pytest.mark.trap("csv: sides are left, L, Left_hand, or numbers that mean what is said")
def test_table_sides(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,frame,side,x,y\nv1,3,{},0.25,0.5\nv1,3,{},0.75,0.5\n"
    wanted = [("v1", 3, 0.25, 0.5, 0.75, 0.5)]
    for names in (("left", "right"), ("L", "R"), ("Left_hand", "RIGHT HAND"), ("l", "r")):
        path = _table(tmp_path / "h.csv", text.format(*names))
        assert guess_format(path, "hands") == "csv"
        assert hand_rows(plan_hands(dataset, path).hands) == wanted
    path = _table(tmp_path / "h.csv", text.format(0, 1))
    with pytest.raises(LabelError, match="side is neither left nor right: '0'") as caught:
        plan_hands(dataset, path)
    assert '--map "0=left,1=right"' in (caught.value.hint or "")
    sides = HandOptions(sides={"0": "left", "1": "right"})
    assert hand_rows(plan_hands(dataset, path, options=sides).hands) == wanted
    swapped = HandOptions(sides={"0": "right", "1": "left"})
    assert plan_hands(dataset, path, options=swapped).hands["left_x"].tolist() == [0.75]


@pytest.mark.trap("csv: a position is a point, or a box of two corners")
@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("x,y", "40,48"), ("cx,cy", "40,48"), ("x1,y1,x2,y2", "30,40,50,56"),
        ("xmin,ymin,xmax,ymax", "30,40,50,56"),
    ],
)  # fmt: skip
def test_table_positions(dataset: Dataset, tmp_path: Path, header: str, cells: str) -> None:
    path = _table(tmp_path / "h.csv", f"video,frame,side,{header}\nv1,0,left,{cells}\n")
    hands = plan_hands(dataset, path, options=HandOptions(pixels=True)).hands
    assert hand_rows(hands) == [("v1", 0, 0.25, 0.5, None, None)]


@pytest.mark.trap("csv: x, y beside a size may be a corner")
@pytest.mark.parametrize("sizes", ["w,h", "width,height"])
def test_table_corners_or_centres(dataset: Dataset, tmp_path: Path, sizes: str) -> None:
    text = f"video,frame,side,x,y,{sizes}\nv1,3,left,40,48,20,16\n"
    with pytest.raises(LabelError, match="may be the corner of a box or its centre") as caught:
        plan_hands(dataset, _table(tmp_path / "h.csv", text), options=HandOptions(pixels=True))
    assert "cx, cy" in (caught.value.hint or "")
    text = "video,frame,side,x1,y1,x2,y2\nv1,3,left,40,48,20,16\n"
    with pytest.raises(LabelError, match=r":2: x2 or y2 is before x1, y1"):
        plan_hands(dataset, _table(tmp_path / "h.csv", text), options=HandOptions(pixels=True))


@pytest.mark.trap("csv: pixels and fractions are told apart")
def test_table_units(dataset: Dataset, tmp_path: Path) -> None:
    text = "video,frame,side,cx,cy\nv1,0,left,{}\n"
    with pytest.raises(LabelError, match="looks like pixels"):
        plan_hands(dataset, _table(tmp_path / "h.csv", text.format("40,48")))
    with pytest.raises(LabelError, match="these are fractions, not pixels"):
        plan_hands(
            dataset, _table(tmp_path / "h.csv", text.format("0.5,0.5")),
            options=HandOptions(pixels=True),
        )  # fmt: skip


@pytest.mark.trap("csv: our frames count from 0, those of other tables must prove it")
def test_table_first_frame(dataset: Dataset, tmp_path: Path) -> None:
    ours = "video,frame,side,x,y\nv1,{},left,0.5,0.5\n"
    path = _table(tmp_path / "h.csv", ours.format(3))
    assert plan_hands(dataset, path).hands["frame"].tolist() == [3]
    with pytest.raises(LabelError, match="video 'v1' has no frame 40") as caught:
        plan_hands(dataset, _table(path, ours.format(40)))
    assert "--first-frame 1" in (caught.value.hint or "")
    theirs = "video,frame,side,cx,cy\nv1,{},left,0.5,0.5\n"
    with pytest.raises(LabelError, match="whether frames count from 0 or from 1"):
        plan_hands(dataset, _table(path, theirs.format(3)))
    assert plan_hands(dataset, path, options=FIRST_0).hands["frame"].tolist() == [3]
    assert plan_hands(dataset, _table(path, theirs.format(40))).hands["frame"].tolist() == [39]


@pytest.mark.trap("csv: decimal commas, semicolons and byte order marks of spreadsheets")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_table_of_a_spreadsheet(dataset: Dataset, tmp_path: Path, encoding: str) -> None:
    text = "Video;Frame;Side;Present;X;Y;größe\r\nv1;3;left;1;0,25;0,5;\r\nv1;3;right;0;;;\r\n"
    path = tmp_path / "h.csv"
    path.write_bytes(text.encode(encoding))
    assert hand_rows(plan_hands(dataset, path).hands) == [("v1", 3, 0.25, 0.5, None, None)]


# ------------------------------------------------------------------------------- names of pictures


@pytest.mark.trap("hands: names of pictures end in the number of the frame, whatever is before it")
@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("{}_000003.jpg", "v1"),
        ("{}/000003.jpg", "v1"),
        ("{}.mp4/frame_000003.png", "v1"),
        ("C:\\data\\{}\\img3.png", "v1"),
        ("/data/upload/1/0a1b2c3d-{}_000003.jpg", "v1"),
        ("{}_000003_jpg.rf.0a1b2c3d4e5f.jpg", "v1"),
        ("{}.000003", "v1"),
        ("{}_000003", "v2.cam"),
        ("{}_000003.jpg", "v2.cam"),
        ("{}/000003.JPG", "v2.cam"),
    ],
)
def test_names_of_pictures(dataset: Dataset, tmp_path: Path, name: str, video: str) -> None:
    images = [{"id": 7, "file_name": name.format(video), "width": 320, "height": 192}]
    path = _coco(tmp_path / "c.json", [{"bbox": [0, 0, 64, 96]}], images=images)
    assert _coco_rows(dataset, path) == [(video, 3, 0.1, 0.25, None, None)]


@pytest.mark.trap("hands: videos may have names that look like a part of a picture's name")
@pytest.mark.parametrize(
    "video", ["key_frame", "img", "frame", "take_2", "2024-11", "v1_", "a.b.1", "v1.mp4", "x 1"]
)
def test_written_names_are_found_again(tmp_path: Path, video: str) -> None:
    from handact.formats.hands import coco
    from handact.formats.to_hands import place_marks

    others = [video, "key", "take", "v1", "a.b", "2024", "x"]
    videos = {
        name: Video(name, Path(f"/videos/{i}.mkv"), "train", 25.0, 50, 320, 192)
        for i, name in enumerate(dict.fromkeys(others))
    }
    images = [{"id": 7, "file_name": image_name(video, 3), "width": 320, "height": 192}]
    path = _coco(tmp_path / "c.json", [{"bbox": [0, 0, 64, 96]}], images=images)
    labels = place_marks(coco.read(path, FIRST_0), videos, lambda name: None, FIRST_0)
    assert hand_rows(labels.hands) == [(video, 3, 0.1, 0.25, None, None)]


@pytest.mark.parametrize("name", ["_" * 100_000 + "x", "a/" * 100_000, "-" * 50_000 + "7"])
def test_hostile_names_of_pictures_cost_no_time(
    dataset: Dataset, tmp_path: Path, name: str
) -> None:
    images = [{"id": 7, "file_name": name}]
    path = _coco(tmp_path / "c.json", [{"bbox": [0, 0, 64, 96]}], images=images)
    with pytest.raises(LabelError, match="no video|no number"):
        plan_hands(dataset, path, options=FIRST_0)
