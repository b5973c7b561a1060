// The table of instances and the list of episodes; both draw their rows as they are scrolled to.

const CHUNK = 200;

// Appends rows in chunks whenever the end comes near; returns how to make sure that row i is there.
function growing(table, rows, make) {
  const body = h("tbody"), before = table.tBodies.length ? table.tBodies[0].rows.length : 0;
  table.replaceChildren(...[table.tHead].filter(Boolean), body);
  let drawn = 0;
  const draw = (upTo) => {
    const part = rows.slice(drawn, Math.max(drawn, upTo));
    drawn += part.length;
    body.append(...part.map((row, i) => make(row, drawn - part.length + i)));
    if (drawn >= rows.length) watcher.disconnect();
  };
  const end = h("caption", { class: "end" });
  const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && draw(drawn + CHUNK), { rootMargin: "600px" });
  table.append(end);
  watcher.observe(end);
  draw(Math.max(CHUNK, before));
  return (i) => {
    if (i >= drawn) draw(i + CHUNK);
    return body.rows[i];
  };
}

const link = (row) => "#episode/" + encodeURIComponent(row.id);
const besideLink = (unit) => "#instance/" + encodeURIComponent(unit);

function setHead(table, row) {
  table.deleteTHead();
  table.createTHead().append(row);
}

function matrix(table) {
  setHead(table, h("tr", null, h("th", null, "Instance"), INDEX.variants.map((variant) => h("th", null, name(variant)))));
  growing(table, [...UNITS], ([unit, rows]) =>
    h("tr", null, h("th", { scope: "row" }, h("a", { class: "beside-link", href: besideLink(unit) }, name(unit))),
      INDEX.variants.map((variant) => h("td", null, cell(rows.filter((row) => row.variant === variant))))));
}

function cell(rows) {
  const marks = rows.map((row) => {
    const label = `${row.unit}, ${row.variant}, repeat ${row.repeat}: ${OUTCOMES[outcome(row)]}`;
    return h("a", { href: link(row), title: label, "aria-label": label }, h("span", { class: "mark " + outcome(row) }));
  });
  const scored = rows.filter((row) => row.status === "scored");
  const told = rows.length === 1 ? rate(rows[0].score) : `${scored.filter((row) => row.passed).length}/${scored.length}`;
  return rows.length ? [...marks, h("small", null, told)] : [];
}

const COLUMNS = [
  { label: "Episode", key: (row) => row.unit, show: (row) => h("a", { href: link(row) }, name(row.unit), row.repeat ? ` #${row.repeat}` : "") },
  { label: "Variant", key: (row) => row.variant, show: (row) => name(row.variant) },
  { label: "Outcome", key: outcome, show: (row) => [h("span", { class: "mark " + outcome(row) }), " ", OUTCOMES[outcome(row)]] },
  { label: "Score", num: true, key: (row) => row.score ?? -1, show: (row) => rate(row.score) },
  { label: "Value", num: true, optional: (row) => row.value !== null, key: (row) => row.value ?? -Infinity, show: (row) => (row.value === null ? "-" : String(Number(row.value.toPrecision(6)))) },
  { label: "Iterations", num: true, key: (row) => row.iterations, show: (row) => String(row.iterations) },
  { label: "Stopped by", wide: true, key: (row) => row.rule || row.cause, show: (row) => said(row.rule || row.cause) },
  { label: "Tokens", num: true, wide: true, key: (row) => row.tokens, show: (row) => count(row.tokens) },
  { label: "Images", num: true, wide: true, optional: (row) => row.images, key: (row) => row.images, show: (row) => String(row.images) },
  { label: "Cost", num: true, wide: true, key: (row) => Number(row.cost), show: (row) => money(row.cost) },
  { label: "Time", num: true, wide: true, key: (row) => row.seconds, show: (row) => duration(row.seconds) },
];

// The list of episodes: filtered, sorted, with one current row.
function episodeList(table, told) {
  const state = { rows: INDEX.episodes, current: -1, words: [], column: null, down: false, row: () => null };
  const classOf = (column) => [column.num && "num", column.wide && "wide"].filter(Boolean).join(" ") || null;

  // Draws the rows anew. Which one is current, how many are drawn, and the focus stay.
  function refresh() {
    const columns = COLUMNS.filter((column) => !column.optional || INDEX.episodes.some(column.optional));
    const current = state.rows[state.current], focused = table.tBodies.length && table.tBodies[0].contains(document.activeElement);
    state.rows = INDEX.episodes.filter((row) => matches(row, state.words));
    if (state.column) {
      const { key } = state.column, sign = state.down ? -1 : 1;
      state.rows.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
    }
    state.current = -1;
    setHead(table, h("tr", null, columns.map(heading)));
    state.row = growing(table, state.rows, (row, i) =>
      h("tr", { onclick: (event) => event.target.closest("a") || (location.hash = link(row)), onfocusin: () => select(i, false) },
        columns.map((column) => h("td", { class: classOf(column) }, column.show(row)))));
    told.textContent = state.rows.length === INDEX.episodes.length
      ? plural(state.rows.length, "episode") : `${state.rows.length} of ${plural(INDEX.episodes.length, "episode")}`;
    const place = current ? state.rows.findIndex((row) => row.id === current.id) : -1;
    if (place >= 0 && !byId("overview").hidden) select(place, focused ? "still" : false);
  }

  function heading(column) {
    const sorted = state.column === column ? (state.down ? "descending" : "ascending") : null;
    const sort = () => {
      state.down = state.column === column ? !state.down : Boolean(column.num);
      state.column = column;
      refresh();
    };
    return h("th", { class: classOf(column), "aria-sort": sorted }, h("button", { type: "button", onclick: sort }, column.label, sorted && (state.down ? " \u2193" : " \u2191")));
  }

  function select(i, focus = true) {
    if (!state.rows.length) return;
    const before = state.row(state.current);
    if (before) before.classList.remove("current");
    state.current = Math.max(0, Math.min(state.rows.length - 1, i));
    const row = state.row(state.current);
    row.classList.add("current");
    if (focus) row.querySelector("a").focus({ preventScroll: focus === "still" });
  }

  return {
    refresh,
    filter(text) {
      state.words = text.toLowerCase().replaceAll("not passed", "missed").split(/\s+/).filter(Boolean);
      refresh();
    },
    move: (by) => select(state.current < 0 ? (by > 0 ? 0 : state.rows.length - 1) : state.current + by),
    place: (id) => state.rows.findIndex((row) => row.id === id),
    select,
    get rows() {
      return state.rows;
    },
  };
}

// A word that names an outcome means that outcome; every other has to be part of the name, variant, rule or cause.
function matches(row, words) {
  const told = [row.unit, row.variant, "#" + row.repeat, row.rule, row.cause].join(" ").toLowerCase();
  return words.every((word) => (Object.hasOwn(OUTCOMES, word) ? outcome(row) === word : told.includes(word)));
}
