"""Time study: cycles of work, how long their steps take, and what in them is not as it should be.

All times are seconds. Background is no step: what lies between steps is waiting.
"""

from handact.timestudy.agreement import (
    Agreement,
    compare_cycles,
    compare_steps,
    compare_waiting,
    match_steps,
)
from handact.timestudy.cycles import (
    Cycle,
    Nominal,
    Status,
    Step,
    align_to_order,
    find_cycles,
    steps_from_frames,
    steps_from_segments,
)
from handact.timestudy.times import (
    Deviation,
    Spread,
    StepTimes,
    Takt,
    compare_to_standard,
    compare_to_takt,
    find_gaps,
    spread,
    step_times,
    waiting_times,
)

__all__ = [
    "Agreement",
    "Cycle",
    "Deviation",
    "Nominal",
    "Spread",
    "Status",
    "Step",
    "StepTimes",
    "Takt",
    "align_to_order",
    "compare_cycles",
    "compare_steps",
    "compare_to_standard",
    "compare_to_takt",
    "compare_waiting",
    "find_cycles",
    "find_gaps",
    "match_steps",
    "spread",
    "step_times",
    "steps_from_frames",
    "steps_from_segments",
    "waiting_times",
]
