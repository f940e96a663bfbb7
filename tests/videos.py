"""Small videos for tests, with the frame number readable in the pixels after any codec.

The number stands as `BITS` black or white blocks in the top half of the picture, most significant
first; the bottom half is coloured noise that moves, so that a wrong frame is seen in any pixel.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

__all__ = [
    "BITS",
    "HEIGHT",
    "WIDTH",
    "box_offset",
    "damage",
    "draw_number",
    "frame_packets",
    "make_audio",
    "make_picture_folder",
    "make_video",
    "read_number",
    "set_edit_list",
]

BITS = 10
WIDTH, HEIGHT = 160, 96


def draw_number(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return (height, width, 3) uint8 RGB with `number` (0 to 1023) readable in it."""
    bits = [(number >> (BITS - 1 - i)) & 1 for i in range(BITS)]
    columns = np.arange(width) * BITS // width
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2] = np.where(np.array(bits)[columns], 235, 20)[None, :, None]
    rows, columns = np.mgrid[height // 2 : height, :width]
    image[height // 2 :, :, 0] = (columns * 2 + number * 7) % 200 + 20
    image[height // 2 :, :, 1] = (rows * 3 + number * 5) % 200 + 20
    image[height // 2 :, :, 2] = 90
    return image


def read_number(image: np.ndarray) -> int:
    """Return the number that `draw_number` drew, from (H, W, 3) RGB of any size, upright."""
    height, width = image.shape[:2]
    row = image[height // 8 : height * 3 // 8].mean(axis=(0, 2))
    centres = (np.arange(BITS) + 0.5) * width / BITS
    bits = row[centres.astype(int)] > 128
    return int(sum(1 << (BITS - 1 - i) for i in range(BITS) if bits[i]))


def make_video(
    path: str | Path,
    num_frames: int = 60,
    *,
    codec: str = "libx264",
    fps: Fraction | float = 30,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    rotation: int = 0,
    numbers: Iterable[int] | None = None,
    audio: bool = False,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a numbered video; the container is chosen by the suffix of `path`.

    Args:
        path: The file to write.
        num_frames: N; frame i shows the number i.
        codec: FFmpeg's name of the encoder.
        fps: Rate of the header, and of the frames where there are no `ticks`.
        ticks: (N,) stamps in `time_base`, for variable rates and late starts.
        time_base: Seconds per tick; 1 / fps if not given.
        options: Of the encoder, such as {"g": "12", "bf": "3", "x264-params": "open-gop=1"}.
        size: Width and height as stored.
        rotation: Display rotation in the header, degrees, as `set_display_rotation` takes it.
        numbers: What the frames show in place of 0, 1, 2, ...
        audio: Whether a silent sound track is added.
        container_options: Of the muxer, such as {"movflags": "+faststart"}.
    """
    rate = Fraction(fps).limit_denominator(1001)
    base = time_base or 1 / rate
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate, options=options or {"g": "12", "bf": "2"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = base
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", 8000, layout="mono") if audio else None
        for i, number in enumerate(numbers or range(num_frames)):
            frame = av.VideoFrame.from_ndarray(draw_number(number, *size), format="rgb24")
            frame.pts, frame.time_base = (i if ticks is None else int(ticks[i])), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _add_silence(container, sound, float(num_frames / rate))
    return Path(path)


def make_audio(path: str | Path, seconds: float = 1.0) -> Path:
    """Write a file with a sound track and no video."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", 8000, layout="mono")
        _add_silence(container, sound, seconds)
    return Path(path)


def _add_silence(
    container: av.container.OutputContainer, sound: av.AudioStream, seconds: float
) -> None:
    for i in range(int(seconds * 8000 / 1024)):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 8000, i * 1024
        container.mux(sound.encode(frame))
    container.mux(sound.encode(None))


def make_picture_folder(
    folder: str | Path, num_frames: int = 12, *, suffix: str = ".png", name: str = "frame_{}"
) -> Path:
    """Write numbered pictures frame_0.png, frame_1.png, ... without leading zeros."""
    import cv2

    folder = Path(folder)
    folder.mkdir(parents=True)
    for i in range(num_frames):
        cv2.imwrite(str(folder / (name.format(i) + suffix)), draw_number(i)[:, :, ::-1])
    return folder


def frame_packets(path: str | Path) -> list[tuple[int, int]]:
    """Return where each video packet lies in the file: (position, size), in file order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(p.pos, p.size) for p in container.demux(stream) if p.size]


def damage(path: str | Path, packets: Iterable[int]) -> None:
    """Overwrite video packets, by their number in the file, with bytes that no decoder takes."""
    places = frame_packets(path)
    with Path(path).open("r+b") as file:
        for i in packets:
            position, size = places[i]
            file.seek(position)
            file.write(b"\xff" * size)


def box_offset(data: bytes, kind: bytes) -> int:
    """Return where the content of the first mp4 box of this kind begins."""
    return data.index(kind) + 4


def set_edit_list(path: str | Path, skip_ticks: int) -> None:
    """Let an mp4's edit list (which B-frames bring with them) begin `skip_ticks` later.

    This is what trimming a video without encoding it again leaves behind: frames before the edit
    are in the file and decoded, but not displayed.
    """
    data = bytearray(Path(path).read_bytes())
    at = box_offset(data, b"elst") + 4 + 4 + 4  # version and flags, count, duration
    time = int.from_bytes(data[at : at + 4], "big") + skip_ticks
    data[at : at + 4] = time.to_bytes(4, "big")
    Path(path).write_bytes(data)
