"""From the intervals of any tool to segments in frames of the dataset's videos.

Here, and only here, seconds and foreign frames become frames. What would shift labels and is not
said by the format, proven by the numbers, or said by the person is refused with the option
that settles it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from math import inf, isfinite
from typing import Literal

from handact.errors import LabelError
from handact.formats.intervals import ActionOptions, Interval, IntervalFile
from handact.formats.reading import ActionLabels, IndexOf, VideoNames
from handact.formats.stamps import TAIL_SECONDS, Stamps, counts_the_same, other_rate
from handact.formats.tables import ActionRow
from handact.formats.videos import Video
from handact.labels import Segment

__all__ = ["place_intervals"]

# Of neighbours a frame apart, none of which touch: this many are no coincidence.
_PROOF = 3
_FEW = 2  # enough where all neighbours are alike
# Frame rates that differ by less are a matter of rounding.
_SAME_RATE = 1e-3

_Placed = tuple[Interval, int, int]


def place_intervals(
    found: IntervalFile,
    videos: Mapping[str, Video],
    index_of: IndexOf,
    options: ActionOptions,
    background: str,
) -> ActionLabels:
    """Turn what a reader found into segments of the dataset's videos.

    A time becomes the frame that is shown then, for starts and for ends, so that neighbours meet;
    one that is just before a frame, by no more than tools round, becomes that frame.

    Args:
        found: By a reader.
        videos: The dataset's videos.
        index_of: Gives the index of a video; called only where time stamps are needed.
        options: What the person said.
        background: The class whose frames get no segment in formats with a label for each frame.

    Raises:
        LabelError: Names file and row of the first thing wrong, and the option that settles it.
    """
    labels = ActionLabels(
        file=found.file, format=found.format, units="", rows=found.rows, classes=found.classes
    )
    labels.notes += found.notes
    for row, reason in found.dropped:
        labels.drop(row, None, reason)
    if found.unit and options.unit and found.unit != options.unit:
        raise LabelError(
            f"{found.file}: counts in {found.unit}, by its format", "leave out `--unit`"
        )
    known = _find_videos(found, videos, options, labels)
    # How a file counts is told by all of it, also by what is not taken.
    every = [replace(i, video=known[i.video]) for i in found.intervals if i.video in known]
    intervals = _take_tier(every, options.tier, labels)
    listed = {known[text]: n for text, n in found.listed.items() if text in known}
    labels.splits = {known[text]: part for text, part in found.splits.items() if text in known}
    labels.labelled = {known[text] for text in found.empty if text in known} | set(listed)
    labels.labelled |= {i.video for i in intervals}
    stamps = Stamps(videos, index_of, options.offset)
    if (options.unit or found.unit or _prove_unit(found, every, videos)) == "seconds":
        _refuse_counting(found, options)
        labels.units = "seconds, by the time stamps of the videos"
        placed = [_place_seconds(i, stamps, found) for i in intervals]
        labels.notes += _note_rates(_rates_by_text(found, known), known, videos)
    else:
        rates = _settle_rates(found, known, intervals, listed, videos, options)
        first, included = _settle_numbers(found, every, rates, videos, options)
        labels.units = _describe_frames(first, included, rates)
        intervals = [_count_from_zero(i, first, included) for i in intervals]
        intervals = _fit_lengths(found, intervals, listed, rates, videos, options, labels)
        placed = [
            _place_frames(i, videos[i.video], rates[i.video], stamps, found) for i in intervals
        ]
    labels.notes += _note_durations(found, known, videos)
    _add_segments(placed, background if found.listed else None, labels)
    labels.notes += stamps.describe()
    return labels


def _place(found: IntervalFile, interval: Interval) -> str:
    return f"{found.file}:{interval.row}"


# ------------------------------------------------------------------------------------ which of them


def _find_videos(
    found: IntervalFile, videos: Mapping[str, Video], options: ActionOptions, labels: ActionLabels
) -> dict[str, str]:
    """Return the dataset's name of each video that the file names; note the unknown ones."""
    names = VideoNames(videos)
    texts = [i.video for i in found.intervals]
    texts = list(dict.fromkeys([*texts, *found.listed, *found.empty, *found.splits]))
    if options.video is not None:
        return dict.fromkeys(texts, names.find_only(options.video, texts, found.file))
    known = _match_names(found, texts, names)
    if not known and len(texts) == 1 and found.stem and (name := names.find(found.stem)):
        calls = f"calls its video {texts[0]!r}, which is not in the dataset"
        calls = calls if texts[0] else "does not name its video"
        labels.notes.append(f"{calls}: taken for {name!r} after the name of the file")
        return {texts[0]: name}
    if texts == [""]:
        raise LabelError(
            f"{found.file}: does not name its video, and no video of the dataset is called "
            f"{found.stem!r}",
            "say which one it is: `--video NAME`",
        )
    for interval in found.intervals:
        if interval.video not in known:
            labels.drop(interval.row, None, f"no video {interval.video!r} in the dataset")
    silent = {*found.listed, *found.empty, *found.splits} - known.keys()
    for text in sorted(silent - {i.video for i in found.intervals}):
        labels.drop(None, None, f"no video {text!r} in the dataset")
    return known


def _match_names(found: IntervalFile, texts: list[str], names: VideoNames) -> dict[str, str]:
    """Return the dataset's name of each text, with or without the prefix that some tools put."""
    known = names.find_all(texts, found.file)
    if found.prefix and len(known) < len(texts):
        other = {
            text: text.removeprefix(found.prefix)
            if text.startswith(found.prefix)
            else found.prefix + text
            for text in texts
            if text not in known
        }
        again = names.find_all(other.values(), found.file)
        known |= {text: again[name] for text, name in other.items() if name in again}
    return known


def _take_tier(intervals: list[Interval], tier: str | None, labels: ActionLabels) -> list[Interval]:
    tiers = Counter(i.tier for i in intervals)
    listed = ", ".join(f"{name or 'without a name'} ({n})" for name, n in tiers.items())
    if tier is None:
        labels.tiers = tuple(tiers)
        if len(tiers) > 1:
            labels.notes.append(f"tiers, all of them taken: {listed}; `--tier NAME` takes one")
        return intervals
    if tier not in tiers:
        raise LabelError(f"{labels.file}: has no tier {tier!r}", f"its tiers are: {listed}")
    for interval in intervals:
        if interval.tier != tier:
            labels.drop(interval.row, None, f"is of the tier {interval.tier!r}")
    return [i for i in intervals if i.tier == tier]


# -------------------------------------------------------------------------------- seconds to frames


def _place_seconds(interval: Interval, stamps: Stamps, found: IntervalFile) -> _Placed:
    place = _place(found, interval)
    shift = stamps.offset(interval.video, place)
    start, end = interval.start - shift, interval.end - shift
    return interval, *stamps.frames(start, end, interval.video, place)


def _note_rates(
    told: Mapping[str, float], known: Mapping[str, str], videos: Mapping[str, Video]
) -> Iterator[str]:
    """Times do not depend on the frame rate; where it is another, the video may be, too."""
    others = [t for t, fps in told.items() if abs(fps / videos[known[t]].fps - 1) > _SAME_RATE]
    if others:
        more = f", and so on for {len(others) - 1} more" if len(others) > 1 else ""
        yield (
            f"video {known[others[0]]!r} has {told[others[0]]:.6g} frames a second by the file, "
            f"{videos[known[others[0]]].fps:.6g} by itself{more}: is it the version that was "
            "labelled?"
        )


def _refuse_counting(found: IntervalFile, options: ActionOptions) -> None:
    said = {"--fps": options.fps, "--first-frame": options.first_frame, "--end": options.end}
    useless = [name for name, value in said.items() if value is not None]
    if useless:
        raise LabelError(
            f"{found.file}: its times are seconds, of which {useless[0]} says nothing",
            f"leave out `{useless[0]}`, or say `--unit frames` if they are frames",
        )


def _note_durations(
    found: IntervalFile, known: Mapping[str, str], videos: Mapping[str, Video]
) -> Iterator[str]:
    for text, seconds in found.durations.items():
        video = videos.get(known.get(text, ""))
        if video and abs(seconds - video.frames / video.fps) > TAIL_SECONDS + 0.01 * seconds:
            yield (
                f"video {video.name!r} lasts {seconds:.6g} s by the file, "
                f"{video.frames / video.fps:.6g} s by itself: is it the version that was labelled?"
            )


def _prove_unit(
    found: IntervalFile, intervals: list[Interval], videos: Mapping[str, Video]
) -> Literal["seconds", "frames"]:
    """Tell seconds from frames by the numbers, where the file does not.

    Raises:
        LabelError: They may be either.
    """
    if any(i.start % 1 or (i.end % 1 and isfinite(i.end)) for i in found.intervals):
        return "seconds"
    if not intervals:
        return "seconds"  # or anything else
    for interval in intervals:
        # So far beyond the end that it is no matter of another version of the video.
        seconds = videos[interval.video].frames / videos[interval.video].fps
        if 2 * seconds + TAIL_SECONDS < interval.end < inf:
            return "frames"
    raise LabelError(
        f"{found.file}: its times may be whole seconds, or frames",
        "say `--unit seconds` or `--unit frames`",
    )


# --------------------------------------------------------------------------------- frames to frames


def _settle_numbers(
    found: IntervalFile,
    intervals: list[Interval],
    rates: Mapping[str, float | None],
    videos: Mapping[str, Video],
    options: ActionOptions,
) -> tuple[int, bool]:
    """Return the number of the first frame, and whether ends are included.

    Raises:
        LabelError: The file leaves it open, or its numbers contradict what it should be.
    """
    for interval in intervals:
        if interval.start % 1 or (interval.end % 1 and isfinite(interval.end)):
            raise LabelError(
                f"{_place(found, interval)}: is not a whole frame: "
                f"{interval.start:g} to {interval.end:g}",
                "`--unit seconds` if these are seconds",
            )
    touching, apart, pairs = _count_neighbours(found.intervals)
    is_apart = not touching and (apart >= _PROOF or _FEW <= apart == pairs)
    if options.end is not None:
        included = options.end == "included"
    elif found.end_included is None:
        if not is_apart and not (touching and not apart):
            raise LabelError(
                f"{found.file}: does not tell whether the last frame of an interval belongs to it",
                "say `--end included` or `--end excluded`",
            )
        included = is_apart
    else:
        included = found.end_included
        if not included and not touching and apart >= _PROOF:
            raise LabelError(
                f"{found.file}: {apart} segments begin one frame after the end of the one before, "
                "none where it ends: is the end included?",
                "say `--end included`, or `--end excluded` if these gaps are meant",
            )
        if included and not apart and touching >= _PROOF:
            raise LabelError(
                f"{found.file}: {touching} segments begin at the last frame of the one before, "
                "none after it: is the end excluded?",
                "say `--end excluded`, or `--end included` if they overlap",
            )
    first = options.first_frame if options.first_frame is not None else found.first_frame
    if first is None:
        first = _prove_first(found, intervals, rates, videos, included)
    return first, included


def _count_neighbours(intervals: Iterable[Interval]) -> tuple[int, int, int]:
    """Count segments that begin at the end of the one before, one frame after it, and all."""
    rows: dict[tuple[str, str], list[Interval]] = defaultdict(list)
    for interval in intervals:
        rows[interval.video, interval.tier].append(interval)
    gaps = [
        after.start - before.end
        for neighbours in rows.values()
        for before, after in pairwise(sorted(neighbours, key=lambda i: (i.start, i.end)))
    ]
    return gaps.count(0), gaps.count(1), len(gaps)


def _prove_first(
    found: IntervalFile,
    intervals: list[Interval],
    rates: Mapping[str, float | None],
    videos: Mapping[str, Video],
    included: bool,
) -> int:
    if any(i.start == 0 for i in found.intervals):
        return 0
    # One past the last frame is `frames` if counted from 0, and one more if from 1.
    of_video = [i for i in intervals if i.video in rates and rates[i.video] is None]
    if any(i.end + included == videos[i.video].frames + 1 for i in of_video):
        return 1
    raise LabelError(
        f"{found.file}: does not tell whether frames count from 0 or from 1",
        "say `--first-frame 0` or `--first-frame 1`",
    )


def _settle_rates(
    found: IntervalFile,
    known: Mapping[str, str],
    intervals: list[Interval],
    listed: Mapping[str, int],
    videos: Mapping[str, Video],
    options: ActionOptions,
) -> dict[str, float | None]:
    """Return the rate in which the file counts for each video; None: the video's own frames.

    Raises:
        LabelError: It is not known, or another than the video's without anybody having said so.
    """
    told = {known[text]: fps for text, fps in _rates_by_text(found, known).items()}
    rates: dict[str, float | None] = {}
    for name in dict.fromkeys([*(i.video for i in intervals), *listed]):
        video = videos[name]
        fps = told.get(name) if options.fps is None else options.fps
        of_video = fps == "video"
        if found.rate == "settled":  # time codes: 30 stands for 29.97
            of_video = round(fps) == round(video.fps)
        of_video |= options.fps is None and found.rate == "video"
        fits = listed.get(name) == video.frames or (listed and options.allow_length_mismatch)
        if of_video or (fps is None and fits):
            rates[name] = None
        elif fps is None and listed:
            raise LabelError(
                f"{found.file}: has {listed[name]} labels, but video {name!r} has "
                f"{video.frames} frames",
                "were they made at another frame rate? `--fps 15` says at which; "
                "`--allow-length-mismatch` takes them as they are",
            )
        elif fps is None:
            raise LabelError(
                f"{found.file}: does not tell at how many frames a second it counts",
                "say `--fps 24`, or what the tool was set to; `--fps video` if it counts the "
                f"frames of the video, {video.fps:.6g} a second",
            )
        elif counts_the_same(fps, video):
            rates[name] = None
        elif options.fps is None and found.rate == "unsure":
            raise other_rate(fps, video, found.file)
        else:
            rates[name] = fps
    return rates


def _rates_by_text(found: IntervalFile, known: Mapping[str, str]) -> dict[str, float]:
    if isinstance(found.fps, dict):
        return {text: fps for text, fps in found.fps.items() if text in known}
    return {} if found.fps is None else dict.fromkeys(known, found.fps)


def _describe_frames(first: int, included: bool, rates: Mapping[str, float | None]) -> str:
    own = sorted({f"{fps:.6g}" for fps in rates.values() if fps is not None})
    at = f" at {', '.join(own)} a second" if own else ""
    return f"frames{at}, {first}-based, end {'included' if included else 'excluded'}"


def _count_from_zero(interval: Interval, first: int, included: bool) -> Interval:
    start, end = interval.start - first, interval.end - first + included
    return replace(interval, start=start, end=end)


def _place_frames(
    interval: Interval, video: Video, fps: float | None, stamps: Stamps, found: IntervalFile
) -> _Placed:
    place = _place(found, interval)
    if interval.start < 0:
        raise LabelError(
            f"{place}: begins before the first frame", "do frames count from 0? `--first-frame 0`"
        )
    if fps is None:
        end = video.frames if interval.end == inf else int(interval.end)
        # Who has a rate of his own makes frames of the sound's tail, too.
        tail = TAIL_SECONDS * video.fps if found.rate == "unsure" and not found.listed else 0
        if end <= video.frames + tail:
            end = min(end, video.frames)
        return interval, int(interval.start), end
    return interval, *stamps.frames(interval.start / fps, interval.end / fps, interval.video, place)


def _fit_lengths(
    found: IntervalFile,
    intervals: list[Interval],
    listed: Mapping[str, int],
    rates: Mapping[str, float | None],
    videos: Mapping[str, Video],
    options: ActionOptions,
    labels: ActionLabels,
) -> list[Interval]:
    """Cut off labels of frames that a video does not have, where a person allowed it.

    Raises:
        LabelError: There are more or fewer labels than frames, and nobody did.
    """
    ends: dict[str, float] = {}
    for name, number in listed.items():
        video, fps = videos[name], rates[name] or videos[name].fps
        ends[name] = video.frames / video.fps * fps
        if abs(number - ends[name]) <= (0.5 if rates[name] is None else TAIL_SECONDS * fps):
            continue
        has = f"{number} labels at {fps:.6g} a second"
        if not options.allow_length_mismatch:
            raise LabelError(
                f"{found.file}: has {has}, but video {name!r} has {video.frames} frames at "
                f"{video.fps:.6g}",
                "`--allow-length-mismatch` takes them as they are",
            )
        labels.notes.append(f"{has} of video {name!r}, which has {video.frames} at {video.fps:.6g}")
    if not options.allow_length_mismatch:
        return intervals
    return [
        replace(i, end=inf) if i.video in ends and i.end > ends[i.video] else i
        for i in intervals
        if i.video not in ends or i.start < ends[i.video]
    ]


def _add_segments(placed: Iterable[_Placed], background: str | None, labels: ActionLabels) -> None:
    for interval, start, end in placed:
        place = f"{labels.file}:{interval.row}"
        if not interval.label:
            raise LabelError(f"{place}: the label is empty")
        if interval.label == background:
            continue
        if end < start:
            raise LabelError(f"{place}: end {interval.end:g} is before start {interval.start:g}")
        if end == start:
            reason = f"holds no frame: {interval.start:g} to {interval.end:g}"
            labels.drop(interval.row, interval.video, reason)
            continue
        row = ActionRow(interval.row, interval.video, Segment(start, end, interval.label))
        labels.segments.append(row)
