// Smart plugs of a house: its meter, and appliances that the house itself may switch.
import { post } from "./api.js";
import { html, icon, keep, say } from "./dom.js";
import { age, energy, power, t } from "./format.js";

export const makePlugs = () => html("div", { class: "plugs" });

export function showPlugs(parent, plugs, me, refresh) {
  keep(parent, plugs, (plug) => plug.name, (plug) => makePlug(plug, refresh),
    (row, plug) => updatePlug(row, plug, me));
}

function makePlug(plug, refresh) {
  const title = document.createTextNode("");
  const detail = html("span", { class: "detail" });
  const value = html("span", { class: "value" });
  const problem = html("p", { class: "form-error", role: "alert" });
  const row = { title, detail, value, problem, plug, isAsking: false };
  row.key = html("button", { type: "button", class: "plug-key", role: "switch", "aria-label": plug.name,
                             onclick: () => press(row, refresh) });
  row.node = html("div", { class: "measure plug" }, icon("plug"),
    html("span", { class: "name" }, title, detail), value, row.key, problem);
  return row;
}

async function press(row, refresh) {
  row.isAsking = true;
  row.key.disabled = true;
  say(row.problem, "");
  try {
    await post(`/api/plugs/${row.plug.name}`, { peer: row.plug.house, is_on: !row.plug.is_on });
  } catch (problem) {
    say(row.problem, problem.message);
  }
  row.isAsking = false;
  refresh();
}

function updatePlug(row, plug, me) {
  row.plug = plug;
  const what = plug.kind === "simulated" ? "plug_simulated" : "plug_appliance";
  say(row.title, t(plug.is_house_meter ? "plug_meter" : what,
    { name: plug.name.replace(`${plug.house}-`, "") }));
  row.node.classList.toggle("absent", !plug.is_online);
  say(row.value, plug.is_online && plug.power_uw !== null ? power(plug.power_uw) : "–");
  say(row.detail, plug.is_online ? t("plug_counted", { energy: energy(plug.energy_uwh) })
    : plug.age_ms === null ? t("never_seen") : t("offline_since", { age: age(plug.age_ms) }));
  if (plug.is_online && plug.promised_off_until) {
    say(row.detail, t(plug.is_on ? "plug_promised_on" : "plug_promised", { until: plug.promised_off_until.slice(11, 16) }));
  }
  row.node.title = plug.problem ?? "";
  row.key.hidden = !plug.can_switch || plug.house !== me;
  row.key.disabled = row.isAsking || !plug.is_online;
  row.key.setAttribute("aria-checked", String(plug.is_on === true));
  say(row.key, t(plug.is_on ? "plug_on" : "plug_off"));
}
