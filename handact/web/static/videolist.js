/** The list of videos at the left: each a button with its name, a note, and how far it has got. */

import { el } from "./elements.js";
import { recall, remember } from "./storage.js";

const $ = (id) => document.getElementById(id);
/** With fewer videos than this nobody needs to search. */
const WORTH_A_FILTER = 12;
const TAIL = 8;
const FOLDED = "handact.folded";

export class VideoList {
  #buttons = new Map();
  #current = null;
  /** What was picked and is not open yet. */
  #picked = null;
  #onPick = () => {};

  constructor() {
    this.#foldWithButton();
    $("video-filter").addEventListener("input", () => this.#filter());
  }

  /** Show `videos` ([{name, note, share}]; share is 0..1 or missing). */
  set({ videos, current, onPick }) {
    this.#onPick = onPick ?? this.#onPick;
    const names = videos.map((video) => video.name);
    const same = names.length === this.#buttons.size && names.every((name) => this.#buttons.has(name));
    if (!same) this.#build(names);
    for (const video of videos) this.#update(video);
    this.#mark(current);
  }

  /** Pick the previous (-1) or next (1) of the videos listed; says whether there is one. */
  pick(by) {
    const names = [...this.#buttons].filter(([, button]) => !button.parentElement.hidden).map(([name]) => name);
    const next = names[names.indexOf(this.#picked ?? this.#current) + by];
    if (next === undefined) return false;
    this.#pick(next);
    return true;
  }

  #pick(name) {
    this.#picked = name;
    this.#onPick(name);
  }

  #build(names) {
    this.#buttons = new Map(names.map((name) => [name, this.#button(name)]));
    $("video-list").replaceChildren(...[...this.#buttons.values()].map((button) => el("li", {}, button)));
    $("video-filter").hidden = names.length < WORTH_A_FILTER;
    this.#filter();
  }

  #button(name) {
    // Names of one series differ at their ends: the end stays, the middle makes room.
    const parts = [name.slice(0, -TAIL), name.slice(-TAIL)].map((part) => el("span", {}, part));
    return el("button", { type: "button", title: name, "data-video": name, onclick: () => this.#pick(name) },
      el("span", { class: "name" }, parts), el("span", { class: "note" }), el("span", { class: "share" }));
  }

  #update({ name, note, share }) {
    const button = this.#buttons.get(name);
    button.querySelector(".note").textContent = note ?? "";
    const bar = button.querySelector(".share");
    bar.hidden = share === undefined || share === null;
    bar.style.setProperty("--share", share ?? 0);
  }

  #mark(current) {
    if (current === this.#current && this.#buttons.get(current)?.hasAttribute("aria-current")) return;
    if (current) this.#picked = null;
    this.#buttons.get(this.#current)?.removeAttribute("aria-current");
    this.#current = current;
    const button = this.#buttons.get(current);
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
  }

  #filter() {
    const wanted = $("video-filter").hidden ? "" : $("video-filter").value.trim().toLowerCase();
    for (const [name, button] of this.#buttons) button.parentElement.hidden = !name.toLowerCase().includes(wanted);
  }

  #foldWithButton() {
    const button = $("toggle-videos");
    const fold = (folded) => {
      document.body.classList.toggle("folded", folded);
      button.setAttribute("aria-expanded", String(!folded));
      remember(FOLDED, folded ? "yes" : "no");
    };
    button.addEventListener("click", () => fold(!document.body.classList.contains("folded")));
    fold(recall(FOLDED) === "yes");
  }
}
