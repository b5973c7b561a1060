// Score by iteration with the best so far, and under it the tree of attempts where the loop did not go straight on.

const LANE = 22, PANEL = 150, MARGIN = { left: 34, right: 14, top: 10, bottom: 20 };

// What is drawn of a verdict: its value, where the task maximises or minimises one, or its score; null for neither.
const drawn = (verdict, aim) => (verdict ? (aim ? verdict.value : verdict.score) : null);

// The lowest and the highest of what is drawn.
function range(turns, aim) {
  if (!aim) return [0, 1];
  const values = turns.flatMap((turn) => [drawn(turn.judged, aim), drawn(turn.graded, aim)]).filter((value) => value !== null);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!values.length) return [0, 1];
  return low < high ? [low, high] : [low - 1, high + 1];
}

function chart(turns, { answer, value: aim }, width, jump) {
  const last = turns.length ? turns[turns.length - 1].n : 0;
  const inner = Math.max(60, width - MARGIN.left - MARGIN.right);
  const x = (n) => MARGIN.left + (last ? (n / last) * inner : inner / 2);
  const [low, high] = range(turns, aim);
  const y = (level) => MARGIN.top + ((high - level) / (high - low)) * (PANEL - MARGIN.top - MARGIN.bottom);
  const lanes = straight(turns) ? null : laneOf(turns, answer);
  const depth = lanes ? [...lanes.values()].reduce((a, b) => Math.max(a, b)) + 1 : 0;
  const height = PANEL + (lanes ? depth * LANE + 8 : 0);
  const label = (aim ? said(aim.name) : "Score") + " by iteration: " +
    turns.map((t) => t.n + ": " + (aim ? valued(aim, drawn(t.judged, aim)) : rate(t.judged && t.judged.score))).join(", ");
  const root = s("svg", { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });

  for (const tick of [low, (low + high) / 2, high]) {
    root.append(s("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      s("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, String(Number(tick.toPrecision(3)))));
  }
  const every = step(((last + 1) * 28) / inner);
  for (let n = 0; n <= last; n += every) {
    root.append(s("text", { x: x(n), y: PANEL - 4, "text-anchor": "middle" }, String(n)));
  }
  const path = bestSoFar(turns, aim).map(([n, score], i) => (i ? `H${x(n)}V${y(score)}` : `M${x(n)},${y(score)}`)).join("");
  if (path) root.append(s("path", { class: "best", d: path + (last ? `H${x(last)}` : "") }));
  if (lanes) add(root, edges(turns, lanes, x));
  const room = Math.min(13, last ? inner / last / 2 : 13);
  for (const turn of turns) root.append(mark(turn, { answer, aim, low }, lanes, x(turn.n), y, room, height, jump));
  return root;
}

// The next of 1, 2, 5, 10, 20, 50, ...
function step(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= least);
}

const straight = (turns) => turns.every((turn) => turn.parent === (turn.n ? turn.n - 1 : null));

const bestSoFar = (turns, aim) => turns.filter((turn) => turn.judged && turn.judged.best && drawn(turn.judged, aim) !== null)
  .map((turn) => [turn.n, drawn(turn.judged, aim)]);

// The way to the answer is the first lane; elsewhere a first child stays in its parent's lane, and every other child and
// every fresh start takes a new one.
function laneOf(turns, answer) {
  const parents = new Map(turns.map((turn) => [turn.n, turn.parent]));
  const way = new Set();
  for (let n = answer; n !== null && parents.has(n) && !way.has(n); n = parents.get(n)) way.add(n);
  const lanes = new Map(), continued = new Set(way);
  if (way.size) continued.delete(answer);
  let free = way.size ? 1 : 0;
  for (const { n, parent } of turns) {
    if (way.has(n)) lanes.set(n, 0);
    else if (lanes.has(parent) && !continued.has(parent)) {
      continued.add(parent);
      lanes.set(n, lanes.get(parent));
    } else lanes.set(n, free++);
  }
  return lanes;
}

const laneY = (lane) => PANEL + 8 + lane * LANE + LANE / 2;

function edges(turns, lanes, x) {
  return turns.filter((turn) => turn.parent !== null && lanes.has(turn.parent)).map((turn) => {
    const from = [x(turn.parent), laneY(lanes.get(turn.parent))], to = [x(turn.n), laneY(lanes.get(turn.n))];
    const middle = Math.min(from[0] + 14, (from[0] + to[0]) / 2);
    return s("path", { class: "edge", d: `M${from}C${middle},${from[1]} ${from[0]},${to[1]} ${middle + (middle - from[0])},${to[1]}H${to[0]}` });
  });
}

function mark(turn, { answer, aim, low }, lanes, x, y, room, height, jump) {
  const told = [`Iteration ${turn.n}`, turn.judged ? "score " + rate(turn.judged.score) : "no candidate"];
  const judged = drawn(turn.judged, aim), graded = drawn(turn.graded, aim);
  if (aim && turn.judged) told.push(valued(aim, judged));
  if (turn.graded) told.push("grade " + rate(turn.graded.score));
  if (turn.n === answer) told.push("the answer");
  const link = s("a", { href: "#", onclick: (event) => { event.preventDefault(); jump(turn.n); } }, s("title", null, told.join(", ")),
    s("rect", { class: "hit", x: x - room, y: 0, width: 2 * room, height }));
  const size = Math.max(1.4, Math.min(3.5, room / 2));
  if (graded !== null) {
    const gy = y(graded), r = 1.7 * size;
    link.append(s("path", { class: "hidden" + (turn.graded.passed ? " passed" : ""), d: `M${x},${gy - r}L${x + r},${gy}L${x},${gy + r}L${x - r},${gy}Z` }));
  }
  if (judged !== null) link.append(s("circle", { class: "dot" + (turn.judged.passed ? " passed" : ""), cx: x, cy: y(judged), r: size }));
  else link.append(s("text", { x, y: y(low) + 4, "text-anchor": "middle" }, "\u00d7"));
  if (lanes) link.append(s("circle", { class: "node" + (turn.n === answer ? " answer" : ""), cx: x, cy: laneY(lanes.get(turn.n)), r: 1.4 * size }));
  return link;
}
