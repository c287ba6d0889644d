// One card per house: what each meter port shows now, the last minutes, the registers.
import { byId, html, icon, keep, say, svg } from "./dom.js";
import { makePlugs, showPlugs } from "./plugs.js";
import { makePreferences, showPreferences } from "./preferences.js";
import { age, apparent, apparentHours, energy, power, t, voltage } from "./format.js";

const PORTS = ["pv", "load", "battery", "bus"];
const QUIET_UW = 20_000;
const REGISTERS = ["pv_export_uwh", "bus_export_uwh", "bus_import_uwh", "battery_import_uwh",
  "battery_export_uwh", "load_import_uwh", "load_export_uwh", "pv_import_uwh"];
const SPARK = { width: 100, height: 30 };

export function showHouses(snapshot, history, me, refresh) {
  keep(byId("houses"), snapshot.houses, (house) => house.name, makeCard, (card, house) => {
    updateCard(card, house, history[house.name], { me, scale: snapshot.site.model_scale });
    showPlugs(card.plugs, snapshot.plugs.filter((plug) => plug.house === house.name), me, refresh);
    showPreferences(card.preferences, snapshot, me);
  });
}

function makeCard(house) {
  const chip = html("span", { class: "chip" });
  const state = html("span", { class: "chip state" });
  const rows = Object.fromEntries(PORTS.map((port) => [port, makeRow(port)]));
  const registers = html("dl", { class: "registers" });
  const plugs = makePlugs();
  const preferences = makePreferences(house);
  const id = `house-title-${house.name}`;
  const node = html("article", { class: "house", "aria-labelledby": id },
    html("div", { class: "house-head" },
      html("h3", { id }, house.name, html("span", { class: "house-kind" }, t(house.kind))), state, chip),
    ...PORTS.map((port) => rows[port].node), plugs, preferences.node,
    html("details", {}, html("summary", {}, t("registers")), registers));
  return { node, chip, state, rows, registers, plugs, preferences };
}

function makeRow(port) {
  const [name, detail] = [html("span", { class: "name" }), html("span", { class: "detail" })];
  const value = html("span", { class: "value" });
  const [area, line] = [svg("path", { class: "area" }), svg("path")];
  const spark = svg("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`,
    preserveAspectRatio: "none", "aria-hidden": "true" }, area, line);
  const title = document.createTextNode("");
  name.append(title, detail);
  const node = html("div", { class: `measure ${port === "bus" ? "bus-row" : port}` }, icon(port), name, value, spark);
  return { node, title, detail, value, spark, area, line };
}

function updateCard(card, house, history, { me, scale }) {
  card.node.classList.toggle("mine", house.name === me);
  card.node.classList.toggle("offline", !house.is_online);
  const isSwitched = house.relay === "in" || house.relay === "out";
  card.chip.className = `chip ${house.is_online ? (isSwitched ? house.relay : "") : "bad"}`;
  say(card.chip, house.is_online ? t(`relay_${house.relay ?? "unknown"}`) : offline(house));
  const trouble = house.fault ?? house.quality.find((word) => word !== "clock_not_set");
  card.state.className = `chip state ${house.state === "fault" ? "bad" : ""}`;
  card.state.hidden = !trouble && (house.state ?? "idle") === "idle";
  const word = house.state === "fault" || !trouble ? t(`state_${house.state}`) : t(`quality_${trouble}`);
  say(card.state, house.fault ? `${word}: ${house.fault.replaceAll("_", " ")}` : word);
  for (const port of PORTS) updateRow(card.rows[port], port, house, { values: history?.[`${port}_uw`], scale });
  showRegisters(card.registers, house);
}

const offline = (house) =>
  house.age_ms === null ? t("never_seen") : t("offline_since", { age: age(house.age_ms) });

function updateRow(row, port, house, { values, scale }) {
  const measured = house.measured[port] ?? {};
  const isApparent = port === "load" && measured.power_uw == null && house.load_apparent_uva != null;
  const isAbsent = !isApparent && measured.power_uw == null && measured.voltage_uv == null;
  row.node.classList.toggle("absent", isAbsent);
  row.spark.toggleAttribute("hidden", isAbsent);
  row.spark.style.display = isAbsent ? "none" : "";
  say(row.title, t(isApparent ? "load_apparent" : port));
  if (isAbsent) {
    say(row.value, house.age_ms === null ? "–" : t("not_fitted"));
    say(row.detail, "");
    return;
  }
  const watts = measured.power_uw;
  const volts = measured.voltage_uv == null ? "" : voltage(measured.voltage_uv);
  const unit = isApparent ? apparent : power;
  const shown = isApparent ? house.load_apparent_uva : watts == null ? null : Math.abs(watts);
  say(row.value, shown === null ? volts || "–" : unit(shown));
  const toScale = port === "load" && scale > 1 && shown !== null ? t("to_scale", { power: unit(shown / scale) }) : "";
  say(row.detail, [shown === null ? "" : volts, direction(port, watts), toScale].filter(Boolean).join(" · "));
  row.node.classList.toggle("is-out", port === "bus" && watts < -QUIET_UW);
  row.node.classList.toggle("is-in", port === "bus" && watts > QUIET_UW);
  drawSpark(row, values ?? []);
}

function direction(port, watts) {
  if (watts == null || Math.abs(watts) < QUIET_UW) return "";
  if (port === "battery") return t(watts > 0 ? "charging" : "discharging");
  if (port === "bus") return t(watts > 0 ? "taking" : "giving");
  return "";
}

function drawSpark(row, values) {
  const known = values.filter((value) => value !== null).map((value) => Math.abs(value));
  if (known.length < 2) {
    row.line.setAttribute("d", "");
    row.area.setAttribute("d", "");
    return;
  }
  const top = Math.max(...known, 1000);
  const points = known.map((value, index) =>
    `${((SPARK.width * index) / (known.length - 1)).toFixed(1)} ${(SPARK.height - 2 - (SPARK.height - 4) * (value / top)).toFixed(1)}`);
  row.line.setAttribute("d", `M${points.join(" L")}`);
  row.area.setAttribute("d", `M0 ${SPARK.height} L${points.join(" L")} L${SPARK.width} ${SPARK.height} Z`);
}

function showRegisters(list, house) {
  const shown = REGISTERS.filter((name) => house.registers[name] != null)
    .map((name) => [t(`reg_${name.replace("_uwh", "")}`), energy(house.registers[name])]);
  if (house.load_apparent_uvah != null)
    shown.push([t("reg_load_apparent"), apparentHours(house.load_apparent_uvah)]);
  keep(list, shown.flatMap(([name, value]) => [["dt", name, name], ["dd", value, name]]),
    ([tag, , name]) => tag + name, ([tag]) => ({ node: html(tag) }), (row, [, text]) => say(row.node, text));
}
