// Elements and text. Words from models become text nodes and nothing else.

const SVG = "http://www.w3.org/2000/svg";
// Controls, bidirectional controls and lone surrogates are shown, not obeyed; so are marks beyond the sixteenth on one letter,
// as a browser that lays out some hundred thousand of them hangs.
const ACTING = /(?:[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|(?<=\p{M}{16})\p{M})+/gu;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  return add(node, children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

// One by one: a call takes some hundred thousand arguments at most, and what a run holds has more parts than that.
function add(node, parts) {
  for (const part of parts) node.append(part);
  return node;
}

// In place of what is in the node.
function put(node, parts) {
  const fresh = [...parts];
  node.replaceChildren();
  return add(node, fresh);
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

function spelt(sign) {
  const code = sign.codePointAt(0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : code.length > 2 ? "\\u" + code.padStart(4, "0") : "\\x" + code.padStart(2, "0");
}

// Untrusted text as nodes, with what would act on the page spelt out.
function said(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.replaceAll("\r\n", "\n").matchAll(ACTING)) {
    nodes.push(match.input.slice(from, match.index));
    nodes.push(h("span", { class: "esc" }, Array.from(match[0], spelt).join("")));
    from = match.index + match[0].length;
  }
  nodes.push(text.replaceAll("\r\n", "\n").slice(from));
  return nodes;
}

// The first line of a long text, for a place in a sentence.
function brief(text) {
  const line = text.split("\n", 1)[0];
  return line.length > 160 ? line.slice(0, 160) + "\u2026" : line;
}

const name = (text) => h("bdi", null, said(text));
