/** Builds the page of the workbench: picture, panels, tools, timeline. */

import { TOOLS, ZOOMS } from "./commands.js";
import { el, icon } from "./elements.js";

const TRANSPORT = [
  ["back", "back", "One frame back", "←", (bench) => bench.player.step(-1)],
  ["play", "play", "Play or pause", "Space", (bench) => bench.player.toggle()],
  ["on", "on", "One frame on", "→", (bench) => bench.player.step(1)],
];

const SLOWER = ["slower", "slower", "Slower", ",", (bench) => bench.player.shiftRate(-1)];
const FASTER = ["faster", "faster", "Faster", ".", (bench) => bench.player.shiftRate(1)];

/** The elements of the page by name; a click on a tool calls `run` with what it does. `tools` are a view's own. */
export function buildPage(tools, run) {
  const parts = {
    picture: el("div", { class: "bench-picture" }),
    side: el("aside", { class: "panel", "aria-label": "Panels" }),
    clock: el("p", { class: "bench-clock", title: "Time and frame on screen" }),
    rate: el("span", { class: "bench-rate", title: "Speed", "data-testid": "rate" }),
    status: el("p", { class: "bench-status", "data-testid": "status" }),
    timeline: el("div", { class: "bench-timeline" }),
  };
  const button = (tool) => toolButton(tool, run);
  const groups = (list) => grouped(list).map((each) => toolGroup(each.map(button)));
  parts.bar = el("div", { class: "bench-bar", role: "toolbar", "aria-label": "Tools" },
    groups(TRANSPORT), parts.clock, toolGroup([button(SLOWER), parts.rate, button(FASTER)]),
    groups(TOOLS), groups(tools), parts.status, groups(ZOOMS));
  parts.root = el("div", { class: "bench" },
    el("div", { class: "bench-stage" }, parts.picture, parts.side), parts.bar, parts.timeline);
  parts.tool = (id) => parts.bar.querySelector(`[data-testid="do-${id}"]`);
  return parts;
}

/** A list with gaps (null) as a list of lists. */
function grouped(tools) {
  const groups = [[]];
  for (const tool of tools) {
    if (tool) groups.at(-1).push(tool);
    else groups.push([]);
  }
  return groups.filter((each) => each.length);
}

const toolGroup = (children) => el("div", { class: "tools" }, children);

function toolButton([id, glyph, title, key, act], run) {
  return el("button", {
    type: "button", class: "tool", title: `${title} (${key})`, "aria-label": title, "data-testid": `do-${id}`,
    onclick: () => run(act),
  }, icon(glyph));
}
