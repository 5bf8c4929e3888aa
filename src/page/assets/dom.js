// Elements: how they are made, and how what is shown becomes what should be shown.
//
// Text is always text. There is no way here to make markup of it, so nothing has to be escaped.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (`on…` are handlers; null and false are left out) and children: nodes, texts, lists. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  const some = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...some.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

const HANDLERS = ["onclick", "oninput", "onchange", "onkeydown", "onsubmit"];

/**
 * Makes `old` like `next` with as few touches as possible, so that focus, scrolling, a selection of text and what was
 * opened stay as they are. Children with a `data-key` are found again wherever they moved to.
 */
export function morph(old, next) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName || keyOf(old) !== keyOf(next)) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // What a reader opened stays open.
    if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) if (old[name] !== next[name]) old[name] = next[name];
  morphChildren(old, next);
  // Not while somebody is typing.
  if ("value" in next && old.value !== next.value && old !== document.activeElement) old.value = next.value;
}

function morphChildren(old, next) {
  const keyed = new Map();
  for (const child of old.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
  let at = old.firstChild;
  for (const child of [...next.childNodes]) {
    const known = keyOf(child) ? keyed.get(keyOf(child)) : at && !keyOf(at) ? at : null;
    if (!known) {
      old.insertBefore(child, at);
      continue;
    }
    if (known === at) at = at.nextSibling;
    else old.insertBefore(known, at);
    morph(known, child);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null;
}
