// One episode: its outcome, its curve and tree, and each iteration, rendered when it is opened.

function episodeView(row, details, nav) {
  const turns = details.iterations, sections = new Map();
  const jump = (n) => {
    const section = sections.get(n);
    section.open = true;
    section.scrollIntoView({ block: "start" });
    section.querySelector("summary").focus({ preventScroll: true });
  };
  const figure = h("div");
  const draw = () => figure.replaceChildren(chart(turns, details, Math.min(figure.clientWidth || 640, 760), jump));
  const view = [
    crumbs(h("a", { href: "#episodes" }, "All episodes"), nav, nav.beside && h("a", { href: nav.beside }, "beside the others")),
    h("h1", null, name(row.unit)),
    h("p", { class: "abstract" }, ...verdictSentence(row, details)),
    details.goal && h("div", { class: "goal" }, said(details.goal)),
    facts(row, details),
    failureView(details),
    turns.length > 0 && h("h3", null, (details.value ? said(details.value.name) : "Score") + " by iteration"), turns.length > 0 && figure,
    turns.length > 0 && chartLegend(turns),
    details.without_calls && h("p", { class: "note" }, "The page would be too large with the model calls of this episode. ",
      "They are in the record: loopwright show RUN ", name(row.id), " --transcript"),
    row.pictures > 0 && h("h3", null, "Pictures"), row.pictures > 0 && sheetLegend(turns),
    ...(row.pictures > 0 ? streamsView(details, "#", jump) : []),
    ...atomsView(details, jump),
    turns.length > 0 && h("h3", null, "Iterations"),
    ...turns.map((turn) => {
      const section = turnSection(turn, details, turns.length <= 2 || turn.n === details.answer);
      section.id = "turn-" + turn.n;
      sections.set(turn.n, section);
      return section;
    }),
    details.aside.length > 0 && h("h3", null, "Calls that led to no iteration"),
    ...details.aside.map((call) => callView(call, null, details, false)),
    isolationView(details),
  ];
  return { nodes: view.filter(Boolean), draw };
}

// The way back, and to what is before and after.
function crumbs(home, { previous, next, place }, more) {
  return h("nav", { class: "crumbs" }, home, " \u00b7 ",
    previous && h("a", { href: previous, rel: "prev" }, "previous"),
    next && h("a", { href: next, rel: "next" }, "next"),
    h("span", null, place), more && [" \u00b7 ", more]);
}

function verdictSentence(row, details) {
  const stop = details.iterations.map((turn) => turn.decided).find((decided) => decided && decided.decision === "stop");
  const parts = [];
  if (row.status === "scored") {
    parts.push(h("b", null, row.passed ? "Passed" : "Not passed"), ` with score ${rate(row.score)}${details.value ? ", " + valued(details.value, row.value) : ""} after ${plural(row.iterations, "iteration")}.`);
  } else if (row.status === "failed") parts.push(h("b", null, "Failed"), ", which is no score.");
  else parts.push(h("b", null, "Unfinished"), ` after ${plural(row.iterations, "iteration")}.`);
  if (stop) parts.push(" Stopped by ", h("b", null, said(stop.rule)), ": ", h("bdi", null, said(brief(stop.why))), ".");
  return parts;
}

function facts(row, details) {
  const usage = details.usage;
  const cached = usage.cache_read + usage.cache_write;
  const pairs = [
    ["Variant", name(row.variant)], ["Repeat", String(row.repeat)],
    ...Object.entries(details.models).map(([role, model]) => [role[0].toUpperCase() + role.slice(1), name(model)]),
    ["Model calls", String(details.calls)], ...(row.images ? [["Images", String(row.images)]] : []),
    ["Tokens", `${count(usage.input)} in, ${count(usage.output)} out` + (cached ? `, ${count(cached)} cached` : "")],
    ["Cost", money(row.cost)], ["Time", duration(row.seconds)],
    ["Seed", details.seed === null ? "-" : String(details.seed)],
    ["Begun", details.begun.slice(0, 19).replace("T", " ") + " UTC"],
  ];
  return h("dl", { class: "facts" }, pairs.map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));
}

function failureView(details) {
  const incidents = details.incidents.map((one) => [one.cause, one.error, one.message,
    one.iteration === null ? "" : `iteration ${one.iteration}`, one.retried ? "retried" : ""]);
  const final = details.failure;
  if (final && !details.incidents.some((one) => one.message === final.message)) incidents.push([final.cause, final.error, final.message, "", ""]);
  if (!incidents.length) return null;
  return h("div", null, h("h3", null, "Failures"), incidents.map(([cause, error, message, where, retried]) =>
    h("div", null, h("p", null, h("b", null, said(error)), ` (cause ${cause}) `, [where, retried].filter(Boolean).join(", ")), wholeView(message))));
}

function chartLegend(turns) {
  const hidden = turns.some((turn) => turn.graded);
  const tree = !straight(turns);
  return h("p", { class: "note" }, "Dots: visible checks, filled where all passed. Line: best so far.",
    hidden && " Diamonds: grade after the loop, by the hidden checks where there are some.", tree && " Below: the tree of attempts, the answer filled.");
}

function turnSection(turn, details, open) {
  const body = h("div", { class: "body" });
  let rendered = false;
  const section = h("details", { class: "turn", ontoggle: () => {
    if (section.open && !rendered) add(body, turnBody(turn, details));
    rendered ||= section.open;
  } }, turnSummary(turn, turn.n === details.answer), body);
  section.open = open;
  return section;
}

function turnSummary(turn, answer) {
  const from = turn.parent === null ? (turn.n ? "fresh start" : "") : turn.parent === turn.n - 1 ? "" : `from ${turn.parent}`;
  const failed = turn.judged ? turn.judged.checks.filter((check) => check.score < 1).length : 0;
  const fate = [from,
    turn.judged ? `${turn.judged.checks.length - failed} of ${plural(turn.judged.checks.length, "check")}` : turn.candidate ? "not judged" : "no candidate",
    turn.graded && `grade ${rate(turn.graded.score)}`,
    turn.decided && `${turn.decided.decision} (${turn.decided.rule})`,
    turn.calls > 0 && `${count(turn.tokens)} tokens`].filter(Boolean).join(" \u00b7 ");
  return h("summary", null, h("b", null, "Iteration " + turn.n), h("span", { class: "score" }, rate(turn.judged && turn.judged.score)),
    h("span", { class: "fate" }, answer && h("span", { class: "answer-tag" }, "answer \u00b7 "), said(fate)));
}

function turnBody(turn, details) {
  const parent = details.iterations.find((other) => other.n === turn.parent);
  return [
    ...callsView(turn, details, (node) => !["verify", "critique", "grade"].includes(node)),
    ...candidateView(turn, parent),
    turn.output && h("h3", null, `Sandbox output, ${duration(turn.seconds)}`), turn.output && wholeView(turn.output),
    turn.changes && h("details", { class: "changes" }, h("summary", null, "Changes to the repository"), wholeView(turn.changes)),
    ...callsView(turn, details, (node) => node === "verify"),
    ...verdictView("Checks", turn.judged, details.value),
    ...callsView(turn, details, (node) => node === "critique"),
    turn.critique && h("h3", null, "Critic, for ", said(turn.critique.decision)),
    turn.critique && h("blockquote", null, said(turn.critique.text)),
    turn.decided && h("h3", null, "Decision"),
    turn.decided && h("p", null, h("b", null, said(turn.decided.decision)), turn.decided.target === null ? "" : ` from iteration ${turn.decided.target}`,
      ", rule ", h("b", null, said(turn.decided.rule)), ": ", said(brief(turn.decided.why))),
    turn.decided && brief(turn.decided.why) !== turn.decided.why && wholeView(turn.decided.why),
    ...callsView(turn, details, (node) => node === "grade"),
    ...verdictView("Grade", turn.graded, details.value),
    h("p", { class: "note" }, turn.images > 0 && plural(turn.images, "image") + ", ", `${plural(turn.calls, "model call")}, ${count(turn.tokens)} tokens, ${money(turn.cost)}, ${duration(turn.model_seconds)} of model time`),
  ].filter(Boolean);
}

function candidateView(turn, parent) {
  if (!turn.candidate) return [h("h3", null, "No candidate"), turn.problem && wholeView(turn.problem)];
  // An instruction is no new version of the one before.
  const before = parent && parent.candidate, pictured = Object.keys(turn.candidate.pictures).length > 0;
  return [h("h3", null, before ? `Candidate, changes from iteration ${parent.n}` : "Candidate"), 
    ...picturesView(turn.candidate, parent), ...candidateParts(turn.candidate, pictured ? null : before)].filter(Boolean);
}

// A candidate, or its changes from the one before.
function candidateParts({ text, files, artifacts }, before) {
  const nodes = [];
  if (text || (before && before.text)) nodes.push(...change("", before ? before.text : null, text));
  for (const path of [...new Set([...Object.keys(before ? before.files : {}), ...Object.keys(files)])].sort()) {
    nodes.push(...change(path, before ? contentOf(before.files, path) : null, contentOf(files, path)));
  }
  const refs = Object.entries(artifacts);
  if (refs.length) nodes.push(h("p", { class: "note" }, "Artifacts: ", refs.map(([label, ref], i) => [i ? ", " : "", name(label), " ", ref.slice(0, 12)])));
  if (!nodes.length) nodes.push(h("p", { class: "note" }, "Empty."));
  return nodes;
}

// A file may be called `constructor`.
const contentOf = (files, path) => (Object.hasOwn(files, path) ? files[path] : "");

function change(path, before, after) {
  const label = path && h("div", { class: "path" }, said(path));
  if (before === null) return [label, wholeView(after)].filter(Boolean);
  if (before === after) return [h("div", { class: "path" }, said(path || "text"), h("span", { class: "note" }, " unchanged"))];
  return [label, diffView(before, after)].filter(Boolean);
}

function verdictView(title, verdict, aim) {
  if (!verdict) return [];
  const rows = verdict.checks.map((check) => h("tr", null,
    h("td", null, h("span", { class: "mark " + (check.score >= 1 ? "passed" : "missed"), role: "img", "aria-label": check.score >= 1 ? "passed" : "not passed" })),
    h("td", { class: "num" }, rate(check.score)),
    h("td", null, h("b", null, name(check.name)), check.confidence < 1 && ` (confidence ${rate(check.confidence)})`,
      check.evidence && h("pre", null, said(check.evidence)))));
  return [h("h3", null, `${title}, score ${rate(verdict.score)}${verdict.value === null ? "" : ", " + valued(aim, verdict.value)}`),
    verdict.summary && h("p", null, said(verdict.summary)),
    rows.length > 0 && h("table", { class: "checks" }, h("tbody", null, rows))].filter(Boolean);
}

function isolationView(details) {
  if (!details.sandboxes.length) return null;
  const groups = new Map();
  for (const box of details.sandboxes) {
    const key = box.kind + box.purpose, group = groups.get(key) || { ...box, times: 0, seconds: 0, pooled: 0 };
    groups.set(key, { ...group, times: group.times + 1, seconds: group.seconds + box.seconds, pooled: group.pooled + (box.pooled ? 1 : 0) });
  }
  return h("div", null, h("h3", null, "Isolation in force"), [...groups.values()].map((group) => sandboxLine(group, details.isolation || INDEX.isolation)));
}

function sandboxLine(group, kinds) {
  const kind = kinds[group.kind];
  const named = (inForce) => kind.controls.filter((control) => control.in_force === inForce).map((control) => control.control).join(", ");
  return h("p", { class: "note" }, `${plural(group.times, "sandbox").replace("xs", "xes")} for the ${group.purpose}, ${kind.provider}, `,
    name(kind.image.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, "$1") || "default image"),
    `, opened in ${duration(group.seconds / group.times)}${group.times > 1 ? " on average" : ""}`, group.pooled > 0 && `, ${group.pooled} from the pool`,
    ": ", kind.controls.length ? named(true) || "no control in force" : "no self-check recorded",
    named(false) && h("strong", null, `; not in force: ${named(false)}`));
}
