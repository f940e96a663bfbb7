/** Shows exactly frame i of a video; steps, plays, zooms. */

import { frameUrl, times as loadTimes } from "./api.js";
import { frameAt, nearestFrame } from "./frametimes.js";
import { Pictures } from "./pictures.js";
import { Playback } from "./playback.js";
import { ProxyOffer } from "./proxyoffer.js";
import { Stage } from "./stage.js";

const RATES = [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16];
const AHEAD = 6;
/** Longer strides than this are jumps: what lies as far again is as likely as any other place. */
const LONGEST_STRIDE = 100;
const RETRY_MS = 1000;

export class Player {
  frame = 0;
  playing = false;
  rate = 1;
  times = null;
  video = null;

  #wish = 0;
  #travel = 1;
  #loop = null;
  #playback = null;
  /** Counts plays and pauses: what was begun for an earlier one stops by itself. */
  #run = 0;
  #isStepping = false;
  #loading = null;
  #seen = "";
  #retry = 0;
  #extra = [];

  /**
   * `onFrame(frame, playing)` when another frame is on screen. Of use to some views:
   * `onClick([x, y], event)` a click on the picture, `onGrab([x, y], event)` -> whether a drag that begins here
   * is the view's own, `onDrag([x, y])`, `onDrop([x, y])`, and `onPoint([x, y] | null)` where the pointer is.
   */
  constructor(element, { onFrame = () => {}, ...on } = {}) {
    this.onFrame = onFrame;
    this.pictures = new Pictures();
    this.stage = new Stage(element, on, () => this.#want(this.frame));
    this.proxy = new ProxyOffer({ onReady: () => this.#dropPlayback() });
    element.append(this.proxy.element);
  }

  /** The frame that was asked for last, whose picture may not be here yet. */
  get target() {
    return this.#wish;
  }

  /** Whether the frame that was asked for last is on screen, and still. */
  get isSettled() {
    return !this.playing && !this.stage.isEmpty && this.frame === this.#wish;
  }

  get viewport() {
    return this.stage.viewport;
  }

  /** Open a video (the JSON of /api/videos/V) at a frame. Resolves when one can seek, before the picture is there. */
  async open(video, frame = 0) {
    this.pause();
    this.#dropPlayback();
    this.video = video;
    this.times = null;
    this.#loop = null;
    this.stage.say("");
    const times = await cachedTimes(video);
    if (this.video !== video) return;
    this.times = times;
    this.#clear();
    this.proxy.open(video);
    this.frame = this.#clamp(frame);
    this.seek(frame);
  }

  /** Show frame `i`, as soon as its picture is here. */
  seek(i) {
    if (!this.times) return;
    if (this.playing) this.pause();
    this.#want(this.#clamp(i));
  }

  /** Go `n` frames on, counted from the frame last asked for. */
  step(n) {
    if (this.playing) this.pause();
    this.seek(this.#wish + n);
  }

  /** Go to what is shown `seconds` later. */
  stepSeconds(seconds) {
    if (!this.times) return;
    if (this.playing) this.pause();
    const frame = nearestFrame(this.times, this.times[this.#wish] + seconds);
    this.seek(frame === this.#wish ? frame + Math.sign(seconds) : frame);
  }

  /** Play from the frame shown; over and over if there is a `loop` [start, end). */
  async play({ loop = null } = {}) {
    if (!this.times) return;
    if (this.playing) this.pause();
    this.#loop = loop;
    this.playing = true;
    this.#run += 1;
    const run = this.#run;
    const start = this.#start(loop);
    this.onFrame(this.frame, true);
    const plays = Playback.isSupported && (await this.proxy.canPlay());
    if (run !== this.#run) return;
    if (plays) await this.#playFile(start);
    else this.#stepAlong(start);
  }

  /** Stop, on the very frame that is shown. */
  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.#run += 1;
    this.#isStepping = false;
    this.#playback?.pause();
    this.#wish = this.frame;
    this.#travel = 1;
    this.#want(this.frame);
    this.onFrame(this.frame, false);
  }

  toggle(options) {
    if (this.playing) this.pause();
    else this.play(options);
  }

  setRate(rate) {
    this.rate = Math.min(Math.max(rate, RATES[0]), RATES.at(-1));
    if (this.#playback) this.#playback.rate = this.rate;
    if (this.#isStepping) this.#stepAlong(this.frame);
    if (!this.stage.isEmpty) this.onFrame(this.frame, this.playing);
  }

  /** The next slower (-1) or faster (1) rate. */
  shiftRate(by) {
    const faster = RATES.findIndex((rate) => rate > this.rate + 1e-9);
    const slower = RATES.findLastIndex((rate) => rate < this.rate - 1e-9);
    const at = by > 0 ? faster : slower;
    if (at >= 0) this.setRate(RATES[at]);
  }

  /** Let `paint(context, toScreen)` draw over the picture, in CSS pixels of the stage. */
  draw(paint) {
    this.stage.draw(paint);
  }

  /** Draw what is over the picture again. */
  redraw() {
    this.stage.redraw();
  }

  fit() {
    this.stage.fit();
  }

  /** Load these ahead once the neighbours of the frame shown are here: [[video, frame], ...]. */
  preload(places) {
    this.#extra = places.map(([video, frame]) => frameUrl(video, frame));
    for (const [video] of places) cachedTimes(video).catch(() => {});
    if (!this.stage.isEmpty) this.#prefetch();
  }

  /** Take a key that means the same in every view; returns whether it did. */
  handleKey(event) {
    if (!this.times || event.altKey) return false;
    const act = this.#keyAction(event);
    act?.();
    return Boolean(act);
  }

  // ---- pictures -------------------------------------------------------------------------------------

  #want(i) {
    const stride = i - this.#wish;
    if (stride) this.#travel = Math.abs(stride) <= LONGEST_STRIDE ? stride : Math.sign(stride);
    this.#wish = i;
    clearTimeout(this.#retry);
    this.#load();
  }

  /** Show the wish, or load it. When keys come faster than pictures, one picture of the way is shown after another. */
  async #load() {
    const { video } = this;
    const i = this.#wish;
    const url = frameUrl(video, i);
    const here = this.pictures.peek(url);
    if (here) {
      this.#show(i, here);
      return;
    }
    const isOnTheWay = this.#loading?.video === video && Math.abs(this.#loading.i - i) <= LONGEST_STRIDE;
    if (isOnTheWay) return;
    const loading = { video, i };
    this.#loading = loading;
    this.pictures.focus([url, ...this.#near(i)]);
    try {
      const picture = await this.pictures.load(url);
      if (this.#loading === loading) this.#arrived(i, picture);
    } catch (error) {
      if (this.#loading === loading) this.#failed(i, error);
    }
  }

  #arrived(i, picture) {
    this.#loading = null;
    if (this.playing) return;
    this.#show(i, picture);
    if (this.#wish !== i) this.#load();
  }

  #show(i, picture) {
    this.stage.say("");
    this.stage.show(i, picture);
    this.#report(i);
    if (this.#wish === i) this.#prefetch();
  }

  #failed(i, error) {
    this.#loading = null;
    if (this.#wish !== i || error.name === "AbortError") {
      this.#load();
      return;
    }
    if (error.status >= 400 && error.status < 500) {
      this.stage.say(`Frame ${i} cannot be shown: ${error.message}`);
      return;
    }
    this.stage.say("The server does not answer. Trying again…");
    this.#retry = setTimeout(() => this.#load(), RETRY_MS);
  }

  #prefetch() {
    if (this.playing) return;
    const near = this.#near(this.frame);
    this.pictures.prefetch(this.#extra.length ? [...this.#extra, ...near.slice(0, 3)] : near);
  }

  /** Addresses of what is likely to be asked for after frame `i`, the likeliest first. */
  #near(i) {
    const near = Array.from({ length: AHEAD }, (_, k) => i + (k + 1) * this.#travel);
    near.splice(2, 0, i - Math.sign(this.#travel));
    const inside = near.filter((j) => j >= 0 && j < this.video.frames);
    return inside.map((j) => frameUrl(this.video, j));
  }

  #report(i) {
    const news = `${this.video.name}/${i}/${this.playing}`;
    this.frame = i;
    if (news === this.#seen) return;
    this.#seen = news;
    this.onFrame(i, this.playing);
    this.stage.redraw();
  }

  #clear() {
    this.#loading = null;
    this.#seen = "";
    this.stage.clear(this.video.width, this.video.height);
  }

  // ---- playing --------------------------------------------------------------------------------------

  #start(loop) {
    const inside = !loop || (this.frame >= loop[0] && this.frame < loop[1]);
    const from = inside ? this.frame : loop[0];
    const atEnd = !loop && from >= this.video.frames - 1;
    return atEnd ? 0 : from;
  }

  async #playFile(start) {
    this.#playback ??= new Playback(this.video, this.times, {
      onFrame: (frame, element) => this.#played(frame, element),
      onEnd: () => this.#ended(),
      onError: () => this.#cannotPlay(),
    });
    const playback = this.#playback;
    try {
      await playback.play(start, this.rate);
    } catch {
      // A pause before it has begun, or a file that does not play, of which onError tells.
    }
  }

  #played(frame, element) {
    if (!this.playing) return;
    if (this.#loop && frame >= this.#loop[1]) {
      this.#beginLoop();
      return;
    }
    this.stage.show(frame, element);
    this.#report(frame);
  }

  #ended() {
    if (this.#loop) this.#beginLoop();
    else this.pause();
  }

  #beginLoop() {
    // A pause in between ends it; a file that fails tells onError.
    this.#playback.jump(this.#loop[0]).catch(() => {});
  }

  #cannotPlay() {
    const wasPlaying = this.playing;
    this.#dropPlayback();
    this.proxy.offer();
    if (wasPlaying) this.#stepAlong(this.frame);
  }

  #dropPlayback() {
    this.#playback?.close();
    this.#playback = null;
  }

  /** Play without a file that plays: show picture after picture, as the clock says or as fast as they come. */
  async #stepAlong(start) {
    this.#run += 1;
    this.#isStepping = true;
    const run = this.#run;
    const end = this.#loop?.[1] ?? this.video.frames;
    const began = performance.now();
    let time = this.times[start];
    while (time < this.times[end]) {
      await this.#showWhilePlaying(Math.max(frameAt(this.times, time), start), run);
      await new Promise(requestAnimationFrame);
      if (run !== this.#run) return;
      time = this.times[start] + ((performance.now() - began) / 1000) * this.rate;
    }
    await this.#showWhilePlaying(end - 1, run);
    if (run !== this.#run) return;
    if (this.#loop) this.#stepAlong(this.#loop[0]);
    else this.pause();
  }

  async #showWhilePlaying(i, run) {
    if (i === this.frame && !this.stage.isEmpty) return;
    const { video } = this;
    const picture = await this.pictures.load(frameUrl(video, i)).catch(() => null);
    if (run !== this.#run) return;
    if (!picture) {
      this.pause();
      this.seek(i);
      return;
    }
    this.stage.show(i, picture);
    this.pictures.prefetch([1, 2, 3].map((k) => frameUrl(video, this.#clamp(i + k))));
    this.#report(i);
  }

  #clamp(i) {
    return Math.min(Math.max(Math.round(i) || 0, 0), this.video.frames - 1);
  }

  #keyAction({ key, shiftKey, ctrlKey, metaKey }) {
    const command = ctrlKey || metaKey;
    const arrow = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (arrow) return () => (command ? this.stepSeconds(arrow) : this.step(shiftKey ? arrow * 10 : arrow));
    if (command) return null;
    return {
      PageUp: () => this.stepSeconds(-1),
      PageDown: () => this.stepSeconds(1),
      Home: () => this.seek(0),
      End: () => this.seek(this.video.frames - 1),
      " ": () => this.toggle(),
      ",": () => this.shiftRate(-1),
      ".": () => this.shiftRate(1),
    }[key];
  }
}

/** Rows for the help of a view: what `handleKey` takes. */
export const PLAYER_HELP = [
  ["← / →", "one frame back, one on"],
  ["Shift ← / Shift →", "ten frames"],
  ["Ctrl ← / Ctrl →", "one second; also Page up, Page down"],
  ["Home / End", "first frame, last frame"],
  ["Ctrl ↑ / Ctrl ↓", "previous, next video"],
  ["Space", "play, pause"],
  [", / .", "slower, faster"],
  ["Wheel", "zoom at the pointer; drag to move the picture"],
];

const timesOf = new Map();

/** The times of a video do not change while its version is the same. */
function cachedTimes(video) {
  const key = `${video.name}?${video.version}`;
  if (!timesOf.has(key)) {
    const loading = loadTimes(video);
    loading.catch(() => timesOf.delete(key));
    timesOf.set(key, loading);
  }
  return timesOf.get(key);
}
