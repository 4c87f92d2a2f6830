// Tables that are in the page as they are: sorted by a column, filtered by words; the state is in the address.

class Rows {
  constructor(table, at, prefix) {
    this.table = table;
    this.prefix = prefix;
    this.rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("section"));
    this.sections = [...table.tBodies[0].rows].filter((row) => row.classList.contains("section"));
    this.order = [...table.tBodies[0].rows]; // as the page had them
    this.texts = this.rows.map((row) => row.textContent.toLowerCase());
    this.heads = [...table.tHead.rows[0].cells];
    this.sort = "";
    this.filter = "";
    this.heads.forEach((head, column) => this.button(head, column));
    const id = `rows-${at}`;
    this.search = element("input", { type: "search", id, size: 16 });
    this.search.addEventListener("input", () => this.choose({ filter: this.search.value }));
    this.note = element("span", { class: "quiet", role: "status" });
    if (this.rows.length > 8) {
      table.closest(".scroll").before(element("div", { class: "tools" }, element("span", {}, element("label", { for: id }, "Filter "), this.search), this.note));
    }
  }

  button(head, column) {
    const title = head.textContent;
    head.button = element("button", { type: "button", onclick: () => this.choose({ sort: this.next(column) }) }, title);
    if (head.querySelector(".hidden")) return;
    head.replaceChildren(head.button);
  }

  next(column) {
    if (this.sort === `-${column}`) return `${column}`;
    return this.sort === `${column}` ? "" : `-${column}`;
  }

  choose(what) {
    Object.assign(this, what);
    this.show();
    remember();
  }

  // Numbers as numbers: those with commas, signs and percents; of `1 -> 2` the last.
  key(row, column) {
    const text = row.cells[column].textContent.trim().split(" -> ").pop();
    const found = /^([+-])?[<≥]?\s*([\d,]+)(?:\.(\d+))?\s*(?:[%x×]| B)?$/.exec(text);
    if (!found) return [text ? 1 : 2, text];
    const digits = found[2].replaceAll(",", "") + (found[3] || "").padEnd(9, "0").slice(0, 9);
    return [0, BigInt(digits) * (found[1] === "-" ? -1n : 1n)];
  }

  show() {
    const words = this.filter.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    this.rows.forEach((row, at) => {
      row.hidden = !words.every((word) => this.texts[at].includes(word));
      shown += !row.hidden;
    });
    this.sections.forEach((row) => (row.hidden = Boolean(words.length || this.sort)));
    const column = Number(this.sort.replace("-", ""));
    const is_down = this.sort.startsWith("-");
    let list = this.rows;
    if (this.sort) {
      const keyed = this.rows.map((row) => [this.key(row, column), row]);
      keyed.sort(([a], [b]) => {
        if (a[0] !== b[0]) return a[0] - b[0];
        const order = a[0] ? a[1].localeCompare(b[1], "en", { numeric: true }) : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0;
        return is_down ? -order : order;
      });
      list = keyed.map(([, row]) => row);
      this.table.tBodies[0].append(...list);
    } else {
      this.table.tBodies[0].append(...this.order);
    }
    this.heads.forEach((head, at) => {
      const is_sorted = this.sort && at === column;
      head.setAttribute("aria-sort", is_sorted ? (is_down ? "descending" : "ascending") : "none");
      head.dataset.sorted = is_sorted ? (is_down ? " ▼" : " ▲") : "";
    });
    if (this.search.value !== this.filter) this.search.value = this.filter;
    set_text(this.note, words.length ? `${shown} of ${this.rows.length} rows` : "");
    this.changed?.();
  }

  state() {
    const found = {};
    if (this.sort) found[`${this.prefix}sort`] = this.sort;
    if (this.filter) found[`${this.prefix}filter`] = this.filter;
    return found;
  }

  restore(given) {
    const sort = given[`${this.prefix}sort`] ?? "";
    this.sort = /^-?\d+$/.test(sort) && Number(sort.replace("-", "")) < this.heads.length ? sort : "";
    this.filter = given[`${this.prefix}filter`] ?? "";
    this.show();
  }
}
