// Where houses, relays and the bus stand. A place has the house's origin (`at`: the middle of its
// eaves) and two branches as [[x of house, x of bus], [y of house, y of bus]].
const SPREAD = 24;       // of the two relays from the middle of the house
const ROOF = 42 / 72;    // slope of the roof
const GAUGE = 46;

function sides(houses) {
  const sellers = houses.filter((one) => one.kind === "prosumer");
  const others = houses.filter((one) => one.kind !== "prosumer");
  if (sellers.length && others.length && sellers.length <= 2 * others.length + 1) return [sellers, others];
  const half = Math.ceil(houses.length / 2);
  return [houses.slice(0, half), houses.slice(half)];
}

export function wide(houses) {
  const [above, below] = sides(houses);
  const most = Math.max(above.length, below.length, 1);
  const width = Math.max(1000, 170 * most + 170);
  const room = width - 150;
  const busY = 232;
  const places = new Map();
  above.forEach((house, index) => {
    const x = (room * (index + 0.5)) / above.length;
    places.set(house.name, place([x, 40], (way) => [[x + way, x + way], [132, busY]]));
  });
  below.forEach((house, index) => {
    const x = (room * (index + 0.5)) / below.length;
    const top = 348;
    places.set(house.name, place([x, top], (way) =>
      [[x + way, x + way], [top - 16 + SPREAD * ROOF, busY]]));
  });
  return {
    width, height: below.length ? 458 : 300, places,
    bus: [`30 ${busY}`, `${width - 104} ${busY}`], label: [32, busY - 14],
    gauge: [width - 60, busY],
  };
}

export function narrow(houses) {
  const [left, right] = sides(houses);
  const [width, step, busX, first] = [390, 132, 195, 50];
  const rows = Math.max(left.length, right.length);
  const places = new Map();
  const stand = (list, x, wall) => list.forEach((house, index) => {
    const y = first + step * (index + (list.length < rows ? 0.5 : 0));
    places.set(house.name, place([x, y], (way) => [[wall, busX], [y + 56 + way * 0.85, y + 56 + way * 0.85]]));
  });
  stand(left, 76, 138);
  stand(right, 314, 252);
  const end = first + step * rows;
  return {
    width, height: end + 2 * GAUGE + 12, places,
    bus: [`${busX} 14`, `${busX} ${end + 6}`], label: [busX + 14, 20], gauge: [busX, end + 6 + GAUGE],
  };
}

const place = (at, branch) => ({ at, out: branch(-SPREAD), in: branch(SPREAD) });
