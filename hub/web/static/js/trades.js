// Trades with their steps from matched to paid, what each meter saw and where the money is.
import { byId, html, keep, say } from "./dom.js";
import { energy, exactMoney, milliWattHours, money, price, t } from "./format.js";

const STEPS = ["matched", "queued", "armed", "delivering", "reported", "settled"];
const FINE = ["energy_reached", "commanded", null];

export function showTrades(snapshot, me) {
  const isMine = byId("trades").closest("section").querySelector("input:checked").value === "mine";
  const shown = snapshot.trades.filter((one) => !isMine || one.seller === me || one.buyer === me);
  const box = byId("trades");
  say(byId("whose-mine"), me);
  if (!box.list) {
    box.list = html("div", { class: "trades" });
    box.empty = html("p", { class: "empty" });
    box.append(box.empty, box.list);
  }
  box.empty.hidden = shown.length > 0;
  say(box.empty, t(isMine ? "no_trades" : "no_trades_all", { peer: me }));
  keep(box.list, shown, (trade) => trade.trade_id, makeTrade, (row, trade) => {
    row.node.classList.toggle("mine", trade.seller === me || trade.buyer === me);
    updateTrade(row, trade);
  });
}

function makeTrade(trade) {
  const steps = STEPS.map((step) => html("li", {}, t(`step_${step}`)));
  const [title, fill, facts, reason] = [html("strong"), html("div"), html("dl", { class: "facts" }), html("p", { class: "reason" })];
  const bar = html("div", { class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": t("trade_moved") }, fill);
  const node = html("article", { class: "trade" },
    html("div", { class: "trade-head" }, title, html("span", { class: "id" }, `#${trade.trade_id}`)),
    html("ol", { class: "steps" }, ...steps), bar, facts, reason);
  return { node, steps, title, fill, bar, facts, reason };
}

function updateTrade(row, trade) {
  say(row.title, `${t("trade_line", trade)} · ${milliWattHours(trade.energy_uwh)} mWh`);
  const isFailed = trade.state === "refunded" || trade.state === "disputed";
  const at = isFailed ? STEPS.length - 1 : STEPS.indexOf(trade.state);
  row.steps.forEach((node, index) => {
    node.className = index < at || trade.state === "settled" ? "done" : index === at ? (isFailed ? "bad" : "now") : "";
    if (node.className === "now") node.setAttribute("aria-current", "step");
    else node.removeAttribute("aria-current");
  });
  say(row.steps[STEPS.length - 1], t(`step_${isFailed ? trade.state : "settled"}`));
  const moved = trade.settled_uwh ?? trade.moved_uwh;
  const percent = Math.min(100, (100 * moved) / trade.energy_uwh);
  row.fill.style.width = `${percent}%`;
  row.bar.setAttribute("aria-valuenow", Math.round(percent));
  row.bar.classList.toggle("full", trade.state === "settled");
  showFacts(row.facts, trade, moved);
  const isCut = !FINE.includes(trade.reason);
  row.reason.hidden = !isCut;
  say(row.reason, isCut ? t("trade_reason", { reason: trade.reason.replaceAll("_", " ") }) : "");
}

function showFacts(list, trade, moved) {
  const isPaid = trade.paid_wei !== null;
  const facts = [
    ["trade_moved", `${milliWattHours(moved)} mWh`, ""],
    ["trade_price", `${price(trade.price_gwei_per_kwh)} ETH/kWh`, ""],
    isPaid ? ["trade_paid", money(trade.paid_wei), exactMoney(trade.paid_wei)]
      : ["trade_escrow", money(trade.cost_wei), exactMoney(trade.cost_wei)],
    isPaid && trade.refunded_wei !== "0" ? ["trade_refunded", money(trade.refunded_wei), exactMoney(trade.refunded_wei)] : null,
    trade.seller_uwh === null ? null : ["trade_seller_meter", energy(trade.seller_uwh), `${milliWattHours(trade.seller_uwh)} mWh`],
    trade.buyer_uwh === null ? null : ["trade_buyer_meter", energy(trade.buyer_uwh), `${milliWattHours(trade.buyer_uwh)} mWh`],
    trade.signed_by === null ? null : ["trade_signed", t(`signed_${trade.signed_by}`), t("signed_why")],
  ].filter(Boolean);
  keep(list, facts, ([key]) => key, ([key]) => {
    const value = html("dd");
    return { node: html("div", {}, html("dt", {}, t(key)), value), value };
  }, (row, [key, text, title]) => {
    say(row.value, text);
    row.value.title = title;
    row.value.classList.toggle("warn", key === "trade_signed" && trade.signed_by !== "both");
  });
}
