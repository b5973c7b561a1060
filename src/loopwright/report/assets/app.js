// Which view is shown, and the keyboard.

let INDEX, PLACES;
// Instance to its episodes, variant by variant.
let UNITS;
let redraw = null;
let overviewScroll = 0;

function setIndex(index) {
  INDEX = index;
  PLACES = new Map(INDEX.episodes.map((row, i) => [row.id, i]));
  UNITS = new Map();
  for (const row of INDEX.episodes) {
    if (!UNITS.has(row.unit)) UNITS.set(row.unit, []);
    UNITS.get(row.unit).push(row);
  }
}

function route() {
  const [, kind, text] = location.hash.match(/^#(episode|instance)\/(.*)$/) || [];
  const wanted = text === undefined ? null : decoded(text);
  const place = kind === "episode" ? PLACES.get(wanted) : undefined;
  const wasOverview = !byId("overview").hidden;
  if (LIVE && kind === "episode" && wanted && place === undefined) return showUnlisted(wanted);
  if (place === undefined && !(kind === "instance" && UNITS.has(wanted))) return showOverview(wasOverview);
  if (wasOverview) overviewScroll = scrollY;
  if (kind === "episode") withDetails([INDEX.episodes[place]], ([row]) => showEpisode(row));
  else withDetails(UNITS.get(wanted), () => showInstance(wanted));
}

// An episode whose row has not come yet.
let unlisted = "";

function showUnlisted(id) {
  const here = location.hash;
  if (unlisted === id) return;
  unlisted = id;
  fetchDetails({ id }).then((row) => location.hash === here && showEpisode(row), () => showOverview(!byId("overview").hidden)).finally(() => { unlisted = ""; });
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
    beside: (UNITS.get(row.unit) || []).length > 1 ? besideLink(row.unit) : null,
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
  // What is shown and has changed is put in place: whoever reads it keeps where they are.
  if (LIVE && episode && !byId("episode").hidden && document.body.dataset.episode === encodeURIComponent(episode)) return putInPlace(byId("episode"), { childNodes: nodes });
  byId("overview").hidden = true;
  byId("episode").hidden = false;
  put(byId("episode"), nodes);
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

function drawOverview() {
  byId("episodes").hidden = byId("tasks").hidden = !INDEX.episodes.length;
  const at = document.activeElement.closest("#matrix a")?.getAttribute("href");
  matrix(byId("matrix"));
  if (at) byId("matrix").querySelector(`a[href="${CSS.escape(at)}"]`)?.focus({ preventScroll: true });
  list.refresh();
}

function drawPictures() {
  if (byId("pictures") && INDEX.episodes.length) contactSheet(byId("pictures"), detailsOf);
}

setIndex(JSON.parse(byId("index").textContent));
const list = episodeList(byId("list"), byId("shown"));
byId("filter").addEventListener("input", (event) => list.filter(event.target.value));
drawOverview();
drawPictures();
addEventListener("keydown", onKey);
addEventListener("hashchange", route);
addEventListener("resize", () => redraw && redraw());
route();
if (LIVE) follow();
