// Runs before the first paint, so that no page flashes in the wrong theme. Everything else waits in assay.js.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const cookie = document.cookie.match(/(?:^|; )theme=(light|dark|auto)(?:;|$)/);

  const show = theme => {
    if (root.dataset.bsTheme === theme) return;
    root.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("assay:theme"));
  };
  const paint = () => {
    const choice = root.dataset.theme;
    show(choice === "auto" ? (system.matches ? "dark" : "light") : choice);
  };

  root.classList.add("js");
  root.dataset.theme = cookie ? cookie[1] : root.dataset.theme || "auto";
  paint();
  system.addEventListener("change", paint);
  addEventListener("beforeprint", () => show("light")); // paper is white
  addEventListener("afterprint", paint);
  document.addEventListener("assay:choose-theme", event => {
    root.dataset.theme = event.detail;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${event.detail}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    paint();
  });
})();
