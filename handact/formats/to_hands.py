"""From marked and tracked hands of any tool to rows of hands.csv.

Here, and only here, pictures become frames of the dataset's videos, names become sides, and pixels
become fractions of the picture.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import isnan, nan
from pathlib import Path
from statistics import fmean

import pandas as pd

from handact.errors import LabelError
from handact.formats.marks import HandOptions, Key, Mark, MarkFile, Picture, Track
from handact.formats.reading import HandLabels, IndexOf, VideoNames
from handact.formats.stamps import TAIL_SECONDS, Stamps, counts_the_same, other_rate
from handact.formats.videos import Video
from handact.labels import HAND_COLUMNS
from handact.video import VideoIndex

__all__ = ["frame_of_image", "place_marks", "side_of_name"]

# How far beyond an edge of the picture, as a fraction, trackers put a hand that leaves it.
_EDGE = 0.02
# By how much the shape of a picture may differ from the video's: sides are rounded when scaled.
_SHAPE = 0.02
# More tracks than this at once are not of hands.
_MOST_HANDS = 20

_SIDE_WORDS = {
    "left": {"left", "l", "lh", "lhand", "lefthand", "handleft"},
    "right": {"right", "r", "rh", "rhand", "righthand", "handright"},
}
_FRAME_NAME = re.compile(r"(.*?)(\d{1,12})")
_FRAME_WORDS = ("frame", "image", "img")
_BETWEEN = "_-. /"
_IMAGE_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")
# Eight digits alone are a date.
_UPLOAD_PREFIX = re.compile(r"^(?!\d+-)[0-9a-f]{6,8}-")
_ROBOFLOW = re.compile(r"_(?:jpe?g|png|bmp|webp|tiff?)\.rf\.[0-9A-Za-z]{1,64}$")

_Hands = dict[str, tuple[float, float]]


def place_marks(
    found: MarkFile, videos: Mapping[str, Video], index_of: IndexOf, options: HandOptions
) -> HandLabels:
    """Turn what a reader found into hand positions of the dataset's videos.

    A picture with two hands of one side, or with a hand without a place, says nothing and is left
    out. Of a track, the frames between the first and the last visible hand of its video are taken;
    in them a hand that no track shows is absent.

    Args:
        found: By a reader.
        videos: The dataset's videos.
        index_of: Gives the index of a video; called only where a file counts at another rate.
        options: What the person said.

    Raises:
        LabelError: Left and right are not told apart, a hand lies outside its picture, a frame that
            the video does not have, frames that may count from 0 or from 1.
    """
    labels = HandLabels(
        file=found.file, format=found.format, units=_describe_units(found), rows=found.rows
    )
    for row, reason in found.dropped:
        labels.drop(row, None, reason)
    labels.notes += found.notes
    side_of = _find_sides(found, options.sides, labels)
    known = _find_videos(found, videos, options.video)
    pictures = _place_pictures(found, known, videos, options, labels)
    pictures += _place_stills(found, known, videos, index_of, options, labels)
    pictures += _spell_tracks(found, side_of, known, videos, index_of, options, labels)
    rows: dict[tuple[str, int], tuple[object, ...]] = {}
    moved = 0
    for picture in pictures:
        key = (picture.video, picture.frame)
        if key in rows:
            raise LabelError(
                f"{_at(found, picture.place)}: frame {key[1]} of video {key[0]!r} is there twice"
            )
        hands = _gather_hands(picture, side_of, labels)
        if hands is None:
            continue
        video = videos[picture.video]
        size = picture.width or video.width, picture.height or video.height
        _check_shape(size, video, _at(found, picture.place))
        values, clamped = _fractions(hands, size, _at(found, picture.place))
        rows[key], moved = (*key, *values), moved + clamped
    empty = sum(all(isnan(value) for value in row[2:]) for row in rows.values())
    if empty:
        labels.notes.append(
            f"in {empty} of {len(rows)} frames no hand is marked: taken as both hands absent"
        )
    if moved:
        what = "1 coordinate" if moved == 1 else f"{moved} coordinates"
        were = "was" if moved == 1 else "were"
        labels.notes.append(f"{what} just outside the picture {were} moved to its edge")
    labels.hands = pd.DataFrame(list(rows.values()), columns=list(HAND_COLUMNS))
    labels.labelled = set(labels.hands["video"])
    labels.hands = labels.hands.astype({"frame": "int64"} | dict.fromkeys(HAND_COLUMNS[2:], float))
    return labels


def frame_of_image(path: str) -> tuple[str, int | None]:
    """Return what a picture's name calls its video, and the number of its frame, if it has one."""
    prefix, number = _split_image_name(path)
    return _without_frame_word(prefix.rstrip(_BETWEEN)), number


def _at(found: MarkFile, place: str | int) -> str:
    return f"{found.file}:{place}" if isinstance(place, int) else f"{found.file}: {place}"


def _drop(labels: HandLabels, place: str | int, reason: str, video: str | None = None) -> None:
    if isinstance(place, int):
        labels.drop(place, video, reason)
    else:
        labels.drop(None, video, f"{place}: {reason}")


def _describe_units(found: MarkFile) -> str:
    fractions = all(p.width == 1 for p in found.pictures) and all(
        t.width == 1 for t in found.tracks
    )
    return f"{'fractions of the picture' if fractions else 'pixels'}; {found.rule}"


# -------------------------------------------------------------------------------------------- sides


def _find_sides(
    found: MarkFile, sides: Mapping[str, str] | None, labels: HandLabels
) -> dict[str, str]:
    """Return the side of each name that has one.

    Raises:
        LabelError: Not both sides are found and nobody said which is which.
    """
    if found.sided and not sides:
        return {"left": "left", "right": "right"}
    marks: list[Mark | Track] = [m for p in found.pictures for m in p.marks] + found.tracks
    used = (name for mark in marks for name in mark.names if name)
    names = dict.fromkeys((*found.labels, *used))
    listed = ", ".join(list(names)[:20]) or "none"
    unknown = [name for name in sides or () if name not in names]
    if unknown:
        raise LabelError(f"{found.file}: has no label {unknown[0]!r}; its labels are: {listed}")
    side_of = sides or {name: side for name in names if (side := side_of_name(name))}
    if names and not sides and set(side_of.values()) != {"left", "right"}:
        raise LabelError(
            f"{found.file}: left and right hand are not found among its labels: {listed}",
            'say which is which: `--map "NAME=left,OTHER=right"`',
        )
    for mark in () if sides else marks:
        if len({side_of[name] for name in mark.names if name in side_of}) > 1:
            raise LabelError(
                f"{_at(found, mark.place)}: is called left and right: {', '.join(mark.names)}",
                'say which names count: `--map "NAME=left,OTHER=right"`',
            )
    if names:
        said = ", ".join(f"{name} = {side_of.get(name, 'not a side')}" for name in names)
        labels.notes.append(f"labels: {said}")
    for side in ("left", "right"):
        if names and side not in side_of.values():
            labels.notes.append(f"no label is a {side} hand, so it is absent in all pictures")
    return dict(side_of)


def side_of_name(name: str) -> str | None:
    """Return "left" or "right" where a name says so: `left_hand`, `RightHand`, `R`, `lh`."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = set(re.findall(r"[a-z]+", spaced.lower())) | {re.sub(r"[^a-z]", "", name.lower())}
    found = [side for side, known in _SIDE_WORDS.items() if words & known]
    return found[0] if len(found) == 1 else None


def _side(names: tuple[str, ...], side_of: Mapping[str, str]) -> str | None:
    return next((side_of[name] for name in names if name in side_of), None)


def _gather_hands(
    picture: Picture, side_of: Mapping[str, str], labels: HandLabels
) -> _Hands | None:
    """Return the hands of a picture; None if it is ambiguous."""
    hands: dict[str, list[Mark]] = defaultdict(list)
    unnamed: list[Mark] = []
    for mark in picture.marks:
        side = _side(mark.names, side_of)
        if not mark.names:
            unnamed.append(mark)
        elif side is None:
            _drop(labels, mark.place, f"not a hand: {', '.join(mark.names)}", picture.video)
        elif isnan(mark.x) or isnan(mark.y):
            # Somebody marked a hand here, so the frame does not say that it is absent.
            _drop(labels, mark.place, f"a {side} hand without a position", picture.video)
            return None
        else:
            hands[side].append(mark)
    chosen: _Hands = {}
    for side, marks in hands.items():
        best = [mark for mark in marks if mark.by_points] or marks
        if len(best) > 1 and not _is_one_hand(best):
            reason = f"a second {side} hand, so frame {picture.frame} is left out"
            _drop(labels, best[1].place, reason, picture.video)
            return None
        chosen[side] = fmean(mark.x for mark in best), fmean(mark.y for mark in best)
    # With both hands there, it is something else.
    reason = "has no label"
    if len(chosen) < 2:
        reason += f" and may be a hand, so frame {picture.frame} is left out"
    for mark in unnamed:
        _drop(labels, mark.place, reason, picture.video)
    return None if unnamed and len(chosen) < 2 else chosen


def _is_one_hand(marks: list[Mark]) -> bool:
    groups = {mark.group for mark in marks if mark.by_points}
    return len(groups) == 1 and groups != {""} and all(mark.by_points for mark in marks)


# ------------------------------------------------------------------------------------------- frames


def _place_pictures(
    found: MarkFile,
    known: Mapping[str, str],
    videos: Mapping[str, Video],
    options: HandOptions,
    labels: HandLabels,
) -> list[Picture]:
    """Return the pictures that are frames of known videos, with `video` and `frame` set."""
    placed: list[Picture] = []
    for picture in found.pictures:
        if picture.seconds is not None:
            continue
        text, number = picture.video, picture.frame
        if number is None:
            text, number = _split_image_name(picture.image)
        video = None if number is None else known.get(text)
        if video is None:
            what = f"no video {text!r} in the dataset"
            if number is None:
                what = "its name has no number of a frame, as VIDEO_000123.jpg has"
            _drop(labels, picture.place, what)
            continue
        placed.append(replace(picture, video=video, frame=number))
    first = _settle_first(found, placed, videos, options)
    for picture in placed:
        picture.frame -= first
        frames = videos[picture.video].frames
        if not 0 <= picture.frame < frames:
            raise LabelError(
                f"{_at(found, picture.place)}: video {picture.video!r} has no frame "
                f"{picture.frame + first}, it has {frames} from {first}",
                f"if frames count from {1 - first}, say `--first-frame {1 - first}`; "
                "or were they made at another frame rate?",
            )
    if any(picture.image for picture in found.pictures):
        labels.notes.append(f"{len(found.pictures)} pictures, {len(placed)} taken")
    return placed


def _place_stills(
    found: MarkFile,
    known: Mapping[str, str],
    videos: Mapping[str, Video],
    index_of: IndexOf,
    options: HandOptions,
    labels: HandLabels,
) -> list[Picture]:
    """Return the pictures that were given by their time, those of one frame put together."""
    stamps = Stamps(videos, index_of, options.offset)
    placed: dict[tuple[str, int], Picture] = {}
    stills = [picture for picture in found.pictures if picture.seconds is not None]
    for still in stills:
        video = known.get(still.video)
        if video is None:
            _drop(labels, still.place, f"no video {still.video!r} in the dataset")
            continue
        place = _at(found, still.place)
        frame = stamps.frame(still.seconds - stamps.offset(video, place), video, place)
        # Who pauses twice in the same frame hardly hits the same millisecond.
        first = replace(still, video=video, frame=frame, marks=[])
        placed.setdefault((video, frame), first).marks += still.marks
    if stills:
        count = f"{len(stills)} still frames, {len(placed)} frames"
        labels.notes.append(f"{count}, found by the time stamps of the videos")
    return list(placed.values())


def _find_videos(found: MarkFile, videos: Mapping[str, Video], only: str | None) -> dict[str, str]:
    """Return the dataset's name of each video that the file names, in names of pictures too.

    Raises:
        LabelError: `--video` names none, or the file is about several; two names fit one video.
    """
    names = VideoNames(videos)
    texts = dict.fromkeys(
        _split_image_name(picture.image)[0] if picture.image else picture.video
        for picture in found.pictures
    )
    texts |= dict.fromkeys(track.video for track in found.tracks)
    spellings = {text: _spellings(text) for text in texts}
    if only is not None:
        several = sorted({spelt[-1] for spelt in spellings.values()})
        return dict.fromkeys(texts, names.find_only(only, several, found.file))
    fitting = {
        text: next((one for one in (*spelt, found.stem or "") if names.find(one)), "")
        for text, spelt in spellings.items()
    }
    known = names.find_all(set(fitting.values()) - {""}, found.file)
    return {text: known[one] for text, one in fitting.items() if one in known}


def _spellings(text: str) -> list[str]:
    """Return what a name of a video may be once what stands before the number is taken off."""
    prefix = text.rstrip(_BETWEEN)
    folder, _, name = _without_frame_word(prefix).rpartition("/")
    bare = _UPLOAD_PREFIX.sub("", name)
    # `v_` may be a name: v__000123.jpg.
    one_less = text[:-1] if text[-1:] and text[-1] in _BETWEEN else text
    return [text, one_less, prefix, f"{folder}/{name}", f"{folder}/{bare}"]


def _without_frame_word(prefix: str) -> str:
    word = next((word for word in _FRAME_WORDS if prefix.lower().endswith(word)), "")
    return prefix[: len(prefix) - len(word)].rstrip(_BETWEEN)


def _split_image_name(path: str) -> tuple[str, int | None]:
    path = path.replace("\\", "/")
    suffix = Path(path).suffix
    # What is not: the number of v1.000123, the end of v2.cam_000123.
    stem = path.removesuffix(suffix) if _IMAGE_SUFFIX.fullmatch(suffix) else path
    stem = _ROBOFLOW.sub("", stem)
    match = _FRAME_NAME.fullmatch(stem)
    return (match[1], int(match[2])) if match else (path, None)


def _settle_first(
    found: MarkFile, pictures: list[Picture], videos: Mapping[str, Video], options: HandOptions
) -> int:
    """Return the number of the first frame: what is said, else what the numbers prove.

    Raises:
        LabelError: They prove nothing.
    """
    first = options.first_frame if options.first_frame is not None else found.first_frame
    if first is not None or not pictures:
        return first or 0
    if any(picture.frame == 0 for picture in pictures):
        return 0
    if any(picture.frame == videos[picture.video].frames for picture in pictures):
        return 1
    raise LabelError(
        f"{found.file}: does not tell whether frames count from 0 or from 1: "
        f"the number of the first is {pictures[0].frame}",
        "say `--first-frame 0`, or `--first-frame 1` (pictures that ffmpeg extracts do)",
    )


# ------------------------------------------------------------------------------------------- tracks


def _spell_tracks(
    found: MarkFile,
    side_of: Mapping[str, str],
    known: Mapping[str, str],
    videos: Mapping[str, Video],
    index_of: IndexOf,
    options: HandOptions,
    labels: HandLabels,
) -> list[Picture]:
    """Return a picture for each frame between the first and the last visible hand of a video.

    Where a video has single frames with hands alone, nobody looked at those between them.
    """
    first = options.first_frame if options.first_frame is not None else found.first_frame or 0
    pictures: dict[tuple[str, int], Picture] = {}
    steps: dict[str, int] = {}
    spelt: Counter[str] = Counter()
    for track in found.tracks:
        name = known.get(track.video)
        if name is None or _side(track.names, side_of) is None:
            what = f"no video {track.video!r} in the dataset"
            if name is not None:
                what = f"not a hand: {', '.join(track.names)}"
            _drop(labels, track.place, what, name)
            continue
        fps = _track_rate(found, track, videos[name], options)
        counted = _count_frames(track, first, fps, partial(index_of, name))
        _check_end(found, counted, videos[name])
        steps[name] = track.step
        shown = list(_frames_of_track(counted, videos[name].frames))
        spelt[name] += len(shown)
        if spelt[name] > _MOST_HANDS * videos[name].frames + _MOST_HANDS:
            raise LabelError(
                f"{_at(found, track.place)}: with it, tracks show more than {_MOST_HANDS} hands in "
                f"every frame of video {name!r}"
            )
        for frame, x, y in shown:
            empty = Picture(f"frame {frame}", "", name, frame, track.width, track.height)
            picture = pictures.setdefault((name, frame), empty)
            place = f"{track.place}, frame {frame}"
            picture.marks.append(Mark(place, track.names, x, y, track.by_points))
    frames_of: dict[str, list[int]] = defaultdict(list)
    for name, frame in sorted(pictures):
        frames_of[name].append(frame)
    for name, frames in frames_of.items():
        step = steps[name]
        taken = f"frames {frames[0]} to {frames[-1]}" + (f", every {step}th" if step > 1 else "")
        if any(after - frame == step for frame, after in pairwise(frames)):
            for frame in range(frames[0], frames[-1] + 1, step):
                empty = Picture(f"frame {frame}", "", name, frame, 1, 1)
                pictures.setdefault((name, frame), empty)
        else:
            taken = "only frames with a hand, no two of which are neighbours,"
        labels.notes.append(f"video {name!r}: {taken} taken, from tracks")
    return [pictures[key] for key in sorted(pictures)]


def _track_rate(found: MarkFile, track: Track, video: Video, options: HandOptions) -> float | None:
    """Return the frames a second in which a track counts; None: the frames of the video.

    Raises:
        LabelError: The file's rate is not the video's, and nobody said whose frames it counts.
    """
    fps = options.fps if options.fps is not None else found.fps.get(track.video, "video")
    if fps == "video" or counts_the_same(fps, video):
        return None
    if options.fps is None:
        raise other_rate(fps, video, _at(found, track.place))
    return fps


def _count_frames(
    track: Track, first: int, fps: float | None, load_index: Callable[[], VideoIndex]
) -> Track:
    """Return the track with the frames of the video in place of the file's."""

    def count(number: float) -> int:
        # Half a frame later, the time is inside the frame however it was rounded.
        return (
            round(number - first) if fps is None else index.frame_at((number - first + 0.5) / fps)
        )

    index = load_index() if fps is not None else None
    keys = [replace(key, frame=count(key.frame)) for key in track.keys]
    end = None if track.end is None else count(track.end - 1) + 1
    return replace(track, keys=keys, end=end)


def _check_end(found: MarkFile, track: Track, video: Video) -> None:
    """Refuse a hand beyond the end; tools that count the sound too have a few frames more."""
    last = max((key.frame for key in track.keys if key.visible), default=0)
    if last >= video.frames + TAIL_SECONDS * video.fps:
        raise LabelError(
            f"{_at(found, track.place)}: has a hand in frame {last:g}, but video {video.name!r} "
            f"has {video.frames} frames",
            "was another version of the video labelled, or at another frame rate?",
        )


def _frames_of_track(track: Track, frames: int) -> Iterator[tuple[int, float, float]]:
    """Give frame, x and y of each frame of a track in which the hand is visible."""
    keys: list[Key] = sorted(track.keys, key=lambda key: key.frame)
    for i, key in enumerate(keys):
        if not key.visible:
            continue
        after = keys[i + 1] if i + 1 < len(keys) else None
        if key.alone:
            end = key.frame + 1
        elif after is not None:
            end = after.frame
        else:
            end = key.frame + 1 if track.end is None else track.end
        for frame in range(max(0, int(key.frame)), min(frames, int(end))):
            if (frame - int(keys[0].frame)) % track.step:
                continue
            # Towards a key where the hand is absent, it stays: that key repeats where it was.
            if after is not None and after.visible and not key.alone and frame > key.frame:
                share = (frame - key.frame) / (after.frame - key.frame)
                yield frame, key.x + share * (after.x - key.x), key.y + share * (after.y - key.y)
            else:
                yield frame, key.x, key.y


# ---------------------------------------------------------------------------------------- positions


def _check_shape(size: tuple[float, float], video: Video, place: str) -> None:
    """Refuse pictures that cannot be the frames of a video as it is shown."""
    if size != (1, 1) and abs(size[0] * video.height / (size[1] * video.width) - 1) > _SHAPE:
        raise LabelError(
            f"{place}: the picture has {size[0]:g}x{size[1]:g}, but video {video.name!r} has "
            f"{video.width}x{video.height}",
            "was the video labelled turned, cut or stretched? Positions would be wrong",
        )


def _fractions(hands: _Hands, size: tuple[float, float], place: str) -> tuple[list[float], int]:
    """Return the four positions, and how many of them were moved onto the edge."""
    values: list[float] = []
    moved = 0
    for side in ("left", "right"):
        x, y = hands.get(side, (nan, nan))
        for value, extent in ((x, size[0]), (y, size[1])):
            share = value / extent
            if share < -_EDGE or share > 1 + _EDGE:
                raise LabelError(
                    f"{place}: the centre of the {side} hand ({x:g}, {y:g}) is outside the picture "
                    f"of {size[0]:g}x{size[1]:g}",
                    "was another version of the video labelled, or are corners taken for sizes?",
                )
            moved += share < 0 or share > 1
            values.append(min(max(share, 0.0), 1.0) if not isnan(share) else nan)
    return values, moved
