// A page of `loopwright view`: episodes are fetched when they are shown, and what is new comes as events.

const LIVE = document.body.dataset.live || "";
// Name of an episode to what was fetched of it.
const FETCHED = new Map();

// Calls `draw` with the rows once the page has their details: at once in a file, which holds them all.
function withDetails(rows, draw) {
  const missing = rows.filter((row) => LIVE && !FETCHED.has(row.id));
  if (!missing.length) return draw(rows);
  Promise.all(missing.map(fetchDetails)).then(() => draw(rows), lost);
}

async function got(path) {
  const answer = await fetch(LIVE + path);
  if (!answer.ok) throw new Error(answer.status === 401 ? "The server was started anew: open the address that it printed." : `The server answers ${answer.status}: ${await answer.text()}`);
  return answer;
}

async function fetchDetails(row) {
  const found = await (await got(`/episode?id=${encodeURIComponent(row.id)}`)).json();
  FETCHED.set(row.id, { ...found.details, isolation: found.isolation });
  return found.row;
}

// Errors stand beside what the page tells, which may get no news any more.
const lost = (error) => byId("lost").replaceChildren(...(error ? [h("p", { class: "note" }, error.message)] : []));

// Takes what changed, again and again; what changes meanwhile is taken the next time. A page that has much to draw rests.
function taker(take) {
  const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  let have = null, want = null, busy = false;
  return async (version) => {
    want = version;
    if (busy) return;
    busy = true;
    while (have !== want) {
      const next = want;
      try {
        const worked = await take();
        have = next;
        lost(null);
        await rest(4 * worked);
      } catch (error) {
        lost(error);
        // Of a run that has ended no news comes that would have the page try again.
        await rest(2000);
      }
    }
    busy = false;
  };
}

function follow() {
  let told = null, came = 0;
  drawSteering();
  const episodes = taker(takeEpisodes), numbers = taker(takeNumbers);
  listen(`${LIVE}/events`, (news) => {
    told = news;
    came = Date.now();
    steering(told);
    put(byId("live"), liveView(told, 0));
    episodes(`${told.reader}/${told.episodes}`);
    numbers(`${told.reader}/${told.numbers}`);
  }, (why) => lost(new Error(why)));
  setInterval(() => told && told.underway.length && put(byId("live"), liveView(told, (Date.now() - came) / 1000)), 1000);
}

// What was taken of the list of episodes: of which reader of the server, and up to which version.
let reader = "", version = 0;

// Puts the episodes that changed in place; gives the milliseconds that this took.
async function takeEpisodes() {
  const found = await (await got(`/episodes?reader=${reader}&since=${version}`)).json(), begun = performance.now();
  const same = found.reader === reader;
  const known = same ? new Map(INDEX.episodes.map((row) => [row.id, row])) : new Map();
  [reader, version] = [found.reader, found.version];
  // Another run may be in the folder now, whose episodes have the same names.
  if (!same) FETCHED.clear();
  for (const row of found.episodes) {
    known.set(row.id, row);
    FETCHED.delete(row.id);
  }
  if (same && !found.episodes.length) return 0;
  setIndex({ ...found, episodes: sorted([...known.values()], found.variants) });
  drawOverview();
  const shown = decoded(document.body.dataset.episode || "");
  if (byId("episode").hidden ? location.hash.startsWith("#episode/") : !same || found.episodes.some((row) => row.id === shown)) route();
  return performance.now() - begun;
}

function sorted(rows, variants) {
  const place = new Map(variants.map((variant, i) => [variant, i]));
  const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return rows.sort((a, b) => place.get(a.variant) - place.get(b.variant) || less(a.task, b.task) || less(a.unit, b.unit) || a.repeat - b.repeat);
}

// What is open, scrolled and focused stays, where the new part is built like the old one.
function putInPlace(part, fresh) {
  const all = (selector) => [...part.querySelectorAll(selector)], focusable = "a, summary, button, [tabindex]";
  const open = all("details").map((one) => one.open), left = all(".scroll").map((one) => one.scrollLeft), focus = all(focusable).indexOf(document.activeElement);
  put(part, fresh.childNodes);
  all("details").forEach((one, i) => open[i] !== undefined && (one.open = open[i]));
  all(".scroll").forEach((one, i) => (one.scrollLeft = left[i] || 0));
  if (focus >= 0) all(focusable)[focus]?.focus({ preventScroll: true });
}

// Puts the parts that count episodes in place.
async function takeNumbers() {
  const text = await (await got("/numbers")).text(), begun = performance.now();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["numbers", "isolation"]) putInPlace(byId(id), fresh.getElementById(id));
  drawPictures();
  return performance.now() - begun;
}

// now: the latest state; since: seconds since it came.
function liveView(now, since) {
  const state = now.finished ? said(now.finished) : now.writer ? [now.paused ? "paused" : "running", now.host && [" on ", name(now.host)]] : ["not running: ", h("code", null, "loopwright resume")];
  const failed = Object.entries(now.failures), alarms = now.alarmed - now.alarms.length;
  return [
    h("p", null, h("b", null, state), `, ${now.done} of ${plural(now.planned, "episode")}, ${now.passed} of ${now.scored} passed, ${plural(now.calls, "call")}, ${count(now.tokens)} tokens, ${money(now.cost)}`,
      now.read < 1 && h("span", { class: "note" }, ` \u00b7 the record is being read: ${Math.floor(100 * now.read)} %`)),
    h("progress", { max: Math.max(1, now.planned), value: now.done, "aria-label": "Episodes that are done" }),
    now.caps.length > 0 && h("ul", { class: "caps" }, now.caps.map(capView)),
    failed.length > 0 && h("p", { class: "failures" }, h("b", null, "Failed, no score: "), failed.map(([cause, n], i) => [i ? ", " : "", said(cause), ` ${n}`])),
    now.alarms.length > 0 && h("div", { class: "alarms", role: "status" }, h("b", null, `${plural(now.alarmed, "drift alarm")}: `),
      h("ul", null, alarms > 0 && h("li", null, `${alarms} before`), now.alarms.map((line) => h("li", null, said(line))))),
    now.writer && now.underway.length > 0 && h("ul", { class: "underway" }, now.underway.map((one) =>
      h("li", null, h("a", { href: "#episode/" + encodeURIComponent(one.id) }, name(one.id)), ` iteration ${one.iteration ?? "-"}, ${one.doing}, ${duration(one.seconds + since)}`)),
      now.more > 0 && h("li", null, `${now.more} more`)),
    h("ol", { class: "news" }, now.news.map((one) => h("li", null, h("time", null, one.time), " ", said(one.told)))),
  ].filter(Boolean);
}

// A cap of the run, and what was used of it where the record tells that at any moment.
function capView({ cap, amount, used }) {
  const shown = (value) => (cap === "usd" ? money(value) : cap.endsWith("seconds") ? duration(value) : count(value));
  const label = cap.replaceAll("_", " ");
  if (used === null) return h("li", null, `cap on ${label}: ${shown(amount)}`);
  return h("li", null, h("meter", { min: 0, max: Math.max(amount, 1e-9), value: Math.min(used, amount), high: 0.9 * amount, "aria-label": label }),
    ` ${label}: ${shown(used)} of ${shown(amount)}`);
}
