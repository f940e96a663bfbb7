/**
 * The working tier of a video: its segments, as the person sees them now.
 *
 * A change shows at once and is sent in order; what the server answers counts in the end. The stacks of undo
 * are the server's, so that they outlive a reload; those kept here only foresee its answer.
 */

import { edit as send, get, watchVersions } from "./api.js";
import { apply, inverse, same } from "./editor.js";

const equal = (a, b) => a.length === b.length && a.every((segment, i) => same(segment, b[i]));

/** The key of a tier in /api/versions. */
function versionKey(tier, video) {
  if (!tier) return `actions/${video}`;
  return tier === "review" ? `review/${video}` : `annotators/${tier}/${video}`;
}

/**
 * One tier of one video: "" the dataset's own labels, "review" a draft, else an annotator's. Calls `onChange()`
 * whenever segments, undo or redo changed.
 */
export class Labels {
  #path;
  #onChange;
  #toast;
  #unanswered = 0;
  #blind = 0;
  #sent = 0;
  #done = [];
  #undone = [];
  /** Steps from before this page was loaded, which the server alone knows: to undo, and to redo. */
  #older = 0;
  #newer = 0;
  #version = 0;
  #lastSent = Promise.resolve();
  #isClosed = false;
  #isByHand = false;
  #stopWatching = null;

  constructor({ video, tier, onChange, toast }) {
    this.video = video;
    this.tier = tier;
    this.segments = [];
    this.#path = `/api/actions/${encodeURIComponent(video)}`;
    this.#onChange = onChange;
    this.#toast = toast;
  }

  /** Read the tier, and from now on notice what other tabs do to it. */
  async load() {
    const state = await this.#get();
    if (this.#isClosed) return;
    this.#adopt(state);
    this.#stopWatching = watchVersions((versions) => this.#notice(versions));
  }

  close() {
    this.#isClosed = true;
    this.#stopWatching?.();
    this.#onChange = () => {};
  }

  /** Whether the server has answered every change. */
  get settled() {
    return this.#unanswered === 0;
  }

  /** Whether the segments are as they are by an edit made here; not by undo or redo, nor as read from the server. */
  get isByHand() {
    return this.#isByHand;
  }

  /** Whether nothing has been changed here since it was read. */
  get isUntouched() {
    return this.#done.length + this.#undone.length === 0;
  }

  /** Resolves once the server has answered every change, those made meanwhile included. */
  async whenSettled() {
    while (!this.settled) await this.#lastSent;
  }

  get canUndo() {
    return this.#done.length + this.#older > 0;
  }

  get canRedo() {
    return this.#undone.length + this.#newer > 0;
  }

  /** Carry out `{remove, add}`; says whether it did. */
  change(change) {
    if (!change) return false;
    if (this.#blind) {
      this.#toast("Undoing: one moment, please");
      return false;
    }
    this.segments = apply(this.segments, change);
    this.#isByHand = true;
    this.#done.push(change);
    this.#undone = [];
    this.#newer = 0;
    this.#send(this.#path, { tier: this.tier, ...change });
    this.#onChange();
    return true;
  }

  /** Take the last change back; returns what that changes, as far as it is known here. */
  undo() {
    if (!this.canUndo) return null;
    const last = this.#done.pop() ?? null;
    if (last) this.#undone.push(last);
    else this.#passBlindly(-1);
    return this.#step("undo", last && inverse(last));
  }

  /** Carry out again what was taken back; returns what that changes, as far as it is known here. */
  redo() {
    if (!this.canRedo) return null;
    // What was undone last is what the server alone knows, if there is any of it.
    const next = this.#newer ? null : this.#undone.pop();
    if (next) this.#done.push(next);
    else this.#passBlindly(1);
    return this.#step("redo", next);
  }

  #passBlindly(way) {
    this.#older += way;
    this.#newer -= way;
  }

  /** Undo or redo; a step from before this page was loaded is known to the server only. */
  #step(name, change) {
    this.#isByHand = false;
    if (change) this.segments = apply(this.segments, change);
    else this.#blind += 1;
    this.#send(`${this.#path}/${name}`, { tier: this.tier }).then(() => {
      if (!change) this.#blind -= 1;
    });
    this.#onChange();
    return change;
  }

  #send(path, body) {
    this.#unanswered += 1;
    this.#sent += 1;
    this.#lastSent = this.#answered(path, body);
    return this.#lastSent;
  }

  async #answered(path, body) {
    try {
      const state = await send(path, body);
      this.#unanswered -= 1;
      this.#adopt(state);
    } catch (error) {
      this.#unanswered -= 1;
      await this.#refused(error);
    }
  }

  async #refused(error) {
    const state = error.body?.state;
    this.#toast(error.message, "error");
    if (state) this.#adopt(state);
    else await this.#read();
  }

  /** Take over the server's state, once nothing is on its way that would change it. */
  #adopt(state) {
    if (this.#unanswered) return;
    this.#version = state.version;
    if (!equal(state.segments, this.segments)) {
      this.segments = state.segments;
      this.#isByHand = false;
      this.#done = [];
      this.#undone = [];
    }
    this.#older = Math.max(state.undo - this.#done.length, 0);
    this.#newer = Math.max(state.redo - this.#undone.length, 0);
    this.#onChange();
  }

  #get() {
    return get(`${this.#path}?tier=${encodeURIComponent(this.tier)}`);
  }

  async #read() {
    const sent = this.#sent;
    try {
      const state = await this.#get();
      // What was changed meanwhile is not in it, but will be in the answer to that change.
      if (sent === this.#sent) this.#adopt(state);
    } catch (error) {
      this.#toast(error.message, "error");
    }
  }

  #notice(versions) {
    const version = versions[versionKey(this.tier, this.video)];
    if (version === undefined || version === this.#version || this.#unanswered) return;
    this.#read();
  }
}

/** Another person's tier, to look at; `onChange()` when it has been read again. */
export class Others {
  #stopWatching;
  #version = null;

  constructor({ video, tier, onChange }) {
    this.video = video;
    this.tier = tier;
    this.segments = [];
    this.onChange = onChange;
    this.#stopWatching = watchVersions((versions) => {
      const version = versions[versionKey(tier, video)];
      if (version !== undefined && version !== this.#version) this.load();
    });
  }

  /** Read it. */
  async load() {
    const path = `/api/actions/${encodeURIComponent(this.video)}?tier=${encodeURIComponent(this.tier)}`;
    const state = await get(path);
    this.#version = state.version;
    this.segments = state.segments;
    this.onChange();
  }

  close() {
    this.#stopWatching();
    this.onChange = () => {};
  }
}
