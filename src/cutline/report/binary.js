// Two classes: the slider and everything that follows it.
const { points, positives: P, negatives: N, per, z } = data;
const total = P + N, last = points.tp.length - 1, weighted = data.scored.weighted;
const pos = named(data.positive), neg = named(data.negative);

function wilson(k, n) {
  if (!(n > 0) || weighted) return [NaN, NaN];
  const p = k / n, shrink = 1 + z * z / n, centre = (p + z * z / (2 * n)) / shrink;
  const half = z / shrink * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return [k <= 0 ? 0 : Math.max(centre - half, 0), k >= n ? 1 : Math.min(centre + half, 1)];
}
function share(k, n) {
  const [low, high] = wilson(k, n);
  return { value: n > 0 ? k / n : NaN, low, high };
}
function at(i) {
  const tp = points.tp[i], fp = points.fp[i], fn = P - tp, tn = N - fp;
  const jaccard = share(tp, tp + fp + fn), f1 = (j) => 2 * j / (1 + j);
  return {
    index: i, threshold: points.threshold[i], tp, fp, fn, tn, flagged: tp + fp,
    precision: share(tp, tp + fp), recall: share(tp, P), fpr: share(fp, N), specificity: share(tn, N),
    accuracy: share(tp + tn, total),
    f1: { value: 2 * tp / (2 * tp + fp + fn), low: f1(jaccard.low), high: f1(jaccard.high) },
  };
}

// ---- text -----------------------------------------------------------------------------------------------------------
const between = (rate, of = 100) => Number.isFinite(rate.low) ? ` (${hundred(rate.low, of)} to ${hundred(rate.high, of)})` : "";
function sentence(s) {
  const where = s.threshold === null ? "Above every score" : `At threshold ${cut(s.threshold)}`;
  if (s.flagged === 0) return `${where} nothing is flagged as ${pos}.`;
  return `${where}, of ${per.toLocaleString("en-US")} rows ${ofMany(s.flagged, total, per)} are flagged as ${pos}; ` +
    `about ${hundred(s.precision.value)} in 100 of those are ${pos}${between(s.precision)}.`;
}
function also(s) {
  const of = s.fpr.value < 0.1 ? 1000 : 100;
  const found = P > 0 ? `It finds ${hundred(s.recall.value)} in 100 rows of ${pos}${between(s.recall)}` : `There is no row of ${pos}`;
  const mistaken = N > 0 ? `by mistake flags ${hundred(s.fpr.value, of)} in ${of.toLocaleString("en-US")} rows of ${neg}${between(s.fpr, of)}`
    : `there is no row of ${neg}`;
  return `${found}, and ${mistaken}.`;
}
function estimateText(metric) {
  const e = data.estimates.find((estimate) => estimate.metric === metric);
  if (!e || e.value === null) return "undefined here";
  return figure(e.value) + (e.low === null ? "" : ` (${span(e.low, e.high, e.value)})`);
}

// ---- tables: built once, cells filled on every move -------------------------------------------------------------------
const RATES = [
  ["precision", "Precision", `of the flagged, are ${pos}`], ["recall", "Recall", `of ${pos}, are flagged`],
  ["fpr", "False positive rate", `of ${neg}, are flagged`], ["specificity", "Specificity", `of ${neg}, are left alone`],
  ["f1", "F1", "harmonic mean of precision and recall"], ["accuracy", "Accuracy", "of all, are decided right"],
];
const rateCells = RATES.map(([key, label, gloss]) => {
  const line = el("tr", {}, $("rates"));
  el("small", {}, el("th", { scope: "row" }, line, label), gloss);
  const value = el("td", { class: "value", id: `rate-${key}` }, line), limits = el("td", { class: "span" }, line);
  const strip = el("svg", { viewBox: "0 0 100 18", preserveAspectRatio: "none", "aria-hidden": "true" }, el("td", { class: "strip" }, line));
  el("rect", { class: "track", x: 0, y: 8, width: 100, height: 2 }, strip);
  const bar = el("rect", { class: "range", y: 5, height: 8 }, strip), tick = el("rect", { class: "tick", y: 1, height: 16, width: 1.2 }, strip);
  return { key, value, limits, bar, tick };
});
$("how").textContent = weighted
  ? "Rows are weighted. An interval at every threshold would need sums of squared weights, which this page does not carry; the table of estimates has them at the chosen threshold."
  : `Brackets: ${fixed(100 * data.confidence, 0)} % Wilson intervals, each for its threshold alone (F1: Wilson on Jaccard, mapped).`;

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
    el("td", { class: "sum" }, line, count(data[name]));
  }
  const line = el("tr", {}, body);
  el("th", { scope: "row", class: "sum" }, line, "All");
  for (const key of ["flagged", "rest"]) cells[key] = { n: el("td", { class: "sum", id: key }, line) };
  el("td", { class: "sum" }, line, count(total));
})();
$("h-matrix").textContent = `Who is flagged as ${pos}`;
$("dot-note").textContent = `1,000 rows like these: ${per === 1000 ? "one dot each" : `each dot stands for ${per / 1000}`}, flagged on the left`;
$("hist-note").textContent = `Above the line ${pos}, below it ${neg}, each as a share of its own rows; height is a square root, so ` +
  "that small bars show. Solid bars are flagged. Drag to move the threshold.";
const LEGEND = [["tp", `${pos}, flagged`], ["fn", `${pos}, missed`], ["fp", `${neg}, flagged by mistake`], ["tn", `${neg}, left alone`]];
const legend = LEGEND.map(([key, text]) => {
  const item = el("li", {}, $("legend"));
  el("i", { class: `key ${key}` }, item);
  const n = el("b", {}, item);
  el("span", {}, item, text);
  return { key, n };
});

function tell(s) {
  $("say").textContent = sentence(s);
  $("also").textContent = also(s);
  $("moved").hidden = !data.decision || s.index === data.named[0].index;
  for (const { key, value, limits, bar, tick } of rateCells) {
    const rate = s[key], known = Number.isFinite(rate.value), ranged = Number.isFinite(rate.low);
    value.textContent = figure(rate.value);
    limits.textContent = ranged ? span(rate.low, rate.high, rate.value) : "";
    bar.style.display = ranged ? "" : "none";
    tick.style.display = known ? "" : "none";
    if (ranged) move(bar, { x: 100 * rate.low, width: 100 * (rate.high - rate.low) });
    if (known) move(tick, { x: 100 * rate.value - 0.6 });
  }
  const percent = (k, n, what) => n > 0 ? `${figure(100 * k / n, 1)} % of ${what}` : "";
  for (const [key, all, name] of [["tp", P, pos], ["fn", P, pos], ["fp", N, neg], ["tn", N, neg]]) {
    const flagged = key === "tp" || key === "fp", column = flagged ? s.flagged : total - s.flagged;
    cells[key].n.textContent = count(s[key]);
    cells[key].row.textContent = percent(s[key], all, name);
    cells[key].column.textContent = percent(s[key], column, flagged ? "flagged" : "not flagged");
  }
  cells.flagged.n.textContent = count(s.flagged);
  cells.rest.n.textContent = count(total - s.flagged);
  for (const { key, n } of legend) n.textContent = ofMany(s[key], total, per);
}

// ---- figures: each draws itself for the width it has and returns what a move changes ------------------------------------
function frame(id, { height, x, y, xText, yText, xTicks, yTicks, tick = (v) => v, left = 34, top = 22 }) {
  const host = $(id), width = Math.max(host.clientWidth, 240), bottom = height - 36, right = width - 8;
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${width} ${height}` }, host);
  const X = (v) => left + (v - x[0]) / (x[1] - x[0]) * (right - left);
  const Y = (v) => bottom - (v - y[0]) / (y[1] - y[0]) * (bottom - top);
  for (const v of yTicks) {
    el("line", { class: "grid", x1: left, x2: right, y1: Y(v), y2: Y(v) }, root);
    el("text", { x: left - 7, y: Y(v) + 4, "text-anchor": "end" }, root, tick(v));
  }
  for (const v of xTicks) {
    el("text", { x: X(v), y: bottom + 16, "text-anchor": v === x[1] ? "end" : "middle" }, root, tick(v));
  }
  el("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }, root);
  fit(el("text", { x: 0, y: 11 }, root, yText), width);
  fit(el("text", { x: right, y: height - 4, "text-anchor": "end" }, root, xText), right);
  return { root, X, Y, left, right, top, bottom, width,
    back: (clientX, clientY) => {
      const box = root.getBoundingClientRect(), scale = width / box.width;
      const px = (clientX - box.left) * scale, py = (clientY - box.top) * scale;
      return [x[0] + (px - left) / (right - left) * (x[1] - x[0]), y[0] + (bottom - py) / (bottom - top) * (y[1] - y[0])];
    } };
}
function fit(node, width) { // long class names
  let text = [...node.textContent];
  while (text.length > 4 && node.getComputedTextLength() > width) {
    text = text.slice(0, -4);
    node.textContent = text.join("") + "…";
  }
}
const UNIT = { x: [0, 1], y: [0, 1], xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: [0, 0.25, 0.5, 0.75, 1] };
function polyline(f, xs, ys) {
  let path = "", pen = "M";
  xs.forEach((x, i) => {
    if (!Number.isFinite(x) || !Number.isFinite(ys[i])) { pen = "M"; return; } // undefined: the line breaks
    path += `${pen}${f.X(x).toFixed(1)} ${f.Y(ys[i]).toFixed(1)}`;
    pen = "L";
  });
  return path;
}
function marker(f) {
  const group = el("g", {}, f.root);
  const wide = el("line", { class: "whisker" }, group), tall = el("line", { class: "whisker" }, group);
  const point = el("circle", { class: "point", r: 5.5 }, group);
  return (x, y) => { // x and y are rates with their intervals
    const shown = Number.isFinite(x.value) && Number.isFinite(y.value);
    group.style.display = shown ? "" : "none";
    if (!shown) return;
    const cx = f.X(x.value), cy = f.Y(y.value);
    move(point, { cx, cy });
    const ends = (low, high, at) => Number.isFinite(low) ? [low, high] : [at, at];
    const [x1, x2] = ends(f.X(x.low), f.X(x.high), cx), [y1, y2] = ends(f.Y(y.low), f.Y(y.high), cy);
    move(wide, { x1, x2, y1: cy, y2: cy });
    move(tall, { x1: cx, x2: cx, y1, y2 });
  };
}
const all = [...points.tp.keys()];
const values = { recall: all.map((i) => points.tp[i] / P), fpr: all.map((i) => points.fp[i] / N),
  precision: all.map((i) => points.tp[i] / (points.tp[i] + points.fp[i])) };
function nearest(distance) {
  let best = 0;
  for (const i of all) if (distance(i) < distance(best) || Number.isNaN(distance(best))) best = i;
  return best;
}
function dragged(id, pick) {
  const host = $(id);
  const follow = (event) => { const i = pick(event.clientX, event.clientY); if (i !== null) set(i); };
  host.onpointerdown = (event) => { host.setPointerCapture(event.pointerId); follow(event); };
  host.onpointermove = (event) => { if (event.buttons) follow(event); };
  host.onpointerup = keep;
}

function drawRoc() {
  const f = frame("roc", { ...UNIT, height: 340, xText: `False positive rate: share of ${neg} flagged`, yText: `Recall: share of ${pos} flagged` });
  el("path", { class: "base", d: polyline(f, [0, 1], [0, 1]) }, f.root);
  el("text", { x: f.X(0.7) + 8, y: f.Y(0.7) + 14 }, f.root, "chance");
  el("path", { class: "curve", d: polyline(f, values.fpr, values.recall) }, f.root);
  dragged("roc", (x, y) => { const [a, b] = f.back(x, y); return nearest((i) => Math.hypot(values.fpr[i] - a, values.recall[i] - b)); });
  const put = marker(f);
  return (s) => put(s.fpr, s.recall);
}
function drawPr() {
  const f = frame("pr", { ...UNIT, height: 340, xText: `Recall: share of ${pos} flagged`, yText: `Precision: share of the flagged that are ${pos}` });
  el("path", { class: "base", d: polyline(f, [0, 1], [data.prevalence, data.prevalence]) }, f.root);
  el("text", { x: f.X(0.02), y: f.Y(data.prevalence) - 7 }, f.root, "flagging at random: the prevalence");
  el("path", { class: "curve", d: polyline(f, values.recall, values.precision) }, f.root);
  dragged("pr", (x, y) => { const [a, b] = f.back(x, y); return nearest((i) => Math.hypot(values.recall[i] - a, values.precision[i] - b)); });
  const put = marker(f);
  return (s) => put(s.recall, s.precision);
}
function drawHist() {
  const { edges, positives, negatives } = data.histogram, filled = [...positives.keys()].filter((b) => positives[b] + negatives[b] > 0);
  let from = filled[0], to = filled[filled.length - 1];
  if (to - from > positives.length / 2) { from = 0; to = positives.length - 1; } // else: only where the scores are
  const first = edges[from], end = edges[to + 1];
  const shares = (bins) => { const all = bins.reduce((a, b) => a + b, 0); return bins.map((n) => Math.sqrt(n / all || 0)); };
  const up = shares(positives), down = shares(negatives); // rows, not weights
  const most = Math.max(...up, ...down) || 1;
  const f = frame("hist", { height: 250, x: [first, end], y: [-most * 1.06, most * 1.06], xTicks: round(first, end), yTicks: [], tick: brief,
    xText: data.scored.score_kind === "probability" ? `Score: probability of ${pos}` : "Score", yText: `▲ ${pos}`, left: 8, top: 42 });
  if (data.decision && data.decision.plateau && data.decision.plateau.every(Number.isFinite)) {
    const [a, b] = data.decision.plateau.map((t) => f.X(Math.min(Math.max(t, first), end)));
    const band = el("rect", { class: "plateau", x: a, width: Math.max(b - a, 1), y: f.top - 14, height: f.bottom - f.top + 14 }, f.root);
    el("title", {}, band, "Thresholds that these rows cannot tell from the chosen one");
  }
  const clip = el("rect", { y: 0, height: 250, width: f.width }, el("clipPath", { id: "right-of-cut" }, el("defs", {}, f.root)));
  for (const layer of ["pale", "solid"]) {
    const group = el("g", layer === "solid" ? { "clip-path": "url(#right-of-cut)" } : { class: "pale" }, f.root);
    for (let b = from; b <= to; b++) {
      const x = f.X(edges[b]) + 0.5, width = Math.max(f.X(edges[b + 1]) - f.X(edges[b]) - 1, 0.5);
      const above = el("rect", { class: "fill-pos", x, width, y: f.Y(up[b]), height: f.Y(0) - f.Y(up[b]) }, group);
      const below = el("rect", { class: "fill-neg", x, width, y: f.Y(0), height: f.Y(-down[b]) - f.Y(0) }, group);
      const range = `${figure(edges[b])} to ${figure(edges[b + 1])}`;
      el("title", {}, above, `${range}: ${positives[b].toLocaleString("en-US")} rows of ${pos}`);
      el("title", {}, below, `${range}: ${negatives[b].toLocaleString("en-US")} rows of ${neg}`);
    }
  }
  el("line", { class: "axis", x1: f.left, x2: f.right, y1: f.Y(0), y2: f.Y(0) }, f.root);
  el("text", { x: 0, y: 246 }, f.root, `▼ ${neg}`);
  const line = el("line", { class: "cutline", y1: f.top - 14, y2: f.bottom }, f.root);
  const text = el("text", { class: "ink", y: f.top - 6 }, f.root);
  dragged("hist", (x, y) => rowOf(f.back(x, y)[0]));
  return (s) => {
    const t = s.threshold === null ? end : Math.min(Math.max(s.threshold, first), end), x = f.X(t), right = x < f.width - 130;
    move(clip, { x: s.threshold === null ? f.width : x });
    move(line, { x1: x, x2: x });
    move(text, { x: x + (right ? 6 : -6) });
    text.setAttribute("text-anchor", right ? "start" : "end");
    text.textContent = cut(s.threshold);
  };
}
function drawCal() {
  const bins = data.reliability;
  $("take-cal").textContent = bins
    ? `Where the dots lie on the line, a probability of 0.7 means 70 in 100. Log loss ${estimateText("log_loss")}.`
    : "These scores are not probabilities, so there is nothing to compare with frequencies. Calibrate them first.";
  if (!bins) { $("cal").replaceChildren(); return () => {}; }
  const most = Math.max(...bins.map((bin) => Math.max(bin.mean, bin.high))), reach = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((v) => most <= v) ?? 1;
  const ticks = round(0, reach);
  const f = frame("cal", { x: [0, reach], y: [0, reach], xTicks: ticks, yTicks: ticks, tick: brief, left: reach < 0.1 ? 44 : 34, height: 340, xText: `Predicted probability of ${pos}`, yText: `Observed share of ${pos}` });
  const probability = data.scored.score_kind === "probability"; // else the cut and the histogram are on another scale
  if (probability && reach === 1) {
    const { edges, positives, negatives } = data.histogram, n = positives.map((x, b) => x + negatives[b]), most = Math.max(...n);
    n.forEach((v, b) => el("rect", { class: "bar-soft", x: f.X(edges[b]), width: Math.max(f.X(edges[b + 1]) - f.X(edges[b]) - 1, 0.5),
      y: f.bottom - 46 * Math.sqrt(v / most), height: 46 * Math.sqrt(v / most) }, f.root));
  }
  el("path", { class: "base", d: polyline(f, [0, reach], [0, reach]) }, f.root);
  for (const bin of bins) {
    const group = el("g", {}, f.root), x = f.X(bin.mean);
    el("line", { class: "bin", x1: x, x2: x, y1: f.Y(bin.low), y2: f.Y(bin.high) }, group);
    el("circle", { class: "bin-dot", cx: x, cy: f.Y(bin.rate), r: 3.5 }, group);
    el("title", {}, group, `Mean probability ${figure(bin.mean)}, ${bin.n.toLocaleString("en-US")} rows: observed ${figure(bin.rate)} (${span(bin.low, bin.high, bin.rate)})`);
  }
  if (!probability) return () => {};
  const line = el("line", { class: "whisker", "stroke-dasharray": "3 3", y1: f.top, y2: f.bottom }, f.root);
  return (s) => {
    const x = f.X(Math.min(Math.max(s.threshold === null ? 1 : s.threshold, 0), reach));
    move(line, { x1: x, x2: x });
  };
}
function drawDots() { // filled: flagged; hollow: not flagged. Dots are the round caps of dashes of no length.
  const R = 20, step = 10, host = $("dots");
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${53 * step} ${R * step}` }, host), groups = {};
  for (const key of ["tp", "fp", "fn", "tn"]) {
    groups[key] = [el("path", { class: `dots ${key}` }, root)];
    if (key === "fn" || key === "tn") groups[key].push(el("path", { class: "dots hole" }, root));
  }
  const put = (key, from, to, column) => { // dots [from, to) of a grid filled column by column from `column`
    let path = "";
    for (let a = from; a < to;) {
      const row = a % R, high = Math.min(R - row, to - a);
      path += `M${(column + Math.floor(a / R)) * step + 5} ${row * step + 5}v${(high - 1) * step + 0.01}`;
      a += high;
    }
    for (const node of groups[key]) node.setAttribute("d", path);
  };
  return (s) => {
    const [tp, fp, fn, tn] = thousand([s.tp, s.fp, s.fn, s.tn]), gap = tp + fp ? Math.ceil((tp + fp) / R) + 1 : 0;
    put("tp", 0, tp, 0);
    put("fp", tp, tp + fp, 0);
    put("fn", 0, fn, gap);
    put("tn", fn, fn + tn, gap);
  };
}
function thousand(parts) { // whole numbers that sum to 1,000: the largest remainders are rounded up
  const exact = parts.map((x) => 1000 * x / total), whole = exact.map(Math.floor);
  const order = [...parts.keys()].sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]));
  const missing = 1000 - whole.reduce((a, b) => a + b, 0);
  for (let k = 0; k < missing; k++) whole[order[k]] += 1;
  return whole;
}

// ---- costs ----------------------------------------------------------------------------------------------------------
const price = { fp: data.cost.fp, fn: data.cost.fn };
const costOf = (i) => 1000 * (price.fp * points.fp[i] + price.fn * (P - points.tp[i]) +
  data.cost.tp * points.tp[i] + data.cost.tn * (N - points.fp[i])) / total;
const cheapest = () => nearest(costOf);
function drawCost() {
  const costs = all.map(costOf), best = cheapest(), lazy = costs[0] <= costs[last] ? 0 : last;
  const low = Math.min(0, ...costs), high = Math.max(Math.min(Math.max(...costs), 2 * costs[lazy]), 1.2 * costs[best], low + 1e-9);
  const f = frame("cost", { height: 300, x: [last, 0], y: [low, high], xTicks: [], yTicks: round(low, high), tick: brief, left: 52,
    yText: "Cost of 1,000 rows", xText: "From flagging everything to flagging nothing" });
  el("path", { class: "base", d: polyline(f, [0, last], [costs[lazy], costs[lazy]]) }, f.root);
  el("path", { class: "curve", d: polyline(f, all, costs.map((v) => v <= high ? v : NaN)) }, f.root);
  el("text", { x: f.left + 4, y: f.Y(costs[lazy]) - 7 }, f.root, lazy ? "flagging everything" : "flagging nothing");
  const x = f.X(best), y = f.Y(costs[best]);
  el("path", { class: "ink", d: `M${x - 6} ${f.bottom + 11}h12l-6 -9z` }, f.root);
  el("line", { class: "base", x1: x, x2: x, y1: y, y2: f.bottom }, f.root);
  const put = marker(f);
  return (s) => {
    put({ value: s.index }, { value: Math.min(costs[s.index], high) });
    $("take-cost").textContent = `${brief(costs[s.index])} for 1,000 rows at this threshold; the cheapest is ${brief(costs[best])}, at ` +
      `${cut(points.threshold[best])}${data.cost.tp || data.cost.tn ? `, with ${brief(data.cost.tp)} for a true positive and ${brief(data.cost.tn)} for a true negative` : ""}.`;
  };
}
function round(low, high) { // about four round numbers from low to high
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].find((k) => k * power >= rough) * power;
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  return ticks;
}
const brief = (v) => v.toLocaleString("en-US", { maximumSignificantDigits: 4 });

// ---- state ----------------------------------------------------------------------------------------------------------
let current = data.named[0].index, updates = {};
const buttons = chips($("named"), data.named.map((n) => [n.name[0].toUpperCase() + n.name.slice(1), Number(n.name) === n.threshold ? null : cut(n.threshold)]),
  (k) => { set(data.named[k].index); keep(); });
$("slider").max = last;

function set(i) {
  current = Math.min(Math.max(i, 0), last);
  const s = at(current);
  $("slider").value = last - current; // to the right the threshold rises
  $("slider").setAttribute("aria-valuetext", `${cut(s.threshold)}: ${ofMany(s.flagged, total, per)} of ${per.toLocaleString("en-US")} flagged`);
  $("threshold").value = s.threshold === null ? "" : cut(s.threshold);
  $("threshold").placeholder = s.threshold === null ? "nothing" : "";
  $("threshold").title = s.threshold === null ? "above every score" : `exactly ${s.threshold}`;
  buttons.forEach((button, k) => button.setAttribute("aria-pressed", data.named[k].index === current));
  tell(s);
  for (const update of Object.values(updates)) update(s);
}
function rowOf(threshold) { // the last row that flags only scores >= threshold
  let row = 0;
  while (row < last && points.threshold[row + 1] >= threshold) row++;
  return row;
}
function keep() { // the address remembers the threshold, once a move is over; not inside a frame of a notebook
  if (window === window.top) history.replaceState(null, "", `#threshold=${points.threshold[current] ?? "none"}`);
}
function recall() {
  const found = /^#threshold=(.+)$/.exec(location.hash);
  if (found && found[1] === "none") set(0);
  else if (found && Number.isFinite(Number(found[1]))) set(rowOf(Number(found[1])));
}
function draw() {
  updates = { dots: drawDots(), hist: data.histogram ? drawHist() : () => {}, roc: drawRoc(), pr: drawPr(), cal: drawCal(), cost: drawCost() };
  set(current);
}

$("take-roc").textContent = `Area ${estimateText("roc_auc")}; 0.5 is chance.`;
$("take-pr").textContent = `Average precision ${estimateText("average_precision")}; ${figure(data.prevalence)} is chance.`;
if (!data.histogram) $("hist").closest("section").hidden = true;
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
  set(current + step);
  keep();
});
for (const kind of ["fp", "fn"]) {
  $(`cost-${kind}`).value = price[kind];
  $(`cost-${kind}`).addEventListener("input", () => {
    price[kind] = Math.max(Number($(`cost-${kind}`).value), 0);
    updates.cost = drawCost();
    updates.cost(at(current));
  });
}
$("cheapest").addEventListener("click", () => { set(cheapest()); keep(); });
let resized = 0, width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(draw);
}).observe(document.body);
window.addEventListener("hashchange", recall);
draw();
recall();
window.cutline = { data, at, set, sentence, cheapest, figure, hundred, cut, get current() { return current; } };
