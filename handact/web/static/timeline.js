/**
 * A timeline on one canvas: ruler, rows of segments and curves, and a bar over the whole video.
 *
 * It shows hours or single frames, and turns gestures of the mouse into calls of its owner's functions; it never
 * changes a segment by itself.
 */

import { clock, duration } from "./clock.js";
import { indexAfter, moveBoundary, segmentAt } from "./editor.js";
import { el } from "./elements.js";
import { drawCurve, drawRuler, drawSegments, hatchings } from "./paint.js";
import { palette, unit } from "./palette.js";

const RULER = 30;
const GAP = 4;
const OVERVIEW = 16;
const GUTTER = 92;
const WIDEST_FRAME = 36;
/** Pixels within which a boundary is grabbed, and snaps. */
const REACH = 5;
const SNAP = 7;
/** Pixels that the mouse may move in a click. */
const CLICK = 4;

/**
 * Rows are `{name, label, height}` with `layers: [{segments, style}]` ("solid", "light", "foot", "span"), or
 * `curves: [{values, colour, style}]` ("area", "line"); `hit` are the segments that the mouse finds in a row, and
 * `editable` lets it move their boundaries; a row may have its own `tone(action)` and `describe(segment)`. Tones, and
 * the colours of curves, are names in the palette.
 * `on` may have `seek(frame)`, `select(row, segment, frame)`, `move({segment, side}, frame, alone)`,
 * `mark(start, end)`.
 */
export class Timeline {
  #canvas = el("canvas", { role: "img", "aria-label": "Timeline", "data-testid": "timeline" });
  #tip = el("div", { class: "timeline-tip", hidden: true, "aria-hidden": "true" });
  #context;
  #ground = new OffscreenCanvas(1, 1).getContext("2d", { alpha: false });
  #stale = true;
  #asked = 0;
  #drag = null;
  #hover = null;
  #palette = null;
  #widths = new Map();
  #hatching;
  #overview = null;
  #ends = new AbortController();
  #size;

  constructor(element, { frames, times, colour, on }) {
    this.element = element;
    this.frames = frames;
    this.times = times;
    this.colour = colour;
    this.on = on;
    this.playhead = 0;
    this.selected = null;
    this.range = null;
    this.unit = 1;
    this.view = { left: 0, width: 1, start: 0, scale: 1, frames };
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    element.classList.add("timeline");
    element.append(this.#canvas, this.#tip);
    this.#listen();
    this.setRows([]);
    this.#size = new ResizeObserver(() => this.#resize());
    this.#size.observe(element);
    this.#resize();
    this.fit();
  }

  close() {
    this.#ends.abort();
    this.#size.disconnect();
    cancelAnimationFrame(this.#asked);
    this.element.replaceChildren();
  }

  // ---- what is shown --------------------------------------------------------------------------------

  setRows(rows) {
    const heights = (all) => all.map((row) => row.height).join();
    const reshaped = heights(rows) !== heights(this.rows ?? []);
    this.rows = rows;
    this.#overview = null;
    this.#stale = true;
    if (reshaped) this.#resize();
    else this.#stack();
    this.#ask();
  }

  /** Show the playhead at `frame`; while `following`, turn the page before it runs out of sight. */
  setPlayhead(frame, following = false) {
    this.playhead = frame;
    if (!this.#drag) this.reveal(frame, following ? 0.08 : 0.5);
    this.#ask();
  }

  setSelected(segment) {
    this.selected = segment;
    this.#ask();
  }

  /** Show a marked range `{start, end, colour}`; null for none. */
  setRange(range) {
    this.range = range;
    this.#ask();
  }

  /** Bring `frame` into sight, if it is not, at this share of the width. */
  reveal(frame, share = 0.5) {
    const x = this.xOf(frame);
    if (x >= this.view.left && x + this.view.scale <= this.view.left + this.view.width + 1) return;
    this.#show(frame - (share * this.view.width) / this.view.scale, this.view.scale);
  }

  fit() {
    this.#show(0, this.#least());
  }

  /** Zoom so that [start, end) takes `share` of the width, in its middle. */
  zoomTo(start, end, share = 0.6) {
    const scale = this.#bounded((share * this.view.width) / Math.max(1, end - start));
    this.#show((start + end) / 2 - this.view.width / scale / 2, scale);
  }

  /** Zoom by a factor; what is at `frame` (the playhead, or the middle when that is out of sight) stays put. */
  zoomBy(factor, frame = this.#anchor()) {
    const x = this.xOf(frame);
    const scale = this.#bounded(this.view.scale * factor);
    this.#show(frame - (x - this.view.left) / scale, scale);
  }

  /** Move the view by pixels. */
  panBy(pixels) {
    this.#show(this.view.start + pixels / this.view.scale, this.view.scale);
  }

  // ---- where things are -----------------------------------------------------------------------------

  /** The x at which a frame begins, in CSS pixels of the canvas. */
  xOf(frame) {
    return this.view.left + (frame - this.view.start) * this.view.scale;
  }

  /** The frame at x, within the video. */
  frameAt(x) {
    const frame = Math.floor(this.view.start + (x - this.view.left) / this.view.scale);
    return Math.min(Math.max(0, frame), this.frames - 1);
  }

  rowTop(name) {
    return this.rows.find((row) => row.name === name)?.top;
  }

  rowHeight(name) {
    const row = this.rows.find((each) => each.name === name);
    return row && row.height * this.unit;
  }

  /** The place between frames that is nearest to x. */
  #edgeAt(x) {
    const edge = Math.round(this.view.start + (x - this.view.left) / this.view.scale);
    return Math.min(Math.max(0, edge), this.frames);
  }

  #rowAt(y) {
    return this.rows.find((row) => y >= row.top - GAP / 2 && y < row.top + row.height * this.unit + GAP / 2);
  }

  #least() {
    return this.view.width / Math.max(1, this.frames);
  }

  #bounded(scale) {
    const most = Math.max(WIDEST_FRAME * this.unit, this.#least());
    return Math.min(Math.max(scale, this.#least()), most);
  }

  #anchor() {
    const x = this.xOf(this.playhead);
    const seen = x >= this.view.left && x <= this.view.left + this.view.width;
    return seen ? this.playhead : this.view.start + this.view.width / this.view.scale / 2;
  }

  #show(start, scale) {
    this.view.scale = scale;
    this.view.start = Math.min(Math.max(0, start), Math.max(0, this.frames - this.view.width / scale));
    this.#stale = true;
    this.#ask();
  }

  // ---- drawing --------------------------------------------------------------------------------------

  #resize() {
    const whole = this.view.scale <= this.#least() * 1.001;
    this.unit = unit();
    this.height = this.#stack() + (OVERVIEW + GAP) * this.unit;
    this.width = this.element.clientWidth;
    this.ratio = window.devicePixelRatio || 1;
    this.view.left = GUTTER * this.unit;
    this.view.width = Math.max(1, this.width - this.view.left - 8);
    this.#canvas.width = Math.round(this.width * this.ratio);
    this.#canvas.height = Math.round(this.height * this.ratio);
    this.#ground.canvas.width = this.#canvas.width;
    this.#ground.canvas.height = this.#canvas.height;
    this.#canvas.style.width = `${this.width}px`;
    this.#canvas.style.height = `${this.height}px`;
    this.#restyle();
    if (whole) this.fit();
    else this.#show(this.view.start, this.#bounded(this.view.scale));
    this.draw();
  }

  /** Put the rows one below the other; returns where they end. */
  #stack() {
    let top = (RULER + GAP) * this.unit;
    for (const row of this.rows) {
      row.top = top;
      top += row.height * this.unit + GAP;
    }
    return top;
  }

  #restyle() {
    this.#palette = palette();
    this.#hatching = hatchings(this.#context, this.ratio);
    this.#widths.clear();
    this.#overview = null;
    this.#stale = true;
    this.#ask();
  }

  #ask() {
    this.#asked ||= requestAnimationFrame(() => this.draw());
  }

  /** Draw now; by itself it draws at the next frame of the screen after a change. */
  draw() {
    cancelAnimationFrame(this.#asked);
    this.#asked = 0;
    const tools = this.#tools();
    if (this.#stale) this.#drawGround(tools);
    const context = this.#context;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.#ground.canvas, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.font = `${12 * this.unit}px ${this.#palette.font}`;
    this.#within(() => {
      this.#drawSelected();
      this.#drawRange();
      this.#drawDrag(tools);
      this.#drawHover();
      this.#drawPlayhead();
    });
    this.#drawOverview(tools);
  }

  /** Ruler and rows, which stay as they are while the playhead runs and the mouse moves. */
  #drawGround(tools) {
    const context = this.#ground;
    const palette = this.#palette;
    this.#stale = false;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, this.width, this.height);
    this.#within(() => drawRuler(context, this.view, this.times, palette, this.unit), context);
    context.font = `${12 * this.unit}px ${palette.font}`;
    for (const row of this.rows) this.#drawRow(row, tools, context);
  }

  #tools() {
    return {
      colour: this.colour, palette: this.#palette, unit: this.unit, hatching: this.#hatching,
      left: this.view.left, right: this.view.left + this.view.width,
      width: (context, text) => {
        if (!this.#widths.has(text)) this.#widths.set(text, context.measureText(text).width);
        return this.#widths.get(text);
      },
    };
  }

  /** Draw with everything left and right of the timeline proper cut off. */
  #within(draw, context = this.#context) {
    context.save();
    context.beginPath();
    context.rect(this.view.left, 0, this.view.width, this.height);
    context.clip();
    draw();
    context.restore();
  }

  #drawRow(row, tools, context) {
    const place = { top: row.top, height: row.height * this.unit };
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = row.editable ? this.#palette.ink : this.#palette.quiet;
    if (row.label) {
      context.fillText(row.label, this.view.left - 10 * this.unit, place.top + place.height / 2, this.view.left - 16);
    }
    context.fillStyle = this.#palette.card;
    context.fillRect(this.view.left, place.top, this.view.width, place.height);
    this.#within(() => {
      const own = row.tone ? { ...tools, colour: (action) => this.#palette[row.tone(action)] } : tools;
      for (const layer of row.layers ?? []) drawSegments(context, this.view, layer, place, own);
      for (const { values, colour, style } of row.curves ?? []) {
        drawCurve(context, this.view, { values, style, colour: this.#palette[colour] }, place);
      }
    }, context);
  }

  #drawSelected() {
    const row = this.rows.find((each) => each.editable);
    if (!row || !this.selected) return;
    const { top } = row;
    const height = row.height * this.unit;
    const [start, end] = this.selected;
    const x = this.xOf(start);
    const width = Math.max(3, (end - start) * this.view.scale);
    const context = this.#context;
    context.strokeStyle = this.#palette.paper;
    context.lineWidth = 4;
    context.strokeRect(x, top + 1, width, height - 2);
    context.strokeStyle = this.#palette.ink;
    context.lineWidth = 2;
    context.strokeRect(x, top + 1, width, height - 2);
    context.lineWidth = 1;
  }

  #drawRange() {
    if (!this.range) return;
    const { start, end, colour } = this.range;
    const row = this.rows.find((each) => each.editable);
    if (!row) return;
    const context = this.#context;
    const x = this.xOf(start);
    const width = Math.max(1, (end - start) * this.view.scale);
    const height = row.height * this.unit;
    context.fillStyle = colour ?? this.#palette.link;
    context.globalAlpha = 0.35;
    context.fillRect(x, 14 * this.unit, width, row.top + height - 14 * this.unit);
    context.globalAlpha = 1;
    context.fillRect(x - 1, 14 * this.unit, 2, row.top + height - 14 * this.unit);
    context.fillRect(x + width - 1, 14 * this.unit, 2, row.top + height - 14 * this.unit);
  }

  /** The segments as they would be if the boundary were let go here. */
  #drawDrag(tools) {
    if (this.#drag?.kind !== "boundary" || !this.#drag.preview) return;
    const { row, preview, to, snapped } = this.#drag;
    const context = this.#context;
    const place = { top: row.top, height: row.height * this.unit };
    for (const [start, end] of preview.remove) {
      context.fillStyle = this.#palette.card;
      context.fillRect(this.xOf(start), place.top, (end - start) * this.view.scale, place.height);
    }
    const segments = [...preview.add].sort((a, b) => a[0] - b[0]);
    drawSegments(context, this.view, { segments, style: "solid" }, place, tools);
    context.strokeStyle = snapped ? this.#palette.link : this.#palette.ink;
    context.lineWidth = snapped ? 2 : 1;
    context.beginPath();
    context.moveTo(this.xOf(to), RULER * this.unit);
    context.lineTo(this.xOf(to), this.#foot());
    context.stroke();
    context.lineWidth = 1;
  }

  #foot() {
    return this.height - (OVERVIEW + GAP) * this.unit;
  }

  #drawHover() {
    if (!this.#hover || this.#drag) return;
    const x = Math.round(this.#hover.x) + 0.5;
    const context = this.#context;
    context.strokeStyle = this.#palette.quiet;
    context.globalAlpha = 0.5;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, this.#foot());
    context.stroke();
    context.globalAlpha = 1;
  }

  #drawPlayhead() {
    const context = this.#context;
    const x = this.xOf(this.playhead);
    const foot = this.#foot();
    if (this.view.scale >= 3) {
      // Frames can be told apart: show how far the one on screen reaches.
      context.fillStyle = this.#palette.ink;
      context.globalAlpha = 0.12;
      context.fillRect(x, RULER * this.unit, this.view.scale, foot - RULER * this.unit);
      context.globalAlpha = 1;
    }
    context.fillStyle = this.#palette.paper;
    context.fillRect(x - 1.5, 12 * this.unit, 3.5, foot - 12 * this.unit);
    context.fillStyle = this.#palette.ink;
    context.fillRect(x - 0.5, 12 * this.unit, 1.5, foot - 12 * this.unit);
    const size = 5.5 * this.unit;
    context.beginPath();
    context.moveTo(x - size, 14 * this.unit);
    context.lineTo(x + size, 14 * this.unit);
    context.lineTo(x + size, 20 * this.unit);
    context.lineTo(x, 27 * this.unit);
    context.lineTo(x - size, 20 * this.unit);
    context.fill();
  }

  #drawOverview(tools) {
    const context = this.#context;
    const { left, width } = this.view;
    const top = this.height - OVERVIEW * this.unit;
    const height = (OVERVIEW - 2) * this.unit;
    this.#overview ??= this.#overviewPicture(width, height, tools);
    context.drawImage(this.#overview, left, top, width, height);
    const from = left + (this.view.start / this.frames) * width;
    const seen = Math.max(4, (width * width) / this.view.scale / this.frames);
    context.fillStyle = this.#palette.paper;
    context.globalAlpha = 0.6;
    context.fillRect(left, top, from - left, height);
    context.fillRect(from + seen, top, Math.max(0, left + width - from - seen), height);
    context.globalAlpha = 1;
    context.strokeStyle = this.#palette.quiet;
    context.lineWidth = 1.5;
    context.strokeRect(from + 0.75, top + 0.75, Math.min(seen, width) - 1.5, height - 1.5);
    context.lineWidth = 1;
    context.fillStyle = this.#palette.ink;
    context.fillRect(left + (this.playhead / this.frames) * width - 0.5, top, 1.5, height);
  }

  #overviewPicture(width, height, tools) {
    const picture = new OffscreenCanvas(Math.ceil(width * this.ratio), Math.ceil(height * this.ratio));
    const context = picture.getContext("2d");
    context.scale(this.ratio, this.ratio);
    context.fillStyle = this.#palette.card;
    context.fillRect(0, 0, width, height);
    const view = { left: 0, width, start: 0, scale: width / this.frames, frames: this.frames };
    const row = this.rows.find((each) => each.editable);
    for (const { segments, style } of row?.layers ?? []) {
      const thin = style === "light" ? { top: height * 0.55, height: height * 0.45 - 2 } : { top: 2, height: height - 4 };
      drawSegments(context, view, { segments, style: "span" }, thin, tools);
    }
    return picture;
  }

  // ---- the mouse ------------------------------------------------------------------------------------

  #listen() {
    const canvas = this.#canvas;
    const { signal } = this.#ends;
    const hear = (target, type, act, options = {}) => target.addEventListener(type, act, { signal, ...options });
    hear(canvas, "wheel", (event) => this.#wheel(event), { passive: false });
    hear(canvas, "pointerdown", (event) => this.#down(event));
    hear(canvas, "pointermove", (event) => this.#move(event));
    hear(canvas, "pointerup", (event) => this.#up(event));
    hear(canvas, "pointercancel", () => this.cancel());
    hear(canvas, "pointerleave", () => this.#leave());
    hear(canvas, "dblclick", (event) => this.#double(event));
    hear(document, "themechange", () => this.#restyle());
  }

  #at(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #wheel(event) {
    event.preventDefault();
    const [x] = this.#at(event);
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.panBy(along * lines);
      return;
    }
    const speed = event.ctrlKey ? 0.01 : 0.0022;
    const frame = this.view.start + (Math.max(x, this.view.left) - this.view.left) / this.view.scale;
    this.zoomBy(Math.exp(-event.deltaY * lines * speed), frame);
  }

  #down(event) {
    if (event.button > 1) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.#at(event);
    this.#drag = this.#begin(event, x, y);
    this.#tip.hidden = true;
    if (this.#drag.kind === "scrub") this.on.seek?.(this.frameAt(x));
    if (this.#drag.kind === "overview") this.#centre(x);
    this.#dress();
  }

  #begin(event, x, y) {
    const start = { x, y, from: this.view.start, moved: false };
    if (event.button === 1) return { kind: "pan", ...start };
    if (y >= this.#foot()) return { kind: "overview", ...start };
    if (y < RULER * this.unit) return { kind: "scrub", ...start };
    const row = this.#rowAt(y);
    const grabbed = row?.editable && !event.shiftKey ? this.#boundaryAt(row, x) : null;
    if (grabbed) return { kind: "boundary", row, ...grabbed, playhead: this.playhead, ...start };
    const segment = row?.hit ? segmentAt(row.hit, this.frameAt(x)) : null;
    const marks = row?.editable && (event.shiftKey || !segment);
    return { kind: marks ? "mark" : "pan", row, segment, edge: this.#edgeAt(x), click: true, ...start };
  }

  /** The side of a segment that the mouse can grab here. */
  #boundaryAt(row, x) {
    const index = indexAfter(row.hit, this.frameAt(x));
    let best = null;
    for (const segment of row.hit.slice(Math.max(0, index - 1), index + 2)) {
      const [x0, x1] = [this.xOf(segment[0]), this.xOf(segment[1])];
      // The middle of a narrow segment must stay free for a click.
      const reach = Math.min(REACH, (x1 - x0) / 4);
      for (const [side, edge] of [["start", x0], ["end", x1]]) {
        const inside = side === "start" ? x >= edge : x < edge;
        const distance = Math.abs(x - edge);
        if (distance > (inside ? reach : REACH)) continue;
        if (!best || distance < best.distance || (distance === best.distance && inside)) {
          best = { grab: { segment, side }, distance };
        }
      }
    }
    return best && { grab: best.grab };
  }

  #move(event) {
    const [x, y] = this.#at(event);
    if (this.#drag) this.#dragTo(event, x);
    else this.#point(event, x, y);
  }

  #dragTo(event, x) {
    const drag = this.#drag;
    drag.moved ||= Math.abs(x - drag.x) >= CLICK;
    if (drag.kind === "scrub") this.on.seek?.(this.frameAt(x));
    else if (drag.kind === "overview") this.#centre(x);
    else if (!drag.moved) return;
    else if (drag.kind === "pan") this.#show(drag.from + (drag.x - x) / this.view.scale, this.view.scale);
    else if (drag.kind === "mark") this.#dragMark(event, x);
    else this.#dragBoundary(event, x);
    this.#ask();
  }

  /** A drag that reaches the edge of what is shown goes on beyond it. */
  #follow(x) {
    const over = Math.max(0, x - this.view.left - this.view.width) + Math.min(0, x - this.view.left);
    if (over) this.panBy(Math.max(-40, Math.min(over, 40)));
  }

  #dragMark(event, x) {
    const drag = this.#drag;
    drag.anchor ??= this.#snap(event, drag.x, drag.row).edge;
    this.#follow(x);
    const here = this.#snap(event, x, drag.row).edge;
    this.on.mark?.(Math.min(drag.anchor, here), Math.max(drag.anchor, here));
  }

  #dragBoundary(event, x) {
    const drag = this.#drag;
    this.#follow(x);
    const { edge, snapped } = this.#snap(event, x, null, drag.playhead);
    const { segment, side } = drag.grab;
    drag.alone = event.altKey;
    drag.preview = moveBoundary(drag.row.hit, drag.grab, edge, this.frames, drag.alone);
    // What the edit adds first is the segment whose side was grabbed.
    const held = side === "start" ? 0 : 1;
    drag.to = (drag.preview?.add[0] ?? segment)[held];
    drag.snapped = snapped && drag.to === edge;
    if (drag.to !== drag.shown) this.on.seek?.(Math.min(drag.to, this.frames - 1));
    drag.shown = drag.to;
  }

  /** The edge at x, or one close by that it should meet: of other rows, of `row`, of the playhead. */
  #snap(event, x, row, playhead = this.playhead) {
    const free = this.#edgeAt(x);
    if (event.ctrlKey || event.metaKey) return { edge: free, snapped: false };
    const edges = [playhead];
    if (this.range) edges.push(this.range.start, this.range.end);
    for (const other of this.rows) {
      if (!other.hit || (other.editable && other !== row)) continue;
      const index = indexAfter(other.hit, free);
      for (const segment of other.hit.slice(Math.max(0, index - 1), index + 2)) edges.push(segment[0], segment[1]);
    }
    const near = edges
      .map((edge) => ({ edge, distance: Math.abs(this.xOf(edge) - x) }))
      .filter(({ distance }) => distance <= SNAP)
      .sort((a, b) => a.distance - b.distance)[0];
    return near ? { edge: near.edge, snapped: true } : { edge: free, snapped: false };
  }

  #centre(x) {
    const frame = ((x - this.view.left) / this.view.width) * this.frames;
    this.#show(frame - this.view.width / this.view.scale / 2, this.view.scale);
  }

  #up(event) {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    const [x] = this.#at(event);
    if (drag.kind === "boundary" && drag.moved && drag.preview) this.on.move?.(drag.grab, drag.to, drag.alone);
    else if (drag.kind === "boundary" && !drag.moved) this.#click(drag.row, x);
    else if (drag.click && !drag.moved) this.#click(drag.row, x);
    this.#dress();
    this.#ask();
  }

  #click(row, x) {
    const frame = this.frameAt(x);
    const segment = row?.hit ? segmentAt(row.hit, frame) : null;
    this.on.select?.(row, segment, frame);
  }

  #double(event) {
    const [x, y] = this.#at(event);
    const row = y < this.#foot() && this.#rowAt(y);
    const segment = row && row.hit ? segmentAt(row.hit, this.frameAt(x)) : null;
    if (segment) this.zoomTo(segment[0], segment[1]);
  }

  /** Give up the drag that is going on; says whether there was one. */
  cancel() {
    if (!this.#drag) return false;
    this.#drag = null;
    this.#dress();
    this.#ask();
    return true;
  }

  #point(event, x, y) {
    const row = y < this.#foot() ? this.#rowAt(y) : null;
    const inside = x >= this.view.left && y < this.#foot();
    const segment = inside && row?.hit ? segmentAt(row.hit, this.frameAt(x)) : null;
    this.#hover = inside ? { x, y, row, segment, edge: Boolean(row?.editable && this.#boundaryAt(row, x)) } : null;
    this.#dress();
    this.#say();
    this.#ask();
  }

  #leave() {
    this.#hover = null;
    this.#tip.hidden = true;
    this.#ask();
  }

  #dress() {
    const kind = this.#drag?.kind;
    const free = this.#hover?.edge ? "ew-resize" : this.#hover?.segment ? "pointer" : "default";
    const held = { boundary: "ew-resize", pan: this.#drag?.moved ? "grabbing" : free, mark: "text" }[kind];
    this.#canvas.style.cursor = held ?? free;
  }

  /** Say beside the mouse what is under it. */
  #say() {
    this.#tip.hidden = !this.#hover;
    if (!this.#hover) return;
    const { x, y, row, segment } = this.#hover;
    this.#tip.textContent = segment ? this.#describe(row, segment) : this.#describeFrame(this.frameAt(x));
    const room = this.width - this.#tip.offsetWidth - 8;
    this.#tip.style.left = `${Math.max(0, Math.min(x + 12, room))}px`;
    this.#tip.style.bottom = `${this.height - y + 14}px`;
  }

  #describeFrame(frame) {
    return `${clock(this.times[frame], 3)} · frame ${frame}`;
  }

  #describe(row, segment) {
    if (row.describe) return row.describe(segment);
    const [start, end, action, confidence] = segment;
    const [from, to] = [this.times[start], this.times[end]];
    const sure = typeof confidence === "number" ? ` · ${Math.round(confidence * 100)} % sure` : "";
    return `${action} · ${clock(from, 2)} – ${clock(to, 2)} · ${duration(to - from)} · frames ${start}–${end - 1}${sure}`;
  }
}
