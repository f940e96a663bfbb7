"""What all pictures share: colours, style, and how they get into a file."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handact.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BACKGROUND",
    "LEFT",
    "PICTURE_SUFFIXES",
    "RIGHT",
    "class_colours",
    "drawing",
    "plain",
    "shorten",
]

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
BACKGROUND = (225, 225, 225)
LEFT, RIGHT = "#0072B2", "#D55E00"

# The first seven are Okabe and Ito's. The others were chosen one by one to lie as far as possible
# (in OKLab, as seen with normal, deutan and protan vision after Machado et al. 2009) from those
# before them, and from black, greys and white, which mean something else in the pictures.
_COLOURS = (
    "E69F00 56B4E9 009E73 F0E442 0072B2 D55E00 CC79A7 960F4B 0000FF 8778FF 5AE196 690FC3 C31E96"
    " 964B1E FF4B69 96D2E1 A5FFA5 5A5AE1 870F87 695A78 5A87D2 D20F4B B4D24B B4B469 FF87FF"
)
_STYLE = {
    "font.size": 8,
    "axes.titlesize": 9,
    "figure.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",
}


def class_colours(num: int, background: int | None = None) -> np.ndarray:
    """Return one colour per class index, distinct for colour-blind people too as far as may be.

    The colour of an index does not depend on `num`. From the 26th on colours come again, darker.

    Args:
        num: K, number of classes.
        background: Index of the background class, which is light grey.

    Returns:
        (K, 3) uint8, RGB.
    """
    table = np.array([tuple(bytes.fromhex(colour)) for colour in _COLOURS.split()])
    index = np.arange(num)
    shade = 0.7 ** (index // len(table))
    colours = (table[index % len(table)] * shade[:, None]).round().astype(np.uint8)
    if background is not None:
        colours[background] = BACKGROUND
    return colours


@contextmanager
def drawing(
    path: str | Path, width: float, height: float, layout: str = "constrained"
) -> Iterator["Figure"]:
    """Give a figure of a size in inches, and write it to `path` when the block succeeds.

    `layout` is matplotlib's: "constrained" arranges what is in the figure, "none" leaves it.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # No Agg picture may have more than 65,536 pixels a side.
    height = min(height, 400)
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as boxes; the picture is good otherwise.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width, height), layout=layout)
        yield figure
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150)


def shorten(text: str, length: int) -> str:
    """Cut `text` off at `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def plain(text: str, length: int = 90) -> str:
    """Return a name as matplotlib shows it unchanged: a dollar would begin a formula."""
    return shorten(text, length).replace("$", r"\$")
