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
    byId("steered").replaceChildren(...said(reply.told), reply.remedy ? " " : "", ...said(reply.remedy));
  } catch (error) {
    byId("steered").replaceChildren(error.message);
  }
  await askForQuestions();
}

const CAPS = ["model_calls", "images", "tokens", "usd", "sandbox_seconds", "working_seconds", "seconds"];

function drawSteering() {
  const button = (text, order) => h("button", { type: "button", onclick: () => give(order()) }, text);
  const input = (label, type, more) => h("input", { type, "aria-label": label, placeholder: label, ...more });
  const episode = input("episode", "text"), places = input("at a time", "number", { min: 1 });
  const cap = h("select", { "aria-label": "cap" }, CAPS.map((one) => h("option", null, one)));
  const amount = input("amount", "number", { min: 0, step: "any" });
  byId("steer").replaceChildren(
    h("details", null, h("summary", null, "Steer"),
      h("p", null,
        button("Pause", () => ({ command: "pause" })), " ",
        button("Continue", () => ({ command: "continue" })), " ",
        h("button", { type: "button", onclick: () => confirm("End the run after the steps under way?") && give({ command: "stop" }) }, "Stop")),
      h("p", null, episode, " ",
        button("Skip", () => ({ command: "skip", episode: episode.value })), " ",
        button("Try again", () => ({ command: "retry", episode: episode.value }))),
      h("p", null, places, " ", button("Set", () => ({ command: "set_concurrency", episodes: Number(places.value) })), " ",
        cap, " ", amount, " ", button("Set cap", () => ({ command: "set_cap", cap: cap.value, amount: Number(amount.value) })))),
    h("div", { id: "questions" }), h("p", { id: "steered", class: "note", role: "status" }));
}

let asked = "";

// Draws the open questions, and anew only where they are others: an answer that is being written stays.
async function askForQuestions() {
  let questions = [];
  try {
    questions = (await command({ command: "status" })).status?.questions || [];
  } catch { /* The run has ended; its page says so. */ }
  const ids = JSON.stringify(questions.map((one) => one.id));
  if (ids === asked) return;
  asked = ids;
  byId("questions").replaceChildren(...questions.map((one) => {
    const words = h("input", { type: "text", "aria-label": "words", placeholder: "words for the proposer" });
    const choose = (choice, target) => h("button", {
      type: "button", onclick: () => give({ command: "answer", question: one.id, choice, text: words.value, target }),
    }, target === null ? choice : `${choice} ${target}`);
    return h("section", null, h("b", null, name(one.id)), h("pre", null, said(one.text)), words, " ",
      one.choices.flatMap((choice) => choice === "backtrack" ? one.targets.map((target) => choose(choice, target)) : [choose(choice, null)]));
  }));
}

// now: the latest state of the run.
function steering(now) {
  byId("steer").hidden = !now.writer || Boolean(now.finished);
  const waits = now.underway.some((one) => one.doing === "waits for a person");
  if (!byId("steer").hidden && (waits || asked !== "")) askForQuestions();
}
