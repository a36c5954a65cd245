"use strict";
(() => {
  const { methods, charts, start, leaders } = JSON.parse(document.getElementById("payload").textContent);
  const state = { ...start };
  const hidden = new Set([...methods.keys()].filter((method) => method >= leaders));
  const night = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const paper = { scores: 64 + 24 * methods.length, loss: 310, accuracy: 310, sensitivity: 330 + 14 * methods.length };
  const lasting = new Set(["bar", "faint", "default", "selected", "lost"]); // rows with names: drawn for every method

  const viewOf = {
    scores: () => "all",
    loss: () => `${state.axis} ${state.split} ${state.loss}`,
    accuracy: () => `${state.axis} ${state.split} ${state.accuracy}`,
    sensitivity: () => state.tuned,
  };

  function theme() {
    const dark = night.matches && !printing;
    return dark
      ? { dark, ink: "#eef0f3", soft: "#aeb4be", grid: "#343a44", ground: "#14171c" }
      : { dark, ink: "#16181c", soft: "#51565f", grid: "#dfe3e8", ground: "#ffffff" };
  }

  const alpha = (hex, share) =>
    `rgba(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(",")},${share})`;

  function paint(trace, look) {
    const method = methods[trace.meta.method];
    const colour = look.dark ? method.dark : method.colour;
    const marker = { symbol: method.marker, color: colour, line: { width: 1, color: look.ground }, ...trace.marker };
    switch (trace.meta.role) {
      case "band":
        return { ...trace, fillcolor: alpha(colour, look.dark ? 0.18 : 0.12), line: { ...trace.line, color: colour } };
      case "line":
        return { ...trace, marker, line: { ...trace.line, color: colour, dash: method.dash } };
      case "ring":
        return { ...trace, marker: { ...marker, symbol: "circle-open", line: { width: 3, color: colour } } };
      case "default":
        return { ...trace, marker: { ...marker, symbol: "line-ns", size: 10, line: { width: 3, color: colour } } };
      case "selected":
        return { ...trace, marker: { ...marker, symbol: "circle-open", size: 12, line: { width: 3, color: colour } } };
      case "lost":
        return { ...trace, marker: { ...marker, symbol: "x-thin", size: 8, line: { width: 2, color: colour } } };
      case "bar":
        return { ...trace, marker: { ...marker, line: { ...trace.marker.line, color: colour } } };
      case "faint":
        return { ...trace, marker: { ...marker, opacity: 0.75 } };
      default:
        return { ...trace, marker };
    }
  }

  // A logarithmic axis shows the error, not the accuracy, and has no zero.
  function asError(trace, floor) {
    const y = trace.y.map((accuracy) => (accuracy === null ? null : Math.max(1 - accuracy, floor)));
    return { ...trace, y, customdata: trace.y, hovertemplate: trace.hovertemplate?.replace("%{y", "accuracy %{customdata") };
  }

  function draw(id) {
    const box = document.getElementById(`chart-${id}`);
    const chart = charts[id];
    const key = viewOf[id]();
    const view = chart.views[key];
    const look = theme();
    const size = printing ? 12 : 17;
    const shown = (trace) => trace.meta.views.includes(key)
      && (!hidden.has(trace.meta.method) || lasting.has(trace.meta.role))
      && (trace.meta.role !== "band" || state.band === "on");
    const axis = (own) => ({
      automargin: true, zeroline: false, gridcolor: look.grid, linecolor: look.soft, tickcolor: look.soft,
      tickfont: { size: size - 1 }, ...own, title: { standoff: 12, ...own.title, font: { size } },
    });
    const layout = {
      ...chart.layout,
      paper_bgcolor: look.ground, plot_bgcolor: look.ground, font: { color: look.ink, size, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { font: { size }, align: "left" },
      xaxis: axis(view.x), yaxis: axis(view.y), ...(view.y2?.visible ? { yaxis2: { ...axis(view.y2), tickfont: { size: size - 4 } } } : {}),
      shapes: view.shapes.map((s) => ({ ...s, layer: "below", line: { color: look.soft, width: 2, dash: "dot" } })),
      annotations: view.annotations.map((a) => ({ ...a, font: { color: look.soft, size: size - 2 } })),
      uirevision: key,
    };
    if (view.y2?.visible) layout.xaxis.anchor = "y2";
    if (printing) Object.assign(layout, { width: 680, height: paper[id] });
    const traces = chart.data.filter(shown).map((trace) => paint(view.floor ? asError(trace, view.floor) : trace, look));
    const config = {
      responsive: true, displaylogo: false, displayModeBar: "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { filename: `minnet-${id}`, format: "svg" },
    };
    box.setAttribute("aria-label", view.about);
    document.getElementById(`reading-${id}`).textContent = view.reading;
    Plotly.react(box, traces, layout, config);
  }

  const drawAll = () => Object.keys(charts).forEach(draw);

  function showToggles() {
    for (const group of document.querySelectorAll("[data-toggle]")) {
      for (const button of group.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(state[group.dataset.toggle] === button.dataset.value));
        button.disabled = group.dataset.toggle === "split" && !start.splits.includes(button.dataset.value);
      }
    }
  }

  for (const group of document.querySelectorAll("[data-toggle]")) {
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      state[group.dataset.toggle] = button.dataset.value;
      showToggles();
      drawAll();
    });
  }

  document.getElementById("legend").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.show) {
      hidden.clear();
      methods.forEach((_, method) => method >= Number(button.dataset.show) && hidden.add(method));
    } else {
      const method = Number(button.dataset.method);
      if (!hidden.delete(method)) hidden.add(method);
    }
    showLegend();
    drawAll();
  });

  function showLegend() {
    for (const button of document.querySelectorAll("#legend [data-method]")) {
      button.setAttribute("aria-pressed", String(!hidden.has(Number(button.dataset.method))));
    }
  }

  const table = document.getElementById("leaderboard");
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent;
      const order = (a, b) => {
        const [left, right] = [value(a), value(b)];
        if ((left === "") !== (right === "")) return left === "" ? 1 : -1; // what is missing stays last
        const numeric = Number(left) - Number(right);
        return (down ? -1 : 1) * (Number.isNaN(numeric) ? left.localeCompare(right) : numeric);
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
    });
  });

  function print(on) {
    printing = on;
    if (on) document.querySelectorAll("details:not([open])").forEach((each) => each.setAttribute("open", "print"));
    else document.querySelectorAll('details[open="print"]').forEach((each) => each.removeAttribute("open"));
    drawAll();
  }

  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  night.addEventListener("change", drawAll);
  showToggles();
  showLegend();
  drawAll();
})();
