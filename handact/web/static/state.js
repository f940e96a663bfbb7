/** What a reload comes back to (video, frame, run, ...), kept in the hash of the address. */

/** Browsers refuse more than some 200 changes of the address in 10 s; a held arrow key makes more. */
const PAUSE_MS = 120;

/** Map-like: `get(key)` is a string or null; `set(key, null)` forgets it. */
export function createState() {
  const values = new URLSearchParams(location.hash.slice(1));
  let timer = null;

  const write = () => {
    clearTimeout(timer);
    timer = null;
    const hash = `#${values}`;
    if (location.hash !== hash) history.replaceState(history.state, "", hash);
  };

  window.addEventListener("pagehide", write);
  window.addEventListener("beforeunload", write);
  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (value === null || value === undefined) values.delete(key);
      else values.set(key, String(value));
      timer ??= setTimeout(write, PAUSE_MS);
    },
    text: () => String(values),
  };
}
