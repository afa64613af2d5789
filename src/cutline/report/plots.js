// Frames and lines of the figures of several classes and several models.
const isolated = (text) => `\u2068${short(text)}\u2069`;
const signedFigure = (x) => (x > 0 ? "+" : x < 0 ? "−" : "") + figure(Math.abs(x));
const whole = (x) => x.toLocaleString("en-US", Number.isInteger(x) ? {} : { maximumFractionDigits: 1, minimumFractionDigits: 1 });
function plot(id, { height = 300, x = [0, 1], y = [0, 1], xText = "", yText = "", ticks = [0, 0.25, 0.5, 0.75, 1], left = 40, right = 8 }) {
  const host = $(id), width = Math.max(host.clientWidth || 320, 240);
  const tall = Math.min(height, Math.max(width * 0.92, 220)), top = yText ? 26 : 8, bottom = tall - 38;
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${width} ${tall}`, "aria-hidden": "true", focusable: "false" }, host);
  const X = (v) => left + (v - x[0]) / (x[1] - x[0]) * (width - left - right);
  const Y = (v) => bottom - (v - y[0]) / (y[1] - y[0]) * (bottom - top);
  for (const t of ticks) {
    if (y) el("line", { class: "grid", x1: left, x2: width - right, y1: Y(t), y2: Y(t) }, root);
    el("text", { x: left - 7, y: Y(t) + 4, "text-anchor": "end" }, root, String(t));
    el("text", { x: X(t), y: bottom + 17, "text-anchor": t === 1 ? "end" : "middle" }, root, String(t));
  }
  el("line", { class: "axis", x1: left, x2: width - right, y1: bottom, y2: bottom }, root);
  el("text", { x: 0, y: 12 }, root, yText);
  el("text", { x: width - right, y: tall - 4, "text-anchor": "end" }, root, xText);
  return { root, X, Y, width, left, right: width - right, top, bottom };
}
function path(f, xs, ys) {
  let d = "", pen = "M";
  xs.forEach((v, i) => {
    if (!Number.isFinite(v) || !Number.isFinite(ys[i])) { pen = "M"; return; }
    d += `${pen}${f.X(v).toFixed(1)} ${f.Y(ys[i]).toFixed(1)}`;
    pen = "L";
  });
  return d || "M0 0";
}
const rates = (c) => ({
  recall: c.tp.map((v) => v / c.positives), fpr: c.fp.map((v) => v / c.negatives),
  precision: c.tp.map((v, i) => v / (v + c.fp[i])),
});
function estimateOf(estimates, name) {
  const e = estimates[name];
  if (!e || e.value === null) return "undefined here";
  return figure(e.value) + (e.low === null ? "" : ` (${span(e.low, e.high, e.value)})`);
}
function redrawn(draw) {
  let width = 0;
  new ResizeObserver(() => {
    const now = document.documentElement.clientWidth;
    if (now !== width) { width = now; draw(); }
  }).observe(document.querySelector("main"));
}
function press(buttons, k) { buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === k)); }
