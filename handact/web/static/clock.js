/** Times and durations in words of a video editor. */

const two = (n) => String(n).padStart(2, "0");

/** 3723.5 s as "1:02:03.5"; `decimals` digits after the point, cut and not rounded, as a clock does. */
export function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  // A hair is added, so that 0.3 s read from a table of times is not 0.299.
  const ticks = Math.floor(Math.max(0, seconds) * unit + 1e-4);
  const whole = Math.floor(ticks / unit);
  const text = `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return decimals ? `${text}.${String(ticks % unit).padStart(decimals, "0")}` : text;
}

/** A duration for people: "0.48 s", "12.3 s", "3:05", "1:02:03". */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return span(seconds);
}

/** A sum of time: "48.2 s", "3:05", "1:02:03". */
export function span(seconds) {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  return clock(whole);
}
