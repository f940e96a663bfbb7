/** Makes elements and icons. */

/** An element with properties ("class", "data-…", "aria-…" and on… included) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name.includes("-") || !(name in element)) element.setAttribute(name, value === true ? "" : value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/** A panel with a heading. */
export function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), children);
}

/** Strokes on a grid of 16 by 16; a path that begins with "*" is filled. */
const ICONS = {
  play: ["*M4.5 2.5v11l9-5.5z"],
  pause: ["*M4 3h3v10H4zM9 3h3v10H9z"],
  back: ["M10 3.5 5.5 8l4.5 4.5"],
  on: ["M6 3.5 10.5 8 6 12.5"],
  slower: ["M7.5 4 3.5 8l4 4", "M12.5 4l-4 4 4 4"],
  faster: ["M8.5 4l4 4-4 4", "M3.5 4l4 4-4 4"],
  start: ["M10.5 2.5h-4v11h4", "M9 8h5"],
  end: ["M5.5 2.5h4v11h-4", "M7 8H2"],
  split: ["M8 1.5v13", "M5.5 4.5H2v7h3.5", "M10.5 4.5H14v7h-3.5"],
  merge: ["M2 4.5h12v7H2z", "M5 8h6", "M9 6l2 2-2 2"],
  remove: ["M3 4.5h10", "M6.5 4.5v-2h3v2", "M4.5 4.5l.6 9h5.8l.6-9"],
  loop: ["M3 8a5 5 0 0 1 8.5-3.5L13 6", "M13 2.5V6H9.5", "M13 8a5 5 0 0 1-8.5 3.5L3 10", "M3 13.5V10h3.5"],
  undo: ["M5.5 3 2.5 6l3 3", "M2.5 6H10a3.5 3.5 0 0 1 0 7H6"],
  redo: ["M10.5 3l3 3-3 3", "M13.5 6H6a3.5 3.5 0 0 0 0 7h4"],
  fit: ["M2.5 3v10", "M13.5 3v10", "M4.5 8h7", "M6.5 6l-2 2 2 2", "M9.5 6l2 2-2 2"],
  segment: ["M2.5 3v10", "M13.5 3v10", "M5 5.5h6v5H5z"],
  closer: ["M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z", "M10.5 10.5l3 3", "M5 7h4", "M7 5v4"],
  farther: ["M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z", "M10.5 10.5l3 3", "M5 7h4"],
  find: ["M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z", "M10.5 10.5l3 3"],
  accept: ["M2.5 8.5l3.5 4 7.5-9"],
  take: ["M8 2v8.5", "M4.5 7 8 10.5 11.5 7", "M3 13.5h10"],
  next: ["M3.5 3.5 8 8l-4.5 4.5", "M12 3v10"],
  previous: ["M12.5 3.5 8 8l4.5 4.5", "M4 3v10"],
};

/** One of the icons, in the colour of the text around it. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("glyph");
  for (const line of ICONS[name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", line.replace("*", ""));
    if (line.startsWith("*")) path.classList.add("filled");
    svg.append(path);
  }
  return svg;
}

/** A small square in the colour of a class. */
export function swatch(colour) {
  const square = el("i", { class: "swatch" });
  square.style.background = colour;
  return square;
}
