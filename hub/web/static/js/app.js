// Asks the hub once a second while the page is visible and shows what it answers.
import { showAlarms } from "./alarms.js";
import { get } from "./api.js";
import { showBargains } from "./bargain.js";
import { showBook, wireDialog } from "./book.js";
import { showBus } from "./bus.js";
import { watchCloud } from "./cloud.js";
import { byId, html, keep, say } from "./dom.js";
import { watchEvents } from "./events.js";
import { clearErrors, preferSide, showForm, wireForm } from "./form.js";
import { age, language, t } from "./format.js";
import { showHouses } from "./houses.js";
import { showPanel } from "./panel.js";
import { phaseOf, showTimeline } from "./timeline.js";
import { showTrades } from "./trades.js";

const SNAPSHOT_MS = 1000;
const HISTORY_MS = 5000;
const STALE_MS = 4000;

const seen = { snapshot: null, at: 0, history: {}, historyAt: -HISTORY_MS, isAsking: false };
const me = () => byId("as").value;
const kindOf = (name) => seen.snapshot.houses.find((house) => house.name === name)?.kind;

async function refresh() {
  if (seen.isAsking) return;
  seen.isAsking = true;
  try {
    if (performance.now() - seen.historyAt >= HISTORY_MS) {
      seen.history = await get("/api/history");
      seen.historyAt = performance.now();
    }
    seen.snapshot = await get(`/api/snapshot?peer=${encodeURIComponent(me())}`);
    seen.at = performance.now();
    show();
  } catch (problem) {
    if (seen.at && performance.now() - seen.at < STALE_MS) console.info(problem.message);
  } finally {
    seen.isAsking = false;
    showLink();
  }
}

function show() {
  const { snapshot, history } = seen;
  showPeers(snapshot.site);
  say(byId("site-name"), snapshot.site.name);
  say(byId("clock-label"), snapshot.site.speed > 1 ? t("clock_fast", { speed: snapshot.site.speed }) : t("clock"));
  say(byId("scale-note"), snapshot.site.model_scale > 1 ? t("scale_note", { scale: snapshot.site.model_scale }) : "");
  say(byId("foot"), t("foot"));
  byId("notices").hidden = snapshot.notices.length === 0;
  keep(byId("notices"), snapshot.notices, (text) => text, (text) => ({ node: html("span", {}, text) }), () => {});
  showPanel(snapshot.panel, refresh);
  showAlarms(snapshot, me, refresh);
  showBus(snapshot, me());
  showBook(snapshot, me(), refresh);
  showBargains(snapshot, me(), refresh);
  showForm(snapshot, me());
  showTrades(snapshot, me());
  showHouses(snapshot, history, me(), refresh);
  tick();
}

function showPeers(site) {
  const select = byId("as");
  if (select.options.length === site.peers.length) return;
  select.replaceChildren(...site.peers.map((name) => html("option", { value: name }, name)));
  const kept = localStorage.getItem("as");
  if (site.peers.includes(kept)) select.value = kept;
  preferSide(kindOf(me()));
}

// What moves between two snapshots: the clock, the countdown and the needle.
function tick() {
  if (!seen.snapshot) return;
  const passedMs = performance.now() - seen.at;
  const nowS = (seen.snapshot.now_ms + passedMs) / 1000;
  const window = seen.snapshot.window;
  showTimeline(window && phaseOf(window, nowS) !== "over" ? window : null, nowS, seen.snapshot.site);
  const { time_local: local, speed } = seen.snapshot.site;
  if (!local) return;
  // The site's wall clock is read as if it were UTC: its zone need not be the browser's.
  const shown = new Date(Date.parse(`${local.slice(0, 23)}Z`) + passedMs * speed);
  const style = { timeZone: "UTC", hour: "2-digit", minute: "2-digit", hour12: false, weekday: "short", day: "numeric", month: "short" };
  say(byId("clock"), shown.toLocaleString(language, style));
}

function showLink() {
  const staleMs = seen.at ? performance.now() - seen.at : Infinity;
  const isLost = staleMs > STALE_MS;
  byId("live").className = `live ${isLost ? "bad" : "ok"}`;
  say(byId("live"), t(isLost ? "lost" : "live"));
  byId("trouble").hidden = !isLost || !seen.at;
  if (isLost && seen.at) say(byId("trouble"), t("lost_text", { age: age(staleMs) }));
}

function wire() {
  byId("as").addEventListener("change", () => {
    localStorage.setItem("as", me());
    clearErrors("order");
    say(byId("order-done"), "");
    preferSide(kindOf(me()));
    show();
    refresh();
  });
  byId("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
  });
  for (const input of document.querySelectorAll("input[name=whose]")) input.addEventListener("change", show);
  wireForm(me, refresh);
  wireDialog();
  addEventListener("resize", () => seen.snapshot && show());
  document.addEventListener("visibilitychange", () => !document.hidden && refresh());
  setInterval(() => !document.hidden && refresh(), SNAPSHOT_MS);
  setInterval(() => !document.hidden && tick(), 250);
}

wire();
refresh();
watchCloud();
watchEvents();
