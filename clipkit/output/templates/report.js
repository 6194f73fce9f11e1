"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const boxes = Array.from(document.querySelectorAll("[data-figure]"));
  const ink = () => getComputedStyle(document.body).color;
  for (const box of boxes) {
    const spec = JSON.parse(document.getElementById(box.dataset.figure).textContent);
    spec.layout.font.color = ink();
    Plotly.newPlot(box, spec.data, spec.layout, { responsive: true, displayModeBar: false });
  }
  dark.addEventListener("change", () => {
    for (const box of boxes) Plotly.relayout(box, { "font.color": ink() });
  });
})();
