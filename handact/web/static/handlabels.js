/** The labelled frames of all videos: read once, changed at once, and sent to the server in the background. */

import { ApiError, edit, get } from "./api.js";

/** Finer than a pixel of any camera; and short in the file. */
const DECIMALS = 1e5;

/** Rows are `[frame, lx, ly, rx, ry]`, positions 0..1, null for a hand that is absent. */
export class HandLabels {
  undoable = false;
  redoable = false;
  #videos = new Map();
  #waiting = new Map();

  /** `onChange(video)` when labels of a video have changed; `onRefused(ApiError)` when the server had others by then. */
  constructor({ onChange, onRefused }) {
    this.onChange = onChange;
    this.onRefused = onRefused;
  }

  /** Read the labels of a video, unless they are here. */
  async load(video) {
    if (this.#videos.has(video)) return;
    this.#adopt(video, await get(path(video)));
  }

  /** Read those again that another tab has changed; `versions` as of /api/versions. */
  async refresh(versions) {
    for (const [video, { version }] of this.#videos) {
      const now = versions[`hands/${video}`];
      if (now === undefined || now === version || this.#waiting.get(video)) continue;
      const state = await get(path(video));
      if (!this.#waiting.get(video)) this.#adopt(video, state);
    }
  }

  /** All rows of a video, by frame. */
  rows(video) {
    const rows = this.#videos.get(video)?.rows;
    return rows ? [...rows.values()].sort((a, b) => a[0] - b[0]) : [];
  }

  /** {left, right}, each [x, y] or null for absent; undefined if the frame has no label. */
  at(video, frame) {
    const row = this.#videos.get(video)?.rows.get(frame);
    return row && { left: point(row[1], row[2]), right: point(row[3], row[4]) };
  }

  /** Label a frame with {left, right}, or take its label away with null. */
  set(video, frame, hands) {
    const { rows } = this.#videos.get(video);
    const old = rows.get(frame);
    const row = hands && [frame, ...coordinates(hands.left), ...coordinates(hands.right)];
    if (!old && !row) return;
    if (row) rows.set(frame, row);
    else rows.delete(frame);
    this.undoable = true;
    this.redoable = false;
    this.onChange(video);
    this.#send(video, { remove: old ? [old] : [], add: row ? [row] : [] });
  }

  /** Take the last change back, in whatever video it was; resolves to its {video, frame}, or null. */
  undo() {
    return this.#travel("/api/hands-undo");
  }

  redo() {
    return this.#travel("/api/hands-redo");
  }

  async #send(video, body) {
    this.#count(video, 1);
    try {
      const state = await edit(path(video), body);
      this.#count(video, -1);
      // What was changed since is not in this answer yet.
      if (!this.#waiting.get(video)) this.#adopt(video, state);
    } catch (error) {
      this.#count(video, -1);
      await this.#refused(video, error);
    }
  }

  async #travel(way) {
    try {
      const { video, frame, ...state } = await edit(way);
      if (video === null) return null;
      this.#adopt(video, state);
      return { video, frame };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.onRefused(error);
      return null;
    }
  }

  async #refused(video, error) {
    if (!(error instanceof ApiError)) throw error;
    this.#adopt(video, error.body?.state ?? (await get(path(video))));
    this.onRefused(error);
  }

  #adopt(video, { version, labels, undo, redo }) {
    this.#videos.set(video, { version, rows: new Map(labels.map((row) => [row[0], row])) });
    this.undoable = undo;
    this.redoable = redo;
    this.onChange(video);
  }

  #count(video, by) {
    this.#waiting.set(video, (this.#waiting.get(video) ?? 0) + by);
  }
}

/** How many frames of these rows have both hands, one, or none. */
export function countHands(rows) {
  const counts = { labelled: rows.length, both: 0, one: 0, none: 0 };
  for (const [, left, , right] of rows) {
    const kind = left !== null && right !== null ? "both" : left === null && right === null ? "none" : "one";
    counts[kind] += 1;
  }
  return counts;
}

function path(video) {
  return `/api/hands/${encodeURIComponent(video)}`;
}

function point(x, y) {
  return x === null ? null : [x, y];
}

function coordinates(at) {
  return at ? at.map((x) => Math.round(x * DECIMALS) / DECIMALS) : [null, null];
}
