/** How many frames are labelled, of which kind, by video; and how fast it goes. */

import { el, section } from "./elements.js";
import { countHands } from "./handlabels.js";

const KINDS = [["both", "both hands"], ["one", "one hand"], ["none", "no hand"]];
/** The pace is that of the last minutes, once there are enough frames to tell. */
const PACE_MS = 10 * 60_000;
const ENOUGH = 5;
/** Longer without a new frame is a break, not slow work. */
const BREAK_MS = 90_000;

export class HandProgress {
  #videos = new Map();
  #ticks = [];

  constructor() {
    this.total = el("span", { class: "big" });
    this.shares = KINDS.map(([kind]) => el("span", { class: kind }));
    this.legend = el("div", { class: "legend" });
    this.pace = el("p", { class: "faint" });
    this.element = section("Progress", el("p", {}, this.total, " frames labelled"),
      el("div", { class: "share-bar", "aria-hidden": "true" }, this.shares), this.legend, this.pace);
    this.element.dataset.testid = "progress";
  }

  /** Take over what /api/hands-progress says. */
  read({ videos }) {
    this.#videos = new Map(videos.map((video) => [video.name, video]));
    this.#show();
  }

  /** Count the rows of one video anew. */
  count(name, rows) {
    const video = this.#videos.get(name);
    if (!video) return;
    this.#videos.set(name, { ...video, ...countHands(rows) });
    this.#show();
  }

  /** A frame has been labelled now. */
  tick() {
    const now = Date.now();
    if (now - this.#ticks.at(-1) > BREAK_MS) this.#ticks = [];
    this.#ticks = [...this.#ticks.filter((at) => now - at < PACE_MS), now];
    this.#show();
  }

  /** What the list of videos says of one: {note, share}. */
  note(name) {
    const video = this.#videos.get(name);
    if (!video?.labelled) return { note: "none labelled" };
    const { labelled, one, none } = video;
    return { note: `${labelled.toLocaleString("en")} labelled\n${percent(one, labelled)} one hand, ${percent(none, labelled)} none` };
  }

  #show() {
    const total = { labelled: 0, both: 0, one: 0, none: 0 };
    for (const video of this.#videos.values()) for (const kind in total) total[kind] += video[kind];
    this.total.textContent = total.labelled.toLocaleString("en");
    for (const [k, [kind]] of KINDS.entries()) {
      this.shares[k].style.setProperty("--share", total.labelled ? total[kind] / total.labelled : 0);
    }
    this.legend.replaceChildren(...KINDS.flatMap((kind) => legendRow(kind, total)));
    this.pace.textContent = this.#describePace();
  }

  #describePace() {
    if (this.#ticks.length < ENOUGH) return "";
    const hours = (this.#ticks.at(-1) - this.#ticks[0]) / 3_600_000;
    const pace = Math.round((this.#ticks.length - 1) / hours / 10) * 10;
    return `${pace.toLocaleString("en")} frames an hour, at the pace of the last ${this.#ticks.length}`;
  }
}

function legendRow([kind, text], total) {
  const cells = [text, total[kind].toLocaleString("en"), percent(total[kind], total.labelled)];
  return [el("i", { class: kind }), ...cells.map((cell) => el("span", {}, cell))];
}

function percent(part, whole) {
  return whole ? `${Math.round((100 * part) / whole)} %` : "–";
}
