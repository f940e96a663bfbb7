/** A video that plays, and which of its frames is on screen: by the times that the server measured. */

import { mediaUrl } from "./api.js";
import { el } from "./elements.js";
import { nearestFrame } from "./frametimes.js";

/** Seconds into a frame that a seek aims at, so that rounding does not land on the one before. */
const INTO_FRAME = 0.001;
/** A frame that is replaced while it is drawn is drawn again, but not without end. */
const MOST_TRIES = 3;

/** A <video> of one file. `onFrame(frame, element)` is called when another frame stands in the element. */
export class Playback {
  /** Without this nobody could tell which frame is on screen. */
  static isSupported = "requestVideoFrameCallback" in HTMLVideoElement.prototype;

  #element;
  #times;
  #onFrame;
  #offset = null;
  #target = null;
  #callback = 0;
  /** Whether it is to play: a seek takes its time, and a person may have paused by then. */
  #isWanted = false;

  /** `onEnd()` when it came to its end, `onError()` when the browser cannot go on with it. */
  constructor(video, times, { onFrame, onEnd, onError }) {
    this.#times = times;
    this.#onFrame = onFrame;
    const element = el("video", { muted: true, playsInline: true, preload: "auto", src: mediaUrl(video), onended: onEnd });
    this.#element = element;
    this.ready = this.#measure();
    this.ready.catch(() => {});
    element.addEventListener("error", onError);
  }

  set rate(rate) {
    this.#element.playbackRate = rate;
  }

  /** Play from `frame` on. */
  async play(frame, rate) {
    this.#isWanted = true;
    await this.ready;
    await this.seek(frame);
    this.rate = rate;
    if (!this.#isWanted) return;
    this.#watch();
    await this.#element.play();
  }

  /** Let `frame` stand in the element. */
  async seek(frame) {
    this.#target = frame;
    const length = this.#times[frame + 1] - this.#times[frame];
    const time = this.#times[frame] + this.#offset + Math.min(INTO_FRAME, length / 2);
    const sought = once(this.#element, "seeked");
    this.#element.currentTime = time;
    await sought;
  }

  /** Go on playing at `frame`, which is shown even if the machine is too slow for those that follow. */
  async jump(frame) {
    this.#element.pause();
    await this.seek(frame);
    if (!this.#isWanted) return;
    this.#show(this.#times[frame] + this.#offset);
    await this.#element.play();
  }

  pause() {
    this.#isWanted = false;
    this.#element.cancelVideoFrameCallback(this.#callback);
    this.#element.pause();
  }

  close() {
    this.pause();
    this.#element.removeAttribute("src");
    this.#element.load();
  }

  /** The first frame's time in the file, which need not be 0, belongs to frame 0. */
  async #measure() {
    const first = new Promise((resolve) => {
      this.#element.requestVideoFrameCallback((_, { mediaTime }) => resolve(mediaTime));
    });
    await once(this.#element, "loadeddata");
    this.#offset = await first;
  }

  #watch() {
    this.#element.cancelVideoFrameCallback(this.#callback);
    const next = (_, { mediaTime }) => {
      this.#callback = this.#element.requestVideoFrameCallback(next);
      this.#show(mediaTime);
    };
    this.#callback = this.#element.requestVideoFrameCallback(next);
  }

  /** Hand over the frame that stands in the element, which may be a later one than was announced. */
  #show(announced) {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const time = timeOf(this.#element) ?? announced;
      const frame = nearestFrame(this.#times, time - this.#offset);
      // Until a seek has arrived, what stands there still belongs to before it.
      if (this.#element.seeking && frame !== this.#target) return;
      this.#onFrame(frame, this.#element);
      if ((timeOf(this.#element) ?? time) === time) return;
    }
  }
}

/** The time of the very frame that stands in a <video> now; null where the browser cannot tell. */
function timeOf(element) {
  if (!("VideoFrame" in window) || element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
  const frame = new VideoFrame(element);
  const time = frame.timestamp / 1e6;
  frame.close();
  return time;
}

function once(element, kind) {
  return new Promise((resolve, reject) => {
    element.addEventListener(kind, resolve, { once: true });
    element.addEventListener("error", () => reject(element.error), { once: true });
  });
}
