// Which view is shown, the keyboard, and light or dark.

let INDEX, PLACES, list;
// Instance to its episodes, variant by variant.
let UNITS;
let redraw = null;
let overviewScroll = 0;

function readIndex() {
  INDEX = JSON.parse(byId("index").textContent);
  PLACES = new Map(INDEX.episodes.map((row, i) => [row.id, i]));
  UNITS = new Map();
  for (const row of INDEX.episodes) UNITS.set(row.unit, [...(UNITS.get(row.unit) || []), row]);
  list = episodeList(byId("list"), byId("shown"));
}

function route() {
  const [, kind, text] = location.hash.match(/^#(episode|instance)\/(.*)$/) || [];
  const wanted = text === undefined ? null : decoded(text);
  const place = kind === "episode" ? PLACES.get(wanted) : undefined;
  const wasOverview = !byId("overview").hidden;
  if (place === undefined && !(kind === "instance" && UNITS.has(wanted))) return showOverview(wasOverview);
  if (wasOverview) overviewScroll = scrollY;
  if (kind === "episode") withDetails([INDEX.episodes[place]], ([row]) => showEpisode(row));
  else withDetails(UNITS.get(wanted), () => showInstance(wanted));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function showOverview(already) {
  const left = decoded(document.body.dataset.episode || "");
  byId("episode").hidden = true;
  byId("episode").replaceChildren();
  byId("overview").hidden = false;
  redraw = null;
  if (already) return;
  scrollTo(0, overviewScroll);
  const i = list.place(left);
  if (i >= 0) list.select(i);
}

const detailsOf = (row) => FETCHED.get(row.id) || JSON.parse(byId("e" + PLACES.get(row.id)).textContent);

function showEpisode(row) {
  const i = list.place(row.id), rows = list.rows;
  const view = episodeView(row, detailsOf(row), {
    previous: i > 0 ? link(rows[i - 1]) : null,
    next: i >= 0 && i < rows.length - 1 ? link(rows[i + 1]) : null,
    place: i >= 0 ? `${i + 1} of ${rows.length}` : "",
    beside: UNITS.get(row.unit).length > 1 ? besideLink(row.unit) : null,
  });
  show(view.nodes, row.id);
  redraw = view.draw;
  view.draw();
}

function showInstance(unit) {
  const units = [...UNITS.keys()], i = units.indexOf(unit);
  show(instanceView(unit, UNITS.get(unit), detailsOf, {
    previous: i > 0 ? besideLink(units[i - 1]) : null,
    next: i < units.length - 1 ? besideLink(units[i + 1]) : null,
    place: `${i + 1} of ${units.length}`,
  }), "");
  redraw = null;
}

function show(nodes, episode) {
  byId("overview").hidden = true;
  byId("episode").hidden = false;
  byId("episode").replaceChildren(...nodes);
  document.body.dataset.episode = encodeURIComponent(episode);
  scrollTo(0, 0);
  byId("episode").focus({ preventScroll: true });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const filter = byId("filter");
  if (event.target === filter) return onFilterKey(event, filter);
  const inEpisode = !byId("episode").hidden;
  const by = { j: 1, k: -1, ...(inEpisode ? { ArrowRight: 1, ArrowLeft: -1 } : {}),
    ...(byId("list").contains(event.target) ? { ArrowDown: 1, ArrowUp: -1 } : {}) }[event.key];
  if (by) {
    event.preventDefault();
    if (!inEpisode) return list.move(by);
    const other = document.querySelector(`#episode a[rel=${by > 0 ? "next" : "prev"}]`);
    if (other) location.replace(other.getAttribute("href"));
  } else if (event.key === "/") {
    event.preventDefault();
    if (inEpisode) location.hash = "#episodes";
    route();
    filter.focus();
    filter.select();
  } else if (event.key === "Escape" && inEpisode) location.hash = "#episodes";
}

function onFilterKey(event, filter) {
  if (event.key === "Escape") {
    if (!filter.value) return filter.blur();
    filter.value = "";
    list.filter("");
  } else if (event.key === "Enter" || event.key === "ArrowDown") {
    event.preventDefault();
    list.move(1);
  }
}

function theme() {
  const button = byId("theme"), root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("loopwright-theme");
    } catch {
      return null;
    }
  };
  const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const label = () => (button.textContent = dark() ? "Light" : "Dark");
  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
    try {
      localStorage.setItem("loopwright-theme", root.dataset.theme);
    } catch {
      // A file opened from disk may have no storage; the choice then lasts as long as the page.
    }
  });
  system.addEventListener("change", label);
  label();
}

function drawOverview() {
  if (!INDEX.episodes.length) return;
  byId("episodes").hidden = byId("tasks").hidden = false;
  matrix(byId("matrix"));
  list.refresh();
  if (byId("pictures")) contactSheet(byId("pictures"), detailsOf);
  byId("filter").addEventListener("input", (event) => list.filter(event.target.value));
}

theme();
readIndex();
drawOverview();
addEventListener("keydown", onKey);
addEventListener("hashchange", route);
addEventListener("resize", () => redraw && redraw());
route();
if (LIVE) follow();
