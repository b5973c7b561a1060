// Numbers as text.

const rate = (value) => (value === null || value === undefined ? "-" : value.toFixed(2));

// An open-ended value with its name and unit.
function valued(aim, value) {
  const told = value === null || value === undefined ? "none" : String(Number(value.toPrecision(6)));
  return aim ? said(`${aim.name} ${told}${aim.unit && " " + aim.unit}`) : "value " + told;
}

function count(value) {
  for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= limit) return (value / limit).toFixed(value / limit >= 100 ? 0 : 1) + unit;
  }
  return String(value);
}

function money(value) {
  if (value === null) return "-";
  const dollars = Number(value);
  if (dollars > 0 && dollars < 0.0001) return "$" + dollars.toPrecision(1);
  return "$" + dollars.toFixed(dollars >= 1 || dollars === 0 ? 2 : 4);
}

function duration(seconds) {
  if (seconds < 1) return (seconds * 1000).toFixed(0) + " ms";
  if (seconds < 59.95) return seconds.toFixed(1) + " s";
  const whole = Math.round(seconds);
  if (whole < 3600) return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
  return Math.floor(whole / 3600) + " h " + Math.floor((whole % 3600) / 60) + " min";
}

const plural = (number, word) => number + " " + word + (number === 1 ? "" : "s");

// What became of an episode, as one word.
function outcome(row) {
  if (row.status !== "scored") return row.status;
  return row.passed ? "passed" : "missed";
}

const OUTCOMES = { passed: "passed", missed: "not passed", failed: "failed", unfinished: "unfinished" };
