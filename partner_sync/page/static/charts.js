// The overview's charts. Colours come from the stylesheet, so that they follow the theme.
(() => {
  const place = document.querySelector("[data-charts]");
  if (!place) return;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const TYPES = [["open_partner", "update"], ["select_partner", "mark"], ["alliance_partner", "create"]];
  const MORE = ["problem", "rejected", "dim"];
  let data = null;
  let shown = "";
  let drawn = [];

  const hover = { mode: "index", intersect: false };
  const whole = () => ({ beginAtZero: true, ticks: { precision: 0, maxTicksLimit: 6 }, border: { display: false }, grid: { color: colour("line") } });
  const days = (stacked) => ({ stacked, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } });
  const legend = { position: "top", align: "start", labels: { usePointStyle: true, boxHeight: 7, padding: 14 } };

  const ofRuns = () => {
    const { runs } = data;
    const values = (key) => runs.map((run) => run[key]);
    const bars = [["created", "create"], ["updated", "update"], ["marked", "mark"], ["rejected", "rejected"]];
    const go = (event, hit) => { if (hit.length) location.href = runs[hit[0].index].href; };
    const say = { title: (items) => runs[items[0].dataIndex].at, footer: (items) => runs[items[0].dataIndex].caption };
    const options = { onClick: go, onHover: (event, hit) => { event.native.target.style.cursor = hit.length ? "pointer" : ""; }, interaction: hover };
    return [
      new Chart("chart-runs", {
        data: {
          labels: values("label"),
          datasets: [
            { type: "line", label: "problems", data: values("problems"), showLine: false, pointStyle: "rectRot", pointRadius: 4, pointHoverRadius: 6, backgroundColor: colour("problem"), borderColor: colour("problem") },
            ...bars.map(([key, name]) => ({ type: "bar", label: key, data: values(key), stack: "written", pointStyle: "rect", maxBarThickness: 28, backgroundColor: colour(name), borderRadius: 2 })),
          ],
        },
        options: { ...options, plugins: { legend, tooltip: { callbacks: say } }, scales: { x: days(true), y: { ...whole(), stacked: true } } },
      }),
      new Chart("chart-time", {
        data: {
          labels: values("label"),
          datasets: [
            { type: "line", label: "seconds", data: values("seconds"), borderColor: colour("link"), backgroundColor: colour("link"), borderWidth: 2, pointRadius: 2, pointStyle: "circle", tension: 0.2 },
            { type: "bar", label: "calls", data: values("calls"), backgroundColor: colour("emphasis"), yAxisID: "calls", pointStyle: "rect", maxBarThickness: 18 },
          ],
        },
        options: { ...options, plugins: { legend, tooltip: { callbacks: say } }, scales: { x: days(false), y: whole(), calls: { ...whole(), position: "right", grid: { display: false } } } },
      }),
    ];
  };
  const ofPartners = () => {
    const { partners } = data;
    const known = TYPES.filter(([type]) => partners.some((day) => type in day.types));
    const others = [...new Set(partners.flatMap((day) => Object.keys(day.types)))].filter((type) => !TYPES.some(([name]) => name === type));
    const all = [...known, ...others.map((type, at) => [type, MORE[at % MORE.length]])];
    return new Chart("chart-partners", {
      type: "line",
      data: {
        labels: partners.map((day) => day.label),
        datasets: all.map(([type, name]) => ({ label: type.replaceAll("_", " "), data: partners.map((day) => day.types[type] ?? 0), borderColor: colour(name), backgroundColor: colour(name), borderWidth: 2, pointRadius: partners.length > 20 ? 0 : 3, pointStyle: "circle", tension: 0.2 })),
      },
      options: { interaction: hover, plugins: { legend }, scales: { x: days(false), y: whole() } },
    });
  };
  const draw = () => {
    drawn.forEach((chart) => chart.destroy());
    Object.assign(Chart.defaults, { color: colour("dim"), borderColor: colour("line"), animation: false, maintainAspectRatio: false });
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Object.assign(Chart.defaults.plugins.tooltip, { backgroundColor: colour("text"), titleColor: colour("ground"), bodyColor: colour("ground"), footerColor: colour("ground"), cornerRadius: 4, padding: 10, usePointStyle: true });
    drawn = [...ofRuns(), ofPartners()];
    place.dataset.drawn = data.runs.length;
  };
  const load = async () => {
    const answer = await fetch(place.dataset.charts);
    if (!answer.ok) return;
    const text = await answer.text();
    if (text === shown) return;
    shown = text;
    data = JSON.parse(text);
    draw();
  };
  load();
  document.addEventListener("htmx:afterSettle", load);
  new MutationObserver(() => data && draw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
