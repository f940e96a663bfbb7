"""The labelling server: who may ask, what it gives, and that nothing is lost."""

import io
import os
import re
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from folders import LATE_TICKS, VIDEOS, make_dataset, predict
from pages import Server
from PIL import Image
from videos import make_picture_folder, make_video, read_number

from handact.dataset import create_dataset, read_dataset
from handact.formats.tables import read_actions, read_hands
from handact.formats.text import read_table
from handact.video import scan_video
from handact.web.guard import load_token
from handact.web.pictures import Dropped, Pictures
from handact.web.project import CLASS_KEYS


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with labels, predictions, a second annotator, a folder of pictures, and secrets."""
    folder = tmp_path_factory.mktemp("web")
    root = make_dataset(folder, actions="v1,0,10,take\nv1,20,30,turn screw\n")
    create_dataset(root, [make_picture_folder(folder / "stills", 5)], fps=10)
    predict(root, "v1", "v1,0,12,0,0.6,take,0.9\nv1,12,40,0.6,2,background,0.8\n")
    predict(root, "late", "late,0,8,0,1,take,0.95\nlate,8,20,1,2,turn screw,0.4\n")
    (root / "annotators").mkdir()
    (root / "annotators" / "anna.csv").write_text(
        "video,start_frame,end_frame,action\nv1,0,12,take\nv1,20,30,take\n"
    )
    (folder / "secret.txt").write_text("secret")
    os.symlink(folder / "secret.txt", root / "link.mp4")
    proxies = root / "cache" / "proxy"
    proxies.mkdir(parents=True)
    os.symlink(folder / "secret.txt", proxies / "v1.mp4")
    return root


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    with Server("review", "--dataset", root) as server:
        yield server


# ------------------------------------------------------------------------------------ who may ask


@pytest.mark.parametrize(
    "path",
    ["/", "/actions", "/static/main.js", "/api/project", "/frames/v1/0.jpg", "/media/v1", "/none"],
)
def test_without_the_token_nothing_is_given(server: Server, path: str) -> None:
    assert server.ask(path, with_token=False).status == 401
    wrong = {"Authorization": f"Bearer {server.token[:-1]}x", "Cookie": f"handact-{server.port}=x"}
    assert server.ask(path, with_token=False, headers=wrong).status == 401


def test_a_wrong_token_in_the_address_is_refused(server: Server) -> None:
    assert server.ask("/actions?token=wrong", with_token=False).status == 401
    assert server.ask("/actions?token=", with_token=False).status == 401


def test_the_address_gives_a_cookie_and_hides_the_token(server: Server) -> None:
    answer = server.ask(f"/actions?token={server.token}", with_token=False)
    assert (answer.status, answer.headers["location"]) == (303, "/actions")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    headers = {"Cookie": cookie.split(";")[0]}
    page = server.ask("/actions", with_token=False, headers=headers)
    assert page.status == 200
    assert server.token.encode() not in page.body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", ""])
def test_another_host_is_refused(server: Server, host: str) -> None:
    """A name of another site that resolves to this machine (DNS rebinding)."""
    assert server.ask("/api/project", headers={"Host": host}).status == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://[", ""]
)
def test_another_origin_is_refused(server: Server, origin: str) -> None:
    headers = {"Origin": origin}
    assert server.ask("/api/actions/v1", {"add": [[30, 31, "take"]]}, headers=headers).status == 403
    assert server.ask("/api/actions/v1").json["segments"] == [
        [0, 10, "take"],
        [20, 30, "turn screw"],
    ]


def test_own_origin_is_welcome(server: Server) -> None:
    headers = {"Origin": f"http://127.0.0.1:{server.port}"}
    assert server.ask("/api/actions/v1", {}, headers=headers).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../pyproject.toml",
        "/static/%2e%2e/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e%2f%2e%2e%2fcli%2frun.py",
        "/static//etc/passwd",
        "/media/../../secret.txt",
        "/media/%2e%2e%2fsecret.txt",
        "/media/..%2f..%2fsecret.txt",
        "/media/link",
        "/media/link.mp4",
        "/media/%2fetc%2fpasswd",
        "/frames/..%2f..%2fsecret/0.jpg",
        "/frames/v1/-1.jpg",
        "/frames/v1/40.jpg",
        "/api/actions/..%2fv1",
        "/api/videos/none",
    ],
)
def test_nothing_outside_of_the_dataset_is_given(server: Server, path: str) -> None:
    answer = server.ask(path)
    assert answer.status == 404, path
    assert b"secret" not in answer.body
    assert b"root:" not in answer.body


@pytest.mark.parametrize("run", ["..", "..%2f..", "%2e%2e", "none", "hands%00"])
def test_a_run_is_a_name(server: Server, run: str) -> None:
    assert server.ask(f"/api/review/{run}/v1").status in (400, 404)


@pytest.mark.parametrize("tier", ["../actions", "/etc/passwd", "bob", "a/b"])
def test_a_tier_is_a_name(server: Server, tier: str) -> None:
    assert server.ask(f"/api/actions/v1?tier={tier}").status == 400
    answer = server.ask("/api/actions/v1", {"tier": tier, "add": [[30, 31, "take"]]})
    assert answer.status == 400


def test_a_link_in_the_place_of_a_proxy_is_not_followed(server: Server) -> None:
    answer = server.ask("/media/v1")
    assert answer.status == 200
    assert answer.body[4:8] == b"ftyp"


def test_large_bodies_are_refused(server: Server) -> None:
    assert server.ask("/api/actions/v1", b" " * (2 << 20)).status == 413
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    headers = {"Transfer-Encoding": "chunked"}
    assert server.ask("/api/actions/v1", chunk * 40 + b"0\r\n\r\n", headers=headers).status == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b'{"add": 3}', b'{"add": [[1, 2]]}', b'{"add": [["a", 2, "take"]]}',
     b'{"add": [[1, 2, "take", 4]]}', b'{"add": [[1.5, 2, "take"]]}', b'{"add": [[1, 2, "none"]]}',
     b'{"add": [[1e99, 2, "take"]]}', b'{"tier": 3}', b'{"add": [[true, 2, "take"]]}',
     b"[" * 100_000, b'{"add": [[30, 99, "take"]]}', b'{"add": [[30, 30, "take"]]}',
     b'{"add": [null]}'],
)  # fmt: skip
def test_bodies_that_make_no_sense_are_refused_in_words(server: Server, body: bytes) -> None:
    answer = server.ask("/api/actions/v1", body, method="POST")
    assert answer.status == 400
    assert answer.json["error"]
    assert len(server.ask("/api/actions/v1").json["segments"]) == 2


@pytest.mark.parametrize(
    "row", ["[1]", "[1, NaN, 0.5, null, null]", '[1, "a", 0.5, null, null]', "[1, 2, 3, 4, 5]"]
)
def test_hands_that_make_no_sense_are_refused_in_words(server: Server, row: str) -> None:
    answer = server.ask("/api/hands/v1", f'{{"add": [{row}]}}'.encode(), method="POST")
    assert answer.status == 400
    assert server.ask("/api/hands/v1").json["labels"] == []


def test_other_methods_are_refused(server: Server) -> None:
    assert server.ask("/api/actions/v1", method="DELETE").status == 405
    assert server.ask("/api/project", b"{}").status == 405


def test_pages_call_nothing_outside(server: Server) -> None:
    answer = server.ask("/actions")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    for path in (Path(__file__).parents[1] / "handact" / "web" / "static").iterdir():
        if path.suffix in (".js", ".css", ".html"):
            found = re.findall(r"https?://(?!www\.w3\.org/)[^\s\"'`)]+", path.read_text())
            assert not found, path


# --------------------------------------------------------------------------------- what it gives


def test_every_frame_is_that_of_the_decoder(server: Server, root: Path) -> None:
    for video, frames in VIDEOS.items():
        for i in (0, 7, 6, 5, frames - 1, 3):
            answer = server.ask(f"/frames/{video}/{i}.jpg")
            assert answer.status == 200
            assert read_number(np.asarray(Image.open(io.BytesIO(answer.body)))) == i
    assert "immutable" in server.ask("/frames/v1/0.jpg").headers["cache-control"]
    stills = np.asarray(Image.open(io.BytesIO(server.ask("/frames/stills/4.jpg").body)))
    assert read_number(stills) == 4


def test_times_are_those_of_the_stamps(server: Server) -> None:
    body = server.ask("/api/videos/late/times").body
    times = struct.unpack(f"<{len(body) // 8}d", body)
    assert times[:-1] == pytest.approx([tick / 1000 for tick in LATE_TICKS])
    assert len(times) == VIDEOS["late"] + 1
    about = server.ask("/api/videos/late").json
    assert (about["variable"], about["frames"], about["plays"]) == (True, 20, False)
    assert server.ask("/api/videos/v1").json["plays"]


def test_videos_are_given_by_range(server: Server, root: Path) -> None:
    whole = server.ask("/media/v1").body
    part = server.ask("/media/v1", headers={"Range": "bytes=10-19"})
    assert (part.status, part.body) == (206, whole[10:20])
    assert server.ask("/media/v1", headers={"Range": f"bytes={len(whole)}-"}).status == 416
    assert server.ask("/media/stills").status == 404


def test_a_playable_copy_has_the_same_frames_at_the_same_times(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with Server("label", "actions", root) as server:
        assert server.ask("/api/videos/late/proxy").json["state"] == "none"
        server.ask("/api/videos/late/proxy", {})
        _wait(lambda: server.ask("/api/videos/late/proxy").json["state"] == "ready")
        assert server.ask("/api/videos/late").json["plays"]
        (tmp_path / "copy.mp4").write_bytes(server.ask("/media/late").body)
    from handact.video import FrameStream

    with FrameStream(tmp_path / "copy.mp4") as frames:
        found = [(frame.seconds, read_number(frame.image)) for frame in frames]
    assert [number for _, number in found] == list(range(20))
    assert [seconds for seconds, _ in found] == pytest.approx(
        [t / 1000 for t in LATE_TICKS], abs=1e-4
    )


def test_motion_and_tracks_span_the_video(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "runs" / "align").mkdir(parents=True)
    rows = "".join(f"v1,{i},0.9,{i / 40},0.5,0.1,,\n" for i in range(40))
    header = "video,frame,left_p,left_x,left_y,right_p,right_x,right_y\n"
    (root / "runs" / "align" / "v1.csv").write_text(header + rows)
    with Server("label", "actions", root) as server:
        server.ask("/api/videos/v1/motion", {})
        _wait(lambda: server.ask("/api/videos/v1/motion").json["state"] == "ready")
        found = server.ask("/api/videos/v1/motion").json
    assert len(found["motion"]) == 40
    assert found["motion"][0] == 0
    assert max(found["motion"]) == 1
    assert found["hands"]["left"][20] == [0.5, 0.5]
    assert set(map(str, found["hands"]["right"])) == {"None"}


def _wait(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def test_two_annotators_agree_as_computed_by_hand(server: Server) -> None:
    found = server.ask("/api/agreement/v1?a=&b=anna").json
    # 28 of 40 frames alike; chance: background 20 * 18, take 10 * 22, turn screw 10 * 0, of 1600.
    assert found["agree"] == 70
    expected = (20 * 18 + 10 * 22) / 1600
    assert found["kappa"] == pytest.approx((0.7 - expected) / (1 - expected))
    assert (found["matched"], found["only_a"], found["only_b"]) == (1, 1, 1)
    assert (found["start"], found["end"]) == (0, pytest.approx(2 / 20))


def test_the_time_study_is_that_of_the_labels(server: Server) -> None:
    found = server.ask("/api/timestudy/v1").json
    assert [(s["action"], s["n"], s["mean"]) for s in found["steps"]] == [
        ("take", 1, pytest.approx(0.5)),
        ("turn screw", 1, pytest.approx(0.5)),
    ]
    assert found["waiting"]["mean"] == pytest.approx(0.5)
    assert found["watched"] == pytest.approx(2.0)


def test_a_review_shows_the_worst_first(server: Server) -> None:
    labelled = server.ask("/api/review/action/v1").json
    assert labelled["labelled"]
    assert [p["kind"] for p in labelled["places"]] == ["missed", "too long"]
    doubtful = server.ask("/api/review/action/late").json
    assert not doubtful["labelled"]
    assert [(p["kind"], p["start_frame"]) for p in doubtful["places"]] == [("doubtful", 8)]
    assert len(doubtful["confidence"]) == 20
    videos = {v["name"]: v for v in server.ask("/api/review/action").json["videos"]}
    assert (videos["v1"]["wrong"], videos["v1"]["done"]) == (2, 1)
    assert (videos["late"]["doubtful"], videos["late"]["done"]) == (1, 0)


# ------------------------------------------------------------------------------ nothing is lost


def test_a_corrected_review_becomes_labels_and_outlives_new_predictions(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    predict(root, "late", "late,0,8,0,1,take,0.95\nlate,8,20,1,2,turn screw,0.4\n")
    with Server("review", "late", "--dataset", root) as server:
        server.ask("/api/actions/late", {"tier": "review", "add": [[8, 12, "take"]]})
    assert "late,8,12,take" in (root / "review.csv").read_text()
    assert read_dataset(root).actions["late"] == []  # half a review is nothing to train on
    predict(root, "late", "late,0,20,0,2,turn screw,0.7\n")
    with Server("review", "late", "--dataset", root) as server:
        draft = server.ask("/api/actions/late?tier=review").json["segments"]
        assert draft == [[8, 12, "take"]]
        study = server.ask("/api/timestudy/late?tier=review&run=action").json
        assert {s["action"] for s in study["steps"]} == {"take", "turn screw"}
        assert server.ask("/api/review/action/late/finish", {}).json == {"segments": 3}
        assert server.ask("/api/review/action/late/finish", {}).status == 400
    assert [s.action for s in read_actions(root / "actions.csv")["late"]] == [
        "turn screw", "take", "turn screw"
    ]  # fmt: skip


def test_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    edits = 0
    for round_ in range(3):
        with Server("label", "hands", root) as server:
            for i in range(4):
                frame = 4 * round_ + i
                answer = server.ask("/api/hands/v1", {"add": [[frame, 0.5, 0.5, None, None]]})
                assert answer.status == 200
                edits += 1
            server.kill()
    with Server("label", "hands", root) as server:
        assert len(server.ask("/api/hands/v1").json["labels"]) == edits
        assert "taking up" in server.stop()
    assert len(read_hands(root / "hands.csv")) == edits


def test_two_tabs_do_not_overwrite_each_other(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    with Server("label", "actions", root) as server:
        first = {"remove": [[0, 10, "take"]], "add": [[0, 8, "take"]]}
        second = {"remove": [[0, 10, "take"]], "add": [[0, 15, "take"]]}
        assert server.ask("/api/actions/v1", first).status == 200
        answer = server.ask("/api/actions/v1", second)
        assert answer.status == 409
        assert answer.json["state"]["segments"] == [[0, 8, "take"]]
        assert server.ask("/api/actions/v1", {"add": [[20, 30, "take"]]}).status == 200
        versions = server.ask("/api/versions").json
        assert versions == {"versions": {"actions/v1": 2}, "problem": None}
    assert len(read_actions(root / "actions.csv")["v1"]) == 2


def test_a_change_that_is_sent_again_is_done_once(tmp_path: Path) -> None:
    with Server("label", "actions", make_dataset(tmp_path)) as server:
        for _ in range(2):
            body = {"add": [[0, 10, "take"]]}
            answer = server.ask("/api/actions/v1", body, headers={"X-Edit": "one"})
            assert (answer.status, answer.json["segments"]) == (200, [[0, 10, "take"]])


def test_an_annotator_has_a_table_of_their_own(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    with Server("label", "actions", root, "--annotator", "ben") as server:
        assert server.ask("/api/project").json["annotator"] == "ben"
        server.ask("/api/actions/v1", {"tier": "ben", "add": [[0, 12, "take"]]})
    assert read_table(root / "annotators" / "ben.csv", ("video",))["end_frame"].tolist() == ["12"]
    assert read_actions(root / "actions.csv")["v1"][0].end_frame == 10


def test_a_page_of_another_dataset_is_refused(tmp_path: Path) -> None:
    """Its edits are kept by the page: 403 is no refusal to it."""
    with Server("label", "actions", make_dataset(tmp_path)) as server:
        own = server.ask("/api/project").json["id"]
        for name, status in ((own, 200), ("another", 403)):
            body = {"add": [[0, 10, "take"]]} if name == own else {"add": [[20, 30, "take"]]}
            answer = server.ask("/api/actions/v1", body, headers={"X-Dataset": name})
            assert answer.status == status
        assert len(server.ask("/api/actions/v1").json["segments"]) == 1


def test_a_folder_that_is_moved_away_gets_no_double(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with Server("label", "actions", root) as server:
        assert server.ask("/api/actions/v1", {"add": [[0, 10, "take"]]}).status == 200
        root.rename(tmp_path / "moved")
        assert server.ask("/api/actions/v1", {"add": [[20, 30, "take"]]}).status == 503
        assert not root.exists()
        (tmp_path / "moved").rename(root)
        assert server.ask("/api/actions/v1", {"add": [[20, 30, "take"]]}).status == 200
    assert len(read_actions(root / "actions.csv")["v1"]) == 2


def test_classes_changed_by_another_program_are_taken_up(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with Server("label", "actions", root) as server:
        text = (root / "dataset.toml").read_text()
        (root / "dataset.toml").write_text(text.replace('"take"', '"grasp"'))
        assert server.ask("/api/actions/v1", {"add": [[0, 10, "take"]]}).status == 400
        assert server.ask("/api/actions/v1", {"add": [[0, 10, "grasp"]]}).status == 200
        assert server.ask("/api/classes", {"name": " Grasp"}).status == 400


def test_a_video_of_background_alone_can_be_finished(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    predict(root, "v1", "v1,0,40,0,2,background,0.9\n")
    with Server("review", root) as server:
        for _ in range(2):  # the answer may be lost, and the request sent again
            answer = server.ask("/api/review/action/v1/finish", {}, headers={"X-Edit": "a"})
            assert (answer.status, answer.json) == (200, {"segments": 1})
        assert server.ask("/api/review/action/v1").json["labelled"]
    assert [s.action for s in read_dataset(root).actions["v1"]] == ["background"]


def test_a_class_can_be_added(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    with Server("label", "actions", root) as server:
        names = [
            c["name"] for c in server.ask("/api/classes", {"name": " put  down "}).json["classes"]
        ]
        assert names == ["background", "take", "turn screw", "put down"]
        assert server.ask("/api/classes", {"name": "take"}).status == 400
        answer = server.ask("/api/actions/v1", {"add": [[0, 12, "put down"]]})
        assert answer.status == 200
    assert read_dataset(root).actions["v1"][0].action == "put down"


def test_a_damaged_video_is_refused_in_words(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    (root / "videos" / "v1.mp4").write_bytes(b"no video")
    shutil.rmtree(root / "cache")
    with Server("label", "actions", root) as server:
        answer = server.ask("/frames/v1/0.jpg")
        assert answer.status == 400
        assert "v1.mp4" in answer.json["error"]
        assert server.ask("/media/v1").status == 400


def test_a_long_group_of_pictures_is_stepped_backwards(tmp_path: Path) -> None:
    video = make_video(
        tmp_path / "long.mp4", 300, fps=Fraction(30), options={"g": "300", "bf": "2"}
    )
    create_dataset(tmp_path / "line", [video])
    with Server("label", "actions", tmp_path / "line") as server:
        for i in (299, *range(298, 200, -1), 10, 9, 250):
            body = server.ask(f"/frames/long/{i}.jpg").body
            assert read_number(np.asarray(Image.open(io.BytesIO(body)))) == i


def test_a_video_that_vanishes_or_changes_is_told_and_nothing_hangs(tmp_path: Path) -> None:
    root = make_dataset(tmp_path)
    create_dataset(root, [make_picture_folder(tmp_path / "stills", 5)], fps=10)
    with Server("label", "actions", root) as server:
        assert server.ask("/frames/v1/3.jpg").status == 200
        assert server.ask("/frames/stills/0.jpg").status == 200
        (tmp_path / "stills" / "frame_3.png").unlink()
        assert server.ask("/frames/stills/4.jpg").status in (200, 400)
        (root / "videos" / "v1.mp4").unlink()
        assert server.ask("/frames/v1/30.jpg").status in (200, 400)
        make_video(root / "videos" / "v1.mp4", 40, fps=20, numbers=range(100, 140))
        body = server.ask("/frames/v1/30.jpg").body
        assert read_number(np.asarray(Image.open(io.BytesIO(body)))) == 130


def test_pictures_that_nobody_waits_for_any_more_are_dropped(tmp_path: Path) -> None:
    video = make_video(tmp_path / "long.mp4", 600, fps=30, options={"g": "300", "bf": "0"})
    pictures = Pictures(video, scan_video(video))
    dropped = 0

    def want(frame: int) -> bytes | None:
        nonlocal dropped
        try:
            return pictures.get(frame)
        except Dropped:
            dropped += 1
            return None

    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(want, range(0, 600, 20)))
    numbers = [read_number(np.asarray(Image.open(io.BytesIO(f)))) for f in found if f]
    assert numbers == [i for i, f in zip(range(0, 600, 20), found, strict=True) if f]
    assert len(numbers) + dropped == 30
    with pytest.raises(IndexError):
        pictures.get(600)
    pictures.close()
    with pytest.raises(Dropped):
        pictures.get(599) and pictures.get(1)


def test_a_table_in_disorder_is_told_and_no_edit_is_taken(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, actions="v1,0,10,take\n")
    with Server("label", "actions", root) as server:
        assert server.ask("/api/actions/v1").status == 200
        text = (root / "actions.csv").read_text()
        (root / "actions.csv").write_text(text + "v1,x,3,take\n")
        answer = server.ask("/api/actions/v1", {"add": [[20, 30, "take"]]})
        assert answer.status == 503  # so that the page keeps it, and tries again
        assert "actions.csv:3" in answer.json["error"]
        (root / "actions.csv").write_text(text)
        assert server.ask("/api/actions/v1", {"add": [[20, 30, "take"]]}).status == 200
    assert len(read_actions(root / "actions.csv")["v1"]) == 2


def test_a_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "label-token"
    token = load_token(path)
    assert load_token(path) == token
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)  # others may have read it
    assert load_token(path) != token


def test_keys_of_classes_are_no_commands() -> None:
    """The letters that the server gives to classes are not those that the pages take themselves."""
    static = Path(__file__).parents[1] / "handact" / "web" / "static"
    commands = (static / "commands.js").read_text() + (static / "review.js").read_text()
    taken = set(re.findall(r"^  ([a-z]): ", commands, re.MULTILINE))
    assert taken >= set("iosmpfz")
    assert not taken & set(CLASS_KEYS)
