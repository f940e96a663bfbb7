/** Which frame belongs to a time; `times` are the beginnings of the frames and, at last, the end. */

/** The frame that is on screen at a time. */
export function frameAt(times, seconds) {
  let low = 0;
  let high = times.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The frame whose beginning is nearest to a time. */
export function nearestFrame(times, seconds) {
  const frame = frameAt(times, seconds);
  const isNextNearer = frame + 2 < times.length && times[frame + 1] - seconds < seconds - times[frame];
  return isNextNearer ? frame + 1 : frame;
}
