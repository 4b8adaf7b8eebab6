// Before the first paint: the theme that was chosen here, else the system's, also when that changes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.classList.toggle("system-dark", system.matches);
  follow();
  system.addEventListener("change", follow);
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
})();
