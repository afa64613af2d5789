// ---- slices: a line for each, filled on every move ----------------------------------------------------------------------
const SLICED = [["precision", "Precision"], ["recall", "Recall"], ["fpr", "False positive rate"]];
const sliced = data.slices.filter((one) => one.counts).map((one) => ({ one, cells: {} }));
function ratesIn(counts, i) {
  const tp = counts.tp[i], fp = counts.fp[i], p = counts.positives, n = counts.negatives;
  return { tp, fp, fn: p - tp, tn: n - fp, flagged: tp + fp, of: p + n, precision: proportion(tp, tp + fp), recall: proportion(tp, p), fpr: proportion(fp, n) };
}
function foundIn(one, s) { // what a rule that is no threshold decided was counted row by row
  if (s.index !== RULE) return ratesIn(one.counts, s.index);
  const of = (key) => one.estimates.find((e) => e.metric === key) ?? { value: null, low: null, high: null };
  return Object.fromEntries(SLICED.map(([key]) => [key, Object.fromEntries(["value", "low", "high"].map((k) => [k, of(key)[k] ?? NaN]))]));
}
function buildSlices() {
  const table = el("table", { class: "listed classes" }, $("slices")), head = el("tr", {}, el("thead", {}, table));
  for (const [label, kind] of [["Slice", ""], ["Rows", "n"], [`Of them ${pos}`, "n"], ["Flagged", "n"], ...SLICED.map(([, label]) => [label, ""])]) el("th", { scope: "col", class: kind }, head, label);
  const body = el("tbody", {}, table);
  for (const { one, cells } of sliced) {
    const line = el("tr", one.reason ? { class: "thin", title: one.reason } : {}, body), title = el("th", { scope: "row" }, line), p = one.counts.positives, n = p + one.counts.negatives;
    el("small", {}, title, `${one.partition} `);
    el("bdi", { title: one.slice }, title, one.slice);
    if (one.reason) el("span", { class: "few" }, title, "few rows");
    el("td", { class: "n", "data-v": one.rows }, line, many(one.rows));
    el("td", { class: "n", "data-v": n ? p / n : "" }, line, n ? `${figure(100 * p / n, 1)} %` : "n/a");
    cells.flagged = el("td", { class: "n" }, line);
    for (const [key] of SLICED) {
      const cell = el("td", {}, line), text = document.createTextNode("");
      cell.append(text);
      const limits = el("small", {}, cell), strip = el("span", { class: "ci", "aria-hidden": "true" }, cell);
      cells[key] = { cell, text, limits, bar: el("i", {}, strip), tick: el("u", {}, strip) };
    }
  }
  sortable(table);
}
function fillSlices(s) {
  for (const { one, cells } of sliced) {
    const found = foundIn(one, s), flagged = found.of ? found.flagged / found.of : NaN;
    cells.flagged.textContent = Number.isFinite(flagged) ? `${hundred(flagged)} in 100` : "n/a";
    cells.flagged.dataset.v = Number.isFinite(flagged) ? flagged : "";
    for (const [key] of SLICED) {
      const { value, low, high } = found[key], { cell, text, limits, bar, tick } = cells[key], ranged = Number.isFinite(low);
      text.data = figure(value);
      cell.dataset.v = Number.isFinite(value) ? value : "";
      limits.textContent = ranged ? span(low, high, value) : "";
      bar.style.cssText = ranged ? `left:${(100 * low).toFixed(1)}%;width:${(100 * (high - low)).toFixed(1)}%` : "display:none";
      tick.style.cssText = Number.isFinite(value) ? `left:${(100 * value).toFixed(1)}%` : "display:none";
    }
  }
  const told = sliced.filter(({ one }) => !one.reason).map(({ one }) => [one, foundIn(one, s).recall]).filter(([, recall]) => Number.isFinite(recall.value)).sort((a, b) => a[1].value - b[1].value);
  const isolated = (one) => `${short(one.partition)} \u2068${short(one.slice)}\u2069`;
  $("take-slices").textContent = told.length > 1
    ? `Of 100 rows of ${pos} it finds ${hundred(told[0][1].value)}${between(told[0][1])} in ${isolated(told[0][0])} and ${hundred(told.at(-1)[1].value)}${between(told.at(-1)[1])} in ${isolated(told.at(-1)[0])}.`
    : "";
}
