// The live picture of each bus segment: houses that can sell above (left on a phone), the others
// below; every house hangs on it by two relays, and energy is seen flowing while a turn runs.
import { byId, icon, say, svg } from "./dom.js";
import { apparent, energy, power, t } from "./format.js";
import { wide, narrow } from "./layout.js";

const NARROW_BELOW_PX = 700;
let drawn = { key: "", segments: new Map() };

export function showBus(snapshot, me) {
  const box = byId("bus");
  const isNarrow = box.clientWidth < NARROW_BELOW_PX;
  const key = JSON.stringify([isNarrow, snapshot.houses.map((one) => [one.name, one.kind, one.segment])]);
  if (key !== drawn.key) {
    drawn = { key, segments: new Map(snapshot.bus.map(({ segment }) => {
      const houses = snapshot.houses.filter((one) => one.segment === segment);
      return [segment, draw(houses, (isNarrow ? narrow : wide)(houses), rail(snapshot, segment))];
    })) };
    box.replaceChildren(...[...drawn.segments.values()].map((one) => one.picture));
  }
  const scale = snapshot.site.model_scale;
  const sentences = snapshot.bus.map(({ segment, turn, waiting }) => {
    const part = drawn.segments.get(segment);
    for (const house of snapshot.houses.filter((one) => one.segment === segment))
      updateHouse(part.houses.get(house.name), house, { turn, me, scale });
    updateFlow(part, turn);
    updateGauge(part.gauge, turn);
    const sentence = caption(turn, waiting.length);
    part.picture.setAttribute("aria-label", sentence);
    return snapshot.bus.length > 1 ? `${segment}: ${sentence}` : sentence;
  });
  say(byId("bus-caption"), sentences.join(" "));
}

const rail = (snapshot, segment) => snapshot.bus.length > 1 ? `${t("bus_label")} ${segment}` : t("bus_label");

function caption(turn, waiting) {
  const queue = waiting ? " " + t("bus_waiting", { n: waiting }) : "";
  if (!turn) return (waiting ? "" : t("bus_idle")) + queue.trim();
  const parts = {
    ...turn,
    power: power(turn.power_uw ?? 0),
    done: energy(turn.moved_uwh),
    agreed: energy(turn.energy_uwh),
  };
  const word = turn.is_flowing ? "delivering" : turn.moved_uwh > 0 ? "disconnecting" : "connecting";
  return t(`bus_${word}`, parts) + queue;
}

function draw(houses, layout, name) {
  const picture = svg("svg", { viewBox: `0 0 ${layout.width} ${layout.height}`, role: "img" });
  const [from, to] = layout.bus;
  picture.append(
    svg("path", { class: "rail", d: `M${from} L${to}` }),
    svg("path", { class: "rail core", d: `M${from} L${to}` }),
    svg("text", { class: "rail-label", x: layout.label[0], y: layout.label[1] }, name),
  );
  const parts = new Map();
  const behind = svg("g");
  picture.append(behind);
  const flow = svg("g", { class: "flow-group" },
    svg("path", { class: "flow-glow" }), svg("path", { class: "flow" }));
  picture.append(flow);
  for (const house of houses) {
    const place = layout.places.get(house.name);
    const out = relay(place.out, "out", place.in);
    const into = relay(place.in, "in", place.out);
    const body = houseBody(house, place);
    behind.append(out.node, into.node);
    picture.append(body.node);
    parts.set(house.name, { ...body, out, into, place });
  }
  const gauge = drawGauge(layout.gauge);
  picture.append(gauge.node);
  return { picture, houses: parts, flow, gauge };
}

// A branch from the house to the bus with a contact in its middle; the lever swings open, away
// from the other branch.
function relay(branch, way, other) {
  const at = (part) => branch.map(([from, to]) => from + (to - from) * part);
  const [x1, y1] = at(0), [x2, y2] = at(0.32), [x3, y3] = at(0.68), [x4, y4] = at(1);
  const lever = svg("path", { class: "lever", d: `M0 0 L${x3 - x2} ${y3 - y2}` });
  const [awayX, awayY] = [x1 - other[0][0], y1 - other[1][0]];
  const isClockwise = (y2 - y3) * awayX + (x3 - x2) * awayY > 0;
  lever.style.setProperty("--swing", isClockwise ? "34deg" : "-34deg");
  const node = svg("g", { class: `relay ${way}` },
    svg("path", { class: "wire", d: `M${x1} ${y1} L${x2} ${y2} M${x3} ${y3} L${x4} ${y4}` }),
    svg("g", { transform: `translate(${x2} ${y2})` }, lever),
    svg("circle", { class: "contact", cx: x2, cy: y2, r: 4 }),
    svg("circle", { class: "contact", cx: x3, cy: y3, r: 4 }),
    svg("circle", { class: "joint", cx: x4, cy: y4, r: 4.5 }),
    label(way, branch, [Math.sign(awayX), Math.sign(awayY)]));
  return { node };
}

// Names a branch, on the side of its sister: its own lever swings to the other.
function label(way, branch, [awayX, awayY]) {
  const [x, y] = branch.map(([from, to]) => (from + to) / 2);
  const anchor = awayX < 0 ? "start" : awayX > 0 ? "end" : "middle";
  return svg("text", { class: "way", x: x - 8.5 * awayX, y: y - 12 * awayY + 4, "text-anchor": anchor }, way);
}

function houseBody(house, place) {
  const [x, y] = place.at;
  const shown = house.kind === "prosumer" ? ["pv", "load"] : ["load"];
  const first = house.kind === "prosumer" ? 56 : 64;
  const lines = {};
  const marks = shown.map((name, index) => {
    const [mark, y] = [icon(name), first + index * 19];
    for (const [key, value] of Object.entries({ x: -42, y: y - 13, width: 16, height: 16 }))
      mark.setAttribute(key, value);
    mark.classList.add(name);
    lines[name] = svg("text", { class: "fact", x: 10, y });
    return mark;
  });
  const panel = house.kind === "prosumer"
    ? svg("path", { class: "panel-glass", d: "M8 -5 L16 -9 L62 17 L54 21 Z M19 -3.7 L27 1 M35 5.3 L46 11.5" }) : null;
  const name = svg("text", { class: "name", x: 0, y: 31 }, house.name);
  const node = svg("g", { class: "home", transform: `translate(${x} ${y})` },
    svg("path", { class: "walls", d: "M-72 26 L0 -16 L72 26 L62 26 L62 86 Q62 92 56 92 L-56 92 Q-62 92 -62 86 L-62 26 Z" }),
    panel, name, ...marks, ...Object.values(lines),
    svg("circle", { class: "online", cx: -50, cy: 80, r: 4 }));
  return { node, lines };
}

// Loads are metered full size; here they stand at the scale of everything else.
function updateHouse(parts, house, { turn, me, scale }) {
  if (!parts) return;
  const { pv, load } = house.measured;
  const used = load?.power_uw ?? house.load_apparent_uva;
  if (parts.lines.pv) say(parts.lines.pv, pv?.power_uw == null ? "–" : power(pv.power_uw));
  const isReal = load?.power_uw != null;
  say(parts.lines.load, used == null ? "–" : (isReal ? power : apparent)(used / scale));
  parts.out.node.classList.toggle("closed", house.relay === "out");
  parts.into.node.classList.toggle("closed", house.relay === "in");
  const classes = parts.node.classList;
  classes.toggle("offline", !house.is_online);
  classes.toggle("mine", house.name === me);
  classes.toggle("sells", turn?.seller === house.name);
  classes.toggle("buys", turn?.buyer === house.name);
  classes.toggle("fault", house.state === "fault");
}

function updateFlow({ houses, flow }, turn) {
  const [seller, buyer] = [turn?.seller, turn?.buyer].map((name) => houses.get(name)?.place);
  const isShown = Boolean(turn?.is_flowing && seller && buyer);
  flow.classList.toggle("on", isShown);
  if (!isShown) return;
  const [[ax, bx], [ay, by]] = seller.out;
  const [[cx, dx], [cy, dy]] = buyer.in;
  const d = `M${ax} ${ay} L${bx} ${by} L${dx} ${dy} L${cx} ${cy}`;
  for (const path of flow.children) if (path.getAttribute("d") !== d) path.setAttribute("d", d);
}

function drawGauge([x, y]) {
  const arc = { cx: 0, cy: 0, r: 38, pathLength: 100, transform: "rotate(-90)" };
  const done = svg("circle", { ...arc, class: "done", "stroke-dasharray": "0 100" });
  const percent = svg("text", { class: "percent", y: 2 });
  const watts = svg("text", { class: "watts", y: 19 });
  const node = svg("g", { class: "gauge", transform: `translate(${x} ${y})` },
    svg("circle", { class: "dial", r: 46 }), svg("circle", { ...arc, class: "track" }), done, percent, watts);
  return { node, done, percent, watts };
}

function updateGauge({ node, done, percent, watts }, turn) {
  const share = turn ? Math.min(100, (100 * turn.moved_uwh) / turn.energy_uwh) : 0;
  node.classList.toggle("on", Boolean(turn));
  done.setAttribute("stroke-dasharray", `${share} 100`);
  say(percent, turn ? `${Math.floor(share)} %` : "0 W");
  say(watts, turn ? power(turn.power_uw ?? 0) : "");
}
