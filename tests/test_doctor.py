"""`handact doctor`: the machine, and a video through each reader."""

import json
from pathlib import Path

import numpy as np
import pytest
import videos
from typer.testing import CliRunner

from handact.cli import app
from handact.video import comparison, scan_video

OPEN = {"x264-params": "keyint=12:bframes=4:open-gop=1:scenecut=0:log-level=none"}


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_machine() -> None:
    code, out, _ = run("--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["av"]
    assert facts["h264 encoder"] == "libx264"
    assert facts["torch"]
    assert int(facts["cpus"]) >= 1
    assert set(facts["missing"]) <= set(facts)
    code, out, _ = run()
    assert code == 0
    assert "opencv" in out


def test_video_is_compared(tmp_path: Path) -> None:
    path = videos.make_video(tmp_path / "v.ts", 60, options=OPEN)
    code, out, _ = run(str(path), "--random", "12", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["frames"] == 60
    assert facts["problem"] is None
    by_name = {reader["reader"].split(" ")[0]: reader for reader in facts["readers"][1:]}
    assert by_name["PyAV,"]["wrong"] == 0
    assert by_name["PyAV,"]["asked"] == 12
    if "decord" in by_name and by_name["decord"]["wrong"] is not None:
        assert by_name["decord"]["wrong"] > 3  # decord and transport streams
    assert by_name["opencv"]["ms_in_order"] > 0


def test_picture_folder(tmp_path: Path) -> None:
    folder = videos.make_picture_folder(tmp_path / "clip", 8)
    code, out, _ = run(str(folder), "--fps", "10")
    assert code == 0
    assert "PyAV" in out


def test_bad_video_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    path.write_text("text")
    code, out, err = run(str(path))
    assert code == 1
    assert out == ""
    assert err.startswith(f"error: {path}: not a video")


@pytest.mark.parametrize(
    ("code", "note"),
    [
        ("import time; time.sleep(60)", "no answer in 1 s"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
        ("import sys; sys.exit('it broke')", "it broke"),
    ],
)
def test_readers_that_hang_or_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, note: str
) -> None:
    script = tmp_path / "reader"
    script.write_text(f'#!/bin/sh\nexec {comparison.sys.executable} -c "{code}"\n')
    script.chmod(0o755)
    index = scan_video(videos.make_video(tmp_path / "v.mp4", 12))
    monkeypatch.setattr(comparison, "FOREIGN", ("opencv",))
    monkeypatch.setattr(comparison.sys, "executable", str(script))
    result = comparison.compare_readers(index, num_random=3, timeout=1)[-1]
    assert result.note == note
    assert result.wrong is None


def test_wrong_frames_are_told_from_recoloured_ones() -> None:
    thumbs = {i: comparison._thumbnail(videos.draw_number(i, 640, 360)) for i in range(4, 7)}
    recoloured = np.clip(thumbs[5] * 1.1 + 4, 0, 255)
    assert not comparison._is_wrong(5, recoloured, thumbs)
    assert comparison._is_wrong(5, thumbs[4], thumbs)
    assert comparison._is_wrong(5, np.full_like(recoloured, np.nan), thumbs)
