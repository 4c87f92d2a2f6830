// The table of layers: modules folded or not, or all layers sorted and filtered.

const CHUNK = 150; // rows that are brought up to date at a time, when nobody waits
const LONG = 300; // of more rows, those alone are made that are near what is in sight
const WINDOW = 120;

class LayerTable {
  constructor(view, place) {
    this.view = view;
    this.network = view.network;
    this.columns = this.all_columns();
    this.shown = this.columns.filter((column) => column.is_usual).map((column) => column.name);
    this.sort = ""; // a column, with a minus before it where the largest come first
    this.filter = "";
    this.open = new Set();
    this.digits = false;
    this.body = element("tbody");
    this.head = element("thead");
    this.foot = element("tfoot");
    const caption = element("caption", { class: "hidden" }, `Layers of ${this.network.data.name}`);
    this.table = element("table", { class: "layers" }, caption, this.head, this.body, this.foot);
    this.box = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table of layers of ${this.network.data.name}` }, this.table);
    this.note = element("p", { class: "quiet", role: "status" });
    place.append(this.tools(), this.note, this.box);
    this.visible = new Set();
    this.watch = new IntersectionObserver((seen) => seen.forEach((of) => this.seen(of)), { rootMargin: "200px" });
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("scroll", () => this.scrolled());
    window.addEventListener("beforeprint", () => {
      this.place_rows(0, this.list.length);
      this.rows.forEach((row) => this.refresh(row));
    });
    window.addEventListener("afterprint", () => this.rebuild());
    this.rebuild();
  }

  all_columns() {
    const { network } = this;
    const sizes = (part) => (entry) => (entry.layer === null ? "" : network.sizes(network.kind(entry.layer)[part]));
    const columns = [
      { name: "what", title: "what", is_usual: true, cell: (entry) => (entry.layer === null ? entry.module : network.notation(entry.layer)) },
      { name: "input", title: "input", cell: sizes(INPUT) },
      { name: "output", title: "output", is_usual: true, cell: (entry) => sizes(OUTPUT)(last_of(network, entry)) },
    ];
    for (const [name, title, about] of network.data.quantities) {
      columns.push({
        name, title, about, quantity: name, is_usual: name === "params" || name === "macs",
        cell: (entry) => this.number(network.amount(entry, name), network.is_lower_bound(entry, name)),
      });
      if (name === "macs" || name === "params") {
        columns.push({
          name: `${name}-share`, title: `of all ${title}`, about: `part of all ${title}`, is_usual: name === "macs", share: name,
          cell: (entry) => percent(network.amount(entry, name), network.total(name)),
        });
      }
    }
    if (["flops", "read_bytes", "write_bytes"].every((name) => network.quantities.includes(name))) {
      columns.push({
        name: "intensity", title: "intensity", about: "FLOPs for each byte that a layer reads or writes",
        cell: (entry) => this.intensity(entry),
      });
    }
    const about = "input pixels along each axis that one output position sees; in brackets: at the sizes of the spec, where it depends on them";
    columns.push({
      name: "field", title: "field", about,
      cell: (entry) => (entry.layer === null ? "" : network.field(entry.layer)),
    });
    return columns;
  }

  intensity(entry) {
    const [flops, read, written] = ["flops", "read_bytes", "write_bytes"].map((name) => this.network.amount(entry, name));
    const moved = read + written;
    const bound = this.network.is_lower_bound(entry, "flops") ? "≥ " : "";
    if (!moved || this.network.is_lower_bound(entry, "read_bytes")) return "";
    const value = Number(flops) / Number(moved);
    return bound + (value < 1000 ? value.toPrecision(4) : grouped(BigInt(Math.round(value))));
  }

  number(value, is_bound) {
    return (is_bound ? "≥ " : "") + (this.digits ? grouped(value) : rounded(value));
  }

  tools() {
    const { id } = this.view;
    this.search = element("input", { type: "search", id: `${id}-filter`, placeholder: "conv, block_2, macs>1M", size: 16 });
    this.search.addEventListener("input", () => this.choose({ filter: this.search.value }));
    const boxes = this.columns.map((column) => {
      const box = element("input", { type: "checkbox", onchange: () => this.choose_column(column.name, box.checked) });
      column.box = box;
      return element("label", { title: column.about }, box, ` ${column.title}`);
    });
    const digits = element("input", { type: "checkbox", onchange: () => this.choose({ digits: digits.checked }) });
    this.digits_box = digits;
    return element(
      "div", { class: "tools" },
      element("span", {}, element("label", { for: `${id}-filter` }, "Filter "), this.search),
      element("button", { type: "button", onclick: () => this.fold(false) }, "unfold all"),
      element("button", { type: "button", onclick: () => this.fold(true) }, "fold all"),
      element("label", {}, digits, " every digit"),
      element("details", { class: "columns" }, element("summary", {}, "columns"), element("div", {}, ...boxes)),
    );
  }

  choose(what) {
    Object.assign(this, what);
    this.rebuild();
    remember();
  }

  choose_column(name, is_shown) {
    const wanted = new Set(this.shown);
    if (is_shown) wanted.add(name);
    else wanted.delete(name);
    this.choose({ shown: this.columns.map((column) => column.name).filter((of) => wanted.has(of)) });
  }

  fold(is_folded) {
    this.choose({ open: new Set(is_folded ? [] : this.network.groups.keys()), sort: "", filter: "" });
  }

  toggle(entry) {
    if (this.open.has(entry.path)) this.open.delete(entry.path);
    else this.open.add(entry.path);
    this.choose({});
    this.focus(this.list.indexOf(entry));
  }

  // Entries in their order: the tree as far as it is unfolded, or the layers that a filter leaves.
  entries() {
    const { root } = this.network;
    if (!this.sort && !this.filter.trim()) {
      const found = [];
      const walk = (entry) => {
        for (const child of entry.children) {
          found.push(child);
          if (child.layer === null && this.open.has(child.path)) walk(child);
        }
      };
      walk(root);
      return found;
    }
    const meets = this.filter.trim().split(/\s+/).filter(Boolean).map((word) => this.condition(word));
    const found = [...leaves(root)].filter((entry) => meets.every((meet) => meet(entry)));
    if (!this.sort) return found;
    const is_down = this.sort.startsWith("-");
    const column = this.columns.find((of) => of.name === this.sort.replace("-", ""));
    const quantity = column && (column.quantity || column.share);
    const key = quantity
      ? (entry) => this.network.amount(entry, quantity)
      : (entry) => (column ? column.cell(entry) : entry.path).toString();
    const keyed = found.map((entry) => [key(entry), entry]);
    const compared = (a, b) => (quantity ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b, "en", { numeric: true }));
    keyed.sort(([a], [b]) => (is_down ? compared(b, a) : compared(a, b)));
    return keyed.map(([, entry]) => entry);
  }

  // A word of the filter: a part of a name or notation, or `macs>1M`.
  condition(word) {
    const found = /^([\w-]+)(<=|>=|<|>|=)(\d+(?:\.\d+)?)([KMGT]?)$/i.exec(word);
    if (found && this.network.quantities.includes(found[1].toLowerCase())) {
      const [, name, sign, digits, unit] = found;
      const [whole, part = ""] = digits.split(".");
      const power = { "": 0, K: 3, M: 6, G: 9, T: 12 }[unit.toUpperCase()] - part.length;
      const bound = power < 0 ? BigInt(whole + part) / 10n ** BigInt(-power) : BigInt(whole + part) * 10n ** BigInt(power);
      const meets = { "<": (x) => x < bound, ">": (x) => x > bound, "<=": (x) => x <= bound, ">=": (x) => x >= bound, "=": (x) => x === bound }[sign];
      return (entry) => meets(this.network.amount(entry, name.toLowerCase()));
    }
    const wanted = word.toLowerCase();
    return (entry) =>
      entry.path.toLowerCase().includes(wanted) || this.network.notation(entry.layer).toLowerCase().includes(wanted);
  }

  rebuild() {
    const columns = this.columns.filter((column) => this.shown.includes(column.name));
    this.columns.forEach((column) => (column.box.checked = this.shown.includes(column.name)));
    this.digits_box.checked = this.digits;
    if (this.search.value !== this.filter) this.search.value = this.filter;
    this.head.replaceChildren(element("tr", {}, this.header({ name: "layer", title: "layer" }), ...columns.map((column) => this.header(column))));
    this.shown_columns = columns;
    this.is_flat = Boolean(this.sort || this.filter.trim());
    this.list = this.entries();
    this.is_long = this.list.length > LONG;
    this.table.classList.toggle("long", this.is_long);
    this.table.setAttribute("aria-rowcount", this.list.length + 2);
    this.total = this.row(this.network.root, columns, true);
    this.foot.replaceChildren(this.total.tr);
    this.place_rows(...this.window());
    const count = this.network.data.layers.length;
    const notes = this.is_flat ? [`${this.list.length} of ${count} layers`] : [];
    const at = this.network.written_at;
    const has_fields = at && this.shown.includes("field");
    if (has_fields && this.network.data.layers.some((layer) => this.network.is_elsewhere(layer[SEEN_BY]))) notes.push(`fields in brackets are those at ${at}`);
    set_text(this.note, notes.join("; "));
    this.refresh(this.total);
  }

  // Which rows are made: all, or those around what is in sight.
  window() {
    if (!this.is_long) return [0, this.list.length];
    const first = Math.floor(this.box.scrollTop / this.height()) - WINDOW / 3;
    const from = Math.max(0, Math.min(Math.floor(first), this.list.length - WINDOW));
    return [from, Math.min(from + WINDOW, this.list.length)];
  }

  // Of a row of a long table, where all have the same.
  height() {
    return this.rows?.find((row) => row.tr.offsetHeight)?.tr.offsetHeight || 27;
  }

  place_rows(from, to) {
    const high = this.is_long ? this.height() : 0;
    this.from = from;
    this.watch.disconnect();
    this.visible.clear();
    this.rows = this.list.slice(from, to).map((entry, at) => {
      const row = this.row(entry, this.shown_columns, this.is_flat);
      row.tr.setAttribute("aria-rowindex", from + at + 2);
      return row;
    });
    const space = (count) => (count > 0 ? [element("tr", { class: "space", "aria-hidden": "true" }, element("td", { style: `height: ${count * high}px` }))] : []);
    this.body.replaceChildren(...space(from), ...this.rows.map((row) => row.tr), ...space(this.list.length - to));
    this.rows.forEach((row) => {
      this.refresh(row);
      this.watch.observe(row.tr);
    });
    this.mark();
  }

  scrolled() {
    if (!this.is_long) return;
    const [from, to] = this.window();
    const is_at_end = from === 0 || to === this.list.length;
    if (Math.abs(from - this.from) < WINDOW / 4 && !(is_at_end && from !== this.from)) return;
    const focused = this.rows.find((row) => row.tr.contains(document.activeElement));
    this.place_rows(from, to);
    if (focused) this.rows.find((row) => row.entry === focused.entry)?.button.focus({ preventScroll: true });
  }

  // Put the focus on a row, which is made where it is not there.
  focus(at) {
    if (at < 0 || at >= this.list.length) return;
    this.show_row(at);
    this.rows[at - this.from]?.button.focus({ preventScroll: true });
  }

  show_row(at) {
    if (!this.rows[at - this.from]) {
      this.box.scrollTop = Math.max(0, (at - 5) * this.height());
      this.place_rows(...this.window());
    }
    const row = this.rows[at - this.from];
    if (!row) return;
    const [head, high] = [this.head.offsetHeight, this.box.clientHeight];
    const top = row.tr.offsetTop - head;
    const is_inside = top >= this.box.scrollTop && top + row.tr.offsetHeight <= this.box.scrollTop + high - head;
    if (!is_inside && this.box.scrollHeight > high) this.box.scrollTop = Math.max(0, top - high / 3);
  }

  header(column) {
    const is_sorted = this.sort.replace("-", "") === column.name;
    const is_number = Boolean(column.quantity || column.share);
    const next = !is_sorted ? (is_number ? `-${column.name}` : column.name) : this.sort.startsWith("-") === is_number
      ? (is_number ? column.name : `-${column.name}`) : "";
    const order = !is_sorted ? "none" : this.sort.startsWith("-") ? "descending" : "ascending";
    const sign = { none: "", ascending: " ▲", descending: " ▼" }[order];
    const button = element("button", { type: "button", title: column.about, onclick: () => this.choose({ sort: next }) }, column.title + sign);
    return element("th", { scope: "col", "aria-sort": order, class: is_number ? "number" : null }, button);
  }

  row(entry, columns, is_flat) {
    const is_group = entry.layer === null && entry.depth >= 0;
    const is_open = this.open.has(entry.path);
    const label = is_flat ? entry.path : entry.name;
    const attributes = { type: "button", class: is_group ? "fold" : "pick", onclick: () => (is_group ? this.toggle(entry) : this.view.pick(entry)) };
    if (is_group) attributes["aria-expanded"] = String(is_open);
    const button = entry.depth < 0 ? null : element("button", attributes, label);
    const explain = is_group
      ? element("button", { type: "button", class: "more", "aria-label": `about ${entry.path}`, onclick: () => this.view.pick(entry) }, "…")
      : null;
    const name = element("th", { scope: "row" }, button || "all", explain);
    if (!is_flat) name.style.paddingLeft = `${0.4 + Math.max(entry.depth, 0) * 0.9}rem`;
    const cells = columns.map((column) => element("td", { class: column.quantity || column.share ? "number" : null }));
    const tr = element("tr", {}, name, ...cells);
    const row = { entry, columns, cells, button, tr, stamp: -1 };
    row.texts = columns.map((column, at) => {
      const text = document.createTextNode("");
      if (column.share) cells[at].append(element("span", { class: "bar", "aria-hidden": "true" }, element("i")));
      cells[at].append(text);
      return text;
    });
    tr.row = row;
    return row;
  }

  refresh(row) {
    if (row.stamp === this.view.stamp) return;
    row.stamp = this.view.stamp;
    row.columns.forEach((column, at) => {
      const text = column.cell(row.entry);
      if (row.texts[at].data !== text) row.texts[at].data = text;
      if (column.quantity && !this.digits) row.cells[at].title = grouped(this.network.amount(row.entry, column.quantity));
      if (column.share) {
        const part = share(this.network.amount(row.entry, column.share), this.network.total(column.share));
        row.cells[at].firstChild.firstChild.style.width = `${(100 * part).toFixed(2)}%`;
      }
    });
  }

  seen({ target, isIntersecting }) {
    if (!isIntersecting) return this.visible.delete(target.row);
    this.visible.add(target.row);
    return this.refresh(target.row);
  }

  // What is in sight at once; the rest when the reader does nothing.
  update() {
    this.refresh(this.total);
    this.visible.forEach((row) => this.refresh(row));
    if (!this.waiting) this.waiting = later(() => this.rest(0));
  }

  rest(from) {
    this.waiting = null;
    this.rows.slice(from, from + CHUNK).forEach((row) => this.refresh(row));
    if (from + CHUNK < this.rows.length && !this.waiting) this.waiting = later(() => this.rest(from + CHUNK));
  }

  key(event) {
    const near = this.rows.findIndex((row) => row.tr.contains(event.target));
    if (near < 0) return;
    const at = near + this.from;
    const entry = this.list[at];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.focus(at + step);
    else if (event.key === "ArrowRight" && entry.layer === null && !this.open.has(entry.path)) this.toggle(entry);
    else if (event.key === "ArrowLeft" && entry.layer === null && this.open.has(entry.path)) this.toggle(entry);
    else if (event.key === "ArrowLeft") this.focus(this.list.indexOf(entry.parent));
    else return;
    event.preventDefault();
  }

  // Unfold what an entry is in, and show it.
  reveal(entry) {
    let is_new = false;
    for (let above = entry.parent; above && above.depth >= 0; above = above.parent) {
      if (!this.open.has(above.path)) {
        this.open.add(above.path);
        is_new = true;
      }
    }
    if (this.is_flat && !this.list.includes(entry)) {
      [this.sort, this.filter, is_new] = ["", "", true];
    }
    if (is_new && !(this.is_flat && this.list.includes(entry))) this.rebuild();
    const at = this.list.indexOf(entry);
    if (at >= 0) this.show_row(at);
  }

  mark() {
    this.rows.forEach((row) => {
      const is_picked = row.entry === this.view.picked;
      row.tr.classList.toggle("picked", is_picked);
      if (row.button && is_picked) row.button.setAttribute("aria-current", "true");
      else row.button?.removeAttribute("aria-current");
    });
  }
}

// The layer that gives what an entry gives; heads that are for training only give nothing.
function last_of(network, entry) {
  if (entry.layer !== null) return entry;
  const is_head = (index) => network.text(network.layer(index)[HEAD]) !== "";
  let last = entry.ranges[entry.ranges.length - 1][1] - 1;
  while (!entry.parent && last > 0 && is_head(last)) last -= 1;
  return { layer: last };
}

const later = (what) => (window.requestIdleCallback ? window.requestIdleCallback(what) : setTimeout(what, 30));
