// Keyboard, copying, and what Airflow's frame does not do. The page can be read without JavaScript.
(() => {
  const around = (() => {
    try { return parent !== window && parent.document ? parent : null; } catch { return null; }
  })();
  const one = (what) => document.querySelector(what);
  const notice = (text) => { one("#notice").hidden = !text; one("#notice").textContent = text; };

  // Airflow shows the address of its frame after a load event, so each htmx change dispatches a load event.
  const reportAddress = () => { if (around && window.frameElement) window.frameElement.dispatchEvent(new Event("load")); };
  document.addEventListener("htmx:pushedIntoHistory", reportAddress);

  // The frame cannot open tabs (its sandbox has no allow-popups), so Airflow's page does it.
  const leave = (event, link) => {
    if (!around) return;
    event.preventDefault();
    const twin = around.document.createElement("a");
    Object.assign(twin, { href: link.href, target: "_blank", rel: "noopener noreferrer" });
    around.document.body.append(twin);
    twin.click();
    twin.remove();
  };
  if (!around) {
    const into = one("[data-into-airflow]");
    const base = new URL("../", new URL(one(".home").href));
    into.href = `${base}plugin/partner-sync${location.pathname}${location.search}`;
    into.hidden = false;
  }

  // Times in the browser's zone, which every one of them names.
  const shown = (at, options) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short", ...options }).format(at);
  const localize = () => document.querySelectorAll("time[datetime]:not([data-local])").forEach((time) => {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) return;
    time.dataset.local = "";
    time.title = shown(at, { dateStyle: undefined, day: "numeric", month: "short", year: "numeric", second: "2-digit" });
    if ("clock" in time.dataset) time.textContent = shown(at, { day: "numeric", month: "short" }).replace(",", "");
  });
  localize();
  document.addEventListener("htmx:load", localize);

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch { // not a secure context: the older way
      const field = Object.assign(document.createElement("textarea"), { value: button.dataset.copy, className: "unseen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  };

  const rows = () => [...document.querySelectorAll("[data-row]")];
  const first = (row) => row.querySelector("a[href]");
  const mark = (chosen) => rows().forEach((row) => {
    if (row === chosen) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
  });
  const close = () => {
    const detail = one("[data-detail]");
    if (!detail) return false;
    const row = one(`#row-${detail.dataset.detail}`);
    const address = new URL(location.href);
    address.searchParams.delete("change");
    history.pushState({ htmx: true }, "", address);
    detail.remove();
    mark(null);
    if (row) row.focus();
    reportAddress();
    return true;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    const link = event.target.closest("a[target=_blank]");
    if (button) copy(button);
    if (link) leave(event, link);
    if (event.target.closest("[data-close]")) close();
    const row = event.target.closest(".changes [data-row]");
    if (row && !event.target.closest("a, button") && !String(getSelection())) first(row).click();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && !close() && typing) event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      (one("#search") || one("[data-search]")).focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = rows();
    if (!step || !all.length) return;
    event.preventDefault();
    const here = event.target.closest("[data-row]") || one("[data-row][aria-current]");
    const next = here ? all.indexOf(here) + step : step > 0 ? 0 : all.length - 1;
    first(all[Math.max(0, Math.min(all.length - 1, next))]).focus();
  });

  // Leave empty choices out of the address.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.target.matches("[data-filters]")) return;
    const { formData } = event.detail;
    for (const [name, value] of [...formData.entries()]) if (!value) formData.delete(name);
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const asked = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (asked && asked.matches(".changes [data-row] a")) {
      mark(asked.closest("[data-row]"));
      one("[data-detail] h2").focus();
    }
    if (one("#notice")) notice("");
  });
  document.addEventListener("htmx:afterSettle", () => {
    const open = one("[data-detail]");
    if (open) mark((one(`#row-${open.dataset.detail}`) || document.body).closest("[data-row]"));
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 404 && event.detail.elt.id === "live") return; // no plan yet: the page polls
    notice(status === 401 ? "You are logged out. Log in to Airflow and reload this page." : `The page cannot be updated (${status}). Reload it.`);
  });
  document.addEventListener("htmx:sendError", () => notice("Airflow does not respond. This page may be out of date. It keeps trying."));
})();
