/** Which frames to label next: the server's proposals, and its guesses of where the hands are in them. */

import { get } from "./api.js";

const COUNT = 40;
const FEW = 15;
/** Those that come next stay when there are better ones by now: their pictures are loaded. */
const STAY = 6;

/** A queue of {video, frame, why} that fills itself up. */
export class Proposals {
  /** Its `state` is "none", "running" (with done and total), "ready" or "failed". */
  localizer = { state: "none" };
  #list = [];
  /** Frames that were shown and have no label, by key. */
  #skipped = new Map();
  #filling = null;
  #ask = (skipped) => askServer(null, skipped);

  /** `isLabelled(video, frame)` keeps out what has been labelled since; `onChange()` when there are others. */
  constructor({ isLabelled, onChange }) {
    this.isLabelled = isLabelled;
    this.onChange = onChange;
  }

  /** Propose from what `ask(skipped)` resolves to, {frames, localizer}, from now on. */
  scope(ask) {
    this.#ask = ask;
    this.#list = [];
    this.#filling = null;
    return this.fill();
  }

  /** The next frame to label, or null when there is none. */
  async next() {
    this.#drop();
    if (this.#list.length < FEW) this.fill();
    if (!this.#list.length) await this.fill();
    if (!this.#list.length && this.#skipped.size) {
      // All that is left has been skipped once: offer it again.
      this.#skipped.clear();
      await this.fill();
    }
    const first = this.#list.shift() ?? null;
    if (first) this.#skipped.set(key(first), first);
    return first;
  }

  /** The next `count` ones, which stay in the queue. */
  ahead(count) {
    this.#drop();
    return this.#list.slice(0, count);
  }

  /** Why this frame is proposed, if it is. */
  why(video, frame) {
    return this.#list.find((other) => other.video === video && other.frame === frame)?.why ?? null;
  }

  /** Ask for more. */
  fill() {
    this.#filling ??= this.#take(this.#ask);
    return this.#filling;
  }

  async #take(ask) {
    try {
      this.#drop();
      const { frames, localizer } = await ask(this.#skipped.size);
      if (this.#ask !== ask) return;
      const first = this.#list.slice(0, STAY);
      const taken = new Set([...first.map(key), ...this.#skipped.keys()]);
      this.#list = [...first, ...frames.filter((place) => !taken.has(key(place)))];
      this.localizer = localizer ?? this.localizer;
      this.#drop();
      this.onChange();
    } finally {
      if (this.#ask === ask) this.#filling = null;
    }
  }

  /** Leave out what has been labelled since. */
  #drop() {
    const isLabelled = ({ video, frame }) => this.isLabelled(video, frame);
    this.#list = this.#list.filter((place) => !isLabelled(place));
    for (const [name, place] of this.#skipped) if (isLabelled(place)) this.#skipped.delete(name);
  }
}

/** The server's proposals: frames of one video, or of all with null; more where some were skipped, since it names those too. */
export function askServer(video, skipped) {
  const filter = video === null ? "" : `&video=${encodeURIComponent(video)}`;
  return get(`/api/hands-queue?count=${COUNT + skipped}${filter}`);
}

/** The middles of what lies between two labels at most `between` seconds apart, the longest gaps first. */
export function gapMiddles({ name, fps }, rows, between) {
  const gaps = rows.slice(1).map(([end], k) => ({ start: rows[k][0], length: end - rows[k][0] }));
  const fillable = gaps.filter(({ length }) => length > 1 && length <= between * fps);
  fillable.sort((a, b) => b.length - a.length);
  const frames = fillable.map(({ start, length }) => ({
    video: name, frame: start + Math.floor(length / 2), why: "between two labels",
  }));
  return { frames };
}

/** Guesses are asked for ahead, and kept until labels near by change them. */
export class Guesses {
  #kept = new Map();
  #values = new Map();

  /** The guess if it is here. */
  peek(video, frame) {
    return this.#values.get(key({ video, frame }));
  }

  /** Resolves to {source, left, right, p}. */
  load(video, frame) {
    const name = key({ video, frame });
    if (!this.#kept.has(name)) this.#kept.set(name, this.#ask(video, frame, name));
    return this.#kept.get(name);
  }

  /** Labels of this video have changed, and with them what lies between labels. */
  forget(video) {
    for (const name of this.#kept.keys()) {
      if (!name.startsWith(`${video}/`) || this.#values.get(name)?.source === "localizer") continue;
      this.#kept.delete(name);
      this.#values.delete(name);
    }
  }

  async #ask(video, frame, name) {
    try {
      const asked = get(`/api/hands/${encodeURIComponent(video)}/${frame}/guess`);
      const guess = await asked;
      if (this.#kept.has(name)) this.#values.set(name, guess);
      return guess;
    } catch (error) {
      this.#kept.delete(name);
      throw error;
    }
  }
}

function key({ video, frame }) {
  return `${video}/${frame}`;
}
