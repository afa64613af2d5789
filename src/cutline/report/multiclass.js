// Several classes, or several labels: the matrix, one class at a time, and shares decided against shares true.
const K = data.labels.length, cells = data.confusion || null, views = data.views || [];
const rows = cells ? cells.map((row) => row.reduce((a, b) => a + b, 0)) : [];
const columns = cells ? cells[0].map((_, j) => cells.reduce((a, row) => a + row[j], 0)) : [];
const share = (a, b) => b > 0 ? a / b : NaN;

// ---- the matrix -----------------------------------------------------------------------------------------------------
const modes = [
  ["Counts", "Rows are the truth, columns the decision. Colour is the share of the row: the diagonal is right, the rest is confused.",
    (i, j) => count(cells[i][j]), (i, j) => share(cells[i][j], rows[i])],
  ["Share of truth", "In 100 rows that truly are of a class: how many were decided for each. The diagonal is recall.",
    (i, j) => rows[i] ? hundred(cells[i][j] / rows[i]) : "n/a", (i, j) => share(cells[i][j], rows[i])],
  ["Share of decision", "In 100 rows decided for a class: how many truly are of each. The diagonal is precision.",
    (i, j) => columns[j] ? hundred(cells[i][j] / columns[j]) : "n/a", (i, j) => share(cells[i][j], columns[j])],
];
const given = [...data.labels.keys()];
const orders = [["As given", given]];
if (data.together) orders.push(["Confused ones together", data.together], ["Most rows first", [...given].sort((a, b) => rows[b] - rows[a] || a - b)]);
const large = K > 24, sizes = [["Fit", 0], ["Larger", 18], ["With numbers", 34]];
let mode = 0, order = given, size = 0, here = null;

function drawTable() {
  const tall = K > 8 && K * Math.max(...data.labels.map((name) => name.length)) > 90; // names would not fit side by side
  $("confusion").replaceChildren();
  const table = el("table", { class: `k${K > 8 ? " many" : ""}${tall ? " tall" : ""}` }, $("confusion"));
  el("caption", {}, table, "Truth in rows, decision in columns");
  const head = el("tr", {}, el("thead", {}, table));
  el("td", { class: "corner" }, head, "");
  order.forEach((k) => el("bdi", { title: data.labels[k] }, el("th", { scope: "col" }, head), data.labels[k]));
  const body = el("tbody", {}, table);
  order.forEach((i) => {
    const line = el("tr", {}, body);
    el("bdi", { title: data.labels[i] }, el("th", { scope: "row" }, line), data.labels[i]);
    order.forEach((j) => {
      const node = el("td", { class: (i === j ? "right" : "wrong") + (cells[i][j] ? "" : " zero") }, line, modes[mode][2](i, j));
      // The square root lets rare confusions be seen; the number says how rare. Paler than 45 % keeps it readable.
      node.style.setProperty("--a", `${(45 * Math.sqrt(modes[mode][3](i, j) || 0)).toFixed(1)}%`);
    });
  });
}
// More classes: a heat map. The readout says what the cell under the pointer or the arrow keys holds.
let heat = null;
function drawHeat() {
  const host = $("confusion"), wanted = sizes[size][1];
  const longest = Math.min(Math.max(...data.labels.map((name) => [...name].length)), 18), margin = Math.max(longest * 6 + 12, 30);
  const card = $("card-k").clientWidth - 46, beside = card > 800 ? 320 : 0; // room for the readout
  const fit = (Math.max(card - beside, 240) - margin - 8) / K, cell = Math.max(wanted || Math.min(fit, 28), 2);
  const width = margin + K * cell + 4, every = Math.max(Math.ceil(12 / cell), 1);
  const brief = (k) => { const text = [...data.labels[k]]; return text.length > 18 ? text.slice(0, 17).join("") + "…" : text.join(""); };
  const from = [host.scrollLeft, host.scrollTop];
  host.replaceChildren();
  const root = el("svg", { class: "heat", width, height: width, viewBox: `0 0 ${width} ${width}`, "aria-hidden": "true", focusable: "false" }, host);
  el("rect", { class: "ground", x: margin, y: margin, width: K * cell, height: K * cell }, root);
  const cross = [el("rect", { class: "cross", x: margin, width: K * cell, height: cell }, root), el("rect", { class: "cross", y: margin, width: cell, height: K * cell }, root)];
  order.forEach((i, a) => order.forEach((j, b) => {
    if (!cells[i][j]) return;
    const strong = Math.sqrt(modes[mode][3](i, j) || 0), x = margin + b * cell, y = margin + a * cell, gap = cell > 8 ? 1 : 0;
    el("rect", { class: `cell${i === j ? " right" : ""}`, x: x.toFixed(1), y: y.toFixed(1), width: (cell - gap).toFixed(1), height: (cell - gap).toFixed(1), opacity: (cell > 30 ? 0.08 + 0.42 * strong : 0.12 + 0.88 * strong).toFixed(2) }, root);
    if (cell > 30) el("text", { class: "n", x: x + cell / 2, y: y + cell / 2 + 4, "text-anchor": "middle" }, root, modes[mode][2](i, j));
  }));
  const marks = order.map((k, a) => {
    const middle = margin + (a + 0.5) * cell, thin = a % every !== 0;
    const left = el("text", { x: margin - 5, y: middle + 4, "text-anchor": "end" }, root, brief(k));
    const above = el("text", { transform: `translate(${middle + 4} ${margin - 5}) rotate(-90)` }, root, brief(k));
    if (thin) left.style.display = above.style.display = "none";
    return [left, above, thin];
  });
  const box = el("rect", { class: "here", width: cell, height: cell }, root);
  host.scrollLeft = from[0]; host.scrollTop = from[1];
  root.onpointermove = root.onpointerdown = (event) => {
    const box = root.getBoundingClientRect(), scale = width / box.width;
    const b = Math.floor(((event.clientX - box.left) * scale - margin) / cell), a = Math.floor(((event.clientY - box.top) * scale - margin) / cell);
    if (a >= 0 && b >= 0 && a < K && b < K) { look(a, b); if (event.type === "pointerdown" && pickOf.has(order[a])) pickView(pickOf.get(order[a])); }
  };
  heat = { cell, margin, host, box, cross, marks };
  if (here) look(...here);
  else for (const node of [box, ...cross]) node.style.display = "none";
}
function look(a, b, follow = false) {
  const near = Math.ceil(12 / heat.cell); // names this close would lie on each other
  const around = (k) => heat.marks.slice(Math.max(k - near + 1, 0), k + near);
  if (heat.marked) heat.marked.forEach((k, side) => { for (const m of around(k)) { m[side].classList.remove("at"); m[side].style.display = m[2] ? "none" : ""; } });
  here = [a, b];
  const { cell, margin, host, box, cross, marks } = heat, x = margin + b * cell, y = margin + a * cell;
  for (const node of [box, ...cross]) node.style.display = "";
  move(box, { x, y }); move(cross[0], { y }); move(cross[1], { x });
  heat.marked = [a, b];
  heat.marked.forEach((k, side) => {
    for (const m of around(k)) m[side].style.display = "none";
    marks[k][side].classList.add("at");
    marks[k][side].style.display = "";
  });
  if (follow) {
    host.scrollLeft = Math.min(Math.max(host.scrollLeft, x + cell - host.clientWidth + 8), Math.max(x - 8, 0));
    if (host.scrollHeight > host.clientHeight) host.scrollTop = Math.min(Math.max(host.scrollTop, y + cell - host.clientHeight + 8), Math.max(y - 8, 0));
  }
  $("readout").textContent = readout(order[a], order[b]);
  const truth = order[a], most = given.filter((j) => cells[truth][j]).sort((x, y) => cells[truth][y] - cells[truth][x] || x - y).slice(0, 5);
  $("row-of").replaceChildren(...most.map((j) => {
    const item = el("li");
    el("bdi", {}, el("b", {}, item), short(data.labels[j]));
    item.append(`${j === truth ? ", right" : ""}: ${count(cells[truth][j])} of ${count(rows[truth])}`);
    return item;
  }));
}
function readout(i, j) {
  const n = cells[i][j], truth = isolated(data.labels[i]), said = isolated(data.labels[j]);
  if (!rows[i]) return `No row is of ${truth}; ${count(columns[j])} rows are decided for ${said}.`;
  const here = `${count(n)} ${n === 1 ? "row" : "rows"} of ${truth} ${n === 1 ? "is" : "are"} decided ${i === j ? "right" : `for ${said}`}`;
  const of = columns[j] ? `, ${hundred(n / columns[j])} in 100 of those decided for ${said}` : "";
  return `${here}: ${hundred(n / rows[i])} in 100 of ${truth}${of}.`;
}
const modeButtons = cells ? chips($("mode"), modes.map(([label]) => [label]), (k) => show(k)) : [];
const orderButtons = cells && orders.length > 1 ? chips($("order"), orders.map(([label]) => [label]), arrange) : [];
const zoomButtons = cells && large ? chips($("zoom"), sizes.map(([label]) => [label]), zoom) : [];
function draw() { if (large) drawHeat(); else drawTable(); }
function show(k) {
  mode = k;
  press(modeButtons, k);
  $("mode-note").textContent = modes[k][1] + (large ? " Hover, or focus the matrix and use the arrow keys." : "");
  draw();
}
function arrange(k) {
  const at = here && here.map((place) => order[place]);
  order = orders[k][1];
  here = at && at.map((one) => order.indexOf(one));
  press(orderButtons, k);
  draw();
}
function zoom(k) {
  size = k;
  press(zoomButtons, k);
  $("confusion").style.maxHeight = k ? "75vh" : "";
  $("confusion").style.overflow = "auto";
  draw();
}
if (large && cells) {
  const host = $("confusion");
  host.setAttribute("role", "application");
  host.setAttribute("aria-label", "Matrix of truth and decision: arrow keys move from cell to cell");
  host.removeAttribute("aria-labelledby");
  host.setAttribute("aria-describedby", "readout");
  $("side").hidden = false;
  host.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [-K, -K], End: [K, K] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [a, b] = here || [0, 0], inside = (v) => Math.min(Math.max(v, 0), K - 1);
    look(here ? inside(a + step[0]) : 0, here ? inside(b + step[1]) : 0, true);
  });
}

// ---- how far off, of classes in order -------------------------------------------------------------------------------
function drawSteps() {
  const all = data.steps, total = all.reduce((a, b) => a + b, 0), middle = K - 1;
  const reach = Math.max(...all.map((n, s) => n ? Math.abs(s - middle) : 0), 1), shown = [...Array(2 * reach + 1).keys()].map((s) => s - reach);
  const most = Math.max(...all) / total || 1;
  const f = plot("steps", { height: 230, x: [-reach - 0.6, reach + 0.6], y: [0, most * 1.15], ticks: [], left: 8, yText: "Share of rows", xText: "Classes between decision and truth" });
  for (const s of shown) {
    const n = all[s + middle], x = f.X(s), wide = Math.min((f.right - f.left) / (2 * reach + 1.2) * 0.74, 64);
    el("rect", { class: s ? "wrong-bar" : "right-bar", x: x - wide / 2, width: wide, y: f.Y(n / total), height: f.bottom - f.Y(n / total) }, f.root);
    if (wide > 26) el("text", { class: "ink", x, y: f.Y(n / total) - 6, "text-anchor": "middle" }, f.root, hundred(n / total) + (s === 0 ? " %" : ""));
    if (reach < 10 || s % 5 === 0) el("text", { x, y: f.bottom + 17, "text-anchor": "middle" }, f.root, s === 0 ? "right" : (s > 0 ? "+" : "−") + Math.abs(s));
  }
  const low = all.slice(0, middle).reduce((a, b) => a + b, 0), high = all.slice(middle + 1).reduce((a, b) => a + b, 0);
  $("take-steps").textContent = `In 100 rows ${hundred(all[middle] / total)} are decided right, ${hundred(low / total)} too low and ${hundred(high / total)} too high; ${hundred(((all[middle] || 0) + (all[middle - 1] || 0) + (all[middle + 1] || 0)) / total)} are at most one class off.`;
}

// ---- one class at a time --------------------------------------------------------------------------------------------
const pickOf = new Map((data.viewed || []).map((k, v) => [k, v]));
let chosen = 0;
function pickView(v) {
  if (!views.length) return;
  chosen = (v + views.length) % views.length;
  $("pick").value = String(chosen);
  const c = views[chosen], name = isolated(c.label), n = c.positives + c.negatives;
  $("take-one").textContent = `${whole(c.positives)} of ${whole(n)} rows are ${c.upto ? "" : "of "}${name}${c.positives < 30 ? ": few, so read its figures by their intervals" : ""}.`;
  const r = rates(c), auc = estimateOf(c.estimates, "roc_auc");
  drawCurve("roc", r.fpr, r.recall, (f) => {
    el("path", { class: "base", d: path(f, [0, 1], [0, 1]) }, f.root);
    el("text", { x: f.X(0.62) + 8, y: f.Y(0.62) + 16 }, f.root, "chance");
  }, "False positive rate", "Recall");
  $("take-roc").textContent = `Area ${auc}.`;
  const chance = share(c.positives, n);
  drawCurve("pr", r.recall, r.precision, (f) => {
    if (!Number.isFinite(chance)) return;
    el("path", { class: "base", d: path(f, [0, 1], [chance, chance]) }, f.root);
    el("text", { x: f.X(0.02), y: f.Y(chance) - 6 }, f.root, `at random: ${hundred(chance)} in 100`);
  }, "Recall", "Precision");
  $("take-pr").textContent = `Average precision ${estimateOf(c.estimates, "average_precision")}.`;
  drawCalibration(c);
}
function drawCurve(id, xs, ys, base, xText, yText) {
  const f = plot(id, { xText, yText });
  base(f);
  el("path", { class: "curve", d: path(f, xs, ys) }, f.root);
}
function drawCalibration(c) {
  if (!c.reliability) { $("cal").replaceChildren(); $("take-cal").textContent = "The score is no probability."; return; }
  const f = plot("cal", { xText: "Probability said", yText: "Happened" });
  el("path", { class: "base", d: path(f, [0, 1], [0, 1]) }, f.root);
  for (const b of c.reliability) {
    el("line", { class: "bin", x1: f.X(b.mean), x2: f.X(b.mean), y1: f.Y(b.low), y2: f.Y(b.high) }, f.root);
    const dot = el("circle", { class: "bin-dot", cx: f.X(b.mean), cy: f.Y(b.rate), r: 4 }, f.root);
    el("title", {}, dot, `${whole(b.n)} rows of about ${figure(b.mean)}: ${figure(b.rate)} happened`);
  }
  const e = c.estimates.prediction_bias, happened = share(c.positives, c.positives + c.negatives);
  if (!e || e.value === null) { $("take-cal").textContent = ""; return; }
  const limits = e.low === null ? "" : `, bias ${signedFigure(e.value)} (${signedFigure(e.low)} to ${signedFigure(e.high)})`;
  $("take-cal").textContent = `Said ${figure(100 * (happened + e.value), 1)} % on average, ${figure(100 * happened, 1)} % happened${limits}.`;
}
views.forEach((c, v) => el("option", { value: v }, $("pick"), short(c.label) + (c.positives < 30 ? ` (${whole(c.positives)} rows)` : "")));
$("pick").addEventListener("change", () => pickView(Number($("pick").value)));
$("before").addEventListener("click", () => pickView(chosen - 1));
$("after").addEventListener("click", () => pickView(chosen + 1));

// ---- shares decided against shares true -----------------------------------------------------------------------------
const supports = cells ? rows : data.form === "multilabel" ? views.map((c) => c.positives) : null;
function drawShares() {
  const total = data.form === "multilabel" ? data.scored.rows : rows.reduce((a, b) => a + b, 0);
  const gap = (k) => Math.abs(data.decided[k] - supports[k]);
  const most = [...supports.keys()].sort((a, b) => gap(b) - gap(a) || a - b).slice(0, 30);
  if (data.ordered || most.length === supports.length) most.sort((a, b) => a - b);
  const reach = Math.max(...most.map((k) => Math.max(supports[k], data.decided[k]))) || 1, line = 24, height = most.length * line + 34;
  const host = $("share"), width = Math.max(host.clientWidth || 320, 240);
  const left = Math.min(Math.max(...most.map((k) => Math.min([...data.labels[k]].length, 22))) * 7 + 14, width * 0.36), right = 56;
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" }, host);
  const X = (n) => left + n / reach * (width - left - right), limit = Math.max(Math.floor((left - 14) / 7), 3);
  el("circle", { class: "true-mark", cx: left + 6, cy: 10, r: 5 }, root);
  el("text", { x: left + 16, y: 14 }, root, "true");
  el("rect", { class: "said-mark", x: left + 58, y: 5, width: 9, height: 9 }, root);
  el("text", { x: left + 72, y: 14 }, root, "decided");
  most.forEach((k, row) => {
    const y = 34 + row * line, name = [...data.labels[k]], a = supports[k], b = data.decided[k];
    el("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }, root);
    el("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, root, name.length > limit ? name.slice(0, limit - 1).join("") + "…" : name.join(""));
    el("line", { class: "join", x1: X(a), x2: X(b), y1: y, y2: y }, root);
    el("rect", { class: "said-mark", x: X(b) - 4.5, y: y - 4.5, width: 9, height: 9 }, root);
    el("circle", { class: "true-mark", cx: X(a), cy: y, r: 5 }, root);
    el("text", { class: "ink", x: width - right + 12, y: y + 4 }, root, (b > a ? "+" : b < a ? "−" : "") + whole(Math.abs(b - a)));
  });
  const worst = [...supports.keys()].sort((a, b) => gap(b) - gap(a))[0], d = data.decided[worst] - supports[worst];
  const some = most.length < supports.length ? ` The ${most.length} with the largest gaps.` : "";
  $("take-share").textContent = d
    ? `The largest gap: ${isolated(data.labels[worst])} is decided for ${whole(data.decided[worst])} rows and is true of ${whole(supports[worst])}, of ${whole(total)}.${some}`
    : "Every class is decided as often as it is true.";
}

const classes = $("classes");
if (classes) sortable(classes);

for (const [id, there] of [["card-k", cells], ["card-steps", data.steps && data.total], ["card-one", views.length], ["card-share", supports && supports.length]]) if (!there) $(id).hidden = true;
if (cells) {
  const first = large && orders.length > 1 ? 1 : 0;
  order = orders[first][1];
  if (large && data.mistaken.length) here = ["truth", "decision"].map((side) => order.indexOf(data.mistaken[0][side]));
  press(orderButtons, first);
  press(zoomButtons, 0);
  show(0);
}
redrawn(() => {
  if (cells && large) draw();
  if (data.steps && data.total) drawSteps();
  if (supports && supports.length) drawShares();
  pickView(chosen);
});
window.cutline = { data, show, arrange, zoom, look, readout, pickView, views, rates, figure, hundred, cut, cells };
