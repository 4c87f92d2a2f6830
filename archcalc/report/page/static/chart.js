// The rows of a table as points: one column along each axis, a colour for each network.

const SPACE = { width: 900, height: 420, left: 70, right: 20, top: 14, bottom: 40 };
const POINT_COLOURS = 6;

class Chart {
  constructor(rows, place) {
    this.rows = rows;
    this.columns = rows.heads
      .map((head, at) => ({ at, title: head.textContent }))
      .filter(({ at }) => rows.rows.length && rows.rows.every((row) => rows.key(row, at)[0] === 0));
    if (this.columns.length < 2) return;
    const quantities = ["macs", "params"].map((name) => this.columns.find(({ title }) => title === name)).filter(Boolean);
    this.x = this.columns[0].at;
    this.y = (quantities[0] ?? this.columns[1]).at;
    if (this.x === this.y) this.x = this.columns.find(({ at }) => at !== this.y).at;
    this.choices = ["x", "y"].map((axis) => {
      const select = element("select", { id: `chart-${axis}` }, ...this.columns.map(({ at, title }) => element("option", { value: at }, title)));
      select.addEventListener("change", () => {
        this[axis] = Number(select.value);
        this.draw();
        remember();
      });
      return select;
    });
    this.svg = drawn("svg", { viewBox: `0 0 ${SPACE.width} ${SPACE.height}`, class: "chart", role: "group", "aria-label": "Rows as points" });
    this.told = element("p", { class: "quiet", role: "status" });
    const [x, y] = this.choices;
    place.append(
      element("h2", {}, "As points"),
      element("p", {}, element("label", { for: "chart-x" }, "Across: "), x, element("label", { for: "chart-y" }, " Up: "), y),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Chart" }, this.svg), this.told,
    );
    rows.changed = () => this.draw();
  }

  value(row, column) {
    return Number(this.rows.key(row, column)[1]) / 1e9;
  }

  draw() {
    if (!this.svg) return;
    [this.choices[0].value, this.choices[1].value] = [this.x, this.y];
    const list = this.rows.rows.filter((row) => !row.hidden);
    const names = [...new Set(this.rows.rows.map((row) => row.cells[0].textContent))];
    const is_named = this.rows.heads[0].textContent === "network";
    const along = this.scale(list, this.x, SPACE.left, SPACE.width - SPACE.right);
    const up = this.scale(list, this.y, SPACE.height - SPACE.bottom, SPACE.top);
    const points = list.map((row) => {
      const point = drawn("circle", { cx: along.at(this.value(row, this.x)).toFixed(1), cy: up.at(this.value(row, this.y)).toFixed(1), r: 5 });
      point.style.fill = `var(--point-${is_named ? names.indexOf(row.cells[0].textContent) % POINT_COLOURS : 0})`;
      const told = [...row.cells].map((cell, at) => [this.rows.heads[at].textContent, cell.textContent]).filter(([title, text]) => title !== "part" && text).map(([title, text]) => `${title} ${text}`).join(", ");
      point.append(drawn("title", {}, told));
      point.addEventListener("click", () => {
        set_text(this.told, told);
        row.scrollIntoView({ block: "nearest" });
        this.rows.rows.forEach((other) => other.classList.toggle("picked", other === row));
      });
      return point;
    });
    this.svg.replaceChildren(...this.axes(along, up), ...points);
  }

  scale(list, column, from, to) {
    const values = list.map((row) => this.value(row, column));
    const most = Math.max(...values, 0) || 1;
    const power = 10 ** Math.floor(Math.log10(most / 4));
    const step = [1, 2, 5, 10].map((of) => of * power).find((of) => most / of <= 5) ?? power;
    const end = Math.ceil(most / step) * step;
    const ticks = [];
    for (let tick = 0; tick <= end + step / 2; tick += step) ticks.push(tick);
    return { at: (value) => from + ((to - from) * value) / end, ticks };
  }

  axes(along, up) {
    const { left, right, top, bottom, width, height } = SPACE;
    const text = (tick) => (Number.isInteger(tick) ? rounded(BigInt(tick)) : String(Number(tick.toPrecision(3))));
    const title = (column) => this.columns.find(({ at }) => at === column).title;
    const floor = height - bottom;
    return [
      ...along.ticks.map((tick) => drawn("text", { x: along.at(tick), y: floor + 16, "text-anchor": "middle" }, text(tick))),
      ...up.ticks.map((tick) => drawn("text", { x: left - 8, y: up.at(tick) + 4, "text-anchor": "end" }, text(tick))),
      ...up.ticks.map((tick) => drawn("line", { x1: left, x2: width - right, y1: up.at(tick), y2: up.at(tick) })),
      drawn("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle" }, title(this.x)),
      drawn("text", { x: left + 6, y: top + 10 }, title(this.y)),
    ];
  }

  state() {
    return this.svg ? { x: this.x, y: this.y } : {};
  }

  restore(given) {
    if (!this.svg) return;
    for (const axis of ["x", "y"]) {
      const at = Number(given[axis] ?? NaN);
      if (this.columns.some((column) => column.at === at)) this[axis] = at;
    }
    this.draw();
  }
}
