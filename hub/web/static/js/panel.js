// The bench's panel: the emergency stop, what it says, and the keys a person may press now.
import { post } from "./api.js";
import { byId, html, keep, say } from "./dom.js";
import { t } from "./format.js";

async function press(key, refresh) {
  say(byId("panel-error"), "");
  try {
    await post(`/api/panel/${key}`, {});
  } catch (problem) {
    say(byId("panel-error"), problem.message);
  }
  refresh();
}

function stateOf(panel) {
  if (panel.is_pressed) return t("panel_pressed");
  if (panel.is_stopped) return t("panel_stopped", { reason: panel.reason });
  return t(panel.is_contactor_closed ? "panel_ready" : "panel_open");
}

export function showPanel(panel, refresh) {
  byId("panel").hidden = !panel;
  if (!panel) return;
  const isBad = panel.is_stopped || panel.is_pressed;
  byId("panel").className = `panel stop-panel ${isBad ? "bad" : ""}`;
  say(byId("panel-state"), stateOf(panel));
  const help = isBad && panel.kind === "gpio" ? t("panel_help_gpio") : "";
  say(byId("panel-help"), help);
  const make = (key) => ({
    node: html("button", { type: "button", class: key === "stop" ? "stop-key" : "quiet", id: `key-${key}`,
                           onclick: () => press(key, refresh) }, t(`key_${key}`)),
  });
  keep(byId("panel-keys"), panel.keys, (key) => key, make, () => {});
}
