// Commands to a run that works: what `loopwright ctl` does, from its page.

// What the run answered; a refusal is an answer too.
async function command(order) {
  const answer = await fetch(`${LIVE}/command`, {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(order),
  });
  if (!answer.ok) throw new Error(`the server answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function give(order) {
  try {
    const reply = await command(order);
    put(byId("steered"), [...said(reply.told), reply.remedy ? " " : "", ...said(reply.remedy)]);
    byId("steered").classList.toggle("refused", !reply.done);
  } catch (error) {
    byId("steered").replaceChildren(error.message);
  }
  await askForStatus();
}

function askFor(input, missing) {
  byId("steered").replaceChildren(missing);
  byId("steered").classList.add("refused");
  input.focus();
}

const CAPS = ["model_calls", "images", "tokens", "usd", "sandbox_seconds", "working_seconds", "seconds"];

function drawSteering() {
  const button = (text, order, more) => h("button", { type: "button", onclick: () => give(order()), ...more }, text);
  // A command that needs what an input holds; without it, it is asked for.
  const needing = (text, input, missing, order) => h("button", { type: "button", onclick: () => (input.value.trim() ? give(order()) : askFor(input, missing)) }, text);
  const labelled = (text, input) => h("label", null, text, " ", input);
  const episode = h("input", { type: "text", list: "underway", placeholder: "its name, or the beginning of it" });
  const places = h("input", { type: "number", min: 1, max: 10000 }), amount = h("input", { type: "number", min: 0, step: "any" });
  const cap = h("select", { "aria-label": "cap" }, CAPS.map((one) => h("option", { value: one }, one.replaceAll("_", " "))));
  const stop = () => confirm("End the run after the steps under way? `loopwright resume` goes on.") && give({ command: "stop" });
  byId("steer").replaceChildren(
    h("details", { ontoggle: askForStatus }, h("summary", null, "Steer"),
      h("p", null,
        button("Pause", () => ({ command: "pause" }), { id: "pause" }), " ",
        button("Continue", () => ({ command: "continue" }), { id: "continue" }), " ",
        h("button", { type: "button", onclick: stop }, "Stop"), " ", h("span", { id: "status", class: "note" })),
      h("p", null, labelled("Episode", episode), h("datalist", { id: "underway" }), " ",
        needing("Skip", episode, "Name the episode to skip.", () => ({ command: "skip", episode: episode.value })), " ",
        needing("Try again", episode, "Name the episode to try again.", () => ({ command: "retry", episode: episode.value }))),
      h("p", null, labelled("Episodes at a time", places), " ",
        needing("Set", places, "Say how many episodes at a time.", () => ({ command: "set_concurrency", episodes: Number(places.value) }))),
      h("p", null, labelled("Cap on", cap), " ", labelled("of", amount), " ",
        button("Set cap", () => ({ command: "set_cap", cap: cap.value, amount: amount.value === "" ? null : Number(amount.value) })))),
    h("div", { id: "questions" }), h("p", { id: "steered", class: "note", role: "status" }));
}

let asked = "";

// Draws what the run answers, and its open questions anew only where they are others: an answer that is being written stays.
async function askForStatus() {
  let status = {};
  try {
    status = (await command({ command: "status" })).status || {};
  } catch { /* The run has ended; its page says so. */ }
  const left = Object.entries(status.left || {}).filter(([, amount]) => amount !== null);
  byId("status").replaceChildren(...said(status.state ? [`${status.state}, ${plural(status.concurrency, "episode")} at a time`,
    ...left.map(([cap, amount]) => `${cap.replaceAll("_", " ")} left: ${count(amount)}`)].join("; ") : ""));
  put(byId("underway"), (status.under_way || []).map((one) => h("option", { value: one.id })));
  const questions = status.questions || [], ids = JSON.stringify(questions.map((one) => one.id));
  if (ids === asked) return;
  asked = ids;
  put(byId("questions"), questions.map(questionView));
}

function questionView(question) {
  const words = h("textarea", { rows: 2, maxlength: 10000, "aria-label": "words", placeholder: "words for the proposer, if there are any" });
  const choose = (choice, target) => h("button", {
    type: "button", onclick: () => give({ command: "answer", question: question.id, choice, text: words.value, target }),
  }, target === null ? capital(choice) : `Back to ${target}`);
  return h("section", { class: "question" }, h("b", null, "A question: ", name(question.id)), h("pre", null, said(question.text)), words,
    h("p", null, question.choices.flatMap((choice) => choice === "backtrack" ? question.targets.map((target) => choose(choice, target)) : [choose(choice, null)])
      .flatMap((one) => [one, " "])));
}

// now: the latest state of the run.
function steering(now) {
  byId("steer").hidden = !now.writer || Boolean(now.host) || Boolean(now.finished);
  byId("pause").hidden = now.paused;
  byId("continue").hidden = !now.paused;
  const waits = now.underway.some((one) => one.doing === "waits for a person");
  if (!byId("steer").hidden && (waits || asked !== "")) askForStatus();
}
