// Elements of the page, made in one line.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// What stands between backticks as code.
const coded = (text) => text.split(/`([^`]+)`/).map((part, at) => (at % 2 ? element("code", {}, part) : part));

// Text is set only where it changes: that costs most of what a slider does.
function set_text(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Move the focus among elements of which one alone is in the order of tabs.
function move_focus(list, from, step) {
  const next = list[Math.min(Math.max(list.indexOf(from) + step, 0), list.length - 1)];
  if (!next || next === from) return;
  from.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
