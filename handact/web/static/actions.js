/** The view "actions": a person labels what happens when; beside another person, if there is one. */

import { differences, indexAfter } from "./editor.js";
import { Others } from "./labels.js";
import { Agreement, TimeStudy } from "./panels.js";
import { Workbench } from "./workbench.js";

const HELP = [
  ["Second annotator"],
  ["N / Shift N", "next, previous difference"],
];

class Actions extends Workbench {
  #others = null;
  #spans = [];
  #listed = -1;

  constructor(app, root) {
    super(app, root, { help: HELP });
    this.study = new TimeStudy(app);
    this.agreement = new Agreement({ onChoose: (choice) => this.#choose(choice) });
    this.agreement.next.addEventListener("click", () => this.difference(1));
    this.parts.side.append(this.palette.element, this.study.element, this.agreement.element);
  }

  async prepare() {
    return { tier: this.app.project.annotator };
  }

  async open(name) {
    this.#leaveOthers();
    if (!(await this.openVideo(name))) return;
    this.study.open(name, this.prepared.tier);
    this.#listVideos();
    this.#offerOthers();
  }

  #listVideos() {
    const { project } = this.app;
    this.#listed = this.seen.length;
    const segments = (video) => (video.name === this.video.name ? this.seen.length : video.segments);
    const note = (n) => `${n} segment${n === 1 ? "" : "s"}`;
    this.app.setVideoList({
      videos: project.videos.map((video) => ({ name: video.name, note: note(segments(video)) })),
      current: this.video.name,
      onPick: (name) => this.#leaveFor(name),
    });
  }

  #leaveFor(name) {
    const own = this.app.project.videos.find((video) => video.name === this.video?.name);
    if (own) own.segments = this.seen.length;
    this.switchTo(name);
  }

  changed() {
    this.#compare();
    if (!this.tier.settled) return;
    this.study.refresh();
    this.agreement.refresh();
    if (this.#listed !== this.seen.length) this.#listVideos();
  }

  // ---- the other annotator --------------------------------------------------------------------------

  #offerOthers() {
    const { annotators, annotator } = this.app.project;
    const tiers = annotators.filter((name) => name !== annotator).map((name) => [name, name]);
    if (annotator) tiers.unshift(["", "the dataset's own labels"]);
    const asked = this.app.state.get("other");
    const known = tiers.some(([value]) => value === asked);
    this.agreement.offer(tiers, known ? asked : null);
    this.#choose(known ? asked : "-");
  }

  async #choose(choice) {
    const other = choice === "-" ? null : choice;
    this.app.state.set("other", other);
    this.#leaveOthers();
    // While another video is being opened there is nothing to compare yet; it asks again once it is open.
    if (!this.video) return;
    this.agreement.open(this.video.name, this.prepared.tier, other);
    this.#compare();
    this.refresh();
    if (other !== null) await this.#load(other);
  }

  #leaveOthers() {
    this.#others?.close();
    this.#others = null;
  }

  async #load(tier) {
    const others = new Others({ video: this.video.name, tier, onChange: () => this.#othersChanged() });
    this.#others = others;
    try {
      await others.load();
    } catch (error) {
      if (others === this.#others) this.app.toast(error.message, "error");
    }
  }

  #othersChanged() {
    this.#compare();
    this.refresh();
    this.agreement.refresh();
  }

  #compare() {
    const { background } = this.app.project;
    this.#spans = this.#others ? differences(this.seen, this.#others.segments, background, this.frames) : [];
  }

  /** Go to the next (1) or previous (-1) difference. */
  difference(by) {
    const { frame } = this;
    const at = indexAfter(this.#spans, frame);
    const inside = this.#spans[at]?.[0] <= frame;
    const found = by > 0 ? this.#spans[inside ? at + 1 : at] : this.#spans.slice(0, at).at(-1);
    if (found) {
      this.select(null);
      this.jump(found[0]);
      return;
    }
    this.app.toast(this.#others ? "No more differences that way" : "Choose a second annotator first");
  }

  // ---- what the bench asks --------------------------------------------------------------------------

  rows() {
    const own = {
      name: "labels", label: this.prepared.tier || "Labels", height: 40, editable: true, hit: this.seen,
      layers: [{ segments: this.seen, style: "solid" }],
    };
    if (!this.#others) return [own];
    return [own, {
      name: "differences", label: "", height: 7, layers: [{ segments: this.#spans, style: "span" }], tone: () => "bad",
    }, {
      name: "other", label: this.#others.tier || "dataset", height: 28, hit: this.#others.segments,
      layers: [{ segments: this.#others.segments, style: "solid" }],
    }];
  }

  ownKey(event) {
    if (event.key.toLowerCase() !== "n" || event.ctrlKey || event.altKey || event.metaKey) return false;
    this.difference(event.shiftKey ? -1 : 1);
    return true;
  }
}

/** Open the view. */
export async function open(app, root) {
  const view = new Actions(app, root);
  await view.open(app.state.get("video"));
  return view;
}
