// Small tools to build the document and to update lists in place, so that focus is never lost.
const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const html = (tag, attributes = {}, ...children) =>
  build(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

// Sets a text only when it differs: screen readers and selections stay quiet.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

// Makes the children of `parent` those of `items`: made once per key, then updated in place.
export function keep(parent, items, keyOf, make, update) {
  const kept = parent.kept ?? (parent.kept = new Map());
  const wanted = new Set(items.map(keyOf).map(String));
  for (const [key, row] of kept) {
    if (!wanted.has(key)) {
      row.node.remove();
      kept.delete(key);
    }
  }
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    if (!kept.has(key)) kept.set(key, make(item));
    const row = kept.get(key);
    if (parent.children[index] !== row.node) parent.insertBefore(row.node, parent.children[index] ?? null);
    update(row, item);
  });
}
