/** How many frames are labelled, of which kind, by video; and how fast it goes. */

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
    this.element = document.createElement("section");
    this.element.dataset.testid = "progress";
    this.element.innerHTML = `
      <h2>Progress</h2>
      <p><span class="big"></span> frames labelled</p>
      <div class="share-bar" aria-hidden="true"><span class="both"></span><span class="one"></span><span class="none"></span></div>
      <div class="legend"></div>
      <p class="quiet-text pace"></p>`;
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
    this.element.querySelector(".big").textContent = total.labelled.toLocaleString("en");
    for (const [kind] of KINDS) {
      const bar = this.element.querySelector(`.share-bar .${kind}`);
      bar.style.setProperty("--share", total.labelled ? total[kind] / total.labelled : 0);
    }
    this.element.querySelector(".legend").replaceChildren(...KINDS.flatMap((kind) => legendRow(kind, total)));
    this.element.querySelector(".pace").textContent = this.#pace();
  }

  #pace() {
    if (this.#ticks.length < ENOUGH) return "";
    const hours = (this.#ticks.at(-1) - this.#ticks[0]) / 3_600_000;
    const pace = Math.round((this.#ticks.length - 1) / hours / 10) * 10;
    return `${pace.toLocaleString("en")} frames an hour, at the pace of the last ${this.#ticks.length}`;
  }
}

function legendRow([kind, text], total) {
  const mark = document.createElement("i");
  mark.className = kind;
  const cells = [text, total[kind].toLocaleString("en"), percent(total[kind], total.labelled)];
  return [mark, ...cells.map((cell) => Object.assign(document.createElement("span"), { textContent: cell }))];
}

function percent(part, whole) {
  return whole ? `${Math.round((100 * part) / whole)} %` : "–";
}
