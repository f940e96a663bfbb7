/** What is known of the hands on a frame: its label, what a person has set so far, or a guess. */

export const SIDES = ["left", "right"];

/** Joins labels, drafts and guesses. A `place` is {video, frame}; nothing is saved before both hands are settled. */
export class HandFrames {
  /** place -> {left: {at}, right: {at}} of what has been set on frames that are not labelled yet. */
  #drafts = new Map();

  /** `onLabelled()` when a frame has got its first label. */
  constructor(labels, guesses, { onLabelled }) {
    this.labels = labels;
    this.guesses = guesses;
    this.onLabelled = onLabelled;
  }

  label({ video, frame }) {
    return this.labels.at(video, frame);
  }

  /** Whether on any frame one hand is set without the other. */
  get hasDrafts() {
    return this.#drafts.size > 0;
  }

  isDrafted(place) {
    return this.#drafts.has(key(place));
  }

  guess({ video, frame }) {
    return this.guesses.peek(video, frame);
  }

  /** {at: [x, y] | null, settled, known, p}: `settled` by a person, `known` if anything says where it is. */
  hand(place, side) {
    const label = this.label(place);
    if (label) return { at: label[side], settled: true, known: true };
    const drafted = this.#drafts.get(key(place))?.[side];
    if (drafted) return { at: drafted.at, settled: true, known: true };
    const guess = this.guess(place);
    const p = guess?.p?.[SIDES.indexOf(side)];
    return { at: guess?.[side] ?? null, settled: false, known: Boolean(guess?.source), p };
  }

  /** Set a hand, or with null say that it is absent. Returns whether the frame is labelled now. */
  set(place, side, at) {
    const other = this.hand(place, opposite(side));
    if (other.settled) {
      this.#save(place, { [side]: at, [opposite(side)]: other.at });
      return true;
    }
    this.#drafts.set(key(place), { ...this.#drafts.get(key(place)), [side]: { at } });
    return false;
  }

  /** Say that a hand is absent, or take that back. Returns whether this has labelled the frame. */
  toggleAbsent(place, side) {
    const { at, settled } = this.hand(place, side);
    if (!settled || at) return this.set(place, side, null);
    this.#unset(place, side);
    return false;
  }

  /** Say that no hand is there, or take that back. Returns whether this has labelled the frame. */
  toggleBothAbsent(place) {
    const label = this.label(place);
    if (label && !label.left && !label.right) {
      this.remove(place);
      return false;
    }
    this.#save(place, { left: null, right: null });
    return true;
  }

  /** The sides of which nobody knows yet whether and where there is a hand. */
  unknown(place) {
    return SIDES.filter((side) => !this.hand(place, side).known);
  }

  /** Take what is shown for the label; for places where nothing is unknown. */
  accept(place) {
    if (this.label(place)) return;
    const [left, right] = SIDES.map((side) => this.hand(place, side));
    this.#save(place, { left: left.at, right: right.at });
  }

  /** Take the label away, and what was not saved. */
  remove(place) {
    this.forget(place);
    this.labels.set(place.video, place.frame, null);
  }

  /** Forget what was set and not saved. */
  forget(place) {
    this.#drafts.delete(key(place));
  }

  #save(place, hands) {
    const isNew = !this.label(place);
    this.forget(place);
    this.labels.set(place.video, place.frame, hands);
    if (isNew) this.onLabelled();
  }

  /** One hand is open again; the other stays, unsaved. */
  #unset(place, side) {
    const other = this.hand(place, opposite(side));
    this.remove(place);
    if (other.settled) this.#drafts.set(key(place), { [opposite(side)]: { at: other.at } });
  }
}

function opposite(side) {
  return side === "left" ? "right" : "left";
}

function key({ video, frame }) {
  return `${video}/${frame}`;
}
