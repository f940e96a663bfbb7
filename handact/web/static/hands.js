/** The view for labelling hands: one proposed frame after another, at one key each. */

import { ApiError, get, watchVersions } from "./api.js";
import { el } from "./elements.js";
import { HandFrames, SIDES } from "./handframes.js";
import { HandLabels } from "./handlabels.js";
import { grabDistance, paintCross, paintHand, paintStrip, stripFrame } from "./handpaint.js";
import { HandPanel } from "./handpanel.js";
import { PLAYER_HELP, Player } from "./player.js";
import { askServer, gapMiddles, Guesses, Proposals } from "./proposals.js";

const AHEAD = 6;
/** Held arrow keys pass frames whose guesses nobody looks at. */
const GUESS_WAIT_MS = 100;
const LOCALIZER_WAIT_MS = 5000;
const CROSS_STEP = 0.005;

const HELP = [
  ["Label"],
  ["Left click / L", "the left hand is here (L: at the pointer, or at the cross)"],
  ["Right click / R", "the right hand is here"],
  ["Drag a hand", "move it"],
  ["A", "both hands are absent; again: take that back"],
  ["Shift L / Shift R", "the left, the right hand is absent; again: take that back"],
  ["Enter", "accept what is shown, go on to the next proposed frame"],
  ["N", "next proposed frame, without a label for this one"],
  ["B", "back to the frame before"],
  ["Backspace", "remove the label of this frame"],
  ["U / Ctrl Z", "undo"],
  ["Ctrl Shift Z / Ctrl Y", "redo"],
  ["G", "go on by itself once both hands are set"],
  ["Escape", "forget what is not saved on this frame"],
  ["Look"],
  ["0", "show the whole picture"],
  ["Alt ← ↑ → ↓", "move the cross, for work without a mouse; with Shift: further"],
  ...PLAYER_HELP,
];

/** Open the view in `root`. */
export async function open(app, root) {
  const view = new HandsView(app, root);
  await view.start();
  return view;
}

class HandsView {
  /** Videos as /api/videos/V tells of them. */
  #videos = new Map();
  #history = [];
  #trip = 0;
  #last = null;
  #why = null;
  #pointer = null;
  #cross = null;
  #grabbed = null;
  #guessTimer = 0;
  #localizerTimer = 0;

  constructor(app, root) {
    this.app = app;
    this.video = null;
    this.#build(root);
    this.player = new Player(this.stage, {
      onFrame: () => this.#shown(),
      onClick: (at, event) => this.#clicked(at, event),
      onGrab: (at, event) => this.#grab(at, event),
      onDrag: (at) => this.#drag(at),
      onDrop: (at) => this.#drop(at),
      onPoint: (at) => this.#pointed(at),
    });
    this.player.draw((context, toScreen) => this.#paint(context, toScreen));
    this.hands = new HandLabels({
      onChange: (video) => this.#changed(video),
      onRefused: (error) => this.#run(() => Promise.reject(error)),
    });
    this.guesses = new Guesses();
    this.work = new HandFrames(this.hands, this.guesses, { onLabelled: () => this.panel.progress.tick() });
    this.proposals = new Proposals({
      isLabelled: (video, frame) => Boolean(this.hands.at(video, frame)),
      onChange: () => this.#proposed(),
    });
  }

  /** Rows of the video that is open, by frame. */
  get labels() {
    return this.hands.rows(this.video?.name);
  }

  /** Which frame is on screen. */
  get frame() {
    return this.player.frame;
  }

  /** Whether something is set that is lost with the page. */
  get isUnfinished() {
    return this.work.hasDrafts;
  }

  async start() {
    const { app } = this;
    app.help(HELP, "Keys: label hands");
    app.onKey((event) => this.#key(event));
    watchVersions((versions) => this.hands.refresh(versions));
    document.addEventListener("themechange", () => this.#update());
    const [progress] = await Promise.all([get("/api/hands-progress"), this.proposals.fill().catch(() => {})]);
    this.panel.progress.read(progress);
    this.#listVideos();
    await this.#open();
  }

  // ---- going from frame to frame --------------------------------------------------------------------

  /** Where the page was before a reload; else the first proposal. */
  async #open() {
    const { state } = this.app;
    const frame = state.get("frame");
    if (frame !== null) await this.goTo(state.get("video"), Number(frame));
    else if (!(await this.next())) await this.goTo(state.get("video"), 0);
  }

  /** Show a frame of a video. `why` says why it is proposed. */
  async goTo(video, frame, why = null) {
    this.#trip += 1;
    const trip = this.#trip;
    const [info] = await Promise.all([this.#info(video), this.hands.load(video)]);
    if (trip !== this.#trip) return;
    this.#why = why ?? this.proposals.why(video, frame);
    if (this.video === info && this.player.times) {
      this.player.seek(frame);
      return;
    }
    this.video = info;
    await this.player.open(info, frame);
    this.#listVideos();
  }

  /** Go to the next proposed frame; resolves to whether there is one. */
  async next() {
    const place = await this.proposals.next();
    if (!place) {
      this.app.toast("No more frames are proposed.");
      return false;
    }
    if (this.video) this.#history.push([this.video.name, this.frame, this.#why]);
    await this.goTo(place.video, place.frame, place.why);
    return true;
  }

  async #back() {
    const place = this.#history.pop();
    if (place) await this.goTo(...place);
  }

  #info(video) {
    if (!this.#videos.has(video)) {
      const asked = get(`/api/videos/${encodeURIComponent(video)}`);
      asked.catch(() => this.#videos.delete(video));
      this.#videos.set(video, asked);
    }
    return this.#videos.get(video);
  }

  /** Another frame is on screen. */
  #shown() {
    const { app, frame, video } = this;
    this.#warnOfDraft();
    app.state.set("video", video.name);
    app.state.set("frame", frame);
    if (!this.player.isSettled) this.#why = null;
    else this.#why ??= this.proposals.why(video.name, frame);
    this.#askGuess();
    this.#lookAhead();
    this.#update();
  }

  /** Say so when a frame is left on which a hand is set, but which is not saved. */
  #warnOfDraft() {
    const [last, here] = [this.#last, this.#here];
    this.#last = here;
    if (!last || (last.video === here.video && last.frame === here.frame) || !this.work.isDrafted(last)) return;
    this.app.toast(`Not saved: on ${last.video}, frame ${last.frame}, one hand is still open.`);
  }

  #askGuess() {
    clearTimeout(this.#guessTimer);
    const place = this.#here;
    if (this.player.playing || this.work.label(place) || this.work.guess(place)) return;
    this.#guessTimer = setTimeout(async () => {
      await this.guesses.load(place.video, place.frame).catch(() => null);
      if (this.video.name === place.video && this.frame === place.frame) this.#update();
    }, GUESS_WAIT_MS);
  }

  /** Have the next proposed frames here before they are asked for. */
  async #lookAhead() {
    if (this.player.playing) return;
    const places = this.proposals.ahead(AHEAD);
    for (const { video, frame } of places) this.guesses.load(video, frame).catch(() => {});
    const known = await Promise.all(places.map(({ video }) => this.#info(video).catch(() => null)));
    for (const info of known) if (info) this.hands.load(info.name).catch(() => {});
    this.player.preload(places.flatMap(({ frame }, k) => (known[k] ? [[known[k], frame]] : [])));
  }

  // ---- what is on the frame -------------------------------------------------------------------------

  get #here() {
    return { video: this.video.name, frame: this.frame };
  }

  /** Change what is on the frame with `act(place)`, which returns whether the frame is done. */
  #change(act) {
    // Nobody labels what they have not seen.
    if (!this.#isReady()) return;
    const isDone = act(this.#here);
    this.#askGuess();
    this.#update();
    if (isDone && this.panel.isGoingOn) this.#run(() => this.next());
  }

  #set(side, at) {
    this.#change((place) => this.work.set(place, side, at));
  }

  #toggleAbsent(side) {
    this.#change((place) => this.work.toggleAbsent(place, side));
  }

  #toggleBothAbsent() {
    this.#change((place) => this.work.toggleBothAbsent(place));
  }

  #remove() {
    this.#change((place) => this.work.remove(place));
  }

  #forget() {
    this.#change((place) => this.work.forget(place));
  }

  /** Save what is shown, and go on. */
  async #accept() {
    if (!this.#isReady()) return;
    const unknown = this.work.unknown(this.#here);
    if (unknown.length) {
      this.app.toast(sayUnknown(unknown));
      return;
    }
    this.work.accept(this.#here);
    await this.next();
  }

  async #undo(way) {
    const place = await this.hands[way]();
    if (place) await this.goTo(place.video, place.frame);
  }

  /** Whether the frame on screen is the one that was asked for. */
  #isReady() {
    return this.player.isSettled && this.player.video === this.video;
  }

  #changed(video) {
    this.guesses.forget(video);
    this.panel.progress.count(video, this.hands.rows(video));
    if (!this.video) return;
    if (this.video.name === video) this.#askGuess();
    this.#listVideos();
    this.#update();
  }

  // ---- pointer --------------------------------------------------------------------------------------

  #clicked(at, event) {
    this.player.pause();
    if (event.button === 0) this.#set("left", at);
    if (event.button === 2) this.#set("right", at);
  }

  /** The hand under the pointer, if any. */
  #handAt(at) {
    if (!at || !this.player.isSettled) return null;
    const [x, y] = this.player.viewport.toScreen(at);
    const distance = (side) => {
      const hand = this.work.hand(this.#here, side);
      if (!hand.at) return Infinity;
      const [hx, hy] = this.player.viewport.toScreen(hand.at);
      return Math.hypot(hx - x, hy - y);
    };
    const [nearest] = SIDES.toSorted((a, b) => distance(a) - distance(b));
    return distance(nearest) <= grabDistance() ? nearest : null;
  }

  #grab(at, event) {
    const side = event.button === 0 ? this.#handAt(at) : null;
    this.#grabbed = side && { side, at: null };
    return Boolean(side);
  }

  #drag(at) {
    this.#grabbed.at = at;
    this.player.redraw();
  }

  #drop(at) {
    const { side } = this.#grabbed;
    this.#grabbed = null;
    if (at) this.#set(side, at);
    this.player.redraw();
  }

  #pointed(at) {
    this.#pointer = at;
    this.player.stage.overlay.classList.toggle("over-hand", Boolean(this.#handAt(at)));
    if (!at || !this.#cross) return;
    this.#cross = null;
    this.player.redraw();
  }

  /** Move the cross that stands for the pointer. */
  #moveCross({ key, shiftKey }) {
    const step = CROSS_STEP * (shiftKey ? 10 : 1);
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (!move) return false;
    const from = this.#cross ?? this.#pointer ?? [0.5, 0.5];
    const ratio = this.video.width / this.video.height;
    const by = [move[0] * step, move[1] * step * ratio];
    this.#cross = from.map((x, k) => Math.min(Math.max(x + by[k], 0), 1));
    this.player.redraw();
    return true;
  }

  #placeAtPointer(side) {
    const at = this.#cross ?? this.#pointer;
    if (at) this.#set(side, at);
    else this.app.toast("Point at the hand, or move the cross with Alt and the arrow keys.");
  }

  // ---- keys -----------------------------------------------------------------------------------------

  #key(event) {
    if (!this.video) return false;
    if (event.altKey) return this.#moveCross(event);
    const act = this.#command(event) ?? null;
    if (!act) return this.player.handleKey(event);
    // A key that is held labels one frame, not all that follow.
    if (!event.repeat) this.#run(act);
    return true;
  }

  #command({ key, ctrlKey, metaKey, shiftKey }) {
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (ctrlKey || metaKey) {
      if (name === "z") return () => this.#undo(shiftKey ? "redo" : "undo");
      return name === "y" ? () => this.#undo("redo") : null;
    }
    const beside = { l: () => this.#toggleAbsent("left"), r: () => this.#toggleAbsent("right") };
    if (shiftKey && beside[name]) return beside[name];
    return {
      l: () => this.#placeAtPointer("left"),
      r: () => this.#placeAtPointer("right"),
      a: () => this.#toggleBothAbsent(),
      Enter: () => this.#accept(),
      n: () => this.next(),
      b: () => this.#back(),
      Backspace: () => this.#remove(),
      Delete: () => this.#remove(),
      u: () => this.#undo("undo"),
      g: () => this.panel.toggleGoingOn(),
      0: () => this.player.fit(),
      Escape: () => this.#forget(),
    }[name];
  }

  // ---- drawing --------------------------------------------------------------------------------------

  #build(root) {
    this.stage = el("div");
    this.strip = el("canvas", {
      class: "hands-strip", role: "img", "aria-label": "Labelled and proposed frames along the video",
      title: "The whole video: labelled frames; rings are proposed ones. Click to go there.", "data-testid": "strip",
      onpointerdown: (event) => this.#scrub(event),
    });
    this.panel = new HandPanel(this.app.project.between, {
      onAccept: () => this.#run(() => this.#accept()),
      onNext: () => this.#run(() => this.next()),
      onBack: () => this.#run(() => this.#back()),
      onPlay: () => this.player.toggle(),
      onAbsent: () => this.#toggleBothAbsent(),
      onAbsentSide: (side) => this.#toggleAbsent(side),
      onRemove: () => this.#remove(),
      onUndo: () => this.#undo("undo"),
      onRedo: () => this.#undo("redo"),
      onFit: () => this.player.fit(),
      onScope: () => this.#scope(),
    });
    root.replaceChildren(el("div", { class: "hands" }, this.stage, this.strip, this.panel.toolbar, this.panel.element));
    new ResizeObserver(() => this.#paintStrip()).observe(this.strip);
  }

  #scrub(event) {
    const seek = ({ offsetX }) => {
      if (this.video) this.player.seek(stripFrame(offsetX, this.video.frames, this.strip.clientWidth));
    };
    const listening = new AbortController();
    this.strip.setPointerCapture(event.pointerId);
    this.strip.addEventListener("pointermove", seek, { signal: listening.signal });
    this.strip.addEventListener("lostpointercapture", () => listening.abort(), { once: true });
    seek(event);
  }

  #scope() {
    const { video } = this;
    const ask = {
      all: (skipped) => askServer(null, skipped),
      video: (skipped) => askServer(video.name, skipped),
      gaps: async () => gapMiddles(video, this.labels, this.app.project.between),
    }[this.panel.source];
    this.#run(() => this.proposals.scope(ask));
  }

  /** Do what may fail for want of a server, and say so. */
  async #run(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.app.toast([error.message, error.hint].filter(Boolean).join(". "), "error");
    }
  }

  #proposed() {
    this.panel.showLocalizer(this.proposals.localizer);
    if (this.proposals.localizer.state === "running") {
      clearTimeout(this.#localizerTimer);
      this.#localizerTimer = setTimeout(() => this.proposals.fill().catch(() => {}), LOCALIZER_WAIT_MS);
    }
    if (this.video) this.#update();
  }

  #listVideos() {
    const { app } = this;
    app.setVideoList({
      videos: app.project.videos.map(({ name }) => ({ name, ...this.panel.progress.note(name) })),
      current: this.video?.name ?? app.state.get("video"),
      onPick: (name) => this.#run(() => this.#pick(name)),
    });
  }

  /** A video picked from the list opens at its first proposal, or at its beginning. */
  async #pick(name) {
    if (this.video?.name === name) return;
    const place = this.proposals.ahead(Infinity).find(({ video }) => video === name);
    await this.goTo(name, place?.frame ?? 0, place?.why);
    if (this.panel.source !== "all") this.#scope();
  }

  #update() {
    if (!this.video) return;
    this.player.redraw();
    this.#paintStrip();
    this.panel.showFrame({
      video: this.video,
      frame: this.frame,
      seconds: this.player.times?.[this.frame] ?? 0,
      playing: this.player.playing,
      rate: this.player.rate,
      labelled: Boolean(this.work.label(this.#here)),
      drafted: this.work.isDrafted(this.#here),
      hands: Object.fromEntries(SIDES.map((side) => [side, this.work.hand(this.#here, side)])),
      source: this.work.guess(this.#here)?.source ?? null,
      why: this.#why,
      undoable: this.hands.undoable,
      redoable: this.hands.redoable,
    });
  }

  #paint(context, toScreen) {
    if (!this.video || this.player.video !== this.video) return;
    for (const side of SIDES) {
      const { at, settled } = this.work.hand(this.#here, side);
      const dragged = this.#grabbed?.side === side ? this.#grabbed.at : null;
      const shown = dragged ?? at;
      if (shown) paintHand(context, toScreen(...shown), side, settled || Boolean(dragged));
    }
    if (this.#cross) paintCross(context, toScreen(...this.#cross));
  }

  #paintStrip() {
    if (!this.video) return;
    const { frames, name } = this.video;
    const proposed = this.proposals.ahead(Infinity).filter(({ video }) => video === name);
    paintStrip(this.strip, {
      frames, rows: this.labels, proposed: proposed.map(({ frame }) => frame), frame: this.frame,
    });
  }
}

/** Why what is shown cannot be accepted: only a person, a guess or a label says that a hand is absent. */
function sayUnknown([side, other]) {
  if (other) return "Nothing to accept yet: set a hand, or press A if both are absent.";
  return `The ${side} hand is not set: Shift ${side[0].toUpperCase()} if it is absent`;
}
