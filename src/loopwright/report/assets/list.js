// The table of instances and the list of episodes; both draw their rows as they are scrolled to.

const CHUNK = 200;

// Appends rows in chunks whenever the end comes near; returns how to make sure that row i is there.
// What `make` gives again for a row stays where it is: of a long table little changes at a time.
function growing(table, rows, make) {
  const body = table.tBodies[0] || table.appendChild(h("tbody"));
  const first = rows.slice(0, Math.max(CHUNK, body.rows.length)).map(make), kept = new Set(first);
  [...body.rows].forEach((row) => kept.has(row) || row.remove());
  let at = body.rows[0] || null, drawn = first.length;
  for (const row of first) {
    if (row === at) at = at.nextElementSibling;
    else body.insertBefore(row, at);
  }
  const draw = (upTo) => {
    add(body, rows.slice(drawn, upTo).map(make));
    drawn = Math.max(drawn, Math.min(upTo, rows.length));
    if (drawn >= rows.length) watcher.disconnect();
  };
  const end = h("caption", { class: "end" });
  const watcher = new IntersectionObserver((seen) => end.isConnected && seen.some((one) => one.isIntersecting) && draw(drawn + CHUNK), { rootMargin: "600px" });
  table.deleteCaption();
  table.append(end);
  watcher.observe(end);
  if (drawn >= rows.length) watcher.disconnect();
  return (i) => {
    if (i >= drawn) draw(i + CHUNK);
    return body.rows[i];
  };
}

const link = (row) => "#episode/" + encodeURIComponent(row.id);
const besideLink = (unit) => "#instance/" + encodeURIComponent(unit);

// Draws the head where it is another one; gives whether it is.
function setHead(table, key, make) {
  if (table.dataset.head === key) return false;
  table.dataset.head = key;
  table.deleteTHead();
  table.createTHead().append(make());
  return true;
}

// Instance to its row in the matrix, and what the row was made of.
const MATRIX = new Map();

function matrix(table) {
  if (setHead(table, JSON.stringify(INDEX.variants), () => h("tr", null, h("th", null, "Instance"), INDEX.variants.map((variant) => h("th", null, name(variant)))))) MATRIX.clear();
  growing(table, [...UNITS], ([unit, rows]) => {
    const made = MATRIX.get(unit);
    if (made && made.rows.length === rows.length && made.rows.every((row, i) => row === rows[i])) return made.drawn;
    const drawn = h("tr", null, h("th", { scope: "row" }, h("a", { class: "beside-link", href: besideLink(unit) }, name(unit))),
      INDEX.variants.map((variant) => h("td", null, cell(rows.filter((row) => row.variant === variant)))));
    MATRIX.set(unit, { rows, drawn });
    return drawn;
  });
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
  // What is known of an episode to its row in the table; what changed is another object.
  let made = new WeakMap();
  const classOf = (column) => [column.num && "num", column.wide && "wide"].filter(Boolean).join(" ") || null;

  // Draws the rows that changed. Which one is current, how many are drawn, and the focus stay.
  function refresh() {
    const columns = COLUMNS.filter((column) => !column.optional || INDEX.episodes.some(column.optional));
    const current = state.rows[state.current], focused = table.tBodies.length && table.tBodies[0].contains(document.activeElement);
    state.rows = INDEX.episodes.filter((row) => matches(row, state.words));
    if (state.column) {
      const { key } = state.column, sign = state.down ? -1 : 1;
      state.rows.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
    }
    state.current = -1;
    table.querySelector("tr.current")?.classList.remove("current");
    const labels = columns.map((column) => column.label).join();
    setHead(table, [labels, state.column?.label, state.down].join(), () => h("tr", null, columns.map(heading)));
    if (state.labels !== labels) made = new WeakMap();
    state.labels = labels;
    state.row = growing(table, state.rows, (row) => {
      if (!made.has(row)) made.set(row, rowOf(row, columns));
      return made.get(row);
    });
    told.textContent = state.rows.length === INDEX.episodes.length
      ? plural(state.rows.length, "episode") : `${state.rows.length} of ${plural(INDEX.episodes.length, "episode")}`;
    const place = current ? state.rows.findIndex((row) => row.id === current.id) : -1;
    if (place >= 0 && !byId("overview").hidden) select(place, focused ? "still" : false);
  }

  function rowOf(row, columns) {
    const drawn = h("tr", { onclick: (event) => event.target.closest("a") || (location.hash = link(row)), onfocusin: () => select(drawn.sectionRowIndex, false) },
      columns.map((column) => h("td", { class: classOf(column) }, column.show(row))));
    return drawn;
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
