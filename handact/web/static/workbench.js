/**
 * What labelling and reviewing share: picture, timeline, tools and keys around one working tier.
 *
 * A view extends it: it says which tier is worked on, what the rows show, and adds panels and keys of its own.
 */

import { get, post } from "./api.js";
import { buildPage } from "./benchpage.js";
import { clock, duration } from "./clock.js";
import { EDITING_HELP, KEYS, SHIFTED } from "./commands.js";
import * as editor from "./editor.js";
import { el, icon, swatch } from "./elements.js";
import { Labels } from "./labels.js";
import { Palette } from "./panels.js";
import { Player, PLAYER_HELP } from "./player.js";
import { Timeline } from "./timeline.js";

const MOTION_MS = 1000;

export class Workbench {
  video = null;
  /** What is worked on: the segments of one tier, and their undo. */
  tier = null;
  prepared = null;
  timeline = null;
  selected = null;
  /** Motion and hand tracks, or how far the server is with measuring them. */
  motion = null;
  /** A marked range [start, end), or one without its end yet: {start, end | null}. */
  mark = null;
  /** A segment that a class key has begun: {start, action}. */
  begun = null;

  #opening = 0;
  #motionTimer = null;

  constructor(app, root, { tools = [], help }) {
    this.app = app;
    this.parts = buildPage(tools, (act) => this.video && act(this));
    root.append(this.parts.root);
    this.player = new Player(this.parts.picture, { onFrame: (frame, playing) => this.#moved(frame, playing) });
    this.palette = new Palette(app, { onPick: (name) => this.label(name), onAdd: (name) => this.addClass(name) });
    app.onKey((event) => this.#key(event));
    app.help([["Video"], ...PLAYER_HELP, ...EDITING_HELP, ...help]);
  }

  /** Whether something is begun that is lost with the page. */
  get isUnfinished() {
    return Boolean(this.begun) || this.mark?.end === null;
  }

  // ---- for the views to say -------------------------------------------------------------------------

  /** Read what the view needs to know of a video: {tier: the one to work on, ...}, kept as `prepared`. */
  async prepare() {
    return { tier: "" };
  }

  /** The rows above motion and hands. */
  rows() {
    return [];
  }

  /** The segments as a person sees them, which gestures are about. */
  get seen() {
    return this.labels;
  }

  /** An edit of `seen` as an edit of the working tier. */
  owned(edit) {
    return edit;
  }

  /** Whether "background" is a segment like others here, or the lack of one. */
  get keepsBackground() {
    return false;
  }

  /** The labels have changed, here or elsewhere. */
  changed() {}

  /** Take a key of the view's own; says whether it did. */
  ownKey() {
    return false;
  }

  /** Work out, from changed labels, what is seen. */
  adapt() {}

  // ---- a video --------------------------------------------------------------------------------------

  /** The frame that keys are about: while playing the one shown, else the one gone to, even before its picture is here. */
  get frame() {
    const { player } = this;
    return player.playing ? player.frame : player.target;
  }

  get frames() {
    return this.video.frames;
  }

  /** The segments of the working tier. */
  get labels() {
    return this.tier?.segments ?? [];
  }

  /** Leave for another video. */
  async switchTo(name) {
    try {
      await this.open(name);
    } catch (error) {
      this.app.toast(`“${name}” cannot be opened: ${error.message}`, "error");
    }
  }

  /** Open a video, at the frame that the address names if it names this video; says whether it is open now. */
  async openVideo(name) {
    const { state } = this.app;
    const frame = state.get("video") === name ? Number(state.get("frame") ?? 0) : 0;
    this.#closeVideo();
    const opening = this.#opening;
    // A person may pick another video meanwhile; what becomes of this one is of no interest then.
    const isLeft = () => opening !== this.#opening;
    try {
      const opened = await this.#read(name, frame, isLeft);
      if (!opened) return false;
      Object.assign(this, opened);
    } catch (error) {
      if (isLeft()) return false;
      throw error;
    }
    state.set("video", name);
    this.#openTimeline();
    if (this.video.problem) this.app.toast(this.video.problem, "error");
    this.#measure(videoPath(name), isLeft);
    return true;
  }

  /** Read a video and its labels, and hand it to the player; resolves to null if it is left before. */
  async #read(name, frame, isLeft) {
    const [video, prepared] = await Promise.all([get(videoPath(name)), this.prepare(name)]);
    if (isLeft()) return null;
    const tier = new Labels({
      video: name, tier: prepared.tier, onChange: () => this.#labelsChanged(), toast: this.app.toast,
    });
    try {
      await Promise.all([tier.load(), this.player.open(video, frame)]);
    } catch (error) {
      tier.close();
      throw error;
    }
    if (!isLeft()) return { video, tier, prepared };
    tier.close();
    return null;
  }

  #openTimeline() {
    this.timeline = new Timeline(this.parts.timeline, {
      frames: this.frames,
      times: this.player.times,
      colour: (action) => this.app.colour(action),
      on: {
        seek: (to) => this.jump(to),
        select: (row, segment, at) => this.#picked(row, segment, at),
        move: (grab, to, alone) => this.moveBoundary(grab, to, alone),
        mark: (start, end) => this.#marked(start, end),
      },
    });
    this.#labelsChanged();
    this.select(null);
    this.#moved(this.player.frame, false);
  }

  #closeVideo() {
    this.#warnOfUnfinished();
    this.#opening += 1;
    clearTimeout(this.#motionTimer);
    this.tier?.close();
    this.timeline?.close();
    Object.assign(this, {
      video: null, tier: null, prepared: null, timeline: null, selected: null, mark: null, begun: null, motion: null,
    });
  }

  /** Say so when a video is left in which something is begun or marked, but which is no segment yet. */
  #warnOfUnfinished() {
    const { begun, mark, video } = this;
    if (begun) this.app.toast(`Not saved: “${begun.action}”, begun at frame ${begun.start} of “${video.name}”, had no end yet`);
    else if (mark) this.app.toast(`Not saved: what was marked from frame ${mark.start} of “${video.name}” on had no class yet`);
  }

  /** Let the server measure motion, and show it when it has. */
  async #measure(path, isLeft) {
    try {
      await post(`${path}/motion`);
      while (!isLeft()) {
        const motion = await get(`${path}/motion`);
        if (isLeft()) return;
        this.motion = motion;
        this.refresh();
        if (motion.state === "failed") throw new Error(motion.error);
        if (motion.state !== "running") return;
        await new Promise((resolve) => { this.#motionTimer = setTimeout(resolve, MOTION_MS); });
      }
    } catch (error) {
      if (!isLeft()) this.app.toast(`No curve of motion: ${error.message}`, "error");
    }
  }

  #labelsChanged() {
    if (!this.timeline) return;
    this.adapt();
    if (this.selected && editor.indexOf(this.seen, this.selected) < 0) this.select(null);
    this.changed();
    this.refresh();
  }

  /** Show the rows anew. */
  refresh() {
    if (!this.timeline) return;
    this.timeline.setRows([...this.rows(), ...this.#motionRows()]);
    this.#showTools();
  }

  #motionRows() {
    const { state, done, total, motion, hands } = this.motion ?? {};
    const share = total ? ` ${Math.floor((100 * done) / total)} %` : "…";
    const rows = [{
      name: "motion",
      label: state === "running" ? `Motion${share}` : "Motion",
      height: 30,
      curves: motion ? [{ values: motion, colour: "neutral", style: "area" }] : [],
    }];
    if (!hands) return rows;
    const height = (points) => points.map((point) => point && 1 - point[1]);
    this.motion.heights ??= [height(hands.left), height(hands.right)];
    const [left, right] = this.motion.heights;
    return [...rows, {
      name: "hands",
      label: "Hands",
      height: 34,
      curves: [{ values: left, colour: "left", style: "line" }, { values: right, colour: "right", style: "line" }],
    }];
  }

  // ---- where we are ---------------------------------------------------------------------------------

  /** Jump to a frame. */
  jump(frame) {
    this.player.seek(frame);
  }

  #moved(frame, playing) {
    if (!this.timeline) return;
    this.app.state.set("frame", frame);
    this.timeline.setPlayhead(frame, playing);
    this.#showRange();
    this.#showClock(playing);
  }

  /** Whether the playhead is in a segment, or on its way there. */
  #isIn([start, end]) {
    return start <= this.frame && this.frame < end;
  }

  select(segment) {
    this.selected = segment;
    this.timeline.setSelected(segment);
    this.#showRange();
    this.#showTools();
  }

  /** The segment that the tools are about: the selected one, else the one under the playhead. */
  get current() {
    return this.selected ?? editor.segmentAt(this.seen, this.frame);
  }

  #picked(row, segment, frame) {
    if (row?.editable) this.select(segment);
    this.jump(frame);
  }

  /** Go to the previous (-1) or next (1) segment. */
  neighbour(by) {
    const { seen, selected } = this;
    const from = selected && this.#isIn(selected) ? selected[0] : this.frame;
    const found = by > 0 ? seen.find(([start]) => start > from) : seen.findLast(([start]) => start < from);
    if (!found) return;
    this.select(found);
    this.jump(found[0]);
  }

  zoomToSegment() {
    const { current } = this;
    if (current) this.timeline.zoomTo(current[0], current[1]);
  }

  loop() {
    const { current, player } = this;
    if (player.playing) player.pause();
    else if (current) player.play({ loop: [current[0], current[1]] });
    else this.app.toast("No segment here to loop");
  }

  // ---- edits ----------------------------------------------------------------------------------------

  /** Carry out an edit of `seen`, and select `segment`. */
  commit(edit, segment = null) {
    return edit ? this.#commitOwn(this.owned(edit), segment) : false;
  }

  #commitOwn(edit, segment) {
    if (!this.tier.change(edit)) return false;
    this.select(segment && editor.indexOf(this.seen, segment) >= 0 ? segment : null);
    return true;
  }

  /** Say that [start, end) is `action`: the working tier's own edit, whatever else is seen there. */
  put(start, end, action) {
    const { labels } = this;
    const clears = action === this.app.project.background && !this.keepsBackground;
    const edit = clears ? editor.erase(labels, start, end) : editor.put(labels, [start, end, action], this.frames);
    if (edit) this.#commitOwn(edit, null);
    if (!clears) this.select(editor.segmentAt(this.seen, start));
  }

  markStart() {
    this.begun = null;
    const end = this.mark?.end > this.frame ? this.mark.end : null;
    this.#setMark({ start: this.frame, end });
  }

  /** End what was begun, or the mark; without either the mark reaches back to the last boundary. */
  markEnd() {
    const end = this.frame + 1;
    if (this.begun) {
      this.#finish(end);
      return;
    }
    const start = this.mark && this.mark.start < end ? this.mark.start : this.#boundaryBefore(end);
    this.#setMark({ start, end });
  }

  #boundaryBefore(end) {
    const inside = editor.segmentAt(this.seen, end - 1);
    if (inside) return inside[0];
    return this.seen.findLast((segment) => segment[1] < end)?.[1] ?? 0;
  }

  #marked(start, end) {
    this.begun = null;
    this.#setMark(start < end ? { start, end } : null);
  }

  #setMark(mark) {
    this.mark = mark;
    if (mark) this.selected = null;
    this.select(this.selected);
  }

  /** A class key: for the marked range, else the selected segment, else it begins or ends a segment here. */
  label(action) {
    if (!this.tier) return;
    const { mark, begun, selected, frame } = this;
    if (begun) this.#finishAndBegin(action);
    else if (mark && (mark.end ?? frame) > mark.start) this.#labelMark(action);
    else if (mark) this.#begin(mark.start, action);
    else if (selected && this.#isIn(selected)) this.recast(selected, action);
    else this.#begin(frame, action);
  }

  #labelMark(action) {
    const { start, end } = this.mark;
    this.#setMark(null);
    this.put(start, end ?? this.frame + 1, action);
  }

  #begin(start, action) {
    this.#setMark(null);
    this.select(null);
    this.begun = action === this.app.project.background && !this.keepsBackground ? null : { start, action };
    this.#showRange();
  }

  #finishAndBegin(action) {
    const { begun, frame } = this;
    if (action === begun.action) {
      this.#finish(frame + 1);
      return;
    }
    if (frame > begun.start) this.#finish(frame);
    this.#begin(frame, action);
  }

  #finish(end) {
    const { start, action } = this.begun;
    this.begun = null;
    if (end > start) this.put(start, end, action);
    else this.app.toast("The end is before the start: nothing was labelled");
    this.#showRange();
  }

  /** Give a segment another class; "background" deletes it where that is the lack of a segment. */
  recast(segment, action) {
    if (action === this.app.project.background && !this.keepsBackground) {
      this.commit(editor.remove(this.seen, segment));
      return;
    }
    this.commit(editor.change(this.seen, segment, action), [segment[0], segment[1], action]);
  }

  get canRedo() {
    return Boolean(this.tier?.canRedo);
  }

  undo() {
    this.#showChanged(this.tier.undo());
  }

  redo() {
    this.#showChanged(this.tier.redo());
  }

  /** Bring into sight what undo or redo has changed. */
  #showChanged(change) {
    const [first] = change ? [...change.add, ...change.remove] : [];
    if (first) this.timeline.reveal(first[0]);
  }

  split() {
    const edit = editor.split(this.seen, this.frame);
    if (edit) this.commit(edit, edit.add[1]);
    else this.app.toast("Nothing to split at this frame");
  }

  merge() {
    const edit = this.current && editor.mergeNext(this.seen, this.current);
    if (edit) this.commit(edit, edit.add[0]);
    else this.app.toast("No next segment to merge with");
  }

  remove() {
    if (this.current) this.commit(editor.remove(this.seen, this.current));
  }

  /** Let the segment start at, or end after, the frame shown; it covers what it grows over. */
  trim(side) {
    const { current, frame } = this;
    if (!current) return;
    const edit = side === "start"
      ? editor.setStart(this.seen, current, frame)
      : editor.setEnd(this.seen, current, frame + 1, this.frames);
    if (edit) this.commit(edit, editor.segmentAt(editor.apply(this.seen, edit), frame));
  }

  /** Move the boundary of the segment that is nearer to the playhead by frames, and show it. */
  nudge(by) {
    const { current } = this;
    if (!current) return;
    const side = editor.nearerSide(current, this.frame);
    const to = current[side === "start" ? 0 : 1] + by;
    if (this.moveBoundary({ segment: current, side }, to)) this.jump(side === "start" ? to : to - 1);
  }

  moveBoundary(grab, to, alone = false) {
    const edit = editor.moveBoundary(this.seen, grab, to, this.frames, alone);
    return this.commit(edit, edit?.add[0]);
  }

  /** Give up, one thing at a time. */
  cancel() {
    if (this.timeline.cancel()) return;
    if (this.mark || this.begun) {
      this.begun = null;
      this.#setMark(null);
      return;
    }
    this.select(null);
  }

  async addClass(name) {
    try {
      this.app.project = await post("/api/classes", { name });
      this.palette.show();
      this.refresh();
    } catch (error) {
      this.app.toast([error.message, error.hint].filter(Boolean).join(". "), "error");
    }
  }

  // ---- keys -----------------------------------------------------------------------------------------

  #key(event) {
    if (!this.tier) return false;
    if (this.ownKey(event)) return true;
    return this.#editKey(event) || this.player.handleKey(event);
  }

  #editKey(event) {
    const key = event.key.toLowerCase();
    if (event.altKey) return this.#altKey(key);
    if (event.ctrlKey || event.metaKey) return this.#undoKey(key, event.shiftKey);
    if (event.shiftKey && SHIFTED[key]) return run(() => SHIFTED[key](this));
    if (KEYS[key]) return run(() => KEYS[key](this));
    const found = this.#classOf(event, key);
    return found ? run(() => this.label(found.name)) : false;
  }

  #altKey(key) {
    const by = { arrowleft: -1, arrowright: 1 }[key];
    return by ? run(() => this.nudge(by)) : false;
  }

  #undoKey(key, shift) {
    if (key === "y" || (key === "z" && shift)) return run(() => this.redo());
    return key === "z" ? run(() => this.undo()) : false;
  }

  #classOf(event, key) {
    if (event.shiftKey) return null;
    const { classes } = this.app.project;
    // On some keyboards the row of digits gives digits only with Shift.
    const digit = event.code.startsWith("Digit") ? event.code.slice(5) : null;
    return classes.find((each) => each.key === key) ?? classes.find((each) => digit && each.key === digit);
  }

  // ---- the page -------------------------------------------------------------------------------------

  #showTools() {
    const { parts, tier } = this;
    parts.tool("undo").disabled = !tier?.canUndo;
    parts.tool("redo").disabled = !this.canRedo;
  }

  #showClock(playing) {
    const { parts, player } = this;
    const { frame } = player;
    parts.clock.replaceChildren(
      el("strong", {}, clock(player.times[frame], 3)),
      el("span", {}, `${frame} / ${this.frames}`),
    );
    parts.rate.textContent = `${player.rate}×`;
    const play = parts.tool("play");
    if (play.dataset.playing === String(playing)) return;
    play.dataset.playing = playing;
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  #showRange() {
    const { begun, mark, frame } = this;
    const open = begun ?? mark;
    const end = mark?.end ?? frame + 1;
    const colour = begun && this.app.colour(begun.action);
    const range = open && { start: open.start, end: Math.max(end, open.start + 1), colour };
    this.timeline.setRange(range);
    this.#say(range ?? this.selected);
  }

  /** Say beside the tools what is marked, begun or selected. */
  #say(what) {
    const { parts, selected, begun } = this;
    if (!what) {
      const hint = el("span", {}, "I and O mark a range, a class key labels it");
      parts.status.replaceChildren(...(this.seen.length ? [] : [hint]));
      return;
    }
    const [start, end] = what === selected ? selected : [what.start, what.end];
    const { times } = this.player;
    const action = what === selected ? selected[2] : begun?.action;
    parts.status.replaceChildren(
      ...(action ? [swatch(this.app.colour(action)), el("strong", {}, action)] : [el("strong", {}, "marked")]),
      el("span", {}, duration(times[end] - times[start])),
      el("span", {}, begun ? `from frame ${start}` : `frames ${start} – ${end - 1}`),
    );
  }
}

function videoPath(name) {
  return `/api/videos/${encodeURIComponent(name)}`;
}

function run(act) {
  act();
  return true;
}
