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

async function fetchDetails(row) {
  const answer = await fetch(`${LIVE}/episode?id=${encodeURIComponent(row.id)}`);
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  FETCHED.set(row.id, await answer.json());
}

const lost = (error) => byId("live").replaceChildren(h("p", { class: "note" }, `Not shown: ${error.message}`));

function follow() {
  let shown = null, latest = null, waiting = false, told = null, came = 0;
  drawSteering();
  const source = new EventSource(`${LIVE}/events`);
  source.onmessage = async (event) => {
    told = JSON.parse(event.data);
    came = Date.now();
    steering(told);
    byId("live").replaceChildren(...liveView(told, 0));
    latest = told.drawn;
    if (shown === null) shown = latest;
    if (waiting) return;
    waiting = true;
    try {
      while (shown !== latest) {
        const next = latest;
        await redrawAll();
        shown = next;
      }
    } catch (error) {
      lost(error);
    }
    waiting = false;
  };
  setInterval(() => told && told.underway.length && byId("live").replaceChildren(...liveView(told, (Date.now() - came) / 1000)), 1000);
  source.onerror = () => lost(new Error("the server does not answer; trying again"));
}

// The same page anew: what stands in it is replaced, what the reader chose stays.
async function redrawAll() {
  const answer = await fetch(LIVE + "/");
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const words = byId("filter").value, focused = document.activeElement === byId("filter");
  byId("overview").replaceChildren(...fresh.getElementById("overview").childNodes);
  byId("index").textContent = fresh.getElementById("index").textContent;
  const before = new Map(INDEX.episodes.map((row) => [row.id, JSON.stringify(row)]));
  readIndex();
  const changed = new Set(INDEX.episodes.filter((row) => before.get(row.id) !== JSON.stringify(row)).map((row) => row.id));
  changed.forEach((id) => FETCHED.delete(id));
  drawOverview();
  if (words) {
    byId("filter").value = words;
    list.filter(words);
  }
  if (focused) byId("filter").focus();
  if (changed.has(decoded(document.body.dataset.episode || ""))) route();
}

// now: the latest state; since: seconds since it came.
function liveView(now, since) {
  const state = now.finished ? said(now.finished) : now.writer ? ["running"] : ["not running: ", h("code", null, "loopwright resume")];
  return [
    h("p", null, h("b", null, state), `, ${now.done} of ${plural(now.planned, "episode")}, ${plural(now.calls, "call")}, ${count(now.tokens)} tokens, ${money(now.cost)}`),
    h("progress", { max: Math.max(1, now.planned), value: now.done, "aria-label": "Episodes that are done" }),
    now.underway.length > 0 && h("ul", { class: "underway" }, now.underway.map((one) =>
      h("li", null, h("a", { href: "#episode/" + encodeURIComponent(one.id) }, name(one.id)), ` iteration ${one.iteration ?? "-"}, ${one.doing}, ${duration(one.seconds + since)}`))),
    h("ol", { class: "news" }, now.news.map((one) => h("li", null, h("time", null, one.time), " ", said(one.told)))),
  ].filter(Boolean);
}
