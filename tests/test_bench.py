"""The made-up bench (`handact.bench`): exact truth, and classes that are as hard as they should be.

What a network must find is measured on the drawn pictures; what the script promises, on the plan.
"""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from handact.bench import BACKGROUND, CLASSES, Scene, plan_video, write_dataset, write_video
from handact.bench.drawing import Look, draw_moment, project
from handact.bench.script import Moment
from handact.dataset import read_dataset
from handact.errors import LabelError
from handact.labels import Segment


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """The training videos of `write_dataset(folder, seed=0)`, planned and not drawn."""
    return [plan_video(f"train-{i + 1}", seed=(0, 0, i)) for i in range(22)]


def _segments(scenes: list[Scene], *actions: str) -> list[tuple[Scene, Segment]]:
    return [(scene, s) for scene in scenes for s in scene.truth.segments if s.action in actions]


def _movement(scene: Scene, segment: Segment) -> list[Moment]:
    """Return the action's own movement, without the way to it and the way back."""
    moments = scene.moments[segment.start_frame : segment.end_frame]
    return [m for m in moments if m.progress is not None]


def _plain(look: Look) -> Look:
    """The same bench under even light, without noise, with hands of magenta."""
    return replace(
        look, skin=(200, 0, 200), sleeve=(0, 90, 0), bench=(150, 150, 150), noise=0.0,
        gain=(1.0, 1.0, 1.0), gradient=(0.0, 0.0), drift=(0.0, 100.0),
    )  # fmt: skip


def _is_magenta(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return (abs(red - blue) < 8) & (red > 100) & (green < 8)


def _shrink(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(float)


def _cut_out(picture: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Return the 48 x 48 cut-out of 0.28 of the short side, shifted back inside."""
    height, width = picture.shape[:2]
    half = round(0.14 * height)
    x, y = np.clip((palm * [width, height]).astype(int), half, [width - half, height - half])
    return _shrink(picture[y - half : y + half, x - half : x + half], 48, 48)


def test_one_seed_one_video() -> None:
    first, again, other = (plan_video("a", seed=seed, seconds=6) for seed in (5, 5, 6))
    assert first.truth.segments == again.truth.segments
    np.testing.assert_array_equal(first.truth.hands, again.truth.hands)
    forwards = [first.draw(frame) for frame in (0, 30, 59)]
    backwards = [again.draw(frame) for frame in (59, 30, 0)]
    for a, b in zip(forwards, reversed(backwards), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first.draw(30) != other.draw(30)).any()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 180), (540, 960)])
def test_pictures_have_the_size_that_was_asked_for(width: int, height: int) -> None:
    picture = plan_video("a", seed=0, seconds=2, width=width, height=height).draw(3)
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_segments_lie_inside_without_overlap(scenes: list[Scene]) -> None:
    for scene in scenes:
        truth = scene.truth
        assert truth.num_frames == 250 == len(scene.moments)
        assert all(a.end_frame <= b.start_frame for a, b in pairwise(truth.segments))
        assert truth.segments[-1].end_frame <= truth.num_frames
        assert BACKGROUND not in {s.action for s in truth.segments}


def test_every_action_occurs_often_and_in_changing_order(scenes: list[Scene]) -> None:
    counts = Counter(s.action for scene in scenes for s in scene.truth.segments)
    assert set(counts) == set(CLASSES[1:])
    assert min(counts.values()) >= 8
    assert len({tuple(s.action for s in scene.truth.segments) for scene in scenes}) == len(scenes)


def test_durations_spread(scenes: list[Scene]) -> None:
    for action in CLASSES[1:]:
        whole = [(v, s) for v, s in _segments(scenes, action) if s.end_frame < v.truth.num_frames]
        seconds = np.array([len(s) for _, s in whole]) / 10
        assert seconds.min() >= 1.5
        assert seconds.max() <= 3.5
        assert seconds.max() > 1.3 * seconds.min(), action


def test_hands_are_absent_now_and_then(scenes: list[Scene]) -> None:
    number = np.concatenate([scene.truth.hands[..., 0].sum(axis=1) for scene in scenes])
    assert 0.08 < (number < 2).mean() < 0.25
    assert (number == 0).any()


def test_absent_hands_have_no_position(scenes: list[Scene]) -> None:
    hands = np.concatenate([scene.truth.hands for scene in scenes])
    present = hands[..., 0] == 1
    assert set(np.unique(hands[..., 0])) == {0.0, 1.0}
    assert np.isnan(hands[~present][:, 1:]).all()
    assert ((hands[present][:, 1:] >= 0) & (hands[present][:, 1:] < 1)).all()


def test_palms_are_drawn_where_the_truth_says(scenes: list[Scene]) -> None:
    """A disc of 30 of the palm's 34 x 38 bench pixels: a shift of some 5 pixels would fail."""
    checked = 0
    for scene in scenes[:4]:
        look = _plain(scene.look)
        for frame in range(7, 250, 53):
            moment = scene.moments[frame]
            if np.linalg.norm(moment.left.at - moment.right.at) < 200:
                continue  # one hand may hide the other
            skin = _is_magenta(draw_moment(look, moment, 0))
            for present, x, y in scene.truth.hands[frame]:
                if not present or y > 0.93:
                    continue
                disc = np.zeros(skin.shape, np.uint8)
                centre = (round(x * look.width), round(y * look.height))
                cv2.circle(disc, centre, round(30 * look.scale), 1, -1)
                assert skin[disc == 1].mean() > 0.97, (scene.truth.name, frame)
                checked += 1
    assert checked > 20


def test_left_is_the_persons_left(scenes: list[Scene]) -> None:
    """Seen from above the shoulders; when both hands turn the product they may come close."""
    for scene in scenes:
        hands = scene.truth.hands
        assert np.nanmean(hands[:, 0, 1]) < 0.5 < np.nanmean(hands[:, 1, 1])
        assert (hands[:, 0, 1] > hands[:, 1, 1]).mean() < 0.1


def test_a_pin_is_seen_in_the_cut_out_and_little_of_it_in_the_frame(scenes: list[Scene]) -> None:
    """The frame at 64 pixels changes by less than its noise, the cut-out plainly at the tip."""
    pins = _segments(scenes[:6], "insert red pin", "insert blue pin")
    assert len({s.action for _, s in pins}) == 2
    for scene, segment in pins[::3]:
        frame = (segment.start_frame + segment.end_frame) // 2
        moment = scene.moments[frame]
        red, noisy, blue = (
            draw_moment(scene.look, replace(moment, right=replace(moment.right, holds=held)), at)
            for held, at in (("red pin", frame), ("red pin", frame + 1), ("blue pin", frame))
        )
        changed = (red != blue).any(axis=-1)
        assert 60 < changed.sum() < 600  # source pixels
        small = [_shrink(picture, 114, 64) for picture in (red, noisy, blue)]
        assert abs(small[0] - small[2]).mean() < abs(small[0] - small[1]).mean()
        palm = scene.truth.hands[frame, 1, 1:]
        detail = abs(_cut_out(red, palm) - _cut_out(blue, palm)).max(axis=-1)
        assert (detail > 80).sum() >= 6  # of 48 x 48


def test_insertions_differ_in_nothing_but_the_pin(scenes: list[Scene]) -> None:
    paths = {
        pin: np.array([
            m.right.at
            for v, s in _segments(scenes, f"insert {pin} pin")
            for m in _movement(v, s)
        ])
        for pin in ("red", "blue")
    }  # fmt: skip
    np.testing.assert_allclose(paths["red"].mean(0), paths["blue"].mean(0), atol=8)
    np.testing.assert_allclose(paths["red"].std(0), paths["blue"].std(0), atol=6)


def _mean_path(scenes: list[Scene], action: str) -> np.ndarray:
    """Return (9, 4): place, turn and tool angle of the right hand along an action, on average."""
    paths = []
    for scene, s in _segments(scenes, action):
        if s.end_frame == scene.truth.num_frames:
            continue  # cut off by the end of the video
        poses = [m.right for m in _movement(scene, s)]
        values = np.array([[*p.at, p.turn, p.tool_angle] for p in poses])
        u = np.linspace(0, 1, len(values))
        paths.append([np.interp(np.linspace(0, 1, 9), u, column) for column in values.T])
    return np.mean(paths, axis=0).T


@pytest.mark.parametrize(
    ("forwards", "backwards"), [("take part", "put back part"), ("tighten nut", "loosen nut")]
)
def test_reversed_pair(scenes: list[Scene], forwards: str, backwards: str) -> None:
    """Same poses in reversed order, the same thing in the hand, and far from symmetric in time."""
    a, b = _mean_path(scenes, forwards), _mean_path(scenes, backwards)
    assert abs(a - b[::-1]).max() < 16
    assert abs(a - b).max() > 100
    held = [
        {m.right.holds for v, s in _segments(scenes, action)
         for m in v.moments[s.start_frame : s.end_frame]}
        for action in (forwards, backwards)
    ]  # fmt: skip
    assert held[0] == held[1]
    assert len(held[0]) == 1


def test_videos_differ_in_look(scenes: list[Scene]) -> None:
    looks = [scene.look for scene in scenes]
    for values in ("skin", "sleeve", "bench", "gain", "gradient", "noise"):
        assert len({getattr(look, values) for look in looks}) == len(looks), values
    middles = [project(look, np.array([640.0, 360.0])) for look in looks]
    assert np.std(middles, axis=0).min() > 3


def test_a_written_pin_keeps_its_colour(tmp_path: Path, scenes: list[Scene]) -> None:
    """Coding halves the resolution of colour: a tip of eight pixels must come through."""
    for action, stronger in (("insert red pin", 0), ("insert blue pin", 2)):
        scene, s = _segments(scenes, action)[0]
        frames = list(range(s.start_frame, s.start_frame + 4))
        truth = replace(scene.truth, hands=scene.truth.hands[frames], segments=())
        part = replace(scene, truth=truth, moments=[scene.moments[f] for f in frames])
        write_video(tmp_path / "a.mp4", part)
        capture = cv2.VideoCapture(str(tmp_path / "a.mp4"))
        read = [capture.read()[1][..., ::-1] for _ in frames]
        capture.release()
        cut = _cut_out(read[2], truth.hands[2, 1, 1:])
        tip = cut[..., stronger] - cut[..., 2 - stronger]
        assert tip.max() > 80, action


def test_write_dataset_makes_an_ordinary_folder(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    size = {"seconds": 6, "width": 160, "height": 90}
    write_dataset(
        tmp_path, seed=3, train=2, val=1, test=1, **size,
        on_progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    dataset = read_dataset(tmp_path)
    assert list(dataset.videos) == ["train-1", "train-2", "val-1", "test-1"]
    assert told[-1] == (240, 240)
    rows = (tmp_path / "hands.csv").read_text().splitlines()
    assert rows[0] == "video,frame,left_x,left_y,right_x,right_y"
    assert len(rows) == 1 + 4 * 12  # every fifth of 60 frames
    truth = plan_video("val-1", seed=(3, 1, 0), **size).truth
    written = [
        line.split(",")[1:]
        for line in (tmp_path / "actions.csv").read_text().splitlines()
        if line.startswith("val-1,")
    ]
    assert written == [[str(s.start_frame), str(s.end_frame), s.action] for s in truth.segments]


def test_write_dataset_keeps_videos_that_are_there(tmp_path: Path) -> None:
    size = {"train": 2, "val": 0, "test": 0, "seconds": 2, "width": 160, "height": 90}
    write_dataset(tmp_path, **size)
    first, second = (tmp_path / "videos" / f"train-{i}.mp4" for i in (1, 2))
    before = first.stat().st_mtime_ns
    second.unlink()
    write_dataset(tmp_path, **size)
    assert first.stat().st_mtime_ns == before
    assert second.exists()


def test_write_dataset_keeps_what_a_person_changed(tmp_path: Path) -> None:
    size = {"train": 1, "val": 0, "test": 0, "seconds": 2, "width": 160, "height": 90}
    write_dataset(tmp_path, **size)
    actions = tmp_path / "actions.csv"
    actions.write_text("video,start_frame,end_frame,action\ntrain-1,1,9,wipe bench\n")
    before = actions.read_bytes()
    write_dataset(tmp_path, **size)
    assert actions.read_bytes() == before


def test_write_dataset_refuses_the_folder_of_another(tmp_path: Path) -> None:
    """The videos are kept, so the labels of another seed would be wrong without a word."""
    size = {"train": 1, "val": 0, "test": 0, "seconds": 2, "width": 160, "height": 90}
    write_dataset(tmp_path, seed=0, **size)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    with pytest.raises(LabelError, match="another dataset"):
        write_dataset(tmp_path, seed=1, **size)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "actions.csv").write_text("a person's\n")
    with pytest.raises(LabelError, match="not empty"):
        write_dataset(theirs, **size)
