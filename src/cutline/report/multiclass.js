// Several classes: the confusion matrix in counts and shares.
const K = data.labels.length, cells = data.confusion;
const rows = cells.map((row) => row.reduce((a, b) => a + b, 0));
const columns = cells[0].map((_, j) => cells.reduce((a, row) => a + row[j], 0));
const modes = [
  ["Counts", "Rows are the truth, columns the decision. Colour is the share of the row: the diagonal is right, the rest is confused.",
    (i, j) => [count(cells[i][j]), cells[i][j] / rows[i]]],
  ["Share of truth", "In 100 rows that truly are of a class: how many were decided for each. The diagonal is recall.",
    (i, j) => [rows[i] ? hundred(cells[i][j] / rows[i]) : "n/a", cells[i][j] / rows[i]]],
  ["Share of decision", "In 100 rows decided for a class: how many truly are of each. The diagonal is precision.",
    (i, j) => [columns[j] ? hundred(cells[i][j] / columns[j]) : "n/a", cells[i][j] / columns[j]]],
];
const tall = K > 8 && K * Math.max(...data.labels.map((name) => name.length)) > 90; // names would not fit side by side
const table = el("table", { class: `k${K > 8 ? " many" : ""}${tall ? " tall" : ""}` }, $("confusion"));
el("caption", {}, table, "Truth in rows, decision in columns");
const head = el("tr", {}, el("thead", {}, table));
el("td", { class: "corner" }, head, "");
data.labels.forEach((name) => el("bdi", { title: name }, el("th", { scope: "col" }, head), name));
const body = el("tbody", {}, table);
const nodes = cells.map((row, i) => {
  const line = el("tr", {}, body);
  el("bdi", { title: data.labels[i] }, el("th", { scope: "row" }, line), data.labels[i]);
  return row.map((_, j) => el("td", {}, line));
});
const buttons = chips($("mode"), modes.map(([label]) => [label]), show);
function show(mode) {
  const [, note, value] = modes[mode];
  buttons.forEach((button, k) => button.setAttribute("aria-pressed", k === mode));
  $("mode-note").textContent = note;
  nodes.forEach((line, i) => line.forEach((node, j) => {
    const [text, share] = value(i, j);
    node.textContent = text;
    node.className = (i === j ? "right" : "wrong") + (cells[i][j] ? "" : " zero");
    // The square root lets rare confusions be seen; the number says how rare. Paler than 45 % keeps it readable.
    node.style.setProperty("--a", `${(45 * Math.sqrt(share || 0)).toFixed(1)}%`);
  }));
}
show(0);
window.cutline = { data, show, figure, hundred, cut };
