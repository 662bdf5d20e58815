// Sets the chosen theme before the first paint. A file of its own: the server's policy allows no inline scripts.
try {
  const theme = localStorage.getItem("postrider.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's preference holds.
}
