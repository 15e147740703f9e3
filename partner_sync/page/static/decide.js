// Decisions: a form starts a run of the DAG through Airflow's own API, as the user who is signed in.
(() => {
  const RUNS = "../api/v2/dags/partner_sync/dagRuns";
  const REFUSED = {
    401: "You are logged out. Log in to Airflow and reload this page.",
    403: "Airflow refused: you do not have permission to trigger this DAG.",
  };
  const boxes = (form) => [...form.querySelectorAll("[name=row]")];
  const chosen = (form) => boxes(form).filter((box) => box.checked);
  const whole = (form) => chosen(form).length === boxes(form).length;
  const count = (form) => (whole(form) ? Number(form.dataset.total || 1) : chosen(form).length);

  // All rows are named by what has them, some rows one by one: these rows and no others.
  const ids = (form) => (whole(form) ? [form.dataset.whole] : chosen(form).map((box) => `${form.dataset.whole}:${box.value}`));
  const conf = (form, does) => (does ? { [does]: ids(form) } : JSON.parse(form.dataset.conf));

  const show = (form) => {
    const number = count(form).toLocaleString("en");
    const all = form.querySelector("[data-all]");
    if (all) {
      all.checked = whole(form);
      all.indeterminate = !whole(form) && chosen(form).length > 0;
      document.querySelector("[data-chosen]").textContent = `${number} of ${Number(form.dataset.total).toLocaleString("en")} selected`;
    }
    form.querySelectorAll("[name=does]").forEach((button) => {
      button.disabled = count(form) === 0;
      if (button.dataset.says) button.textContent = `${button.dataset.says} ${number}`;
    });
  };

  const post = (body) => fetch(RUNS, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const reason = async (response) => {
    const { detail } = await response.json().catch(() => ({}));
    const text = typeof detail === "string" ? detail : (detail || []).map((one) => one.msg).join(", ");
    return REFUSED[response.status] || `Airflow did not start the run (${response.status}). ${text}`;
  };

  const start = async (form, does) => {
    const runId = `manual__${new Date().toISOString()}_${Math.random().toString(36).slice(2, 8)}`;
    const note = (new FormData(form).get("note") || "").trim();
    const asked = note ? { ...conf(form, does), note } : conf(form, does); // a task does not see the note of its run
    const body = { dag_run_id: runId, logical_date: null, conf: asked, note: note || null };
    let response = await post(body);
    if (response.status === 500) response = await post(body); // the same id: a second try is not a second run
    if (!response.ok && response.status !== 409) throw new Error(await reason(response));
    const next = new URL(form.dataset.next || "run", location.href);
    next.searchParams.set(form.dataset.watch || "started", runId);
    location.href = next;
  };

  // Only a button decides: Enter in a field does not.
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-decide]")) event.preventDefault(); });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-decide] [name=does]");
    const form = button && button.form;
    if (!form || !form.reportValidity()) return;
    const buttons = form.querySelectorAll("[name=does]");
    const refused = form.querySelector(".refused");
    buttons.forEach((one) => { one.disabled = true; });
    refused.hidden = true;
    try {
      await start(form, button.value);
    } catch (error) {
      refused.textContent = error instanceof TypeError ? "Airflow does not respond. Nothing was started." : error.message;
      refused.hidden = false;
      show(form);
    }
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-decide]");
    if (!form) return;
    // A row is named by its account, so rows of one account are chosen together.
    const all = event.target.matches("[data-all]");
    boxes(form).filter((box) => all || box.value === event.target.value).forEach((box) => { box.checked = event.target.checked; });
    show(form);
  });
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-within]")) return;
    const sought = event.target.value.trim().toLowerCase();
    document.querySelectorAll("[data-decide] [data-row]").forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(sought); });
  });
  const showAll = () => document.querySelectorAll("[data-decide]").forEach(show);
  showAll();
  document.addEventListener("htmx:afterSettle", showAll);
})();
