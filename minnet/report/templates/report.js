"use strict";
// Draws the charts of #minnet-data, see report.html.jinja. Nothing here computes a result: it picks, places and paints.
(() => {
  const state = {}; // what the switches say
  const hidden = new Set(); // names of methods
  const sorted = {}; // which column of the leaderboard, and in which direction
  const night = matchMedia("(prefers-color-scheme: dark)");
  const waiting = new Set(); // charts that must be drawn again
  const taken = new Map(); // the text of every part that was swapped in
  let data = { methods: [], charts: {} };
  let printing = false;

  const ROW = 30, STRIP = 20, HEIGHT = 430; // pixels on a screen
  const byName = (name) => data.methods.findIndex((method) => method.name === name);
  const visible = () => data.methods.map((_, m) => m).filter((m) => !hidden.has(data.methods[m].name));
  const pick = (value) => (value?.by ? value[state[value.by]] : value);
  const alpha = (hex, share) => `rgba(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(",")},${share})`;

  function theme() {
    const dark = !printing && (state.theme === "dark" || (state.theme !== "light" && night.matches));
    return dark
      ? { dark, ink: "#eef0f3", soft: "#aeb4be", grid: "#343a44", ground: "#14171c" }
      : { dark, ink: "#16181c", soft: "#51565f", grid: "#dfe3e8", ground: "#ffffff" };
  }

  // --- one chart -----------------------------------------------------------------------------------------------------

  function viewOf(chart) {
    return chart.keys.filter((key) => key !== "method").map((key) => state[key]).join(" ");
  }

  function shownMethod() { // of the charts that show one method: the chosen one unless it is hidden
    const there = data.charts.confusion.data.map((trace) => trace.m);
    const seen = there.filter((m) => !hidden.has(data.methods[m].name));
    return seen.includes(byName(state.method)) ? byName(state.method) : seen[0] ?? -1;
  }

  function tracesOf(chart, key) {
    const one = chart.keys.includes("method") ? shownMethod() : undefined;
    return chart.data.filter((trace) => !hidden.has(data.methods[trace.m].name)
      && (trace.view === undefined || trace.view === key) && (one === undefined || trace.m === one));
  }

  // Values of a trace in the current view, with the row of its method where it lies in one.
  function valuesOf(trace, view, rows) {
    const values = { x: pick(trace.x), y: pick(trace.y), low: pick(trace.low), high: pick(trace.high), z: trace.z };
    if (trace.row) values.y = values.x.map(() => rows.get(trace.m));
    if (view.floor !== undefined) { // a logarithmic axis shows the error, not the accuracy, and has no zero
      const error = (a) => (a === null ? null : Math.max(1 - a, view.floor));
      values.accuracy = values.y;
      [values.y, values.low, values.high] = [values.y.map(error), values.high?.map(error), values.low?.map(error)];
    }
    return values;
  }

  function outline({ x, low, high }) { // of a band, one closed piece between gaps
    const xs = [], ys = [];
    for (let start = 0; start < x.length; start++) {
      if (low[start] === null || high[start] === null) continue;
      let end = start;
      while (end + 1 < x.length && low[end + 1] !== null && high[end + 1] !== null) end++;
      if (xs.length) { xs.push(null); ys.push(null); }
      xs.push(...x.slice(start, end + 1), ...x.slice(start, end + 1).reverse());
      ys.push(...low.slice(start, end + 1), ...high.slice(start, end + 1).reverse());
      start = end;
    }
    return { x: xs, y: ys };
  }

  const hoverText = (view, trace) => {
    const text = view.hover[trace.role];
    if (!text) return { hoverinfo: "skip" };
    const band = trace.low && view.hover.band && view.floor === undefined ? view.hover.band : "";
    const accuracy = view.floor === undefined ? text : text.replace("%{y", "accuracy %{customdata");
    return { hovertemplate: `${accuracy}${band}<extra></extra>` };
  };

  function paint(trace, view, rows, look) {
    const method = data.methods[trace.m];
    const colour = look.dark ? method.dark : method.colour;
    const values = valuesOf(trace, view, rows);
    const base = { type: "scatter", mode: "markers", name: method.label, x: values.x, y: values.y, ...hoverText(view, trace) };
    const marker = (own) => ({ symbol: method.marker, color: colour, line: { width: 1, color: look.ground }, size: 11, ...own });
    const ink = (own) => ({ color: colour, width: 3, dash: method.dash, ...own });
    const open = (symbol, size, width) => marker({ symbol, size, line: { width, color: colour } });
    const strip = view.strip && trace.row ? { yaxis: "y2" } : {};
    switch (trace.role) {
      case "line": {
        const custom = values.accuracy ?? trace.custom ?? (values.low && values.low.map((low, i) => [low, values.high[i]]));
        const line = {
          ...base, mode: trace.joined === false ? "markers" : "lines+markers", line: ink(), customdata: custom,
          marker: marker({ size: 10, maxdisplayed: trace.joined === undefined ? 12 : 0 }),
        };
        if (!values.low || !(trace.banded || state.band === "on")) return [line];
        return [{
          ...base, ...outline(values), mode: "lines", fill: "toself", fillcolor: alpha(colour, look.dark ? 0.18 : 0.12),
          line: { width: 0, color: colour }, hoverinfo: "skip", hovertemplate: undefined, band: true,
        }, line];
      }
      case "steps":
        return [{ ...base, mode: "lines+markers", line: ink({ shape: "hv" }), marker: marker({ size: 10, maxdisplayed: 8 }) }];
      case "ring":
        return [{ ...base, marker: open("circle-open", 20 + 9 * trace.size, 3) }];
      case "seed":
        return [{ ...base, customdata: trace.custom, marker: marker({ opacity: 0.8 }) }];
      case "bar":
        return [{ ...base, marker: open("line-ns", 20, 4) }];
      case "default":
        return [{ ...base, ...strip, marker: open("line-ns", 10, 3) }];
      case "selected":
        return [{ ...base, ...strip, marker: open("circle-open", 12, 3) }];
      case "lost":
        return [{ ...base, ...strip, marker: open("x-thin", 8, 2) }];
      case "heat":
        return [heat(trace, base, look)];
      default: { // parts of a stacked bar
        const shade = { train: 1, evaluate: 0.45, compile: 0.2 }[trace.role];
        const pattern = trace.role === "compile" ? { shape: "/", fgcolor: colour, bgcolor: look.ground, size: 6 } : {};
        return [{
          ...base, type: "bar", orientation: "h", mode: undefined, width: 0.62,
          marker: { color: alpha(colour, shade), line: { width: 1, color: colour }, pattern },
        }];
      }
    }
  }

  // Shades say how often, the diagonal left out of the scale; the counts stand in the fields.
  function heat(trace, base, look) {
    const off = Math.max(1, ...trace.z.flatMap((row, i) => row.filter((_, j) => i !== j)));
    const names = data.charts.confusion.views[""].x.ticktext;
    return {
      ...base, type: "heatmap", mode: undefined, x: trace.z.map((_, i) => i), y: trace.z.map((_, i) => i),
      z: trace.z.map((row, i) => row.map((count, j) => (i === j ? 0 : count))), zmin: 0, zmax: off,
      text: trace.z, texttemplate: trace.z.length <= 12 ? "%{text}" : undefined, showscale: false, xgap: 1, ygap: 1,
      customdata: trace.z.map((_, i) => trace.z.map((_, j) => [names[i], names[j]])),
      hovertemplate: "%{text} of true %{customdata[0]} taken for %{customdata[1]}<extra></extra>",
      colorscale: [[0, look.dark ? "#1e2229" : "#f5f6f8"], [1, look.dark ? "#b84a14" : "#f5a572"]],
    };
  }

  // Thin lines that join the points of one seed from row to row.
  function pairsOf(traces, rows, look) {
    const seeds = new Map();
    for (const trace of traces.filter((each) => each.role === "seed")) {
      trace.custom.forEach((seed, i) => seeds.set(seed, [...(seeds.get(seed) ?? []), [trace.x[i], rows.get(trace.m)]]));
    }
    const lines = { x: [], y: [] };
    for (const points of seeds.values()) {
      points.sort((a, b) => b[1] - a[1]);
      lines.x.push(...points.map((p) => p[0]), null);
      lines.y.push(...points.map((p) => p[1]), null);
    }
    return { type: "scatter", mode: "lines", ...lines, line: { width: 1, color: look.soft }, opacity: 0.5, hoverinfo: "skip" };
  }

  function heightOf(view, count) {
    if (view.rows) return 100 + ROW * Math.max(count, 2);
    return (printing ? 310 : HEIGHT) + (view.strip ? STRIP * count : 0);
  }

  function draw(id) {
    const chart = data.charts[id], box = document.getElementById(`chart-${id}`);
    if (!chart || !box) return;
    const key = viewOf(chart), view = chart.views[key] ?? Object.values(chart.views)[0];
    const look = theme(), size = printing ? 12 : innerWidth < 700 ? 13 : 17;
    const traces = tracesOf(chart, key), seen = visible();
    const rows = new Map(seen.map((m, place) => [m, seen.length - place]));
    const painted = traces.flatMap((trace) => paint(trace, view, rows, look));
    painted.sort((a, b) => (b.band ? 1 : 0) - (a.band ? 1 : 0)); // every band lies under every line
    if (traces.some((trace) => trace.role === "seed")) painted.unshift(pairsOf(traces, rows, look));
    const axis = (own) => ({
      automargin: true, zeroline: false, gridcolor: look.grid, linecolor: look.soft, tickcolor: look.soft,
      tickfont: { size: size - 1 }, ...own, title: { standoff: 12, ...own.title, font: { size } },
    });
    const ticks = {
      tickmode: "array", tickvals: [...rows.values()], ticktext: seen.map((m) => data.methods[m].tick), zeroline: false,
      range: [0.3, seen.length + 0.7], fixedrange: true,
    };
    const layout = {
      autosize: !printing, margin: { l: 20, r: 20, t: 12, b: 20 }, showlegend: false, hovermode: "closest", barmode: "stack", uirevision: key,
      paper_bgcolor: look.ground, plot_bgcolor: look.ground, hoverlabel: { font: { size }, align: "left" },
      font: { color: look.ink, size, family: getComputedStyle(document.body).fontFamily }, height: heightOf(view, seen.length),
      xaxis: axis(view.x), yaxis: axis(view.rows ? { ...ticks, showgrid: seen.length > 12 } : view.y),
      shapes: view.lines.map(({ y }) => ({
        type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, layer: "below", line: { color: look.soft, width: 2, dash: "dot" },
      })),
      annotations: view.notes.concat((view.rows ?? []).filter(({ m }) => rows.has(m)).map(({ m, text, right }) => ({
        text, showarrow: false, xref: "paper", yref: "y", x: right ? 0.995 : 0.005, xanchor: right ? "right" : "left", y: rows.get(m),
      }))).map((note) => ({ ...note, font: { color: look.soft, size: size - 2 } })),
    };
    if (view.strip) {
      const share = (STRIP * seen.length) / (HEIGHT - 90 + STRIP * seen.length);
      layout.yaxis.domain = [share + 0.03, 1];
      layout.yaxis2 = { ...axis({ ...ticks, domain: [0, Math.max(share - 0.03, 0.02)], showgrid: true }), tickfont: { size: size - 4 } };
      layout.xaxis.anchor = "y2";
    }
    if (printing) layout.width = 680;
    box.style.height = `${layout.height}px`;
    const own = chart.keys.includes("method") ? traces[0]?.reading : view.reading;
    const reading = traces.length ? own : hidden.size && chart.data.length ? "No method is shown: choose some above." : view.reading;
    box.setAttribute("aria-label", `${chart.label}. ${reading}`);
    document.getElementById(`reading-${id}`).textContent = reading;
    Plotly.react(box, painted, layout, {
      responsive: true, displaylogo: false, displayModeBar: "hover", // of Plotly's own buttons one would send the chart away
      modeBarButtons: [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
      toImageButtonOptions: { filename: `minnet-${id}`, format: "svg" },
    });
    box.querySelectorAll("svg.main-svg").forEach((svg) => svg.setAttribute("aria-hidden", "true")); // the label says it better
    tabulate(id);
  }

  // --- all charts: those on the screen at once, the others when there is time ------------------------------------------

  const later = (work) => { // a browser without a screen has no idle time
    if (window.requestIdleCallback) requestIdleCallback(work, { timeout: 50 });
    else setTimeout(work, 1);
  };

  function drawAll() {
    document.body.dataset.drawn = "";
    Object.keys(data.charts).forEach((id) => waiting.add(id));
    const onScreen = (id) => {
      const box = document.getElementById(`chart-${id}`)?.getBoundingClientRect();
      return box && box.bottom > 0 && box.top < innerHeight;
    };
    [...waiting].filter((id) => printing || onScreen(id)).forEach(drawNow);
    later(drawNext);
  }

  function drawNow(id) {
    waiting.delete(id);
    draw(id);
  }

  function drawNext() {
    const [id] = waiting;
    if (id !== undefined) drawNow(id);
    if (waiting.size) later(drawNext);
    else document.body.dataset.drawn = "all";
  }

  // --- the values of a chart, as a table ------------------------------------------------------------------------------

  function tabulate(id) {
    const details = document.querySelector(`details[data-table="${id}"]`);
    details.querySelector("table")?.remove();
    if (!details.open || printing) return;
    const chart = data.charts[id], key = viewOf(chart), view = chart.views[key] ?? Object.values(chart.views)[0];
    const table = document.createElement("table");
    const row = (cells, head) => {
      const line = table.insertRow();
      for (const cell of cells) line.appendChild(document.createElement(head ? "th" : "td")).textContent = cell ?? "–";
    };
    const traces = tracesOf(chart, key), rows = new Map(visible().map((m) => [m, ""]));
    if (traces[0]?.z) {
      row(["true", ...view.x.ticktext.map((name) => `predicted ${name}`)], true);
      traces[0].z.forEach((counts, i) => row([view.y.ticktext[i], ...counts]));
    } else {
      const band = traces.some((trace) => trace.low);
      row(["method", "what", view.x.title.text, ...(view.y ? [view.y.title.text] : []), ...(band ? ["low", "high"] : [])], true);
      for (const trace of traces) {
        const { x, y, low, high } = valuesOf(trace, view, rows);
        x.forEach((value, i) => row([
          data.methods[trace.m].name, trace.role === "seed" ? `seed ${trace.custom[i]}` : trace.role, value,
          ...(view.y ? [trace.row ? "" : y[i]] : []), ...(band ? [low?.[i], high?.[i]] : []),
        ]));
      }
    }
    details.append(table);
  }

  // --- switches, legend, leaderboard ----------------------------------------------------------------------------------

  function show() {
    document.documentElement.dataset.theme = state.theme;
    for (const button of document.querySelectorAll("[data-toggle] button")) {
      const { toggle } = button.parentElement.dataset;
      button.setAttribute("aria-pressed", String(state[toggle] === button.dataset.value));
      button.disabled = toggle === "split" && !data.start.splits.includes(button.dataset.value);
    }
    for (const button of document.querySelectorAll("#legend [data-method]")) {
      button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.method)));
    }
    const shown = data.methods[shownMethod()]?.name ?? "";
    const select = document.getElementById("method");
    if (select) select.value = shown;
    for (const each of document.querySelectorAll("[data-portrait]")) each.hidden = each.dataset.portrait !== shown;
    sort();
  }

  function sort() {
    const table = document.getElementById("leaderboard");
    if (!table?.tHead || sorted.place === undefined) return;
    const heads = [...table.tHead.rows[0].cells], { place, down } = sorted;
    heads.forEach((head, i) => (i === place ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    const value = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent;
    const order = (a, b) => {
      const [left, right] = [value(a), value(b)];
      if ((left === "") !== (right === "")) return left === "" ? 1 : -1; // what is missing stays last
      const numeric = Number(left) - Number(right);
      return (down ? -1 : 1) * (Number.isNaN(numeric) ? left.localeCompare(right) : numeric);
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
  }

  addEventListener("click", ({ target }) => {
    const button = target.closest?.("button");
    if (!button) return;
    const toggle = button.parentElement.dataset.toggle;
    if (toggle) {
      state[toggle] = button.dataset.value;
    } else if (button.closest("#legend")) {
      if (button.dataset.show !== undefined) {
        hidden.clear();
        data.methods.forEach(({ name }, m) => m >= Number(button.dataset.show) && hidden.add(name));
      } else if (!hidden.delete(button.dataset.method)) hidden.add(button.dataset.method);
    } else if (button.closest("#leaderboard thead")) {
      const place = button.closest("th").cellIndex;
      const down = button.closest("th").getAttribute("aria-sort") === "ascending";
      Object.assign(sorted, { place, down });
      sort();
      return;
    } else if (button.dataset.store !== undefined) {
      change(button.dataset.store);
      return;
    } else return;
    show();
    drawAll();
  });

  addEventListener("change", ({ target }) => {
    if (target.id !== "method") return;
    state.method = target.value;
    show();
    drawAll();
  });

  addEventListener("toggle", ({ target }) => target.dataset?.table && data.charts[target.dataset.table] && tabulate(target.dataset.table), true);

  function print(on) {
    printing = on;
    if (on) document.querySelectorAll("details:not([open]):not(.values)").forEach((each) => each.setAttribute("open", "print"));
    else document.querySelectorAll('details[open="print"]').forEach((each) => each.removeAttribute("open"));
    drawAll();
  }

  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  night.addEventListener("change", drawAll);

  // --- taking over data -----------------------------------------------------------------------------------------------

  function resolved(given) { // "#3" stands for the fourth of the columns
    const column = (value) => (typeof value === "string" && value[0] === "#" ? given.columns[Number(value.slice(1))] : value);
    for (const chart of Object.values(given.charts)) {
      for (const trace of chart.data) {
        for (const name of ["x", "y", "low", "high", "custom"]) {
          if (trace[name]?.by) for (const each of Object.keys(trace[name])) each !== "by" && (trace[name][each] = column(trace[name][each]));
          else if (trace[name] !== undefined) trace[name] = column(trace[name]);
        }
      }
    }
    return given;
  }

  function update(given) {
    const known = new Set(data.methods.map(({ name }) => name));
    data = window.minnet.data = resolved(given);
    for (const [key, value] of Object.entries(data.start)) state[key] ??= value;
    const offered = (toggle) => [...document.querySelectorAll(`[data-toggle="${toggle}"] button`)].map((each) => each.dataset.value);
    for (const toggle of ["target", "layer"]) if (!offered(toggle).includes(state[toggle])) state[toggle] = data.start[toggle];
    if (!data.start.splits.includes(state.split)) state.split = data.start.split;
    data.methods.forEach(({ name }, m) => !known.has(name) && m >= data.leaders && hidden.add(name));
    show();
    drawAll();
  }

  function swap(root) {
    for (const part of root.querySelectorAll("[data-part]")) {
      const name = part.dataset.part, mine = document.querySelector(`[data-part="${name}"]`);
      if (!mine || (taken.get(name) ?? mine.innerHTML) === part.innerHTML) continue; // what the reader did to it stays
      taken.set(name, part.innerHTML);
      const open = [...mine.querySelectorAll("details")].map((each) => each.open);
      mine.replaceChildren(...part.cloneNode(true).childNodes);
      mine.querySelectorAll("details").forEach((each, i) => (each.open = open[i] ?? false));
    }
  }

  const stored = (place) => JSON.parse(document.querySelector(`script[data-store="${place}"]`).textContent);
  const first = () => JSON.parse(document.getElementById("minnet-data").textContent);

  function change(place) {
    swap(document.querySelector(`template[data-store="${place}"]`).content);
    update(stored(place) ?? first());
    for (const button of document.querySelectorAll("#store button")) button.setAttribute("aria-pressed", String(button.dataset.store === place));
  }

  window.minnet = { data, state, hidden, update, swap };
  update(first());
})();
