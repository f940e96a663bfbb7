// Runs before the first paint, so that a dark page never flashes white: sets `data-theme` on <html> to what
// is to be shown, "light" or "dark". The choice ("auto", "light", "dark") is kept by this browser.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "handact.theme";
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // A private window keeps nothing.
  }

  const choice = () => chosen ?? "auto";

  const apply = () => {
    const system = dark.matches ? "dark" : "light";
    const shown = choice() === "auto" ? system : choice();
    if (document.documentElement.dataset.theme === shown) return;
    document.documentElement.dataset.theme = shown;
    // What is drawn on a canvas does not follow the style sheet by itself.
    document.dispatchEvent(new Event("themechange"));
  };

  window.handactTheme = {
    choice,
    choose(theme) {
      chosen = theme;
      apply();
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // It holds for this page.
      }
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
