// What the reader chose stands in the fragment of the address, so that a view can be linked.

const current = { page: null, rows: [], chart: null, waiting: null, written: "", is_restoring: false };

function remember() {
  if (current.is_restoring || current.waiting) return;
  current.waiting = setTimeout(() => {
    current.waiting = null;
    const parts = new URLSearchParams();
    for (const of of [current.page, ...current.rows, current.chart]) {
      Object.entries(of?.state() ?? {}).forEach(([name, value]) => parts.set(name, value));
    }
    const text = parts.toString().replaceAll("%2C", ",");
    current.written = text ? `#${text}` : "";
    try {
      if (location.hash !== current.written) history.replaceState(null, "", current.written || location.pathname + location.search);
    } catch (error) {
      if (error.name !== "SecurityError") throw error; // a page within another one may have no address
    }
  }, 150);
}

function restore() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  current.is_restoring = true;
  for (const of of [current.page, ...current.rows, current.chart]) of?.restore(given);
  current.is_restoring = false;
}

// Begin: networks with their programs, where there are some; tables of rows; a chart of the first of these.
function start(programs) {
  current.page = programs ? new Page(programs) : null;
  archcalc.page = current.page;
  const found = [...document.querySelectorAll("table.rows")];
  const named = (at) => (found.length > 1 || programs ? `table${at}.` : "");
  current.rows = found.map((table, at) => new Rows(table, at, named(at)));
  const place = document.querySelector('[data-part="chart"]');
  current.chart = place && current.rows.length ? new Chart(current.rows[0], place) : null;
  restore();
  window.addEventListener("hashchange", () => {
    if (location.hash !== current.written) restore();
  });
}
