// Two classes: from counts to rates. `share` is the share of positives of the place where the rule will be used.
for (const part of data.stepped ? [data.points, ...data.slices.map((one) => one.counts)] : []) { // from one point to the next
  for (const key of part ? ["tp", "fp"] : []) { let sum = 0; part[key] = part[key].map((step) => sum += step); }
}
const { points, positives: P, negatives: N, per, z } = data, both = P > 0 && N > 0;
const total = P + N, last = points.tp.length - 1, all = [...points.tp.keys()], RULE = "rule", rule = data.by_rule;
const pos = named(data.positive), neg = named(data.negative);
let share = data.prevalence;
const elsewhere = () => share !== data.prevalence;

function wilson(k, n, quantile = z) {
  if (!(n > 0) || !data.independent) return [NaN, NaN];
  const p = k / n, shrink = 1 + quantile * quantile / n, centre = (p + quantile * quantile / (2 * n)) / shrink;
  const half = quantile / shrink * Math.sqrt(p * (1 - p) / n + quantile * quantile / (4 * n * n));
  return [k <= 0 ? 0 : Math.max(centre - half, 0), k >= n ? 1 : Math.min(centre + half, 1)];
}
function proportion(k, n) {
  const [low, high] = wilson(k, n);
  return { value: n > 0 ? k / n : NaN, low, high };
}
const alone = (value) => ({ value, low: NaN, high: NaN });
// Precision at another share of positives: the likelihood ratio times the odds there, twin of evidence/delta.py.
function precisionAt(tp, fp, p, n) {
  const odds = share / (1 - share), at = (ratio) => ratio === Infinity || odds === Infinity ? 1 : ratio * odds / (1 + ratio * odds);
  const ratio = (a, b) => b === 0 || a === Infinity ? Infinity : a / b;
  if (!tp && !fp) return alone(NaN);
  let limits = [NaN, NaN];
  if (data.independent && tp && fp) {
    const half = Math.min(z * Math.sqrt(1 / tp - 1 / p + 1 / fp - 1 / n), 700), middle = ratio(tp / p, fp / n);
    limits = [middle * Math.exp(-half), middle * Math.exp(half)];
  } else if (data.independent) {
    const [high, low] = [wilson(tp, p, data.z_alone), wilson(fp, n, data.z_alone)];
    limits = tp ? [ratio(high[0], low[1]), Infinity] : [0, ratio(high[1], low[0])];
  }
  return { value: at(ratio(tp / p, fp / n)), low: at(limits[0]), high: at(limits[1]) };
}
const mccOf = (tp, fp, fn, tn) => (tp * tn - fp * fn) / Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
function rates(c) { // c: tp, fp, fn, tn as counted
  const { tp, fp, fn, tn } = c, p = tp + fn, n = fp + tn, jaccard = proportion(tp, tp + fp + fn), f1 = (j) => 2 * j / (1 + j);
  const found = {
    ...c, flagged: tp + fp, cells: { tp, fp, fn, tn }, of: p + n,
    precision: proportion(tp, tp + fp), recall: proportion(tp, p), fpr: proportion(fp, n), specificity: proportion(tn, n),
    accuracy: proportion(tp + tn, p + n),
    f1: { value: 2 * tp / (2 * tp + fp + fn), low: f1(jaccard.low), high: f1(jaccard.high) },
    mcc: alone(mccOf(tp, fp, fn, tn)),
  };
  if (!elsewhere()) return { ...found, share: (tp + fp) / (p + n) };
  const up = share / p * per, down = (1 - share) / n * per, cells = { tp: up * tp, fp: down * fp, fn: up * fn, tn: down * tn };
  return {
    ...found, cells, of: per, share: (cells.tp + cells.fp) / per, precision: precisionAt(tp, fp, p, n),
    accuracy: alone((cells.tp + cells.tn) / per), f1: alone(2 * cells.tp / (2 * cells.tp + cells.fp + cells.fn)),
    mcc: alone(mccOf(cells.tp, cells.fp, cells.fn, cells.tn)),
  };
}
const known = new Map(data.named.filter((one) => one.mcc).map((one) => [one.index, one.mcc]));
function at(i) {
  if (i === RULE) return { ...rates({ tp: rule.tp, fp: rule.fp, fn: rule.fn, tn: rule.tn }), index: RULE, threshold: undefined };
  const tp = points.tp[i], fp = points.fp[i], s = { ...rates({ tp, fp, fn: P - tp, tn: N - fp }), index: i, threshold: points.threshold[i] };
  if (known.has(i) && !elsewhere() && Number.isFinite(s.mcc.value)) [s.mcc.low, s.mcc.high] = known.get(i);
  return s;
}
let states = all.map(at);

// ---- sentences ------------------------------------------------------------------------------------------------------
const between = (rate, of = 100) => Number.isFinite(rate.low) ? ` (${hundred(rate.low, of)} to ${hundred(rate.high, of)})` : "";
const many = (of) => of.toLocaleString("en-US");
const place = (s) => s.index === RULE ? `Decided ${rule.rule}` : s.threshold === null ? "Above every score" : `At threshold ${cut(s.threshold)}`;
function sentence(s) {
  const where = place(s), undecided = s.index === RULE && rule.undecided > 0
    ? ` Left undecided: ${hundred(rule.undecided)} in 100 rows; the figures are of the others.` : "";
  if (s.flagged === 0) return `${where}${s.index === RULE ? "," : ""} nothing is flagged as ${pos}.${undecided}`;
  const flagged = ofMany(s.cells.tp + s.cells.fp, s.of, per);
  return `${where}, of ${many(per)} rows ${flagged} are flagged as ${pos}; ` +
    `about ${hundred(s.precision.value)} in 100 of those are ${pos}${between(s.precision)}.${undecided}`;
}
function also(s) {
  const of = s.fpr.value < 0.1 ? 1000 : 100;
  const found = P > 0 ? `It finds ${hundred(s.recall.value)} in 100 rows of ${pos}${between(s.recall)}` : `There is no row of ${pos}`;
  const mistaken = N > 0 ? `by mistake flags ${hundred(s.fpr.value, of)} in ${many(of)} rows of ${neg}${between(s.fpr, of)}`
    : `there is no row of ${neg}`;
  return `${found}, and ${mistaken}.${elsewhere() ? ` Where ${hundred(share)} in 100 rows are ${pos}, both rates taken as here.` : ""}`;
}
const estimateFor = (metric) => data.estimates.find((estimate) => estimate.metric === metric);
function estimateText(metric) {
  const e = estimateFor(metric);
  if (!e || e.value === null) return "undefined here";
  return figure(e.value) + (e.low === null ? "" : ` (${span(e.low, e.high, e.value)})`);
}
const amount = (v) => `${brief(v)}${data.unit ? ` ${data.unit}` : ""}`;

// ---- which operating point ------------------------------------------------------------------------------------------
function rowOf(threshold) { // the last row that flags only scores >= threshold
  let row = 0;
  while (row < last && points.threshold[row + 1] >= threshold) row++;
  return row;
}
const withRecall = (least) => { const i = states.findIndex((s) => s.recall.value >= least); return i < 0 ? last : i; };
function withCapacity(most) { // the lowest threshold that flags no more than this share
  let row = 0;
  while (row < last && states[row + 1].share <= most * (1 + 1e-12)) row++;
  return row;
}
function nearest(distance) {
  let best = 0, least = Infinity;
  for (const i of all) { const d = distance(i); if (d < least) [best, least] = [i, d]; }
  return best;
}
const price = { fp: data.cost.fp, fn: data.cost.fn };
const costOf = (s) => 1000 * (price.fp * s.cells.fp + price.fn * s.cells.fn + data.cost.tp * s.cells.tp + data.cost.tn * s.cells.tn) / s.of;
const cheapest = () => nearest((i) => costOf(states[i]));
// Net benefit for those who act from a probability of the threshold on (Vickers & Elkin 2006).
const preference = (t) => data.scored.score_kind === "logit" ? 1 / (1 + Math.exp(-t)) : t;
const benefit = (s, t) => share * s.recall.value - (1 - share) * s.fpr.value * t / (1 - t);
function round(low, high) { // about four round numbers from low to high
  const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].find((k) => k * power >= rough) * power;
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  return ticks;
}
const brief = (v) => v.toLocaleString("en-US", { maximumSignificantDigits: 4 });
