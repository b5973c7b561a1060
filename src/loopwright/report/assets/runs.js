// The list of runs: it follows, is filtered, and one or two of its runs are compared.

const STATE = { runs: JSON.parse(byId("index").textContent).runs, chosen: new Set(), words: [], rows: [] };
const address = (run) => `/runs/${encodeURIComponent(run.name)}/`;
const current = () => STATE.rows.indexOf(document.activeElement.closest("#runs tbody tr"));

function draw() {
  const table = byId("runs"), at = document.activeElement.closest("#runs tbody tr")?.dataset.run, inside = document.activeElement.tagName;
  const known = new Set(STATE.runs.map((run) => run.name));
  STATE.chosen.forEach((name) => known.has(name) || STATE.chosen.delete(name));
  const found = STATE.runs.filter((run) => STATE.words.every((word) => [run.name, run.tasks, run.state].join(" ").toLowerCase().includes(word)));
  STATE.rows = found.map(rowOf);
  table.replaceChildren(
    h("thead", null, h("tr", null, h("th", null, "Run"), h("th", null, "Tasks"), h("th", null, "State"), h("th", { class: "num" }, "Episodes"), h("th", null, "Begun"))),
    h("tbody", null, STATE.rows));
  const again = at !== undefined && STATE.rows.find((row) => row.dataset.run === at);
  if (again) again.querySelector(inside === "INPUT" ? "input" : "a").focus({ preventScroll: true });
  byId("none").hidden = STATE.runs.length > 0;
  byId("shown").textContent = found.length === STATE.runs.length ? plural(found.length, "run") : `${found.length} of ${plural(STATE.runs.length, "run")}`;
  choice();
}

function rowOf(run) {
  const box = h("input", { type: "checkbox", "aria-label": `Compare ${run.name}`, checked: STATE.chosen.has(run.name), onchange: () => choose(run.name, box.checked) });
  return h("tr", { "data-run": run.name },
    h("th", { scope: "row" }, h("label", { class: "choose" }, box), h("a", { href: address(run) }, name(run.name)), run.shared && h("small", null, "copy of a shared run")),
    h("td", null, name(run.tasks)),
    h("td", { class: "state " + (/^running( on |$)/.test(run.state) ? "running" : "") }, said(run.state)),
    h("td", { class: "num" }, run.planned ? [`${run.done} of ${run.planned} `, h("meter", { min: 0, max: run.planned, value: run.done, "aria-hidden": "true" })] : ""),
    h("td", null, run.created.slice(0, 16).replace("T", " ")));
}

function choose(run, on) {
  STATE.chosen[on ? "add" : "delete"](run);
  choice();
}

function choice() {
  const number = STATE.chosen.size;
  byId("compare").disabled = number < 1 || number > 2;
  byId("compare").textContent = number === 1 ? "Compare its variants" : number === 2 ? "Compare both" : number > 2 ? `Compare: ${number} are too many` : "Compare";
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = byId("filter"), by = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.target === filter) {
    if (event.key === "Escape") filter.blur();
    else if (event.key === "Enter" || event.key === "ArrowDown") move(1);
    else return;
  } else if (by) move(by);
  else if (event.key === "/") {
    filter.focus();
    filter.select();
  } else if (event.key === "x" && current() >= 0) {
    const box = STATE.rows[current()].querySelector("input");
    box.checked = !box.checked;
    choose(STATE.rows[current()].dataset.run, box.checked);
  } else return;
  event.preventDefault();
}

function move(by) {
  const to = current() < 0 ? (by > 0 ? 0 : STATE.rows.length - 1) : Math.max(0, Math.min(STATE.rows.length - 1, current() + by));
  STATE.rows[to]?.querySelector("a").focus();
}

byId("filter").addEventListener("input", () => {
  STATE.words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  draw();
});
byId("compare").addEventListener("click", () => {
  location.href = "/compare?" + [...STATE.chosen].map((run) => "run=" + encodeURIComponent(run)).join("&");
});
addEventListener("keydown", onKey);
draw();
listen("/events", (runs) => {
  STATE.runs = runs;
  byId("told").textContent = "";
  draw();
}, (why) => (byId("told").textContent = why));
