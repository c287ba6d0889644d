// The trading window as a band: when orders, deliveries and settlement happen, and where we are.
import { byId, html, say } from "./dom.js";
import { countdown, price, t } from "./format.js";

const SPANS = [
  ["bids", "bid_start_s", "bid_end_s"],
  ["taking", "bid_end_s", "clear_by_s"],
  ["delivery", "delivery_start_s", "delivery_end_s"],
  ["reporting", "delivery_end_s", "report_by_s"],
];
const SHOWN_REPORTING = 0.35; // the refund deadline may be a day away: that span is cut short
const LABEL_PX = 76;
const TICK_PX = 52;

let drawn = { key: null };

export function showTimeline(window, nowS, site) {
  const box = byId("timeline");
  box.hidden = !window;
  say(byId("window-title"), window ? t("window_number", { id: window.window_id }) : t("window_title"));
  if (!window) {
    drawn = { key: null };
    say(byId("window-caption"), [t("no_window"), ...hours(site)].join(" "));
    say(byId("window-kind"), "");
    return;
  }
  const phase = phaseOf(window, nowS);
  say(byId("window-kind"), kindText(window));
  const key = `${window.window_id} ${box.clientWidth}`;
  if (drawn.key !== key) drawn = { ...draw(box, window), key };
  for (const [name, node] of drawn.spans) node.classList.toggle("now", name === phase);
  drawn.needle.style.left = `${drawn.percent(Math.min(nowS, window.report_by_s))}%`;
  tell(window, phase, nowS);
}

// How orders become trades here, and what is published of it so far.
function kindText(window) {
  const said = [t(`kind_${window.kind}`)];
  if (window.community) said.push(t(window.stage === "segment" ? "kind_on_segment" : "kind_inside", { community: window.community }));
  if (window.stage === "between") said.push(t("kind_between"));
  if (window.meets_grid) said.push(t("kind_grid"));
  if (window.needs_approval) said.push(t("kind_approval"));
  if (window.sell_gwei_per_kwh !== null) {
    const [sell, buy] = [window.sell_gwei_per_kwh, window.buy_gwei_per_kwh].map(price);
    said.push(t(sell === buy ? "book_price" : "book_prices", { sell, buy }));
  }
  if (window.is_cleared) said.push(t("book_cleared"));
  return said.join(" ");
}

const hours = ({ bids_local: spans }) =>
  spans.length ? [t("order_hours", { spans: spans.map((span) => span.replace("-", "–")).join(", ") })] : [];

export function phaseOf(window, nowS) {
  const ends = [["before", window.bid_start_s], ["bids", window.bid_end_s], ["taking", window.clear_by_s],
    ["waiting", window.delivery_start_s], ["delivery", window.delivery_end_s], ["reporting", window.report_by_s]];
  return ends.find(([, end]) => nowS < end)?.[0] ?? "over";
}

function tell(window, phase, nowS) {
  const ends = { before: "bid_start_s", bids: "bid_end_s", taking: "clear_by_s", waiting: "delivery_start_s",
    delivery: "delivery_end_s", reporting: "report_by_s" }[phase];
  const caption = byId("window-caption");
  const left = ends ? countdown(window[ends] - nowS) : "";
  if (!caption.parts) {
    caption.parts = [document.createTextNode(""), html("span", { class: "count" })];
    caption.replaceChildren(...caption.parts);
  }
  if (!caption.contains(caption.parts[1])) caption.replaceChildren(...caption.parts);
  const word = phase === "taking" && window.has_book ? "clearing" : phase;
  say(caption.parts[0], t(`phase_${word}`) + (ends ? " " : ""));
  say(caption.parts[1], left);
}

function draw(box, window) {
  const trading = window.delivery_end_s - window.bid_start_s;
  const end = Math.min(window.report_by_s, window.delivery_end_s + Math.ceil(trading * SHOWN_REPORTING));
  const percent = (at) => Math.max(0, Math.min(100, (100 * (at - window.bid_start_s)) / (end - window.bid_start_s)));
  const pixels = box.clientWidth / 100;
  const spans = new Map();
  const track = html("div", { class: "track" });
  for (const [name, start, stop] of SPANS) {
    const share = percent(window[stop]) - percent(window[start]);
    if (share <= 0) continue;
    const label = t(name === "taking" && window.has_book ? "span_clearing" : `span_${name}`);
    const node = html("div", { class: `span ${name}`, title: label }, share * pixels > LABEL_PX ? label : "");
    node.style.left = `${percent(window[start])}%`;
    node.style.width = `${share}%`;
    spans.set(name, node);
    track.append(node);
  }
  const needle = html("div", { class: "needle" });
  box.replaceChildren(track, needle, ...ticks(window, percent, TICK_PX / pixels));
  return { spans, needle, percent };
}

function ticks(window, percent, apart) {
  const shown = [];
  for (const name of ["bid_start_s", "bid_end_s", "delivery_start_s", "delivery_end_s"]) {
    const [at, text] = [percent(window[name]), window.local[name]];
    if (!text || shown.some((one) => Math.abs(one.at - at) < apart)) continue;
    const node = html("span", { class: `tick ${at < 2 ? "first" : at > 98 ? "last" : ""}` }, text);
    node.style.left = `${at}%`;
    shown.push({ at, node });
  }
  return shown.map((one) => one.node);
}
