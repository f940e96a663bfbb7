/** Where pictures are shown: one canvas for the picture, one over it for marks, and what a pointer does there. */

import { el } from "./elements.js";
import { Viewport } from "./viewport.js";

/** A pointer that moves less than this between down and up has clicked. */
const CLICK_PIXELS = 4;
/** What one notch of a wheel scrolls where the browser counts in lines. */
const LINE_PIXELS = 33;

export class Stage {
  viewport = new Viewport();
  #shown = null;
  #size = [16, 9];
  #overlays = [];

  /** `on` holds what a view wants to hear of: see `Player`. `onLost()` when the picture is needed anew. */
  constructor(element, on, onLost) {
    this.element = element;
    this.on = on;
    this.onLost = onLost;
    this.#build();
  }

  /** Whether a picture is shown. */
  get isEmpty() {
    return this.#shown === null;
  }

  /** Show nothing, and expect pictures of this size. */
  clear(width, height) {
    this.#shown = null;
    this.#size = [width, height];
    delete this.canvas.dataset.frame;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.#layOut();
  }

  /** Show a picture (ImageBitmap or video) as frame `i`. */
  show(i, picture) {
    this.#shown = { i, picture };
    this.#paint();
  }

  /** Let `paint(context, toScreen)` draw over the picture, in CSS pixels of the stage. */
  draw(paint) {
    this.#overlays.push(paint);
    this.redraw();
  }

  /** Draw the overlay again. */
  redraw() {
    const { overlay, viewport } = this;
    setSize(overlay, viewport.stage[0] * devicePixelRatio, viewport.stage[1] * devicePixelRatio);
    const context = overlay.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, ...viewport.stage);
    if (this.isEmpty) return;
    const toScreen = (x, y) => viewport.toScreen([x, y]);
    for (const paint of this.#overlays) {
      context.save();
      paint(context, toScreen);
      context.restore();
    }
  }

  fit() {
    this.viewport.fit();
    this.#layOut();
  }

  zoomAt(factor, at = this.viewport.stage.map((x) => x / 2)) {
    this.viewport.zoomAt(factor, at);
    this.#layOut();
  }

  pan(move) {
    this.viewport.pan(move);
    this.#layOut();
  }

  /** Where in the picture (0..1) an event of the pointer is; null beside the picture. */
  toFrame(event) {
    const point = this.viewport.toPicture(this.#at(event));
    return point.every((x) => x >= 0 && x <= 1) ? point : null;
  }

  /** Say something at the foot of the stage; nothing with "". */
  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  #build() {
    const { element } = this;
    element.classList.add("player");
    this.canvas = el("canvas", {
      class: "picture", role: "img", "aria-label": "The frame that is shown", "data-testid": "picture",
    });
    this.overlay = el("canvas", { class: "overlay", "aria-hidden": "true" });
    this.note = el("p", { class: "player-note", role: "status", hidden: true });
    this.zoomed = el("button", {
      type: "button", class: "zoomed", hidden: true, title: "Show the whole picture", "data-testid": "do-fit-picture",
      onclick: () => this.fit(),
    });
    element.replaceChildren(this.canvas, this.overlay, this.zoomed, this.note);
    new ResizeObserver(() => this.#layOut()).observe(element);
    this.#listen();
  }

  #listen() {
    const { overlay } = this;
    overlay.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    overlay.addEventListener("pointerdown", (event) => this.#down(event));
    overlay.addEventListener("pointermove", (event) => this.on.onPoint?.(this.toFrame(event)));
    overlay.addEventListener("pointerleave", () => this.on.onPoint?.(null));
    overlay.addEventListener("contextmenu", (event) => event.preventDefault());
    // The middle button would start the browser's own scrolling.
    overlay.addEventListener("mousedown", (event) => event.preventDefault());
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * LINE_PIXELS : event.deltaY;
    this.zoomAt(Math.exp(-Math.max(-200, Math.min(pixels, 200)) / 400), this.#at(event));
  }

  /** A press that becomes a click, a drag of something the view has there, or a pan. */
  #down(event) {
    const { overlay } = this;
    const from = this.#at(event);
    const grabbed = this.on.onGrab?.(this.toFrame(event), event) ?? false;
    let last = from;
    let moved = false;
    const listening = new AbortController();
    overlay.setPointerCapture(event.pointerId);

    const move = (now) => {
      const at = this.#at(now);
      moved ||= Math.hypot(at[0] - from[0], at[1] - from[1]) >= CLICK_PIXELS;
      if (!moved) return;
      if (grabbed) this.on.onDrag?.(this.#inside(at));
      else this.#dragged([at[0] - last[0], at[1] - last[1]]);
      last = at;
    };
    const end = (now, dropped) => {
      listening.abort();
      overlay.classList.remove("panning");
      if (grabbed && moved) this.on.onDrop?.(dropped ? this.#inside(this.#at(now)) : null);
      const point = this.toFrame(now);
      if (!moved && dropped && point) this.on.onClick?.(point, event);
    };
    const { signal } = listening;
    overlay.addEventListener("pointermove", move, { signal });
    overlay.addEventListener("pointerup", (now) => end(now, true), { signal });
    overlay.addEventListener("pointercancel", (now) => end(now, false), { signal });
  }

  #dragged(move) {
    if (this.viewport.zoom > 1) this.overlay.classList.add("panning");
    this.pan(move);
  }

  #at(event) {
    const box = this.overlay.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #inside(at) {
    return this.viewport.toPicture(at).map((x) => Math.min(Math.max(x, 0), 1));
  }

  #layOut() {
    const { clientWidth, clientHeight } = this.element;
    this.viewport.resize([Math.max(clientWidth, 1), Math.max(clientHeight, 1)], this.#size);
    this.zoomed.hidden = this.viewport.zoom <= 1;
    this.zoomed.textContent = `${this.viewport.zoom.toFixed(1)}× · show all`;
    if (!this.isEmpty) this.#paint();
    this.redraw();
  }

  /** Draw the part of the picture that is on the stage, in no more pixels than it has or the screen shows. */
  #paint() {
    const { i, picture } = this.#shown;
    const [width, height] = [picture.videoWidth ?? picture.width, picture.videoHeight ?? picture.height];
    if (!width) {
      // It was closed to make room for others.
      this.onLost();
      return;
    }
    const { canvas } = this;
    const whole = this.viewport.rectangle();
    const seen = this.#seen(whole);
    const scale = [width / whole.width, height / whole.height];
    const source = [seen.width * scale[0], seen.height * scale[1]];
    setSize(
      canvas, Math.min(source[0], seen.width * devicePixelRatio), Math.min(source[1], seen.height * devicePixelRatio),
    );
    for (const side of ["left", "top", "width", "height"]) canvas.style[side] = `${seen[side]}px`;
    const context = canvas.getContext("2d", { alpha: false });
    context.imageSmoothingQuality = "high";
    const corner = [(seen.left - whole.left) * scale[0], (seen.top - whole.top) * scale[1]];
    context.drawImage(picture, ...corner, ...source, 0, 0, canvas.width, canvas.height);
    canvas.dataset.frame = i;
  }

  /** The part of a rectangle that is on the stage. */
  #seen({ left, top, width, height }) {
    const right = Math.min(left + width, this.viewport.stage[0]);
    const bottom = Math.min(top + height, this.viewport.stage[1]);
    const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
    return { left: x, top: y, width: right - x, height: bottom - y };
  }
}

function setSize(canvas, width, height) {
  const size = [Math.max(Math.round(width), 1), Math.max(Math.round(height), 1)];
  // To set a size clears the canvas, even if it is the same.
  if (canvas.width !== size[0]) canvas.width = size[0];
  if (canvas.height !== size[1]) canvas.height = size[1];
}
