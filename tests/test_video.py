"""Reading and writing video, on files whose frame number is readable in the pixels."""

import os
import pickle
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import videos

from handact.errors import ConfigError, VideoError
from handact.video import Frame, FrameStream, VideoIndex, VideoReader, VideoWriter, scan_video
from handact.video.packets import Source

N = 60
CLOSED = {"x264-params": "keyint=12:min-keyint=12:bframes=3:scenecut=0:log-level=none"}
OPEN = {"x264-params": "keyint=12:bframes=4:open-gop=1:scenecut=0:log-level=none"}
HEVC = {"x265-params": "keyint=20:min-keyint=20:scenecut=0:bframes=0:open-gop=0:log-level=none"}
VARIABLE = np.cumsum(np.random.default_rng(0).integers(500, 9000, N))

HEALTHY = {
    "bframes.mp4": {"options": CLOSED},
    "open_gop.mp4": {"options": OPEN},
    "open_gop.mkv": {"options": OPEN},
    "open_gop.ts": {"options": OPEN},
    "intra_refresh.mp4": {"options": {"x264-params": "keyint=12:intra-refresh=1:log-level=none"}},
    "x265.mp4": {
        "codec": "libx265",
        "options": {"x265-params": "keyint=12:bframes=4:log-level=none"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "20", "cpu-used": "8"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "h264.avi": {"options": CLOSED},
    "mpeg2.ts": {"codec": "mpeg2video", "fps": 25, "options": {"g": "12", "bf": "2"}},
    "variable.mp4": {"ticks": VARIABLE, "time_base": Fraction(1, 90_000)},
    "variable.mkv": {"ticks": VARIABLE, "time_base": Fraction(1, 90_000)},
    "ntsc.mp4": {"fps": Fraction(30_000, 1001)},
    "late_start.mp4": {"ticks": range(300, 300 + N)},
    "sound.mp4": {"audio": True},
    "no_stamps.h264": {},
}


def read_all(path: Path, **options: object) -> list[Frame]:
    with FrameStream(path, **options) as frames:
        return list(frames)


def numbers(frames: list[Frame]) -> list[int]:
    return [videos.read_number(frame.image) for frame in frames]


def count_wrong(path: Path, frames: list[Frame], order: np.ndarray) -> int:
    """Read by index in this order; count frames that differ in a pixel or in their time."""
    with VideoReader(path) as reader:
        assert len(reader) == len(frames)
        found = [reader[int(i)] for i in order]
    return sum(
        f.index != i
        or f.seconds != frames[i].seconds
        or not np.array_equal(f.image, frames[i].image)
        for i, f in zip(order, found, strict=True)
    )


@pytest.mark.parametrize("name", HEALTHY)
def test_every_frame_is_read_in_order_and_at_random(tmp_path: Path, name: str) -> None:
    path = videos.make_video(tmp_path / name, N, **HEALTHY[name])
    frames = read_all(path)
    assert numbers(frames) == list(range(N))
    assert [f.index for f in frames] == list(range(N))
    index = scan_video(path)
    assert index.num_frames == N
    assert index.problem() is None
    assert (index.width, index.height) == (videos.WIDTH, videos.HEIGHT)
    np.testing.assert_array_equal([f.seconds for f in frames], index.seconds)
    assert count_wrong(path, frames, np.random.default_rng(1).permutation(N)[:30]) == 0


def test_times_are_those_of_the_file(tmp_path: Path) -> None:
    options = HEALTHY["variable.mp4"]
    index = scan_video(videos.make_video(tmp_path / "v.mp4", N, **options))
    expected = (VARIABLE - VARIABLE[0]) / 90_000
    np.testing.assert_allclose(index.seconds, expected, atol=1e-4)
    assert index.variable_rate
    assert "variable frame rate" in index.warnings[0]
    assert index.fps == pytest.approx((N - 1) / expected[-1], rel=1e-4)


def test_constant_rate_is_exact(tmp_path: Path) -> None:
    index = scan_video(videos.make_video(tmp_path / "v.mp4", N, **HEALTHY["ntsc.mp4"]))
    assert index.fps == pytest.approx(30_000 / 1001, abs=1e-9)
    assert not index.variable_rate
    assert index.warnings == ()
    assert index.duration == pytest.approx(N * 1001 / 30_000)


def test_frame_at_is_the_last_frame_not_after(tmp_path: Path) -> None:
    index = scan_video(videos.make_video(tmp_path / "v.mp4", N, **HEALTHY["variable.mp4"]))
    seconds = index.seconds
    for i in range(N):
        assert index.frame_at(seconds[i]) == i
        assert index.frame_at(seconds[i] - 1e-6) == max(0, i - 1)
    assert index.frame_at(-5) == 0
    assert index.frame_at(1e9) == N - 1


def test_a_late_start_is_taken_away_and_warned_about(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mkv", N, **HEALTHY["late_start.mp4"])
    index = scan_video(path)
    assert index.seconds[0] == 0
    assert any("stands at 10.0" in warning for warning in index.warnings)


@pytest.mark.parametrize("options", [{"x264-params": "keyint=250:bframes=2"}, OPEN])
def test_frames_hidden_by_an_edit_list_are_none(tmp_path: Path, options: dict) -> None:
    path = videos.make_video(tmp_path / "trimmed.mp4", N, options=options)
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
    videos.set_edit_list(path, round(20 / 30 / base))
    frames = read_all(path)
    assert numbers(frames) == list(range(20, N))
    assert frames[0].seconds == 0
    assert any("edit list" in warning for warning in scan_video(path).warnings)
    assert count_wrong(path, frames, np.random.default_rng(1).permutation(N - 20)) == 0


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_display_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    upright = read_all(videos.make_video(tmp_path / "0.mp4", 3))
    path = videos.make_video(tmp_path / "r.mp4", 3, rotation=rotation)
    index = scan_video(path)
    for turned, plain in zip(read_all(path), upright, strict=True):
        assert turned.image.shape == (index.height, index.width, 3)
        expected = np.rot90(plain.image, rotation // 90)  # both count counterclockwise
        assert np.abs(turned.image.astype(int) - expected).mean() < 1


def test_frames_of_sorted_and_repeated_indices(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N, options=OPEN)
    with VideoReader(path) as reader:
        wanted = [40, 3, 3, 59, 41, 0, -1]
        found = reader.frames(wanted)
        assert numbers(found) == [40, 3, 3, 59, 41, 0, 59]
        assert reader.frames([]) == []
        with pytest.raises(IndexError):
            reader[N]


# Damage


@pytest.mark.parametrize(
    "broken",
    [[30], [20, 21, 40], [24], [N - 1], [N - 2, N - 1], [N - 3], list(range(30, N))],
    ids=str,
)
def test_damaged_packets_cost_themselves(tmp_path: Path, broken: list[int]) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N, options=CLOSED)
    videos.damage(path, broken)
    index = scan_video(path)
    assert index.damaged == len(broken)
    lost = N - index.num_frames
    assert lost >= 1
    assert round((np.diff(index.gaps).sum() * index.time_base) * 30) == lost
    before = np.searchsorted(index.ticks, index.gaps[0, 0]) - 1
    assert f"after frame {before} ({index.seconds[before]:.2f} s)" in index.problem()
    assert not index.cut_off
    assert index.num_frames >= N - len(broken) - 12
    frames = read_all(path)
    np.testing.assert_array_equal([f.seconds for f in frames], index.seconds)
    # Away from the damaged groups of pictures and their neighbours, pictures and times are true.
    near = {group + step for group in {i // 12 for i in broken} for step in (-1, 0)}
    shown = [(n, round(f.seconds * 30)) for n, f in zip(numbers(frames), frames, strict=True)]
    assert all(number == due for number, due in shown if due // 12 not in near)
    assert count_wrong(path, frames, np.random.default_rng(1).permutation(len(frames))) == 0


def test_damage_is_read_alike_with_any_number_of_threads(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N, options=CLOSED)
    videos.damage(path, [17, N - 2])
    expected = read_all(path, threads=1)
    for threads in (0, 2, 5):
        with FrameStream(path, threads=threads) as stream:
            found = list(stream)
        assert stream.problem() == scan_video(path).problem()
        assert stream.num_read == len(found) == len(expected)
        assert all(
            np.array_equal(a.image, b.image) and a.seconds == b.seconds
            for a, b in zip(found, expected, strict=True)
        )


def test_a_healthy_file_is_decoded_once_only(tmp_path: Path) -> None:
    for name in ("v.mp4", "v.avi", "v.ts"):
        source = Source(videos.make_video(tmp_path / name, N, options=CLOSED), threads=4)
        assert len(list(source.decode())) == N
        assert source._flushed
        source.close()


def test_a_lost_key_frame_takes_its_group_along(tmp_path: Path) -> None:
    """One packet is refused, and time stamps tell that more than its frame is lost."""
    path = videos.make_video(tmp_path / "v.mp4", N, codec="libx265", options=HEVC)
    videos.damage(path, [20])
    index = scan_video(path)
    assert index.problem() == "1 damaged packet skipped: gap of 0.67 s after frame 19 (0.63 s)"
    assert index.num_frames == N - 20


@pytest.mark.parametrize(
    ("name", "problem"), [("v.mkv", "gap of 0.33 s after frame 29 (0.97 s)"), ("v.mp4", None)]
)
def test_a_pause_is_a_gap_where_frames_can_vanish(
    tmp_path: Path, name: str, problem: str | None
) -> None:
    ticks = [i + 10 * (i >= 30) for i in range(N)]
    assert scan_video(videos.make_video(tmp_path / name, N, ticks=ticks)).problem() == problem


def test_frames_with_parts_missing_are_named(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N, options={"g": "12", "bf": "0"})
    for i in (24, 25, 40):
        position, size = videos.frame_packets(path)[i]
        with path.open("r+b") as file:
            file.seek(position + size // 2)
            file.write(b"\xff" * (size - size // 2))
    index = scan_video(path)
    assert index.num_frames == N
    assert index.torn.tolist() == [24, 25, 40]
    expected = "parts of the picture missing in frames 24 to 25 (0.80 s) and 40 (1.33 s)"
    assert index.problem() == expected
    # Frame 24 is a key frame, and what it lacks is patched from those before it.
    assert count_wrong(path, read_all(path), np.random.default_rng(1).permutation(N)) == 0


def test_many_places_are_told_by_the_longest(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.avi", N, codec="mjpeg", options={"strict": "-1"})
    videos.damage(path, [3, 10, 11, 12, 20, 30, 31, 40])
    assert scan_video(path).problem() == (
        "8 damaged packets skipped: gaps of 0.03 s after frame 2 (0.07 s), 0.10 s after frame 8"
        " (0.30 s), 0.07 s after frame 24 (0.97 s) and 2 more, 0.27 s in all"
    )


def test_a_transport_stream_may_gain_a_stream_or_lose_its_end(tmp_path: Path) -> None:
    parts = [videos.make_video(tmp_path / f"{a}.ts", N, audio=a) for a in (False, True)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert numbers(read_all(joined))[:N] == list(range(N))
    joined.write_bytes(parts[0].read_bytes()[:-100])
    assert scan_video(joined).problem().startswith("parts of the file are missing")


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_a_file_that_is_cut_off_says_so(tmp_path: Path, name: str) -> None:
    flags = {"movflags": "+faststart"} if name == "v.mp4" else {}
    path = videos.make_video(tmp_path / name, N, options=CLOSED, container_options=flags)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    index = scan_video(path)
    assert index.cut_off
    assert 10 < index.num_frames < 55
    assert index.problem().startswith(f"cut off after frame {index.num_frames - 1} (")
    with FrameStream(path) as frames:
        assert len(list(frames)) == index.num_frames
    assert frames.problem() == index.problem()


def make_bad(folder: Path, kind: str) -> Path:
    path = folder / "bad.mp4"
    if kind == "zero bytes":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("1,2,3\n" * 1000)
    elif kind == "sound":
        videos.make_audio(path)
    elif kind == "no index":
        data = videos.make_video(path).read_bytes()
        path.write_bytes(data[: len(data) // 2])
    elif kind == "half an index":
        flags = {"movflags": "+faststart"}
        videos.make_video(path, container_options=flags)
        path.write_bytes(path.read_bytes()[:400])
    elif kind == "all damaged":
        videos.damage(videos.make_video(path), range(60))
    elif kind == "empty folder":
        path.mkdir()
    return path


BAD = {
    "missing": "no such file",
    "zero bytes": "empty",
    "text": "not a video",
    "sound": "no video in the file, only audio",
    "no index": "cut off: its index is missing",
    "half an index": "cut off: its index is missing",
    "all damaged": "no frame of the video can be decoded",
    "empty folder": "no pictures",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = make_bad(tmp_path, kind)
    for read in (lambda: scan_video(path, fps=30), lambda: FrameStream(path)):
        with pytest.raises(VideoError, match=BAD[kind]) as caught:
            read()
        assert str(path) in caught.value.message
        assert "\n" not in caught.value.message
        assert caught.value.hint


def test_names_with_colons_and_signs(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "plain.mp4", 3)
    path = path.rename(tmp_path / "http:café %03d #1.mp4")
    assert len(read_all(path)) == 3


def test_unknown_decoder() -> None:
    with pytest.raises(ConfigError, match="no decoder 'nvdec'"):
        FrameStream("x.mp4", decoder="nvdec")


# The index on disk


def test_index_survives_saving(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N, **HEALTHY["variable.mp4"])
    index = scan_video(path)
    index.save(tmp_path / "cache" / "v.npz")
    loaded = VideoIndex.load(tmp_path / "cache" / "v.npz")
    for name in VideoIndex.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(index, name))
    with VideoReader(path, loaded) as reader:
        assert videos.read_number(reader[33].image) == 33


def test_a_stale_or_broken_index_is_none(tmp_path: Path) -> None:
    path, saved = videos.make_video(tmp_path / "v.mp4", 5), tmp_path / "v.npz"
    assert VideoIndex.load(saved) is None
    scan_video(path).save(saved)
    os.utime(path, ns=(1, 1))
    assert VideoIndex.load(saved) is None
    saved.write_bytes(b"not an archive")
    assert VideoIndex.load(saved) is None
    saved.write_bytes(pickle.dumps("code"))
    assert VideoIndex.load(saved) is None


def test_an_index_follows_a_video_that_moved(tmp_path: Path) -> None:
    path, saved = videos.make_video(tmp_path / "v.mp4", 5), tmp_path / "v.npz"
    scan_video(path).save(saved)
    moved = path.rename(tmp_path / "w.mp4")
    assert VideoIndex.load(saved) is None
    assert VideoIndex.load(saved, moved).path == moved


def test_a_reader_notices_that_the_video_changed(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.mp4", N)
    index = scan_video(path)
    videos.make_video(path, 10)
    with VideoReader(path, index) as reader, pytest.raises(VideoError, match="frame 40 cannot"):
        reader[40]


def test_progress_ends_at_the_count(tmp_path: Path) -> None:
    calls = []
    path = videos.make_video(tmp_path / "v.mkv", N)
    scan_video(path, on_progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (N, N)


# Folders of pictures


def test_a_folder_of_pictures_is_a_video(tmp_path: Path) -> None:
    folder = videos.make_picture_folder(tmp_path / "clip", 12)
    (folder / "notes.txt").write_text("not a picture")
    index = scan_video(folder, fps=29.97)
    assert index.num_frames == 12
    assert index.fps == pytest.approx(29.97, rel=1e-6)
    frames = read_all(folder, fps=29.97)
    assert numbers(frames) == list(range(12))
    np.testing.assert_array_equal([f.seconds for f in frames], index.seconds)
    with VideoReader(folder, index) as reader:
        assert numbers(reader.frames([11, 2])) == [11, 2]
    index.save(tmp_path / "i.npz")
    assert VideoIndex.load(tmp_path / "i.npz") is not None


def test_a_folder_needs_a_rate_to_be_scanned(tmp_path: Path) -> None:
    folder = videos.make_picture_folder(tmp_path / "clip", 2)
    with pytest.raises(VideoError, match="no frame rate"):
        scan_video(folder)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    folder = videos.make_picture_folder(tmp_path / "clip", 3)
    (folder / "frame_1.png").write_bytes(b"x")
    with pytest.raises(VideoError, match=r"frame_1\.png: not a picture"):
        read_all(folder)


# Writing


@pytest.mark.parametrize("size", [(160, 96), (161, 97)])
def test_what_is_written_is_read_back(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "v.mp4"
    with VideoWriter(path, *size, fps=25) as writer:
        for i in range(20):
            writer.write(videos.draw_number(i, *size))
    index, frames = scan_video(path), read_all(path)
    assert numbers(frames) == list(range(20))
    assert index.fps == pytest.approx(25)
    assert index.warnings == ()
    assert (index.width, index.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_true_times_are_kept(tmp_path: Path) -> None:
    seconds = np.cumsum(np.random.default_rng(0).uniform(0.005, 0.2, 40))
    with VideoWriter(tmp_path / "v.mp4", 160, 96) as writer:
        for i, second in enumerate(seconds):
            writer.write(videos.draw_number(i), float(second))
    index = scan_video(tmp_path / "v.mp4")
    np.testing.assert_allclose(index.seconds, seconds - seconds[0], atol=1 / 90_000)
    assert numbers(read_all(tmp_path / "v.mp4")) == list(range(40))


def test_colours_survive(tmp_path: Path) -> None:
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [230, 230, 230]], np.uint8)
    image = np.repeat(np.repeat(colours[None], 64, 0), 32, 1)
    with VideoWriter(tmp_path / "v.mp4", 128, 64, fps=30, crf=5) as writer:
        writer.write(image)
    found = read_all(tmp_path / "v.mp4")[0].image[32, 16::32]
    assert np.abs(found.astype(int) - colours).max() <= 4


def test_nothing_is_left_of_a_video_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_text("what was there")

    def fail(frames_before: int) -> None:
        with VideoWriter(path, 160, 96, fps=30) as writer:
            for i in range(frames_before):
                writer.write(videos.draw_number(i))
            raise RuntimeError("stop")

    for frames_before in (0, 1, 30):
        with pytest.raises(RuntimeError, match="stop"):
            fail(frames_before)
    with pytest.raises(VideoError, match="at least one frame"), VideoWriter(path, 160, 96, fps=30):
        pass
    assert path.read_text() == "what was there"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_an_error_that_names_the_video(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    noise = np.random.default_rng(0).integers(0, 255, (96, 160, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        with VideoWriter(tmp_path / "v.mp4", 160, 96, fps=30) as writer:
            for _ in range(60):
                writer.write(noise)
                noise[:] = np.roll(noise, 7919)

    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"v\.mp4") as caught:
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


def test_frames_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mp4", 160, 96) as writer:
        writer.write(videos.draw_number(0), 0.0)
        with pytest.raises(ValueError, match="not after"):
            writer.write(videos.draw_number(1), 0.0)
        with pytest.raises(ValueError, match="needs"):
            writer.write(videos.draw_number(1)[:50], 1.0)
        with pytest.raises(ValueError, match="`seconds`"):
            writer.write(videos.draw_number(1))


# decord, on request


@pytest.mark.parametrize("name", ["bframes.mp4", "variable.mp4", "vp9.webm"])
def test_decord_gives_the_same_where_it_is_right(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("decord")
    monkeypatch.setattr("handact.video.decord_reader._MOST_BYTES", 1)  # 32 frames a reader
    path = videos.make_video(tmp_path / name, N, **HEALTHY[name])
    found, expected = read_all(path, decoder="decord"), read_all(path)
    assert numbers(found) == list(range(N))
    assert [f.seconds for f in found] == [f.seconds for f in expected]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("open_gop.mp4", "an open group of pictures"),
        ("x265.mp4", "an open group of pictures"),
        ("open_gop.ts", "this container"),
        ("mpeg4.avi", "this container"),
    ],
)
def test_decord_is_refused_what_it_gets_wrong(tmp_path: Path, name: str, reason: str) -> None:
    pytest.importorskip("decord")
    path = videos.make_video(tmp_path / name, N, **HEALTHY[name])
    with pytest.raises(VideoError, match=reason):
        FrameStream(path, decoder="decord")


# Other people's awkward files

AWKWARD = Path(
    os.environ.get("HANDACT_SHARED", Path(__file__).parents[2] / "shared"), "data/awkward_videos"
)


@pytest.mark.slow
@pytest.mark.skipif(not AWKWARD.is_dir(), reason=f"no awkward videos in {AWKWARD}")
def test_awkward_videos_are_read_alike_in_order_and_at_random() -> None:
    paths = sorted(AWKWARD.iterdir())
    assert paths
    for path in paths:
        try:
            index = scan_video(path)
        except VideoError:
            continue  # refused, in one line
        with FrameStream(path) as stream:
            times, hashes = zip(
                *((f.seconds, hash(f.image.tobytes())) for f in stream), strict=True
            )
        np.testing.assert_array_equal(times, index.seconds, err_msg=path.name)
        assert (np.diff(index.ticks) > 0).all()
        # In pieces from the end: each piece needs a seek backwards, and memory stays small.
        with VideoReader(path, index) as reader:
            for start in range(len(reader) // 16 * 16, -1, -16):
                piece = range(start, min(start + 16, len(reader)))
                found = [hash(f.image.tobytes()) for f in reader.frames(piece)]
                assert found == [hashes[i] for i in piece], (path.name, start)


@pytest.mark.slow
@pytest.mark.skipif(not AWKWARD.is_dir(), reason=f"no awkward videos in {AWKWARD}")
def test_rotated_recordings_stand_upright() -> None:
    shapes = {
        angle: read_all(AWKWARD / f"decord_video_{angle}.mov")[0].image.shape
        for angle in (0, 90, 180, 270)
    }
    assert shapes[0] == shapes[180] == (320, 568, 3)
    assert shapes[90] == shapes[270] == (568, 320, 3)
