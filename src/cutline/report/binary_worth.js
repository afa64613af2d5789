// ---- what it is worth: costs, net benefit, gain, and a thousand rows as dots --------------------------------------------
function drawCost() {
  const costs = states.map(costOf), best = cheapest(), lazy = costs[0] <= costs[last] ? 0 : last;
  const low = Math.min(0, ...costs), high = Math.max(Math.min(Math.max(...costs), 2 * costs[lazy]), 1.2 * costs[best], low + 1e-9);
  const ticks = round(low, high), left = Math.max(34, 12 + 7 * Math.max(...ticks.map((v) => brief(v).length)));
  const f = frame("cost", { height: 300, x: [SCALE.first, SCALE.end], y: [low, high], xTicks: round(SCALE.first, SCALE.end), yTicks: ticks, tick: brief, left,
    yText: `Cost of 1,000 rows${data.unit ? `, in ${data.unit}` : ""}`, xText: scoreText });
  el("path", { class: "base", d: polyline(f, f.x, [costs[lazy], costs[lazy]]) }, f.root);
  el("path", { class: "curve", d: polyline(f, states.map((s) => SCALE.clamp(s.threshold)), costs.map((v) => v <= high ? v : NaN)) }, f.root);
  // The curve leaves that line at the end where all, or nothing, is flagged, and lies below it.
  el("text", { x: lazy ? f.left + 4 : f.right - 4, y: f.Y(costs[lazy]) - 7, "text-anchor": lazy ? "start" : "end" }, f.root, lazy ? "flagging everything" : "flagging nothing");
  const x = f.X(SCALE.clamp(points.threshold[best])), y = f.Y(costs[best]);
  el("line", { class: "base", x1: x, x2: x, y1: y, y2: f.bottom }, f.root);
  el("path", { class: "lowest", d: `M${x - 6} ${f.bottom - 1}h12l-6 -9z` }, f.root);
  const put = marker(f), tell = lively(f, { way: -1, spot: (s) => [f.X(SCALE.clamp(s.threshold)), f.Y(Math.min(costOf(s), high))], told: (s) => `${amount(costOf(s))} for 1,000 rows`, pick: (t) => rowOf(t) });
  return (s) => {
    put(s.index === RULE ? alone(NaN) : { value: SCALE.clamp(s.threshold) }, { value: Math.min(costOf(s), high) });
    tell(s);
    const right = data.cost.tp || data.cost.tn ? `, with ${amount(data.cost.tp)} for a true positive and ${amount(data.cost.tn)} for a true negative` : "";
    const gap = costs[lazy] - costOf(s), lazily = `flagging ${lazy ? "everything" : "nothing"}`;
    $("take-cost").textContent = `${amount(costOf(s))} for 1,000 rows ${s.index === RULE ? "by the rule" : "at this threshold"}; the cheapest is ${amount(costs[best])}, at ` +
      `${cut(points.threshold[best])}${right}. ${gap >= 0 ? `That saves ${amount(gap)} against` : `That is ${amount(-gap)} more than`} ${lazily}.`;
  };
}
function drawBenefit() {
  const rows = states.filter((s) => s.threshold !== null && preference(s.threshold) < 1 && preference(s.threshold) > 0);
  const t = (s) => preference(s.threshold), everyone = (p) => share - (1 - share) * p / (1 - p);
  const worth = rows.map((s) => 1000 * benefit(s, t(s))), top = 1000 * share * 1.05 || 1, floor = -top / 6;
  const to = Math.min(1, data.scored.score_kind === "probability" ? SCALE.end : 1), shown = (v) => v >= floor ? v : NaN;
  const ticks = round(0, top), f = frame("worth", { height: 300, x: [0, to], y: [floor, top], xTicks: round(0, to), yTicks: ticks, tick: brief, left: Math.max(34, 12 + 7 * Math.max(...ticks.map((v) => brief(v).length))),
    yText: `Net benefit: ${pos} found in 1,000 rows, less false alarms`, xText: "Threshold probability: from where on one would act" });
  const grid = [...Array(101).keys()].map((k) => k / 100 * to).filter((p) => p < 1);
  el("path", { class: "base", d: polyline(f, [0, to], [0, 0]) }, f.root);
  el("path", { class: "base", d: polyline(f, grid, grid.map((p) => shown(1000 * everyone(p)))) }, f.root);
  el("path", { class: "curve", d: polyline(f, rows.map(t), worth.map(shown)) }, f.root);
  el("text", { x: f.right - 4, y: f.Y(0) + 14, "text-anchor": "end" }, f.root, "flagging nothing");
  const corner = Math.min(share, to);
  el("text", { x: f.X(corner / 2) - 8, y: f.Y(1000 * Math.max(everyone(corner / 2), 0)) + 22, "text-anchor": corner > 0.3 ? "middle" : "start" }, f.root, "flagging everything");
  const put = marker(f), on = (s) => s.threshold !== null && s.threshold !== undefined && preference(s.threshold) < 1 && preference(s.threshold) > 0;
  const tell = lively(f, { way: -1, spot: (s) => on(s) ? [f.X(t(s)), f.Y(Math.max(1000 * benefit(s, t(s)), floor))] : [NaN, NaN], pick: (p) => nearest((i) => on(states[i]) ? Math.abs(t(states[i]) - p) : Infinity),
    told: (s) => on(s) ? `${ofMany(1000 * benefit(s, t(s)), 1000, 1000)} in 1,000 rows` : "undefined here" });
  return (s) => {
    tell(s);
    const p = on(s) ? t(s) : NaN, net = 1000 * benefit(s, p), other = 1000 * Math.max(everyone(p), 0), gap = net - other;
    put({ value: p }, { value: Math.max(net, floor) });
    const against = `the better of flagging everything and flagging nothing`;
    $("take-worth").textContent = Number.isFinite(net)
      ? `To those who act from a probability of ${cut(p)} on, it is worth ${ofMany(net, 1000, 1000)} ${pos} found in 1,000 rows without a false alarm: ${ofMany(Math.abs(gap), 1000, 1000)} ${gap >= 0 ? "more" : "fewer"} than ${against}.`
      : "Only at a threshold that is a probability from above 0 to below 1.";
  };
}
function drawGain() {
  const f = frame("gain", { ...UNIT, height: 340, xText: "Share of all rows flagged, the highest scores first", yText: `Share of ${pos} found` });
  el("path", { class: "base", d: polyline(f, [0, 1], [0, 1]) }, f.root);
  el("path", { class: "base", d: polyline(f, [0, share, 1], [0, 1, 1]) }, f.root);
  el("text", { x: f.X(0.7) + 8, y: f.Y(0.7) + 14 }, f.root, "at random");
  el("text", { x: f.X(Math.min(share, 0.8)) + 6, y: f.Y(1) + 15 }, f.root, share < 0.45 ? "without a mistake" : "");
  el("path", { class: "curve", d: polyline(f, states.map((s) => s.share), states.map((s) => s.recall.value)) }, f.root);
  const tell = lively(f, { way: 1, spot: (s) => [f.X(s.share), f.Y(s.recall.value)], told: (s) => `flagged ${figure(s.share)}, found ${figure(s.recall.value)}`,
    pick: (a, b) => nearest((i) => Math.hypot(states[i].share - a, states[i].recall.value - b)) });
  const put = marker(f);
  return (s) => {
    put({ value: s.share }, s.recall);
    tell(s);
    const lift = s.recall.value / s.share;
    $("take-gain").textContent = Number.isFinite(lift)
      ? `The ${hundred(s.share)} in 100 rows with the highest scores hold ${hundred(s.recall.value)} in 100 of all ${pos}: ${brief(lift)} times as many as a draw at random (lift).`
      : "Nothing is flagged.";
  };
}
function drawDots() { // filled: flagged; hollow: not flagged; grey: undecided. A kind is an area filled with a pattern of dots.
  // Steps of whole pixels: a pattern that is not scaled is copied, not drawn anew for every move.
  const R = 20, host = $("dots"), step = Math.max(Math.floor((host.clientWidth + 12) / 54), 4), drawn = {};
  host.replaceChildren();
  const root = el("svg", { viewBox: `0 0 ${54 * step} ${R * step}`, style: `width:${54 * step}px` }, host), defs = el("defs", {}, root), areas = {};
  for (const key of ["tp", "fp", "fn", "tn", "un"]) {
    const hollow = key === "fn" || key === "tn", pattern = el("pattern", { id: `dot-${key}`, width: step, height: step, patternUnits: "userSpaceOnUse" }, defs);
    el("circle", { class: `dot ${key}${hollow ? " hollow" : ""}`, cx: step / 2, cy: step / 2, r: (hollow ? 0.31 : 0.38) * step }, pattern);
    areas[key] = el("path", { fill: `url(#dot-${key})` }, root);
  }
  const box = (column, row, wide, high) => wide > 0 && high > 0 ? `M${column * step} ${row * step}h${wide * step}v${high * step}h${-wide * step}z` : "";
  const put = (key, from, to, column) => { // dots [from, to) of a grid filled column by column from `column`
    const first = Math.floor(from / R), head = Math.min(R - from % R, to - from) % R, full = Math.ceil(from / R), end = Math.max(Math.floor(to / R), full);
    const path = box(column + first, from % R, 1, head) + box(column + full, 0, end - full, R) + (to > end * R ? box(column + end, 0, 1, to - end * R) : "");
    if (drawn[key] === path) return;
    drawn[key] = path;
    areas[key].setAttribute("d", path);
  };
  return (s) => {
    const [tp, fp, fn, tn, un] = thousand(parts(s)), wide = (n) => n ? Math.ceil(n / R) + 1 : 0, gap = wide(tp + fp), next = gap + (un ? wide(fn + tn) : 0);
    put("tp", 0, tp, 0);
    put("fp", tp, tp + fp, 0);
    put("fn", 0, fn, gap);
    put("tn", fn, fn + tn, gap);
    put("un", 0, un, next);
  };
}
function parts(s) { // of all rows, those that a rule leaves undecided among them
  const decided = s.index === RULE ? 1 - rule.undecided : 1;
  return [...["tp", "fp", "fn", "tn"].map((key) => decided * s.cells[key] / s.of), 1 - decided];
}
function thousand(shares) { // whole numbers that sum to 1,000: the largest remainders are rounded up
  const exact = shares.map((x) => 1000 * x), whole = exact.map((x) => Math.floor(x + 1e-9));
  const order = [...shares.keys()].sort((a, b) => exact[b] - whole[b] - (exact[a] - whole[a]));
  const missing = 1000 - whole.reduce((a, b) => a + b, 0);
  for (let k = 0; k < missing; k++) whole[order[k]] += 1;
  return whole;
}
