// How a house trades, in its card: asked for when it is opened, changed by the house itself.
import { get, post } from "./api.js";
import { html, say } from "./dom.js";
import { language, price, t, typed } from "./format.js";

const ORDERS = ["use-trade-store", "use-store-trade"];
const MOST = 10;
const WHEN = { dateStyle: "medium", timeStyle: "short", hour12: false };
// What the agent of each kind of house goes by.
const FIELDS = {
  prosumer: ["lowest_selling", "order", "reserve_permille", "buyers", "highest_buying", "producers"],
  consumer: ["highest_buying", "producers"],
};

export function makePreferences(house) {
  const card = { house, path: `/api/houses/${encodeURIComponent(house.name)}/preferences`, fields: {} };
  card.body = html("div");
  card.state = html("span", { class: "hint" });
  card.node = html("details", { class: "wishes", ontoggle: () => card.node.open && load(card) },
    html("summary", {}, t("wishes"), " ", card.state), card.body);
  return card;
}

export function showPreferences(card, snapshot, me) {
  card.node.hidden = card.house.name !== me || !(card.house.kind in FIELDS);
  card.market = snapshot.site.market;
}

async function load(card) {
  try {
    show(card, await get(card.path));
  } catch (problem) {
    card.body.replaceChildren(html("p", { class: "form-error" }, problem.message));
  }
}

function show(card, record) {
  card.record = record;
  if (record.problem) return card.body.replaceChildren(html("p", { class: "hint" }, record.problem));
  const wanted = FIELDS[record.kind] ?? [];
  const id = (name) => `wish-${record.house}-${name}`;
  card.fields = {};
  card.automatic = html("input", { type: "checkbox", id: id("is_automatic"), role: "switch" });
  card.automatic.checked = record.preferences.is_automatic;
  field(card, "is_automatic", html("label", { class: "wish-switch" }, card.automatic, html("span", {}, t("wish_automatic"))), t("wish_automatic_hint"));
  for (const name of wanted) makeField(card, name, id(name));
  card.error = html("p", { class: "form-error", role: "alert" });
  card.done = html("p", { class: "form-done", role: "status" });
  card.send = html("button", { type: "submit", class: "primary" }, t("wish_save"));
  const form = html("form", { novalidate: "", autocomplete: "off", "aria-label": t("wishes_of", { house: record.house }),
                              onsubmit: (event) => save(card, event) },
    ...Object.values(card.fields).map((one) => one.node), card.error, card.send, card.done,
    html("p", { class: "hint" }, lastChange(record)));
  form.addEventListener("input", () => say(card.done, ""));
  card.body.replaceChildren(form);
  showState(card);
}

function field(card, name, content, hint) {
  const note = html("p", { class: "hint" }, hint);
  const problem = html("p", { class: "form-error", role: "alert" });
  const node = html("div", { class: "field" }, ...[content].flat(), note, problem);
  return (card.fields[name] = { node, note, problem });
}

function makeField(card, name, id) {
  const { record } = card;
  if (name === "buyers" || name === "producers") return makePicks(card, name);
  if (name === "order") return makeOrder(card, id);
  const isPrice = name !== "reserve_permille";
  const member = isPrice ? `${name}_gwei_per_kwh` : name;
  const shown = (value) => (value === null ? "" : isPrice ? price(value) : value / 10);
  const usual = shown(record.usual[member]);
  const input = html("input", { id, inputmode: "decimal", maxlength: "40", placeholder: usual });
  input.value = shown(record.preferences[member]);
  const unit = html("span", { "aria-hidden": "true" }, isPrice ? "ETH/kWh" : "%");
  const label = html("label", { for: id }, t(`wish_${name}`));
  const hint = usual === "" ? t("wish_buys_nothing") : t("wish_usual", { usual: `${usual} ${unit.textContent}` });
  const made = field(card, name, [label, html("div", { class: "input" }, input, unit)], hint);
  made.value = () => (isPrice ? input.value.trim() || null : permille(input.value));
  made.input = input;
}

// Per cent as people type them; what is none of these the hub refuses.
function permille(text) {
  if (!text.trim()) return null;
  const found = typed(text, 1);
  return found === null ? text : Number(found);
}

function makeOrder(card, id) {
  const select = html("select", { id }, ...ORDERS.map((one) => html("option", { value: one }, t(`wish_${one}`))));
  select.value = card.record.preferences.order ?? card.record.usual.order;
  const made = field(card, "order", [html("label", { for: id }, t("wish_order")), select], "");
  made.value = () => (select.value === card.record.usual.order ? null : select.value);
  made.input = select;
}

// Houses, places and types to tick; the order of ticking is kept, for it decides at equal prices.
function makePicks(card, name) {
  const { record } = card;
  const kept = [...record.preferences[name]];
  const all = [...new Set([...record.choices[name], ...kept])];
  const boxes = all.map((one) => {
    const box = html("input", { type: "checkbox", value: one });
    box.checked = kept.includes(one);
    box.addEventListener("change", () => {
      if (box.checked) kept.push(one);
      else kept.splice(kept.indexOf(one), 1);
      for (const other of boxes) other.disabled = !other.checked && kept.length >= MOST;
    });
    return box;
  });
  for (const box of boxes) box.disabled = !box.checked && kept.length >= MOST;
  const picks = boxes.map((box) => html("label", { class: "pick" }, box, html("span", {}, box.value)));
  const legend = html("legend", {}, t(`wish_${name}`));
  const isTogether = !["decentralised", "hybrid"].includes(card.market);
  const hint = t(`wish_${name}_hint`) + (isTogether ? ` ${t(`wish_${name}_book`)}` : "");
  const made = field(card, name, html("fieldset", { class: "picks" }, legend, html("div", {}, ...picks)), hint);
  made.value = () => [...kept];
  made.input = boxes[0];
}

function showState(card) {
  const { preferences, trades_with: chosen } = card.record;
  const words = [t(preferences.is_automatic ? "wish_state_on" : "wish_state_off")];
  for (const [side, houses] of Object.entries(chosen)) {
    if (houses) words.push(t(`wish_state_${side}`, { houses: houses.join(", ") || t("wish_nobody") }));
  }
  say(card.state, `· ${words.join(", ")}`);
}

function lastChange({ changes }) {
  if (!changes.length) return t("wish_unchanged");
  const [{ at_ms: at, by }] = changes;
  return t("wish_changed", { by, at: new Date(at).toLocaleString(language, WHEN) });
}

async function save(card, event) {
  event.preventDefault();
  for (const one of Object.values(card.fields)) complain(one, "");
  say(card.error, "");
  say(card.done, "");
  card.send.disabled = true;
  const body = { peer: card.house.name, is_automatic: card.automatic.checked };
  for (const [name, one] of Object.entries(card.fields)) if (one.value) body[name] = one.value();
  try {
    show(card, await post(card.path, body));
    say(card.done, t("wish_done"));
  } catch (problem) {
    showProblem(card, problem);
  }
  card.send.disabled = false;
}

function showProblem(card, problem) {
  const wrong = Object.entries(problem.fields ?? {}).filter(([name]) => card.fields[name]);
  for (const [name, sentence] of wrong) complain(card.fields[name], sentence);
  if (wrong.length) card.fields[wrong[0][0]].input?.focus();
  else say(card.error, problem.message);
}

function complain(one, sentence) {
  one.node.classList.toggle("wrong", sentence !== "");
  if (sentence) one.input?.setAttribute("aria-invalid", "true");
  else one.input?.removeAttribute("aria-invalid");
  say(one.problem, sentence);
}
