// Models side by side: one slider cuts all alike; Python counted, and drew the limits.
const M = data.models.length, curves = data.curves, first = curves[0], P = first ? first.positives : 0, N = first ? first.negatives : 0;
const DASHES = ["", "8 4", "2 4", "12 3 2 3", "5 2", "1 3"], LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const names = data.models.map(isolated), paint = (k) => `m${k % 6}`;
const equal = data.equal, per = data.per;
let which = 0, at = 0;
const places = equal.map((one) => one.start);

function state(w = which, i = at) {
  const one = equal[w];
  return data.models.map((_, k) => {
    const tp = one.tp[k][i], fp = one.fp[k][i];
    const flagged = tp + fp, of = one.by === "recall" ? flagged / (P + N) : tp / P;
    const base = one.by === "recall" ? (one.tp[0][i] + one.fp[0][i]) / (P + N) : one.tp[0][i] / P;
    return { model: k, threshold: one.threshold[k][i], tp, fp, fn: P - tp, tn: N - fp, flagged, recall: tp / P, fpr: fp / N,
      precision: tp / flagged, gap: of - base, low: one.low[k][i], high: one.high[k][i] };
  });
}
const amount = (x, of) => ofMany(Math.abs(x) * of, of, of);
function words(s, of) {
  const side = (x, word) => `${amount(x, of)} ${word}`;
  if (s.low === null) return "";
  if (s.high <= 0) return ` (${amount(s.high, of)} to ${side(s.low, "fewer")})`;
  if (s.low >= 0) return ` (${amount(s.low, of)} to ${side(s.high, "more")})`;
  return ` (${side(s.low, "fewer")} to ${side(s.high, "more")})`;
}
function sentence(s) {
  const of = equal[which].by === "recall" ? per : 100;
  const where = equal[which].by === "recall" ? `At a recall of ${hundred(equal[which].at[at])} in 100` : `When each flags ${hundred(equal[which].at[at])} in 100 rows`;
  const other = s[1], many = other.gap ? `${amount(other.gap, of)} ${other.gap < 0 ? "fewer" : "more"}` : "as many";
  const what = equal[which].by === "recall" ? ["flags", `of ${of.toLocaleString("en-US")} rows`, "rows"] : ["finds", "of 100 positives", "positives"];
  return `${where}, ${names[1]} ${what[0]} ${many} ${other.gap ? what[1] : what[2]} ${other.gap ? "than" : "as"} ${names[0]}${words(other, of)}.`;
}
const lines = [];
function build() {
  const table = el("table", { class: "listed" }, $("alike"));
  const head = el("tr", {}, el("thead", {}, table));
  ["Model", "Threshold", "Flagged", "Found", "Missed", "By mistake", "Precision", "Against the first"].forEach((text, k) => el("th", { scope: "col", class: k ? "n" : "" }, head, text));
  const body = el("tbody", {}, table);
  data.models.forEach((name, k) => {
    const line = el("tr", {}, body), title = el("th", { scope: "row" }, line);
    el("span", { class: `swatch ${paint(k)}`, "aria-hidden": "true" }, title);
    el("bdi", {}, title, name);
    lines.push(["threshold", "flagged", "tp", "fn", "fp", "precision", "gap"].map((key) => el("td", { class: "n", id: `${key}-${k}` }, line)));
  });
}
const marks = [];
function set(i) {
  at = Math.min(Math.max(i, 0), equal[which].at.length - 1);
  places[which] = at;
  const s = state(), of = equal[which].by === "recall" ? per : 100;
  $("slide").value = at;
  $("slide-at").textContent = `${hundred(equal[which].at[at])} in 100`;
  $("slide").setAttribute("aria-valuetext", `${$("slide-at").textContent} ${equal[which].by === "recall" ? "positives found" : "rows flagged"}`);
  $("say").textContent = sentence(s);
  s.forEach((m, k) => {
    const gap = k === 0 ? "" : `${m.gap > 0 ? "+" : m.gap < 0 ? "−" : ""}${amount(m.gap, of)}${words(m, of)}`;
    [cut(m.threshold), whole(m.flagged), whole(m.tp), whole(m.fn), whole(m.fp), figure(m.precision), gap].forEach((text, c) => { lines[k][c].textContent = text; });
  });
  for (const put of marks) put(s);
}
function hold(w) {
  which = w;
  press(buttons, w);
  $("slide").max = equal[w].at.length - 1;
  $("slide-of").textContent = equal[w].by === "recall" ? "Recall" : "Share flagged";
  const unit = equal[w].by === "recall" ? `flagged of ${per.toLocaleString("en-US")} rows` : "found of 100 positives";
  $("how").textContent = `Against the first: ${unit}, with ${fixed(100 * data.confidence, 0)} % limits (${equal[w].method}); ` +
    "each model is cut anew in every resample. Where a class has fewer than 30 rows there are none.";
  set(places[w]);
}
const buttons = equal.length ? chips($("by"), equal.map((one) => [one.by === "recall" ? "Same recall" : "Same share flagged"]), hold) : [];

// ---- curves of all models: dashes and names, not colour alone ---------------------------------------------------------
function overlaid(id, xText, yText, of, base, spot) {
  const f = plot(id, { height: 340, xText, yText });
  base(f);
  const placed = [];
  curves.forEach((c, k) => {
    const [xs, ys] = of(rates(c));
    el("path", { class: `model ${paint(k)}`, "stroke-dasharray": DASHES[k % 6], d: path(f, xs, ys) }, f.root);
    placed.push([k, xs, ys]);
  });
  legend(f, id === "roc" ? "bottom" : "left");
  const dots = curves.map((_, k) => {
    const dot = el("circle", { class: `dot ${paint(k)}`, r: 5 }, f.root);
    return (s) => {
      const [x, y] = spot(s[k]);
      dot.style.display = Number.isFinite(x) && Number.isFinite(y) ? "" : "none";
      if (Number.isFinite(x) && Number.isFinite(y)) move(dot, { cx: f.X(x), cy: f.Y(y) });
    };
  });
  return (s) => dots.forEach((put) => put(s));
}
function legend(f, where) {
  const right = where === "bottom", wide = Math.min(f.width * 0.62, 240);
  data.models.forEach((name, k) => {
    const x = right ? f.right - wide : f.left + 12, y = where === "top" ? f.top + 14 + k * 19 : f.bottom - 16 - (M - 1 - k) * 19;
    el("line", { class: `model ${paint(k)}`, "stroke-dasharray": DASHES[k % 6], x1: x, x2: x + 30, y1: y - 4, y2: y - 4 }, f.root);
    const text = [...name], limit = Math.floor((wide - 40) / 7);
    el("text", { class: `name ${paint(k)}`, x: x + 38, y }, f.root, text.length > limit ? text.slice(0, limit - 1).join("") + "…" : name);
  });
}
function listed(metric) { return data.models.map((_, k) => `${names[k]} ${estimateOf(curves[k].estimates, metric)}`).join("; ") + "."; }
function drawCurves() {
  marks.length = 0;
  $("take-roc").textContent = `Area: ${listed("roc_auc")}`;
  marks.push(overlaid("roc", "False positive rate", "Recall", (r) => [r.fpr, r.recall], (f) => {
    el("path", { class: "base", d: path(f, [0, 1], [0, 1]) }, f.root);
    el("text", { x: f.X(0.32) + 8, y: f.Y(0.32) + 16 }, f.root, "chance");
  }, (s) => [s.fpr, s.recall]));
  $("take-pr").textContent = `Average precision: ${listed("average_precision")}`;
  const chance = P / (P + N);
  marks.push(overlaid("pr", "Recall", "Precision", (r) => [r.recall, r.precision], (f) => {
    el("path", { class: "base", d: path(f, [0, 1], [chance, chance]) }, f.root);
    el("text", { x: f.right, y: f.Y(chance) - 6, "text-anchor": "end" }, f.root, "flagging at random");
  }, (s) => [s.recall, s.precision]));
  if (!$("card-cal").hidden) drawCalibration();
  drawGrids();
  set(at);
}
function drawCalibration() {
  const f = plot("cal", { height: 340, xText: "Probability said", yText: "Happened" });
  el("path", { class: "base", d: path(f, [0, 1], [0, 1]) }, f.root);
  curves.forEach((c, k) => {
    if (!c.reliability) return;
    el("path", { class: `model ${paint(k)}`, "stroke-dasharray": DASHES[k % 6], d: path(f, c.reliability.map((b) => b.mean), c.reliability.map((b) => b.rate)) }, f.root);
    for (const b of c.reliability) el("line", { class: `bin-of ${paint(k)}`, x1: f.X(b.mean), x2: f.X(b.mean), y1: f.Y(b.low), y2: f.Y(b.high) }, f.root);
  });
  legend(f, "top");
  $("take-cal").textContent = "Prediction bias: " + listed("prediction_bias");
}
function drawGrids() {
  data.agreements.forEach((one, g) => {
    if (!one.grid || !$(`grid-${g}`)) return;
    const unit = one.of_ranks ? "Share of rows below" : "Probability";
    const second = isolated(one.second), f = plot(`grid-${g}`, { height: 330, xText: `${unit}: ${isolated(one.first)}`, yText: `${unit}: ${second}` });
    el("path", { class: "base", d: path(f, [0, 1], [0, 1]) }, f.root);
    const size = one.grid[0].length, step = f.X(1 / size) - f.X(0), high = f.Y(0) - f.Y(1 / size), most = one.grid.map((part) => Math.max(...part.flat(), 1));
    one.grid.forEach((part, c) => part.forEach((line, x) => line.forEach((n, y) => {
      if (!n) return;
      const r = (n / most[c]) ** 0.3 * Math.min(step, high) / 2, cx = f.X((x + 0.5) / size), cy = f.Y((y + 0.5) / size);
      // Two shapes, half a cell apart: squares are the positive class, rings the other.
      if (c) el("rect", { class: "square m0", x: cx - r, y: cy - r, width: 2 * r, height: 2 * r, opacity: 0.75 }, f.root);
      else el("circle", { class: "model m1", cx, cy, r, style: "stroke-width:1.3" }, f.root);
    })));
    const positive = isolated(data.labels[data.positive]), other = isolated(data.labels[1 - data.positive]);
    const note = el("p", { class: "note keys" }, $(`grid-${g}`));
    note.textContent = `■ ${positive}   ○ ${other}. Larger marks are more rows; off the diagonal the models differ.`;
  });
}
const curved = curves.every(Boolean) && P > 0 && N > 0;
$("card-curves").hidden = !curved;
$("card-cal").hidden = !curved || !curves.some((c) => c.reliability);
$("card-equal").hidden = !equal.length;
if (equal.length) {
  build();
  $("slide").addEventListener("input", () => set(Number($("slide").value)));
  hold(0);
  redrawn(drawCurves);
}
window.cutline = { data, state, set, hold, sentence, figure, hundred, cut };
