// What ThingSpeak has of each house, read back: one line a field, with its last hours.
import { get } from "./api.js";
import { byId, html, keep, say, svg } from "./dom.js";
import { t } from "./format.js";

const PERIOD_MS = 30_000;
const SPARK = { width: 100, height: 30 };

async function refresh() {
  if (document.hidden) return;
  try {
    show(await get("/api/thingspeak"));
  } catch (problem) {
    console.info(problem.message);
  }
}

function show(history) {
  const houses = Object.entries(history).map(([name, told]) => ({ name, ...told }));
  byId("cloud").hidden = houses.length === 0;
  keep(byId("cloud-houses"), houses, (house) => house.name, makeCard, updateCard);
}

function makeCard(house) {
  const caption = html("span", { class: "house-kind" });
  const rows = html("div");
  const node = html("article", { class: "house" },
    html("div", { class: "house-head" }, html("h3", {}, house.name, caption)), rows);
  return { node, caption, rows };
}

function updateCard(card, house) {
  const times = house.at_ms ?? [];
  const last = times.length ? new Date(times[times.length - 1]).toLocaleString() : "";
  say(card.caption, house.problem ?? (last ? t("cloud_until", { time: last }) : t("cloud_empty")));
  const fields = Object.entries(house.values ?? {})
    .filter(([, values]) => values.some((value) => value !== null));
  keep(card.rows, fields, ([name]) => name, makeRow, updateRow);
}

function makeRow([name]) {
  const value = html("span", { class: "value" });
  const line = svg("path");
  const spark = svg("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`,
    preserveAspectRatio: "none", "aria-hidden": "true" }, line);
  const words = name.split("_");
  const label = words.slice(0, -1).join(" ");
  const node = html("div", { class: "measure cloud-row" }, html("span"),
    html("span", { class: "name" }, label), value, spark);
  return { node, value, line, unit: UNITS[words[words.length - 1]] ?? "" };
}

const UNITS = { v: "V", a: "A", w: "W", wh: "Wh", va: "VA", vah: "VAh" };

function updateRow(row, [, values]) {
  const known = values.filter((value) => value !== null);
  say(row.value, `${known[known.length - 1].toPrecision(4)} ${row.unit}`);
  if (known.length < 2) return;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const points = known.map((value, index) => {
    const x = (SPARK.width * index) / (known.length - 1);
    const y = high === low ? SPARK.height / 2 : 2 + (SPARK.height - 4) * (1 - (value - low) / (high - low));
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  row.line.setAttribute("d", `M${points.join(" L")}`);
}

export function watchCloud() {
  refresh();
  setInterval(refresh, PERIOD_MS);
}
