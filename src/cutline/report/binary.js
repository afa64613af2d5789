// ---- tables: built once, cells filled on every move -------------------------------------------------------------------
const RATES = [
  ["precision", "Precision", `of the flagged, are ${pos}`], ["recall", "Recall", `of ${pos}, are flagged`],
  ["fpr", "False positive rate", `of ${neg}, are flagged`], ["specificity", "Specificity", `of ${neg}, are left alone`],
  ["f1", "F1", "of precision and recall"], ["accuracy", "Accuracy", "of all, are decided right"],
  ["mcc", "MCC", "agreement, from \u22121 to 1"],
];
const rateCells = RATES.map(([key, label, gloss]) => {
  const line = el("tr", {}, $("rates"));
  el("small", {}, el("th", { scope: "row" }, line, label), gloss);
  const value = el("td", { class: "value", id: `rate-${key}` }, line), limits = el("td", { class: "span" }, line);
  const strip = el("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" }, el("td", { class: "strip" }, line));
  el("rect", { class: "track", x: 0, y: 8, width: 100, height: 2 }, strip);
  const bar = el("rect", { class: "range", y: 5, height: 8 }, strip), tick = el("rect", { class: "tick", y: 1, height: 16, width: 1.2 }, strip);
  const on = (x) => 100 * (key === "mcc" ? (x + 1) / 2 : x);
  return { key, value, limits, bar, tick, on };
});
const level = `${fixed(100 * data.confidence, 0)} %`;
const HOW = data.scored.weighted
  ? "Rows are weighted. An interval at every threshold would need sums of squared weights, which this page does not carry; the table of estimates has them at the chosen threshold."
  : data.independent
    ? `Ranges: ${level} Wilson intervals, each for its threshold alone (F1: Wilson on Jaccard, mapped; MCC: Dirichlet, at the named thresholds only).`
    : "Rows come in clusters. An interval at every threshold would need sums over clusters, which this page does not carry; the table of estimates has them at the chosen threshold.";
const HOW_ELSEWHERE = ` At another share of ${pos} precision has the logit delta interval; accuracy, F1 and MCC have none.`;

const cells = {};
(() => {
  const table = el("table", { class: "four" }, $("matrix"));
  const head = el("tr", {}, el("thead", {}, table));
  el("td", {}, head);
  for (const text of ["Flagged", "Not flagged", "All"]) el("th", { scope: "col" }, head, text);
  const body = el("tbody", {}, table);
  for (const [k, name, keys] of [[data.positive, "positives", ["tp", "fn"]], [data.negative, "negatives", ["fp", "tn"]]]) {
    const line = el("tr", {}, body);
    el("bdi", { title: data.labels[k] }, el("th", { scope: "row" }, line), data.labels[k]);
    for (const key of keys) {
      const cell = el("td", { class: `cell ${key}` }, line);
      cells[key] = { n: el("b", { id: key }, cell), row: el("small", {}, cell), column: el("small", {}, cell) };
    }
    cells[name] = { n: el("td", { class: "sum" }, line) };
  }
  const line = el("tr", {}, body);
  el("th", { scope: "row", class: "sum" }, line, "All");
  for (const key of ["flagged", "rest", "all"]) cells[key] = { n: el("td", { class: "sum", id: key }, line) };
})();
$("h-matrix").textContent = `Who is flagged as ${pos}`;
$("hist-note").textContent = `Above the line ${pos}, below it ${neg}, each as a share of its own rows; height is a square root, so ` +
  "that small bars show. Solid bars are flagged. Below, on the same axis, the rates at each threshold. Drag in either to move it.";
const LEGEND = [["tp", `${pos}, flagged`], ["fn", `${pos}, missed`], ["fp", `${neg}, flagged by mistake`], ["tn", `${neg}, left alone`]];
if (rule && rule.undecided > 0) LEGEND.push(["un", "left undecided"]);
const legend = LEGEND.map(([key, text]) => {
  const item = el("li", {}, $("legend"));
  el("i", { class: `key ${key}` }, item);
  const n = el("b", {}, item);
  el("span", {}, item, text);
  return { key, n, item };
});

function tell(s) {
  $("say").textContent = sentence(s);
  $("also").textContent = also(s);
  $("h-rates").textContent = s.index === RULE ? "Rates of the rule" : "Rates at this threshold";
  $("moved").hidden = !data.decision || s.index === (rule ? RULE : data.named[0].index);
  $("how").textContent = HOW + (elsewhere() ? HOW_ELSEWHERE : "");
  for (const { key, value, limits, bar, tick, on } of rateCells) {
    const rate = s[key], known = Number.isFinite(rate.value), ranged = Number.isFinite(rate.low);
    value.textContent = figure(rate.value);
    limits.textContent = ranged ? span(rate.low, rate.high, rate.value) : "";
    bar.style.display = ranged ? "" : "none";
    tick.style.display = known ? "" : "none";
    if (ranged) move(bar, { x: on(rate.low), width: on(rate.high) - on(rate.low) });
    if (known) move(tick, { x: on(rate.value) - 0.6 });
  }
  const percent = (k, n, what) => n > 0 ? `${figure(100 * k / n, 1)} % of ${what}` : "";
  const shown = elsewhere() ? (x) => ofMany(x, s.of, s.of) : count, { tp, fp, fn, tn } = s.cells;
  for (const [key, of, name] of [["tp", tp + fn, pos], ["fn", tp + fn, pos], ["fp", fp + tn, neg], ["tn", fp + tn, neg]]) {
    const flagged = key === "tp" || key === "fp", column = flagged ? tp + fp : fn + tn;
    cells[key].n.textContent = shown(s.cells[key]);
    cells[key].row.textContent = percent(s.cells[key], of, name);
    cells[key].column.textContent = percent(s.cells[key], column, flagged ? "flagged" : "not flagged");
  }
  for (const [key, n] of [["positives", tp + fn], ["negatives", fp + tn], ["flagged", tp + fp], ["rest", fn + tn], ["all", s.of]]) cells[key].n.textContent = shown(n);
  $("matrix-note").textContent = `${elsewhere() ? `Expected of ${many(per)} rows, ${hundred(share)} in 100 of them ${pos}. ` : s.index === RULE && rule.undecided > 0 ? "Rows that the rule decides. " : ""}` +
    "Shares of a row (of all that are truly so) and of a column (of all that are decided so).";
  const dots = parts(s);
  for (const { key, n, item } of legend) {
    const k = ["tp", "fp", "fn", "tn", "un"].indexOf(key);
    n.textContent = ofMany(dots[k] * per, per, per);
    item.hidden = key === "un" && s.index !== RULE;
  }
}

// ---- what is asked for: each box names an operating point -----------------------------------------------------------
const boxed = (id) => $(id).value === "" ? NaN : Number($(id).value);
const ASKS = {
  recall: () => { const x = boxed("ask-recall"); return both && x >= 0 && x <= 100 ? withRecall(x / 100) : null; },
  capacity: () => { const k = boxed("ask-k"), n = boxed("ask-n"); return n > 0 && k >= 0 ? withCapacity(Math.min(k / n, 1)) : null; },
  cost: () => cheapest(),
};
const TOLD = {
  recall: (s) => `${hundred(s.recall.value)} in 100, ${flaggedOf(s)}.`,
  capacity: (s) => { const n = boxed("ask-n"); return `Flags ${ofMany(s.share * n, n, n)} of ${many(n)}, and finds ${hundred(s.recall.value)} in 100 ${pos}.`; },
  cost: (s) => `Lowest: ${amount(costOf(s))} for 1,000 rows.`,
};
const flaggedOf = (s) => `with ${ofMany(s.share * per, per, per)} of ${many(per)} rows flagged`;
function answer() {
  for (const key of Object.keys(ASKS)) {
    const i = ASKS[key](), button = $(`go-${key}`);
    button.disabled = i === null;
    button.lastElementChild.textContent = i === null ? "" : cut(points.threshold[i]);
    $(`told-${key}`).textContent = i === null ? "Nothing to go to." : TOLD[key](states[i]);
  }
}
function settle() { // another share of positives, other costs, another unit
  states = all.map(at);
  draw();
  answer();
}
function rescale() {
  const x = boxed("ask-share");
  share = x > 0 && x < 100 && Math.abs(x / 100 - data.prevalence) > 1e-12 && $("ask-share").value !== home ? x / 100 : data.prevalence;
  $("told-share").textContent = elsewhere() ? `These rows have ${hundred(data.prevalence)}. Recall and false positive rate are taken to stay.` : "As in these rows.";
  $("as-here").hidden = !elsewhere();
  settle();
}
const home = Number((100 * data.prevalence).toPrecision(3)).toString();

// ---- state ----------------------------------------------------------------------------------------------------------
const chosen = rule ? RULE : data.named[0].index;
let current = chosen, updates = {};
const standing = () => current === RULE ? data.named[0].index : current; // the point that a step is taken from
const named_ = data.named.filter((one) => one.name !== "lowest cost");
const NAMES = { "plateau from": "Plateau, low end", "plateau to": "Plateau, high end" };
const choices = [...(rule ? [["Chosen rule", null, RULE]] : []),
  ...named_.map((n) => [NAMES[n.name] ?? n.name[0].toUpperCase() + n.name.slice(1), Number(n.name) === n.threshold ? null : cut(n.threshold), n.index])];
const buttons = chips($("named"), choices, (k) => { set(choices[k][2]); keep(); });
$("slider").max = last;

function set(i) {
  current = i === RULE ? RULE : Math.min(Math.max(i, 0), last);
  const s = current === RULE ? at(RULE) : states[current];
  $("slider").value = last - standing(); // to the right the threshold rises
  $("slider").setAttribute("aria-valuetext", `${place(s)}: ${ofMany(s.cells.tp + s.cells.fp, s.of, per)} of ${many(per)} flagged`);
  const shown = typeof s.threshold === "number";
  $("threshold").value = shown ? cut(s.threshold) : "";
  $("threshold").placeholder = shown ? "" : current === RULE ? "a rule" : "nothing";
  $("threshold").title = current === RULE ? place(s) : shown ? `exactly ${s.threshold}` : "above every score";
  buttons.forEach((button, k) => button.setAttribute("aria-pressed", choices[k][2] === current));
  tell(s);
  for (const update of Object.values(updates)) update(s);
}
function keep() { // the address remembers the threshold, once a move is over; not inside a frame of a notebook
  const where = current === RULE ? "rule" : points.threshold[current] ?? "none";
  if (window === window.top) history.replaceState(null, "", `#threshold=${where}`);
}
function recall() {
  const found = /^#threshold=(.+)$/.exec(location.hash);
  if (found && found[1] === "none") set(0);
  else if (found && Number.isFinite(Number(found[1]))) set(rowOf(Number(found[1])));
}
const probable = Boolean(data.reliability && data.histogram);
const FIGURES = { dots: drawDots, hist: drawHist, by: drawByThreshold, roc: drawRoc, pr: drawPr, cal: drawCal, cost: drawCost, worth: drawBenefit, gain: drawGain };
for (const [id, there] of [["hist", SCALE], ["cost", SCALE], ["roc", both], ["pr", P > 0], ["gain", both], ["cal", probable], ["worth", probable && both], ["slices", sliced.length]]) {
  if (!there) $(id).closest("section").hidden = true;
}
for (const card of document.querySelectorAll("main > .card.live:not(.wide):not([hidden])")) card.classList.add("half");
const halves = [...document.querySelectorAll(".half")];
if (halves.length % 2) halves.at(-1).classList.add("wide"); // no hole beside the last of an odd number
function draw() {
  updates = {};
  for (const [key, make] of Object.entries(FIGURES)) {
    const section = $({ by: "rates-by" }[key] ?? key).closest("section");
    if (!section.hidden) updates[key] = make();
  }
  if (sliced.length) updates.slices = fillSlices;
  $("dot-note").textContent = `1,000 rows ${elsewhere() ? `with ${hundred(share)} in 100 ${pos}` : "like these"}: ${per === 1000 ? "one dot each" : `each dot stands for ${per / 1000}`}, flagged on the left`;
  set(current);
}

if (sliced.length) buildSlices();
$("ask-share").value = home;
$("ask-share").disabled = !both;
$("ask-n").value = per;
$("ask-k").value = Math.max(Math.round(data.prevalence * per), 1);
$("ask-share").addEventListener("input", rescale);
$("as-here").addEventListener("click", () => { $("ask-share").value = home; rescale(); });
for (const id of ["ask-recall", "ask-k", "ask-n"]) $(id).addEventListener("input", answer);
for (const key of Object.keys(ASKS)) $(`go-${key}`).addEventListener("click", () => { const i = ASKS[key](); if (i !== null) { set(i); keep(); } });
$("slider").addEventListener("input", () => set(last - Number($("slider").value)));
$("slider").addEventListener("change", keep);
$("threshold").addEventListener("change", () => {
  const typed = $("threshold").value;
  set(typed === "" ? 0 : rowOf(Number(typed)));
  keep();
});
$("threshold").addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault(); // the browser would add 1
  set(standing() + step);
  keep();
});
$("unit").value = data.unit;
for (const kind of ["fp", "fn"]) {
  $(`cost-${kind}`).value = price[kind];
  $(`cost-${kind}`).addEventListener("input", () => { price[kind] = Math.max(Number($(`cost-${kind}`).value), 0); priced(); });
}
$("unit").addEventListener("input", () => { data.unit = $("unit").value.trim(); priced(); });
function priced() {
  if (updates.cost) { updates.cost = drawCost(); updates.cost(current === RULE ? at(RULE) : states[current]); }
  answer();
}
let resized = 0, width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(draw);
}).observe(document.body);
window.addEventListener("hashchange", recall);
rescale();
recall();
window.cutline = { data, at, set, sentence, cheapest, figure, hundred, cut, ratesIn, costOf, benefit, get current() { return current; } };
