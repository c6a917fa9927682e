// Draws the figures of parts/chart.html. A figure names its colours as var(--token); they are looked up here,
// so one figure serves both themes. plotly.js (1.5 MB) is fetched only by a page that has a figure.
(() => {
  const source = document.currentScript.dataset.plotly;
  const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false,
                   showTips: false, displaylogo: false };
  let loading;

  const plotly = () => loading ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });

  // The browser turns any CSS colour, with or without transparency, into rgb() that plotly understands.
  const palette = () => {
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const known = new Map();
    const look = name => {
      const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      probe.style.color = "";
      probe.style.color = text;
      return probe.style.color ? getComputedStyle(probe).color : text;
    };
    return {
      value: name => known.get(name) ?? known.set(name, look(name)).get(name),
      done: () => probe.remove(),
    };
  };
  const resolve = (part, colours) => {
    if (typeof part === "string") {
      const token = part.match(/^var\((--[\w-]+)\)$/);
      return token ? colours.value(token[1]) : part;
    }
    if (Array.isArray(part)) return part.map(item => resolve(item, colours));
    if (part && typeof part === "object")
      return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, resolve(item, colours)]));
    return part;
  };

  const draw = async place => {
    place.dataset.drawn = "";
    const waiting = place.querySelector(".qq");
    try {
      const Plotly = await plotly();
      if (!place.isConnected) return;
      const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
      const colours = palette();
      const { data, layout } = resolve(figure, colours);
      colours.done();
      waiting?.remove();
      await Plotly.react(place, data, layout, CONFIG);
      const box = place.parentElement; // where it is too wide, the newest windows are what one came for
      if (place.matches(".newest")) box.scrollLeft = box.scrollWidth;
    } catch (error) {
      console.error(error);
      if (waiting) waiting.textContent = "The chart could not be drawn. Its figures are in the table below.";
    }
  };
  // One figure a frame keeps the page answering while many are drawn.
  const drawAll = async places => {
    for (const place of places) {
      await new Promise(requestAnimationFrame);
      await draw(place);
    }
  };
  const drawNew = () => drawAll([...document.querySelectorAll(".chart-draw:not([data-drawn])")]);

  document.addEventListener("DOMContentLoaded", drawNew);
  document.addEventListener("htmx:afterSettle", drawNew);
  document.addEventListener("assay:theme", () => drawAll([...document.querySelectorAll(".chart-draw[data-drawn]")]));
  document.addEventListener("htmx:beforeCleanupElement", event => {
    if (event.target.matches?.(".chart-draw") && window.Plotly) window.Plotly.purge(event.target);
  });
})();
