// A network: its data, its closed forms, and what they give at a setting of its variables.

const [NAME, KIND, FIRST, LAST, SEEN, HEAD, SEEN_BY] = [0, 1, 2, 3, 4, 5, 6]; // of a layer
const [NOTATION, INPUT, OUTPUT, AMOUNTS, OPERATIONS, BOUNDS, COLOUR] = [0, 1, 2, 3, 4, 5, 6]; // of a kind

class Network {
  constructor(data, program) {
    this.data = unpacked(data);
    this.program = program;
    this.free = data.free;
    this.quantities = data.quantities.map(([name]) => name);
    this.setting = data.free.map((of) => BigInt(of.number));
    this.root = tree_of(this);
    this.compute();
  }

  // What the engine would say at a setting: the numbers in their order, or why it refuses.
  at(setting) {
    const small = this.free.findIndex((of, at) => setting[at] < BigInt(of.least));
    if (small >= 0) {
      const of = this.free[small];
      return { refused: [`${of.name} is at least ${units_text(BigInt(of.least), of.unit)}`], values: null };
    }
    divided_by_less_than_one = false;
    const [failed, values] = this.program(...setting);
    if (!failed.length && !divided_by_less_than_one) return { refused: [], values };
    const refused = failed.map((place) => {
      const [text, relation, code, layer, sentence] = this.data.assumptions[place];
      if (relation === "!=") return `another structure: the formulas hold where ${text}`;
      return sentence ? `${layer}: ${this.told(sentence, values)}` : `refused (${code}): needed is that ${text}`;
    });
    return { refused: refused.length ? refused : ["refused: a size would be divided by less than 1"], values: null };
  }

  // A text with numbers in it.
  told(parts, values = this.values) {
    return parts.map((part) => (typeof part === "string" ? part : values[part].toString())).join("");
  }

  // Compute at the setting; where the engine refuses it, the numbers before stay.
  compute() {
    const { refused, values } = this.at(this.setting);
    this.refused = refused;
    if (values) {
      this.values = values;
      this.computed = [...this.setting];
      this.sums = new Map();
    }
  }

  layer(index) {
    return this.data.layers[index];
  }

  kind(index) {
    return this.data.kinds[this.data.layers[index][KIND]];
  }

  text(place) {
    return this.data.texts[place];
  }

  total(quantity) {
    return this.values[this.data.totals[this.quantities.indexOf(quantity)]];
  }

  // Sums of a quantity over the first layers, so that each part is one subtraction.
  before(quantity) {
    let found = this.sums.get(quantity);
    if (!found) {
      const place = this.quantities.indexOf(quantity);
      const { layers, kinds } = this.data;
      found = [0n];
      let sum = 0n;
      for (const layer of layers) found.push((sum += this.values[kinds[layer[KIND]][AMOUNTS][place]]));
      this.sums.set(quantity, found);
    }
    return found;
  }

  // What an entry of the tree has of a quantity.
  amount(entry, quantity) {
    if (entry.layer !== null) {
      return this.values[this.kind(entry.layer)[AMOUNTS][this.quantities.indexOf(quantity)]];
    }
    const before = this.before(quantity);
    return entry.ranges.reduce((sum, [first, last]) => sum + before[last] - before[first], 0n);
  }

  sizes(places) {
    return places.map((place) => (typeof place === "string" ? place : this.values[place].toString())).join("×");
  }

  notation(index) {
    const [operator, given, ending] = this.kind(index)[NOTATION];
    const shown = given
      .map(([name, parts, usual]) => [name, this.told(parts), usual])
      .filter(([, text, usual]) => usual === undefined || text !== String(usual))
      .map(([name, text]) => (name ? `${name}=${text}` : text));
    return operator + (shown.length ? `(${shown.join(", ")})` : "") + this.told(ending);
  }

  is_lower_bound(entry, quantity) {
    const of = (index) => this.kind(index)[BOUNDS].includes(quantity);
    if (entry.layer !== null) return of(entry.layer);
    return this.data.at_least.includes(quantity) && entry.ranges.some(([first, last]) => {
      for (let index = first; index < last; index += 1) if (of(index)) return true;
      return false;
    });
  }

  // What an output of a layer sees; in brackets where that may be another at this setting.
  field(index) {
    const layer = this.layer(index);
    const seen = this.text(layer[SEEN]);
    return seen && this.is_elsewhere(layer[SEEN_BY]) ? `(${seen})` : seen;
  }

  // Whether one of these variables is not as the spec has it.
  is_elsewhere(places) {
    return places.some((at) => this.computed[at] !== BigInt(this.free[at].number));
  }

  // The variables, but for the batch, that are not as the spec has them, with what they are there.
  get written_at() {
    const moved = this.free.filter((of, at) => of.name !== "batch" && this.computed[at] !== BigInt(of.number));
    return moved.map((of) => `${of.name} ${units_text(BigInt(of.number), of.unit)}`).join(", ");
  }
}

// A page holds names without what each has in common with the one before, and operations of layers by where they end.
function unpacked(data) {
  const named = (rows) => {
    let before = "";
    return rows.map(([common, rest, ...more]) => [(before = before.slice(0, common) + rest), ...more]);
  };
  let first = 0;
  const layers = named(data.layers).map(([name, kind, last, seen, head = 0, ...seen_by]) => {
    const layer = [name, kind, first, last, seen, head, seen_by];
    first = last;
    return layer;
  });
  const modules = Object.fromEntries(named(data.modules).map(([path, place]) => [path, data.texts[place]]));
  return { ...data, layers, modules };
}

// Names of layers, cut at their dots, as a tree: entries with what they hold, or with a layer.
function tree_of(network) {
  const root = { path: "", name: "", children: [], layer: null, ranges: [], depth: -1, module: "", parent: null };
  const groups = new Map([["", root]]);
  const deeper = new Set();
  network.data.layers.forEach(([name]) => {
    const parts = name.split(".");
    for (let cut = 1; cut < parts.length; cut += 1) deeper.add(parts.slice(0, cut).join("."));
  });
  network.data.layers.forEach(([path], index) => {
    const parts = path.split(".");
    const is_group = deeper.has(path); // what joins the branches of a block has the name of the block
    const above = is_group ? parts.length : parts.length - 1;
    let entry = root;
    extend(root, index);
    for (let cut = 1; cut <= above; cut += 1) {
      const to = parts.slice(0, cut).join(".");
      let next = groups.get(to);
      if (!next) {
        const module = network.data.modules[to] || "";
        next = { path: to, name: parts[cut - 1], children: [], layer: null, ranges: [], depth: cut - 1, module, parent: entry };
        groups.set(to, next);
        entry.children.push(next);
      }
      entry = next;
      extend(entry, index);
    }
    const name = is_group ? "(joins)" : parts[parts.length - 1];
    entry.children.push({ path, name, children: [], layer: index, ranges: [[index, index + 1]], depth: entry.depth + 1, module: "", parent: entry });
  });
  network.groups = groups;
  return root;
}

function extend(entry, index) {
  const last = entry.ranges[entry.ranges.length - 1];
  if (last && last[1] === index) last[1] = index + 1;
  else entry.ranges.push([index, index + 1]);
}

function* leaves(entry) {
  if (entry.layer !== null) yield entry;
  for (const child of entry.children) yield* leaves(child);
}
