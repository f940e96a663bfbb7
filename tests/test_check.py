"""`check_dataset` finds all that is wrong, not only the first thing."""

from pathlib import Path

import pytest
from folders import make_dataset
from videos import make_video

from handact.dataset import check_dataset
from handact.errors import LabelError


def _short(root: Path, **options: bool) -> list[tuple[str, int | None]]:
    return [(Path(p.file).name, p.row) for p in check_dataset(root, **options)]


def test_a_sound_dataset_has_no_problem(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n", hands="v1,1,,,0.5,0.5\n")
    assert check_dataset(root) == []


def test_all_problems_are_found_in_order(tmp_path: Path) -> None:
    root = make_dataset(
        tmp_path,
        actions="v1,0,10,take\nv1,5,12,grab\nv1,5,99,take\nv1,8,12,take\nlate,x,3,take\n",
        hands="v1,1,320,200,,\nv1,2,,,0.5,\nv1,2,,,,\nnope,1,,,,\nv1,3,0.5,0.5,,\n",
    )
    path = root / "videos.csv"
    path.write_text(path.read_text().replace(",30,160,", ",31,160,").replace(",20,40,", ",25,40,"))
    found = _short(root)
    assert [f for f in found if f[0] == "videos.csv"] == [("videos.csv", 3), ("videos.csv", 4)]
    assert [row for file, row in found if file == "actions.csv"] == [3, 4, 5, 6]
    assert [row for file, row in found if file == "hands.csv"] == [2, 2, 3, 4, 5]
    order = [file for file, _ in found]
    assert order == sorted(order, key=["videos.csv", "actions.csv", "hands.csv"].index)


def test_videos_are_compared_with_what_decoding_gives(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    make_video(root / "videos" / "v1.mp4", 12, fps=20, size=(96, 64))
    reasons = [p.reason for p in check_dataset(root)]
    assert reasons == [
        "frames is 40, but decoding gives 12",
        "size is 160x96, but decoding gives 96x64",
    ]
    assert check_dataset(root, decode=False) == []
    (root / "videos" / "v1.mp4").write_text("no video")
    assert "not a video" in check_dataset(root)[0].reason


def test_a_file_that_cannot_be_read_at_all_is_one_problem(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    (root / "hands.csv").write_text("video;frame\nv1;2\n")
    (root / "actions.csv").write_bytes(b"\0\1\2")
    (root / "videos" / "late.mkv").unlink()
    found = check_dataset(root)
    assert [Path(p.file).name for p in found] == ["videos.csv", "actions.csv", "hands.csv"]
    assert "no file" in found[0].reason
    assert found[0].row == 2
    assert found[1].reason == "is not a text"
    assert "has no column left_x" in found[2].reason


def test_settings_and_a_missing_table_are_problems_too(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "dataset.toml").write_text('classes = ["a", "a"]\nbackground = "b"\n')
    (root / "videos.csv").unlink()
    reasons = [p.reason for p in check_dataset(root)]
    assert reasons == [
        "class 'a' is there twice",
        "background 'b' is not one of the classes",
        "no such file",
    ]
    with pytest.raises(LabelError, match="no such folder"):
        check_dataset(tmp_path / "none")
