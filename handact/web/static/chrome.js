/** The parts of the page around the view: toasts, the two dialogs, the switch of the theme. */

import { el } from "./elements.js";

const $ = (id) => document.getElementById(id);
const TOAST_MS = { info: 4000, error: 9000 };
const MOST_TOASTS = 4;

/** Say something for a while. `kind` is "info" or "error". */
export function toast(text, kind = "info") {
  const said = [...$("toasts").children].find((other) => other.textContent === text);
  said?.remove();
  const box = el("p", { class: "toast", "data-kind": kind }, text);
  $("toasts").append(box);
  if ($("toasts").children.length > MOST_TOASTS) $("toasts").firstChild.remove();
  setTimeout(() => box.remove(), TOAST_MS[kind] ?? TOAST_MS.info);
}

/** Ask; resolves to whether the person said yes. */
export function confirm(text, { yes = "Continue" } = {}) {
  const dialog = $("confirm-dialog");
  $("confirm-text").textContent = text;
  dialog.querySelector("[value=yes]").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** The list of keys: `set(rows, title)` with rows of [keys, text] or [heading] for those that follow, `open()`. */
export const help = {
  set(rows, title = "Keys") {
    $("help-title").textContent = title;
    $("help-rows").replaceChildren(...helpSections(rows));
  },
  open() {
    if (!$("help-dialog").open) $("help-dialog").showModal();
  },
};

/** One list for each heading, so that the lists can stand side by side. */
function helpSections(rows) {
  const sections = [];
  for (const row of rows) {
    if (row.length === 1 || !sections.length) sections.push(helpSection(row.length === 1 ? row[0] : ""));
    if (row.length > 1) sections.at(-1).querySelector("dl").append(...helpRow(row));
  }
  return sections;
}

function helpSection(heading) {
  return el("section", {}, heading && el("h3", {}, heading), el("dl", { class: "keys" }));
}

function helpRow([keys, text]) {
  const names = keys.split(" / ").flatMap((key) => [el("kbd", {}, key), " "]);
  return [el("dt", {}, names), el("dd", {}, text)];
}

/** Let the button in the header go through the themes. */
export function showTheme() {
  const themes = ["auto", "light", "dark"];
  const button = $("theme");
  const show = () => {
    const theme = window.handactTheme.choice();
    button.textContent = { auto: "◐ Auto", light: "○ Light", dark: "● Dark" }[theme];
    button.title = "Light, dark, or as the system says";
    button.setAttribute("aria-label", `Theme: ${theme}`);
  };
  button.addEventListener("click", () => {
    const at = themes.indexOf(window.handactTheme.choice());
    window.handactTheme.choose(themes[(at + 1) % themes.length]);
    show();
  });
  for (const dialog of document.querySelectorAll("dialog")) {
    // A click beside a dialog closes it, as Escape does.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close("no"));
  }
  show();
}
