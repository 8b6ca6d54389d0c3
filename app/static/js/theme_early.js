// Before the first paint: the theme this browser chose. A classic script, because modules run late.
(() => {
  const theme = localStorage.getItem("mado-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
