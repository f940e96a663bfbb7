import pickle
from pathlib import Path

import pytest
import torch

from handact.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from handact.errors import CheckpointError


def test_what_is_saved_loads(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands", state={"w": torch.ones(2)}, input={"size": 3})
    checkpoint = load_checkpoint(path, "hands")
    assert checkpoint["format"] == FORMAT
    assert torch.equal(checkpoint["state"]["w"], torch.ones(2))
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


class _Payload:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("payload-ran"),))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not a checkpoint, or damaged"),
        (b"hello", "not a checkpoint, or damaged"),
        (pickle.dumps(_Payload()), "not a checkpoint, or damaged"),
        (None, "no such checkpoint"),
    ],
    ids=["empty", "text", "a pickle that runs code", "missing"],
)
def test_what_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, part: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=part) as caught:
        load_checkpoint(path, "action")
    assert "bad.pt" in caught.value.message
    assert not (tmp_path / "payload-ran").exists()


def test_a_cut_off_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands", state={"w": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, "hands")


def test_other_kinds_and_newer_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, kind="hands")
    with pytest.raises(CheckpointError, match="a checkpoint of `train-hands`"):
        load_checkpoint(path, "action")
    torch.save({"kind": "hands", "format": FORMAT + 1, "handact": "9.0"}, path)
    with pytest.raises(CheckpointError, match=r"written by handact 9\.0, newer than this"):
        load_checkpoint(path, "hands")
    torch.save({"state_dict": {}}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of handact"):
        load_checkpoint(path, "hands")
