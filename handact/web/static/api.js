/**
 * Talks to the server. Reads are plain; edits go through a queue that survives a server that is down, a
 * reload and a closed tab: an edit leaves what the browser keeps only when the server has answered.
 */

import { keysLike, recall, remember } from "./storage.js";

const RETRY_MS = 1000;
const PATIENCE_MS = 20_000;
const KEPT = "handact.edits.";
/** A browser takes along no more than 64 KiB of requests that outlive their page. */
const OUTLIVES_PAGE = 30_000;

/** What the server refused (`status` 4xx, 5xx), or that it does not answer (`status` 0). */
export class ApiError extends Error {
  constructor(status, message, hint = null, body = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.hint = hint;
    this.body = body;
  }
}

/** GET JSON. */
export function get(path) {
  return request(path, { cache: "no-store" });
}

/** POST JSON, once: for what may be asked again at no harm. Edits of labels go through `edit`. */
export function post(path, body = {}) {
  return request(path, sending(body));
}

/** The address of exactly frame `i` of a video (the JSON of /api/videos/V). */
export function frameUrl(video, i) {
  return `/frames/${encodeURIComponent(video.name)}/${i}.jpg?v=${encodeURIComponent(video.version)}`;
}

/** The address of the video's stream. */
export function mediaUrl(video) {
  return `/media/${encodeURIComponent(video.name)}?v=${encodeURIComponent(video.version)}`;
}

/** When each frame begins, and at last the end: a Float64Array of `frames + 1` seconds. */
export async function times(video) {
  const response = await answer(`/api/videos/${encodeURIComponent(video.name)}/times`, {});
  return new Float64Array(await response.arrayBuffer());
}

function sending(body, headers = {}) {
  return { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** Ask for JSON of the dataset of this page: another one may be served at this address by now, which refuses. */
async function request(path, { headers = {}, ...options }) {
  const about = dataset ? { "X-Dataset": dataset } : {};
  return (await answer(path, { ...options, headers: { ...headers, ...about } })).json();
}

async function answer(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "the server does not answer", "Is `handact label` still running?");
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => "");
  const body = parse(text);
  const message = body?.error ?? (text.trim().slice(0, 200) || `the server refused this (${response.status})`);
  throw new ApiError(response.status, message, body?.hint ?? null, body);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// ---- edits ------------------------------------------------------------------------------------------

/**
 * Tells of `change` whenever `saving.state` ("saved", "saving", "failing"), `saving.why` or `saving.isKept` (whether
 * this browser keeps what is not saved yet) may have changed, or `saving.problem`: why the server cannot write a
 * table for now, whose edits are safe in its journal.
 */
export const saving = new EventTarget();
saving.state = "saved";
saving.why = null;
saving.isKept = true;
saving.problem = null;

const page = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
const queue = [];
let edits = 0;
/** The dataset that this page was loaded from, whatever is served here later. */
let dataset = null;
let sender = null;

/**
 * Send an edit after all that were made before it; resolves to the server's answer.
 *
 * Rejects with ApiError only when the server has read the edit and refused it (409: it does not fit what
 * is there by now). When the server does not answer it is kept and sent again until it does.
 */
export function edit(path, body = {}) {
  edits += 1;
  return enqueue({ id: `${page}-${edits}`, path, body, tries: 0 });
}

/**
 * Take up edits that earlier pages of this dataset could not send; resolves when all have been answered.
 *
 * `id` tells datasets apart that are served at one address one after the other. Resolves to the
 * ApiErrors of what no longer fitted.
 */
export async function resumeEdits(id) {
  dataset ??= id;
  holdPage();
  const answers = await Promise.allSettled(await abandonedEdits());
  return answers.filter((a) => a.status === "rejected").map((a) => a.reason);
}

function enqueue(entry) {
  return new Promise((resolve, reject) => {
    queue.push({ ...entry, resolve, reject });
    keep();
    tell("saving");
    sender ??= sendAll();
  });
}

async function sendAll() {
  try {
    while (queue.length) await sendFirst();
    tell("saved");
  } finally {
    // Whatever went wrong, the next edit is sent.
    sender = null;
  }
}

async function sendFirst() {
  const [entry] = queue;
  try {
    settle(entry.resolve, await send(entry));
  } catch (error) {
    if (isRefusal(error)) {
      refuse(entry, error);
      return;
    }
    entry.tries += 1;
    tell("failing", error.message);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function settle(how, value) {
  queue.shift();
  keep();
  if (queue.length) tell("saving");
  how(value);
}

function send(entry) {
  // The name of the edit lets the server know one that it has done already, but whose answer was lost.
  const options = sending(entry.body, { "X-Edit": entry.id });
  options.keepalive = options.body.length < OUTLIVES_PAGE;
  options.signal = AbortSignal.timeout(PATIENCE_MS);
  return request(entry.path, options);
}

/** Whether the server has read this edit and will not have it. A lost session, another dataset or a full disk may yet be mended. */
function isRefusal(error) {
  const { status } = error;
  return status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
}

function refuse(entry, error) {
  const state = error.body?.state;
  if (error.status === 409 && entry.tries > 0 && state && isDone(entry.body, state)) {
    settle(entry.resolve, state);
    return;
  }
  settle(entry.reject, error);
}

/** Whether `state` is as the edit wants it: it was carried out by a server that died before it could say so. */
function isDone({ add = [], remove = [] }, state) {
  const there = new Set((state.segments ?? state.labels ?? []).map((row) => JSON.stringify(row)));
  const added = new Set(add.map((row) => JSON.stringify(row)));
  const gone = remove.map((row) => JSON.stringify(row)).filter((row) => !added.has(row));
  return [...added].every((row) => there.has(row)) && gone.every((row) => !there.has(row));
}

function tell(state, why = null) {
  if (saving.state === state && saving.why === why) return;
  // While the server is away each new try is not yet a change for the better.
  if (state === "saving" && saving.state === "failing" && queue[0]?.tries > 0) return;
  saving.state = state;
  saving.why = why;
  saving.dispatchEvent(new Event("change"));
}

function tellProblem(problem) {
  if (saving.problem === problem) return;
  saving.problem = problem;
  saving.dispatchEvent(new Event("change"));
}

// ---- what outlives the page -------------------------------------------------------------------------

function keep() {
  const entries = queue.map(({ id, path, body }) => ({ id, path, body }));
  const isKept = remember(KEPT + page, entries.length ? JSON.stringify({ dataset, entries }) : null);
  if (isKept === saving.isKept) return;
  saving.isKept = isKept;
  saving.dispatchEvent(new Event("change"));
}

/** Hold a lock for as long as this page lives, so that other pages do not take its edits for abandoned ones. */
function holdPage() {
  navigator.locks?.request(KEPT + page, () => new Promise(() => {}));
}

/** Promises of the answers to what pages that are gone have left behind. */
async function abandonedEdits() {
  const keys = keysLike(KEPT).filter((key) => key !== KEPT + page);
  const found = await Promise.all(keys.map(takeOver));
  return found.flat();
}

async function takeOver(key) {
  if (!navigator.locks) return takeKept(key);
  return navigator.locks.request(key, { ifAvailable: true }, (lock) => (lock ? takeKept(key) : []));
}

function takeKept(key) {
  const kept = parse(recall(key));
  if (kept?.dataset !== dataset) return [];
  const answers = kept.entries.map((entry) => enqueue({ ...entry, tries: 1 }));
  remember(key, null);
  return answers;
}

// ---- other tabs -------------------------------------------------------------------------------------

/** Ask every 3 s, while the page is seen, what has changed; calls `changed(versions)`. Returns what ends it. */
export function watchVersions(changed) {
  const timer = setInterval(async () => {
    if (document.hidden || queue.length) return;
    try {
      const { versions, problem } = await get("/api/versions");
      tellProblem(problem);
      await changed(versions);
    } catch {
      // The next edit or picture will say that the server is away.
    }
  }, 3000);
  return () => clearInterval(timer);
}
