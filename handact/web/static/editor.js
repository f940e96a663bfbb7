/**
 * Gestures on a list of segments, as pure functions.
 *
 * A segment is `[start, end, action]`, half-open; a list is sorted and free of overlaps. A gesture gives
 * `{remove, add}`, which the server applies as one step of undo, or null where nothing would change.
 */

/** Whether two segments are the same in extent and class. */
export const same = (a, b) => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

const plain = ([start, end, action]) => [start, end, action];

/** The index of the first segment that ends after `frame`. */
export function indexAfter(segments, frame) {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle][1] > frame) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The segment that holds `frame`, or null. */
export function segmentAt(segments, frame) {
  const found = segments[indexAfter(segments, frame)];
  return found && found[0] <= frame ? found : null;
}

/** The segments that share a frame with [start, end). */
export function overlapping(segments, start, end) {
  const first = indexAfter(segments, start);
  let last = first;
  while (last < segments.length && segments[last][0] < end) last += 1;
  return segments.slice(first, last);
}

/** The index of a segment of the list, or -1. */
export function indexOf(segments, segment) {
  const index = indexAfter(segments, segment[0]);
  return index < segments.length && same(segments[index], segment) ? index : -1;
}

/** The list after an edit; throws where the edit does not fit it. */
export function apply(segments, { remove, add }) {
  const gone = new Set();
  for (const segment of remove) {
    const index = indexOf(segments, segment);
    if (index < 0) throw new Error(`no segment ${segment.join(" ")} to remove`);
    gone.add(index);
  }
  const kept = segments.filter((_, index) => !gone.has(index));
  const result = [...kept, ...add.map(plain)].sort((a, b) => a[0] - b[0]);
  for (let i = 0; i < result.length; i += 1) {
    if (result[i][0] >= result[i][1]) throw new Error(`empty segment ${result[i].join(" ")}`);
    if (i && result[i - 1][1] > result[i][0]) throw new Error(`overlap at frame ${result[i][0]}`);
  }
  return result;
}

/** The edit that takes an edit back. */
export const inverse = ({ remove, add }) => ({ remove: add, add: remove });

/** An edit without what it would remove and add again; null if nothing is left. */
function edit(remove, add) {
  const added = add.filter(([start, end]) => start < end);
  const removed = remove.filter((old) => !added.some((other) => same(old, other)));
  const fresh = added.filter((other) => !remove.some((old) => same(old, other)));
  if (!removed.length && !fresh.length) return null;
  return { remove: removed.map(plain), add: fresh.map(plain) };
}

/** What stays of `segments` outside [start, end). */
function leftovers(segments, start, end) {
  const pieces = [];
  for (const [s, e, action] of segments) {
    if (s < start) pieces.push([s, Math.min(e, start), action]);
    if (e > end) pieces.push([Math.max(s, end), e, action]);
  }
  return pieces;
}

/**
 * Put a segment over what is there: neighbours are cut, split or covered. One of the same class that it
 * overlaps becomes one with it; one that merely touches stays a step of its own.
 */
export function put(segments, [from, to, action], frames) {
  let start = Math.max(0, from);
  let end = Math.min(frames, to);
  if (start >= end) return null;
  const hit = overlapping(segments, start, end);
  for (const [s, e, other] of hit) {
    if (other !== action) continue;
    start = Math.min(start, s);
    end = Math.max(end, e);
  }
  return edit(hit, [...leftovers(hit, start, end), [start, end, action]]);
}

/** Clear [start, end) of segments. */
export function erase(segments, start, end) {
  const hit = overlapping(segments, start, end);
  return edit(hit, leftovers(hit, start, end));
}

/** Give a segment a new extent; it covers what it grows over, of its own class too. */
function resize(segments, segment, start, end) {
  if (start >= end) return null;
  const hit = overlapping(segments, start, end).filter((other) => !same(other, segment));
  return edit([segment, ...hit], [...leftovers(hit, start, end), [start, end, segment[2]]]);
}

/** Let a segment start at `frame`; null if that is not before its end. */
export const setStart = (segments, segment, frame) =>
  resize(segments, segment, Math.max(0, frame), segment[1]);

/** Let a segment end before `frame`; null if that is not after its start. */
export const setEnd = (segments, segment, frame, frames) =>
  resize(segments, segment, segment[0], Math.min(frames, frame));

/**
 * Move one side ("start" or "end") of a segment as far towards `frame` as its neighbours let it. A neighbour
 * that touches that side moves along, unless `alone`.
 */
export function moveBoundary(segments, { segment, side }, frame, frames, alone = false) {
  const index = indexOf(segments, segment);
  if (index < 0) return null;
  const starts = side === "start";
  const other = segments[starts ? index - 1 : index + 1];
  const linked = !alone && other && (starts ? other[1] === segment[0] : other[0] === segment[1]);
  const room = starts
    ? [other ? (linked ? other[0] + 1 : other[1]) : 0, segment[1] - 1]
    : [segment[0] + 1, other ? (linked ? other[1] - 1 : other[0]) : frames];
  const to = Math.min(Math.max(frame, room[0]), room[1]);
  const moved = starts ? [to, segment[1], segment[2]] : [segment[0], to, segment[2]];
  if (!linked) return edit([segment], [moved]);
  const followed = starts ? [other[0], to, other[2]] : [to, other[1], other[2]];
  return edit([segment, other], [moved, followed]);
}

/** The side of a segment that is nearer to the frame shown. */
export const nearerSide = ([start, end], frame) =>
  Math.abs(frame - start) <= Math.abs(frame + 1 - end) ? "start" : "end";

/** Split the segment that holds `frame`, so that the second part starts there. */
export function split(segments, frame) {
  const segment = segmentAt(segments, frame);
  if (!segment || segment[0] === frame) return null;
  const [start, end, action] = segment;
  return edit([segment], [[start, frame, action], [frame, end, action]]);
}

/** Merge a segment with the next one, and with the gap between them; the class is the first one's. */
export function mergeNext(segments, segment) {
  const index = indexOf(segments, segment);
  const next = segments[index + 1];
  if (index < 0 || !next) return null;
  return edit([segment, next], [[segment[0], next[1], segment[2]]]);
}

/** Delete a segment. */
export const remove = (segments, segment) => (indexOf(segments, segment) < 0 ? null : edit([segment], []));

/** Give a segment another class. */
export function change(segments, segment, action) {
  if (indexOf(segments, segment) < 0) return null;
  return edit([segment], [[segment[0], segment[1], action]]);
}

/** The parts of `segments` that no segment of `cover` covers; further fields of a segment stay with its parts. */
export function subtract(segments, cover) {
  const parts = [];
  let first = 0;
  for (const [start, end, ...rest] of segments) {
    while (first < cover.length && cover[first][1] <= start) first += 1;
    let from = start;
    for (let i = first; i < cover.length && cover[i][0] < end; i += 1) {
      if (cover[i][0] > from) parts.push([from, cover[i][0], ...rest]);
      from = Math.max(from, cover[i][1]);
    }
    if (from < end) parts.push([from, end, ...rest]);
  }
  return parts;
}

/**
 * An edit of the list that a person sees (own segments, and predictions where there are none) as an edit of the
 * own ones alone: what the edit adds becomes the person's, and where it takes a prediction away and puts nothing,
 * the person has said "background".
 */
export function claim({ remove: gone, add }, own, background) {
  const mine = gone.filter((segment) => indexOf(own, segment) >= 0);
  const predicted = gone.filter((segment) => indexOf(own, segment) < 0);
  const sorted = [...add].sort((a, b) => a[0] - b[0]);
  const cleared = subtract(predicted.sort((a, b) => a[0] - b[0]), sorted);
  return edit(mine, [...sorted, ...cleared.map(([start, end]) => [start, end, background])]);
}

/** The spans `[start, end]` in which two lists disagree about the frames; no segment means background. */
export function differences(a, b, background, frames) {
  const spans = [];
  let frame = 0;
  let i = 0;
  let j = 0;
  while (frame < frames) {
    while (i < a.length && a[i][1] <= frame) i += 1;
    while (j < b.length && b[j][1] <= frame) j += 1;
    const [one, oneEnd] = stretch(a[i], frame, background, frames);
    const [two, twoEnd] = stretch(b[j], frame, background, frames);
    const end = Math.min(oneEnd, twoEnd);
    if (one !== two) extend(spans, frame, end);
    frame = end;
  }
  return spans;
}

function stretch(segment, frame, background, frames) {
  if (!segment) return [background, frames];
  if (segment[0] > frame) return [background, Math.min(frames, segment[0])];
  return [segment[2], Math.min(frames, segment[1])];
}

function extend(spans, start, end) {
  const last = spans.at(-1);
  if (last && last[1] === start) last[1] = end;
  else spans.push([start, end]);
}
