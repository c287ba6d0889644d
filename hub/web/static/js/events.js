// Demand-response events: what was asked, who promised what, what the meters proved; and the form.
import { get, post } from "./api.js";
import { byId, html, keep, say } from "./dom.js";
import { showError, clearErrors } from "./form.js";
import { energy, money, price, t } from "./format.js";

const PERIOD_MS = 5_000;
const SHOWN = 3;

const clock = (local) => local.slice(11, 16);

async function refresh() {
  if (document.hidden) return;
  try {
    show(await get("/api/events"));
  } catch (problem) {
    console.info(problem.message);
  }
}

function show({ can_announce: canAnnounce, events }) {
  byId("events-panel").hidden = !canAnnounce && events.length === 0;
  byId("event-more").hidden = !canAnnounce;
  keep(byId("events"), events.slice(0, SHOWN), (event) => event.event_id, makeEvent, updateEvent);
}

function makeEvent() {
  const row = { title: html("strong"), terms: html("span", { class: "hint" }), houses: html("ul", { class: "event-houses" }) };
  row.owed = html("p", { class: "hint" });
  row.node = html("li", { class: "trade" }, html("p", { class: "trade-head" }, row.title, row.terms), row.houses, row.owed);
  return row;
}

function updateEvent(row, event) {
  const span = { id: event.event_id, from: clock(event.start_local), to: clock(event.end_local) };
  say(row.title, t("event_title", span));
  const asked = event.asked_uwh === null ? "" : ` ${t("event_asked", { energy: energy(event.asked_uwh) })}`;
  say(row.terms, t("event_reward", { price: price(event.reward_gwei_per_kwh) }) + asked);
  const houses = Object.entries(event.houses).map(([name, house]) => ({ name, ...house }));
  keep(row.houses, houses, (house) => house.name, () => ({ node: html("li") }),
    (item, house) => say(item.node, sentence(house, event.is_verified)));
  if (houses.length === 0) say(row.owed, t("event_nobody"));
  else say(row.owed, event.is_verified ? t("event_owed", { money: money(event.operator_owes_wei) }) : t("event_paid_by"));
}

function sentence(house, isVerified) {
  const words = { house: house.name, energy: energy(house.accepted_uwh), pledged: energy(house.pledged_uwh) };
  if (house.verified_uwh !== null) {
    const proved = t("event_verified", { ...words, verified: energy(house.verified_uwh), money: money(house.reward_wei) });
    return house.problem ? `${proved} (${house.problem})` : proved;
  }
  if (house.is_asked) return t(isVerified ? "event_silent" : "event_waits", words);
  if (house.problem) return t("event_declined", words);
  return t(house.accepted_uwh > 0 ? "event_accepted" : "event_not_needed", words);
}

async function announce(event) {
  event.preventDefault();
  const send = byId("event-send");
  clearErrors("event");
  send.disabled = true;
  try {
    await post("/api/events", {
      in_minutes: byId("event-in_minutes").value, for_minutes: byId("event-for_minutes").value,
      reward: byId("event-reward").value, asked: byId("event-asked").value || null,
    });
    byId("event-more").open = false;
  } catch (problem) {
    showError("event", problem);
  }
  send.disabled = false;
  refresh();
}

export function watchEvents() {
  byId("event-form").addEventListener("submit", announce);
  refresh();
  setInterval(refresh, PERIOD_MS);
}
