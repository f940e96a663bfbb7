/** What a person can do about a video that the browser cannot play: a copy that it can, made by the server. */

import { get, post } from "./api.js";
import { el } from "./elements.js";

const ASK_MS = 1000;
const HIDE_MS = 4000;

export class ProxyOffer {
  #video = null;
  #state = null;
  #timer = 0;

  /** `onReady()` when /media has become something that plays. */
  constructor({ onReady }) {
    this.onReady = onReady;
    this.text = el("span");
    this.bar = el("progress", { max: 1, value: 0, hidden: true });
    this.button = el("button", { type: "button", "data-testid": "do-proxy", onclick: () => this.#make() }, "Make a playable copy");
    const dismiss = el("button", { type: "button", class: "icon", title: "Not now", onclick: () => this.#hide() }, "✕");
    this.element = el("div", { class: "proxy-offer", hidden: true }, this.text, this.bar, this.button, dismiss);
  }

  open(video) {
    clearTimeout(this.#timer);
    this.#hide();
    this.#video = video;
    this.#state = null;
  }

  /** Whether /media is likely to play now; offers a copy where it is not. */
  async canPlay() {
    const video = this.#video;
    if (video.plays || this.#state === "ready") return true;
    const { state } = await get(this.#path(video)).catch(() => ({ state: "none" }));
    this.#state = state;
    if (state === "ready") return true;
    if (this.#video === video) this.offer();
    return false;
  }

  /** Say that the video does not play, and what helps. */
  async offer() {
    const video = this.#video;
    const status = await get(this.#path(video)).catch(() => null);
    // Without a server nothing plays: that is no fault of the video.
    if (!status || this.#video !== video) return;
    video.plays = false;
    this.element.hidden = false;
    this.#say("This browser cannot play this video; it is shown picture by picture.", { button: true });
    this.#follow(status, video);
  }

  async #make() {
    const video = this.#video;
    this.#say("Making a copy that plays…", { bar: true });
    try {
      this.#follow(await post(this.#path(video)), video, true);
    } catch (error) {
      this.#say(`No copy: ${error.message}`, { button: true });
    }
  }

  #follow(status, video, asked = false) {
    if (this.#video !== video || !status) return;
    const { state, done, total, error } = status;
    const share = total ? done / total : 0;
    this.#state = state;
    if (state === "failed") this.#say(`No copy could be made: ${error}`, { button: true });
    else if (state === "ready") this.#finished();
    else if (state === "running" || asked) {
      this.#say(`Making a copy that plays… ${Math.round(100 * share)} %`, { bar: true });
      this.bar.value = share;
      this.#timer = setTimeout(async () => {
        this.#follow(await get(this.#path(video)).catch(() => status), video, state === "running");
      }, ASK_MS);
    }
  }

  #finished() {
    this.onReady();
    this.#say("The copy is ready: press space to play.", {});
    this.#timer = setTimeout(() => this.#hide(), HIDE_MS);
  }

  #hide() {
    this.element.hidden = true;
  }

  #say(text, { button = false, bar = false }) {
    this.text.textContent = text;
    this.button.hidden = !button;
    this.bar.hidden = !bar;
  }

  #path(video) {
    return `/api/videos/${encodeURIComponent(video.name)}/proxy`;
  }
}
