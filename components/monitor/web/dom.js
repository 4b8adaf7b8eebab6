// The little of a framework that this page needs: elements, and lists that reuse their rows.

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const colourOf = (name) => {
  const known = ["titan", "sentinel", "oracle"].find((each) => name.startsWith(each));
  return `var(--${known ?? "other"})`;
};

// Show items as children of parent, in their order; one element a key, made once and updated.
export function list(parent, items, key, make, update, empty) {
  const known = (parent.rows ??= new Map());
  const wanted = new Set(items.map(key));
  for (const [each, row] of known) if (!wanted.has(each)) { row.remove(); known.delete(each); }
  let place = parent.firstElementChild;
  if (place?.classList.contains("empty")) { place.remove(); place = parent.firstElementChild; }
  for (const item of items) {
    const name = key(item);
    let row = known.get(name);
    if (!row) known.set(name, (row = make(item)));
    update(row, item);
    if (row === place) place = place.nextElementSibling;
    else parent.insertBefore(row, place);
  }
  if (!items.length) parent.append(element("p", { class: "empty" }, empty));
}
