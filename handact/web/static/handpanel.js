/** The controls and numbers around the picture of the hands view. */

import { clock } from "./clock.js";
import { el, section } from "./elements.js";
import { HandProgress } from "./handprogress.js";
import { recall, remember } from "./storage.js";

const GOING_ON = "handact.hands.goingOn";

export class HandPanel {
  /** Labels at most `between` seconds apart are filled in between; `on` holds what the buttons do. */
  constructor(between, on) {
    this.between = between;
    this.on = on;
    this.progress = new HandProgress();
    this.toolbar = this.#buildToolbar();
    this.element = el("aside", { class: "panel", "aria-label": "Panels" },
      this.#buildFrame(), this.progress.element, this.#buildProposals(), buildKeys());
  }

  /** Whether the next frame comes by itself once both hands are set. */
  get isGoingOn() {
    return this.goingOn.checked;
  }

  /** Where proposals come from: "all" videos, the open "video", or the "gaps" between its labels. */
  get source() {
    return this.scope.value;
  }

  toggleGoingOn() {
    this.goingOn.checked = !this.goingOn.checked;
    this.goingOn.dispatchEvent(new Event("change"));
  }

  /** Show what is known of the frame on screen. */
  showFrame(shown) {
    const { video, frame, seconds, labelled, drafted, hands, source, why } = shown;
    this.place.replaceChildren(
      "Frame ", el("b", {}, frame.toLocaleString("en")),
      ` of ${video.frames.toLocaleString("en")} · `, el("b", {}, clock(seconds, 2)),
    );
    this.status.dataset.labelled = labelled;
    this.status.textContent = labelled ? "Labelled" : drafted ? "One hand is open" : "Not labelled";
    this.why.textContent = labelled ? "" : [why && `Proposed: ${why}.`, SOURCES[source]].filter(Boolean).join(" ");
    this.why.hidden = !this.why.textContent;
    for (const side of ["left", "right"]) this.#showHand(side, hands[side], video);
    this.accept.firstChild.textContent = labelled ? "Next" : "Accept, next";
    this.play.firstChild.textContent = shown.playing ? `Pause${times(shown.rate)}` : `Play${times(shown.rate)}`;
    this.undo.disabled = !shown.undoable;
    this.redo.disabled = !shown.redoable;
    this.remove.disabled = !labelled && !drafted;
    this.absent.setAttribute("aria-pressed", labelled && !hands.left.at && !hands.right.at);
  }

  /** Say where proposals come from, and how far the localiser is with looking through the videos. */
  showLocalizer({ state, done, total }) {
    const share = total ? Math.round((100 * done) / total) : 0;
    const said = {
      none: "No localiser yet: frames are spread over the videos.",
      running: `The localiser looks through the videos: ${share} %.`,
      ready: "Frames the localiser is unsure of come first.",
      failed: "The localiser has failed, see where `handact label` runs: frames are spread over the videos.",
    }[state] ?? "";
    const gaps = `The middle of what lies between two labels, at most ${this.between} s apart; the longest gap first.`;
    this.localizer.textContent = this.source === "gaps" ? gaps : said;
  }

  #showHand(side, { at, settled, known, p }, { width, height }) {
    const { row, where, button } = this.rows[side];
    row.dataset.state = settled ? "settled" : known ? "guessed" : "open";
    const place = at && `${Math.round(at[0] * width)}, ${Math.round(at[1] * height)}`;
    const sure = p === undefined || p === null ? "" : ` ${Math.round(100 * (at ? p : 1 - p))} %`;
    const said = place ?? "absent";
    const guessed = at ? `guess${sure}` : `absent?${sure}`;
    where.textContent = settled ? said : known ? guessed : "not set";
    where.title = place ? `${place}: pixels from the left and from the top` : "";
    button.setAttribute("aria-pressed", settled && !at);
  }

  #buildToolbar() {
    const { on } = this;
    this.accept = button("accept", "Accept, next", "↵", "Accept what is shown and go on to the next proposed frame (Enter)", on.onAccept);
    this.accept.classList.add("primary");
    this.absent = button("absent", "Both absent", "A", "No hand is in the picture (A)", on.onAbsent);
    this.remove = button("remove", "Remove", "⌫", "Remove the label of this frame (Backspace)", on.onRemove);
    this.undo = button("undo", "Undo", "U", "Undo (U, or Ctrl Z)", on.onUndo);
    this.redo = button("redo", "Redo", "", "Redo (Ctrl Shift Z, or Ctrl Y)", on.onRedo);
    this.play = button("play", "Play", "Space", "Play, pause (space); slower and faster: , and .", on.onPlay);
    return el("div", { class: "toolbar", role: "toolbar", "aria-label": "Label this frame" },
      this.accept,
      button("next", "Skip", "N", "Next proposed frame, without a label for this one (N)", on.onNext),
      button("back", "Back", "B", "Back to the frame before (B)", on.onBack),
      this.absent, this.remove, this.undo, this.redo,
      el("span", { class: "gap" }),
      this.play,
      button("fit", "Fit", "0", "Show the whole picture (0)", on.onFit));
  }

  #buildFrame() {
    this.place = el("p", { class: "faint" });
    this.status = el("p", { class: "status", "data-testid": "status" });
    this.rows = Object.fromEntries(["left", "right"].map((side) => [side, this.#handRow(side)]));
    this.why = el("p", { class: "faint" });
    const rows = el("div", { class: "hand-rows" }, this.rows.left.row, this.rows.right.row);
    return section("This frame", this.place, this.status, rows, this.why);
  }

  #handRow(side) {
    const where = el("span", { class: "where" });
    const key = side[0].toUpperCase();
    const absent = button(`absent-${side}`, "Absent", "", `The ${side} hand is absent (Shift ${key})`, () => this.on.onAbsentSide(side));
    const name = el("span", {}, side === "left" ? "Left" : "Right");
    return { row: el("div", { class: "hand-row", "data-side": side }, name, where, absent), where, button: absent };
  }

  #buildProposals() {
    const choices = [["all", "all videos"], ["video", "this video"], ["gaps", "gaps in this video"]];
    this.scope = el("select", { "data-testid": "scope", onchange: () => this.#chooseScope() },
      choices.map(([value, text]) => el("option", { value }, text)));
    this.goingOn = el("input", {
      type: "checkbox", checked: recall(GOING_ON) === "yes", "data-testid": "going-on",
      onchange: () => remember(GOING_ON, this.goingOn.checked ? "yes" : "no"),
    });
    this.localizer = el("p", { class: "faint" });
    return section("Proposed frames",
      el("label", { class: "choice" }, "From", this.scope),
      el("label", { class: "choice", title: "Show the next proposed frame as soon as both hands are set (G)" },
        this.goingOn, el("span", {}, "Go on once both hands are set"), el("kbd", {}, "G")),
      this.localizer);
  }

  #chooseScope() {
    this.on.onScope();
    this.scope.blur();
  }
}

const SOURCES = {
  localizer: "Rings: the localiser's guess.",
  "between labels": "Rings: carried over from the labels around it.",
};

/** The few keys that one needs first. */
function buildKeys() {
  const rows = [["Left click", "left hand"], ["Right click", "right hand"], ["Enter", "accept, next frame"], ["?", "all keys"]];
  const cells = rows.flatMap(([key, text]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, text)]);
  return section("In short", el("dl", { class: "keys faint" }, cells));
}

function button(name, text, key, title, onClick) {
  return el("button", { type: "button", class: "tool", title, "data-testid": `do-${name}`, onclick: onClick },
    el("span", {}, text), key && el("kbd", {}, key));
}

function times(rate) {
  return rate === 1 ? "" : ` ${rate}×`;
}
