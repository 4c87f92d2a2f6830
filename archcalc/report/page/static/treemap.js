// Where the cost is, as areas: stages, what is in them, down to layers, as far as a reader can see them.

const [WIDE, HIGH] = [1000, 420];
const LEAST_AREA = 400; // of the parts of what is cut, on average
const MANY = 150; // parts from which on a slider does not wait for the map
const LABEL = { width: 64, height: 22 };

class TreeMap {
  constructor(view, place) {
    this.view = view;
    this.network = view.network;
    this.quantity = this.network.quantities.includes("macs") ? "macs" : this.network.quantities[0];
    const id = `${view.id}-map`;
    this.choice = element("select", { id }, ...this.network.data.quantities.map(([name, title]) => element("option", { value: name }, title)));
    this.choice.value = this.quantity;
    this.choice.addEventListener("change", () => this.choose(this.choice.value));
    this.svg = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "map", role: "group", "aria-label": "Map of costs" });
    place.append(element("p", {}, element("label", { for: id }, "Areas: "), this.choice), this.svg);
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  choose(quantity) {
    this.quantity = quantity;
    this.choice.value = quantity;
    this.update();
    remember();
  }

  // With many parts it is drawn after the numbers are.
  update_soon() {
    if (!this.parts || this.parts.length < MANY) return this.update();
    if (!this.waiting) {
      this.waiting = later(() => {
        this.waiting = null;
        this.update();
      });
    }
    return null;
  }

  update() {
    this.parts = [];
    const whole = this.network.total(this.quantity);
    if (whole > 0n) this.cut(this.network.root, 0, 0, WIDE, HIGH, whole);
    const had = this.svg.children;
    this.parts.forEach((part, at) => this.draw(part, had[at], whole, at));
    while (this.svg.children.length > this.parts.length) this.svg.lastChild.remove();
    this.mark();
  }

  // Children side by side, each by its part; rows are begun anew where that makes squares of them.
  cut(entry, x, y, wide, high, whole) {
    const children = entry.children
      .map((child) => [Number((this.network.amount(child, this.quantity) * 1000000n) / whole), child])
      .filter(([part]) => part > 0)
      .sort(([a], [b]) => b - a);
    let left = children.reduce((sum, [part]) => sum + part, 0);
    let at = 0;
    while (at < children.length) {
      const is_wide = wide >= high;
      const side = is_wide ? high : wide;
      const scale = (wide * high) / left;
      let row = 0;
      let best = Infinity;
      let end = at;
      while (end < children.length) {
        const sum = row + children[end][0] * scale;
        const thick = sum / side;
        const worst = Math.max(...[children[at][0], children[end][0]].map((part) => {
          const long = (part * scale) / thick;
          return Math.max(long / thick, thick / long);
        }));
        if (worst > best) break;
        [best, row] = [worst, sum];
        end += 1;
      }
      const thick = row / side;
      let along = 0;
      for (; at < end; at += 1) {
        const long = (children[at][0] * scale) / thick;
        const area = is_wide ? [x, y + along, thick, long] : [x + along, y, long, thick];
        this.place(children[at][1], ...area, whole);
        along += long;
        left -= children[at][0];
      }
      if (is_wide) [x, wide] = [x + thick, wide - thick];
      else [y, high] = [y + thick, high - thick];
    }
  }

  place(entry, x, y, wide, high, whole) {
    if (entry.layer !== null || wide * high < LEAST_AREA * entry.children.length || wide < 6 || high < 6) this.parts.push({ entry, x, y, wide, high });
    else this.cut(entry, x, y, wide, high, whole);
  }

  draw(part, had, whole, at) {
    const { entry, x, y, wide, high } = part;
    let group = had;
    if (!group) {
      group = drawn("g", { role: "button" }, drawn("rect"), drawn("text"), drawn("title"));
      group.addEventListener("click", () => this.view.pick(group.entry));
      this.svg.append(group);
    }
    const [rect, text, title] = group.children;
    group.entry = entry;
    group.setAttribute("tabindex", at ? "-1" : "0");
    const told = `${entry.path}, ${percent(this.network.amount(entry, this.quantity), whole)}`;
    if (group.told !== told) {
      group.told = told;
      group.setAttribute("aria-label", told);
      title.textContent = told;
    }
    const area = [x, y, Math.max(wide, 0.5), Math.max(high, 0.5)].map((side) => side.toFixed(1));
    if (group.area === area.join() && group.drawn === entry) return;
    [group.area, group.drawn] = [area.join(), entry];
    ["x", "y", "width", "height"].forEach((name, number) => rect.setAttribute(name, area[number]));
    const colour = this.network.kind(entry.ranges[0][0])[COLOUR];
    rect.style.fill = `var(--${entry.layer === null ? "paper" : colour})`;
    const room = Math.floor((wide - 8) / 7);
    const label = wide >= LABEL.width && high >= LABEL.height ? shortened(entry.path, room) : "";
    text.setAttribute("x", (x + 4).toFixed(1));
    text.setAttribute("y", (y + 15).toFixed(1));
    set_text(text, label);
  }

  key(event) {
    const group = event.target.closest("g");
    if (!group) return;
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step) move_focus([...this.svg.children], group, step);
    else if (event.key === "Enter" || event.key === " ") this.view.pick(group.entry);
    else return;
    event.preventDefault();
  }

  mark() {
    const { picked } = this.view;
    for (const group of this.svg.children) {
      const { path } = group.entry;
      const is_in = picked && picked.depth >= 0 && (group.entry === picked || (picked.layer === null && path.startsWith(`${picked.path}.`)));
      group.classList.toggle("picked", Boolean(is_in));
    }
  }
}

// As many of the last parts of a path as there is room for.
function shortened(path, room) {
  const parts = path.split(".");
  let found = "";
  while (parts.length) {
    const longer = found ? `${parts.pop()}.${found}` : parts.pop();
    if (longer.length > room) return found || `${longer.slice(0, Math.max(room - 1, 0))}…`;
    found = longer;
  }
  return found;
}
