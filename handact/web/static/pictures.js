/** Exact pictures of frames, loaded ahead and kept decoded for as long as there is room. */

const ROOM_BYTES = 256 * 2 ** 20;
/** However large they are: the one on screen, and all that is loaded ahead of it. */
const LEAST_KEPT = 12;
/** Pictures that load at once: the one that is wanted need not wait for many others. */
const MOST_LOADING = 3;
/** What the server answers where newer requests have pushed one out, and how long to let those pass. */
const PUSHED_OUT = 503;
const LET_PASS_MS = 150;

/** Loads pictures by address; the latest `want` says what matters now. */
export class Pictures {
  #kept = new Map();
  #loading = new Map();
  #ahead = [];
  #room = 0;

  /** The picture (ImageBitmap) if it is here. */
  peek(url) {
    const picture = this.#kept.get(url);
    if (!picture) return undefined;
    // The last in the map is the last to go.
    this.#kept.delete(url);
    this.#kept.set(url, picture);
    return picture;
  }

  /** Load the picture now, before all others; resolves to the ImageBitmap. */
  load(url) {
    const picture = this.peek(url);
    if (picture) return Promise.resolve(picture);
    return this.#start(url);
  }

  /** Load these, the first ones first, whenever nothing more urgent does. Others are given up. */
  prefetch(urls) {
    this.#ahead = urls.filter((url) => !this.#kept.has(url));
    this.#giveUpAllBut(new Set(this.#ahead));
    this.#startNext();
  }

  /** Give up what is being loaded, except these: it would only hold up what is wanted. */
  focus(urls) {
    this.#ahead = [];
    this.#giveUpAllBut(new Set(urls));
  }

  #start(url) {
    const running = this.#loading.get(url);
    if (running) return running.promise;
    const abort = new AbortController();
    const promise = loadPicture(url, abort.signal)
      .then((picture) => this.#keep(url, picture))
      .finally(() => {
        if (this.#loading.get(url)?.abort === abort) this.#loading.delete(url);
        this.#startNext();
      });
    this.#loading.set(url, { promise, abort });
    return promise;
  }

  #startNext() {
    while (this.#loading.size < MOST_LOADING && this.#ahead.length) {
      const url = this.#ahead.shift();
      // What fails ahead of time is asked for again, and then reported, when it is wanted.
      if (!this.#kept.has(url)) this.#start(url).catch(() => {});
    }
  }

  #giveUpAllBut(urls) {
    for (const [url, { abort }] of this.#loading) {
      if (urls.has(url)) continue;
      this.#loading.delete(url);
      abort.abort();
    }
  }

  #keep(url, picture) {
    this.#kept.get(url)?.close();
    this.#kept.set(url, picture);
    this.#room = Math.max(LEAST_KEPT, Math.floor(ROOM_BYTES / (4 * picture.width * picture.height)));
    for (const [old, other] of this.#kept) {
      if (this.#kept.size <= this.#room) break;
      this.#kept.delete(old);
      other.close();
    }
    return picture;
  }
}

async function loadPicture(url, signal) {
  const response = await answer(url, signal);
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw Object.assign(new Error(body?.error ?? `refused (${response.status})`), { status: response.status });
  }
  return createImageBitmap(await response.blob());
}

/** Ask until the server does not answer others first; the signal ends that once the picture is not wanted any more. */
async function answer(url, signal) {
  for (;;) {
    const response = await fetch(url, { signal, credentials: "same-origin" });
    if (response.status !== PUSHED_OUT) return response;
    await new Promise((resolve) => { setTimeout(resolve, LET_PASS_MS); });
  }
}
