// The order book, both sides with their depth, and the dialog that takes an order.
import { byId, html, keep, say } from "./dom.js";
import { energy, exactMoney, milliWattHours, money, price, t, typed } from "./format.js";
import { post } from "./api.js";
import { clearErrors, showError } from "./form.js";

// The order in the dialog; with `answers` the counter-offer that other terms are for.
let taken = null;
let current = { me: "", refresh: () => {} };

export function showBook(snapshot, me, refresh) {
  current = { me, refresh, least: snapshot.window?.min_energy_uwh ?? snapshot.site.min_energy_uwh };
  const { offers, bids } = snapshot.book;
  const deepest = Math.max(1, ...[...offers, ...bids].map((order) => order.energy_uwh));
  const isOpen = ["bids", "taking"].includes(snapshot.window?.phase);
  const canTake = isOpen && !snapshot.window.has_book;
  current.needsApproval = snapshot.window?.needs_approval ?? false;
  current.isFrozen = snapshot.window?.has_book && snapshot.window.phase === "taking";
  showSide("offers", offers, deepest, canTake);
  showSide("bids", bids, deepest, canTake);
  const sum = (orders) => energy(orders.reduce((total, order) => total + order.energy_uwh, 0));
  say(byId("book-caption"), isOpen
    ? t("book_spread", { offered: sum(offers), wanted: sum(bids) }) : t("book_closed"));
  if (taken && byId("take").open) showLeft([...offers, ...bids].find((one) => one.order_id === taken.order_id));
}

function showSide(side, orders, deepest, canTake) {
  const box = byId(side);
  if (!box.table) makeTable(box, side);
  box.table.hidden = orders.length === 0;
  box.empty.hidden = orders.length > 0;
  keep(box.rows, orders, (order) => order.order_id, makeRow, (row, order) => {
    row.order = order;
    const isMine = order.peer === current.me;
    row.node.classList.toggle("mine", isMine);
    say(row.price, price(order.price_gwei_per_kwh));
    say(row.energy, milliWattHours(order.energy_uwh));
    const isWaiting = current.needsApproval && !order.is_approved;
    const notes = [isWaiting && "waits_for_approval", order.names_sellers && "names_sellers"];
    say(row.peer, [order.peer, ...notes.filter(Boolean).map((note) => t(note))].join(" · "));
    row.peer.title = exactMoney(order.cost_wei);
    row.depth.style.width = `${(100 * order.energy_uwh) / deepest}%`;
    say(row.button, t(isMine ? "cancel" : "take"));
    row.button.className = `small ${isMine ? "" : "take"}`;
    row.button.disabled = isMine ? Boolean(current.isFrozen) : !canTake || isWaiting;
    row.button.setAttribute("aria-label", `${t(isMine ? "cancel" : "take")} ${order.order_id}, ${order.peer}`);
  });
}

function makeTable(box, side) {
  box.rows = html("tbody");
  const heads = ["col_price", "col_energy", "col_house"].map((key) => html("th", { scope: "col" }, t(key)));
  box.table = html("table", { class: `orders ${side}` },
    html("thead", {}, html("tr", {}, ...heads, html("th", {}, html("span", { class: "sr" }, t("take"))))), box.rows);
  box.empty = html("p", { class: "empty" }, t(`no_${side}`));
  box.error = html("p", { class: "form-error", role: "alert" });
  box.append(box.table, box.empty, box.error);
}

function makeRow() {
  const row = { depth: html("div", { class: "depth", "aria-hidden": "true" }) };
  for (const name of ["price", "energy", "peer"]) row[name] = html("span");
  row.button = html("button", { type: "button", onclick: () => act(row) });
  row.node = html("tr", {},
    html("td", {}, row.depth, row.price), html("td", {}, row.energy), html("td", {}, row.peer), html("td", {}, row.button));
  return row;
}

async function act(row) {
  const { order, button } = row;
  if (order.peer !== current.me) return openDialog(order);
  const box = byId(order.is_offer ? "offers" : "bids");
  button.disabled = true;
  say(box.error, "");
  try {
    await post(`/api/orders/${order.order_id}/cancel`, { peer: current.me });
  } catch (problem) {
    say(box.error, problem.message);
  }
  button.disabled = false;
  current.refresh();
}

function openDialog(order) {
  taken = order;
  const kind = order.is_offer ? "offer" : "bid";
  say(byId("take-title"), t(`take_${kind}_title`, { peer: order.peer }));
  say(byId("take-text"), t(`take_${kind}_text`, { peer: order.peer, price: `${price(order.price_gwei_per_kwh)} ETH/kWh` }));
  say(byId("take-total-label"), t(order.is_offer ? "total_take_offer" : "total_offer"));
  say(byId("take-send"), t(`take_${kind}_send`));
  byId("take-energy").value = milliWattHours(order.energy_uwh);
  byId("take-price").value = price(order.price_gwei_per_kwh);
  say(byId("take-price-hint"), t("hint_other_price"));
  clearErrors("take");
  showLeft(order);
  byId("take").showModal();
  byId("take-energy").select();
}

// Opens the same dialog for an answer to a counter-offer.
export function openAnswer(counter) {
  const isBuyer = (counter.is_offer && counter.to !== counter.maker) || (!counter.is_offer && counter.to === counter.maker);
  openDialog({ ...counter, peer: counter.by, is_offer: isBuyer, answers: counter.counter_id });
}

const isOtherPrice = () => taken.answers || typed(byId("take-price").value, 9) !== BigInt(taken.price_gwei_per_kwh);

function showLeft(order) {
  const [left, least] = [order?.energy_uwh ?? 0, current.least];
  say(byId("take-energy-hint"), t("hint_take", { left: `${milliWattHours(left)} mWh`, least: `${milliWattHours(least)} mWh` }));
  showTotal();
}

function showTotal() {
  const uwh = typed(byId("take-energy").value, 3);
  const gwei = typed(byId("take-price").value, 9);
  say(byId("take-total"), uwh === null || gwei === null ? "–" : money(uwh * gwei));
  const kind = taken.is_offer ? "offer" : "bid";
  say(byId("take-send"), t(isOtherPrice() ? "propose" : `take_${kind}_send`));
}

async function takeOrPropose() {
  const body = { peer: current.me, energy: byId("take-energy").value };
  if (!isOtherPrice()) {
    const whole = { ...body, price_gwei_per_kwh: taken.price_gwei_per_kwh };
    const { trade_id } = await post(`/api/orders/${taken.order_id}/take`, whole);
    return t("done_take", { id: trade_id });
  }
  const path = taken.answers ? `/api/counters/${taken.answers}` : `/api/orders/${taken.order_id}/counter`;
  await post(path, { ...body, price: byId("take-price").value });
  return t("done_counter", { peer: taken.peer });
}

export function wireDialog() {
  const [dialog, send] = [byId("take"), byId("take-send")];
  byId("take-close").addEventListener("click", () => dialog.close());
  for (const id of ["take-energy", "take-price"]) byId(id).addEventListener("input", showTotal);
  byId("take-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    clearErrors("take");
    send.disabled = true;
    try {
      say(byId("order-done"), await takeOrPropose());
      dialog.close();
    } catch (problem) {
      showError("take", problem);
    }
    send.disabled = false;
    current.refresh();
  });
}
