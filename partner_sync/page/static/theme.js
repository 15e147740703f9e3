// Light or dark as in Airflow: the page around the frame, else its stored choice, else the system preference.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const around = () => {
    try { return parent === window ? null : parent.document.documentElement; } catch { return null; }
  };
  const chosen = () => {
    const frame = around();
    for (const name of ["dark", "light"]) if (frame && frame.classList.contains(name)) return name;
    try {
      const stored = localStorage.getItem("theme");
      if (stored === "dark" || stored === "light") return stored;
    } catch { /* no storage: the system decides */ }
    return system.matches ? "dark" : "light";
  };
  const apply = () => {
    if (document.documentElement.dataset.theme !== chosen()) document.documentElement.dataset.theme = chosen();
  };
  apply();
  addEventListener("storage", apply);
  system.addEventListener("change", apply);
  if (around()) new MutationObserver(apply).observe(around(), { attributeFilter: ["class"] });
})();
