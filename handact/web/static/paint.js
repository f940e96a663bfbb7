/** Draws the parts of a timeline: ruler, segments, curves. All measures are CSS pixels. */

import { clock } from "./clock.js";
import { indexAfter } from "./editor.js";
import { frameAt } from "./frametimes.js";

const TIME_STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

/** Black or white, whichever reads better on a colour "#rrggbb". */
function readable(colour) {
  return luminance(colour) > 0.18 ? "#000" : "#fff";
}

const lit = new Map();

function luminance(colour) {
  if (!lit.has(colour)) {
    const channel = (at) => {
      const value = parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    lit.set(colour, 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5));
  }
  return lit.get(colour);
}

/** Times above, frame numbers below; each with the finest steps whose labels do not touch. */
export function drawRuler(context, view, times, palette, unit) {
  const height = 30 * unit;
  context.font = `${11 * unit}px ${palette.font}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.strokeStyle = palette.line;
  drawTimes(context, view, times, palette, unit);
  drawFrames(context, view, palette, unit);
  context.beginPath();
  context.moveTo(view.left, height - 0.5);
  context.lineTo(view.left + view.width, height - 0.5);
  context.stroke();
}

function drawTimes(context, view, times, palette, unit) {
  const seconds = times[times.length - 1] / view.frames;
  const room = 66 * unit;
  const step = TIME_STEPS.find((each) => (each / seconds) * view.scale >= room) ?? 28800;
  const decimals = step < 1 ? 1 : 0;
  const from = timeAt(times, view.start);
  const to = timeAt(times, view.start + view.width / view.scale);
  context.fillStyle = palette.ink;
  context.beginPath();
  for (let n = Math.floor(from / step); n * step <= to; n += 1) {
    const x = Math.round(view.left + (frameOf(times, n * step) - view.start) * view.scale) + 0.5;
    context.moveTo(x, 0);
    context.lineTo(x, 14 * unit);
    context.fillText(clock(n * step, decimals), x + 4 * unit, 8 * unit);
  }
  context.stroke();
}

function drawFrames(context, view, palette, unit) {
  const step = niceCount((52 * unit) / view.scale);
  const last = Math.min(view.frames, view.start + view.width / view.scale);
  context.fillStyle = palette.quiet;
  context.beginPath();
  for (let frame = Math.floor(view.start / step) * step; frame <= last; frame += step) {
    const x = Math.round(view.left + (frame - view.start) * view.scale) + 0.5;
    context.moveTo(x, 22 * unit);
    context.lineTo(x, 30 * unit);
    context.fillText(String(frame), x + 4 * unit, 22 * unit);
  }
  context.stroke();
}

/** The smallest of 1, 2, 5, 10, 20, ... that is not below `least`. */
function niceCount(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least) ?? 1;
}

/** The time at a position between frames. */
function timeAt(times, position) {
  const frame = Math.min(Math.max(0, Math.floor(position)), times.length - 2);
  return times[frame] + Math.min(1, position - frame) * (times[frame + 1] - times[frame]);
}

/** The position between frames at a time. */
function frameOf(times, seconds) {
  const frame = frameAt(times, seconds);
  return frame + (seconds - times[frame]) / (times[frame + 1] - times[frame] || 1);
}

/**
 * Draw the segments of one layer into a row. What is narrower than a pixel is not drawn one by one: a column of
 * pixels shows the longest segment in it.
 */
export function drawSegments(context, view, { segments, style }, row, tools) {
  const draw = STYLES[style];
  const last = view.start + view.width / view.scale;
  let column = null;
  let longest = null;
  const flush = () => {
    if (longest) draw(context, column, column + 1, longest, row, tools);
    longest = null;
  };
  for (let i = indexAfter(segments, view.start); i < segments.length && segments[i][0] < last; i += 1) {
    const segment = segments[i];
    const x0 = view.left + (segment[0] - view.start) * view.scale;
    const x1 = view.left + (segment[1] - view.start) * view.scale;
    if (x1 - x0 >= 1.5) {
      flush();
      draw(context, x0, x1, segment, row, tools);
      continue;
    }
    const pixel = Math.round(x0);
    if (pixel !== column) flush();
    column = pixel;
    if (!longest || segment[1] - segment[0] > longest[1] - longest[0]) longest = segment;
  }
  flush();
}

const STYLES = {
  solid(context, x0, x1, segment, row, tools) {
    const colour = tools.colour(segment[2]);
    const gap = x1 - x0 > 4 ? 1 : 0;
    context.fillStyle = colour;
    box(context, x0, row.top, x1 - x0 - gap, row.height, tools.unit);
    name(context, x0, x1, segment[2], row, readable(colour), tools);
  },

  light(context, x0, x1, segment, row, tools) {
    const colour = tools.colour(segment[2]);
    const gap = x1 - x0 > 4 ? 1 : 0;
    context.fillStyle = colour;
    context.globalAlpha = 0.3;
    context.fillRect(x0, row.top, x1 - x0 - gap, row.height);
    context.globalAlpha = 1;
    if (x1 - x0 < 9) return;
    hatch(context, x0, x1 - gap, colour, row, tools);
    context.strokeStyle = colour;
    context.strokeRect(x0 + 0.5, row.top + 0.5, x1 - x0 - gap - 1, row.height - 1);
    name(context, x0, x1, segment[2], row, tools.palette.ink, tools, true);
  },

  /** Spans along the foot of a row: where it is wrong. */
  foot(context, x0, x1, segment, row, tools) {
    const height = 4 * tools.unit;
    context.fillStyle = tools.palette.ink;
    context.fillRect(x0, row.top + row.height - height, Math.max(1, x1 - x0), height);
  },

  /** Spans of a row of their own, in one colour. */
  span(context, x0, x1, segment, row, tools) {
    context.fillStyle = tools.colour(segment[2]);
    context.fillRect(x0, row.top, Math.max(2, x1 - x0), row.height);
  },
};

function box(context, x, y, width, height, unit) {
  if (width < 14) {
    context.fillRect(x, y, Math.max(width, 1), height);
    return;
  }
  context.beginPath();
  context.roundRect(x, y, width, height, 2.5 * unit);
  context.fill();
}

function hatch(context, x0, x1, colour, row, tools) {
  // Beyond the canvas nothing shows; the offset keeps the lines still against the segment while it is panned.
  const from = Math.max(x0, -8);
  const to = Math.min(x1, tools.right + 8);
  context.save();
  context.translate(x0, row.top);
  context.fillStyle = tools.hatching(colour);
  context.fillRect(from - x0, 0, to - from, row.height);
  context.restore();
}

function name(context, x0, x1, action, row, colour, tools, backed = false) {
  const pad = 5 * tools.unit;
  const from = Math.max(x0, tools.left);
  const room = Math.min(x1, tools.right) - from - 2 * pad;
  if (room < 14 * tools.unit || row.height < 14 * tools.unit) return;
  const text = fitted(context, action, room, tools);
  if (!text) return;
  const middle = row.top + row.height / 2;
  if (backed) {
    // Letters across hatching need a ground of their own.
    context.fillStyle = tools.palette.card;
    context.globalAlpha = 0.8;
    context.fillRect(from + pad - 2, middle - 8 * tools.unit, tools.width(context, text) + 4, 16 * tools.unit);
    context.globalAlpha = 1;
  }
  context.fillStyle = colour;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(text, from + pad, middle + 0.5);
}

function fitted(context, text, room, tools) {
  if (tools.width(context, text) <= room) return text;
  const share = room / tools.width(context, text);
  const letters = Math.floor(text.length * share) - 1;
  return letters >= 2 ? `${text.slice(0, letters)}…` : null;
}

/** A pattern of slanted lines for each colour; made once. */
export function hatchings(context, ratio) {
  const made = new Map();
  return (colour) => {
    if (!made.has(colour)) made.set(colour, hatching(context, colour, ratio));
    return made.get(colour);
  };
}

function hatching(context, colour, ratio) {
  const side = Math.round(7 * ratio);
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4 * ratio;
  pen.globalAlpha = 0.75;
  for (const shift of [-side, 0, side]) {
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

/** Draw a curve of equal pieces (0..1 or null) that spans the video: "area" mirrored like sound, or "line". */
export function drawCurve(context, view, { values, colour, style }, row) {
  if (!values?.length) return;
  const columns = sampled(view, values, style === "area" ? largest : mean);
  if (style === "area") drawArea(context, columns, colour, row);
  else drawLine(context, columns, colour, row);
}

/** One value for each pixel or two, or for each piece if pieces are wider: [x, value | null]. */
function sampled(view, values, merge) {
  const pieces = values.length / view.frames;
  // A path with more points than pixels costs much and shows no more.
  const perSample = (1.5 * pieces) / view.scale;
  const first = Math.max(0, Math.floor(view.start * pieces));
  const last = Math.min(values.length, Math.ceil((view.start + view.width / view.scale) * pieces) + 1);
  const stride = Math.max(1, Math.round(perSample));
  const columns = [];
  for (let i = first - (first % stride); i < last; i += stride) {
    const value = stride === 1 ? values[i] : merge(values, i, Math.min(i + stride, values.length));
    columns.push([view.left + ((i + stride / 2) / pieces - view.start) * view.scale, value]);
  }
  return columns;
}

function largest(values, from, to) {
  let found = null;
  for (let i = from; i < to; i += 1) if (values[i] !== null && (found === null || values[i] > found)) found = values[i];
  return found;
}

function mean(values, from, to) {
  let sum = 0;
  let count = 0;
  for (let i = from; i < to; i += 1) {
    if (values[i] === null) continue;
    sum += values[i];
    count += 1;
  }
  return count ? sum / count : null;
}

function drawArea(context, columns, colour, { top, height }) {
  const middle = top + height / 2;
  const reach = (value) => Math.max(0.5, (value ?? 0) * (height / 2 - 1));
  const apart = columns.length > 1 ? columns[1][0] - columns[0][0] : 1;
  context.fillStyle = colour;
  if (apart < 3) {
    for (const [x, value] of columns) context.fillRect(x - apart / 2, middle - reach(value), apart, 2 * reach(value));
    return;
  }
  context.beginPath();
  columns.forEach(([x, value]) => context.lineTo(x, middle - reach(value)));
  for (const [x, value] of columns.reverse()) context.lineTo(x, middle + reach(value));
  context.fill();
}

function drawLine(context, columns, colour, { top, height }) {
  const y = (value) => top + 1.5 + (1 - value) * (height - 3);
  if (columns.length > 1 && columns[1][0] - columns[0][0] < 3) drawSteep(context, columns, colour, y);
  else drawPath(context, columns, colour, y);
}

/** A line of upright strokes: to draw one of thousands of slanted ones takes a browser many times as long. */
function drawSteep(context, columns, colour, y) {
  context.fillStyle = colour;
  let last = null;
  for (const [x, value] of columns) {
    if (value !== null) {
      const [from, to] = [y(last ?? value), y(value)];
      context.fillRect(x, Math.min(from, to) - 0.6, 1.25, Math.abs(to - from) + 1.25);
    }
    last = value;
  }
}

function drawPath(context, columns, colour, y) {
  const usual = context.lineWidth;
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.beginPath();
  let apart = true;
  for (const [x, value] of columns) {
    if (value !== null && apart) context.moveTo(x, y(value));
    if (value !== null) context.lineTo(x, y(value));
    apart = value === null;
  }
  context.stroke();
  context.lineWidth = usual;
}
