/**
 * The view "review": predictions for a person to accept or correct.
 *
 * Of a video with labels the predictions stand above them, and the labels are what is edited. Of one without, a
 * draft is made: a person's segments lie over the predictions, and where the person has said nothing these hold.
 */

import { edit, get, watchVersions } from "./api.js";
import { clock, duration } from "./clock.js";
import * as editor from "./editor.js";
import { el, icon } from "./elements.js";
import { calmly, Places, TimeStudy } from "./panels.js";
import { Workbench } from "./workbench.js";

const TOOLS = [
  null,
  ["previous", "previous", "Previous place", "Shift N", (view) => view.place(-1)],
  ["next", "next", "Next place", "N", (view) => view.place(1)],
  ["stand", "accept", "The label stands, on to the next place", "Enter", (view) => view.stand()],
  ["accept", "accept", "Accept the prediction here", "Enter", (view) => view.accept()],
];

/** What the button "accept" is, by whether a person's labels are at stake. */
const ACCEPT = {
  draft: { glyph: "accept", says: "Accept the prediction here", key: "Enter" },
  labels: { glyph: "take", says: "Take the prediction instead of the label here", key: "Shift Enter" },
};

const HELP = [
  ["Review"],
  ["N / Shift N", "next, previous place to look at"],
  ["Enter", "in a draft: accept the predicted segment here as your own"],
  ["Enter", "in a video with labels: the label stands, on to the next place"],
  ["Shift Enter", "take the prediction instead of the label here"],
  ["0 … 9 / b … y", "correct the predicted segment here to this class"],
  ["W", "finish the video: what you accepted, corrected and left become its labels"],
];

class Review extends Workbench {
  #videos = [];
  #effective = [];
  #left = [];
  #wrong = [];

  constructor(app, root, run) {
    super(app, root, { tools: TOOLS, help: HELP });
    this.run = run;
    this.study = new TimeStudy(app);
    this.panel = new Places({ onPick: (index) => this.goTo(index), times: () => this.player.times });
    this.finishButton = el("button", {
      type: "button", class: "finish primary", title: "Make the draft the labels of the video (W)", "data-testid": "do-finish",
      onclick: () => this.finish(),
    }, "Finish the video ", el("kbd", {}, "W"));
    this.parts.side.append(this.panel.element, this.finishButton, this.palette.element, this.study.element);
    this.readPlaces = calmly(() => this.#readPlaces());
    watchVersions((versions) => this.#notice(versions));
  }

  async open(name) {
    if (!(await this.openVideo(name))) return;
    this.study.open(name, this.prepared.tier, this.run);
    this.finishButton.hidden = !this.#isDraft;
    this.#showAccept();
    await this.#readVideos();
  }

  #showAccept() {
    const { glyph, says, key } = ACCEPT[this.#isDraft ? "draft" : "labels"];
    const accept = this.parts.tool("accept");
    accept.replaceChildren(icon(glyph));
    accept.title = `${says} (${key})`;
    accept.setAttribute("aria-label", says);
    this.parts.tool("stand").hidden = this.#isDraft;
  }

  get #path() {
    return `/api/review/${encodeURIComponent(this.run)}`;
  }

  async prepare(name) {
    const review = await get(`${this.#path}/${encodeURIComponent(name)}`);
    if (review.labelled) return { ...review, tier: "", current: -1 };
    const { version, redo } = await get(`${actionsPath(name)}?tier=`);
    return { ...review, tier: "review", current: -1, labelsVersion: version, hadLabels: redo > 0 };
  }

  async #readVideos() {
    this.#videos = (await get(this.#path)).videos;
    this.#listVideos();
  }

  #listVideos() {
    const share = (video) => (video.labelled ? null : video.done);
    this.app.setVideoList({
      videos: this.#videos.map((video) => ({ name: video.name, note: this.#note(video), share: share(video) })),
      current: this.video?.name,
      onPick: (name) => this.switchTo(name),
    });
  }

  /** Bring the video at hand up to date in the list; to ask the server anew would judge every video. */
  #updateVideo() {
    const listed = this.#videos.find((video) => video.name === this.video.name);
    if (!listed) return;
    // The server does not know which labels stand: for it they still differ from the prediction.
    const open = this.prepared.places.filter((place) => !place.settled || place.stands).length;
    Object.assign(listed, this.#isDraft ? { done: this.#share(), doubtful: open } : { wrong: open });
    this.#listVideos();
  }

  #note({ labelled, wrong, doubtful, done }) {
    if (labelled) return wrong ? `labelled · ${wrong} wrong` : "labelled · nothing wrong";
    return `${doubtful} doubtful · ${Math.round(100 * done)} % seen`;
  }

  // ---- what is seen ---------------------------------------------------------------------------------

  get seen() {
    return this.#effective;
  }

  get keepsBackground() {
    return this.#isDraft;
  }

  get #isDraft() {
    return this.prepared !== null && !this.prepared.labelled;
  }

  owned(edit) {
    return this.#isDraft ? editor.claim(edit, this.labels, this.app.project.background) : edit;
  }

  adapt() {
    const own = this.labels;
    const { segments: predictions } = this.prepared;
    const { background } = this.app.project;
    this.#left = this.#isDraft ? editor.subtract(predictions, own) : [];
    this.#effective = this.#isDraft ? [...this.#left, ...own].sort((a, b) => a[0] - b[0]) : own;
    this.#wrong = this.#isDraft ? [] : editor.differences(predictions, own, background, this.frames);
    for (const place of this.prepared.places) place.settled = place.stands || this.#isSettled(place);
  }

  /** Whether a person has dealt with a place by an edit: said something of all of it, or made labels and prediction agree. */
  #isSettled({ start_frame: start, end_frame: end }) {
    if (!this.#isDraft) return editor.overlapping(this.#wrong, start, end).length === 0;
    const said = editor.overlapping(this.labels, start, end);
    return editor.subtract([[start, end, ""]], said).length === 0;
  }

  changed() {
    this.#showPlaces();
    if (!this.tier.settled) return;
    this.study.refresh();
    this.readPlaces();
  }

  /** Read the places again; those known keep their order, so that the list does not jump under a person's eyes. */
  async #readPlaces() {
    const { video, prepared } = this;
    if (!video) return;
    const { places, labelled } = await get(`${this.#path}/${encodeURIComponent(video.name)}`).catch(() => prepared);
    if (this.video !== video) return;
    if (labelled !== prepared.labelled) {
      // A person who deletes all labels one by one goes on with labels.
      if (labelled || !this.tier.isByHand) await this.#reopen(labelled);
      return;
    }
    const key = (place) => `${place.start_frame} ${place.end_frame} ${place.kind}`;
    const known = new Set(this.prepared.places.map(key));
    this.prepared.places.push(...places.filter((place) => !known.has(key(place))));
    this.adapt();
    this.#showPlaces();
    this.#updateVideo();
    this.refresh();
  }

  /** Draft has become labels, or labels draft: by undo, redo, or in another tab. */
  async #reopen(labelled) {
    const { app, frame, video: { name } } = this;
    app.state.set("frame", frame);
    app.toast(labelled ? `“${name}” has labels now` : `“${name}” has no labels any more: this is the draft of its review`);
    await this.switchTo(name);
  }

  /** Another tab may finish the draft. */
  async #notice(versions) {
    if (!this.video || !this.#isDraft) return;
    const version = versions[`actions/${this.video.name}`];
    if (version === undefined || version === this.prepared.labelsVersion) return;
    this.prepared.labelsVersion = version;
    await this.#readPlaces();
  }

  #showPlaces() {
    const { places, current } = this.prepared;
    const open = places.filter((place) => !place.settled).length;
    const what = this.#isDraft ? "doubtful" : "wrong";
    const seen = this.#isDraft ? ` · ${Math.round(100 * this.#share())} % of the video seen` : "";
    const count = places.length ? `${open} of ${places.length} ${what}` : `Nothing ${what}`;
    this.panel.show(places, current, count + seen);
  }

  #share() {
    return this.labels.reduce((sum, [start, end]) => sum + end - start, 0) / this.frames;
  }

  rows() {
    const predicted = this.prepared.segments;
    const own = this.labels;
    const draft = this.#isDraft;
    const marks = this.prepared.places.filter((place) => !place.settled).sort((a, b) => a.start_frame - b.start_frame);
    const spans = marks.map((place) => [place.start_frame, place.end_frame, place.kind, place.text]);
    const rows = [{
      name: "predicted", label: "Predicted", height: draft ? 22 : 36, hit: predicted,
      layers: [{ segments: predicted, style: "light" }, { segments: this.#wrong, style: "foot" }],
    }, {
      name: "labels", label: draft ? "Draft" : "Labels", height: 40, editable: true, hit: this.seen,
      layers: [{ segments: this.#left, style: "light" }, { segments: own, style: "solid" }],
      describe: draft ? (segment) => this.#describe(segment) : null,
    }, {
      name: "places", label: draft ? "Doubtful" : "Wrong", height: 10,
      layers: [{ segments: spans, style: "span" }], hit: spans,
      tone: (kind) => (kind === "doubtful" ? "warn" : "bad"),
      describe: (segment) => segment[3],
    }];
    const { confidence } = this.prepared;
    if (!confidence) return rows;
    return [...rows, {
      name: "confidence", label: "Confidence", height: 26, curves: [{ values: confidence, colour: "neutral", style: "line" }],
    }];
  }

  #describe(segment) {
    const [start, end, action, confidence] = segment;
    const { times } = this.player;
    const mine = editor.indexOf(this.labels, segment) >= 0;
    const sure = typeof confidence === "number" ? `, ${Math.round(100 * confidence)} % sure` : "";
    const who = mine ? "a person's" : `predicted${sure}, not confirmed`;
    return `${action} · ${who} · ${clock(times[start], 2)} · ${duration(times[end] - times[start])}`;
  }

  /** Where no label is, the prediction is what one wants to see closer. */
  zoomToSegment() {
    const segment = this.current ?? editor.segmentAt(this.prepared.segments, this.frame);
    if (segment) this.timeline.zoomTo(segment[0], segment[1]);
  }

  // ---- what a person does ---------------------------------------------------------------------------

  /** Go to the next (1) or previous (-1) place that is not settled, in the order of the list. */
  place(by) {
    let index = this.prepared.current;
    do index += by; while (this.prepared.places[index]?.settled);
    if (this.prepared.places[index]) this.goTo(index);
    else this.app.toast(by > 0 ? "No more places to look at" : "This is the first place");
  }

  /** Show a place, wide enough to see its ends. */
  goTo(index) {
    const { start_frame: start, end_frame: end } = this.prepared.places[index];
    this.prepared.current = index;
    this.select(null);
    const seconds = this.frames / this.player.times[this.frames];
    const around = Math.max(end - start, 2 * seconds);
    const middle = (start + end) / 2;
    const tooSmall = (end - start) * this.timeline.view.scale < 40;
    if (tooSmall) this.timeline.zoomTo(middle - around, middle + around, 0.6);
    this.timeline.reveal(end, 0.6);
    this.jump(start);
    this.#showPlaces();
  }

  /** Let the labels stand as they are here, and go on to the next place. */
  stand() {
    const { places } = this.prepared;
    const here = places.filter(({ start_frame: start, end_frame: end }) => start <= this.frame && this.frame < end);
    for (const place of here) Object.assign(place, { stands: true, settled: true });
    this.place(1);
    this.#showPlaces();
    this.refresh();
  }

  /** Take what is predicted under the playhead, be it background, as a person's own. */
  accept() {
    const { frame } = this;
    const found = editor.segmentAt(this.prepared.segments, frame) ?? this.#gapAt(frame);
    const [start, end, action] = found;
    this.put(start, end, action);
  }

  #gapAt(frame) {
    const { segments: predictions } = this.prepared;
    const next = editor.indexAfter(predictions, frame);
    return [predictions[next - 1]?.[1] ?? 0, predictions[next]?.[0] ?? this.frames, this.app.project.background];
  }

  /** In a draft a class key corrects what is predicted under the playhead, unless a range is marked. */
  label(action) {
    const free = this.tier && !this.mark && !this.begun && !this.selected;
    const here = free && this.#isDraft ? editor.segmentAt(this.seen, this.frame) : null;
    if (here) this.recast(here, action);
    else super.label(action);
  }

  get canRedo() {
    return super.canRedo || this.#canRedoLabels;
  }

  /** Whether there were labels, which undo has taken away, and the draft that came up instead is as it was. */
  get #canRedoLabels() {
    return this.#isDraft && this.prepared.hadLabels && Boolean(this.tier?.isUntouched);
  }

  undo() {
    super.undo();
    this.#lookForLabels();
  }

  redo() {
    if (!super.canRedo && this.#canRedoLabels) {
      this.#redoLabels();
      return;
    }
    super.redo();
    this.#lookForLabels();
  }

  /** After the last label is gone the video is one to be reviewed in a draft. */
  async #lookForLabels() {
    const { tier } = this;
    if (this.#isDraft) return;
    await tier.whenSettled();
    if (tier === this.tier && !tier.segments.length) await this.#readPlaces();
  }

  async #redoLabels() {
    this.prepared.hadLabels = false;
    try {
      await edit(`${actionsPath(this.video.name)}/redo`, { tier: "" });
      await this.#readPlaces();
    } catch (error) {
      this.app.toast(error.message, "error");
    }
  }

  async finish() {
    if (this.finishButton.disabled || !this.video) return;
    if (!this.#isDraft) {
      this.app.toast("This video has labels already: what you change is saved at once");
      return;
    }
    const { tier, video: { name } } = this;
    const share = Math.round(100 * this.#share());
    const seen = `You have looked at ${share} % of “${name}”.`;
    const rest = "Where you said nothing the predictions become its labels.";
    if (!(await this.app.confirm(`${seen} ${rest}`, { yes: "Finish the video" }))) return;
    this.finishButton.disabled = true;
    try {
      await this.#finishDraft(name, tier);
    } catch (error) {
      this.app.toast([error.message, error.hint].filter(Boolean).join(". "), "error");
    } finally {
      this.finishButton.disabled = false;
    }
  }

  /** The draft becomes labels as the server has it: only once that is the draft that the person sees. */
  async #finishDraft(name, tier) {
    await tier.whenSettled();
    const { segments } = await edit(`${this.#path}/${encodeURIComponent(name)}/finish`);
    this.app.toast(`${segments} segments are now the labels of “${name}”`);
    if (this.video?.name === name) await this.open(name);
  }

  ownKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return false;
    const key = event.key.toLowerCase();
    const act = {
      n: () => this.place(event.shiftKey ? -1 : 1),
      enter: () => (this.#isDraft || event.shiftKey ? this.accept() : this.stand()),
      w: () => this.finish(),
    }[key];
    act?.();
    return Boolean(act);
  }
}

function actionsPath(video) {
  return `/api/actions/${encodeURIComponent(video)}`;
}

/** The run to review: the one asked for, else the command line's, else the first that knows the video. */
function chooseRun({ project, state }) {
  const names = Object.keys(project.runs);
  const asked = [state.get("run"), project.run].find((run) => names.includes(run));
  return asked ?? names.find((run) => project.runs[run].includes(state.get("video"))) ?? names[0] ?? null;
}

/** Open the view; resolves to null where there is nothing to review. */
export async function open(app, root) {
  const run = chooseRun(app);
  if (run === null) {
    const text = "There are no predictions to review yet. `handact segment` makes them.";
    root.append(el("p", { class: "empty" }, text));
    return null;
  }
  app.state.set("run", run);
  const videos = app.project.runs[run];
  const asked = app.state.get("video");
  const view = new Review(app, root, run);
  await view.open(videos.includes(asked) ? asked : videos[0]);
  return view;
}
