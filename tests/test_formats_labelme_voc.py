"""Hands that were marked with LabelMe, and in Pascal VOC."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from folders import make_dataset

from handact.dataset import Dataset, plan_hands, read_dataset
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.hands import labelme, voc
from handact.formats.marks import HandOptions

SAMPLES = Path(__file__).parent / "samples"
LEFT = ("left_hand", [[68, 58], [60, 42]])
RIGHT = ("right_hand", [[30, 20], [34, 28]])


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _labelme(path: Path, shapes: Sequence[tuple], **changes: object) -> Path:
    """Write a file of LabelMe of shapes: label, points, perhaps kind and group."""
    data = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [
            {"label": label, "points": points, "shape_type": kind, "group_id": group}
            for label, points, kind, group in (
                (*shape, *("rectangle", None)[len(shape) - 2 :]) for shape in shapes
            )
        ],
        "imagePath": "v1_000000.jpg",
        "imageData": None,
        "imageHeight": 96,
        "imageWidth": 160,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data | changes))
    return path


# ------------------------------------------------------------------------------------------ LabelMe


def test_a_folder_of_labelme(dataset: Dataset) -> None:
    folder = SAMPLES / "labelme"
    assert guess_format(folder, "hands") == "labelme"
    assert guess_format(folder / "v1" / "000000.json", "hands") == "labelme"
    plan = plan_hands(dataset, folder)
    assert plan.hands[["video", "frame"]].values.tolist() == [["v1", 0], ["v1", 1], ["v2.cam", 3]]
    assert plan.hands.iloc[0, 2:].tolist() == [65 / 160, 44.5 / 96, 105 / 160, 65 / 96]
    assert plan.hands.iloc[1, 2:].isna().all()
    assert plan.hands.iloc[2, 4:].tolist() == [156.75 / 160, 45 / 96]
    assert plan.labels.rows == 4
    one = plan_hands(dataset, folder / "v1" / "000000.json").hands
    assert one.values.tolist() == plan.hands.iloc[:1].values.tolist()


@pytest.mark.trap("labelme: a rectangle is any two opposite corners")
def test_corners_in_any_order(dataset: Dataset, tmp_path: Path) -> None:
    for corners in (
        [[60, 42], [68, 58]],
        [[68, 58], [60, 42]],
        [[60, 58], [68, 42]],
        [[68, 42], [60, 58]],
        [[60, 42], [68, 42], [68, 58], [60, 58]],
    ):
        path = _labelme(tmp_path / "a.json", [("left_hand", corners), RIGHT])
        assert plan_hands(dataset, path).hands.iloc[0, 2:4].tolist() == [64 / 160, 50 / 96]
    flat = ("left_hand", [[60, 42], [60, 58]])
    with pytest.raises(LabelError, match="shape 0: a left hand without a position"):
        plan_hands(dataset, _labelme(path, [flat, RIGHT]))


@pytest.mark.trap("labelme: group_id links points to boxes")
def test_groups(dataset: Dataset, tmp_path: Path) -> None:
    def point(label: str, x: float, y: float, group: int | None = 0) -> tuple:
        return (label, [[x, y]], "point", group)

    left, right = (("left_hand", LEFT[1], "rectangle", 0), ("right_hand", RIGHT[1], "rectangle", 1))
    person = ("person", [[0, 0], [160, 96]], "rectangle", 0)
    for shapes, expected in (
        # The points of a box are of its hand, and their mean counts.
        (
            [left, point("wrist", 40, 24), point("tip", 48, 24), right, point("wrist", 80, 48, 1)],
            [44, 24, 80, 48],
        ),
        # Points tell their side themselves, be the box what it may.
        ([person, point("left_wrist", 40, 24), point("right_wrist", 80, 48)], [40, 24, 80, 48]),
        # Two boxes in a group: of a person, perhaps; none is the points'.
        (
            [left, (*right[:3], 0), point("wrist", 1, 1)],
            [64, 50, 32, 24],
        ),
        # Points without a group.
        ([point("left", 40, 24, None), point("right", 80, 48, None)], [40, 24, 80, 48]),
    ):
        hands = plan_hands(dataset, _labelme(tmp_path / "a.json", shapes)).hands
        assert hands.iloc[0, 2:].tolist() == [
            value / size for value, size in zip(expected, (160, 96, 160, 96), strict=True)
        ]
    # Two points without a group are two hands.
    shapes = [point("left", 40, 24, None), point("left", 80, 48, None), right]
    with pytest.raises(LabelError, match="shape 1: a second left hand, so frame 0 is left out"):
        plan_hands(dataset, _labelme(tmp_path / "a.json", shapes))


@pytest.mark.trap("labelme: imagePath has backslashes and leaves the folder")
@pytest.mark.parametrize(
    ("file", "image", "expected"),
    [
        ("labels/a.json", "..\\pictures\\v1_000000.jpg", ("v1", 0)),
        (
            "labels/a.json",
            "..\\..\\..\\..\\..\\..\\..\\etc\\v2.cam\\frame_000000.jpg",
            ("v2.cam", 0),
        ),
        ("labels/a.json", "C:\\data\\late\\000000.png", ("late", 0)),
        ("late/a.json", "000000.png", ("late", 0)),
        ("late/a.json", "../v1/000000.png", ("v1", 0)),
        ("late/000000.json", None, ("late", 0)),
        ("late/v1_000000.json", None, ("v1", 0)),
    ],
)
def test_paths_of_pictures(
    dataset: Dataset, tmp_path: Path, file: str, image: str | None, expected: tuple[str, int]
) -> None:
    path = _labelme(tmp_path / "given" / file, [LEFT, RIGHT], imagePath=image)
    for given in (path, path.parent, tmp_path / "given"):
        hands = plan_hands(dataset, given, format="labelme").hands
        assert hands[["video", "frame"]].values.tolist() == [list(expected)]


@pytest.mark.trap("labelme: imageData holds the picture")
def test_the_picture_in_the_file_is_passed_over(dataset: Dataset, tmp_path: Path) -> None:
    path = _labelme(tmp_path / "a.json", [LEFT, RIGHT], imageData="iVBORw0KGgo" * 200_000)
    assert len(plan_hands(dataset, path).hands) == 1


@pytest.mark.trap("labelme: points lie outside of the picture")
def test_points_outside(dataset: Dataset, tmp_path: Path) -> None:
    # A box that begins outside has its centre inside; a point just outside is moved to the edge.
    outside = ("left_hand", [[-20, 30], [40, 66]])
    edge = ("right_hand", [[161.5, 24]], "point", None)
    plan = plan_hands(dataset, _labelme(tmp_path / "a.json", [outside, edge]))
    assert plan.hands.iloc[0, 2:].tolist() == [10 / 160, 0.5, 1.0, 0.25]
    assert "1 coordinate just outside the picture was moved to its edge" in plan.labels.notes
    far = ("right_hand", [[190, 24]], "point", None)
    with pytest.raises(LabelError, match=r"right hand \(190, 24\) is outside the picture"):
        plan_hands(dataset, _labelme(tmp_path / "a.json", [LEFT, far]))


def test_other_shapes_and_sizes(dataset: Dataset, tmp_path: Path) -> None:
    circle = ("left_hand", [[80, 48], [90, 48]], "circle", None)
    polygon = ("right_hand", [[30, 20], [50, 20], [33, 28]], None, None)
    path = _labelme(tmp_path / "a.json", [circle, polygon], imageWidth=None, imageHeight=None)
    assert plan_hands(dataset, path).hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.25, 0.25]
    path = _labelme(path, [circle, polygon], imageWidth=320, imageHeight=192)
    assert plan_hands(dataset, path).hands.iloc[0, 2:].tolist() == [0.25, 0.25, 0.125, 0.125]


def test_a_shape_without_a_label_may_be_a_hand(dataset: Dataset, tmp_path: Path) -> None:
    unnamed = ("", [[1, 1], [5, 5]])
    _labelme(tmp_path / "l" / "a.json", [LEFT, RIGHT, unnamed])
    _labelme(tmp_path / "l" / "b.json", [LEFT, unnamed], imagePath="v1_000001.jpg")
    plan = plan_hands(dataset, tmp_path / "l")
    assert plan.hands["frame"].tolist() == [0]
    assert [p.reason for p in plan.labels.dropped] == [
        "a.json: shape 2: has no label",
        "b.json: shape 1: has no label and may be a hand, so frame 1 is left out",
    ]


def test_what_is_not_of_labelme_is_said(dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "l"
    _labelme(folder / "a.json", [LEFT, RIGHT])
    (folder / "b.json").write_text("[]")
    plan = plan_hands(dataset, folder)
    assert [p.reason for p in plan.labels.dropped] == ["b.json: has no list 'shapes'"]
    with pytest.raises(LabelError, match=r"b\.json: is nothing of LabelMe: has no list 'shapes'"):
        plan_hands(dataset, folder / "b.json", format="labelme")
    for shapes, message in (
        ([("left", [[1]])], "shape 0: a point is not two numbers"),
        ([("left", [["x", 1]])], "shape 0: x is not a number"),
        ([("left", None)], "shape 0: points is not a list"),
    ):
        with pytest.raises(LabelError, match=message):
            labelme.read(_labelme(folder / "a.json", shapes), HandOptions())


# --------------------------------------------------------------------------------------- Pascal VOC


def _voc(path: Path, *objects: str, head: str = "<filename>v1_000000.jpg</filename>") -> Path:
    path.write_text(f"<annotation>{head}{''.join(objects)}</annotation>")
    return path


def _object(name: str, *box: float, extra: str = "") -> str:
    tags = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    numbers = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags)
    return f"<object><name>{name}</name><bndbox>{numbers}</bndbox>{extra}</object>"


@pytest.mark.trap("voc: pixels count from 1, and the last one belongs to the box")
def test_pixels_by_the_standard(dataset: Dataset, tmp_path: Path) -> None:
    # The whole picture, and its left top pixel.
    whole, pixel = _object("left", 1, 1, 160, 96), _object("right", 1, 1, 1, 1)
    plan = plan_hands(dataset, _voc(tmp_path / "a.xml", whole, pixel))
    assert plan.hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.5 / 160, 0.5 / 96]
    assert plan.labels.notes[0].startswith("pixels count from 1, as by the standard")


@pytest.mark.trap("voc: many tools count from 0")
def test_pixels_from_zero(dataset: Dataset, tmp_path: Path) -> None:
    left, right = _object("left", 70, 38, 90, 58), _object("right", 30, 14, 50, 34)
    path = _voc(tmp_path / "a.xml", left, right)
    assert plan_hands(dataset, path).hands.iloc[0, 2:4].tolist() == [79.5 / 160, 47.5 / 96]
    plan = plan_hands(dataset, path, options=HandOptions(first_pixel=0))
    assert plan.hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.25, 0.25]
    assert plan.labels.notes[0] == "pixels count from 0"


@pytest.mark.trap("voc: a pixel 0 proves that they count from 0")
def test_pixel_zero(dataset: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    _voc(folder / "a.xml", _object("left", 70, 38, 90, 58), _object("right", 30, 14, 50, 34))
    head = "<filename>v1_000001.jpg</filename>"
    _voc(folder / "b.xml", _object("left", 0, 38, 160, 58), head=head)
    plan = plan_hands(dataset, folder)
    assert plan.hands.iloc[0, 2:].tolist() == [0.5, 0.5, 0.25, 0.25]
    assert plan.hands.iloc[1, 2:4].tolist() == [0.5, 0.5]
    assert plan.labels.notes[0] == "pixels count from 0: there is a pixel 0"
    plan = plan_hands(dataset, folder, options=HandOptions(first_pixel=1))
    assert plan.hands.iloc[1, 2] == 79.5 / 160


@pytest.mark.trap("voc: 100DOH tells sides by numbers, and has objects among the hands")
def test_sides_of_100doh(dataset: Dataset) -> None:
    folder = SAMPLES / "voc"
    assert guess_format(folder, "hands") == guess_format(folder / "v1_frame000000.xml", "hands")
    plan = plan_hands(dataset, folder)
    assert plan.hands[["video", "frame"]].values.tolist() == [["v1", 0], ["v1", 1]]
    assert plan.hands.iloc[0, 2:].tolist() == [64 / 160, 45 / 96, 105 / 160, 45 / 96]
    assert plan.hands.iloc[1, 2:].isna().all()
    assert "what hands touch is not used: 2 objects say it" in plan.labels.notes
    reasons = [p.reason for p in plan.labels.dropped]
    assert reasons == ["v1_frame000000.xml: object 3: not a hand: targetobject"]


def test_one_hand_of_100doh_needs_no_map(dataset: Dataset, tmp_path: Path) -> None:
    hand = _object("hand", 71, 39, 90, 58, extra="<handside>1.0</handside>")
    hands = plan_hands(dataset, _voc(tmp_path / "a.xml", hand)).hands
    assert hands.iloc[0, 4:].tolist() == [0.5, 0.5]
    bad = _object("hand", 71, 39, 90, 58, extra="<handside>2</handside>")
    with pytest.raises(LabelError, match="object 1: handside is neither 0 nor 1: '2'"):
        plan_hands(dataset, _voc(tmp_path / "a.xml", bad))


@pytest.mark.parametrize(
    ("head", "video"),
    [
        ("<filename>v2.cam_000000.jpg</filename>", "v2.cam"),
        ("<folder>late</folder><filename>000000.jpg</filename>", "late"),
        ("<folder>C:\\data\\late\\</folder><filename>000000.jpg</filename>", "late"),
        ("<folder>late</folder><filename>v1_000000.jpg</filename>", "v1"),
        ("<folder/><filename>v1_000000</filename><size><width>0</width></size>", "v1"),
        ("", "v1"),
    ],
)
def test_names_of_voc_pictures(dataset: Dataset, tmp_path: Path, head: str, video: str) -> None:
    boxes = _object("left", 71, 39, 90, 58), _object("right", 31, 15, 50, 34)
    hands = plan_hands(dataset, _voc(tmp_path / "v1_000000.xml", *boxes, head=head)).hands
    assert hands.values.tolist() == [[video, 0, 0.5, 0.5, 0.25, 0.25]]


def test_a_size_of_its_own_counts(dataset: Dataset, tmp_path: Path) -> None:
    head = "<filename>v1_000000.jpg</filename><size><width>320</width><height>192</height></size>"
    boxes = _object("left", 71, 39, 90, 58), _object("right", 31, 15, 50, 34)
    hands = plan_hands(dataset, _voc(tmp_path / "a.xml", *boxes, head=head)).hands
    assert hands.iloc[0, 2:].tolist() == [0.25, 0.25, 0.125, 0.125]


def test_what_is_no_voc_is_said(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<annotations/>")
    with pytest.raises(LabelError, match="is nothing of Pascal VOC: begins with <annotations>"):
        voc.read(path, HandOptions())
    with pytest.raises(LabelError, match="object 1: xmin is not a number: 'x'"):
        voc.read(_voc(path, _object("left", "x", 1, 2, 3)), HandOptions())
    boxless = "<object><name>left</name></object>"
    with pytest.raises(LabelError, match="object 1: a left hand without a position"):
        plan_hands(dataset, _voc(path, boxless, _object("right", 1, 1, 9, 9)))
