"""Label Studio: hands and actions of JSON and JSON-MIN, and the predictions that are written."""

import json
from pathlib import Path
from typing import Any

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
    import_hands,
    plan_actions,
    plan_hands,
    read_dataset,
)
from handact.errors import LabelError
from handact.formats.guess import guess_format
from handact.formats.intervals import ActionOptions
from handact.formats.marks import HandOptions
from handact.labels import Segment

SAMPLES = Path(__file__).parent / "samples" / "labelstudio"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return read_dataset(make_dataset(tmp_path))


def _save(folder: Path, *tasks: Any) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(list(tasks)))
    return path


def _task(*results: dict, number: int = 1, **said: object) -> dict:
    """Return a task; of the video v1 where nothing else is said."""
    media = said.pop("media", "/data/upload/1/ab12cd34-v1.mp4")
    annotation = {"id": 10 * number, "was_cancelled": False, "result": list(results)}
    data = {"image" if str(media).endswith("jpg") else "video": media}
    return {"id": number, "data": data, "annotations": [annotation], "predictions": [], **said}


def _predicted(*results: dict, **said: object) -> dict:
    predictions = [{"model_version": "m", "result": list(results)}]
    return _task(annotations=[], predictions=predictions, **said)


def _in_picture(label: str, control: str = "rectangle", **value: object) -> dict:
    """Return a box or a key point in a picture of 160 x 96."""
    kind = f"{control}labels"
    return {
        "id": value.pop("id", f"{label}-{len(str(value))}"),
        "parentID": value.pop("parent", None),
        "from_name": "label", "to_name": "image", "type": kind,
        "original_width": 160, "original_height": 96, "image_rotation": value.pop("turned", 0),
        "value": {**value, kind: [label]},
    }  # fmt: skip


def _box(label: str, x: float, y: float, **more: object) -> dict:
    """Return a box of 20 x 10 percent with that corner."""
    return _in_picture(
        label, x=x, y=y, width=20, height=10, rotation=more.pop("rotation", 0), **more
    )


def _along(label: str, *keys: tuple, fps: float | None = 20, frames: int | None = None) -> dict:
    """Return a box of 20 x 10 percent along a video; keys are frame, centre, and enabled."""
    sequence = [
        {"frame": frame, "enabled": enabled, "rotation": 0, "x": x - 10, "y": y - 5,
         "width": 20, "height": 10, "time": round(frame / (fps or 24), 2)}
        for frame, x, y, enabled in keys
    ]  # fmt: skip
    value: dict[str, Any] = {"sequence": sequence, "labels": [label]}
    if fps:
        frames = frames or round(2 * fps)
        value |= {"framesCount": frames, "duration": frames / fps}
    return {
        "id": f"{label}-{keys[0][0]}", "from_name": "box", "to_name": "video",
        "type": "videorectangle", "value": value,
    }  # fmt: skip


def _range(label: str, start: int | None, end: int | None, **said: object) -> dict:
    return {
        "id": f"{label}-{start}", "from_name": "actions", "to_name": "video",
        "type": "timelinelabels",
        "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": [label]}, **said,
    }  # fmt: skip


def _percent(hands: pd.DataFrame, side: str) -> dict[int, tuple[float, float] | None]:
    rows = hands[["frame", f"{side}_x", f"{side}_y"]].itertuples(index=False)
    return {
        int(i): None if np.isnan(x) else (round(100 * x, 3), round(100 * y, 3)) for i, x, y in rows
    }


# ------------------------------------------------------------------------------------------ samples


def test_exports_of_pictures_are_read(dataset: Dataset) -> None:
    path = SAMPLES / "keypoints.json"
    assert guess_format(path, "hands") == guess_format(path, "actions") == "labelstudio"
    options = HandOptions(video="v1", first_frame=1, sides={"worker's hand": "right"})
    plan = plan_hands(dataset, path, options=options)
    assert plan.labels.format == "Label Studio JSON"
    # Three points of one box.
    assert _percent(plan.hands, "right") == {
        0: (pytest.approx(60, abs=0.01), pytest.approx(34, abs=0.01))
    }
    path = SAMPLES / "boxes.json"
    options = HandOptions(video="v1", first_frame=0, sides={"glove": "left", "bare": "right"})
    plan = plan_hands(dataset, path, options=options)
    assert "task 1: annotation 1 is not the latest" in [p.reason for p in plan.labels.dropped]


def test_what_a_model_server_is_sent_is_read(dataset: Dataset) -> None:
    path = SAMPLES / "timeline.json"
    assert guess_format(path, "actions") == "labelstudio"
    plan = plan_actions(
        dataset, path, overlap="first", options=ActionOptions(video="v1", fps="video")
    )
    assert plan.actions == {"v1": [Segment(0, 10, "take screw"), Segment(10, 15, "turn screw")]}


def test_predictions_along_a_video_are_read(dataset: Dataset) -> None:
    path = SAMPLES / "video_boxes.json"
    data = json.loads(path.read_text())
    data[0]["predictions"][0]["result"].pop()
    path = _save(dataset.root.parent, *data)
    # 35 frames in 1.1678 s.
    with pytest.raises(LabelError, match=r"counts 29\.97 frames a second, but video 'v1' has 20"):
        plan_hands(dataset, path, options=HandOptions(video="v1", sides={"worker": "left"}))
    options = HandOptions(video="v2.cam", sides={"worker": "left"}, fps="video")
    plan = plan_hands(dataset, path, options=options)
    assert plan.hands["frame"].tolist() == list(range(8))
    assert plan.hands.loc[0, "left_x"] == pytest.approx((10.5 + 9 / 2) / 100, abs=1e-6)


# -------------------------------------------------------------------------------- hands in pictures


@pytest.mark.trap("labelstudio: positions are percent of the picture")
@pytest.mark.trap("labelstudio: uploaded files have eight letters in front of their names")
def test_positions_are_percent(dataset: Dataset, tmp_path: Path) -> None:
    media = "/data/upload/7/ab12cd34-v1_000003.jpg"
    task = _task(_box("left_hand", 30, 40), _box("Right Hand", 0, 90), media=media)
    plan = plan_hands(dataset, _save(tmp_path, task), options=HandOptions(first_frame=0))
    assert plan.hands["video"].tolist() == ["v1"]
    assert _percent(plan.hands, "left") == {3: (40, 45)}
    assert _percent(plan.hands, "right") == {3: (10, 95)}
    assert plan.labels.units.startswith("fractions of the picture")


@pytest.mark.parametrize(
    ("media", "frame"),
    [
        ("/data/local-files/?d=frames/v1/frame_000004.jpg", ("v1", 4)),
        ("s3://bucket/some/where/v2.cam_5.jpg", ("v2.cam", 5)),
        ("https://host/files/late-000006.jpg?X-Amz-Signature=0f%2F", ("late", 6)),
        ("C:\\pictures\\v1_000007.jpg", ("v1", 7)),
        ("/data/upload/ab12cd34-v1_000008.jpg", ("v1", 8)),
    ],
)
def test_pictures_are_found_behind_any_address(
    dataset: Dataset, tmp_path: Path, media: str, frame: tuple[str, int]
) -> None:
    task = _task(_box("left", 30, 40), _box("right", 60, 40), media=media)
    plan = plan_hands(dataset, _save(tmp_path, task), options=HandOptions(first_frame=0))
    assert [tuple(row) for row in plan.hands[["video", "frame"]].values] == [frame]


@pytest.mark.trap("labelstudio: a turned box is turned about its top left corner")
def test_turned_boxes_turn_about_their_corner(dataset: Dataset, tmp_path: Path) -> None:
    # 32 x 9.6 pixels, by a right angle: what was right of the corner is below it.
    task = _task(_box("left", 50, 40, rotation=90), _box("right", 50, 40), media="v1_000003.jpg")
    plan = plan_hands(dataset, _save(tmp_path, task), options=HandOptions(first_frame=0))
    assert _percent(plan.hands, "left") == {3: (round(50 - 480 / 160, 3), round(40 + 1600 / 96, 3))}
    assert _percent(plan.hands, "right") == {3: (60, 45)}


@pytest.mark.parametrize("change", ["no size", "picture"])
def test_where_a_turn_leaves_open_is_left_out(
    dataset: Dataset, tmp_path: Path, change: str
) -> None:
    left = _box("left", 50, 40, rotation=90, turned=90 if change == "picture" else 0)
    if change == "no size":
        del left["original_width"]
    first = _task(left, _box("right", 50, 40), media="v1_000003.jpg")
    other = _task(_box("left", 50, 40), media="v1_000004.jpg", number=2)
    plan = plan_hands(dataset, _save(tmp_path, first, other), options=HandOptions(first_frame=0))
    assert plan.hands["frame"].tolist() == [4]
    assert "turned" in plan.labels.dropped[0].reason


@pytest.mark.trap("labelstudio: the width of a key point is that of its dot")
def test_key_points_are_preferred_and_have_no_extent(dataset: Dataset, tmp_path: Path) -> None:
    task = _task(
        _box("left_hand", 30, 40, id="r1"),
        _in_picture("wrist", "keypoint", x=32, y=42, width=0.5, parent="r1"),
        _in_picture("knuckle", "keypoint", x=36, y=46, width=9, parent="r1"),
        _in_picture("right_centre", "keypoint", x=70, y=50, width=5),
        media="v1_000003.jpg",
    )
    plan = plan_hands(dataset, _save(tmp_path, task), options=HandOptions(first_frame=0))
    assert _percent(plan.hands, "left") == {3: (34, 44)}
    assert _percent(plan.hands, "right") == {3: (70, 50)}


def test_choices_about_a_region_tell_the_side(dataset: Dataset, tmp_path: Path) -> None:
    def side(box: dict, name: str) -> dict:
        value = {k: v for k, v in box["value"].items() if k != "rectanglelabels"}
        return {
            **box,
            "from_name": "side",
            "type": "choices",
            "value": {**value, "choices": [name]},
        }

    first, second = _box("hand", 30, 40, id="a"), _box("hand", 60, 40, id="b")
    results = first, side(first, "left"), second, side(second, "right")
    plan = plan_hands(
        dataset,
        _save(tmp_path, _task(*results, media="v1_000003.jpg")),
        options=HandOptions(first_frame=0),
    )
    assert (_percent(plan.hands, "left"), _percent(plan.hands, "right")) == (
        {3: (40, 45)}, {3: (70, 45)}
    )  # fmt: skip
    assert plan.labels.rows == 4


@pytest.mark.trap("labelstudio: annotations that were skipped do not count, the ground truth does")
def test_of_several_annotations_one_counts(dataset: Dataset, tmp_path: Path) -> None:
    def annotation(number: int, x: float, **said: object) -> dict:
        result = [_box("left", x, 40), _box("right", 60, 40)]
        return {"id": number, "updated_at": f"2025-01-0{number}", "result": result, **said}

    def read(*annotations: dict, predictions: tuple = ()) -> tuple[dict, list[str], list[str]]:
        task = _task(media="v1_000003.jpg", annotations=annotations, predictions=predictions)
        empty = _task(media="v1_000009.jpg", number=2)
        path = _save(tmp_path, task, empty)
        plan = plan_hands(dataset, path, options=HandOptions(first_frame=0))
        return (
            _percent(plan.hands, "left"), [p.reason for p in plan.labels.dropped], plan.labels.notes
        )  # fmt: skip

    # An annotation without a region says that there is no hand.
    left, dropped, _ = read(
        annotation(1, 10), annotation(2, 20), annotation(3, 30, was_cancelled=1)
    )
    assert left == {3: (30, 45), 9: None}
    assert dropped == [
        "task 1: annotation 3 was skipped", "task 1: annotation 1 is not the latest"
    ]  # fmt: skip
    left, dropped, _ = read(annotation(1, 10, ground_truth=True), annotation(2, 20))
    assert left[3] == (20, 45)
    assert dropped == ["task 1: annotation 2 is not the ground truth"]
    left, _, notes = read(annotation(1, 10, was_cancelled=True), predictions=(annotation(2, 20),))
    assert left == {9: None}
    assert "1 tasks have no annotation: left out" in notes
    left, _, notes = read(annotation(1, 10), predictions=(annotation(2, 20),))
    assert left[3] == (20, 45)
    assert "1 tasks have predictions beside an annotation: left out" in notes
    left, dropped, _ = read(predictions=(annotation(1, 10), annotation(2, 20)))
    assert left[3] == (30, 45)
    assert dropped == ["task 1: prediction 1 is not the latest"]


def test_unsure_predictions_are_left_out(dataset: Dataset, tmp_path: Path) -> None:
    results = {**_box("left", 10, 40), "score": 0.4}, {**_box("right", 60, 40), "score": 0.6}
    path = _save(tmp_path, _predicted(*results, media="v1_000003.jpg"))
    hands = plan_hands(dataset, path, options=HandOptions(first_frame=0)).hands
    assert (_percent(hands, "left"), _percent(hands, "right")) == ({3: None}, {3: (70, 45)})
    hands = plan_hands(dataset, path, options=HandOptions(first_frame=0, score=0.3)).hands
    assert _percent(hands, "left") == {3: (20, 45)}
    # A person who took a prediction over is sure of it.
    path = _save(tmp_path, _task(*results, media="v1_000003.jpg"))
    hands = plan_hands(dataset, path, options=HandOptions(first_frame=0)).hands
    assert _percent(hands, "left") == {3: (20, 45)}


@pytest.mark.trap("labelstudio: JSON-MIN has the regions of a task flat beside its fields")
def test_json_min_is_read(dataset: Dataset, tmp_path: Path) -> None:
    def row(number: int, annotation: int | None, x: float) -> dict:
        flat = {"original_width": 160, "original_height": 96}
        boxes = [
            {"x": x, "y": 40, "width": 20, "height": 10, "rotation": 0, **flat,
             "rectanglelabels": ["left"]},
            {"x": 60, "y": 40, "width": 20, "height": 10, "rotation": 0, **flat,
             "rectanglelabels": ["right"]},
        ]  # fmt: skip
        return {
            "image": f"/data/upload/1/ab12cd34-v1_00000{number}.jpg", "id": number, "annotator": 1,
            "annotation_id": annotation, "updated_at": f"2025-01-0{annotation}",
            "lead_time": 3.5, **({} if annotation is None else {"label": boxes}),
        }  # fmt: skip

    path = _save(tmp_path, row(3, 1, 10), row(3, 2, 20), row(4, 3, 30), row(5, None, 0))
    assert guess_format(path, "hands") == "labelstudio"
    plan = plan_hands(dataset, path, options=HandOptions(first_frame=0))
    assert plan.labels.format == "Label Studio JSON-MIN"
    assert _percent(plan.hands, "left") == {3: (30, 45), 4: (40, 45)}
    assert [p.reason for p in plan.labels.dropped] == ["task 3: annotation 1 is not the latest"]
    assert "1 tasks have no annotation: left out" in plan.labels.notes
    timeline = {
        "video": "v1.mp4", "id": 1, "annotator": 1, "annotation_id": 1,
        "tricks": [{"ranges": [{"start": 3, "end": 4}], "timelinelabels": ["take"]}],
    }  # fmt: skip
    plan = plan_actions(dataset, _save(tmp_path, timeline), options=ActionOptions(fps=20))
    assert plan.actions == {"v1": [Segment(2, 4, "take")]}


# ------------------------------------------------------------------------------- hands along videos


@pytest.mark.trap("labelstudio: frames of videos count from 1")
@pytest.mark.trap("labelstudio: of boxes along a video only key frames are stored")
def test_boxes_along_a_video_move_between_key_frames(dataset: Dataset, tmp_path: Path) -> None:
    left = _along("left", (1, 40, 50, True), (5, 60, 30, False))
    right = _along("right", (2, 80, 50, True), (4, 80, 50, False))
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right)))
    assert _percent(plan.hands, "left") == {
        0: (40, 50), 1: (45, 45), 2: (50, 40), 3: (55, 35), 4: (60, 30)
    }  # fmt: skip
    assert _percent(plan.hands, "right") == {
        0: None, 1: (80, 50), 2: (80, 50), 3: (80, 50), 4: None
    }  # fmt: skip


@pytest.mark.trap("labelstudio: a box that is not enabled is there in its frame and not after it")
def test_a_box_ends_where_it_is_not_enabled(dataset: Dataset, tmp_path: Path) -> None:
    left = _along(
        "left", (3, 40, 50, True), (5, 44, 50, False), (8, 60, 50, True), (9, 60, 50, False)
    )
    right = _along("right", (1, 80, 50, False), (10, 80, 50, False))
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right)))
    assert [i for i, at in _percent(plan.hands, "left").items() if at] == [2, 3, 4, 7, 8]
    assert _percent(plan.hands, "left")[4] == (44, 50)
    assert [i for i, at in _percent(plan.hands, "right").items() if at] == [0, 9]
    assert plan.hands["frame"].tolist() == list(range(10))


@pytest.mark.trap("labelstudio: a last key frame that is enabled lasts to framesCount")
def test_a_box_lasts_to_the_end(dataset: Dataset, tmp_path: Path) -> None:
    left, right = _along("left", (38, 40, 50, True)), _along("right", (36, 80, 50, False))
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right)))
    assert _percent(plan.hands, "left") == {
        35: None, 36: None, 37: (40, 50), 38: (40, 50), 39: (40, 50)
    }  # fmt: skip
    # 24 times the length of the sound, say: frames that the video does not have.
    left = _along("left", (38, 40, 50, True), frames=45)
    assert plan_hands(dataset, _save(tmp_path, _task(left, right))).hands["frame"].max() == 39


@pytest.mark.trap("labelstudio: framesCount is that of the rate that was set, not the video's")
def test_another_rate_is_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    left = _along("left", (1, 40, 50, True), (25, 40, 50, False), fps=24)
    right = _along("right", (1, 80, 50, True), (2, 80, 50, False), fps=24)
    path = _save(tmp_path, _task(left, right))
    with pytest.raises(LabelError, match="counts 24 frames a second, but video 'v1'") as caught:
        plan_hands(dataset, path)
    assert "--fps 24" in (caught.value.hint or "")
    assert "--fps video" in (caught.value.hint or "")
    plan = plan_hands(dataset, path, options=HandOptions(fps=24))
    # The 25th frame of 24 a second is shown from 1.0 s on, as the 21st of 20 is.
    assert plan.hands["frame"].tolist() == list(range(21))
    plan = plan_hands(dataset, path, options=HandOptions(fps="video"))
    assert plan.hands["frame"].tolist() == list(range(25))


@pytest.mark.parametrize(("frames", "duration"), [(30, 1.001), (31, 1.01), (40, 4 / 3 + 0.02)])
def test_the_rate_is_told_although_frames_are_rounded(
    dataset: Dataset, tmp_path: Path, frames: int, duration: float
) -> None:
    right = _along("right", (1, 80, 50, True), (2, 80, 50, False))
    left = _along("left", (1, 40, 50, True), (9, 40, 50, False))
    for region in (left, right):
        region["value"] |= {"framesCount": frames, "duration": duration}
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right, media="v2.cam.mp4")))
    assert plan.hands["frame"].tolist() == list(range(9))


def test_boxes_without_an_extent_or_a_place_are_none(dataset: Dataset, tmp_path: Path) -> None:
    left = _along("left", (1, 40, 50, True), (3, 40, 50, True), (5, 40, 50, False))
    left["value"]["sequence"][1] |= {"width": 0, "height": 0}
    right = _along("right", (1, 80, 50, True), (5, 80, 50, False))
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right)))
    assert [i for i, at in _percent(plan.hands, "left").items() if at] == [0, 1, 4]
    # A turn in a video cannot be undone without its size.
    left["value"]["sequence"][1] |= {"width": 20, "height": 10, "rotation": 30}
    plan = plan_hands(dataset, _save(tmp_path, _task(left, right)))
    assert plan.hands["frame"].tolist() == [0, 4]
    assert "frame 3: is turned in a video" in plan.labels.dropped[0].reason


def test_pictures_and_videos_in_one_file_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    picture = _task(_box("left", 10, 40), media="v1_000003.jpg", number=2)
    path = _save(tmp_path, _task(_along("left", (1, 40, 50, False))), picture)
    with pytest.raises(LabelError, match="tasks of videos, and of pictures"):
        plan_hands(dataset, path)


# ------------------------------------------------------------------------------------------ actions


@pytest.mark.trap("labelstudio: ranges are frames from 1 with the last one included")
def test_ranges_count_from_one(dataset: Dataset, tmp_path: Path) -> None:
    results = (
        _range("take", 1, 10), _range("turn screw", 11, 20), _range("take", 25, 25),
        _range("put", 38, None),
    )  # fmt: skip
    path = _save(tmp_path, _task(*results))
    assert guess_format(path, "actions") == "labelstudio"
    plan = plan_actions(dataset, path, options=ActionOptions(fps="video"))
    assert plan.actions == {
        "v1": [
            Segment(0, 10, "take"), Segment(10, 20, "turn screw"), Segment(24, 25, "take"),
            Segment(37, 40, "put"),
        ]
    }  # fmt: skip
    assert plan.labels.units == "frames, 1-based, end included"


@pytest.mark.trap("labelstudio: the rate of ranges is that of the tag, 24 by default, and not said")
def test_the_rate_of_ranges_is_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    path = _save(tmp_path, _task(_range("take", 1, 24)))
    with pytest.raises(LabelError, match="at how many frames a second it counts") as caught:
        plan_actions(dataset, path)
    assert "--fps 24" in (caught.value.hint or "")
    plan = plan_actions(dataset, path, options=ActionOptions(fps=24))
    assert plan.actions == {"v1": [Segment(0, 20, "take")]}


def test_a_box_in_the_same_task_tells_the_rate(dataset: Dataset, tmp_path: Path) -> None:
    box = _along("left", (1, 40, 50, False))
    path = _save(tmp_path, _task(_range("take", 1, 30), box))
    assert plan_actions(dataset, path).actions == {"v1": [Segment(0, 30, "take")]}
    path = _save(tmp_path, _task(_range("take", 1, 24), _along("left", (1, 40, 50, False), fps=24)))
    with pytest.raises(LabelError, match="counts 24 frames a second, but video 'v1' has 20"):
        plan_actions(dataset, path)


@pytest.mark.trap("labelstudio: variable rates are not known to it, so seconds are what counts")
def test_frames_at_another_rate_go_through_the_time_stamps(
    dataset: Dataset, tmp_path: Path
) -> None:
    # Frame 4 of `late` begins at 260 ms, frame 9 at 500 ms.
    path = _save(tmp_path, _task(_range("take", 27, 50), media="late.mkv"))
    plan = plan_actions(dataset, path, options=ActionOptions(fps=100))
    assert plan.actions == {"late": [Segment(4, 8, "take")]}


@pytest.mark.trap("labelstudio: older templates have start and end in seconds")
def test_labels_of_older_templates_are_seconds(dataset: Dataset, tmp_path: Path) -> None:
    result = {
        "id": "a", "from_name": "label", "to_name": "audio", "type": "labels",
        "value": {"start": 0.5, "end": 1.25, "channel": 0, "labels": ["take"]},
    }  # fmt: skip
    plan = plan_actions(dataset, _save(tmp_path, _task(result)))
    assert plan.actions == {"v1": [Segment(10, 25, "take")]}
    assert "seconds" in plan.labels.units
    with pytest.raises(LabelError, match="ranges of frames, and intervals in seconds"):
        plan_actions(dataset, _save(tmp_path, _task(result, _range("put", 1, 2))))


@pytest.mark.trap("labelstudio: the length is rounded up, with the sound's tail")
def test_the_last_frames_may_be_of_the_sound(dataset: Dataset, tmp_path: Path) -> None:
    path = _save(tmp_path, _task(_range("take", 31, 42)))
    plan = plan_actions(dataset, path, options=ActionOptions(fps=20))
    assert plan.actions == {"v1": [Segment(30, 40, "take")]}
    path = _save(tmp_path, _task(_range("take", 31, 80)))
    with pytest.raises(LabelError, match="beyond the end of video 'v1'"):
        plan_actions(dataset, path, options=ActionOptions(fps=20))


def test_the_control_of_the_actions_can_be_said(dataset: Dataset, tmp_path: Path) -> None:
    quality = _range("blurred", 1, 40, from_name="quality")
    path = _save(tmp_path, _task(_range("take", 3, 5), quality))
    options = ActionOptions(fps="video", column="actions")
    plan = plan_actions(dataset, path, options=options)
    assert plan.actions == {"v1": [Segment(2, 5, "take")]}
    assert [p.reason for p in plan.labels.dropped] == ["task 1, region blurred-1: has no label"]
    with pytest.raises(LabelError, match="no labels of a control 'x'"):
        plan_actions(dataset, path, options=ActionOptions(column="x"))


def test_a_video_in_which_nothing_happens_is_labelled(dataset: Dataset, tmp_path: Path) -> None:
    tasks = (
        _task(_range("take", 3, 5)), _task(media="late.mkv", number=2),
        _task(media="v2.cam.mp4", number=3, annotations=[]),
    )  # fmt: skip
    plan = plan_actions(dataset, _save(tmp_path, *tasks), options=ActionOptions(fps="video"))
    assert plan.labels.labelled == {"v1", "late"}
    assert "1 tasks have no annotation: left out" in plan.labels.notes


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"a": 1}, "is not of Label Studio: task 1 has neither annotations nor data"),
        (3, "its tasks are not objects"),
        (_task(annotations=[{"result": 5}]), "task 1: result is not a list"),
        (_task({**_range("a", 1, 2), "value": 3}), "task 1: has a result without a value"),
        (_task(_range("a", 1, "x")), "region a-1: end is not a number"),
        (_task(_range("a", None, 3)), "region a-None: start is not a number"),
        (_task(_range("a", 10**11, 10**11 + 5)), "beyond the end of video 'v1'"),
        (_task(_range("", 1, 5)), "the label is empty"),
    ],
)
def test_bad_tasks_are_named(dataset: Dataset, tmp_path: Path, task: object, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        plan_actions(
            dataset,
            _save(tmp_path, task),
            format="labelstudio",
            options=ActionOptions(fps="video"),
        )


def test_bad_boxes_are_named(dataset: Dataset, tmp_path: Path) -> None:
    for key, value, message in (
        ("frame", "x", "frame is not a number"),
        ("x", None, "x is not a number"),
        ("width", [], "width is not a number"),
    ):
        left = _along("left", (1, 40, 50, True))
        left["value"]["sequence"][0][key] = value
        with pytest.raises(LabelError, match=rf"export\.json: task 1, region left-1.*{message}"):
            plan_hands(dataset, _save(tmp_path, _task(left)))
    left = _along("left", (1, 40, 50, True), (10**11, 40, 50, True), frames=10**11)
    path = _save(tmp_path, _task(left, _along("right", (1, 40, 50, True))))
    with pytest.raises(LabelError, match="has a hand in frame"):
        plan_hands(dataset, path, options=HandOptions(fps="video"))


# ------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize("seed", range(5))
def test_written_hands_come_back(tmp_path: Path, seed: int) -> None:
    hands = random_hands(seed)
    root = make_dataset(tmp_path, hands=hands.to_csv(index=False, header=False))
    dataset = read_dataset(root)
    export = hand_export(dataset)
    (tmp_path / "hands.json").write_text(export_hands(export, "labelstudio")["hands.json"])
    assert 'frameRate="$fps"' in export.notes[0]
    plan = plan_hands(dataset, tmp_path / "hands.json")
    import_hands(dataset, plan, replace=True)
    back = read_dataset(root).hands
    pd.testing.assert_frame_equal(back, hands, check_dtype=False, atol=2e-6)


@pytest.mark.parametrize("seed", range(5))
def test_written_actions_come_back(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = ""
    for name, frames in VIDEOS.items():
        cuts = sorted(rng.choice(frames + 1, 6, replace=False))
        for start, end in zip(cuts[::2], cuts[1::2], strict=True):
            rows += f"{name},{start},{end},{rng.choice(['take', 'turn screw', 'background'])}\n"
    dataset = read_dataset(make_dataset(tmp_path, actions=rows))
    path = tmp_path / "actions.json"
    path.write_text(export_actions(action_export(dataset), "labelstudio")["actions.json"])
    expected = {
        name: [s for s in segments if s.action != "background"]
        for name, segments in dataset.actions.items()
    }
    assert plan_actions(dataset, path).actions == {k: v for k, v in expected.items() if v}


def test_what_is_written_is_a_prediction_with_its_rate(tmp_path: Path) -> None:
    table = tmp_path / "v1.segments.csv"
    table.write_text(
        "video,start_frame,end_frame,action,confidence\nv1,0,10,take,0.75\nv1,10,40,background,1\n"
        "late,3,4,take,0.5\n"
    )
    dataset = read_dataset(make_dataset(tmp_path))
    text = export_actions(action_export(dataset, table), "labelstudio")["actions.json"]
    v1, late = sorted(json.loads(text), key=lambda task: task["data"]["fps"])
    assert v1["data"] == {"video": "v1.mp4", "fps": 20}
    (prediction,) = v1["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("handact", 0.75)
    (result,) = prediction["result"]
    assert (result["from_name"], result["to_name"]) == ("actions", "video")
    assert (result["type"], result["score"]) == ("timelinelabels", 0.75)
    assert result["value"] == {"ranges": [{"start": 1, "end": 10}], "timelinelabels": ["take"]}
    # 120 to 260 ms, in frames that tell those of the variable rate apart.
    assert late["data"]["fps"] == 100
    assert late["predictions"][0]["result"][0]["value"]["ranges"] == [{"start": 13, "end": 26}]


def test_what_a_person_corrected_has_the_rate_of_the_tag(tmp_path: Path) -> None:
    """Whether it was set to what we asked for, nobody knows."""
    dataset = read_dataset(make_dataset(tmp_path, actions="v1,0,10,take\n"))
    (task,) = json.loads(export_actions(action_export(dataset), "labelstudio")["actions.json"])
    task["annotations"] = [{"id": 1, "result": task["predictions"][0]["result"]}]
    with pytest.raises(LabelError, match="at how many frames a second it counts"):
        plan_actions(dataset, _save(tmp_path, task))
