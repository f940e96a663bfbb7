"""What happens on the bench: which action when, and where that puts the hands.

Positions are pixels of a bench of 1280 x 720, seen from above; the person sits at its lower edge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from handact.labels import Segment

__all__ = ["BACKGROUND", "CLASSES", "HEIGHT", "WIDTH", "Moment", "Pose", "write_script"]

WIDTH = 1280
HEIGHT = 720
BACKGROUND = "background"
CLASSES = (
    BACKGROUND,
    "take part",
    "put back part",  # `take part` in reverse
    "insert red pin",
    "insert blue pin",  # the same but for the colour of a pin a few pixels wide
    "tighten nut",
    "loosen nut",  # `tighten nut` in reverse
    "pull lever",
    "wipe bench",
    "turn product",
)
_CYCLE = (
    "take part", "insert red pin", "insert blue pin", "turn product", "insert blue pin",
    "insert red pin", "tighten nut", "pull lever", "loosen nut", "wipe bench", "put back part",
)  # fmt: skip

BIN = np.array([1010.0, 150.0])  # where parts are taken from
PRODUCT = np.array([640.0, 330.0])
LEVER = np.array([250.0, 250.0])
_REST = {"left": np.array([430.0, 560.0]), "right": np.array([850.0, 560.0])}
_HOLD = np.array([535.0, 385.0])  # the left hand steadies the product
_AWAY = {"left": np.array([400.0, 830.0]), "right": np.array([880.0, 830.0])}


@dataclass(frozen=True, slots=True)
class Pose:
    """One hand at one moment.

    Attributes:
        at: Palm centre, pixels.
        turn: Of the fingers against the forearm, degrees.
        grip: 0 open to 1 closed.
        holds: part, red pin, blue pin, wrench, cloth or nothing ("").
        tool_angle: Of what is held, degrees.
    """

    at: np.ndarray
    turn: float = 0.0
    grip: float = 0.3
    holds: str = ""
    tool_angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The bench at one frame."""

    left: Pose
    right: Pose
    product_angle: float = 0.0
    lever: float = 0.0  # 0 up to 1 pulled
    progress: float | None = None  # of the action's own movement, 0 to 1; None on the way


@dataclass
class _State:
    """What the script has come to, and the frames it has written so far."""

    rng: np.random.Generator
    fps: float
    moments: list[Moment] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    @property
    def now(self) -> Moment:
        return self.moments[-1]

    def frames(self, low: float, high: float) -> int:
        """Return a number of frames that lasts between `low` and `high` seconds."""
        return max(2, round(self.rng.uniform(low, high) * self.fps))


def write_script(
    rng: np.random.Generator, *, num_frames: int, fps: float
) -> tuple[list[Moment], list[Segment]]:
    """Return the bench at each frame, and the actions among them, background left out."""
    state = _State(rng, fps, [Moment(Pose(_REST["left"]), Pose(_REST["right"]))])
    actions = _plan_actions(rng)
    while len(state.moments) < num_frames:
        _act(state, next(actions))
    kept = [s for s in state.segments if s.start_frame < num_frames]
    if kept and kept[-1].end_frame > num_frames:
        kept[-1] = replace(kept[-1], end_frame=num_frames)
    return _jitter(state.moments[:num_frames], rng), kept


def _plan_actions(rng: np.random.Generator) -> Iterator[str]:
    """Yield assembly cycles from any step on; steps change places now and then, or are left out."""
    first = int(rng.integers(len(_CYCLE)))
    while True:
        cycle = list(_CYCLE[first:] + _CYCLE[:first])
        for i in range(len(cycle) - 1):
            if rng.random() < 0.4:
                cycle[i], cycle[i + 1] = cycle[i + 1], cycle[i]
        yield from (action for action in cycle if rng.random() > 0.08)


def _act(state: _State, action: str) -> None:
    """Append the way to an action and its movement.

    An action lasts from taking up what it needs, halfway there, to letting go of it, halfway to
    what follows.
    """
    number = state.frames(1.3, 2.6)
    moves = _MOVES[action](state.rng)
    steps = [(u, moves(u)) for u in np.linspace(0, 1, number)]
    if not state.segments or state.rng.random() < 0.45:
        _idle(state)
        start = _travel(state, steps[0][1])
    else:
        start = _travel(state, steps[0][1])
        _end_action(state, start)
    angle = state.now.product_angle
    state.moments += [
        replace(m, product_angle=angle + m.product_angle, progress=u) for u, m in steps
    ]
    state.segments.append(Segment(start, len(state.moments), action))


def _end_action(state: _State, frame: int) -> None:
    if state.segments:
        state.segments[-1] = replace(state.segments[-1], end_frame=frame)


def _idle(state: _State) -> None:
    """Append background: hands that come to rest or go away, and sway there."""
    _end_action(state, _travel(state, _idle_moment(state.now, state.rng)))
    idle = state.now
    for u in np.linspace(0, 2 * np.pi, state.frames(0.4, 1.6)):
        sway = 14 * np.array([np.sin(u), np.sin(2 * u) / 2])
        left = replace(idle.left, at=idle.left.at + sway)
        right = replace(idle.right, at=idle.right.at - sway)
        state.moments.append(replace(idle, left=left, right=right))


def _idle_moment(now: Moment, rng: np.random.Generator) -> Moment:
    """Return both hands at rest near the person, or one or both out of the picture."""
    places = {
        side: _AWAY[side] if rng.random() < 0.3 else _REST[side] + rng.normal(0, 18, 2)
        for side in ("left", "right")
    }
    return replace(now, left=Pose(places["left"]), right=Pose(places["right"]))


def _travel(state: _State, goal: Moment) -> int:
    """Append the way to `goal` and return the frame in which what the hands hold changes."""
    start, number, begin = state.now, state.frames(0.4, 0.8), len(state.moments)
    for u in np.linspace(0, 1, number + 1)[1:]:
        left, right = (
            _between(getattr(start, side), getattr(goal, side), u) for side in ("left", "right")
        )
        lever = start.lever + _smooth(u) * (goal.lever - start.lever)
        state.moments.append(replace(start, left=left, right=right, lever=lever, progress=None))
    return begin + number // 2


def _between(a: Pose, b: Pose, u: float) -> Pose:
    """Return a pose on the way; what is to be held is picked up halfway."""
    s = _smooth(u)
    nearer = b if u > 0.5 else a
    return Pose(
        a.at + s * (b.at - a.at),
        a.turn + s * (b.turn - a.turn),
        a.grip + s * (b.grip - a.grip),
        nearer.holds,
        nearer.tool_angle,
    )


def _smooth(u: float) -> float:
    return u * u * (3 - 2 * u)


Moves = Callable[[float], Moment]


def _left_pose(rng: np.random.Generator) -> Pose:
    """Return what the left hand does beside a right-hand action: steady, rest, or be away."""
    kind = rng.random()
    if kind < 0.6:
        return Pose(_HOLD + rng.normal(0, 6, 2), turn=25, grip=0.7)
    away = kind > 0.8
    return Pose(_AWAY["left"] if away else _REST["left"] + rng.normal(0, 15, 2))


def _carry(rng: np.random.Generator, *, back: bool) -> Moves:
    left = _left_pose(rng)
    start, end = BIN + rng.normal(0, 14, 2), PRODUCT + np.array([55, 70]) + rng.normal(0, 10, 2)
    bend = rng.normal(0, 20)

    def moves(u: float) -> Moment:
        s = _smooth(1 - u if back else u)
        arc = np.array([0.3, 1.0]) * np.sin(np.pi * s) * bend
        at = start + s * (end - start) + arc
        return Moment(left, Pose(at, turn=-15 + 10 * s, grip=0.8, holds="part"))

    return moves


def _insert(rng: np.random.Generator, *, pin: str) -> Moves:
    left = _left_pose(rng)
    above, strokes = PRODUCT + np.array([42, 62]) + rng.normal(0, 8, 2), rng.integers(2, 4)

    def moves(u: float) -> Moment:
        depth = 0.5 - 0.5 * np.cos(2 * np.pi * strokes * u)
        at = above + np.array([-14.0, -26.0]) * depth
        return Moment(left, Pose(at, turn=-30, grip=0.75, holds=f"{pin} pin"))

    return moves


def _wrench(rng: np.random.Generator, *, back: bool) -> Moves:
    left = _left_pose(rng)
    nut, sweep = PRODUCT + rng.normal(0, 6, 2), rng.uniform(65, 80)

    def moves(u: float) -> Moment:
        s = 1 - u if back else u
        angle = 55 + sweep * (2 * _smooth(s) - 1)
        reach = 118 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        return Moment(left, Pose(nut + reach, turn=-20, grip=1.0, holds="wrench", tool_angle=angle))

    return moves


def _lever(rng: np.random.Generator) -> Moves:
    right = Pose(_REST["right"] + rng.normal(0, 15, 2))
    top = LEVER + rng.normal(0, 4, 2)

    def moves(u: float) -> Moment:
        pulled = np.sin(np.pi * u) ** 0.7
        return Moment(Pose(top + np.array([8, 130]) * pulled, 10, 0.95), right, lever=pulled)

    return moves


def _wipe(rng: np.random.Generator) -> Moves:
    left = Pose(_REST["left"] + rng.normal(0, 15, 2))
    middle, strokes = np.array([940.0, 470.0]) + rng.normal(0, 20, 2), rng.uniform(1.5, 2.5)

    def moves(u: float) -> Moment:
        phase = 2 * np.pi * strokes * u
        at = middle + np.array([95 * np.sin(phase), 25 * np.sin(2 * phase)])
        return Moment(left, Pose(at, turn=10, grip=0.15, holds="cloth"))

    return moves


def _turn(rng: np.random.Generator) -> Moves:
    sweep, start = rng.uniform(70, 110), rng.normal(0, 5)

    def moves(u: float) -> Moment:
        angle = start + sweep * _smooth(u) - sweep / 2
        arm = 105 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        left, right = Pose(PRODUCT - arm, 20, 0.6), Pose(PRODUCT + arm, -20, 0.6)
        return Moment(left, right, product_angle=sweep * _smooth(u))

    return moves


_MOVES: dict[str, Callable[[np.random.Generator], Moves]] = {
    "take part": lambda rng: _carry(rng, back=False),
    "put back part": lambda rng: _carry(rng, back=True),
    "insert red pin": lambda rng: _insert(rng, pin="red"),
    "insert blue pin": lambda rng: _insert(rng, pin="blue"),
    "tighten nut": lambda rng: _wrench(rng, back=False),
    "loosen nut": lambda rng: _wrench(rng, back=True),
    "pull lever": _lever,
    "wipe bench": _wipe,
    "turn product": _turn,
}


def _jitter(moments: list[Moment], rng: np.random.Generator) -> list[Moment]:
    """Let hands tremble, smoothly over time, so that no two strokes are alike."""
    noise = rng.normal(0, 1, (len(moments) + 8, 2, 2))
    kernel = np.ones(9) / 3
    drift = np.apply_along_axis(np.convolve, 0, noise, kernel, mode="valid") * 2.5
    return [
        replace(
            m,
            left=replace(m.left, at=m.left.at + drift[i, 0]),
            right=replace(m.right, at=m.right.at + drift[i, 1]),
        )
        for i, m in enumerate(moments)
    ]
