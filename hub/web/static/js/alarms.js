// What a person has to look at: alarms that hold, or that nobody has seen yet.
import { post } from "./api.js";
import { byId, html, keep, say } from "./dom.js";
import { age, t } from "./format.js";

async function tell(path, body, refresh) {
  say(byId("alarms-error"), "");
  try {
    await post(`/api/alarms/${path}`, body);
  } catch (problem) {
    say(byId("alarms-error"), problem.message);
  }
  refresh();
}

function make(alarm, who, refresh) {
  const row = { text: html("span"), note: html("span", { class: "hint" }) };
  row.button = html("button", { type: "button", class: "quiet", onclick: () => tell(`${alarm.alarm_id}/seen`, { by: who() }, refresh) },
                    t("alarm_seen"));
  row.release = html("button", { type: "button", class: "quiet",
                                 onclick: () => tell(`release/${alarm.release}`, {}, refresh) },
                     t("alarm_release", { node: alarm.release ?? "" }));
  row.node = html("li", { class: `alarm ${alarm.severity}` }, row.text, row.note, row.button, row.release);
  return row;
}

export function showAlarms(snapshot, who, refresh) {
  const { alarms } = snapshot;
  byId("alarms-panel").hidden = alarms.length === 0;
  keep(byId("alarms"), alarms, (one) => one.alarm_id, (one) => make(one, who, refresh), (row, one) => {
    say(row.text, one.sentence);
    const since = t(one.is_over ? "alarm_over" : "alarm_since", { age: age(snapshot.now_ms - one.raised_at_ms) });
    say(row.note, one.seen_by ? `${since} ${t("alarm_seen_by", { who: one.seen_by })}` : since);
    row.button.hidden = Boolean(one.seen_by);
    row.release.hidden = !one.release;
  });
}
