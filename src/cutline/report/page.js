// Python counted; this file only divides, writes text and moves marks. Names from the data become text nodes and
// attributes, never markup. Curves are drawn once for a width; a move of the threshold changes a few attributes.
document.documentElement.classList.add("js");
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

// ---- words: twins of words.py ---------------------------------------------------------------------------------------
const fixed = (x, digits) => (Math.floor(x * 10 ** digits + 0.5) / 10 ** digits).toFixed(digits);
const count = (x) => data.scored.weighted
  ? x.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 }) : x.toLocaleString("en-US");
const short = (text) => [...text].length <= 40 ? text : [...text].slice(0, 39).join("") + "…";
const named = (k) => `\u2068${short(data.labels[k])}\u2069`; // isolated, so that a name cannot turn the text around it
function decimals(x, least) {
  const size = x > 0 && x < 1 ? Math.min(x, 1 - x) : Math.abs(x);
  return size === 0 ? least : Math.min(Math.max(least, 1 - Math.floor(Math.log10(size))), 9);
}
const figure = (x, digits = 3) => Number.isFinite(x) ? fixed(x, decimals(x, digits)) : "n/a";
const span = (low, high, around) => [low, high].map((x) => fixed(x, decimals(around, 3))).join(" to ");
function hundred(share, of = 100) {
  if (!Number.isFinite(share)) return "n/a";
  for (let digits = 0; digits < 6; digits++) {
    const text = fixed(of * share, digits);
    if (share === 0 || share === 1 || ![0, of].includes(Number(text))) return text;
  }
  return share < 0.5 ? "almost 0" : "almost 100";
}
function cut(t) {
  if (t === null) return "above every score";
  const size = t > 0 && t < 1 ? Math.min(t, 1 - t) : Math.abs(t);
  return size === 0 ? "0" : fixed(t, Math.min(Math.max(2 - Math.floor(Math.log10(size)), 0), 12));
}
function ofMany(x, total, per) {
  const share = per * x / total;
  return share >= 10 || x === 0 ? Math.floor(share + 0.5).toLocaleString("en-US") : figure(share, 1);
}

// ---- small builders -------------------------------------------------------------------------------------------------
function el(tag, attributes = {}, parent = null, text = null) {
  const svg = ["svg", "g", "path", "line", "rect", "circle", "text", "title", "defs", "clipPath", "pattern"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== null) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}
const move = (node, attributes) => { for (const name in attributes) node.setAttribute(name, attributes[name].toFixed(2)); };
function chips(host, choices, pick) {
  return choices.map(([label, detail], k) => {
    const button = el("button", { type: "button" }, host, label);
    if (detail) el("small", {}, button, detail);
    button.addEventListener("click", () => pick(k));
    return button;
  });
}

// ---- tables that can be sorted: a cell holds its number in data-v ----------------------------------------------------
function sortable(table) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], start = [...body.rows];
  heads.forEach((head, k) => {
    const text = head.textContent;
    head.textContent = "";
    const button = el("button", { type: "button" }, head, text);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort"), down = k > 0 ? was !== "descending" : was === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (line) => line.cells[k].dataset.v === "" ? NaN : Number(line.cells[k].dataset.v);
      const by = k === 0 ? (a, b) => (down ? -1 : 1) * a.cells[0].textContent.localeCompare(b.cells[0].textContent)
        : (a, b) => { const [x, y] = [key(a), key(b)]; return Number.isNaN(x) - Number.isNaN(y) || (down ? y - x : x - y) || 0; };
      body.append(...[...start].sort(by));
    });
  });
}
