/** The controls and numbers around the picture of the hands view. */

import { HandProgress } from "./handprogress.js";

const GOING_ON = "handact.hands.goingOn";

export class HandPanel {
  /** `on` holds what the buttons do. */
  constructor(on) {
    this.on = on;
    this.progress = new HandProgress();
    this.toolbar = this.#buildToolbar();
    this.element = Object.assign(document.createElement("aside"), { className: "panel" });
    this.element.append(this.#buildFrame(), this.progress.element, this.#buildProposals(), buildKeys());
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
      "Frame ", element("b", { textContent: frame.toLocaleString("en") }),
      ` of ${video.frames.toLocaleString("en")} · `, element("b", { textContent: clock(seconds) }),
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

  /** Say how far the localiser is with looking through the videos. */
  showLocalizer({ state, done, total }) {
    if (this.source === "gaps") {
      this.localizer.textContent = "The middle of what lies between two labels, at most 3 s apart; the longest gap first.";
      return;
    }
    const share = total ? Math.round((100 * done) / total) : 0;
    this.localizer.textContent = {
      none: "No localiser yet: frames are spread over the videos.",
      running: `The localiser looks through the videos: ${share} %.`,
      ready: "Frames the localiser is unsure of come first.",
    }[state] ?? "";
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
    const bar = element("div", { className: "toolbar" });
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", "Label this frame");
    this.accept = button("accept", "Accept, next", "↵", "Accept what is shown and go on to the next proposed frame (Enter)", on.onAccept);
    this.accept.classList.add("primary");
    this.absent = button("absent", "Both absent", "A", "No hand is in the picture (A)", on.onAbsent);
    this.remove = button("remove", "Remove", "⌫", "Remove the label of this frame (Backspace)", on.onRemove);
    this.undo = button("undo", "Undo", "U", "Undo (U, or Ctrl Z)", on.onUndo);
    this.redo = button("redo", "Redo", "", "Redo (Ctrl Shift Z, or Ctrl Y)", on.onRedo);
    this.play = button("play", "Play", "Space", "Play, pause (space); slower and faster: , and .", on.onPlay);
    bar.append(
      this.accept,
      button("next", "Skip", "N", "Next proposed frame, without a label for this one (N)", on.onNext),
      button("back", "Back", "B", "Back to the frame before (B)", on.onBack),
      this.absent, this.remove, this.undo, this.redo,
      element("span", { className: "gap" }),
      this.play,
      button("fit", "Fit", "0", "Show the whole picture (0)", on.onFit),
    );
    return bar;
  }

  #buildFrame() {
    const section = titled("This frame");
    this.status = element("p", { className: "status" });
    this.status.dataset.testid = "status";
    this.why = element("p", { className: "quiet-text" });
    const rows = element("div", { className: "hand-rows" });
    this.rows = Object.fromEntries(["left", "right"].map((side) => [side, this.#handRow(side)]));
    rows.append(this.rows.left.row, this.rows.right.row);
    this.place = element("p", { className: "quiet-text" });
    section.append(this.place, this.status, rows, this.why);
    return section;
  }

  #handRow(side) {
    const row = element("div", { className: "hand-row" });
    row.dataset.side = side;
    const where = element("span", { className: "where" });
    const key = side[0].toUpperCase();
    const absent = button(`absent-${side}`, "Absent", "", `The ${side} hand is absent (Shift ${key})`, () => this.on.onAbsentSide(side));
    row.append(element("span", { textContent: side === "left" ? "Left" : "Right" }), where, absent);
    return { row, where, button: absent };
  }

  #buildProposals() {
    const section = titled("Proposed frames");
    const from = element("label", { className: "choice", textContent: "From" });
    this.scope = element("select");
    this.scope.dataset.testid = "scope";
    this.scope.append(
      new Option("all videos", "all"), new Option("this video", "video"), new Option("gaps in this video", "gaps"),
    );
    this.scope.addEventListener("change", () => {
      this.on.onScope();
      this.scope.blur();
    });
    from.append(this.scope);
    const going = element("label", { className: "choice", title: "Show the next proposed frame as soon as both hands are set (G)" });
    this.goingOn = element("input", { type: "checkbox", checked: localStorage.getItem(GOING_ON) === "yes" });
    this.goingOn.dataset.testid = "going-on";
    this.goingOn.addEventListener("change", () => localStorage.setItem(GOING_ON, this.goingOn.checked ? "yes" : "no"));
    going.append(this.goingOn, element("span", { textContent: "Go on once both hands are set" }), element("kbd", { textContent: "G" }));
    this.localizer = element("p", { className: "quiet-text" });
    section.append(from, going, this.localizer);
    return section;
  }
}

const SOURCES = {
  localiser: "Rings: the localiser's guess.",
  "between labels": "Rings: carried over from the labels around it.",
};

/** The few keys that one needs first. */
function buildKeys() {
  const section = titled("In short");
  const rows = [["Left click", "left hand"], ["Right click", "right hand"], ["Enter", "accept, next frame"], ["?", "all keys"]];
  const list = element("dl", { className: "keys quiet-text" });
  for (const [key, text] of rows) {
    const term = element("dt");
    term.append(element("kbd", { textContent: key }));
    list.append(term, element("dd", { textContent: text }));
  }
  section.append(list);
  return section;
}

function titled(title) {
  const section = element("section");
  section.append(element("h2", { textContent: title }));
  return section;
}

function button(name, text, key, title, onClick) {
  const made = element("button", { type: "button", className: "tool", title });
  made.dataset.testid = `do-${name}`;
  made.append(element("span", { textContent: text }));
  if (key) made.append(element("kbd", { textContent: key }));
  made.addEventListener("click", onClick);
  return made;
}

function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

function times(rate) {
  return rate === 1 ? "" : ` ${rate}×`;
}

/** Seconds as h:mm:ss.hh. */
function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (x) => String(x).padStart(2, "0");
  const parts = [Math.floor(whole / 3600), two(Math.floor(whole / 60) % 60), two(whole % 60)];
  return `${parts.join(":")}.${two(Math.floor((seconds - whole) * 100))}`;
}
