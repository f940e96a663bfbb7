/** The panels beside the picture: classes, times of the steps, agreement of two people, places to look at. */

import { get } from "./api.js";
import { clock, span } from "./clock.js";
import { el, icon, section, swatch } from "./elements.js";

const CALM_MS = 400;
/** A class with more letters has a row of its own. */
const LONG_NAME = 24;

/** Call `act` once it has not been asked for a while. */
export function calmly(act) {
  let timer = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(act, CALM_MS);
  };
}

/** The classes with their keys, to press with the mouse; a field to find one by its name, and one to add one. */
export class Palette {
  constructor(app, { onPick, onAdd }) {
    this.app = app;
    this.onPick = onPick;
    this.chips = el("div", { class: "chips" });
    this.name = el("input", {
      type: "text", placeholder: "New class", "aria-label": "Name of a new class", maxLength: 200, "data-testid": "class-name",
    });
    this.form = el("form", { class: "add-class", onsubmit: (event) => this.#add(event, onAdd) },
      this.name, el("button", { title: "Add the class to dataset.toml", "data-testid": "do-add-class" }, "Add"));
    this.search = el("input", {
      type: "search", placeholder: "Find a class", "aria-label": "Find a class: Enter takes the first", autocomplete: "off",
      hidden: true, "data-testid": "class-search", oninput: () => this.show(), onkeydown: (event) => this.#searchKey(event),
      onblur: () => this.#endSearch(),
    });
    const finder = el("button", {
      type: "button", class: "icon", title: "Find a class by its name (/)", "aria-label": "Find a class", "data-testid": "do-find-class",
      onclick: () => this.find(),
    }, icon("find"));
    this.element = el("section", {}, el("div", { class: "heading" }, el("h2", {}, "Classes"), finder), this.search, this.chips);
    this.show();
  }

  /** Show the classes, or those that are looked for, the best first. */
  show() {
    const { classes } = this.app.project;
    this.chips.classList.toggle("found", !this.search.hidden);
    if (this.search.hidden) {
      this.chips.replaceChildren(...classes.map((each) => this.#chip(each)), this.form);
      return;
    }
    const found = this.#found().map((each) => this.#chip(each));
    this.chips.replaceChildren(...(found.length ? found : [el("p", { class: "faint" }, "No class is called so")]));
    this.chips.scrollTop = 0;
  }

  /** Let a person type the name of a class. */
  find() {
    this.search.hidden = false;
    this.show();
    this.search.focus();
  }

  #found() {
    const wanted = this.search.value.trim().toLowerCase();
    const ranked = this.app.project.classes.map((each) => [fit(each.name.toLowerCase(), wanted), each]);
    return ranked.filter(([rank]) => rank < Infinity).sort(([a], [b]) => a - b).map(([, each]) => each);
  }

  #searchKey(event) {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    const [first] = event.key === "Enter" ? this.#found() : [];
    if (first) this.#pick(first.name);
    else if (event.key === "Escape") this.search.blur();
  }

  #endSearch() {
    this.search.value = "";
    this.search.hidden = true;
    this.show();
  }

  #pick(name) {
    this.search.blur();
    this.onPick(name);
  }

  #chip({ name, colour, key }) {
    return el("button", {
      type: "button", class: name.length > LONG_NAME ? "chip long" : "chip", title: key ? `${name} (${key.toUpperCase()})` : name, "data-testid": `class-${name}`,
      onclick: () => this.#pick(name),
    }, swatch(colour), el("span", {}, name), key && el("kbd", {}, key.toUpperCase()));
  }

  async #add(event, onAdd) {
    event.preventDefault();
    const name = this.name.value.trim();
    if (!name) return;
    this.name.value = "";
    this.name.blur();
    await onAdd(name);
  }
}

/** How well a name fits what is looked for: the less the better, Infinity for not at all. */
function fit(name, wanted) {
  if (name === wanted) return 0;
  const at = name.indexOf(wanted);
  if (at <= 0) return at < 0 ? Infinity : 1;
  return name.includes(` ${wanted}`) ? 2 : 3;
}

/** How long the steps take; brought up to date after each edit. */
export class TimeStudy {
  #path = null;
  #asked = 0;

  constructor(app) {
    this.app = app;
    this.body = el("tbody");
    this.note = el("p", { class: "faint" });
    const heads = ["Step", "n", "mean", "sd", "total", "share"].map((text) => el("th", { scope: "col" }, text));
    const table = el("table", { class: "numbers", "data-testid": "timestudy" }, el("thead", {}, el("tr", {}, heads)), this.body);
    this.element = section("Time study", table, this.note);
    this.refresh = calmly(() => this.#read());
  }

  /** Show the times of a tier; those of a run where a draft leaves something open. */
  open(video, tier, run = null) {
    const query = new URLSearchParams(run ? { tier, run } : { tier });
    this.#path = `/api/timestudy/${encodeURIComponent(video)}?${query}`;
    this.#read();
  }

  async #read() {
    const asked = ++this.#asked;
    try {
      const study = await get(this.#path);
      if (asked === this.#asked) this.#show(study);
    } catch (error) {
      if (asked === this.#asked) this.note.textContent = `No numbers: ${error.message}`;
    }
  }

  #show({ steps, waiting, watched }) {
    const rows = steps.map((step) => this.#row(step, step.action));
    if (waiting?.n) rows.push(this.#row(waiting, "waiting"));
    this.body.replaceChildren(...rows);
    this.note.textContent = steps.length
      ? `In seconds; share of the time from the first step to the last. The video lasts ${span(watched)}.`
      : "Nothing is labelled yet.";
  }

  #row({ n, mean, sd, total, share }, name) {
    const number = (value) => (value === null || value === undefined ? "–" : value.toFixed(value < 100 ? 2 : 1));
    const cells = [n, number(mean), number(sd), span(total), share === null ? "–" : `${share.toFixed(1)} %`];
    const head = el("th", { scope: "row", title: name }, name !== "waiting" && swatch(this.app.colour(name)), name);
    return el("tr", { class: name === "waiting" ? "waiting" : "" }, head, cells.map((text) => el("td", {}, String(text))));
  }
}

/** Chooses another annotator, and says how far two people agree. */
export class Agreement {
  #asked = 0;

  constructor({ onChoose }) {
    this.choice = el("select", {
      "aria-label": "The other annotator", "data-testid": "other", onchange: () => onChoose(this.choice.value),
    });
    this.figures = el("dl", { class: "figures", "data-testid": "agreement" });
    this.note = el("p", { class: "faint" });
    this.next = el("button", {
      type: "button", title: "To the next frame that the two call differently (N)", "data-testid": "do-next-difference",
    }, "Next difference ", el("kbd", {}, "N"));
    this.element = section("Second annotator", this.choice, this.figures, this.note, this.next);
    this.refresh = calmly(() => this.#read());
  }

  /** Offer these tiers: [[value, text], ...]. */
  offer(tiers, chosen) {
    const none = el("option", { value: "-" }, "nobody");
    this.choice.replaceChildren(none, ...tiers.map(([value, text]) => el("option", { value }, text)));
    this.choice.value = chosen ?? "-";
    this.choice.disabled = !tiers.length;
    this.note.textContent = tiers.length ? "" : "With `--annotator NAME` each person has labels of their own.";
  }

  /** Compare two tiers of a video; nothing for null. */
  open(video, a, b) {
    this.path = b === null ? null : `/api/agreement/${encodeURIComponent(video)}?${new URLSearchParams({ a, b })}`;
    this.next.hidden = b === null;
    this.figures.replaceChildren();
    if (b !== null) this.#read();
  }

  async #read() {
    if (!this.path) return;
    const asked = ++this.#asked;
    try {
      const found = await get(this.path);
      if (asked === this.#asked && this.path) this.#show(found);
    } catch (error) {
      if (asked === this.#asked) this.note.textContent = `No agreement: ${error.message}`;
    }
  }

  #show({ kappa, agree, matched, only_a: mine, only_b: theirs, start, end, text }) {
    const seconds = (value) => (value === null ? "–" : `${value.toFixed(3)} s`);
    const rows = [
      ["Cohen's kappa", kappa === null ? "–" : kappa.toFixed(3)], ["frames alike", `${agree.toFixed(1)} %`],
      ["segments matched", matched], ["only mine / theirs", `${mine} / ${theirs}`],
      ["starts apart", seconds(start)], ["ends apart", seconds(end)],
    ];
    this.figures.replaceChildren(...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
    this.note.textContent = text;
  }
}

/** The places to look at, the worst first. */
export class Places {
  static MOST = 300;

  constructor({ onPick, times }) {
    this.onPick = onPick;
    this.times = times;
    this.list = el("ol", { class: "places", "data-testid": "places" });
    this.summary = el("p", { class: "faint", "data-testid": "review-summary" });
    this.element = section("Places to look at", this.summary, this.list);
  }

  /** Show places (`settled` ones struck out), the one at index `current` marked. */
  show(places, current, summary) {
    this.summary.textContent = summary;
    const shown = places.slice(0, Places.MOST).map((place, index) => this.#row(place, index, index === current));
    if (places.length > shown.length) shown.push(el("li", { class: "faint" }, `… and ${places.length - shown.length} more`));
    this.list.replaceChildren(...shown);
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  #when({ start_frame: start }) {
    const times = this.times();
    const text = clock(times[start], 1);
    return times[times.length - 1] < 3600 ? text.replace(/^0:0?/, "") : text;
  }

  #row(place, index, current) {
    const text = [
      el("span", { class: "when" }, this.#when(place)),
      el("span", { class: "what" }, place.text),
    ];
    return el("li", {}, el("button", {
      type: "button", class: place.settled ? "place settled" : "place", "data-kind": place.kind, title: place.text,
      "aria-current": current ? "true" : null, onclick: () => this.onPick(index),
    }, text));
  }
}
