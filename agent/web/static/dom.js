// The page's own elements, in few words.

export const at = (id) => document.getElementById(id);
export const all = (query) => [...document.querySelectorAll(query)];

/** A text or another property, touched only where it is another: the browser would draw it anew. */
export function put(element, value, property = "textContent") {
  if (element[property] !== value) element[property] = value;
}

/** A new element: its kind, what it is given, and what is in it. */
export function make(kind, given = {}, ...inside) {
  const made = Object.assign(document.createElement(kind), given);
  made.append(...inside);
  return made;
}

/** Fill a select with [value, text], and keep what was chosen. */
export function fill(select, rows) {
  const kept = select.value;
  select.replaceChildren(...rows.map(([value, text]) => make("option", { value, textContent: text })));
  if (rows.some(([value]) => value === kept)) select.value = kept;
}
