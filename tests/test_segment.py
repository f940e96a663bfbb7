"""The windows engine and what `segment` leaves: every frame labelled, whatever the batch."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from videos import damage, make_video

from handact.align import align_frames
from handact.alignment import cutout_boxes
from handact.config import AlignConfig, SegmentConfig
from handact.data.aligned import AlignedCache, AlignedFrame, write_aligned
from handact.engine import ActionModel, load_action_model, run_windows
from handact.errors import CheckpointError, VideoError
from handact.outputs import clean_scores
from handact.sampling import clip_frames
from handact.scores import Scores
from handact.segment import score_video, segment_videos
from handact.video import Frame, FrameStream, scan_video

CONFIG = SegmentConfig(batch_size=7)


@pytest.fixture(scope="session")
def model(trained: Path) -> ActionModel:
    return load_action_model(trained / "runs" / "action" / "best.pt", torch.device("cpu"))


def _frames(number: int, size: tuple[int, int] = (96, 64)) -> list[Frame]:
    rng = np.random.default_rng(0)
    return [
        Frame(i, i / 10, rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
        for i in range(number)
    ]


@pytest.mark.parametrize("number", [1, 2, 5, 23])
@pytest.mark.parametrize("window_stride", [1, 4, 50])
def test_windows_stand_where_they_should(
    model: ActionModel, number: int, window_stride: int
) -> None:
    """In order, none twice, the last frame among them, in videos shorter than a window too."""
    config = replace(CONFIG, window_stride=window_stride)
    aligned = align_frames(_frames(number), model.align, model.localizer, fps=10.0)
    centers = [center for center, _ in run_windows(model, aligned, config)]
    assert centers == sorted({*range(0, number, window_stride), number - 1})


def test_a_window_is_its_frames(model: ActionModel) -> None:
    """Each window's probabilities are those of its clip, put together by hand and run alone."""
    aligned = list(align_frames(_frames(20), model.align, model.localizer, fps=10.0))
    results = dict(run_windows(model, iter(aligned), CONFIG))
    seconds = np.array([frame.seconds for frame in aligned])
    for center in (0, 9, 19):
        frames = [aligned[i] for i in clip_frames(center, model.offsets, seconds)]
        clip = [replace(frame, index=i, seconds=i * 1.0) for i, frame in enumerate(frames)]
        # Three frames of one clip, so far apart in time that the middle window is just the clip.
        offsets = np.arange(len(clip)) - len(clip) // 2
        alone = _with_offsets(model, offsets.astype(float))
        expected = dict(run_windows(alone, iter(clip), CONFIG))[len(clip) // 2]
        np.testing.assert_allclose(results[center], expected, atol=1e-5)


@pytest.mark.parametrize("window_stride", [1, 20])
def test_frames_are_let_go(model: ActionModel, window_stride: int) -> None:
    """Windows that stand further apart than they are long must not keep what lies between."""
    alive: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
    most = 0

    def feed() -> Iterator[AlignedFrame]:
        nonlocal most
        for frame in align_frames(_frames(200), model.align, model.localizer, fps=10.0):
            cutouts = frame.cutouts.copy()
            alive[frame.index] = cutouts
            most = max(most, len(alive))
            yield replace(frame, cutouts=cutouts)

    for _ in run_windows(model, feed(), replace(CONFIG, window_stride=window_stride)):
        pass
    batch = 2 * CONFIG.batch_size * len(model.offsets)  # windows wait for others to run with
    assert most <= np.ptp(model.offsets) * 10 + 4 + batch


def _with_offsets(model: ActionModel, offsets: np.ndarray) -> ActionModel:
    class _Fixed(ActionModel):
        @property
        def offsets(self) -> np.ndarray:
            return offsets

    return _Fixed(**{name: getattr(model, name) for name in ActionModel.__dataclass_fields__})


@pytest.mark.parametrize("batch_size", [1, 64])
def test_batch_size_changes_no_label(model: ActionModel, trained: Path, batch_size: int) -> None:
    video = trained / "videos" / "test-1.mp4"
    config = replace(CONFIG, window_stride=3)
    one = score_video(model, video, config)
    other = score_video(model, video, replace(config, batch_size=batch_size))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-4)
    assert (one.probabilities.argmax(1) == other.probabilities.argmax(1)).all()
    np.testing.assert_allclose(one.hands, other.hands, atol=1e-4)


def test_probabilities_between_windows_are_interpolated(model: ActionModel, trained: Path) -> None:
    video = trained / "videos" / "test-1.mp4"
    every = score_video(model, video, CONFIG)
    fourth = score_video(model, video, replace(CONFIG, window_stride=4))
    assert fourth.probabilities.shape == every.probabilities.shape
    np.testing.assert_allclose(fourth.probabilities[::4], every.probabilities[::4], atol=1e-4)
    np.testing.assert_allclose(fourth.probabilities.sum(1), 1, atol=1e-4)


def test_aligning_in_pieces_is_aligning_at_once(model: ActionModel) -> None:
    frames = _frames(40)
    config = replace(model.align, bridge_seconds=0.4, smooth_seconds=0.3, every=3)
    tracks = [
        [f.hands for f in align_frames(frames, config, model.localizer, fps=10.0, batch_size=b)]
        for b in (1, 5, 40)
    ]
    for track in tracks[1:]:
        np.testing.assert_allclose(np.stack(track), np.stack(tracks[0]), atol=1e-5)


def test_a_cutout_is_the_full_resolution_around_the_hand() -> None:
    """With hands where a localiser says, the cut-out shows those source pixels, unscaled."""

    class _Localizer:
        input_size = 8
        source = "test"

        def detect(self, squares: list[np.ndarray]) -> np.ndarray:
            return np.tile([[1, 0.25, 0.5], [0, 0, 0]], (len(squares), 1, 1)).astype(float)

    config = AlignConfig(short_side=32, cutout=(16, 16), cutout_input=16)
    frame = _frames(1)[0]
    aligned = next(align_frames([frame], config, _Localizer(), fps=10.0))
    left, top, width, height = cutout_boxes(np.array([0.25, 0.5]), 96, 64, (16, 16))
    assert (left, top, width, height) == (16, 24, 16, 16)
    np.testing.assert_array_equal(aligned.cutouts[0], frame.image[24:40, 16:32])
    assert not aligned.cutouts[1].any()
    assert aligned.scaled.shape == (32, 48, 3)


def test_segment_leaves_what_the_design_says(run_folder: Path) -> None:
    lines: list[str] = []
    (result,) = segment_videos([], CONFIG, dataset=run_folder, overlay=True, log=lines.append)
    folder = run_folder / "runs" / "action" / "segments"
    names = ("segments.csv", "scores.npz", "timeline.png", "overlay.mp4")
    assert {p.name for p in folder.iterdir()} == {f"test-1.{name}" for name in names}
    table = pd.read_csv(result.table)
    assert list(table) == [
        "video", "start_frame", "end_frame", "start_seconds", "end_seconds", "action",
        "confidence",
    ]  # fmt: skip
    assert table["start_frame"].iloc[0] == 0
    assert table["end_frame"].iloc[-1] == 80
    assert (table["start_frame"].iloc[1:].to_numpy() == table["end_frame"].iloc[:-1]).all()
    assert table["end_seconds"].iloc[-1] == pytest.approx(8.0)
    assert table["confidence"].between(0, 1).all()
    with FrameStream(folder / "test-1.overlay.mp4") as overlay:
        assert sum(1 for _ in overlay) == 80
    assert lines[0].startswith("test-1: 80 frames")


def test_scores_read_back_and_are_used_again(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment_videos(["test-1"], CONFIG, dataset=run_folder)
    path = run_folder / "runs" / "action" / "segments" / "test-1.scores.npz"
    scores = Scores.load(path)
    assert scores.probabilities.shape == (80, 10)
    assert scores.hands.shape == (80, 2, 3)
    before = path.stat().st_mtime_ns
    monkeypatch.setattr("handact.segment.score_video", lambda *_, **__: pytest.fail("ran again"))
    segment_videos(["test-1"], replace(CONFIG, cleaning="none"), dataset=run_folder)
    assert path.stat().st_mtime_ns == before


def test_scores_of_another_checkpoint_are_not_used(run_folder: Path) -> None:
    segment_videos(["test-1"], CONFIG, dataset=run_folder)
    path = run_folder / "runs" / "action" / "segments" / "test-1.scores.npz"
    old = Scores.load(path).made_by
    checkpoint = run_folder / "runs" / "action" / "best.pt"
    checkpoint.write_bytes((run_folder / "runs" / "action" / "last.pt").read_bytes())
    segment_videos(["test-1"], CONFIG, dataset=run_folder)
    assert Scores.load(path).made_by["checkpoint"] != old["checkpoint"]


def test_the_output_names_what_is_lost(model: ActionModel, tmp_path: Path) -> None:
    """By the words that `init` and `check` have for it."""
    video = make_video(tmp_path / "v.mp4", 45, fps=30, options={"g": "12", "bf": "0"})
    damage(video, [20])
    scores = score_video(model, video, replace(CONFIG, window_stride=9))
    assert scores.damage == scan_video(video).problem()
    assert scores.damage.startswith("1 damaged packet skipped: gap of 0.03 s after frame 19 (0.63")
    assert len(scores.seconds) == 44
    assert scores.seconds[-1] == pytest.approx(44 / 30)


def test_a_checkpoint_and_a_video_are_enough(trained: Path, tmp_path: Path) -> None:
    """Far from any dataset; with a video of another rate, shape and length."""
    checkpoint = tmp_path / "alone.pt"
    checkpoint.write_bytes((trained / "runs" / "action" / "best.pt").read_bytes())
    video = make_video(tmp_path / "a b 'ü.mp4", 45, fps=30)
    (result,) = segment_videos(
        [str(video)], CONFIG, checkpoint=checkpoint, dataset=tmp_path, output=tmp_path / "out"
    )
    assert result.table == tmp_path / "out" / "a b 'ü.segments.csv"
    assert result.segments[-1].end_frame == 45


def test_cleaning_obeys_the_settings(model: ActionModel, trained: Path) -> None:
    scores = score_video(model, trained / "videos" / "test-1.mp4", CONFIG)
    whole = clean_scores(scores, replace(CONFIG, cutoff_seconds=100.0))
    assert len(whole) == 1
    raw = clean_scores(scores, replace(CONFIG, cleaning="none"))
    assert len(raw) >= len(clean_scores(scores, CONFIG))


def test_wrong_input(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"nowhere\.mp4: no such file"):
        segment_videos(["nowhere.mp4"], CONFIG, dataset=run_folder)
    with pytest.raises(VideoError, match="no video given"):
        segment_videos([], CONFIG, dataset=tmp_path)
    hands = run_folder / "runs" / "hands" / "best.pt"
    with pytest.raises(CheckpointError, match="a checkpoint of `train-hands`"):
        segment_videos(["test-1"], CONFIG, dataset=run_folder, checkpoint=hands)
    copy = tmp_path / "test-1.mp4"
    copy.write_bytes((run_folder / "videos" / "test-1.mp4").read_bytes())
    with pytest.raises(VideoError, match="two videos would both be written as test-1"):
        segment_videos(["test-1", str(copy)], CONFIG, dataset=run_folder)


def test_a_black_frame_is_a_picture_too(tmp_path: Path) -> None:
    """A video may begin or cut to black; only the cut-outs of absent hands are left out."""
    black = np.zeros((64, 96, 3), np.uint8)
    frames = [Frame(i, i / 10, black) for i in range(3)]
    aligned = list(align_frames(frames, AlignConfig(short_side=32), None, fps=10.0))
    hands = np.full((2, 3), 0.5)
    boxes = np.array([[0, 0, 32, 32], [0, 0, 0, 0]])
    aligned = [replace(a, cutouts=np.zeros((2, 8, 8, 3), np.uint8), hands=hands, boxes=boxes)
               for a in aligned]  # fmt: skip
    write_aligned(tmp_path, "v", aligned, {}, jpeg_quality=95)
    cache = AlignedCache(tmp_path, "v")
    assert cache.frame(2).shape == (32, 48, 3)
    assert cache.cutout(2, 0).shape == (8, 8, 3)
    assert cache.cutout(2, 1) is None


def test_every_nth_frame_is_looked_at_and_the_last(model: ActionModel) -> None:
    """Between two looks hands are interpolated, and behind the last multiple of `every` as well."""
    config = replace(model.align, every=4, smooth_seconds=0.0)
    seen: list[int] = []

    class _Everywhere:
        input_size = 8
        source = ""

        def detect(self, squares: list[np.ndarray]) -> np.ndarray:
            seen.append(len(squares))
            return np.full((len(squares), 2, 3), 0.7)

    aligned = list(align_frames(_frames(11), config, _Everywhere(), fps=10.0))
    assert sum(seen) == 4  # frames 0, 4, 8 and 10
    assert all((frame.hands[:, 0] > 0.5).all() for frame in aligned)


def test_a_folder_of_pictures_needs_a_rate(trained: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for frame in _frames(4):
        cv2.imwrite(str(pictures / f"{frame.index}.png"), frame.image)
    checkpoint = trained / "runs" / "action" / "best.pt"
    with pytest.raises(VideoError, match="no frame rate"):
        segment_videos([str(pictures)], CONFIG, checkpoint=checkpoint, output=tmp_path)
    segment_videos([str(pictures)], CONFIG, checkpoint=checkpoint, output=tmp_path, fps=4)
    scores = Scores.load(tmp_path / "pictures.scores.npz")
    assert scores.seconds.tolist() == [0, 0.25, 0.5, 0.75]


def test_a_new_video_needs_nothing_of_the_dataset(run_folder: Path, tmp_path: Path) -> None:
    video = tmp_path / "new.mp4"
    make_video(video, 6, fps=10)
    (run_folder / "videos" / "train-1.mp4").unlink()
    (run_folder / "hands.csv").write_text("what\nis,this\n")
    [result] = segment_videos([str(video)], CONFIG, dataset=run_folder)
    assert result.segments[-1].end_frame == 6
