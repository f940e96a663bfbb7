"""VIA: segments and regions of VIA 3, regions of VIA 2."""

import json
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

import pytest
from folders import LATE_TICKS, make_dataset

from handact.dataset import Dataset, plan_actions, plan_hands, read_dataset
from handact.errors import LabelError
from handact.formats.actions import via
from handact.formats.guess import guess_format
from handact.formats.hands import via as regions
from handact.formats.intervals import ActionOptions
from handact.formats.marks import HandOptions
from handact.formats.reading import VideoNames
from handact.formats.videos import Video
from handact.labels import Segment

SAMPLES = Path(__file__).parent / "samples" / "via"
SEGMENTS = {
    "v1": [Segment(4, 16, "take"), Segment(16, 28, "turn screw")],
    "v2.cam": [Segment(0, 30, "turn screw")],
}
STEP = {"aname": "step", "anchor_id": "FILE1_Z2_XY0", "type": 4}
STEPS = STEP | {"options": {"default": "Default", "0": "take", "1": "turn screw"}}
SIDE = {"aname": "side", "anchor_id": "FILE1_Z1_XY1", "type": 3}
SIDES = SIDE | {"options": {"0": "left", "1": "right"}}


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _entry(
    z: Sequence[float], av: dict[str, str], xy: Sequence[float] = (), vid: str = "1"
) -> dict:
    return {"vid": vid, "flg": 0, "z": list(z), "xy": list(xy), "av": av}


def _project(
    folder: Path, entries: Sequence[dict], *attributes: dict, files: Sequence[str] = ("v1.mp4",)
) -> Path:
    """Write a project with one view a file, and one for all of them together."""
    numbers = [str(i) for i in range(1, len(files) + 1)]
    data = {
        "project": {"pid": "__VIA_PROJECT_ID__", "vid_list": numbers},
        "attribute": {str(i): attribute for i, attribute in enumerate(attributes, 1)},
        "file": {i: {"fid": i, "fname": name} for i, name in zip(numbers, files, strict=True)},
        "view": {i: {"fid_list": [i]} for i in numbers} | {"all": {"fid_list": numbers}},
        "metadata": {f"m{i}": entry for i, entry in enumerate(entries, 1)},
    }
    path = folder / "project.json"
    path.write_text(json.dumps(data))
    return path


def _reasons(path: Path, options: ActionOptions | None = None) -> list[tuple[int | None, str]]:
    return via.read(path, options or ActionOptions()).dropped


# ------------------------------------------------------------------------------------------ actions


def test_the_looks_of_via_are_known(tmp_path: Path) -> None:
    folder = _project(tmp_path, [], STEPS).parent
    assert guess_format(folder, "actions") == guess_format(folder, "hands") == "via"
    for name in ("project.json", "export.csv", "segments.csv"):
        assert guess_format(SAMPLES / name, "actions") == "via"
    for name in ("project.json", "export.csv", "images.json", "images.csv"):
        assert guess_format(SAMPLES / name, "hands") == "via"


@pytest.mark.parametrize("name", ["project.json", "export.csv"])
def test_segments_of_a_project_and_of_its_export_are_the_same(dataset: Dataset, name: str) -> None:
    plan = plan_actions(dataset, SAMPLES / name)
    assert plan.actions == SEGMENTS
    assert plan.labels.classes == ["take", "turn screw"]
    assert plan.labels.rows == 9
    assert len(plan.labels.dropped) == 6
    assert "time stamps" in plan.labels.units


@pytest.mark.trap("via: the header of both exports is a comment")
def test_headers_in_comments(dataset: Dataset, tmp_path: Path) -> None:
    options = ActionOptions(column="step")
    for name in ("export.csv", "segments.csv"):
        text = (SAMPLES / name).read_text()
        above, _, header = text.partition("# CSV_HEADER = ")
        line = header.partition("\n")[0]
        bare = header if name == "segments.csv" else above + header
        spreadsheet = text.replace(line, f"{line},,,")
        for changed in (text, text + "\n", text.replace("\n", "\r\n"), bare, spreadsheet):
            path = tmp_path / name
            path.write_bytes(changed.encode())
            found = plan_actions(dataset, path, options=options).actions
            assert [s.start_frame for s in found["v1"]] == [4, 16]
    path.write_text("# CSV_HEADER = a,b\n1,2\n")
    with pytest.raises(LabelError, match="is no export of VIA 3: it names no columns metadata_id"):
        plan_actions(dataset, path, format="via")
    path.write_text(text.rpartition(",")[0])
    with pytest.raises(LabelError, match=r"segments\.csv:11: has 4 cells where the header has 5"):
        plan_actions(dataset, path)


@pytest.mark.trap("via: the export of segments has ids of options without their names")
def test_ids_without_names_are_noted(dataset: Dataset) -> None:
    plan = plan_actions(dataset, SAMPLES / "segments.csv")
    assert plan.new_classes == ("0", "1")
    assert "perhaps the ids of options" in plan.labels.notes[0]
    assert "of a still frame" in plan.labels.dropped[1].reason


@pytest.mark.trap("via: two times are a segment, one a still frame, none the whole file")
def test_numbers_of_times(dataset: Dataset, tmp_path: Path) -> None:
    late = [tick / 1000 for tick in LATE_TICKS]
    entries = [
        _entry([0.26, 0.4], {"1": "0"}),
        _entry([late[4], late[7]], {"1": "1"}, vid="2"),
        _entry([], {"1": "0"}, vid="3"),
        _entry([0.5], {"1": "0"}),
        _entry([0, 1, 2], {"1": "0"}),
        _entry([0.5, 1], {"1": "0"}, [2, 1, 1, 5, 5]),
    ]
    files = ("v1.mp4", "late.mkv", "v2.cam.mp4")
    path = _project(tmp_path, entries, STEPS, files=files)
    plan = plan_actions(dataset, path)
    # 0.26 s is shown in the frame that begins at 0.25 s, and further from it than tools round.
    assert plan.actions == {
        "v1": [Segment(5, 8, "take")],
        "late": [Segment(4, 7, "turn screw")],
        "v2.cam": [Segment(0, 30, "take")],
    }
    assert _reasons(path) == [
        (4, "m4: is of a still frame, not of a segment"),
        (5, "m5: has 3 times"),
        (6, "m6: marks a place in the picture, not a time"),
    ]
    plan = plan_actions(dataset, path, options=ActionOptions(offset=-0.1))
    assert plan.actions["v2.cam"] == [Segment(0, 30, "take")]


@pytest.mark.trap("via: choices hold ids of options, texts hold themselves")
def test_values_by_the_kind_of_attribute(tmp_path: Path) -> None:
    several = STEPS | {"type": 2}
    text = STEPS | {"type": 1}
    for attribute, value, labels in (
        (STEPS, "1", ["turn screw"]),
        (STEPS | {"type": "3"}, "0", ["take"]),
        (STEPS, "take", ["take"]),
        (STEPS, "default", ["Default"]),
        (several, "0,1", ["take", "turn screw"]),
        (several, "1", ["turn screw"]),
        (text, "1", ["1"]),
        (text, " two\nlines ", ["two lines"]),
    ):
        path = _project(tmp_path, [_entry([0, 1], {"1": value})], attribute)
        found = via.read(path, ActionOptions())
        assert [interval.label for interval in found.intervals] == labels
    for attribute, value, reason in (
        (STEPS, "7", "m1: step has no option '7'"),
        (several, "0,7", "m1: step has no option '0,7'"),
        (text, "_DEFAULT", "m1: has no value of a label"),
    ):
        path = _project(tmp_path, [_entry([0, 1], {"1": value})], attribute)
        assert _reasons(path) == [(1, reason)]


def test_several_actions_at_once_overlap(dataset: Dataset, tmp_path: Path) -> None:
    path = _project(tmp_path, [_entry([0, 1], {"1": "0,1"})], STEPS | {"type": 2})
    with pytest.raises(LabelError, match="overlaps 'take'"):
        plan_actions(dataset, path)
    assert plan_actions(dataset, path, overlap="first").actions == {"v1": [Segment(0, 20, "take")]}


@pytest.mark.trap("via: segments have several attributes")
def test_the_attribute_of_the_actions_is_said(dataset: Dataset, tmp_path: Path) -> None:
    connection = {"aname": "connection", "anchor_id": "FILE1_Z2_XY0", "type": 1}
    entries = [_entry([0, 1], {"1": "0", "2": "a to b"}), _entry([1, 2], {"1": "", "2": "b to c"})]
    path = _project(tmp_path, entries, STEPS, connection)
    with pytest.raises(LabelError, match="have several attributes: step, connection") as caught:
        plan_actions(dataset, path)
    assert caught.value.hint == 'say which holds the actions: `--column "step"`'
    plan = plan_actions(dataset, path, options=ActionOptions(column="step"))
    assert plan.actions == {"v1": [Segment(0, 20, "take")]}
    assert [(p.row, p.reason) for p in plan.labels.dropped] == [(2, "m2: has no value of step")]
    plan = plan_actions(dataset, path, options=ActionOptions(column="connection"))
    assert plan.new_classes == ("a to b", "b to c")
    with pytest.raises(LabelError, match="has no attribute 'hand'") as caught:
        plan_actions(dataset, path, options=ActionOptions(column="hand"))
    assert caught.value.hint == "its attributes are: step, connection"


@pytest.mark.trap("via: full-width commas stand between numbers")
def test_full_width_commas_separate_nothing(dataset: Dataset, tmp_path: Path) -> None:
    numbers = STEP | {"type": 1, "options": {"0": "1，2，3，4"}}
    path = _project(
        tmp_path, [_entry([0, 1], {"1": "1，2\n"}), _entry([1, 2], {"1": "0"})], numbers
    )
    assert plan_actions(dataset, path).actions["v1"] == [
        Segment(0, 20, "1，2"),
        Segment(20, 40, "0"),
    ]
    choice = STEP | {"options": {"0": "take，put"}}
    path = _project(tmp_path, [_entry([0, 1], {"1": "0"})], choice)
    assert plan_actions(dataset, path).actions["v1"] == [Segment(0, 20, "take，put")]


@pytest.mark.trap("via: names of files are in other letters, or addresses")
def test_names_in_other_letters(tmp_path: Path) -> None:
    names = (
        "象印.mp4",
        "https://example.org/a/L%C3%B6sen.mp4",
        normalize("NFD", "Schraube lösen.mp4"),
    )
    entries = [_entry([0, 1], {"1": "0"}, vid=str(i)) for i in (1, 2, 3)]
    path = _project(tmp_path, entries, STEPS, files=names)
    known = VideoNames(
        {
            name: Video(name, Path(f"/v/{name}.mp4"), "train", 25.0, 100, 160, 96)
            for name in ("象印", "Lösen", "Schraube lösen")
        }
    )
    found = via.read(path, ActionOptions())
    assert [known.find(i.video) for i in found.intervals] == ["象印", "Lösen", "Schraube lösen"]
    for name in ("export.csv", "segments.csv"):
        found = via.read(SAMPLES / name, ActionOptions())
        assert known.find(found.intervals[-1].video) == "象印"


@pytest.mark.trap("via: metadata has duplicates, and entries of files that are gone")
def test_leftovers_are_named(tmp_path: Path) -> None:
    segment = _entry([0, 1], {"1": "0"})
    entries = [segment, segment, segment | {"vid": "9"}, segment | {"vid": "all"}]
    path = _project(tmp_path, entries, STEPS, files=("v1.mp4", "late.mkv"))
    assert _reasons(path) == [
        (2, "m2: is the same as m1"),
        (3, "m3: is of a file that is no longer listed"),
        (4, "m4: is of 2 files at once"),
    ]
    # Attributes that were removed are no reason to ask.
    path = _project(tmp_path, [_entry([0, 1], {"1": "0", "5": "x"})], STEPS)
    assert len(via.read(path, ActionOptions()).intervals) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "is no project of VIA 3: it has no object 'attribute'"),
        ({"_via_img_metadata": {}}, "is no project of VIA 3"),
        ({"file": []}, "is no project of VIA 3: it has no object 'file'"),
        ({"metadata": {"m": {"vid": "1"}}}, "metadata 1: has no 'z'"),
        ({"metadata": {"m": _entry(["x"], {})}}, "metadata 1: z is not a number: 'x'"),
        ({"metadata": {"m": []}}, "metadata 1: is not an object"),
        ({"attribute": {"1": {"aname": "a"}}}, "attribute 1: has no 'type'"),
        ({"file": {"1": {}}}, "file 1: has no name"),
        ({"view": {"1": {}}}, "view 1: has no 'fid_list'"),
    ],
)
def test_what_is_no_project_is_said(tmp_path: Path, data: dict, message: str) -> None:
    parts = ("attribute", "file", "view", "metadata")
    whole = {part: {} for part in parts} if data and set(data) <= set(parts) else {}
    path = tmp_path / "p.json"
    path.write_text(json.dumps(whole | data))
    with pytest.raises(LabelError, match=message):
        via.read(path, ActionOptions())


def test_a_comment_of_attributes_that_a_program_broke_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text((SAMPLES / "export.csv").read_text().replace('{"aname"', '"{""aname""'))
    with pytest.raises(LabelError, match=r"e\.csv: the comment ATTRIBUTE is not JSON"):
        via.read(path, ActionOptions())


# ------------------------------------------------------------------------------- regions of VIA 3


@pytest.mark.parametrize("name", ["project.json", "export.csv"])
def test_regions_of_still_frames_are_found_by_time(dataset: Dataset, name: str) -> None:
    plan = plan_hands(dataset, SAMPLES / name)
    # Left and right were marked 5 ms apart, in the same frame.
    assert plan.hands[["video", "frame"]].values.tolist() == [["v1", 11], ["v2.cam", 15]]
    assert plan.hands.iloc[0, 2:].tolist() == [24.5 / 160, 0.25, 0.75, 0.5]
    assert plan.hands.iloc[1, 4:].tolist() == [0.25, 0.5]
    assert plan.hands["left_x"].isna().tolist() == [False, True]
    assert "3 still frames, 2 frames, found by the time stamps of the videos" in plan.labels.notes


@pytest.mark.trap("via: a still frame of a video with a variable rate")
def test_still_frames_go_through_the_time_stamps(dataset: Dataset, tmp_path: Path) -> None:
    for i, tick in enumerate(LATE_TICKS):
        # Rounded to a hundredth of a second, as some tools do, or anywhere before the next frame.
        for moved in (-0.004, 0, 0.02):
            still = _entry([tick / 1000 + moved], {"1": "0"}, [1, 80, 48])
            path = _project(tmp_path, [still], SIDES, files=["late.mkv"])
            assert plan_hands(dataset, path).hands["frame"].tolist() == [i]
    still = _entry([1.95], {"1": "0"}, [1, 80, 48])
    path = _project(tmp_path, [still], SIDES, files=["late.mkv"])
    assert plan_hands(dataset, path).hands["frame"].tolist() == [19]
    options = HandOptions(offset=1.2)
    assert plan_hands(dataset, path, options=options).hands["frame"].tolist() == [10]
    still["z"] = [2.3]
    path = _project(tmp_path, [still], SIDES, files=["late.mkv"])
    with pytest.raises(LabelError, match=r"metadata m1: 2\.3 s is not within video 'late'"):
        plan_hands(dataset, path)


@pytest.mark.trap("via: rectangles without a width")
def test_slips_of_the_mouse_are_no_hands(dataset: Dataset, tmp_path: Path) -> None:
    box, slip, small = [2, 72, 38, 16, 20], [2, 30, 40, 0, 15.2], [2, 30, 40, 2.2, 2.2]
    entries = [
        _entry([0.1], {"1": "0"}, box),
        _entry([0.1], {}, slip),  # neither size nor label: nothing
        _entry([0.3], {}, slip),  # this frame says nothing of hands
        _entry([0.5], {"1": "0"}, slip),  # a left hand, somewhere
        _entry([0.7], {"1": "0"}, box),
        _entry([0.7], {}, small),  # perhaps the right hand
        _entry([0.9], {"1": "0"}, box),
        _entry([0.9], {"1": "1"}, box),
        _entry([0.9], {}, small),  # none of the hands
    ]
    plan = plan_hands(dataset, _project(tmp_path, entries, SIDES))
    assert plan.hands["frame"].tolist() == [2, 18]
    assert plan.hands.iloc[0, 2:4].tolist() == [0.5, 0.5]
    assert [p.reason for p in plan.labels.dropped] == [
        "metadata m2: has neither a size nor a label: a slip of the mouse",
        "metadata m3: has neither a size nor a label: a slip of the mouse",
        "metadata m4: a left hand without a position",
        "metadata m6: has no label and may be a hand, so frame 14 is left out",
        "metadata m9: has no label",
    ]


@pytest.mark.trap("via: attributes of segments are filled in for regions")
def test_actions_are_not_taken_for_sides(dataset: Dataset, tmp_path: Path) -> None:
    step = STEP | {"type": 1}
    entries = [
        _entry([0.1], {"1": "turn left", "2": "1"}, [1, 80, 48]),
        _entry([0.3], {"1": "turn left", "2": "0"}, [1, 40, 48]),
    ]
    hands = plan_hands(dataset, _project(tmp_path, entries, step, SIDES)).hands
    assert hands["right_x"].tolist()[0] == 0.5
    assert hands["left_x"].tolist()[1] == 0.25
    # Where there is no other, it is what people called the region.
    entries = [_entry([0.1], {"1": "left"}, [1, 80, 48]), _entry([0.1], {"1": "R"}, [1, 40, 48])]
    hands = plan_hands(dataset, _project(tmp_path, entries, step)).hands
    assert hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    ("xy", "centre"),
    [
        ([1, 40, 24], (0.25, 0.25)),
        ([2, 30, 14, 20, 20], (0.25, 0.25)),
        ([3, 40, 24, 9], (0.25, 0.25)),
        ([4, 40, 24, 9, 5], (0.25, 0.25)),
        ([5, 30, 14, 50, 34], (0.25, 0.25)),
        ([6, 30, 14, 50, 14, 35, 34], (0.25, 0.25)),
        ([7, 30, 14, 50, 14, 50, 34, 49, 33], (0.25, 0.25)),
        ([8, 30, 20, 40, 14, 50, 20, 40, 34], (0.25, 0.25)),
    ],
)
def test_centres_of_shapes(
    dataset: Dataset, tmp_path: Path, xy: list[float], centre: tuple[float, float]
) -> None:
    path = _project(tmp_path, [_entry([0.1], {"1": "0"}, xy)], SIDES)
    assert tuple(plan_hands(dataset, path).hands.iloc[0, 2:4]) == centre


def test_shapes_that_are_none_are_said(dataset: Dataset, tmp_path: Path) -> None:
    for xy in ([2, 1, 1, 5], [12, 1, 1], [6, 1, 1, 5], [1]):
        path = _project(tmp_path, [_entry([0.1], {"1": "0"}, xy)], SIDES)
        with pytest.raises(LabelError, match="metadata m1: xy is no shape that is known"):
            plan_hands(dataset, path)
    path = _project(tmp_path, [_entry([0.1], {"1": "0"}, [9, 1, 1, 5, 5, 9, 1])], SIDES)
    with pytest.raises(LabelError, match="a left hand without a position"):
        plan_hands(dataset, path)


def test_regions_of_longer_times_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    box = [2, 30, 14, 20, 20]
    entries = [
        _entry([0.1, 0.5], {"1": "0"}, box),
        _entry([], {"1": "0"}, box),
        _entry([0.1], {"1": "0"}, box),
        _entry([], {"1": "1"}, box, vid="2"),
    ]
    files = ["v1.mp4", "v1_000003.jpg", "v1_000004.jpg"]
    path = _project(tmp_path, entries, SIDES, files=files)
    found = regions.read(path, HandOptions())
    assert found.dropped == [
        (1, "m1: is a region of a segment, not of a frame"),
        (2, "m2: is a region of the whole video, not of a frame"),
    ]
    plan = plan_hands(dataset, path, options=HandOptions(first_frame=0))
    assert plan.hands["frame"].tolist() == [2, 3, 4]
    assert plan.hands["right_x"].isna().tolist() == [True, False, True]
    assert plan.labels.notes[0].startswith("pictures without a region: 1; it is taken")


# ------------------------------------------------------------------------------- regions of VIA 2


@pytest.mark.trap(
    "via: regions are a list, or in older files an object, and the project may be bare"
)
def test_regions_of_pictures(dataset: Dataset, tmp_path: Path) -> None:
    project = json.loads((SAMPLES / "images.json").read_text())
    bare = {name: dict(image) for name, image in project["_via_img_metadata"].items()}
    for image in bare.values():
        image["regions"] = {str(i): region for i, region in enumerate(image["regions"])}
    (tmp_path / "bare.json").write_text(json.dumps(bare))
    for path in (SAMPLES / "images.json", tmp_path / "bare.json"):
        options = (
            HandOptions()
            if path.name == "images.json"
            else HandOptions(sides={"l": "left", "r": "right"})
        )
        plan = plan_hands(dataset, path, options=options)
        assert plan.hands[["video", "frame"]].values.tolist() == [
            ["v1", 0],
            ["v1", 1],
            ["v2.cam", 3],
        ]
        assert plan.hands.iloc[0, 2:].tolist() == [0.4, 45 / 96, 0.2, 0.25]
        assert plan.hands.iloc[1, 2:].isna().all()
        assert plan.hands.iloc[2, 2:4].tolist() == [0.5, 0.5]
        assert plan.labels.notes[0].startswith("pictures without a region: 1; it is taken")


@pytest.mark.trap(
    "via: pictures without regions are rows of empty cells, the header may begin with #"
)
def test_the_table_of_pictures(dataset: Dataset, tmp_path: Path) -> None:
    text = (SAMPLES / "images.csv").read_text()
    path = tmp_path / "images.csv"
    expected = plan_hands(dataset, SAMPLES / "images.json").hands
    for changed in (text, f"#{text}", f"\ufeff{text}".replace("\n", "\r\n")):
        path.write_bytes(changed.encode())
        assert guess_format(path, "hands") == "via"
        plan = plan_hands(dataset, path)
        assert plan.hands.equals(expected)
    assert plan.labels.rows == 4
    path.write_text(text.replace('"{}","{}"', ","))
    assert plan_hands(dataset, path).hands.equals(expected)
    path.write_text(text.replace('"{""name"":""rect""', '"name=rect;'))
    with pytest.raises(LabelError, match=r"images\.csv:2: region_shape_attributes is not JSON"):
        plan_hands(dataset, path)


def test_values_of_choices_of_via_2(dataset: Dataset, tmp_path: Path) -> None:
    point = {"name": "point", "cx": 40, "cy": 24}
    for value, options in (
        ({"left": True, "right": False}, {"left": "", "right": ""}),
        ("1", {"1": "left hand", "2": "right hand"}),
        ("left", {}),
    ):
        other = {"name": "circle", "cx": 80, "cy": 48, "r": 5}
        image = {
            "filename": "v1_000000.jpg",
            "regions": [
                {"shape_attributes": point, "region_attributes": {"hand": value, "note": None}},
                {"shape_attributes": other, "region_attributes": {"hand": "right"}},
            ],
        }
        attributes = {"region": {"hand": {"type": "checkbox", "options": options}}}
        data = {"_via_img_metadata": {"k": image}, "_via_attributes": attributes}
        path = tmp_path / "v2.json"
        path.write_text(json.dumps(data))
        hands = plan_hands(dataset, path).hands
        assert hands.iloc[0, 2:].tolist() == [0.25, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"regions": []}, "picture 1: has no 'filename'"),
        ({"filename": "v1_0.jpg", "regions": [None]}, "region 0: is not an object"),
        ({"filename": "v1_0.jpg", "regions": [{}]}, "region 0: has no 'shape_attributes'"),
        (
            {"filename": "v1_0.jpg", "regions": [{"shape_attributes": {"name": "cube"}}]},
            "is of a kind that is not known: 'cube'",
        ),
        (
            {"filename": "v1_0.jpg", "regions": [{"shape_attributes": {"name": "point"}}]},
            "region 0: has no 'cx'",
        ),
    ],
)
def test_bad_regions_are_refused(
    dataset: Dataset, tmp_path: Path, image: dict, message: str
) -> None:
    path = tmp_path / "v2.json"
    path.write_text(json.dumps({"_via_img_metadata": {"k": image}}))
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, path)
