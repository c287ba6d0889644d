// Exact integers in (uWh, uW, gwei/kWh; wei as decimal strings), what people read out.
const words = JSON.parse(document.getElementById("words").textContent);
export const language = document.documentElement.lang;

export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// A number with three significant digits and the unit that suits it.
function scaled(value, units) {
  const size = Math.abs(value);
  const [factor, unit] = units.find(([factor]) => size >= factor) ?? units[units.length - 1];
  const number = value / factor;
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return `${number.toFixed(digits).replace("-", "−")} ${unit}`;
}

// A meter at rest still counts a few steps of its converter: below that it is nothing.
export const NOTHING_UW = 5_000;
export const power = (uw) =>
  Math.abs(uw) < NOTHING_UW ? "0 W" : scaled(uw, [[1e9, "kW"], [1e6, "W"], [1e3, "mW"]]);
export const apparent = (uva) =>
  uva < NOTHING_UW ? "0 VA" : scaled(uva, [[1e9, "kVA"], [1e6, "VA"], [1e3, "mVA"]]);
export const energy = (uwh) => (uwh === 0 ? "0 mWh" : scaled(uwh, [[1e9, "kWh"], [1e6, "Wh"], [1e3, "mWh"], [1, "µWh"]]));
export const apparentHours = (uvah) => uvah === 0 ? "0 VAh" : scaled(uvah, [[1e9, "kVAh"], [1e6, "VAh"], [1e3, "mVAh"], [1, "µVAh"]]);
export const voltage = (uv) => `${(uv / 1e6).toFixed(2)} V`;

// Exact text of value / 10^places, without trailing zeros.
function decimal(value, places) {
  const number = BigInt(value);
  const digits = (number < 0n ? -number : number).toString().padStart(places + 1, "0");
  const whole = digits.slice(0, -places);
  const rest = digits.slice(-places).replace(/0+$/, "");
  return (number < 0n ? "−" : "") + whole + (rest ? `.${rest}` : "");
}

export const milliWattHours = (uwh) => decimal(uwh, 3);
export const price = (gweiPerKwh) => decimal(gweiPerKwh, 9);
export const exactMoney = (wei) => `${decimal(wei, 18)} ETH`;

// Money as people read it, four significant digits; exactMoney stands in the title.
export function money(wei) {
  const number = BigInt(wei);
  const size = number < 0n ? -number : number;
  if (size === 0n) return "0 ETH";
  if (size >= 10n ** 14n) return `${decimal((number / 10n ** 12n) * 10n ** 12n, 18)} ETH`;
  if (size >= 10n ** 10n) return `${decimal(number / 10n ** 9n, 3)} µETH`;
  return `${decimal(number, 9)} gwei`;
}

// The typed decimal times 10^places as BigInt; null when it is no plain decimal. The hub has the
// last word on what people type; this only feeds the live total.
export function typed(text, places) {
  const match = /^\s*(\d{1,12})?(?:[.,](\d*))?\s*$/.exec(text);
  if (!match || (!match[1] && !match[2]) || (match[2] ?? "").length > places) return null;
  return BigInt((match[1] ?? "0") + (match[2] ?? "").padEnd(places, "0"));
}

export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(left % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

export function age(ms) {
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
