// How the numbers of a layer come about: its rules, the numbers put into them, and whose rules they are.

class Explanation {
  constructor(view, place) {
    this.view = view;
    this.network = view.network;
    this.place = place;
    this.level = Number(view.section.querySelector("h1, h2").tagName[1]) + 1; // of its headings
    this.show();
  }

  show() {
    const { picked } = this.view;
    this.live = [];
    if (!picked || picked.depth < 0) {
      this.place.replaceChildren(element("p", { class: "quiet" }, "Choose a layer, in the table, the figure or the map: its rules stand here."));
      return;
    }
    this.place.replaceChildren(...(picked.layer === null ? this.block(picked) : this.layer(picked)));
    this.update();
  }

  layer(entry) {
    const { network } = this;
    const kind = network.kind(entry.layer);
    const head = network.text(network.layer(entry.layer)[HEAD]);
    const parts = [element(`h${this.level}`, {}, entry.path)];
    parts.push(this.line(() => network.notation(entry.layer)));
    parts.push(this.line(() => `${network.sizes(kind[INPUT])} to ${network.sizes(kind[OUTPUT])}`));
    if (head) parts.push(element("p", {}, `Of the head ${head}, which is for training only.`));
    kind[OPERATIONS].forEach((place, at) => parts.push(...this.operation(network.data.operations[place], `${entry.path}, ${at + 1}`)));
    return parts;
  }

  operation([name, place, numbers, results, inputs, output, summary, assumptions, source, remark], where) {
    const { network } = this;
    const [symbols, rules] = network.data.rules[place];
    const given = symbols.map((symbol, at) => [symbol, numbers[at]]);
    const parts = [element(`h${this.level + 1}`, {}, name), element("p", {}, ...coded(network.text(summary)))];
    if (given.length) {
      parts.push(this.line(() => given.map(([symbol, place]) => `${symbol} = ${grouped(network.values[place])}`).join(", ")));
    }
    const rows = rules.map(([quantity, formula], at) => {
      const result = results[at];
      const of = quantity === "shape" ? () => network.sizes(output)
        : typeof result === "string" ? () => result : () => grouped(network.values[result]);
      const put = element("td");
      const gives = element("td", { class: "number" });
      this.live.push(() => {
        set_text(put, this.with_numbers(formula, given, rules, results));
        set_text(gives, of());
      });
      const is_number = /^\d+$/.test(formula) && typeof result !== "string";
      return element("tr", {}, element("th", { scope: "row" }, quantity), element("td", {}, is_number ? "" : formula), put, gives);
    });
    const head = ["quantity", "rule", "with numbers", "gives"].map((title) => element("th", { scope: "col", class: title === "gives" ? "number" : null }, title));
    const table = element("table", { class: "rules" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    parts.push(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Rules of ${name} in ${where}` }, table));
    if (network.text(assumptions)) parts.push(element("p", {}, ...coded(`It holds because ${network.text(assumptions)}.`)));
    if (network.text(remark)) parts.push(element("p", {}, ...coded(network.text(remark))));
    if (network.text(source)) parts.push(element("p", { class: "quiet" }, ...coded(`Source: ${network.text(source)}`)));
    return parts;
  }

  // A rule with numbers for its symbols; nothing where that says no more than the rule.
  with_numbers(formula, given, rules, results) {
    const { network } = this;
    const known = new Map(given);
    rules.forEach(([quantity], at) => {
      const word = quantity === "MACs" ? "macs" : quantity;
      if (typeof results[at] !== "string" && !known.has(word)) known.set(word, results[at]);
    });
    let is_whole = true;
    let has_symbols = false;
    const text = formula.replace(/params of the norm|[A-Za-z_]\w*/g, (word) => {
      if (["ceil", "floor", "max", "min", "select"].includes(word)) return word;
      has_symbols = true;
      if (!known.has(word)) is_whole = false;
      return known.has(word) ? network.values[known.get(word)].toString() : word;
    });
    return is_whole && has_symbols ? text : "";
  }

  block(entry) {
    const { network } = this;
    const inside = [...leaves(entry)];
    const parts = [element(`h${this.level}`, {}, entry.path), element("p", {}, `${entry.module ? `${entry.module}: ` : ""}${inside.length} layers`)];
    const rows = network.data.quantities.map(([name, title]) => {
      const sum = element("td", { class: "number" });
      const which = element("td");
      this.live.push(() => {
        const whole = network.amount(entry, name);
        set_text(sum, (network.is_lower_bound(entry, name) ? "≥ " : "") + grouped(whole));
        const first = inside.map((of) => [network.amount(of, name), of]).sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0));
        const told = first.slice(0, 3).filter(([value]) => value > 0n);
        set_text(which, told.map(([value, of]) => `${of.path.slice(entry.path.length + 1) || of.name} ${percent(value, whole)}`).join(", "));
      });
      return element("tr", {}, element("th", { scope: "row" }, title), sum, which);
    });
    const head = ["quantity", "the sum", "of which"].map((title) => element("th", { scope: "col", class: title === "the sum" ? "number" : null }, title));
    const table = element("table", { class: "rules" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    return [...parts, element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Sums of ${entry.path}` }, table)];
  }

  line(text) {
    const made = element("p");
    this.live.push(() => set_text(made, text()));
    return made;
  }

  update() {
    this.live.forEach((write) => write());
  }
}
