// The figure: a box stands for operations of the network, and leads to its layers.

class FigureLinks {
  constructor(view, place) {
    this.view = view;
    this.boxes = [...place.querySelectorAll("[data-nodes]")].map((box) => {
      const spans = spans_of(box.dataset.nodes);
      const size = spans.reduce((sum, [first, last]) => sum + last - first, 0);
      return { box, spans, size };
    });
    this.boxes.forEach((of, at) => {
      of.entry = this.entry_of(of.spans);
      if (!of.entry) return;
      of.box.setAttribute("tabindex", at ? "-1" : "0");
      of.box.setAttribute("role", "button");
      of.box.setAttribute("aria-label", of.entry.path || "all");
      of.box.classList.add("link");
      of.box.addEventListener("click", () => view.pick(of.entry));
      of.box.addEventListener("keydown", (event) => this.key(event, of));
    });
    this.list = this.boxes.filter((of) => of.entry).map((of) => of.box);
    this.list.forEach((box, at) => box.setAttribute("tabindex", at ? "-1" : "0"));
    // A frame is drawn as one call of a module and stands for all of that form.
    this.frames = this.boxes
      .filter(({ box }) => box.dataset.calls)
      .map(({ box, spans }) => ({ chosen: spans[0], calls: spans_of(box.dataset.calls) }));
    // Texts lie over boxes: a click on one is a click on the box below.
    place.querySelectorAll("text").forEach((text) => (text.style.pointerEvents = "none"));
    this.note = place.querySelector(".drawn-at");
    const { told, bars } = view.network.data;
    this.texts = [...place.querySelectorAll("[data-told]")].map((text) => ({
      text, pieces: told[text.dataset.told], room: text.textContent.length * Number(text.dataset.room ?? Infinity),
      size: Number(text.getAttribute("font-size")),
    }));
    this.bars = [...place.querySelectorAll("[data-bar]")].map((bar) => ({ bar, of: bars[bar.dataset.bar] }));
  }

  // The least entry of the tree that holds the first of the operations that a box stands for.
  entry_of(spans) {
    const { layers } = this.view.network.data;
    const [first] = spans[0];
    const last = spans[spans.length - 1][1];
    let begin = layers.findIndex((layer) => layer[LAST] > first);
    if (begin < 0 || layers[begin][FIRST] >= last) return null;
    const is_single = layers[begin][LAST] >= last;
    let entry = [...leaves(this.view.network.root)].find((leaf) => leaf.layer === begin);
    if (is_single) return entry;
    let end = begin;
    while (end < layers.length && layers[end][FIRST] < last) end += 1;
    while (entry.parent && entry.parent.depth >= 0 && !covers(entry, begin, end)) entry = entry.parent;
    return entry;
  }

  key(event, of) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (step) move_focus(this.list, of.box, step);
    else if (event.key === "Enter" || event.key === " ") this.view.pick(of.entry);
    else return;
    event.preventDefault();
  }

  // The smallest boxes that stand for what is picked.
  mark() {
    const { picked, network } = this.view;
    this.boxes.forEach(({ box }) => box.classList.remove("picked"));
    if (!picked || picked.depth < 0) return;
    const first = network.layer(picked.ranges[0][0])[FIRST];
    const last = network.layer(picked.ranges[picked.ranges.length - 1][1] - 1)[LAST];
    this.smallest(first, last);
    for (const [begin, end] of this.alike(first, last)) this.smallest(begin, end);
  }

  smallest(first, last) {
    const holding = this.boxes.filter(({ spans }) => spans.some(([begin, end]) => begin <= first && last <= end));
    const inside = this.boxes.filter(({ spans }) => spans.every(([begin, end]) => first <= begin && end <= last));
    const found = holding.length ? holding : inside;
    const least = Math.min(...found.map(({ size }) => size));
    found.filter(({ size }) => !holding.length || size === least).forEach(({ box }) => box.classList.add("picked"));
  }

  // The same operations in the calls that frames are drawn as.
  alike(first, last) {
    return this.frames.flatMap(({ chosen, calls }) => {
      const call = calls.find(([begin, end]) => begin <= first && last <= end && end - begin === chosen[1] - chosen[0]);
      return call ? [[first - call[0] + chosen[0], last - call[0] + chosen[0]]] : [];
    });
  }

  update() {
    if (!this.note) return;
    const { network } = this.view;
    const at = network.written_at;
    let stale = false;
    for (const { text, pieces, room, size } of this.texts) {
      if (pieces[0] === null) {
        const is_stale = network.is_elsewhere(pieces.slice(1));
        text.classList.toggle("stale", is_stale);
        stale ||= is_stale;
        continue;
      }
      const now = pieces.map((piece) => (typeof piece === "string" ? piece : this.number(piece))).join("");
      if (text.textContent === now) continue;
      text.textContent = now;
      text.setAttribute("font-size", now.length > room ? ((size * room) / now.length).toFixed(2) : size);
    }
    this.lengths();
    set_text(this.note, stale ? `Underlined numbers in the figure are those at ${at}.` : "");
  }

  number([kind, ...places]) {
    const numbers = places.map((place) => this.view.network.values[place]);
    if (kind === "s") return numbers.join("×");
    if (kind === "%") return percent(...numbers);
    return kind === "b" ? brief(numbers[0]) : grouped(numbers[0]);
  }

  // Bars of a lane by the longest of it; pieces of a row one behind the other.
  lengths() {
    const { values } = this.view.network;
    const rows = new Map();
    for (const { of: [lane, row, place] } of this.bars) {
      const lanes = rows.get(lane) ?? rows.set(lane, new Map()).get(lane);
      lanes.set(row, (lanes.get(row) ?? 0n) + values[place]);
    }
    const most = new Map([...rows].map(([lane, sums]) => [lane, [...sums.values()].reduce((a, b) => (a > b ? a : b), 0n)]));
    const ends = new Map();
    for (const { bar, of: [lane, row, place, x, full] } of this.bars) {
      const key = `${lane} ${row}`;
      const from = ends.get(key) ?? x;
      const long = full * share(values[place], most.get(lane));
      ends.set(key, from + long);
      bar.setAttribute("x", from.toFixed(1));
      bar.setAttribute("width", long.toFixed(1));
    }
  }
}

const spans_of = (text) => text.split(",").map((span) => span.split("-").map(Number));
const covers = (entry, begin, end) => entry.ranges.some(([first, last]) => first <= begin && end <= last);
