"""Times as tools write them: seconds, or hours, minutes and seconds with colons between them."""

import re

from handact.errors import LabelError

__all__ = ["parse_clock"]

# So many digits that no hostile number becomes infinite, which would mean the end of the video.
_CLOCK = re.compile(
    r"(-?)(?:(?:([0-9]{1,6}):)?([0-9]{1,6}):)?([0-9]{1,12}(?:[.,][0-9]*)?|[.,][0-9]+)"
)


def parse_clock(text: str, what: str, place: str) -> float:
    """Return the seconds of `12.5`, `0:12.5` or `0:00:12,5`.

    Args:
        text: The time.
        what: Name of the field, for messages.
        place: File and row, for messages.

    Raises:
        LabelError: It is no time.
    """
    match = _CLOCK.fullmatch(text)
    sign, hours, minutes, seconds = match.groups(default="") if match else ("", "", "", "nan")
    second = float(seconds.replace(",", "."))
    if not match or (minutes and second >= 60) or (hours and int(minutes) >= 60):
        raise LabelError(f"{place}: {what} is not a time in seconds or h:mm:ss: {text!r}")
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + second
    return -total if sign else total
