// Light or dark: as the system says, or as the reader chose.

function theme() {
  const button = byId("theme"), root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("loopwright-theme");
    } catch {
      return null;
    }
  };
  const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => (button.textContent = dark() ? "Light" : "Dark");
  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
    try {
      localStorage.setItem("loopwright-theme", root.dataset.theme);
    } catch {
      // A file opened from disk may have no storage; the choice then lasts as long as the page.
    }
  });
  system.addEventListener("change", label);
  label();
}

theme();
