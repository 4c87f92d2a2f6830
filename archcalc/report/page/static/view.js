// Views of networks: the parts of a section, and how they follow one another.

class View {
  constructor(page, network, section) {
    this.page = page;
    this.network = network;
    this.section = section;
    this.id = section.id;
    this.stamp = 0;
    this.picked = null;
    const place = (name) => section.querySelector(`[data-part="${name}"]`);
    this.input = place("input");
    this.totals = [...section.querySelectorAll("[data-total]")];
    this.explanation = new Explanation(this, place("explanation"));
    this.figure = new FigureLinks(this, place("figure"));
    this.table = new LayerTable(this, place("table"));
    this.map = new TreeMap(this, place("map"));
    this.sliders = new Sliders(this, place("sliders"));
  }

  // Take another setting; `at` is the variable that was moved, which other networks on the page follow.
  move(setting, at = null) {
    this.network.setting = setting;
    this.network.compute();
    this.update();
    if (at !== null) this.page.follow(this, at);
    remember();
  }

  update() {
    this.stamp += 1;
    const { network } = this;
    this.totals.forEach((node) => {
      const name = node.dataset.total;
      const is_bound = network.data.at_least.includes(name);
      set_text(node, (is_bound ? "≥ " : "") + rounded(network.total(name)));
      node.title = grouped(network.total(name));
    });
    set_text(this.input, network.data.input.map(([name, sizes]) => name + network.sizes(sizes)).join(", "));
    this.table.update();
    this.map.update_soon();
    this.figure.update();
    this.explanation.update();
    this.sliders.show();
    this.page.overview?.update();
  }

  // After a slider is let go of: what is sorted by costs is sorted again.
  settled() {
    if (this.table.sort && this.table.rows) this.table.rebuild();
    remember();
  }

  pick(entry) {
    this.picked = entry;
    this.explanation.show();
    this.table.reveal(entry);
    this.mark();
    remember();
  }

  mark() {
    this.table.mark();
    this.figure.mark();
    this.map.mark();
  }

  // What is not as it was at first, by its names.
  state() {
    const { network, table } = this;
    const found = {};
    network.free.forEach((of, at) => {
      if (network.setting[at] !== BigInt(of.number)) found[of.name] = units_text(network.setting[at], of.unit);
    });
    const usual = table.columns.filter((column) => column.is_usual).map((column) => column.name);
    if (table.shown.join() !== usual.join()) found["-columns"] = table.shown.join();
    if (table.sort) found["-sort"] = table.sort;
    if (table.filter) found["-filter"] = table.filter;
    if (table.digits) found["-digits"] = "every";
    if (table.open.size) found["-open"] = table.open.size === network.groups.size ? "*" : [...table.open].join();
    if (this.map.quantity !== "macs") found["-areas"] = this.map.quantity;
    if (this.picked) found["-at"] = this.picked.layer === null || !network.groups.has(this.picked.path) ? this.picked.path : `${this.picked.path}.`;
    return found;
  }

  restore(state) {
    const { network, table } = this;
    network.setting = network.free.map((of) => units_number(state[of.name] ?? "", of.unit) ?? BigInt(of.number));
    network.compute();
    const known = new Set(table.columns.map((column) => column.name));
    const wanted = state["-columns"]?.split(",");
    table.shown = table.columns.filter((of) => (wanted ? wanted.includes(of.name) : of.is_usual)).map((of) => of.name);
    const sort = state["-sort"] ?? "";
    table.sort = known.has(sort.replace("-", "")) || sort.replace("-", "") === "layer" ? sort : "";
    table.filter = state["-filter"] ?? "";
    table.digits = state["-digits"] === "every";
    table.open = new Set(state["-open"] === "*" ? network.groups.keys() : (state["-open"] ?? "").split(",").filter((path) => path && network.groups.has(path)));
    if (network.quantities.includes(state["-areas"] ?? "macs")) this.map.quantity = this.map.choice.value = state["-areas"] ?? "macs";
    this.picked = this.found(state["-at"] ?? "");
    table.rebuild();
    this.explanation.show();
    this.update();
    if (this.picked) table.reveal(this.picked);
    this.mark();
  }

  found(path) {
    if (!path) return null;
    const group = this.network.groups.get(path);
    return group ?? [...leaves(this.network.root)].find((leaf) => leaf.path === path || `${leaf.path}.` === path) ?? null;
  }
}

class Page {
  constructor(programs) {
    this.data = JSON.parse(document.getElementById("data").textContent);
    this.networks = this.data.networks.map((data, at) => new Network(data, programs[at]));
    this.views = this.networks.map((network, at) => new View(this, network, document.getElementById(`network-${at}`)));
    const place = document.querySelector('[data-part="overview"]');
    this.overview = place ? new Overview(this, place) : null;
  }

  // Networks of one page that have a variable of the same name and unit take the same number for it.
  follow(moved, at) {
    if (!this.overview?.together.checked) return;
    const of = moved.network.free[at];
    this.views.forEach((view) => {
      const other = view.network.free.findIndex((its) => its.name === of.name && its.unit.join() === of.unit.join());
      if (view === moved || other < 0) return;
      const setting = [...view.network.setting];
      setting[other] = moved.network.setting[at];
      view.move(setting);
    });
  }

  prefix(at) {
    return this.views.length > 1 ? `${at}.` : "";
  }

  state() {
    const found = {};
    this.views.forEach((view, at) => Object.entries(view.state()).forEach(([name, value]) => (found[this.prefix(at) + name] = value)));
    return found;
  }

  restore(given) {
    this.views.forEach((view, at) => {
      const prefix = this.prefix(at);
      const own = Object.entries(given).filter(([name]) => name.startsWith(prefix));
      view.restore(Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value])));
    });
    this.overview?.update();
  }
}
