// Runs before the first paint: the kept choice, else what the system prefers.
const kept = localStorage.getItem("theme");
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = kept ?? (isDark ? "dark" : "light");
