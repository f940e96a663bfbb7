/** What the workbench can do, by button and by key. */

const ZOOM = 1.6;
const zoomIn = (bench) => bench.timeline?.zoomBy(ZOOM);
const zoomOut = (bench) => bench.timeline?.zoomBy(1 / ZOOM);

/** The tools: [id, icon, title, key to show, what it does]; a null is a gap. */
export const TOOLS = [
  ["start", "start", "Start here", "I", (bench) => bench.markStart()],
  ["end", "end", "End after this frame", "O", (bench) => bench.markEnd()],
  null,
  ["split", "split", "Split here", "S", (bench) => bench.split()],
  ["merge", "merge", "Merge with the next", "M", (bench) => bench.merge()],
  ["delete", "remove", "Delete", "Del", (bench) => bench.remove()],
  ["loop", "loop", "Loop the segment", "P", (bench) => bench.loop()],
  null,
  ["undo", "undo", "Undo", "Ctrl Z", (bench) => bench.undo()],
  ["redo", "redo", "Redo", "Ctrl Y", (bench) => bench.redo()],
];

/** The tools of the timeline. */
export const ZOOMS = [
  ["zoom-out", "farther", "Zoom out", "−", zoomOut],
  ["zoom-in", "closer", "Zoom in", "+", zoomIn],
  ["zoom-segment", "segment", "Zoom to the segment", "Z", (bench) => bench.zoomToSegment()],
  ["fit", "fit", "The whole video", "F", (bench) => bench.timeline?.fit()],
];

/** Keys without modifiers, by `event.key` in lower case. */
export const KEYS = {
  i: (bench) => bench.markStart(),
  "[": (bench) => bench.markStart(),
  o: (bench) => bench.markEnd(),
  "]": (bench) => bench.markEnd(),
  s: (bench) => bench.split(),
  m: (bench) => bench.merge(),
  delete: (bench) => bench.remove(),
  backspace: (bench) => bench.remove(),
  p: (bench) => bench.loop(),
  f: (bench) => bench.timeline.fit(),
  z: (bench) => bench.zoomToSegment(),
  "+": zoomIn,
  "=": zoomIn,
  "-": zoomOut,
  "/": (bench) => bench.palette.find(),
  arrowup: (bench) => bench.neighbour(-1),
  arrowdown: (bench) => bench.neighbour(1),
  escape: (bench) => bench.cancel(),
};

/** The same with Shift. */
export const SHIFTED = {
  i: (bench) => bench.trim("start"),
  o: (bench) => bench.trim("end"),
};

/** Rows for the help of both views. */
export const EDITING_HELP = [
  ["Labels"],
  ["I / O", "start here; end after this frame (also [ and ])"],
  ["0 … 9 / b … y", "class: of the marked range, else of the selected segment, else begins a segment here; again ends it"],
  ["/", "find a class by its name; Enter takes the first that fits, as its key does"],
  ["Shift I / Shift O", "let the selected segment start or end here"],
  ["Alt ← / Alt →", "move the nearer boundary of the segment by a frame"],
  ["S / M", "split here; merge with the next"],
  ["Delete", "delete the segment"],
  ["Ctrl Z / Ctrl Y", "undo, redo"],
  ["Escape", "give up a mark, a drag, a selection"],
  ["Timeline"],
  ["↑ / ↓", "previous, next segment"],
  ["P", "loop the segment"],
  ["Z / F", "zoom to the segment; the whole video"],
  ["+ / −", "zoom in, out; also the wheel, and Shift with it to move"],
  ["Mouse", "drag a boundary (Alt: without its neighbour, Ctrl: without snapping); drag an empty part to mark a range"],
];
