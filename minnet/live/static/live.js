"use strict";
(() => {
  const panel = document.getElementById("live");
  const at = (name) => document.getElementById(`live-${name}`);
  const night = matchMedia("(prefers-color-scheme: dark)");
  let last = null;

  const stream = new EventSource("/events");
  stream.addEventListener("progress", (event) => show((last = JSON.parse(event.data))));
  stream.addEventListener("page", (event) => take(new DOMParser().parseFromString(event.data, "text/html")));
  stream.addEventListener("end", () => stream.close());
  stream.addEventListener("error", () => {
    panel.dataset.state = "lost";
    at("text").textContent = "No answer: what is shown is the last that was heard. This page goes on when the comparison does.";
  });
  night.addEventListener("change", () => last && show(last));
  new ResizeObserver(() => at("chart").data && Plotly.Plots.resize(at("chart"))).observe(at("chart"));

  // The page: taken over whole the first time, afterwards only what has changed.
  function take(fresh) {
    document.title = fresh.title;
    if (!window.minnet || skeleton(fresh) !== skeleton(document)) return adopt(fresh);
    const data = document.getElementById("minnet-data");
    data.textContent = fresh.getElementById("minnet-data").textContent;
    window.minnet.swap(fresh);
    window.minnet.update(JSON.parse(data.textContent));
  }

  const skeleton = (page) => [...page.querySelectorAll("[data-part], .chart")].map((each) => each.dataset.part ?? each.id).join(" ");

  function adopt(fresh) {
    document.head.querySelectorAll("style[data-report]").forEach((style) => style.remove());
    for (const style of fresh.head.querySelectorAll("style")) {
      style.dataset.report = "";
      document.head.append(style);
    }
    document.body.replaceChildren(panel, ...fresh.body.childNodes);
    document.body.append(Object.assign(document.createElement("script"), { src: "/report.js" }));
  }

  // The panel: what runs.
  function show(news) {
    const over = ["finished", "interrupted", "failed"].includes(news.state);
    panel.dataset.state = news.state;
    at("text").textContent = news.text;
    at("trouble").textContent = news.trouble;
    at("trouble").hidden = !news.trouble;
    at("share").hidden = over;
    if (news.share === null) at("share").removeAttribute("value");
    else at("share").value = news.share;
    at("now").hidden = over || news.curves.length === 0;
    fill("running", news.running, news.looks);
    fill("best", news.best, news.looks);
    if (!at("now").hidden) draw(news);
  }

  function fill(name, rows, looks) {
    const line = ({ label, cells }) => {
      const row = document.createElement("tr");
      for (const text of cells) row.insertCell().textContent = text;
      const { colour, dash } = ink(looks[label]);
      const swatch = document.createElement("i");
      Object.assign(swatch.style, { borderTopColor: colour, borderTopStyle: dash === "solid" ? "solid" : dash === "dot" ? "dotted" : "dashed" });
      row.cells[0].prepend(swatch);
      return row;
    };
    at(name).hidden = rows.length === 0;
    at(name).tBodies[0].replaceChildren(...rows.map(line));
  }

  function isDark() { // as the switch of the page says, or the browser
    const { theme } = document.documentElement.dataset;
    return theme === "dark" || (theme !== "light" && night.matches);
  }

  const ink = (look) => ({ ...look, colour: isDark() ? look.dark : look.colour });

  function draw({ curves, looks, validated }) {
    const [text, grid] = isDark() ? ["#eef0f3", "#343a44"] : ["#16181c", "#dfe3e8"];
    const traces = curves.flatMap(({ label, name, running, rows }) => {
      const { colour, dash, marker } = ink(looks[label]);
      const [epoch, loss, accuracy] = [0, 1, 2].map((place) => rows.map((row) => row[place]));
      const common = {
        x: epoch, name, mode: running ? "lines+markers" : "lines", showlegend: false, opacity: running ? 1 : 0.35,
        line: { color: colour, dash, width: running ? 3 : 1.5 }, marker: { color: colour, symbol: marker, size: 7 },
      };
      return [
        { ...common, y: loss, hovertemplate: "%{y:.4g}, epoch %{x}" },
        { ...common, y: accuracy, xaxis: "x2", yaxis: "y2", hovertemplate: "%{y:.2%}, epoch %{x}" },
      ];
    });
    const axis = (more) => ({ gridcolor: grid, zeroline: false, automargin: true, ...more });
    const losses = curves.flatMap(({ rows }) => rows.map((row) => row[1])).filter((loss) => loss > 0);
    const decades = losses.length ? Math.log10(Math.max(...losses) / Math.min(...losses)) : 1;
    const log = { type: "log", tickformat: "~g", dtick: decades < 1.6 ? "D2" : Math.ceil(decades / 8), minor: { showgrid: false } };
    const epochs = axis({ title: { text: "epoch" } });
    const head = (measure, of) => ({
      text: `${validated ? "validation" : "training"} ${measure}`, showarrow: false, font: { size: 15 },
      x: 0, xref: `${of} domain`, xanchor: "left", y: 1, yref: "paper", yanchor: "bottom",
    });
    const layout = {
      grid: { rows: 1, columns: 2, pattern: "independent", xgap: 0.25 },
      annotations: [head("loss", "x"), head("accuracy", "x2")],
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 14 },
      margin: { l: 10, r: 10, t: 30, b: 10 },
      xaxis: epochs, yaxis: axis(log),
      xaxis2: epochs, yaxis2: axis({ tickformat: ".0%" }),
      uirevision: "live",
    };
    Plotly.react(at("chart"), traces, layout, { displayModeBar: false });
  }
})();
