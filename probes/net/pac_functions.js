// What a PAC file may call (Netscape's "Navigator Proxy Auto-Config File Format", March 1996),
// written anew. The sandbox holds nothing else: no file, no network, no timer.
// Names are looked up outside: an unknown one is noted in `wanted`, and the script is run again.
(function () {
  "use strict";
  const { parse, stringify } = JSON;
  const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
  const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  const UNITS = { year: 10000, month: 100, day: 1 };
  let known = new Map(), wanted = new Set(), own = "", now = 0;

  function number(address) {
    const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
    if (parts === null || parts.slice(1).some((part) => part > 255)) return null;
    return parts.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0);
  }

  function within(first, value, last) {
    return first <= last ? first <= value && value <= last : first <= value || value <= last;
  }

  // A year, a month or a day of the month, by its looks.
  function datePart(word) {
    const month = MONTHS.indexOf(String(word).toUpperCase());
    if (month >= 0) return ["month", month];
    return [Number(word) > 31 ? "year" : "day", Number(word)];
  }

  // The arguments without a last "GMT", and how the clock is read.
  function clock(words) {
    const isGmt = String(words[words.length - 1]).toUpperCase() === "GMT";
    const at = new Date(now), how = isGmt ? "getUTC" : "get";
    return [isGmt ? words.slice(0, -1) : words, (part) => at[how + part]()];
  }

  const offered = {
    isPlainHostName: (host) => !String(host).includes("."),
    dnsDomainIs: (host, domain) => String(host).toLowerCase().endsWith(String(domain).toLowerCase()),
    localHostOrDomainIs: (host, name) =>
      host === name || (!String(host).includes(".") && String(name).startsWith(host + ".")),
    dnsDomainLevels: (host) => String(host).split(".").length - 1,
    shExpMatch(text, pattern) {
      const words = String(pattern).replace(/[\\^$+.()|{}[\]]/g, "\\$&");
      const expression = words.replace(/\*+/g, "[^]*").replace(/\?/g, "[^]");
      return new RegExp("^" + expression + "$").test(String(text));
    },
    dnsResolve(host) {
      if (number(host) !== null) return String(host);
      const name = String(host).toLowerCase();
      if (!known.has(name)) wanted.add(name);
      return known.get(name) ?? null;
    },
    isResolvable: (host) => offered.dnsResolve(host) !== null,
    isInNet(host, pattern, mask) {
      const [found, base, bits] = [offered.dnsResolve(host), pattern, mask].map(number);
      if (found === null || base === null || bits === null) return false;
      return (found & bits) === (base & bits);
    },
    convert_addr: (address) => (number(address) ?? 0) | 0,
    myIpAddress: () => own,
    alert() {},
    weekdayRange(...words) {
      const [days, read] = clock(words);
      const [first, last = first] = days.map((day) => DAYS.indexOf(String(day).toUpperCase()));
      return first >= 0 && last >= 0 && within(first, read("Day"), last);
    },
    dateRange(...words) {
      const [given, read] = clock(words);
      const today = { year: read("FullYear"), month: read("Month"), day: read("Date") };
      const parts = given.map(datePart);
      const size = new Set(parts.map(([kind]) => kind)).size;
      const isOdd = !size || ![size, 2 * size].includes(parts.length);
      if (isOdd || parts.some(([, value]) => Number.isNaN(value))) return false;
      const first = parts.slice(0, size), last = parts.slice(-size);
      const sum = (some) => some.reduce((total, [kind, value]) => total + value * UNITS[kind], 0);
      return within(sum(first), sum(first.map(([kind]) => [kind, today[kind]])), sum(last));
    },
    timeRange(...words) {
      const [given, read] = clock(words);
      const at = (hour, minute, second) => (hour * 60 + minute) * 60 + second;
      const here = at(read("Hours"), read("Minutes"), read("Seconds"));
      const [a, b, c, d, e, f] = given.map(Number);
      switch (given.length) {
        case 1: return within(at(a, 0, 0), here, at(a, 59, 59));
        case 2: return within(at(a, 0, 0), here, at(b, 59, 59)); // as browsers do: to the end of the hour
        case 4: return within(at(a, b, 0), here, at(c, d, 59));
        case 6: return within(at(a, b, c), here, at(d, e, f));
        default: return false;
      }
    },
  };
  Object.assign(globalThis, offered);

  return function decide(text) {
    const told = parse(text);
    ({ own, now } = told);
    known = new Map(Object.entries(told.known));
    wanted = new Set();
    let answer = null;
    try {
      answer = FindProxyForURL(told.url, told.host);
    } catch (error) {
      // It may have stumbled over a name that is about to be looked up.
      if (!wanted.size) throw error;
    }
    if (answer !== null && answer !== undefined && typeof answer !== "string" && !wanted.size)
      throw new TypeError("its answer is no text");
    return stringify({ answer: typeof answer === "string" ? answer : "", wanted: [...wanted] });
  };
})();
