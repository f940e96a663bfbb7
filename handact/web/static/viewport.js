/** Where the picture lies on its stage: fitted, or zoomed at a point and moved. All in CSS pixels. */

const MOST_ZOOM = 40;

export class Viewport {
  /** 1 shows the whole picture. */
  zoom = 1;
  /** The point of the picture (0..1) in the middle of the stage. */
  centre = [0.5, 0.5];
  stage = [1, 1];
  picture = [1, 1];

  fit() {
    this.zoom = 1;
    this.centre = [0.5, 0.5];
  }

  /** Zoom by `factor`, so that what lies at `at` (stage pixels) stays there. */
  zoomAt(factor, at) {
    const before = this.toPicture(at);
    this.zoom = clamp(this.zoom * factor, 1, MOST_ZOOM);
    const size = this.#size();
    this.centre = before.map((x, k) => x - (at[k] - this.stage[k] / 2) / size[k]);
    this.#hold();
  }

  /** Move the picture by so many stage pixels. */
  pan(move) {
    const size = this.#size();
    this.centre = this.centre.map((x, k) => x - move[k] / size[k]);
    this.#hold();
  }

  /** Take the size of the stage and of the picture anew. */
  resize(stage, picture) {
    this.stage = stage;
    this.picture = picture;
    this.#hold();
  }

  /** Left, top, width and height of the whole picture, on the stage and beyond. */
  rectangle() {
    const [width, height] = this.#size();
    const [left, top] = this.toScreen([0, 0]);
    return { left, top, width, height };
  }

  toScreen([x, y]) {
    const size = this.#size();
    return [this.stage[0] / 2 + (x - this.centre[0]) * size[0], this.stage[1] / 2 + (y - this.centre[1]) * size[1]];
  }

  toPicture(at) {
    const size = this.#size();
    return at.map((x, k) => this.centre[k] + (x - this.stage[k] / 2) / size[k]);
  }

  #size() {
    const [width, height] = this.picture;
    const scale = Math.min(this.stage[0] / width, this.stage[1] / height) * this.zoom;
    return [Math.max(width * scale, 1), Math.max(height * scale, 1)];
  }

  /** No edge of the picture comes further in than it must. */
  #hold() {
    const size = this.#size();
    this.centre = this.centre.map((x, k) => {
      const half = this.stage[k] / 2 / size[k];
      return half >= 0.5 ? 0.5 : clamp(x, half, 1 - half);
    });
  }
}

function clamp(x, least, most) {
  return Math.min(Math.max(x, least), most);
}
