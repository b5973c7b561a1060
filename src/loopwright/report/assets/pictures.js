// Pictures of candidates: the contact sheet, its streams, and the pictures of one iteration.

const FIRST = 12, MORE = 24;

// The episodes with the most pictures first; the others on request.
function contactSheet(section, detailsOf) {
  const rows = INDEX.episodes.filter((row) => row.pictures).sort((a, b) => b.pictures - a.pictures);
  const place = h("div"), more = h("button", { type: "button", onclick: () => draw(MORE) });
  let drawn = 0;
  const draw = (number) => {
    const part = rows.slice(drawn, drawn + number);
    drawn += part.length;
    withDetails(part, () => place.append(...part.map((row) => sheetOf(row, detailsOf(row)))));
    more.hidden = drawn >= rows.length;
    more.textContent = `Show ${Math.min(MORE, rows.length - drawn)} more of ${plural(rows.length, "episode")}`;
  };
  section.append(sheetLegend(rows.some((row) => row.edited)), place, more);
  draw(FIRST);
}

// What is told depends on what there is: strategies differ.
const sheetLegend = (edited) => h("p", { class: "legend" },
  ...Object.entries(FATES).map(([fate, { told }]) => [h("span", { class: "entry" }, atomMark(fate, ""), told), " "]),
  edited
    ? "A row is a picture and all edits that go back to it; new pictures that nobody edited share one. Pale: an edit that nothing was made from. "
    : "Each picture was drawn anew, apart from the others. ",
  "Framed: the answer; below its marks those of its grade.");

function sheetOf(row, details) {
  return h("article", { class: "sheet" },
    h("h3", null, h("span", { class: "mark " + outcome(row) }), " ", h("a", { href: link(row) }, name(row.unit), row.repeat ? ` #${row.repeat}` : ""),
      ` \u00b7 `, name(row.variant), ` \u00b7 ${OUTCOMES[outcome(row)]} \u00b7 ${plural(row.images || row.pictures, "image")}`),
    h("p", { class: "prompt" }, said(brief(details.goal))),
    streamsView(details, link(row)));
}

// One row for each picture that is no edit, with all edits that go back to it. New pictures that nobody edited share a row.
function streamsView(details, href, jump) {
  const streams = new Map(), root = new Map();
  for (const turn of details.iterations) {
    const first = root.has(turn.parent) ? root.get(turn.parent) : turn.n;
    root.set(turn.n, first);
    streams.set(first, [...(streams.get(first) || []), turn]);
  }
  const rows = [];
  for (const turns of streams.values()) {
    const last = rows[rows.length - 1];
    if (turns.length === 1 && last && last.every((turn) => turn.parent === null)) last.push(...turns);
    else rows.push([...turns]);
  }
  return rows.map((turns) => h("div", { class: "stream" },
    turns.map((turn, i) => pictureCard(turn, i ? turns[i - 1].n : null, details, href, jump))));
}

function pictureCard(turn, before, details, href, jump) {
  const answer = turn.n === details.answer, back = rolledBack(turn, details);
  const text = instruction(turn, details);
  const next = turn.parent !== null && turn.parent === before;
  const tags = [answer && "answer", turn.parent !== null && !next && "from " + turn.parent].filter(Boolean).join(", ");
  const open = jump && ((event) => { event.preventDefault(); jump(turn.n); });
  return h("figure", { class: ["card", answer && "answer", back && "back", next && "edit"].filter(Boolean).join(" ") },
    h("div", { class: "place" }, h("b", null, String(turn.n)), " ", tags),
    h("a", { href, onclick: open }, thumbnailView(mainPicture(turn), `Iteration ${turn.n}: ${text}`)),
    back && h("small", null, turn.decided && turn.decided.decision === "backtrack" ? "rolled back" : "left"),
    marksView(turn.judged, answer && turn.graded ? "claimed" : ""),
    answer && turn.graded && marksView(turn.graded, "graded"),
    aimed(turn) && h("small", null, "for ", name(aimed(turn))),
    h("figcaption", { title: text }, said(text)));
}

const aimed = (turn) => (turn.candidate && turn.candidate.made.aims) || "";

// An edit that nothing was made from, and that is not the answer.
const rolledBack = (turn, details) => turn.parent !== null && turn.n !== details.answer && !details.iterations.some((other) => other.parent === turn.n);

function instruction(turn, details) {
  if (!turn.candidate) return turn.problem ? brief(turn.problem) : "no picture";
  if (turn.candidate.made.operation === "given") return "the task's picture";
  return turn.parent === null && turn.candidate.text === details.goal ? "new picture" : turn.candidate.text;
}

function mainPicture(turn) {
  const pictures = turn.candidate ? Object.entries(turn.candidate.pictures) : [];
  const [, picture] = pictures.find(([label]) => label === "picture") || pictures.find(([label]) => label !== "mask") || [];
  return picture || { told: "no picture" };
}

const thumbnailView = (picture, alt) => picture.src
  ? h("img", { src: picture.src, alt, decoding: "async" }) : h("span", { class: "nothing" }, said(picture.told));

// What was found out about an atom: its sign, and its name for readers.
const FATES = { holds: { sign: "\u2713", told: "holds" }, fails: { sign: "\u2717", told: "fails" }, unasked: { sign: "\u2013", told: "not asked" }, unknown: { sign: "?", told: "not known" } };

function fateOf(check) {
  if (check.score >= 1) return "holds";
  return { skipped: "unasked", unknown: "unknown" }[check.answer] || "fails";
}

function atomMark(fate, label) {
  const told = label && `${label}: ${FATES[fate].told}`;
  return h("span", { class: "atom " + fate, ...(told ? { role: "img", "aria-label": told, title: told } : { "aria-hidden": "true" }) }, FATES[fate].sign);
}

const marksView = (verdict, label) => verdict && h("div", { class: "marks" }, label && h("small", null, label),
  verdict.checks.map((check) => atomMark(fateOf(check), check.question || check.name)));

// The pictures of an iteration, after that which it was made from, and how it was made.
function picturesView(candidate, parent) {
  const now = Object.entries(candidate.pictures);
  if (!now.length) return [];
  const shown = (label, picture) => h("figure", { class: "card" }, thumbnailView(picture, label), h("figcaption", null, said(label)));
  return [
    h("div", { class: "stream" },
      parent && parent.candidate && shown(`iteration ${parent.n}`, mainPicture(parent)),
      now.map(([label, picture]) => h("figure", { class: "card" + (parent && label === "picture" ? " edit" : "") },
        thumbnailView(picture, label), h("figcaption", null, said(label))))),
    madeView(candidate.made),
  ];
}

function madeView({ operation, aims, model, expected, ...more }) {
  const told = [operation, aims && "for " + aims, model && "by " + model, ...Object.entries(more).map(([key, value]) => `${key} ${value}`),
    expected && "expected to hold: " + expected];
  return told.some(Boolean) && h("p", { class: "note" }, said(told.filter(Boolean).join(" \u00b7 ")));
}

// What was found out of each atom over the pictures, which edits were for it, and what they cost.
function atomsView(details, jump) {
  if (!details.atoms.length) return [];
  const link = (n) => h("a", { href: "#", onclick: (event) => { event.preventDefault(); jump(n); } }, String(n));
  const numbers = ["images", "calls", "tokens"];
  const row = (atom) => h("tr", null,
    h("th", { scope: "row" }, name(atom.name), atom.question && h("small", null, said(atom.question))),
    h("td", null, h("div", { class: "marks" }, atom.fates.map(([n, fate]) => atomMark(fate, `iteration ${n}`)))),
    h("td", null, atom.graded && atomMark(atom.graded, "grade")),
    h("td", { class: "edits" }, atom.edits.map((n, i) => [i ? ", " : "", link(n)])),
    numbers.map((key) => h("td", { class: "num" }, atom[key] ? count(atom[key]) : "")),
    h("td", { class: "num" }, atom.cost === null || Number(atom.cost) ? money(atom.cost) : ""),
    h("td", { class: "num" }, atom.seconds ? duration(atom.seconds) : ""));
  const headings = ["Images", "Calls", "Tokens", "Cost", "Model time"];
  return [h("h3", null, "Atoms of the checklist"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Atoms of the checklist" }, h("table", { class: "wide" },
      h("thead", null, h("tr", null, h("th", null, "Atom"), h("th", null, "By iteration"), h("th", null, "Grade"), h("th", null, "Iterations for it"),
        headings.map((text) => h("th", { class: "num" }, text)))),
      h("tbody", null, details.atoms.map(row)))),
    h("p", { class: "note" }, "A picture counts, with the looks at it, in the row of the atom that its edit was for first. Calls are those of chat models.")];
}
