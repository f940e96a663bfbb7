/** Colours and sizes of the style sheet that are needed in script, as they are now. */

const NAMES = ["paper", "card", "ink", "quiet", "line", "link", "bad", "warn", "neutral", "left", "right"];

let colours = null;
// Those who draw hear of it later, as they began to listen later.
document.addEventListener("themechange", () => { colours = null; });

/** The colours by name, and `font`; the same object until the theme changes. */
export function palette() {
  colours ??= readPalette();
  return colours;
}

function readPalette() {
  const style = getComputedStyle(document.body);
  const read = (name) => [name, style.getPropertyValue(`--${name}`).trim()];
  return { ...Object.fromEntries(NAMES.map(read)), font: style.fontFamily };
}

/** What is drawn grows with the text, which grows with the screen; a unit is a pixel on a small one. */
export function unit() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;
}
