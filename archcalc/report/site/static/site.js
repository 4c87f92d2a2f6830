"use strict";
// Search over all pages of the site, and two networks side by side; the index is a file beside, so no server is needed.

(() => {
  const MOST = 40; // results that are shown
  const box = document.querySelector(".search");
  const root = box.dataset.root;
  const field = document.getElementById("search");
  const list = document.getElementById("found");
  const note = document.getElementById("found-count");
  const { entries, networks, quantities } = window.archcalc_index;
  const texts = entries.map(([title, words]) => [title.toLowerCase(), `${title} ${words}`.toLowerCase()]);

  // The best first: a title that is the words, then one that begins with them, then one that holds them, then the rest.
  function rank(at, words, whole) {
    const [title, text] = texts[at];
    if (!words.every((word) => text.includes(word))) return -1;
    if (title === whole) return 0;
    if (title.startsWith(whole)) return 1;
    return words.every((word) => title.includes(word)) ? 2 : 3;
  }

  function search() {
    const whole = field.value.trim().toLowerCase();
    list.replaceChildren();
    note.textContent = "";
    if (!whole) return;
    const words = whole.split(/\s+/);
    const found = entries
      .map((_, at) => [rank(at, words, whole), at])
      .filter(([place]) => place >= 0)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    note.textContent = found.length > MOST ? `${found.length} found, the first ${MOST} shown` : `${found.length} found`;
    for (const [, at] of found.slice(0, MOST)) {
      const [title, , href, kind] = entries[at];
      const link = document.createElement("a");
      link.href = root + href;
      link.textContent = title;
      const item = document.createElement("li");
      const what = document.createElement("span");
      what.className = "quiet";
      what.textContent = ` ${kind}`;
      item.append(link, what);
      list.append(item);
    }
  }

  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      search();
    }
    const first = list.querySelector("a");
    if (event.key === "Enter" && first) first.click();
    if (event.key === "ArrowDown" && first) {
      first.focus();
      event.preventDefault();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!step) return;
    const next = document.activeElement.closest("li")[step];
    (next ? next.querySelector("a") : field).focus();
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      field.focus();
      event.preventDefault();
    }
  });

  const table = document.getElementById("beside");
  if (!table) return;
  const selects = [document.getElementById("one"), document.getElementById("other")];
  const names = Object.keys(networks);
  for (const select of selects) select.append(...names.map((name) => new Option(name, name)));

  function cell(tag, text, href) {
    const made = document.createElement(tag);
    if (tag === "th") made.scope = "col";
    if (href) {
      const link = document.createElement("a");
      link.href = href;
      link.textContent = text;
      made.append(link);
    } else made.textContent = text;
    return made;
  }

  function row(tag, cells) {
    const made = document.createElement("tr");
    made.append(...cells.map((text, at) => (text instanceof Node ? text : cell(at && tag === "td" ? "td" : "th", text))));
    if (tag === "td") made.cells[0].scope = "row";
    return made;
  }

  const TITLES = { macs: "MACs", flops: "FLOPs (arithmetic)" };

  // Exact: numbers are texts, for some pass what a double holds.
  function ratio(one, other) {
    if (other === 0n) return one === 0n ? "same" : "";
    if (one === other) return "same";
    const thousandths = (2000n * one + other) / (2n * other);
    if (!thousandths && one) return "<0.001x";
    return `${(thousandths / 1000n).toLocaleString("en")}.${(thousandths % 1000n).toString().padStart(3, "0")}x`;
  }

  function show() {
    const [one, other] = selects.map((select) => select.value);
    const head = [cell("th", "")];
    for (const name of [one, other]) head.push(cell("th", name, `networks/${encodeURIComponent(name)}.html`));
    head.push(cell("th", "ratio"));
    table.tHead.replaceChildren(row("th", head));
    const rows = quantities.map((quantity, at) => {
      const numbers = [one, other].map((name) => BigInt(networks[name][at]));
      return row("td", [TITLES[quantity] ?? quantity, ...numbers.map((number) => number.toLocaleString("en")), ratio(...numbers)]);
    });
    table.tBodies[0].replaceChildren(...rows);
  }

  function read() {
    const [one, other] = decodeURIComponent(location.hash.slice(1)).split("&");
    const usual = (name, at) => (names.includes(name) ? name : names[at]);
    selects[0].value = names.includes(one) ? one : usual("resnet50", 0);
    selects[1].value = names.includes(other) ? other : usual("vgg16", names.length - 1);
    show();
  }

  for (const select of selects) {
    select.addEventListener("change", () => {
      history.replaceState(null, "", `#${selects.map((each) => encodeURIComponent(each.value)).join("&")}`);
      show();
    });
  }
  window.addEventListener("hashchange", read);
  read();
})();
