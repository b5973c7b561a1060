// One instance under every variant, side by side: what each answered, what its checks said, and its iterations.

// rows: the instance's episodes; detailsOf: gives what the page holds of one.
function instanceView(unit, rows, detailsOf, nav) {
  const repeats = [...new Set(rows.map((row) => row.repeat))].sort((a, b) => a - b);
  const goal = detailsOf(rows[0]).goal;
  return [
    crumbs(h("a", { href: "#tasks" }, "All instances"), nav),
    h("h1", null, name(unit)),
    goal && h("div", { class: "goal" }, said(goal)),
    ...repeats.map((repeat) => [
      repeats.length > 1 && h("h2", null, `Repeat ${repeat}`),
      h("div", { class: "beside", tabindex: 0, role: "region", "aria-label": "Variants side by side" },
        rows.filter((row) => row.repeat === repeat).map((row) => variantView(row, detailsOf(row)))),
    ]).flat(),
  ].filter(Boolean);
}

function variantView(row, details) {
  const answer = details.iterations.find((turn) => turn.n === details.answer);
  return h("section", { class: "variant" },
    h("h2", null, h("a", { href: link(row) }, name(row.variant))),
    h("p", null, ...verdictSentence(row, details)),
    h("p", { class: "note" }, `${row.images ? plural(row.images, "image") + ", " : ""}${plural(details.calls, "model call")}, ${count(row.tokens)} tokens, ${money(row.cost)}, ${duration(row.seconds)}`),
    answer && callsView(answer, details, (node) => node === "propose"),
    answer && h("h3", null, `Answer, of iteration ${answer.n}`),
    answer && picturesView(answer.candidate, null),
    answer && candidateParts(answer.candidate, null),
    answer && verdictView(answer.graded ? "Grade" : "Checks", answer.graded || answer.judged, details.value),
    h("h3", null, "Iterations"),
    details.iterations.map((turn) => turnSection(turn, details, false)));
}
