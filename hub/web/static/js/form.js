// The form that posts an offer or a bid, and how a form shows what the hub refused.
import { byId, say } from "./dom.js";
import { exactMoney, milliWattHours, money, price, t, typed } from "./format.js";
import { post } from "./api.js";

export function showError(form, problem) {
  say(byId(`${form}-error`), problem.message);
  const input = problem.field ? byId(`${form}-${problem.field}`) : null;
  if (!input) return;
  input.closest(".field").classList.add("wrong");
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

export function clearErrors(form) {
  say(byId(`${form}-error`), "");
  for (const field of byId(`${form}-form`).querySelectorAll(".field")) {
    field.classList.remove("wrong");
    field.querySelector("input").removeAttribute("aria-invalid");
  }
}

const side = () => byId("order-form").elements.side.value;

// A consumer most likely wants to buy.
export function preferSide(kind) {
  byId("order-form").elements.side.value = kind === "consumer" ? "bid" : "offer";
  showTotal();
}

function showTotal() {
  const [uwh, gwei] = [typed(byId("order-energy").value, 3), typed(byId("order-price").value, 9)];
  const isKnown = uwh !== null && gwei !== null;
  say(byId("order-total-label"), t(`total_${side()}`));
  say(byId("order-total"), isKnown ? money(uwh * gwei) : "–");
  byId("order-total").title = isKnown ? exactMoney(uwh * gwei) : "";
  say(byId("order-send"), t(`send_${side()}`));
}

export function showForm(snapshot, me) {
  const { site, window } = snapshot;
  const least = window?.min_energy_uwh ?? site.min_energy_uwh;
  say(byId("order-energy-hint"), t("hint_energy", { least: `${milliWattHours(least)} mWh` }));
  const tariffs = { feed_in: price(site.feed_in_gwei_per_kwh), retail: price(site.retail_gwei_per_kwh) };
  say(byId("order-price-hint"), t("hint_price", tariffs));
  say(byId("order-note"), window?.phase === "bids" ? "" : t("orders_closed"));
  const wallet = snapshot.balances[me];
  for (const [id, wei] of [["available", wallet?.available_wei], ["escrow", wallet?.in_escrow_wei]]) {
    say(byId(id), wei === undefined ? "–" : money(wei));
    byId(id).title = wei === undefined ? "" : exactMoney(wei);
  }
}

export function wireForm(peer, refresh) {
  const [form, send] = [byId("order-form"), byId("order-send")];
  form.addEventListener("input", () => {
    clearErrors("order");
    say(byId("order-done"), "");
    showTotal();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors("order");
    say(byId("order-done"), "");
    send.disabled = true;
    say(send, t("sending"));
    const posted = side();
    try {
      const { order_id } = await post("/api/orders", {
        peer: peer(), side: posted, energy: byId("order-energy").value, price: byId("order-price").value,
      });
      say(byId("order-done"), t(`done_${posted}`, { id: order_id }));
    } catch (problem) {
      showError("order", problem);
    }
    send.disabled = false;
    showTotal();
    refresh();
  });
  showTotal();
}
