"""What the bench looks like: drawn with OpenCV, lit and photographed differently each time.

Colours are RGB. Points are drawn with four binary digits after the point, so motion is smooth.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from handact.bench.script import BIN, HEIGHT, LEVER, PRODUCT, WIDTH, Moment, Pose

__all__ = ["Look", "draw_look", "draw_moment", "project"]

Colour = tuple[int, int, int]

_SHIFT = 4
_SKINS = ((241, 194, 160), (224, 172, 128), (198, 134, 92), (141, 85, 54), (92, 58, 40))
_SLEEVES = (
    (46, 70, 120), (60, 60, 66), (150, 44, 44), (56, 110, 72), (196, 196, 200), (92, 60, 120),
)  # fmt: skip
_BENCHES = ((176, 148, 112), (150, 156, 160), (118, 136, 150), (190, 178, 156), (128, 118, 104))
_PINS: dict[str, Colour] = {"red pin": (225, 30, 40), "blue pin": (35, 70, 235)}
_BINS = ((214, 120, 40), (60, 120, 190), (70, 150, 90), (190, 170, 60))


@dataclass(frozen=True)
class Look:
    """What stays the same through a video.

    Attributes:
        skin, sleeve, bench: Colours.
        camera: (2, 3) from bench pixels to picture pixels.
        width, height: Of the picture.
        gain: (3,) brightness of each channel.
        gradient: Slope of the light over the bench in x and y, as a share.
        drift: Amplitude and period in frames of the light's slow change.
        noise: Standard deviation of the sensor's noise, grey levels.
        seed: Of clutter and noise.
    """

    skin: Colour
    sleeve: Colour
    bench: Colour
    camera: np.ndarray
    width: int
    height: int
    gain: tuple[float, float, float]
    gradient: tuple[float, float]
    drift: tuple[float, float]
    noise: float
    seed: int

    @cached_property
    def scale(self) -> float:
        """Picture pixels per bench pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.camera[:, :2]))))

    @cached_property
    def empty(self) -> np.ndarray:
        """The bench without hands (H, W, 3)."""
        return cv2.warpAffine(
            _draw_bench(self), self.camera, (self.width, self.height),
            flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip

    @cached_property
    def light(self) -> np.ndarray:
        """What each pixel is multiplied by, times 180 (H, W, 3) uint8."""
        x = np.linspace(-1, 1, self.width)[None, :, None] * self.gradient[0]
        y = np.linspace(-1, 1, self.height)[:, None, None] * self.gradient[1]
        return np.clip((1 + x + y) * np.array(self.gain) * 180, 0, 255).astype(np.uint8)

    @cached_property
    def noises(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Noise to be added and subtracted, a few fields that frames take in turn."""
        rng = np.random.default_rng(self.seed)
        fields = []
        for _ in range(3):
            noise = rng.normal(0, self.noise, (self.height, self.width, 1)).astype(np.float32)
            noise = np.repeat(noise, 3, axis=2) + rng.normal(0, 1, 3).astype(np.float32)
            up, down = np.maximum(noise, 0), np.maximum(-noise, 0)
            fields.append((up.round().astype(np.uint8), down.round().astype(np.uint8)))
        return fields


def draw_look(rng: np.random.Generator, width: int, height: int) -> Look:
    """Draw lots for person, bench, camera and light."""
    warm = rng.uniform(-0.07, 0.07)
    brightness = rng.uniform(0.78, 1.12)
    return Look(
        skin=_vary(_SKINS[rng.integers(len(_SKINS))], 8, rng),
        sleeve=_vary(_SLEEVES[rng.integers(len(_SLEEVES))], 12, rng),
        bench=_vary(_BENCHES[rng.integers(len(_BENCHES))], 10, rng),
        camera=_draw_camera(rng, width, height),
        width=width,
        height=height,
        gain=tuple(brightness * np.array([1 + warm, 1.0, 1 - warm])),
        gradient=tuple(rng.uniform(-0.14, 0.14, 2)),
        drift=(rng.uniform(0.0, 0.06), rng.uniform(60, 200)),
        noise=rng.uniform(2, 6),
        seed=int(rng.integers(2**31)),
    )


def project(look: Look, points: np.ndarray) -> np.ndarray:
    """Return picture pixels (..., 2) of bench pixels (..., 2)."""
    return points @ look.camera[:, :2].T + look.camera[:, 2]


def draw_moment(look: Look, moment: Moment, frame: int) -> np.ndarray:
    """Return a photograph of the bench (H, W, 3) uint8 RGB."""
    picture = look.empty.copy()
    pen = _Pen(picture, look)
    _draw_lever(pen, moment.lever)
    _draw_product(pen, moment.product_angle)
    for side, pose in (("left", moment.left), ("right", moment.right)):
        _draw_arm(pen, pose, side)
    amplitude, period = look.drift
    light = (1 + amplitude * np.sin(2 * np.pi * frame / period)) / 180
    picture = cv2.multiply(picture, look.light, scale=light)
    up, down = look.noises[frame % len(look.noises)]
    return cv2.subtract(cv2.add(picture, up), down)


@dataclass(frozen=True)
class _Pen:
    """Draws in bench coordinates on a picture."""

    picture: np.ndarray
    look: Look

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Draw a line with round ends."""
        thickness = max(1, round(width * self.look.scale))
        cv2.polylines(
            self.picture, [self._fixed(points)], False, colour, thickness, cv2.LINE_AA, _SHIFT
        )

    def polygon(self, points: np.ndarray, colour: Colour) -> None:
        cv2.fillPoly(self.picture, [self._fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def dot(self, at: np.ndarray, radius: float, colour: Colour) -> None:
        center = tuple(int(v) for v in self._fixed(at[None])[0])
        size = round(radius * self.look.scale * (1 << _SHIFT))
        cv2.circle(self.picture, center, size, colour, -1, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.round(project(self.look, points) * (1 << _SHIFT)).astype(np.int32)


def _draw_arm(pen: _Pen, pose: Pose, side: str) -> None:
    """Draw sleeve, wrist, what is held, and the hand with its fingers."""
    skin, sleeve = pen.look.skin, pen.look.sleeve
    out = -1 if side == "left" else 1
    elbow = np.array([640 + out * 300.0, HEIGHT + 190.0]) + 0.25 * (pose.at - [640, 360])
    along = (pose.at - elbow) / np.linalg.norm(pose.at - elbow)
    across = np.array([-along[1], along[0]])
    wrist = pose.at - 50 * along
    cuff = pose.at - 105 * along
    pen.line(np.stack([cuff, wrist, pose.at]), _shade(skin, 0.86), 46)
    width = np.array([62.0, 40.0])
    corners = [elbow + width[0] * across, cuff + width[1] * across]
    corners += [cuff - width[1] * across, elbow - width[0] * across]
    pen.polygon(np.stack(corners), sleeve)
    pen.line(np.stack([cuff + 38 * across, cuff - 38 * across]), _shade(sleeve, 0.75), 9)
    if pose.holds in ("cloth", "wrench", "part"):
        _draw_held(pen, pose, along, across)
    _draw_hand(pen, pose, along, out)
    if pose.holds.endswith("pin"):
        _draw_held(pen, pose, along, across)


def _draw_hand(pen: _Pen, pose: Pose, along: np.ndarray, out: int) -> None:
    """Draw palm, four fingers and the thumb, which lies on the inner side."""
    skin = pen.look.skin
    edge = _shade(skin, 0.68)
    forward = _rotate(along, out * -pose.turn)
    across = np.array([-forward[1], forward[0]])
    length = 62 - 34 * pose.grip
    knuckles = [pose.at + 24 * forward + across * offset for offset in (-27, -9, 9, 27)]
    for i, knuckle in enumerate(knuckles):
        reach = length * (0.86, 1.0, 0.97, 0.78)[i if out > 0 else 3 - i]
        spread = (i - 1.5) * 0.11 * (1 - pose.grip)
        tip = knuckle + reach * (forward + spread * across)
        pen.line(np.stack([knuckle - 12 * forward, tip]), edge, 20)
        pen.line(np.stack([knuckle - 12 * forward, tip]), skin, 16)
        pen.dot(tip + 2 * forward, 4.5, _shade(skin, 1.12))
    inner = -out * across
    base = pose.at + 18 * inner - 16 * forward
    thumb = base + (30 - 8 * pose.grip) * inner + (20 + 22 * pose.grip) * forward
    pen.line(np.stack([base, thumb]), edge, 22)
    pen.line(np.stack([base, thumb]), skin, 18)
    palm = pose.at + np.array([(a, b) for a, b in zip(*_circle(20), strict=True)]) @ np.stack(
        [34 * forward, 38 * across]
    )
    pen.polygon(pose.at + (palm - pose.at) * 1.05, edge)
    pen.polygon(palm, skin)
    for knuckle in knuckles:
        pen.dot(knuckle - 6 * forward, 5, _shade(skin, 0.9))


def _draw_held(pen: _Pen, pose: Pose, along: np.ndarray, across: np.ndarray) -> None:
    forward = _rotate(along, -pose.turn)
    if pose.holds.endswith("pin"):
        # The one thing that tells the two pins apart: paint eight pixels wide.
        middle = pose.at + 54 * forward - 14 * across
        pen.line(np.stack([middle - 20 * forward, middle]), (70, 70, 74), 7)
        pen.line(np.stack([middle - 16 * forward, middle + 18 * forward]), _PINS[pose.holds], 8)
    elif pose.holds == "wrench":
        direction = _direction(pose.tool_angle)
        nut = pose.at - 118 * direction
        pen.line(np.stack([pose.at + 30 * direction, nut]), (96, 98, 104), 22)
        pen.line(np.stack([pose.at + 28 * direction, nut]), (206, 208, 214), 15)
        pen.dot(nut, 27, (206, 208, 214))
        pen.dot(nut, 14, (60, 60, 64))
    elif pose.holds == "part":
        middle = pose.at + 40 * forward
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ np.stack(
            [34 * forward, 26 * np.array([-forward[1], forward[0]])]
        )
        pen.polygon(middle + 1.1 * square, (140, 92, 20))
        pen.polygon(middle + square, (236, 168, 52))
        pen.dot(middle, 9, (120, 80, 24))
    elif pose.holds == "cloth":
        corners = np.array([[-70, -46], [64, -52], [72, 40], [-60, 50]])
        pen.polygon(pose.at + 20 * forward + corners, (226, 226, 214))
        pen.line(pose.at + 20 * forward + corners[:2], (180, 200, 220), 6)


def _draw_product(pen: _Pen, angle: float) -> None:
    """Draw the product in its fixture: a plate with holes and a nut in the middle."""
    u, v = _direction(angle), _direction(angle + 90)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ np.stack([74 * u, 56 * v])
    pen.polygon(PRODUCT + 1.06 * square, (70, 74, 80))
    pen.polygon(PRODUCT + square, (148, 154, 160))
    for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        pen.dot(PRODUCT + 54 * a * u + 38 * b * v, 8, (46, 48, 52))
    pen.polygon(
        PRODUCT + 20 * np.stack([_direction(angle + k * 60) for k in range(6)]), (96, 98, 104)
    )
    pen.dot(PRODUCT, 8, (176, 178, 184))


def _draw_lever(pen: _Pen, pulled: float) -> None:
    knob = LEVER + np.array([8, 130]) * pulled
    pen.line(np.stack([LEVER + np.array([0, 30]), knob]), (90, 92, 98), 14)
    pen.dot(knob, 20, (30, 30, 34))
    pen.dot(knob, 15, (200, 60, 40))


def _draw_bench(look: Look) -> np.ndarray:
    """Return the bench from above, at its own size: top, mat, bins, lever's plate, clutter."""
    rng = np.random.default_rng(look.seed)
    bench = np.empty((HEIGHT, WIDTH, 3), dtype=np.float32)
    grain = cv2.GaussianBlur(
        rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 24, None, 1.5
    )
    bench[:] = np.array(look.bench) + 40 * grain[..., None]
    picture = np.clip(bench, 0, 255).astype(np.uint8)
    mat = _shade(look.bench, 0.62)
    cv2.rectangle(picture, (400, 190), (1120, 610), mat, -1)
    cv2.rectangle(picture, (400, 190), (1120, 610), _shade(mat, 0.8), 4)
    for i, colour in enumerate(_BINS):
        _draw_bin(picture, 500 + 170 * i, colour, rng)
    cv2.rectangle(picture, (205, 215), (310, 430), (112, 116, 122), -1)
    cv2.line(picture, (254, 260), (258, 400), (50, 52, 56), 12)
    for _ in range(rng.integers(3, 7)):
        at = tuple(int(v) for v in (rng.integers(40, 180), rng.integers(60, 660)))
        colour = tuple(int(v) for v in rng.integers(40, 220, 3))
        cv2.circle(picture, at, int(rng.integers(10, 34)), colour, -1, cv2.LINE_AA)
    return picture


def _draw_bin(picture: np.ndarray, x: int, colour: Colour, rng: np.random.Generator) -> None:
    top, bottom = int(BIN[1]) - 110, int(BIN[1]) + 10
    cv2.rectangle(picture, (x - 70, top), (x + 70, bottom), colour, -1)
    cv2.rectangle(picture, (x - 58, top + 12), (x + 58, bottom - 12), _shade(colour, 0.45), -1)
    for _ in range(14):
        at = (int(x + rng.integers(-46, 46)), int(rng.integers(top + 24, bottom - 22)))
        cv2.circle(picture, at, 10, _shade(colour, rng.uniform(0.7, 1.2)), -1, cv2.LINE_AA)


def _draw_camera(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Return (2, 3): the bench fills the picture, but for a small shift, zoom and rotation."""
    zoom = max(width / WIDTH, height / HEIGHT) * rng.uniform(0.97, 1.08)
    camera = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), rng.uniform(-2.5, 2.5), zoom)
    middle = np.array([width / 2, height / 2]) - np.array([WIDTH / 2, HEIGHT / 2])
    camera[:, 2] += middle + rng.uniform(-18, 18, 2) * zoom
    return camera


def _circle(number: int) -> tuple[np.ndarray, np.ndarray]:
    angles = np.linspace(0, 2 * np.pi, number, endpoint=False)
    return np.cos(angles), np.sin(angles)


def _direction(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _rotate(vector: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([c * vector[0] - s * vector[1], s * vector[0] + c * vector[1]])


def _shade(colour: Colour, factor: float) -> Colour:
    return tuple(int(min(255, max(0, c * factor))) for c in colour)


def _vary(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    return tuple(int(np.clip(c + rng.normal(0, spread), 0, 255)) for c in colour)
