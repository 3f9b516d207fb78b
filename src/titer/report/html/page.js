// Draws each chart when it comes into view, and all of them before the page is printed.
"use strict";
{
const specs = JSON.parse(document.getElementById("charts").textContent);
const options = {
  mode: "vega-lite",
  renderer: "svg",
  actions: false,
  ast: true, // an interpreter in the place of eval, which the page forbids
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
};
const waiting = new Map();
for (const place of document.querySelectorAll("[data-chart]")) waiting.set(place, specs[place.dataset.chart]);

function draw(place) {
  const spec = waiting.get(place);
  if (spec === undefined) return Promise.resolve();
  waiting.delete(place);
  return vegaEmbed(place, spec, options).then(() => place.classList.add("drawn"));
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  },
  { rootMargin: "400px" },
);
for (const place of waiting.keys()) seen.observe(place);
addEventListener("beforeprint", () => {
  for (const place of [...waiting.keys()]) draw(place);
});
}
