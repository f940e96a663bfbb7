/** Boots the page: header, list of videos, help, toasts, and the view that the address names. */

import { get, resumeEdits, saving } from "./api.js";
import { createState } from "./state.js";
import { confirm, help, showTheme, toast } from "./chrome.js";
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

  /** Hand keys to `handler(event)`, which says whether it took them; returns what ends it. */
  onKey(handler) {
    this.#handlers.push(handler);
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== handler);
    };
  }

  async reloadProject() {
    this.project = await get("/api/project");
    return this.project;
  }

  colour(name) {
    return this.project.classes.find((c) => c.name === name)?.colour ?? "#8b949e";
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
    if (event.key !== "?") return false;
    help.open();
    return true;
  }
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

const SAVED = { saved: () => "saved", saving: () => "saving…", failing: (why) => `NOT SAVED: ${why}` };

function showSaved() {
  const shown = $("saved");
  shown.textContent = SAVED[saving.state](saving.why);
  shown.dataset.state = saving.state;
  shown.title = saving.state === "failing" ? "Kept in this browser, and sent again each second" : "";
}

function warnOfLeaving(event) {
  if (saving.state === "failing") event.preventDefault();
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
  const root = $("view");
  const text = document.createElement("p");
  text.className = "empty";
  const hint = error.hint ? ` ${error.hint}` : "";
  text.textContent = `This page could not open: ${error.message}.${hint}`;
  root.replaceChildren(text);
  console.error(error);
}

async function boot() {
  const view = VIEWS.find((name) => location.pathname === `/${name}`) ?? "actions";
  keepFocusOffButtons();
  showTheme();
  saving.addEventListener("change", showSaved);
  window.addEventListener("beforeunload", warnOfLeaving);
  $("help-button").addEventListener("click", help.open);

  const app = new App(await get("/api/project"));
  window.handact = { app, player: null, view: null };
  $("project").textContent = app.project.name;
  document.title = `${app.project.name} · ${view} · handact`;
  chooseVideo(app);
  showTabs(view, app.state);
  app.setVideoList({ videos: app.project.videos, current: app.state.get("video"), onPick: () => {} });

  const refused = await resumeEdits(datasetId(app.project));
  for (const error of refused) toast(`An edit from before no longer fits and was left out: ${error.message}`, "error");

  const { open } = await import(`./${view}.js`);
  const opened = await open(app, $("view"));
  $("loading")?.remove();
  window.handact.view ??= opened;
  // Another address typed into this tab: start anew rather than guess what of the view still holds.
  window.addEventListener("hashchange", () => location.reload());
}

/** Tells this dataset from another that was, or will be, served at this address. */
function datasetId(project) {
  return project.id ?? JSON.stringify([project.name, project.videos.map((video) => [video.name, video.frames])]);
}

boot().catch(showFailure);
