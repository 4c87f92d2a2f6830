// Whole numbers of any size (BigInt): arithmetic as the engine's, and how they are written.

// Set where a size was divided by less than 1, which the engine refuses.
let divided_by_less_than_one = false;

const arithmetic = {
  floor(a, b) {
    if (b < 1n) {
      divided_by_less_than_one = true;
      return 0n;
    }
    const quotient = a / b;
    return a % b < 0n ? quotient - 1n : quotient;
  },
  divides: (b, a) => b > 0n && a % b === 0n,
  larger: (a, b) => (a > b ? a : b),
  smaller: (a, b) => (a < b ? a : b),
};

const grouped = (value) => value.toString().replace(/\B(?=(\d{3})+$)/g, ",");

const UNITS = ["", " K", " M", " G", " T", " P", " E", " Z", " Y"];

// Four significant digits, rounded half up in whole numbers: 9,472 or 1.583 G.
function rounded(value) {
  if (value < 100000n) return grouped(value);
  let power = 0;
  while (power + 1 < UNITS.length && value >= 1000n ** BigInt(power + 1)) power += 1;
  const unit = 1000n ** BigInt(power);
  let decimals = 3;
  let scaled = 0n;
  for (; ; decimals -= 1) {
    scaled = (2n * value * 10n ** BigInt(decimals) + unit) / (2n * unit);
    if (scaled < 10000n || decimals === 0) break;
  }
  if (decimals === 0 && scaled >= 1000n && power + 1 < UNITS.length) {
    [scaled, decimals, power] = [1000n, 3, power + 1];
  }
  const digits = scaled.toString().padStart(decimals + 1, "0");
  const whole = grouped(digits.slice(0, digits.length - decimals));
  return whole + (decimals ? `.${digits.slice(-decimals)}` : "") + UNITS[power];
}

// Three significant digits, as figures write them: 9,472 or 1.58 G.
function brief(value) {
  if (value < 10000n) return grouped(value);
  for (let power = 1; power < UNITS.length; power += 1) {
    const unit = 1000n ** BigInt(power);
    for (let decimals = 2; decimals >= 0; decimals -= 1) {
      const scaled = (2n * value * 10n ** BigInt(decimals) + unit) / (2n * unit);
      if (scaled >= 1000n) continue;
      const digits = scaled.toString().padStart(decimals + 1, "0");
      return digits.slice(0, digits.length - decimals) + (decimals ? `.${digits.slice(-decimals)}` : "") + UNITS[power];
    }
  }
  return grouped(value);
}

// A share: 58.4%, <0.1% for what is there but small, nothing for what is not.
function percent(part, whole) {
  if (part === 0n || whole === 0n) return "";
  const tenths = (2000n * part + whole) / (2n * whole);
  return tenths ? `${tenths / 10n}.${tenths % 10n}%` : "<0.1%";
}

// How many times another number, in two decimals.
function ratio(value, other) {
  if (other === 0n) return "";
  const hundredths = (200n * value + other) / (2n * other);
  return `${grouped(hundredths / 100n)}.${(hundredths % 100n).toString().padStart(2, "0")}×`;
}

// A part of a whole as a number from 0 to 1, for lengths and areas alone.
const share = (part, whole) => (whole > 0n ? Number((part * 1000000n) / whole) / 1000000 : 0);

function common_divisor(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}

// So many units as people write them: 0.75, 224, 1/3.
function units_text(number, [numerator, denominator]) {
  let above = number * BigInt(numerator);
  let below = BigInt(denominator);
  const common = common_divisor(above, below) || 1n;
  [above, below] = [above / common, below / common];
  if (below === 1n) return above.toString();
  const scale = 1000000n;
  if (scale % below) return `${above}/${below}`;
  const digits = (above * (scale / below)).toString().padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/0+$/, "").replace(/\.$/, "");
}

// The number of units that a text says; null where it says none, or no whole number of them.
function units_number(text, [numerator, denominator]) {
  const found = /^\s*(\d{1,18})(?:\.(\d{1,9})|\s*\/\s*(\d{1,9}))?\s*$/.exec(text);
  if (!found) return null;
  const decimals = found[2] || "";
  const above = BigInt(found[1] + decimals) * BigInt(denominator);
  const below = (found[3] ? BigInt(found[3]) : 10n ** BigInt(decimals.length)) * BigInt(numerator);
  return below > 0n && above % below === 0n ? above / below : null;
}
