// Model calls: what was asked, folded; what the model thought, folded; what it answered.

// A text out of the lines that an episode's texts share.
function textOf(details, runs) {
  const lines = [];
  for (let i = 0; i < runs.length; i += 2) lines.push(details.lines.slice(runs[i], runs[i] + runs[i + 1]).join("\n"));
  return lines.join("\n");
}

const capital = (text) => (text ? text[0].toUpperCase() + text.slice(1) : "Model");

// A folded part; what is in it is made when it is first opened.
function fold(label, make, open = false) {
  const part = h("details", { class: "fold", ontoggle: () => part.open && part.childNodes.length === 1 && fill(part, {}, [make()]) },
    h("summary", null, label));
  part.open = open;
  return part;
}

// The calls of an iteration in some of its nodes.
function callsView(turn, details, wanted) {
  return turn.transcript.filter((call) => wanted(call.node)).map((call) => callView(call, earlier(call, details), details, turn.candidate === null));
}

// The last call of the same node before this one, with its iteration.
function earlier(call, details) {
  let found = null;
  for (const other of details.iterations) {
    for (const one of other.transcript) {
      if (one === call) return found;
      if (one.node === call.node) found = { call: one, n: other.n };
    }
  }
  return found;
}

function callView(call, before, details, open) {
  const { reply } = call;
  return h("div", { class: "call" },
    h("h3", null, said(capital(call.role)), " asks ", name(call.model)),
    h("p", { class: "note" }, said(callFacts(call).join(" \u00b7 "))),
    remarks(call).map((remark) => h("p", { class: "remark" }, said(remark))),
    call.failures.map((failed) => fold(
      h("span", null, `Try ${failed.attempt || 1} failed: `, said(failed.error), failed.retried ? ", tried again" : ""),
      () => [wholeView(failed.message), failed.partial && h("p", { class: "note" }, "What had arrived:"), failed.partial && wholeView(failed.partial)])),
    promptView(call, before, details),
    reply && reply.reasoning && fold("Reasoning", () => wholeView(textOf(details, reply.reasoning))),
    reply && toolCalls(reply.calls, details),
    reply && fold("Reply", () => wholeView(textOf(details, reply.text)), open));
}

const toolCalls = (calls, details) => calls.map((call) =>
  [h("div", { class: "path" }, "calls ", said(call.name)), wholeView(textOf(details, call.arguments))]);

function callFacts(call) {
  const { reply } = call, usage = reply && reply.usage;
  return [
    ...Object.entries(call.sampling).map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`),
    call.tools.length > 0 && `offers ${call.tools.join(", ")}`,
    usage && `${count(usage.input)} in`,
    usage && usage.cache_read > 0 && `${count(usage.cache_read)} read from the cache`,
    usage && usage.cache_write > 0 && `${count(usage.cache_write)} written to the cache`,
    usage && `${count(usage.output)} out`,
    reply && money(reply.cost),
    call.seconds !== null && duration(call.seconds),
    reply && reply.model !== call.model && !call.model.endsWith("/" + reply.model) && `answered by ${reply.model}`,
  ].filter(Boolean);
}

// What a reader must know before trusting the reply.
function remarks(call) {
  const { reply } = call;
  if (!reply) return [call.seconds === null ? "No answer is recorded." : "The call failed."];
  return [
    reply.finish === "length" && "The reply was cut at the token limit.",
    reply.finish === "refusal" && "The provider refused to answer.",
    reply.left_out.length > 0 && `The server does not take ${reply.left_out.join(", ")}: the reply was drawn without.`,
    !reply.reported && "The server did not say what the call used: the tokens are the most that it can have used.",
    call.cached && "The reply came from the response cache; nothing was paid for it.",
  ].filter(Boolean);
}

// A message that the call before had too is named, and one that changed is shown by its changes.
function promptView(call, before, details) {
  const parts = () => call.messages.map((message, i) => {
    const other = before && before.call.messages[i], text = textOf(details, message.text);
    const label = (more) => h("div", { class: "path" }, said(message.role), more && h("span", { class: "note" }, more));
    const images = message.images.length > 0 && h("p", { class: "note" }, plural(message.images.length, "picture"), ": ", message.images.map((ref) => ref.slice(0, 12)).join(", "));
    const rest = [toolCalls(message.calls, details), images];
    if (!other || other.role !== message.role) return [label(), text && wholeView(text), rest];
    if (other.text.join() === message.text.join()) return [label(` as in iteration ${before.n}`), fold("Show", () => wholeView(text)), rest];
    return [label(` changes from iteration ${before.n}`), diffView(textOf(details, other.text), text), rest];
  });
  return fold(h("span", null, `Prompt, ${plural(call.messages.length, "message")}`), parts);
}
