// Counter-offers between two houses, and orders that wait for the coordinator.
import { post } from "./api.js";
import { openAnswer } from "./book.js";
import { byId, html, keep, say } from "./dom.js";
import { milliWattHours, price, t } from "./format.js";

let current = { me: "", refresh: () => {} };

export function showBargains(snapshot, me, refresh) {
  current = { me, refresh };
  const { counters, reviews } = snapshot;
  const mine = counters.filter((one) => one.by === me || one.to === me);
  showList("counters", mine, (one) => one.counter_id, makeCounter, updateCounter);
  const waiting = reviews.is_manual ? reviews.pending : [];
  byId("reviews-title").hidden = waiting.length === 0;
  showList("reviews", waiting, (one) => one.order_id, makeReview, updateReview);
  const rejected = reviews.rejected.filter((one) => one.peer === me);
  showList("rejections", rejected, (one) => one.order_id,
    () => ({ node: html("li", { class: "bargain" }) }),
    (row, one) => say(row.node, t("rejected", { id: one.order_id, reason: one.reason })));
}

function showList(id, items, keyOf, make, update) {
  const box = byId(id);
  box.hidden = items.length === 0;
  keep(box, items, keyOf, make, update);
}

const terms = (one) => ({
  energy: `${milliWattHours(one.energy_uwh)} mWh`, price: `${price(one.price_gwei_per_kwh)} ETH/kWh`,
});

function button(key, act) {
  return html("button", { type: "button", class: "small", onclick: act }, t(key));
}

function makeRow(...buttons) {
  const row = { text: html("span"), error: html("span", { class: "form-error", role: "alert" }), buttons };
  row.node = html("li", { class: "bargain" }, row.text, html("span", { class: "buttons" }, ...buttons), row.error);
  return row;
}

function makeCounter() {
  const row = makeRow(
    button("accept", () => send(row, `/api/counters/${row.one.counter_id}/accept`, { peer: current.me })),
    button("answer", () => openAnswer(row.one)),
    button("withdraw", () => send(row, `/api/counters/${row.one.counter_id}/withdraw`, { peer: current.me })),
  );
  return row;
}

function updateCounter(row, one) {
  row.one = one;
  const isAsked = one.to === current.me;
  say(row.text, t(isAsked ? "counter_to_you" : "counter_by_you", { id: one.order_id, by: one.by, to: one.to, ...terms(one) }));
  row.buttons[0].hidden = !isAsked;
  row.buttons[1].hidden = !isAsked;
  say(row.buttons[2], t(isAsked ? "decline" : "withdraw"));
}

function makeReview() {
  const review = (isApproved) => () => send(row, "/api/reviews", { order_ids: [row.one.order_id], is_approved: isApproved });
  const row = makeRow(button("approve", review(true)), button("reject", review(false)));
  return row;
}

function updateReview(row, one) {
  row.one = one;
  say(row.text, t(one.is_offer ? "review_offer" : "review_bid", { id: one.order_id, peer: one.peer, ...terms(one) }));
}

async function send(row, path, body) {
  row.buttons.forEach((one) => (one.disabled = true));
  say(row.error, "");
  try {
    await post(path, body);
  } catch (problem) {
    say(row.error, problem.message);
  }
  row.buttons.forEach((one) => (one.disabled = false));
  current.refresh();
}
