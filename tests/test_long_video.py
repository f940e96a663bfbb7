"""Three hours of video: every frame gets a label, and memory stays what it is for three minutes."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from handact.scores import Scores

pytestmark = pytest.mark.slow

FPS = 5


def _loop(source: Path, target: Path, seconds: int) -> int:
    """Write the packets of a short video over and over at FPS, and return the number of frames."""
    with av.open(str(source)) as short:
        stream = short.streams.video[0]
        packets = [packet for packet in short.demux(stream) if packet.dts is not None]
        number = seconds * FPS // len(packets) * len(packets)
        with av.open(str(target), "w") as long:
            out = long.add_stream_from_template(stream)
            step = round(1 / (FPS * stream.time_base))
            for i in range(number):
                packet = packets[i % len(packets)]
                copy = av.Packet(bytes(packet))
                copy.pts = copy.dts = i * step
                copy.time_base = stream.time_base
                copy.is_keyframe = packet.is_keyframe
                copy.stream = out
                long.mux(copy)
    return number


_PEAK = """
import resource, sys
from pathlib import Path
from handact.config import SegmentConfig
from handact.segment import segment_videos
checkpoint, video, output = map(Path, sys.argv[1:4])
config = SegmentConfig(window_stride=5, engine=sys.argv[4])
segment_videos(
    [str(video)], config, checkpoint=checkpoint, dataset=output, output=output, device="cpu",
    overlay=True,
)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("engine", ["windows", "stream"])
def test_memory_does_not_grow_with_the_video(engine: str, trained: Path, tmp_path: Path) -> None:
    from handact.bench import plan_video
    from handact.video import VideoWriter

    short = tmp_path / "short.mp4"
    scene = plan_video("short", seed=5, seconds=6, width=320, height=180)
    with VideoWriter(short, 320, 180, fps=FPS, options={"bf": "0"}) as writer:
        for i in range(60):
            writer.write(scene.draw(i))
    checkpoint = trained / "runs" / "action" / "best.pt"
    peaks = []
    for name, seconds in (("minutes", 180), ("hours", 3 * 3600)):
        video = tmp_path / f"{name}.mp4"
        number = _loop(short, video, seconds)
        arguments = [str(checkpoint), str(video), str(tmp_path), engine]
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, *arguments], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
        scores = Scores.load(tmp_path / f"{name}.scores.npz")
        assert len(scores.probabilities) == number
        assert np.isfinite(scores.probabilities).all()
    short, long = (peak / 1024 for peak in peaks)
    print(f"{engine}: peak memory {short:.0f} MB for 3 minutes, {long:.0f} MB for 3 hours")
    assert peaks[1] < 1.1 * peaks[0]
