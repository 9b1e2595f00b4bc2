// Timestamps as Kubernetes writes them: RFC 3339 with upper-case T and Z or an offset, at most nanoseconds kept. Strict: 24:00, second
// 60, the 30th of February and blanks around are not timestamps. Does not look at calendars other than the proleptic Gregorian one.

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const dayMs = 86_400_000;

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `count` digits from `at`, or NaN. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970-01-01 of a date that exists. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const before = year - 1;
  // The leap days of the years before this one; year 0 is one of them.
  const leapDays = year === 0 ? 0 : Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) + 1;
  const thisYear = (daysBefore[month - 1] as number) + (month > 2 && isLeap(year) ? 1 : 0) + day - 1;
  return year * 365 + leapDays + thisYear - 719_528;
}

/** Milliseconds since the epoch, with their fraction, or undefined when the text is not a timestamp. */
export function parseRfc3339(text: string): number | undefined {
  const length = text.length;
  if (length < 20 || length > 64) return undefined;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":") return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  let at = 19;
  let fractionMs = 0;
  if (text[at] === ".") {
    const start = ++at;
    for (let unit = 100; at < length; at++, unit /= 10) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      if (at - start < 9) fractionMs += digit * unit;
    }
    if (at === start) return undefined;
  }
  const offsetMinutes = zone(text, at);
  if (offsetMinutes === undefined) return undefined;
  const secondsOfDay = (hour * 60 + minute - offsetMinutes) * 60 + second;
  return daysSinceEpoch(year, month, day) * dayMs + secondsOfDay * 1000 + fractionMs;
}

/** The zone's offset in minutes; undefined when what stands there is no zone, or is not the end. */
function zone(text: string, at: number): number | undefined {
  const sign = text[at];
  if (sign === "Z") return at + 1 === text.length ? 0 : undefined;
  if ((sign !== "+" && sign !== "-") || at + 6 !== text.length || text[at + 3] !== ":") return undefined;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  return sign === "-" ? -(hours * 60 + minutes) : hours * 60 + minutes;
}
