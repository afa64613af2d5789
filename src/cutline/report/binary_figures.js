// ---- frames -----------------------------------------------------------------------------------------------------------
function frame(id, { height, x, y, xText, yText, xTicks, yTicks, tick = (v) => v, left = 34, top = 22, bottom = 36 }) {
  const host = $(id), width = Math.max(host.clientWidth, 240), floor = height - bottom, right = width - 8;
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${width} ${height}` }, host);
  const X = (v) => left + (v - x[0]) / (x[1] - x[0]) * (right - left);
  const Y = (v) => floor - (v - y[0]) / (y[1] - y[0]) * (floor - top);
  for (const v of yTicks) {
    el("line", { class: "grid", x1: left, x2: right, y1: Y(v), y2: Y(v) }, root);
    el("text", { x: left - 7, y: Y(v) + 4, "text-anchor": "end" }, root, tick(v));
  }
  for (const v of xTicks) {
    const anchor = v === x[1] ? "end" : v === x[0] && left < 20 ? "start" : "middle";
    el("text", { x: X(v), y: floor + 16, "text-anchor": anchor }, root, tick(v));
  }
  el("line", { class: "axis", x1: left, x2: right, y1: floor, y2: floor }, root);
  if (yText) fit(el("text", { x: 0, y: 11 }, root, yText), width);
  if (xText) fit(el("text", { x: right, y: height - 4, "text-anchor": "end" }, root, xText), right);
  return { root, host, X, Y, x, y, left, right, top, bottom: floor, width, height,
    back: (clientX, clientY) => {
      const box = root.getBoundingClientRect(), scale = width / box.width;
      const px = (clientX - box.left) * scale, py = (clientY - box.top) * scale;
      return [x[0] + (px - left) / (right - left) * (x[1] - x[0]), y[0] + (floor - py) / (floor - top) * (y[1] - y[0])];
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
const inside = (v, [low, high]) => v >= low - 1e-12 && v <= high + 1e-12;
function polyline(f, xs, ys) {
  let path = "", pen = "M";
  xs.forEach((x, i) => {
    if (!Number.isFinite(x) || !Number.isFinite(ys[i])) { pen = "M"; return; } // undefined: the line breaks
    path += `${pen}${f.X(x).toFixed(1)} ${f.Y(ys[i]).toFixed(1)}`;
    pen = "L";
  });
  return path;
}
function band(f, lower, upper) { // between two lines of [x, y]; both limits of both axes, one threshold at a time
  const fine = lower.map((_, i) => i).filter((i) => [...lower[i], ...upper[i]].every(Number.isFinite));
  if (fine.length < 2) return;
  const at = ([x, y]) => `${f.X(x).toFixed(1)} ${f.Y(y).toFixed(1)}`;
  const outline = [...fine.map((i) => at(lower[i])), ...fine.reverse().map((i) => at(upper[i]))];
  el("path", { class: "band", d: `M${outline.join("L")}Z` }, f.root);
}
function marker(f) {
  const group = el("g", { class: "mark" }, f.root);
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
// A figure is a slider, too: dragged, read by hovering, and moved by the arrow keys. `spot` gives where a point lies,
// `told` what is said of it; `way` is 1 where the threshold falls to the right.
function lively(f, { pick, spot, told, way }) {
  const host = f.host, ghost = el("circle", { class: "ghost", r: 4.5 }, f.root), tip = el("div", { class: "tip", "aria-hidden": "true" }, host);
  const hide = () => { ghost.style.display = tip.style.display = "none"; };
  const show = (i) => {
    const [x, y] = spot(states[i]);
    if (!Number.isFinite(x) || !Number.isFinite(y)) return hide();
    ghost.style.display = tip.style.display = "";
    move(ghost, { cx: x, cy: y });
    tip.textContent = `${states[i].threshold === null ? "above every score" : `threshold ${cut(states[i].threshold)}`}\n${told(states[i])}`;
    const right = x < f.width / 2;
    tip.style.cssText = `${right ? `left:${x + 12}px` : `right:${f.width - x + 12}px`};top:${Math.min(Math.max(y - 22, 0), f.height - 60)}px`;
  };
  const row = (event) => pick(...f.back(event.clientX, event.clientY));
  hide();
  host.onpointerdown = (event) => { host.setPointerCapture(event.pointerId); hide(); set(row(event)); };
  host.onpointermove = (event) => { if (event.buttons) set(row(event)); else show(row(event)); };
  host.onpointerup = keep;
  host.onpointerleave = hide;
  host.onblur = hide;
  host.onkeydown = (event) => {
    const far = Math.max(Math.round(last / 20), 1), right = way;
    const step = { ArrowRight: right, ArrowLeft: -right, ArrowUp: right, ArrowDown: -right, PageUp: far * right, PageDown: -far * right }[event.key];
    if (event.key !== "Home" && event.key !== "End" && !step) return;
    event.preventDefault();
    set(step ? standing() + step : (event.key === "End") === (way > 0) ? last : 0);
    show(standing());
    keep();
  };
  for (const [name, value] of [["tabindex", 0], ["role", "slider"], ["aria-valuemin", 0], ["aria-valuemax", last]]) host.setAttribute(name, value);
  return (s) => {
    host.setAttribute("aria-valuenow", way > 0 ? standing() : last - standing());
    host.setAttribute("aria-valuetext", s.index === RULE ? place(s) : `${place(s)}: ${told(s)}`);
  };
}
const rated = (...pairs) => (s) => pairs.map(([label, key]) => `${label} ${figure(s[key].value)}`).join(", ");

// ---- figures: each draws itself for the width it has and returns what a move changes ------------------------------------
function drawRoc() {
  const f = frame("roc", { ...UNIT, height: 340, xText: `False positive rate: share of ${neg} flagged`, yText: `Recall: share of ${pos} flagged` });
  band(f, states.map((s) => [s.fpr.high, s.recall.low]), states.map((s) => [s.fpr.low, s.recall.high]));
  el("path", { class: "base", d: polyline(f, [0, 1], [0, 1]) }, f.root);
  el("text", { x: f.X(0.7) + 8, y: f.Y(0.7) + 14 }, f.root, "chance");
  el("path", { class: "curve", d: polyline(f, states.map((s) => s.fpr.value), states.map((s) => s.recall.value)) }, f.root);
  const tell = lively(f, { way: 1, spot: (s) => [f.X(s.fpr.value), f.Y(s.recall.value)], told: rated(["recall", "recall"], ["false positives", "fpr"]),
    pick: (a, b) => nearest((i) => Math.hypot(states[i].fpr.value - a, states[i].recall.value - b)) });
  const put = marker(f), area = estimateFor("roc_auc");
  const pairs = area && area.value !== null ? ` Of 100 pairs of a row of each, ${pos} has the higher score in ${hundred(area.value)}: area ${estimateText("roc_auc")}.` : "";
  return (s) => {
    put(s.fpr, s.recall);
    tell(s);
    const of = s.fpr.value < 0.1 ? 1000 : 100;
    $("take-roc").textContent = `Of 100 rows of ${pos} it finds ${hundred(s.recall.value)}${between(s.recall)}; of ${many(of)} rows of ${neg} it flags ` +
      `${hundred(s.fpr.value, of)}${between(s.fpr, of)} by mistake.${pairs}`;
  };
}
function drawPr() {
  const f = frame("pr", { ...UNIT, height: 340, xText: `Recall: share of ${pos} flagged`, yText: `Precision: share of the flagged that are ${pos}` });
  band(f, states.map((s) => [s.recall.value, s.precision.low]), states.map((s) => [s.recall.value, s.precision.high]));
  el("path", { class: "base", d: polyline(f, [0, 1], [share, share]) }, f.root);
  el("text", { x: f.X(0.02), y: share > 0.1 ? f.Y(share) + 15 : f.Y(share) - 7 }, f.root, "flagging at random");
  el("path", { class: "curve", d: polyline(f, states.map((s) => s.recall.value), states.map((s) => s.precision.value)) }, f.root);
  const tell = lively(f, { way: 1, spot: (s) => [f.X(s.recall.value), f.Y(s.precision.value)], told: rated(["precision", "precision"], ["recall", "recall"]),
    pick: (a, b) => nearest((i) => Math.hypot(states[i].recall.value - a, states[i].precision.value - b)) });
  const put = marker(f), average = elsewhere() ? "" : ` Average precision ${estimateText("average_precision")}.`;
  return (s) => {
    put(s.recall, s.precision);
    tell(s);
    const flagged = s.flagged ? `Of 100 rows it flags, about ${hundred(s.precision.value)} are ${pos}${between(s.precision)}` : "Nothing is flagged";
    $("take-pr").textContent = `${flagged}; of 100 drawn at random ${hundred(share)} would be.${average}`;
  };
}
const SCALE = (() => { // scores, as far as there are any: the axis of every figure that has the threshold on it
  if (!data.histogram) return null;
  const { edges, positives, negatives } = data.histogram, filled = [...positives.keys()].filter((b) => positives[b] + negatives[b] > 0);
  let from = filled[0], to = filled[filled.length - 1];
  if (to - from > positives.length / 2) { from = 0; to = positives.length - 1; } // else: only where the scores are
  const first = edges[from], end = edges[to + 1];
  return { from, to, first, end, clamp: (t) => t === null ? end : Math.min(Math.max(t, first), end) };
})();
const scoreText = data.scored.score_kind === "probability" ? `Threshold and score: probability of ${pos}` : "Threshold and score";
function cutter(f) { // the threshold as an upright line; of a band that decides nothing both ends
  const line = el("line", { class: "cutline", y1: f.top - 14, y2: f.bottom }, f.root);
  return (s) => {
    line.style.display = s.index === RULE ? "none" : "";
    if (s.index === RULE) return null;
    const x = f.X(SCALE.clamp(s.threshold));
    move(line, { x1: x, x2: x });
    return x;
  };
}
function undecided(f) {
  if (!rule || !rule.between) return;
  const [a, b] = rule.between.map((t) => f.X(SCALE.clamp(t)));
  el("rect", { class: "undecided", x: a, width: Math.max(b - a, 1), y: f.top - 14, height: f.bottom - f.top + 14 }, f.root);
  if (f.root.parentNode.id === "hist" && b - a > 70) el("text", { class: "ink", x: (a + b) / 2, y: f.top, "text-anchor": "middle" }, f.root, "undecided");
}
function drawHist() {
  const { edges, positives, negatives } = data.histogram, { from, to, first, end } = SCALE;
  const shares = (bins) => { const sum = bins.reduce((a, b) => a + b, 0); return bins.map((n) => Math.sqrt(n / sum || 0)); };
  const up = shares(positives), down = shares(negatives); // rows, not weights
  const most = Math.max(...up, ...down) || 1;
  const f = frame("hist", { height: 226, x: [first, end], y: [-most * 1.06, most * 1.06], xTicks: [], yTicks: [], tick: brief, yText: `▲ ${pos}`, left: 34, top: 42, bottom: 20 });
  if (data.decision && data.decision.plateau && data.decision.plateau.every(Number.isFinite)) {
    const [a, b] = data.decision.plateau.map((t) => f.X(SCALE.clamp(t)));
    const flat = el("rect", { class: "plateau", x: a, width: Math.max(b - a, 1), y: f.top - 14, height: f.bottom - f.top + 14 }, f.root);
    el("title", {}, flat, "Plateau: thresholds that these rows cannot tell from the chosen one");
  }
  const clip = el("rect", { y: 0, height: f.height, width: f.width }, el("clipPath", { id: "right-of-cut" }, el("defs", {}, f.root)));
  for (const layer of ["pale", "solid"]) {
    const group = el("g", layer === "solid" ? { "clip-path": "url(#right-of-cut)" } : { class: "pale" }, f.root);
    for (let b = from; b <= to; b++) {
      const x = f.X(edges[b]) + 0.5, width = Math.max(f.X(edges[b + 1]) - f.X(edges[b]) - 1, 0.5);
      const above = el("rect", { class: "fill-pos", x, width, y: f.Y(up[b]), height: f.Y(0) - f.Y(up[b]) }, group);
      const below = el("rect", { class: "fill-neg", x, width, y: f.Y(0), height: f.Y(-down[b]) - f.Y(0) }, group);
      const range = `${figure(edges[b])} to ${figure(edges[b + 1])}`;
      el("title", {}, above, `${range}: ${many(positives[b])} rows of ${pos}`);
      el("title", {}, below, `${range}: ${many(negatives[b])} rows of ${neg}`);
    }
  }
  el("line", { class: "axis", x1: f.left, x2: f.right, y1: f.Y(0), y2: f.Y(0) }, f.root);
  el("text", { x: 0, y: f.bottom + 15 }, f.root, `▼ ${neg}`);
  undecided(f);
  const put = cutter(f), text = el("text", { class: "ink", y: f.top - 6 }, f.root);
  const tell = lively(f, { way: -1, spot: (s) => [f.X(SCALE.clamp(s.threshold)), f.Y(0)], told: rated(["recall", "recall"], ["false positives", "fpr"]), pick: (x) => rowOf(x) });
  return (s) => {
    const x = put(s), edge = s.index === RULE && rule.between ? f.X(SCALE.clamp(rule.between[1])) : x, right = x < f.width - 130;
    move(clip, { x: s.threshold === null || edge === null ? f.width : edge });
    tell(s);
    move(text, { x: (x ?? 0) + (right ? 6 : -6) });
    text.setAttribute("text-anchor", right ? "start" : "end");
    text.textContent = x === null ? "" : cut(s.threshold);
    const of = s.fpr.value < 0.1 ? 1000 : 100;
    $("take-hist").textContent = x === null ? `${place(s)}.` : `${s.threshold === null ? "Above every score" : `At scores from ${cut(s.threshold)} on`} lie ` +
      `${hundred(s.recall.value)} in 100 rows of ${pos} and ${hundred(s.fpr.value, of)} in ${many(of)} rows of ${neg}.`;
  };
}
const LINES = [["precision", "precision"], ["recall", "recall"], ["flagged", "flagged"]];
function drawByThreshold() { // under the scores, on the same axis
  const f = frame("rates-by", { height: 196, x: [SCALE.first, SCALE.end], y: [0, 1], xTicks: round(SCALE.first, SCALE.end), yTicks: [0, 0.5, 1], tick: brief, xText: scoreText, left: 34, top: 30 });
  const shown = states.filter((s) => s.threshold !== null && inside(s.threshold, f.x));
  let x = f.left;
  for (const [key, label] of LINES) {
    const of = (s) => key === "flagged" ? s.share : s[key].value;
    el("path", { class: `line ${key}`, d: polyline(f, shown.map((s) => s.threshold), shown.map(of)) }, f.root);
    el("path", { class: `line ${key}`, d: `M${x} 9h24` }, f.root);
    el("text", { x: x + 30, y: 13 }, f.root, label);
    x += 52 + 7 * label.length;
  }
  undecided(f);
  const put = cutter(f);
  const tell = lively(f, { way: -1, spot: (s) => [f.X(SCALE.clamp(s.threshold)), f.Y(s.precision.value)], pick: (t) => rowOf(t),
    told: (s) => `${rated(["precision", "precision"], ["recall", "recall"])(s)}, flagged ${figure(s.share)}` });
  return (s) => { put(s); tell(s); };
}
function drawCal() {
  const bins = data.reliability, bias = estimateFor("prediction_bias");
  const most = Math.max(...bins.map((bin) => Math.max(bin.mean, bin.high))), reach = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((v) => most <= v) ?? 1;
  const ticks = round(0, reach);
  const f = frame("cal", { x: [0, reach], y: [0, reach], xTicks: ticks, yTicks: ticks, tick: brief, left: reach < 0.1 ? 44 : 34, height: 340, xText: `Predicted probability of ${pos}`, yText: `Observed share of ${pos}` });
  const { edges, positives, negatives } = data.histogram, n = positives.map((v, b) => v + negatives[b]), tallest = Math.max(...n);
  const probability = data.scored.score_kind === "probability"; // else the cut and the histogram are on another scale
  if (probability && reach >= 0.2) n.forEach((v, b) => {
    if (!v || edges[b + 1] > reach + 1e-9) return;
    const height = 46 * Math.sqrt(v / tallest);
    el("rect", { class: "bar-soft", x: f.X(edges[b]), width: Math.max(f.X(edges[b + 1]) - f.X(edges[b]) - 1, 0.5), y: f.bottom - height, height }, f.root);
  });
  band(f, bins.map((bin) => [bin.mean, bin.low]), bins.map((bin) => [bin.mean, bin.high]));
  el("path", { class: "base", d: polyline(f, [0, reach], [0, reach]) }, f.root);
  el("text", { x: f.X(0.72 * reach) + 8, y: f.Y(0.72 * reach) + 16 }, f.root, "as predicted");
  for (const bin of bins) {
    const group = el("g", {}, f.root), x = f.X(bin.mean);
    el("line", { class: "bin", x1: x, x2: x, y1: f.Y(bin.low), y2: f.Y(bin.high) }, group);
    el("circle", { class: "bin-dot", cx: x, cy: f.Y(bin.rate), r: 3.5 }, group);
    el("title", {}, group, `Mean probability ${figure(bin.mean)}, ${many(bin.n)} rows: observed ${figure(bin.rate)} (${span(bin.low, bin.high, bin.rate)})`);
  }
  const said = data.prevalence + (bias?.value ?? NaN), limits = bias && bias.low !== null ? `, ${signed(bias.low)} to ${signed(bias.high)}` : "";
  const whole = Number.isFinite(said) ? `On average it says ${hundred(said)} in 100 and ${hundred(data.prevalence)} happened (bias ${signed(bias.value)}${limits}). ` : "";
  const line = el("line", { class: "whisker", "stroke-dasharray": "3 3", y1: f.top, y2: f.bottom }, f.root);
  line.style.display = probability ? "" : "none";
  return (s) => {
    const t = s.index === RULE ? NaN : preference(s.threshold ?? Infinity), x = f.X(Math.min(Math.max(probability ? t : 0, 0), reach));
    line.style.display = probability && Number.isFinite(x) ? "" : "none";
    if (Number.isFinite(x)) move(line, { x1: x, x2: x });
    const near = bins.reduce((a, b) => Math.abs(b.mean - t) < Math.abs(a.mean - t) ? b : a);
    const here = Number.isFinite(t) ? `Of 100 rows given about ${figure(near.mean)}, ${hundred(near.rate)} (${hundred(near.low)} to ${hundred(near.high)}) were ${pos}. ` : "";
    $("take-cal").textContent = `${here}${whole}Log loss ${estimateText("log_loss")}.`;
  };
}
const signed = (x) => (x > 0 ? "+" : x < 0 ? "−" : "") + fixed(Math.abs(x), 4);
