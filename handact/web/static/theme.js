// Runs before the first paint, so that a dark page never flashes white: sets `data-theme` on <html> to what
// is to be shown, "light" or "dark". The choice ("auto", "light", "dark") is kept by this browser.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const choice = () => localStorage.getItem("handact.theme") ?? "auto";

  const apply = () => {
    const chosen = choice();
    const shown = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    if (document.documentElement.dataset.theme === shown) return;
    document.documentElement.dataset.theme = shown;
    // What is drawn on a canvas does not follow the style sheet by itself.
    document.dispatchEvent(new Event("themechange"));
  };

  window.handactTheme = {
    choice,
    choose(theme) {
      localStorage.setItem("handact.theme", theme);
      apply();
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
