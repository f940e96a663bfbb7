/** Boots the page: header, list of videos, help, toasts, and the view that the address names. */

import { get, resumeEdits, saving } from "./api.js";
import { confirm, help, showTheme, toast } from "./chrome.js";
import { el } from "./elements.js";
import { palette } from "./palette.js";
import { createState } from "./state.js";
import { VideoList } from "./videolist.js";

const VIEWS = ["hands", "actions", "review"];
const $ = (id) => document.getElementById(id);

/** What a view gets to see of the page. */
class App {
  #handlers = [];

  constructor(project) {
    this.project = project;
    this.state = createState();
    this.toast = toast;
    this.help = help.set;
    this.confirm = confirm;
    this.videoList = new VideoList();
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Hand keys to `handler(event)`, which says whether it took them. */
  onKey(handler) {
    this.#handlers.push(handler);
  }

  colour(name) {
    return this.project.classes.find((c) => c.name === name)?.colour ?? palette().neutral;
  }

  /** Show `videos` ([{name, note, share}]), the `current` one marked; `onPick(name)` when a person picks one. */
  setVideoList(list) {
    this.videoList.set(list);
  }

  #key(event) {
    if (event.defaultPrevented || event.isComposing || isElsewhere(event)) return;
    const taken = this.#handlers.some((handler) => handler(event)) || this.#ownKey(event);
    if (taken) event.preventDefault();
  }

  #ownKey(event) {
    const by = isCommand(event) ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : 0;
    if (by) {
      if (!this.videoList.pick(by)) toast(by > 0 ? "This is the last video" : "This is the first video");
      return true;
    }
    if (event.key !== "?") return false;
    help.open();
    return true;
  }
}

/** Whether Ctrl is held, or what a Mac has for it, and nothing else. */
function isCommand({ ctrlKey, metaKey, shiftKey, altKey }) {
  return (ctrlKey || metaKey) && !shiftKey && !altKey;
}

/** Whether a key belongs to what has the focus: a dialog, a field, or a control that Enter or space press. */
function isElsewhere(event) {
  if (document.querySelector("dialog[open]")) return true;
  const focused = event.target;
  if (!(focused instanceof Element)) return false;
  if (focused.closest("input:not([type=checkbox], [type=radio]), select, textarea")) {
    if (event.key === "Escape") focused.blur();
    return true;
  }
  const pressed = event.key === "Enter" || event.key === " ";
  return pressed && Boolean(focused.closest("button, a[href], input, summary"));
}

/** A click leaves the focus where it is: else the next space would press the button again, not play. */
function keepFocusOffButtons() {
  document.addEventListener("mousedown", (event) => {
    const button = event.target.closest?.("button, a[href], label");
    if (button && !button.closest("dialog")) event.preventDefault();
  });
}

const SAVED = {
  saved: () => ["saved", ""],
  kept: ({ problem }) => [`kept in edits.jsonl: ${problem}`, `Every edit is safe. The table is written as soon as it can be: ${problem}`],
  saving: () => ["saving…", ""],
  failing: ({ why, isKept }) => isKept
    ? [`NOT SAVED: ${why}`, "Kept in this browser, and sent again each second"]
    : [`NOT SAVED: ${why}; this browser keeps nothing`, "Sent again each second, for as long as this page is open"],
};

function showSaved() {
  const state = saving.state === "saved" && saving.problem ? "kept" : saving.state;
  const [text, title] = SAVED[state](saving);
  Object.assign($("saved"), { textContent: text, title });
  $("saved").dataset.state = state;
}

function showTabs(view, state) {
  for (const tab of $("tabs").children) {
    if (tab.dataset.view === view) tab.setAttribute("aria-current", "page");
    // The other views open at the same place.
    tab.addEventListener("click", () => {
      tab.href = `/${tab.dataset.view}#${state.text()}`;
    });
  }
}

function chooseVideo({ project, state }) {
  const names = project.videos.map((video) => video.name);
  const asked = state.get("video");
  if (names.includes(asked)) return;
  if (asked) toast(`There is no video “${asked}” in this dataset.`, "error");
  state.set("frame", null);
  state.set("video", project.video ?? names[0] ?? null);
}

function showFailure(error) {
  const hint = error.hint ? ` ${error.hint}` : "";
  const text = `This page could not open: ${error.message}.${hint}`;
  $("view").replaceChildren(el("p", { class: "empty" }, text));
  console.error(error);
}

async function boot() {
  const name = VIEWS.find((each) => location.pathname === `/${each}`) ?? "actions";
  let view = null;
  keepFocusOffButtons();
  showTheme();
  saving.addEventListener("change", showSaved);
  window.addEventListener("beforeunload", (event) => {
    if (saving.state === "failing" || view?.isUnfinished) event.preventDefault();
  });
  $("help-button").addEventListener("click", help.open);

  const app = new App(await get("/api/project"));
  $("project").textContent = app.project.name;
  document.title = `${app.project.name} · ${name} · handact`;
  chooseVideo(app);
  showTabs(name, app.state);
  app.setVideoList({ videos: app.project.videos, current: app.state.get("video") });

  const refused = await resumeEdits(app.project.id);
  for (const error of refused) toast(`An edit from before no longer fits and was left out: ${error.message}`, "error");

  const { open } = await import(`./${name}.js`);
  view = await open(app, $("view"));
  $("loading")?.remove();
  window.handact = { app, player: view?.player ?? null, view };
  // Another address typed into this tab: start anew rather than guess what of the view still holds.
  window.addEventListener("hashchange", () => location.reload());
}

boot().catch(showFailure);
