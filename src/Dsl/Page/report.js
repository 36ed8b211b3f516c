"use strict";
(() => {
  const font = { family: "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif", size: 12, color: "#222" };
  const axis = { gridcolor: "#e9e9e6", zerolinecolor: "#b5b5b0", linecolor: "#8a8a85", ticks: "outside", ticklen: 3, tickcolor: "#8a8a85" };
  const defaults = {
    font, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "#fff", showlegend: false, hovermode: "closest",
    margin: { l: 58, r: 14, t: 34, b: 44 }, dragmode: "zoom",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "#c4c4be", activecolor: "#55554f" },
    hoverlabel: { font: { ...font, size: 11 } },
  };
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "resetScale2d"]], toImageButtonOptions: { format: "svg" } };
  const isObject = v => v !== null && typeof v === "object" && !Array.isArray(v);
  const merge = (a, b) => {
    const out = { ...a };
    for (const key of Object.keys(b)) out[key] = isObject(a?.[key]) && isObject(b[key]) ? merge(a[key], b[key]) : b[key];
    return out;
  };
  const hidden = new Set();

  const draw = div => {
    if (div.dataset.drawn) return;
    div.dataset.drawn = "1";
    const figure = JSON.parse(document.getElementById(div.dataset.figure).textContent);
    const small = div.classList.contains("small");
    const base = merge(defaults, { xaxis: { ...axis, title: { standoff: 6 } }, yaxis: { ...axis, automargin: true, title: { standoff: 8, font: { size: 11 } } } });
    const shape = small ? { margin: { l: 24, r: 4, t: 4, b: 20 }, xaxis: { nticks: 5 }, yaxis: { nticks: 5, automargin: false }, font: { size: 10 } } : {};
    const narrow = div.classList.contains("narrow") ? { margin: { l: 36, r: 6, t: 24, b: 32 }, xaxis: { nticks: 4 }, yaxis: { nticks: 5 }, font: { size: 10 } } : {};
    const layout = merge(merge(merge(base, shape), narrow), figure.layout);
    if (layout.title) layout.title = { x: 0.01, xanchor: "left", y: 0.985, yanchor: "top", font: { size: 13 }, ...layout.title };
    for (const trace of figure.data) if (hidden.has(trace.legendgroup)) trace.visible = false;
    Plotly.newPlot(div, figure.data, layout, small ? { ...config, displayModeBar: false } : config);
  };

  const toggle = (button) => {
    const name = button.dataset.estimator;
    const off = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!off));
    if (off) hidden.add(name); else hidden.delete(name);
    for (const div of document.querySelectorAll(".js-plotly-plot")) {
      const indices = div.data.map((trace, i) => trace.legendgroup === name ? i : -1).filter(i => i >= 0);
      if (indices.length) Plotly.restyle(div, { visible: !off }, indices);
    }
  };

  const start = () => {
    if (typeof Plotly === "undefined") { document.body.classList.add("without-figures"); return; }
    for (const div of document.querySelectorAll(".plot")) if (!div.closest("details")) draw(div);
    for (const details of document.querySelectorAll("details"))
      details.addEventListener("toggle", () => { if (details.open) details.querySelectorAll(".plot").forEach(draw); });
    for (const button of document.querySelectorAll("button[data-estimator]")) button.addEventListener("click", () => toggle(button));
    // Paper is narrower than most windows.
    const fit = () => document.querySelectorAll(".js-plotly-plot").forEach(div => Plotly.Plots.resize(div));
    matchMedia("print").addEventListener("change", fit);
    document.documentElement.dataset.ready = "1";
  };
  start();
})();
