/** Draws hands over the picture, and the labelled frames along the video. */

import { palette, unit } from "./palette.js";

/** How near to a hand a press must be to take hold of it, in units. */
const GRAB = 13;

/** How near to a hand a press must be to take hold of it, in pixels. */
export function grabDistance() {
  return GRAB * unit();
}

/** Draw a hand at `at` (stage pixels); `settled` is a person's, else it is a guess. */
export function paintHand(context, at, side, settled) {
  const colour = palette()[side];
  context.save();
  context.translate(...at);
  context.scale(unit(), unit());
  context.beginPath();
  context.arc(0, 0, 11, 0, 2 * Math.PI);
  if (settled) {
    context.globalAlpha = 0.28;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
  // White below the colour, so that a ring is seen on any picture.
  stroke(context, "rgb(255 255 255 / 85%)", 5);
  context.setLineDash(settled ? [] : [4, 4]);
  stroke(context, colour, 2.5);
  context.setLineDash([]);
  disc(context, 0, 0, 3.5, "#fff");
  disc(context, 0, 0, 2.25, colour);
  paintLetter(context, side, colour);
  context.restore();
}

function paintLetter(context, side, colour) {
  const x = side === "left" ? -21 : 21;
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  disc(context, x, -13, 8.5, colour);
  context.fillStyle = "#fff";
  context.fillText(side === "left" ? "L" : "R", x, -12.5);
}

/** Draw the cross that stands for the pointer when there is only a keyboard. */
export function paintCross(context, at) {
  context.save();
  context.translate(...at);
  context.scale(unit(), unit());
  context.beginPath();
  for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x * 4, y * 4);
    context.lineTo(x * 22, y * 22);
  }
  stroke(context, "#fff", 4);
  stroke(context, "#1b1f23", 1.5);
  context.restore();
}

/** Draw the whole video as a strip: labelled frames, proposed ones, and where we are. */
export function paintStrip(canvas, { frames, rows, proposed, frame }) {
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const x = (i) => stripX(i, frames, width);
  const middle = Math.round(height / 2);
  context.fillStyle = palette().line;
  context.fillRect(x(0), middle, x(frames - 1) - x(0), 1);
  for (const row of rows) paintLabel(context, x(row[0]), middle, height, row);
  for (const i of proposed) ring(context, x(i), middle, palette().quiet);
  context.fillStyle = palette().ink;
  context.fillRect(Math.round(x(frame)) - 1, 0, 2, height);
}

/** A bar above the line for the left hand, one below it for the right; a grey dash where there is none. */
function paintLabel(context, x, middle, height, [, left, , right]) {
  const long = Math.round(height / 2) - 7;
  const wide = Math.max(2, Math.round(2 * unit()));
  const at = Math.round(x - wide / 2);
  context.fillStyle = left === null ? palette().quiet : palette().left;
  context.fillRect(at, middle - (left === null ? 3 : long), wide, left === null ? 2 : long - 1);
  context.fillStyle = right === null ? palette().quiet : palette().right;
  context.fillRect(at, middle + 2, wide, right === null ? 2 : long - 1);
}

/** Where frame `i` lies on the strip, in pixels. */
function stripX(i, frames, width) {
  return STRIP_MARGIN + (i / Math.max(frames - 1, 1)) * (width - 2 * STRIP_MARGIN);
}

/** The frame at `x` pixels of the strip. */
export function stripFrame(x, frames, width) {
  const share = (x - STRIP_MARGIN) / (width - 2 * STRIP_MARGIN);
  return Math.round(Math.min(Math.max(share, 0), 1) * (frames - 1));
}

const STRIP_MARGIN = 10;

function ring(context, x, y, colour) {
  context.beginPath();
  context.arc(x, y + 0.5, 3 * unit(), 0, 2 * Math.PI);
  context.fillStyle = palette().paper;
  context.fill();
  stroke(context, colour, 1.25);
}

function disc(context, x, y, radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}

function stroke(context, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
