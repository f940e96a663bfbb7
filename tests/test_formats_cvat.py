"""CVAT 1.1: hands and actions of exports for video and for images, and what is written for it."""

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from folders import VIDEOS, make_dataset
from labels import random_hands

from handact.dataset import (
    Dataset,
    action_export,
    export_actions,
    export_hands,
    hand_export,
    import_actions,
    import_hands,
    plan_actions,
    plan_hands,
    read_dataset,
)
from handact.dataset.importing import HandPlan
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.intervals import ActionOptions
from handact.formats.marks import HandOptions
from handact.labels import Segment

SAMPLES = Path(__file__).parent / "samples" / "cvat"
SIZE = (160, 96)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _task(name: str = "", mode: str = "interpolation", **said: object) -> str:
    """Return <task>; `frames` is the size where it is not said."""
    frames = int(said.pop("frames", 40))
    says = {
        "name": "a task", "size": frames, "mode": mode, "start_frame": 0,
        "stop_frame": frames - 1, "frame_filter": "", **said,
    }  # fmt: skip
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in says.items())
    size = f"<original_size><width>{SIZE[0]}</width><height>{SIZE[1]}</height></original_size>"
    source = f"<source>{name}</source>" if name else ""
    return f"<task>{inner}{size if mode == 'interpolation' else ''}{source}</task>"


def _save(folder: Path, body: str, meta: str | None = None) -> Path:
    path = folder / "annotations.xml"
    meta = _task("v1.mp4") if meta is None else meta
    path.write_text(f"<annotations><version>1.1</version><meta>{meta}</meta>{body}</annotations>")
    return path


def _box(frame: int, x: float, y: float, attribute: str = "", **said: object) -> str:
    """Return a box of 20 x 10 pixels around a centre."""
    says = {"frame": frame, "keyframe": 1, "outside": 0, "occluded": 0, **said}
    written = " ".join(f'{key}="{value}"' for key, value in says.items())
    corners = f'xtl="{x - 10}" ytl="{y - 5}" xbr="{x + 10}" ybr="{y + 5}"'
    return f'<box {written} {corners} z_order="0">{attribute}</box>'


def _track(label: str, *shapes: str, **said: object) -> str:
    written = "".join(f' {key}="{value}"' for key, value in said.items())
    return f'<track id="0" label="{label}" source="manual"{written}>{"".join(shapes)}</track>'


def _right(start: int, end: int, x: float = 120, y: float = 48) -> str:
    """Return a right hand that rests in [start, end)."""
    return _track("right_hand", _box(start, x, y), _box(end, x, y, outside=1))


def _positions(plan: HandPlan, side: str) -> dict[int, tuple[float, float] | None]:
    """Return pixels by frame; None where the hand is absent."""
    table = plan.hands[["frame", f"{side}_x", f"{side}_y"]].itertuples(index=False)
    return {
        int(frame): None if np.isnan(x) else (round(x * SIZE[0], 3), round(y * SIZE[1], 3))
        for frame, x, y in table
    }


# ------------------------------------------------------------------------------------------ samples


def test_a_real_layout_is_told_and_read(dataset: Dataset) -> None:
    path = SAMPLES / "hands.xml"
    assert guess_format(path, "hands") == guess_format(path, "actions") == "cvat"
    plan = plan_hands(dataset, path)
    assert plan.labels.format == "CVAT for video"
    assert _positions(plan, "left") == {
        10: (50, 40), 11: (52, 40), 12: (54, 40), 13: None, 14: None
    }  # fmt: skip
    assert _positions(plan, "right") == {10: None, 11: (110, 40), 12: None, 13: None, 14: (110, 50)}
    assert [p.reason for p in plan.labels.dropped] == ["track 2: not a hand: screwdriver"]
    assert plan_actions(dataset, path).actions == {"v1": [Segment(38, 39, "screwdriver")]}


def test_shapes_that_are_no_boxes_are_read(dataset: Dataset) -> None:
    options = HandOptions(video="v1", sides={"glove": "left"})
    plan = plan_hands(dataset, SAMPLES / "shapes_video.xml", options=options)
    assert plan.hands["frame"].tolist() == [0, 6, 13]
    # The middle of the polygon's extent, in a video of 640 x 384.
    assert plan.hands.loc[0, ["left_x", "left_y"]].tolist() == pytest.approx(
        [(300 + 360) / 2 / 640, (190 + 240) / 2 / 384], abs=1e-6
    )
    options = HandOptions(video="v1", sides={"knuckles": "left", "palm": "right"})
    plan = plan_hands(dataset, SAMPLES / "shapes_images.xml", options=options)
    assert plan.labels.format == "CVAT for images"
    assert plan.hands.loc[0, "left_x"] == pytest.approx(610 / 1600, abs=1e-6)
    assert plan.hands.loc[0, "right_x"] == pytest.approx(880 / 1600, abs=1e-6)


# ---------------------------------------------------------------------------------- tracks of hands


@pytest.mark.trap("cvat: frames are those of the source whatever the frame step of the task")
def test_frames_are_not_multiplied_by_the_step(dataset: Dataset, tmp_path: Path) -> None:
    meta = _task("v1.mp4", frames=6, start_frame=10, stop_frame=39, frame_filter="step=5")
    body = _track("left_hand", _box(15, 50, 48), _box(25, 60, 48), _box(30, 60, 48, outside=1))
    plan = plan_hands(dataset, _save(tmp_path, body + _right(20, 25), meta))
    # Only what the task showed: 15, 20, 25; the frames between say nothing.
    assert _positions(plan, "left") == {15: (50, 48), 20: (55, 48), 25: (60, 48)}
    assert _positions(plan, "right") == {15: None, 20: (120, 48), 25: None}
    assert "video 'v1': frames 15 to 25, every 5th taken, from tracks" in plan.labels.notes


@pytest.mark.trap("cvat: outside means absent from that frame on, and repeats the last position")
def test_a_hand_outside_is_absent(dataset: Dataset, tmp_path: Path) -> None:
    left = _track(
        "left_hand",
        _box(3, 50, 48), _box(5, 50, 48, outside=1), _box(8, 70, 48), _box(10, 80, 48, outside=1),
    )  # fmt: skip
    plan = plan_hands(dataset, _save(tmp_path, left + _right(3, 10)))
    assert _positions(plan, "left") == {
        3: (50, 48), 4: (50, 48), 5: None, 6: None, 7: None, 8: (70, 48), 9: (70, 48)
    }  # fmt: skip


@pytest.mark.trap("cvat: xbr and ybr are a corner, not a width and a height")
def test_boxes_have_two_corners(dataset: Dataset, tmp_path: Path) -> None:
    corners = 'xtl="100.00" ytl="40.00" xbr="140.00" ybr="80.00"'
    box = f'<box frame="4" keyframe="1" outside="0" {corners}/>'
    body = _track("left_hand", box) + _right(4, 5)
    plan = plan_hands(dataset, _save(tmp_path, body, _task("v1.mp4", frames=5)))
    assert _positions(plan, "left") == {4: (120, 60)}


@pytest.mark.trap("cvat: shapes that are no key frames are not read, the line between is")
def test_what_was_filled_in_is_not_read(dataset: Dataset, tmp_path: Path) -> None:
    left = _track(
        "left_hand",
        _box(2, 50, 48), _box(4, 150, 10, keyframe=0), _box(6, 70, 56), _box(7, 70, 56, outside=1),
    )  # fmt: skip
    plan = plan_hands(dataset, _save(tmp_path, left + _right(2, 7)))
    assert _positions(plan, "left") == {
        2: (50, 48), 3: (55, 50), 4: (60, 52), 5: (65, 54), 6: (70, 56)
    }  # fmt: skip


@pytest.mark.trap("cvat: the last visible key frame lasts to stop_frame, which is the last one")
def test_tracks_without_an_end_last_to_the_end_of_the_task(
    dataset: Dataset, tmp_path: Path
) -> None:
    meta = _task("v1.mp4", frames=20)
    body = _track("left_hand", _box(15, 50, 48)) + _right(14, 17)
    assert list(_positions(plan_hands(dataset, _save(tmp_path, body, meta)), "left")) == [
        14, 15, 16, 17, 18, 19
    ]  # fmt: skip
    # What CVAT filled in tells it too, where frames at the end were deleted.
    left = _track("left_hand", _box(15, 50, 48), _box(16, 50, 48, keyframe=0))
    plan = plan_hands(dataset, _save(tmp_path, left + _right(14, 15), meta))
    assert _positions(plan, "left") == {14: None, 15: (50, 48), 16: (50, 48)}
    # Without <meta> nobody knows: the key frame alone is sure.
    plan = plan_hands(dataset, _save(tmp_path, body, ""), options=HandOptions(video="v1"))
    assert _positions(plan, "left") == {14: None, 15: (50, 48), 16: None}


@pytest.mark.trap("cvat: a shape of one frame, written as a track, lacks its end near stop_frame")
@pytest.mark.parametrize("frame", [5, 18, 19])
def test_a_single_shape_is_in_one_frame(dataset: Dataset, tmp_path: Path, frame: int) -> None:
    meta = _task("v1.mp4", frames=20)
    end = _box(frame + 1, 50, 48, outside=1) if frame + 1 < 19 else ""
    path = _save(tmp_path, _track("left_hand", _box(frame, 50, 48), end) + _right(2, 3), meta)
    plan = plan_hands(dataset, path)
    # Nobody tracked a hand, so the frames between say nothing.
    assert _positions(plan, "left") == {2: None, frame: (50, 48)}
    assert plan_actions(
        dataset, _save(tmp_path, _track("take", _box(frame, 80, 48), end), meta)
    ).actions == {"v1": [Segment(frame, frame + 1, "take")]}


@pytest.mark.trap("cvat: of skeletons the frame is on the outside, outside and keyframe inside")
def test_skeletons_say_what_is_outside_in_their_points(dataset: Dataset, tmp_path: Path) -> None:
    def skeleton(frame: int, *points: tuple[float, float, int, int]) -> str:
        parts = "".join(
            f'<points label="p{i}" keyframe="{key}" outside="{out}" occluded="0" '
            f'points="{x:.2f},{y:.2f}"/>'
            for i, (x, y, key, out) in enumerate(points)
        )
        return f'<skeleton frame="{frame}" keyframe="1" z_order="0">{parts}</skeleton>'

    left = _track(
        "left_hand",
        skeleton(3, (40, 40, 1, 0), (60, 50, 1, 0)),
        skeleton(4, (140, 40, 0, 0), (160, 50, 0, 0)),
        skeleton(5, (44, 40, 0, 0), (64, 50, 1, 0)),
        skeleton(6, (44, 40, 1, 1), (70, 50, 1, 0)),
        skeleton(7, (44, 40, 1, 1), (70, 50, 1, 1)),
    )
    box = _track("left_hand", _box(3, 10, 10), _box(4, 10, 10, outside=1))
    plan = plan_hands(dataset, _save(tmp_path, left + box + _right(3, 8)))
    assert _positions(plan, "left") == {
        3: (50, 45), 4: (52, 45), 5: (54, 45), 6: (70, 50), 7: None
    }  # fmt: skip


def test_of_21_points_the_palm_counts_in_the_order_of_the_label(
    dataset: Dataset, tmp_path: Path
) -> None:
    names = [f"p{i}" for i in range(21)]
    labels = "<label><name>left_hand</name></label>" + "".join(
        f"<label><name>{name}</name><parent>left_hand</parent></label>" for name in names
    )
    meta = f"<labels>{labels}<label><name>right_hand</name></label></labels>" + _task("v1.mp4")
    palm = {0: 40, 5: 50, 9: 60, 13: 70, 17: 80}
    points = [
        f'<points label="{name}" outside="{int(i == 9)}" points="{palm.get(i, 150)},48"/>'
        for i, name in enumerate(names)
    ]
    image = (
        f'<image id="4" name="frame_000004" width="{SIZE[0]}" height="{SIZE[1]}">'
        f'<skeleton label="left_hand">{"".join(reversed(points))}</skeleton></image>'
    )
    plan = plan_hands(dataset, _save(tmp_path, image, meta))
    assert _positions(plan, "left") == {4: (60, 48)}
    assert not any("p3" in note for note in plan.labels.notes)


@pytest.mark.trap("cvat: a turned box is turned about its centre")
def test_a_turned_box_keeps_its_centre(dataset: Dataset, tmp_path: Path) -> None:
    body = _track("left_hand", _box(3, 50, 48, rotation="120.00")) + _right(3, 4)
    plan = plan_hands(dataset, _save(tmp_path, body, _task("v1.mp4", frames=4)))
    assert _positions(plan, "left") == {3: (50, 48)}


@pytest.mark.trap("cvat: exports of projects count frames on from task to task of a subset")
def test_projects_have_many_tasks(dataset: Dataset, tmp_path: Path) -> None:
    tasks = "".join(
        _task(name, frames=frames, id=i, subset=subset)
        for i, (name, frames, subset) in enumerate(
            [("v1.mp4", 40, "Train"), ("v2.cam.mp4", 30, "Train"), ("late.mkv", 20, "Test")], 4
        )
    )
    meta = f"<project><id>1</id><name>line</name><tasks>{tasks}</tasks></project>"
    body = "".join(
        _track(label, _box(start, 50, 48), _box(start + 2, 50, 48, outside=1), task_id=i)
        for label, i, start in [
            ("left_hand", 4, 38), ("right_hand", 5, 40), ("left_hand", 5, 45), ("left_hand", 6, 3)
        ]
    )  # fmt: skip
    path = _save(tmp_path, body, meta)
    hands = plan_hands(dataset, path).hands
    assert {v: sorted(rows["frame"]) for v, rows in hands.groupby("video")} == {
        "v1": [38, 39], "v2.cam": [0, 1, 2, 3, 4, 5, 6], "late": [3, 4]
    }  # fmt: skip
    # Numbers too small to have been counted on are those of the task.
    own = body.replace('frame="40"', 'frame="4"').replace('frame="42"', 'frame="6"')
    own = own.replace('frame="45"', 'frame="6"').replace('frame="47"', 'frame="8"')
    hands = plan_hands(dataset, _save(tmp_path, own, meta)).hands
    assert sorted(hands["frame"][hands["video"] == "v2.cam"]) == [4, 5, 6, 7]


def test_attributes_tell_the_side_and_may_change(dataset: Dataset, tmp_path: Path) -> None:
    def side(name: str) -> str:
        return f'<attribute name="side">{name}</attribute><attribute name="quality">3</attribute>'

    body = _track(
        "hand",
        _box(2, 40, 48, side("left")), _box(4, 80, 48, side("right")),
        _box(6, 100, 48, side("right")), _box(7, 100, 48, side("right"), outside=1),
    )  # fmt: skip
    plan = plan_hands(dataset, _save(tmp_path, body))
    assert _positions(plan, "left") == {2: (40, 48), 3: (60, 48), 4: None, 5: None, 6: None}
    assert _positions(plan, "right") == {
        2: None, 3: None, 4: (80, 48), 5: (90, 48), 6: (100, 48)
    }  # fmt: skip
    ticked = '<attribute name="is_left">{}</attribute>'
    body = _track("hand", _box(2, 40, 48, ticked.format("true")), _box(3, 40, 48, outside=1))
    body += _track("hand", _box(2, 80, 48, ticked.format("false")), _box(3, 80, 48, outside=1))
    with pytest.raises(LabelError, match=r"not found among its labels: .*is_left, hand"):
        plan_hands(dataset, _save(tmp_path, body, _task("v1.mp4")))
    options = HandOptions(sides={"is_left": "left", "hand": "right"})
    plan = plan_hands(dataset, _save(tmp_path, body), options=options)
    assert (_positions(plan, "left"), _positions(plan, "right")) == ({2: (40, 48)}, {2: (80, 48)})


def test_a_job_does_not_name_its_video(dataset: Dataset, tmp_path: Path) -> None:
    job = _task(frames=10, start_frame=10, stop_frame=19).replace("task>", "job>")
    job = job.replace("<name>a task</name>", "")
    path = _save(tmp_path, _track("left_hand", _box(12, 50, 48)) + _right(12, 14), job)
    with pytest.raises(LabelError, match="no video '' in the dataset") as caught:
        plan_hands(dataset, path)
    assert "--video" in (caught.value.hint or "")
    plan = plan_hands(dataset, path, options=HandOptions(video="v1"))
    assert list(_positions(plan, "left")) == list(range(12, 20))
    # Or it is named after it.
    assert len(plan_hands(dataset, path.rename(tmp_path / "v1.xml")).hands) == 8


def test_hands_beyond_the_end_are_of_another_video(dataset: Dataset, tmp_path: Path) -> None:
    body = _track("left_hand", _box(12, 50, 48), _box(60, 50, 48)) + _right(12, 14)
    path = _save(tmp_path, body, _task("v1.mp4", frames=100))
    with pytest.raises(LabelError, match=r"hand in frame 60, but video 'v1' has 40 frames"):
        plan_hands(dataset, path)


# -------------------------------------------------------------------------------- pictures of hands


def _image(name: str, *shapes: str, number: int = 0, **said: object) -> str:
    written = "".join(f' {key}="{value}"' for key, value in said.items())
    size = f'width="{SIZE[0]}" height="{SIZE[1]}"'
    return f'<image id="{number}" name="{name}"{written} {size}>{"".join(shapes)}</image>'


def _in_image(label: str, x: float, y: float) -> str:
    return (
        f'<box label="{label}" source="manual" occluded="0" xtl="{x - 10}" ytl="{y - 5}" '
        f'xbr="{x + 10}" ybr="{y + 5}" z_order="0"/>'
    )


@pytest.mark.trap("cvat: whether frames are named or numbered is told by the task, not the format")
def test_pictures_of_a_task_of_pictures_are_named(dataset: Dataset, tmp_path: Path) -> None:
    body = _image(
        "v1_000003.jpg",
        _in_image("left_hand", 50, 48),
        '<points label="left_hand" points="60.00,40.00;70.00,44.00" z_order="0"/>',
        _in_image("right_hand", 100, 20),
        '<tag label="both_hands" source="manual"><attribute name="quality">ok</attribute></tag>',
    ) + _image("v1/frame_000007.png", number=1)
    path = _save(tmp_path, body, _task(mode="annotation"))
    with pytest.raises(LabelError, match="whether frames count from 0 or from 1"):
        plan_hands(dataset, path)
    plan = plan_hands(dataset, path, options=HandOptions(first_frame=1))
    assert plan.labels.format == "CVAT for images"
    # Points are preferred to the box.
    assert _positions(plan, "left") == {2: (65, 42), 6: None}
    assert _positions(plan, "right") == {2: (100, 20), 6: None}
    assert "1 pictures have no shape: both hands are absent from them" in plan.labels.notes


def test_tracks_of_a_task_of_pictures_cannot_be_placed(dataset: Dataset, tmp_path: Path) -> None:
    path = _save(tmp_path, _right(2, 4), _task(mode="annotation"))
    with pytest.raises(LabelError, match="tracks through pictures") as caught:
        plan_hands(dataset, path)
    assert "CVAT for images 1.1" in (caught.value.hint or "")


def test_a_video_exported_for_images_counts_from_zero(dataset: Dataset, tmp_path: Path) -> None:
    def frames(*shown: int, step: int = 1) -> str:
        return "".join(
            _image(
                f"frame_{i:06d}",
                *([_in_image("left_hand", 50, 48)] if i in shown else []),
                *([_in_image("right_hand", 90, 48)] if i == 8 else []),
                number=i,
            )
            for i in range(0, 20, step)
        )

    plan = plan_hands(dataset, _save(tmp_path, frames(5, 6, 9)))
    assert _positions(plan, "left") == {
        5: (50, 48), 6: (50, 48), 7: None, 8: None, 9: (50, 48)
    }  # fmt: skip
    assert _positions(plan, "right")[8] == (90, 48)
    # Nobody looked at each frame where single ones have shapes.
    plan = plan_hands(dataset, _save(tmp_path, frames(2, 5, 12)))
    assert sorted(_positions(plan, "left")) == [2, 5, 8, 12]


def test_a_shape_without_a_centre_hides_its_frame(dataset: Dataset, tmp_path: Path) -> None:
    line = '<polyline label="left_hand" points="1,1;5,5"/>'
    body = _image("v1_000000.jpg", line) + _image("v1_000001.jpg", _in_image("right_hand", 50, 48))
    plan = plan_hands(dataset, _save(tmp_path, body, _task(mode="annotation")))
    assert plan.hands["frame"].tolist() == [1]
    assert "a left hand without a position" in plan.labels.dropped[0].reason


# ------------------------------------------------------------------------------------------ actions


@pytest.mark.trap("cvat: it has no intervals, so tracks from where they appear to outside are")
def test_tracks_are_intervals(dataset: Dataset, tmp_path: Path) -> None:
    body = (
        _track("take", _box(0, 80, 48), _box(10, 80, 48, outside=1), _box(20, 80, 48),
               _box(25, 81, 48), _box(30, 80, 48, outside=1))
        + _track("turn screw", _box(10, 80, 48), _box(20, 80, 48, outside=1))
        + _track("put", _box(35, 80, 48), _box(36, 80, 48, keyframe=0))
        + _track("left_hand", _box(0, 20, 20), _box(39, 30, 20))
    )  # fmt: skip
    plan = plan_actions(dataset, _save(tmp_path, body))
    assert plan.actions == {
        "v1": [
            Segment(0, 10, "take"), Segment(10, 20, "turn screw"), Segment(20, 30, "take"),
            Segment(35, 37, "put"),
        ]
    }  # fmt: skip
    assert [p.reason for p in plan.labels.dropped] == ["track 0: is a hand: left_hand"]
    assert plan.new_classes == ("put",)


def test_an_action_without_an_end_lasts_as_long_as_its_task(
    dataset: Dataset, tmp_path: Path
) -> None:
    body = _track("take", _box(30, 80, 48))
    assert plan_actions(dataset, _save(tmp_path, body)).actions == {"v1": [Segment(30, 40, "take")]}
    with pytest.raises(LabelError, match=r"track 0: does not end, and <meta> does not say"):
        plan_actions(dataset, _save(tmp_path, body, ""), options=ActionOptions(video="v1"))


def test_with_a_step_an_action_lasts_until_the_next_frame_shown(
    dataset: Dataset, tmp_path: Path
) -> None:
    meta = _task("v1.mp4", frames=8, stop_frame=39, frame_filter="step=5")
    body = _track("take", _box(10, 80, 48), _box(15, 80, 48), _box(20, 80, 48, outside=1))
    body += _track("turn screw", _box(30, 80, 48), _box(35, 80, 48, keyframe=0))
    assert plan_actions(dataset, _save(tmp_path, body, meta)).actions == {
        "v1": [Segment(10, 20, "take"), Segment(30, 40, "turn screw")]
    }


def test_attributes_may_hold_the_action(dataset: Dataset, tmp_path: Path) -> None:
    def step(name: str) -> str:
        return f'<attribute name="step">{name}</attribute>'

    body = _track(
        "work",
        _box(2, 80, 48, step("take")), _box(5, 80, 48, step("take")),
        _box(9, 80, 48, step("put")), _box(12, 80, 48, step("put"), outside=1), _box(20, 80, 48),
    )  # fmt: skip
    path = _save(tmp_path, body)
    plan = plan_actions(dataset, path, options=ActionOptions(column="step"))
    assert plan.actions == {"v1": [Segment(2, 9, "take"), Segment(9, 12, "put")]}
    assert [p.reason for p in plan.labels.dropped] == ["track 0, frame 20: has no attribute step"]
    with pytest.raises(LabelError, match="nothing in it has an attribute 'colour'"):
        plan_actions(dataset, path, options=ActionOptions(column="colour"))


def _tagged(*frames: int, label: str = "take", of: int = 20, step: int = 1) -> str:
    tag = f'<tag label="{label}" source="manual"/>'
    shape = _in_image("left_hand", 50, 48)
    return "".join(
        _image(f"frame_{i:06d}", shape, *([tag] if i in frames else []), number=i)
        for i in range(0, of, step)
    )


@pytest.mark.trap("cvat: tags are in exports for images alone, one a frame")
def test_tags_of_neighbouring_frames_are_an_interval(dataset: Dataset, tmp_path: Path) -> None:
    plan = plan_actions(dataset, _save(tmp_path, _tagged(3, 4, 5, 9)))
    assert plan.actions == {"v1": [Segment(3, 6, "take"), Segment(9, 10, "take")]}
    meta = _task("v1.mp4", frames=4, stop_frame=19, frame_filter="step=5")
    plan = plan_actions(dataset, _save(tmp_path, _tagged(5, 10, 15, step=5), meta))
    assert plan.actions == {"v1": [Segment(5, 20, "take")]}
    with pytest.raises(LabelError, match="has no labels in it"):
        plan_actions(dataset, _save(tmp_path, ""))


def test_tags_of_pictures_need_the_number_of_the_first(dataset: Dataset, tmp_path: Path) -> None:
    body = _tagged(3, 4, 5, of=10).replace('name="frame_', 'name="v2.cam_frame_')
    path = _save(tmp_path, body, _task(mode="annotation"))
    with pytest.raises(LabelError, match="count from 0 or from 1"):
        plan_actions(dataset, path)
    plan = plan_actions(dataset, path, options=ActionOptions(first_frame=1))
    assert plan.actions == {"v2.cam": [Segment(2, 5, "take")]}


# -------------------------------------------------------------------------------------- ZIP, damage


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_an_export_is_read_in_its_zip(dataset: Dataset, tmp_path: Path) -> None:
    data = (SAMPLES / "hands.xml").read_bytes()
    members = {"images/frame_000000.png": b"no picture", "annotations.xml": data}
    path = _zip(tmp_path / "task.zip", members)
    assert guess_format(path, "hands") == guess_format(path, "actions") == "cvat"
    assert len(plan_hands(dataset, path).hands) == 5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["line", "task.zip"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.txt": b"x"}, r"task\.zip: has no files annotations\.xml in it"),
        (
            {"1/annotations.xml": b"<annotations/>", "2/annotations.xml": b"<annotations/>"},
            r"task\.zip: has 2 files annotations\.xml in it",
        ),
        ({"annotations.xml": b"<annotations>"}, r"task\.zip:1: is not XML"),
        ({"annotations.xml": b" " * 3_000_000}, r"task\.zip: annotations\.xml is larger than"),
    ],
)
def test_bad_zips_are_refused(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    members: dict[str, bytes],
    message: str,
) -> None:
    monkeypatch.setattr("handact.formats.loading.MAX_BYTES", 2 << 20)
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, _zip(tmp_path / "task.zip", members))


def test_a_damaged_zip_does_no_harm(dataset: Dataset, tmp_path: Path) -> None:
    data = (SAMPLES / "hands.xml").read_bytes()
    whole = _zip(tmp_path / "task.zip", {"annotations.xml": data}).read_bytes()
    rng, ends = np.random.default_rng(0), set()
    for cut in (len(whole), 0, 10, len(whole) // 2, len(whole) - 5, *[None] * 50):
        damaged = bytearray(whole[:cut])
        for at in rng.integers(0, len(whole), 3) if cut is None else ():
            damaged[at] = rng.integers(256)
        (tmp_path / "task.zip").write_bytes(damaged)
        try:
            plan_hands(dataset, tmp_path / "task.zip")
            ends.add("read")
        except LabelError:
            ends.add("refused")
    assert ends == {"read", "refused"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            '<track label="left_hand"><box frame="1"/></track>',
            r"track 1, frame 1: <box> has no xtl",
        ),
        ('<track label="left_hand"><box/></track>', "track 1: <box>: frame is not a number: None"),
        (
            '<track label="left_hand"><box frame="1.5"/></track>',
            "frame is not a whole number: '1.5'",
        ),
        (
            '<track id="7" label="left_hand"><points frame="1" points="1;2"/></track>',
            "track 7, frame 1: y is not a number",
        ),
    ],
)
def test_bad_shapes_are_named(dataset: Dataset, tmp_path: Path, body: str, message: str) -> None:
    body += _track("left_hand", _box(1, 50, 48), _box(2, 50, 48, outside=1)) + _right(1, 2)
    with pytest.raises(LabelError, match=message):
        plan_hands(dataset, _save(tmp_path, body))


def test_numbers_without_measure_do_no_harm(dataset: Dataset, tmp_path: Path) -> None:
    meta = _task("v1.mp4", frames=10**11, stop_frame=10**11)
    body = _track("left_hand", _box(0, 50, 48)) + _right(0, 5)
    assert len(plan_hands(dataset, _save(tmp_path, body, meta)).hands) == 40
    with pytest.raises(LabelError, match="beyond the end of video 'v1'"):
        plan_actions(dataset, _save(tmp_path, _track("take", _box(0, 50, 48)), meta))


def test_tasks_of_both_kinds_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    tasks = _task("v1.mp4", id=1) + _task(mode="annotation", id=2)
    meta = f"<project><tasks>{tasks}</tasks></project>"
    body = _image("frame_000001", task_id=1) + _image("v1_000001.jpg", task_id=2)
    with pytest.raises(LabelError, match="tasks of videos, and of tasks of pictures"):
        plan_hands(dataset, _save(tmp_path, body, meta))


# ------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize("seed", range(5))
def test_written_hands_come_back(tmp_path: Path, seed: int) -> None:
    """Frames without a label, and those that show no hand, are as they were."""
    hands = random_hands(seed)
    rows = hands.to_csv(index=False, header=False)
    dataset = read_dataset(make_dataset(tmp_path, hands=rows))
    files = export_hands(hand_export(dataset), "cvat")
    assert sorted(files) == ["late.xml", "v1.xml", "v2.cam.xml"]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        plan = plan_hands(dataset, tmp_path / name)
        import_hands(dataset, plan, replace=True)
    back = read_dataset(dataset.root).hands
    pd.testing.assert_frame_equal(back, hands, check_dtype=False, atol=2e-6)


def test_what_is_written_is_what_cvat_imports(tmp_path: Path) -> None:
    hands = "v1,3,0.5,0.5,,\nv1,4,0.5,0.5,,\nv1,8,,,0.25,0.5\nv1,39,0.5,0.5,,\n"
    dataset = read_dataset(make_dataset(tmp_path, hands=hands, actions="v1,0,9,take\n"))
    root = ElementTree.fromstring(export_hands(hand_export(dataset), "cvat")["v1.xml"])
    tracks = {track.get("label"): track.findall("box") for track in root.findall("track")}
    frames = [(box.get("frame"), box.get("outside")) for box in tracks["left_hand"]]
    # CVAT has a frame 39, but none after it: an end there would be refused.
    assert frames == [("3", "0"), ("4", "0"), ("5", "1"), ("39", "0")]
    assert {box.get("keyframe") for box in tracks["left_hand"]} == {"1"}
    needed = {"xtl", "ytl", "xbr", "ybr", "occluded", "outside", "keyframe", "frame", "z_order"}
    assert needed == set(tracks["right_hand"][0].attrib)
    # What comes back from CVAT has no note of ours: it says what CVAT showed.
    root.find("meta").remove(root.find("meta/handact"))
    (tmp_path / "v1.xml").write_text(ElementTree.tostring(root, encoding="unicode"))
    plan = plan_hands(dataset, tmp_path / "v1.xml")
    assert plan.hands["frame"].tolist() == list(range(3, 40))
    assert plan.hands["left_x"].count() == 3


@pytest.mark.parametrize("seed", range(5))
def test_written_actions_come_back(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = ""
    for name, frames in VIDEOS.items():
        cuts = sorted(rng.choice(frames + 1, 6, replace=False))
        for start, end in zip(cuts[::2], cuts[1::2], strict=True):
            rows += f"{name},{start},{end},{rng.choice(['take', 'turn screw'])}\n"
    # To the last frame, and in the last one alone.
    rows = rows if seed else "v1,0,40,take\nv2.cam,29,30,take\nlate,18,20,turn screw\n"
    dataset = read_dataset(make_dataset(tmp_path, actions=rows))
    before = dataset.actions
    (tmp_path / "out").mkdir()
    for name, text in export_actions(action_export(dataset), "cvat").items():
        (tmp_path / "out" / name).write_text(text)
    plan = plan_actions(dataset, tmp_path / "out")
    assert plan.actions == before
    import_actions(dataset, plan, replace=True)
    assert read_dataset(dataset.root).actions == before
