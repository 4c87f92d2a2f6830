// Networks side by side: totals, and how many times those of the first.

class Overview {
  constructor(page, place) {
    this.page = page;
    this.together = element("input", { type: "checkbox", checked: true });
    const names = page.networks.map((network) => element("th", { scope: "col", class: "number" }, network.data.name));
    const all = page.networks.flatMap((network) => network.data.quantities.map(([name, title]) => [name, title]));
    const quantities = [...new Map(all)];
    this.cells = [];
    const rows = quantities.map(([name, title]) => {
      const cells = page.networks.map((network) => {
        const cell = element("td", { class: "number" });
        if (network.quantities.includes(name)) this.cells.push({ cell, name, network });
        return cell;
      });
      return element("tr", {}, element("th", { scope: "row" }, title), ...cells);
    });
    for (const [title, key] of [["layers", "layer_count"], ["depth", "depth"]]) {
      const cells = page.networks.map((network) => element("td", { class: "number" }, String(network.data[key])));
      rows.push(element("tr", {}, element("th", { scope: "row" }, title), ...cells));
    }
    const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "total"), ...names));
    const table = element("table", {}, head, element("tbody", {}, ...rows));
    place.append(
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of totals" }, table),
      element("p", {}, element("label", {}, this.together, " a slider moves that of the same name in all networks")),
    );
  }

  update() {
    const [first] = this.page.networks;
    this.cells.forEach(({ cell, name, network }) => {
      const value = network.total(name);
      const is_bound = network.data.at_least.includes(name) || first.data.at_least.includes(name);
      const times = network === first || !first.quantities.includes(name) || is_bound ? "" : ratio(value, first.total(name));
      const beside = times ? ` (${times})` : "";
      set_text(cell, `${network.data.at_least.includes(name) ? "≥ " : ""}${rounded(value)}${beside}`);
      cell.title = grouped(value);
    });
  }
}
