// Elements and text. Words from models become text nodes and nothing else.

const SVG = "http://www.w3.org/2000/svg";
// Controls, bidirectional controls and lone surrogates are shown, not obeyed.
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

// Untrusted text as nodes, with what would act on the page spelt out.
function said(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.replaceAll("\r\n", "\n").matchAll(ACTING)) {
    nodes.push(match.input.slice(from, match.index));
    const code = match[0].charCodeAt(0).toString(16).padStart(2, "0");
    nodes.push(h("span", { class: "esc" }, code.length > 2 ? "\\u" + code : "\\x" + code));
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
