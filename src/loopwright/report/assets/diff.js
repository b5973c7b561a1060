// Line differences between a candidate and its parent.

const LARGEST_TABLE = 4e6;
const CONTEXT = 3;

// Edits that turn `before` into `after`: a list of [sign, line] with sign " ", "-" or "+".
function edits(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start &&
         before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const a = before.slice(start, before.length - end), b = after.slice(start, after.length - end);
  return [
    ...before.slice(0, start).map((line) => [" ", line]),
    ...(a.length * b.length > LARGEST_TABLE ? replaced(a, b) : shortest(a, b)),
    ...before.slice(before.length - end).map((line) => [" ", line]),
  ];
}

const replaced = (a, b) => [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];

// The longest common subsequence, by its table of lengths.
function shortest(a, b) {
  const width = b.length + 1, lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j]
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const out = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      out.push([" ", a[i]]);
      i++;
      j++;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) out.push(["-", a[i++]]);
    else out.push(["+", b[j++]]);
  }
  return [...out, ...replaced(a.slice(i), b.slice(j))];
}

const diffLine = ([sign, line]) =>
  h("div", { "data-sign": sign.replace("-", "\u2212"), class: { "+": "add", "-": "del" }[sign] }, h("span", null, said(line)));

const linesOf = (text) => text.replace(/\n$/, "").split("\n");

// The edits as elements; long unchanged stretches are folded until asked for.
function diffView(before, after) {
  const list = edits(linesOf(before), linesOf(after));
  const near = new Uint8Array(list.length);
  list.forEach(([sign], i) => {
    if (sign !== " ") near.fill(1, Math.max(0, i - CONTEXT), Math.min(list.length, i + CONTEXT + 1));
  });
  const box = h("div", { class: "diff" });
  for (let i = 0; i < list.length;) {
    let j = i;
    while (j < list.length && near[j] === near[i]) j++;
    const part = list.slice(i, j);
    if (near[i] || part.length <= 2) add(box, part.map(diffLine));
    else {
      const button = h("button", { type: "button", onclick: () => button.replaceWith(add(document.createDocumentFragment(), part.map(diffLine))) },
        "\u2026 " + plural(part.length, "unchanged line"));
      box.append(button);
    }
    i = j;
  }
  return box;
}

// One text as it is, in one node whatever its length.
const wholeView = (text) => h("pre", { class: "out" }, said(text));
